//! What is done about a reply of which nobody knows whether it left: the folder of sent mail is
//! searched for it, and if that does not settle it, a person is asked.

use std::{collections::BTreeMap, time::Duration};

use super::worker::AGAIN;
use crate::{
    desk::{
        Desk, DeskError,
        face::DeskEvent,
        owner::{Fate, Owner},
    },
    domain::{Delivery, OutboxId, OutboxRow, Timestamp},
    source::mail::imap::ImapError,
};

/// How long the folder of sent mail is searched: other replies wait meanwhile.
const SEARCH: Duration = Duration::from_secs(20);
/// So long after a claim ran out it is looked whether it was renewed.
const BEYOND: Duration = Duration::from_millis(100);

impl Desk {
    /// Takes over what senders that died left behind, and looks for what is unsure. Returns what was
    /// found and is sent.
    pub(super) async fn settle_outbox(&self) -> Result<Vec<OutboxId>, DeskError> {
        self.take_over_dead().await?;
        self.look_for_unsure().await
    }

    /// Takes over what senders that died left behind, and looks for what is unsure of it. Returns
    /// when the next claim runs out, where somebody is sending.
    pub(super) async fn settle_dead(&self) -> Result<Option<Timestamp>, DeskError> {
        let (taken_over, next) = self.take_over_dead().await?;
        if taken_over > 0 {
            self.look_for_unsure().await?;
        }
        Ok(next)
    }

    async fn take_over_dead(&self) -> Result<(u32, Option<Timestamp>), DeskError> {
        let now = self.clock.now();
        let (mut taken_over, mut next) = (0, None);
        for underway in self.store.underway().await? {
            let ran_out = underway.lease_until < now;
            let owner = Owner::read(&underway.owner);
            let is_dead = match owner.map_or(Fate::Unknown, |owner| owner.fate(self.store.origin()))
            {
                Fate::Us | Fate::Unknown => ran_out,
                Fate::Alive => false,
                Fate::Dead => true,
            };
            if is_dead {
                self.store.take_over(&underway, now).await?;
                taken_over += 1;
                continue;
            }
            // One that ran out and whose sender lives is looked at again, but not at once.
            let pause = if ran_out { AGAIN } else { BEYOND };
            let then = underway.lease_until.max(now).checked_add(pause);
            let then = then.unwrap_or(Timestamp::MAX);
            next = Some(next.map_or(then, |next: Timestamp| next.min(then)));
        }
        Ok((taken_over, next))
    }

    /// Searches the folders of sent mail for what is unsure, over one connection to each account.
    /// Returns what was found.
    async fn look_for_unsure(&self) -> Result<Vec<OutboxId>, DeskError> {
        let mut sent = Vec::new();
        let mut unsure: BTreeMap<String, Vec<OutboxRow>> = BTreeMap::new();
        for (row, _) in self.store.open_outbox().await? {
            if row.progress.delivery == Delivery::Unsure
                && let Some(post) = &row.post
            {
                unsure.entry(post.account.clone()).or_default().push(row);
            }
        }
        for rows in unsure.into_values() {
            for id in self.in_sent_folder(&rows).await {
                // What stands in the way of one does not keep the others waiting.
                match self.it_was_sent(id).await {
                    Ok(()) => sent.push(id),
                    Err(error) => {
                        tracing::warn!(%error, "a reply that was found could not be noted as sent");
                    }
                }
            }
        }
        Ok(sent)
    }

    /// Notes that an unsure reply has left: it was found, or a person says so.
    pub async fn it_was_sent(&self, id: OutboxId) -> Result<(), DeskError> {
        let row = self.store.outbox_row(id).await?;
        if row.progress.delivery != Delivery::Unsure {
            return Err(DeskError::Nothing("That reply is not unsure."));
        }
        let mime = self.store.outbox_mime(id).await?;
        let mime = mime.ok_or(DeskError::Nothing("The mail of that reply is not kept."))?;
        let said = "it was sent after all";
        if !self.found_sent(&row, &mime, said).await? {
            return Err(DeskError::Nothing(
                "Somebody else has settled that reply meanwhile. Nothing was noted: look at its \
                 ticket.",
            ));
        }
        self.tell(DeskEvent::TicketChanged(row.ticket));
        Ok(())
    }

    /// Returns which replies of one account are in its folder of sent mail. What cannot be looked
    /// at proves nothing.
    pub(super) async fn in_sent_folder(&self, rows: &[OutboxRow]) -> Vec<OutboxId> {
        match tokio::time::timeout(SEARCH, self.look_for(rows)).await {
            Ok(Ok(found)) => return found,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the folder of sent mail could not be searched");
            }
            Err(_) => tracing::warn!("the folder of sent mail could not be searched in time"),
        }
        Vec::new()
    }

    async fn look_for(&self, rows: &[OutboxRow]) -> Result<Vec<OutboxId>, DeskError> {
        let Some(account) = rows.first().and_then(|row| self.account_of(row)) else {
            return Ok(Vec::new());
        };
        let failed = |error: ImapError| DeskError::Mail {
            address: account.address.clone(),
            error,
        };
        let mut mailbox = self.mailbox(&account).await?;
        let found = async {
            let mut found = Vec::new();
            let Some(folder) = mailbox.sent_folder().await? else {
                return Ok(found);
            };
            for row in rows {
                if let Some(post) = &row.post
                    && mailbox.has_message(&folder, &post.rfc_message_id).await?
                {
                    found.push(row.id);
                }
            }
            Ok(found)
        };
        let found = found.await.map_err(failed);
        mailbox.close().await;
        found
    }
}
