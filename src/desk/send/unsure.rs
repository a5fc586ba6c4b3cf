//! What is done about a reply of which nobody knows whether it left: the folder of sent mail is
//! searched for it, and if that does not settle it, a person is asked.

use crate::{
    desk::{
        Desk, DeskError,
        face::DeskEvent,
        owner::{Fate, Owner},
    },
    domain::{Delivery, OutboxId, OutboxRow},
    source::mail::imap::ImapError,
};

impl Desk {
    /// Takes over what senders that died left behind, and looks for what is unsure.
    pub(super) async fn settle_outbox(&self) -> Result<(), DeskError> {
        let now = self.clock.now();
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
            }
        }
        for row in self.store.outbox(None).await? {
            if row.progress.delivery == Delivery::Unsure && self.is_in_sent_folder(&row).await {
                // What stands in the way of one does not keep the others waiting.
                if let Err(error) = self.it_was_sent(row.id).await {
                    tracing::warn!(%error, "a reply that was found could not be noted as sent");
                }
            }
        }
        Ok(())
    }

    /// Notes that an unsure reply has left: it was found, or a person says so.
    pub async fn it_was_sent(&self, id: OutboxId) -> Result<(), DeskError> {
        let row = self.store.outbox_row(id).await?;
        if row.progress.delivery != Delivery::Unsure {
            return Err(DeskError::Nothing("That reply is not unsure."));
        }
        let mime = self.store.outbox_mime(id).await?;
        let mime = mime.ok_or(DeskError::Nothing("The mail of that reply is not kept."))?;
        self.found_sent(&row, &mime, "it was sent after all")
            .await?;
        self.tell(DeskEvent::TicketChanged(row.ticket));
        Ok(())
    }

    /// Looks for a reply in the folder of sent mail. What cannot be looked at proves nothing.
    pub(super) async fn is_in_sent_folder(&self, row: &OutboxRow) -> bool {
        let found = self.look_for(row).await;
        if let Err(error) = &found {
            tracing::warn!(%error, "the folder of sent mail could not be searched");
        }
        found.unwrap_or(false)
    }

    async fn look_for(&self, row: &OutboxRow) -> Result<bool, DeskError> {
        let (Some(account), Some(post)) = (self.account_of(row), &row.post) else {
            return Ok(false);
        };
        let failed = |error: ImapError| DeskError::Mail {
            address: account.address.clone(),
            error,
        };
        let mut mailbox = self.mailbox(&account).await?;
        let found = async {
            match mailbox.sent_folder().await? {
                Some(folder) => mailbox.has_message(&folder, &post.rfc_message_id).await,
                None => Ok(false),
            }
        };
        let found = found.await.map_err(failed);
        mailbox.close().await;
        found
    }
}
