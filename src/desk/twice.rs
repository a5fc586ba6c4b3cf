//! A mail to two of our addresses comes in twice, with other headers each time, and is one message.

use std::collections::HashMap;

use super::{import::ImportError, importer::Importer, letters::Read};
use crate::domain::TicketId;

impl Importer<'_> {
    /// Takes out the letters that another of our mailboxes has already. An id alone proves
    /// nothing: whoever writes can choose it. Writer, subject and text must be the same too.
    pub(super) async fn not_elsewhere(
        &mut self,
        batch: Vec<Read>,
    ) -> Result<Vec<Read>, ImportError> {
        if self.other_sources.is_empty() {
            return Ok(batch);
        }
        let ids: Vec<String> = batch
            .iter()
            .map(|read| read.parsed.rfc_message_id.clone())
            .collect();
        let mut elsewhere: HashMap<String, Vec<TicketId>> = HashMap::new();
        for source in &self.other_sources {
            for known in self.store.known(source, &ids).await? {
                if known.is_message {
                    elsewhere
                        .entry(known.rfc_id)
                        .or_default()
                        .push(known.ticket);
                }
            }
        }
        let mut kept = Vec::with_capacity(batch.len());
        for read in batch {
            let tickets = elsewhere.get(&read.parsed.rfc_message_id);
            if self
                .is_in(&read, tickets.map_or(&[], Vec::as_slice))
                .await?
            {
                self.done.duplicates += 1;
            } else {
                kept.push(read);
            }
        }
        Ok(kept)
    }

    async fn is_in(&self, read: &Read, tickets: &[TicketId]) -> Result<bool, ImportError> {
        let parsed = &read.parsed;
        for ticket in tickets {
            let messages = self.store.messages(*ticket).await?;
            let is_there = messages.iter().any(|message| {
                message.rfc_message_id == parsed.rfc_message_id
                    && message.from.is_same_mailbox(&parsed.from)
                    && message.subject == parsed.subject
                    && message.body == parsed.body
            });
            if is_there {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
