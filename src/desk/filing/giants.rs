//! Very large messages, whose bodies were left on their servers, fetched when somebody wants them.

use futures::TryFutureExt as _;

use super::letters::{Arrival, Letters, Read, read};
use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError, face::DeskEvent, sync::wrong},
    domain::{FolderUid, Hint, Message, TicketId},
    source::import::{Found, Marks},
};

/// What does not fit into memory beside everything else is not fetched at all.
const MOST_MB: u32 = 64;

impl Desk {
    /// Fetches the bodies of a ticket's messages that were left on their servers; returns how many
    /// have come.
    pub async fn fetch_rest(&self, ticket: TicketId) -> Result<u64, DeskError> {
        let found = self.ticket(ticket).await?;
        let mut fetched = 0;
        for message in &found.messages {
            let Some(megabytes) = left_there(message) else {
                continue;
            };
            if megabytes > MOST_MB {
                return Err(DeskError::Nothing(
                    "That message has more than 64 MB. Look at it in a mail program.",
                ));
            }
            self.fetch_one(message).await?;
            fetched += 1;
        }
        if fetched == 0 {
            return Err(DeskError::Nothing(
                "Nothing of this ticket was left on a mail server.",
            ));
        }
        self.tell(DeskEvent::TicketChanged(ticket));
        Ok(fetched)
    }

    /// Knows headers again whose message has come whole: a server that counts its messages anew
    /// offers them as if they were new.
    pub(in crate::desk) async fn know_again(
        &self,
        letters: &mut Letters,
        uids: &mut [FolderUid],
    ) -> Result<(), DeskError> {
        let reads = letters.reads.iter_mut();
        for read in reads.filter(|read| read.marks.left_there_mb.is_some()) {
            let headers = read.parsed.raw_sha256.clone();
            let Some(whole) = self.store.completed(&headers).await? else {
                continue;
            };
            for uid in uids.iter_mut().filter(|uid| uid.raw_sha256 == headers) {
                uid.raw_sha256.clone_from(&whole);
            }
            read.parsed.raw_sha256 = whole;
        }
        Ok(())
    }

    async fn fetch_one(&self, message: &Message) -> Result<(), DeskError> {
        const GONE: DeskError = DeskError::Nothing(
            "That message is not on the mail server any more; its headers are all there is.",
        );
        for account in self.settings().config.accounts.values() {
            let place = self.store.place_of(&account.address, &message.raw_sha256);
            let Some(place) = place.await? else { continue };
            let bytes = self.fetch_bytes(account, &place).await?.ok_or(GONE)?;
            let at = self.clock.now();
            let letter = Found {
                path: message.id.to_string().into(),
                part: None,
                bytes,
                marks: Marks::default(),
                modified: None,
            };
            let letter = tokio::task::spawn_blocking(move || read(&letter, at, Arrival::Unknown))
                .await
                .map_err(|_| DeskError::Broken)?
                .map_err(|_| GONE)?;
            let Read {
                parsed, original, ..
            } = letter;
            let whole = Message {
                body: parsed.body,
                attachments: parsed.attachments,
                raw_sha256: parsed.raw_sha256,
                hints: message
                    .hints
                    .iter()
                    .copied()
                    .filter(|hint| !matches!(hint, Hint::LeftThere { .. }))
                    .collect(),
                ..message.clone()
            };
            self.store
                .complete(
                    (&whole, &account.address),
                    (&message.raw_sha256, original),
                    at,
                )
                .await?;
            return Ok(());
        }
        Err(GONE)
    }

    async fn fetch_bytes(
        &self,
        account: &AccountConfig,
        (folder, validity, uid): &(String, u32, u32),
    ) -> Result<Option<Vec<u8>>, DeskError> {
        let mut mailbox = self.mailbox(account).await?;
        let fetching = async {
            let mark = mailbox.select(folder).map_err(wrong(account)).await?;
            if mark.uid_validity != *validity {
                return Ok(None);
            }
            let mut bodies = mailbox.bodies(&[*uid]).map_err(wrong(account)).await?;
            Ok(bodies.remove(uid))
        };
        let bytes = fetching.await;
        mailbox.close().await;
        bytes
    }
}

fn left_there(message: &Message) -> Option<u32> {
    message.hints.iter().find_map(|hint| match hint {
        Hint::LeftThere { megabytes } => Some(*megabytes),
        Hint::NewTopic
        | Hint::NewParticipant
        | Hint::MaybeDuplicate { .. }
        | Hint::Unverified
        | Hint::UncheckedReport => None,
    })
}
