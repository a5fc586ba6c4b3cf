//! All that a draft is made from, read over one connection: a person waits for it.

use super::{KnownLinks, Store, StoreError, drafts, known, messages, tickets};
use crate::domain::{Draft, Message, Ticket, TicketId, Timestamp};

/// What a draft is made from.
#[derive(Clone, Debug)]
pub struct DraftFrom {
    /// The ticket; none where there is none of that identity.
    pub ticket: Option<Ticket>,
    /// Its messages, oldest first.
    pub messages: Vec<Message>,
    /// The live draft of the agent.
    pub draft: Option<Draft>,
    /// All that is known of keys and links.
    pub known: KnownLinks,
}

impl Store {
    /// Returns what a draft of an agent for a ticket is made from; of rests, those beyond `now`.
    pub async fn draft_from(
        &self,
        id: TicketId,
        agent: &str,
        now: Timestamp,
    ) -> Result<DraftFrom, StoreError> {
        self.told("read the ticket", async {
            let mut one = self.pool().acquire().await?;
            Ok(DraftFrom {
                ticket: tickets::one(&mut *one, id).await?,
                messages: messages::of(&mut *one, id).await?,
                draft: drafts::live(&mut *one, id, agent).await?,
                known: known::all(&mut *one, now).await?,
            })
        })
        .await
    }
}
