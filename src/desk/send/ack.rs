//! The automatic answer to a new ticket: off unless an account has one, never to machines, lists
//! or senders that want none, one to each address in a day, and few for each sender.

use std::time::Duration;

use uuid::Uuid;

use super::{deliver::Delivered, letter};
use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError},
    domain::{
        Contact, Delivery, DraftId, Envelope, OutboxId, OutboxKind, OutboxRow, Post, PostLetter,
        Progress, TicketId, Timestamp,
    },
    source::mail::compose::{Author, Outgoing, compose},
    store::AckLimits,
};

/// One to each address in so long.
const EACH: Duration = Duration::from_hours(24);
/// A sender causes so many within the time (`FreeScout`: as many), to whatever addresses.
const MOST: u64 = 10;
const MOST_WITHIN: Duration = Duration::from_hours(3);
/// It is sent for so long without a person.
const GOOD_FOR: Duration = Duration::from_hours(48);
/// So often is looked for those that wait, where no desk is open.
const LOOK_FOR_ACKS: Duration = Duration::from_secs(5);
/// Who writes it.
const WRITER: &str = "deskhand (automatic answer)";
/// Names before the @ at which nobody reads.
const NOBODY_READS: [&str; 9] = [
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "mailer-daemon",
    "postmaster",
    "bounce",
    "bounces",
];

/// Tells whether an automatic answer leaves now. One that did not leave within the time is no
/// answer any more: a person decides.
pub(super) fn is_ack_due(row: &OutboxRow, now: Timestamp) -> bool {
    row.kind == OutboxKind::Ack
        && row.progress.delivery == Delivery::Held
        && row.progress.due_at().is_some_and(|due| due <= now)
        && Duration::try_from(now - row.queued_at).is_ok_and(|age| age < GOOD_FOR)
}

/// Tells whether an automatic answer may go to an address at all.
pub fn may_go_to(address: &str) -> bool {
    let local = address
        .split_once('@')
        .map_or("", |(local, _)| local)
        .to_ascii_lowercase();
    let local = local.split('+').next().unwrap_or_default();
    !local.is_empty()
        && !NOBODY_READS
            .iter()
            .any(|name| local == *name || local.starts_with(&format!("{name}-")))
}

/// Returns who gets the answer: who wrote, never somebody whom their mail names. A mail that wants
/// answers elsewhere gets none: there they would reach somebody who has written nothing, and its
/// own address asks for none.
fn receiver<'a>(from: &'a Contact, reply_to: Option<&Contact>) -> Option<&'a Contact> {
    let is_theirs =
        |other: &Contact| Contact::untagged(&other.address) == Contact::untagged(&from.address);
    reply_to.is_none_or(is_theirs).then_some(from)
}

impl Desk {
    /// Answers a new ticket automatically: the answer goes into the outbox, and mail is read on
    /// meanwhile. Returns whether one went there.
    pub(in crate::desk) async fn acknowledge(
        &self,
        account: &AccountConfig,
        id: TicketId,
    ) -> Result<bool, DeskError> {
        let Some(text) = &account.sending.acknowledge else {
            return Ok(false);
        };
        if account.sending.smtp.is_none() {
            return Ok(false);
        }
        let view = self.ticket(id).await?;
        let [message] = view.messages.as_slice() else {
            return Ok(false);
        };
        let Some(to) = receiver(&message.from, message.reply_to.as_ref()) else {
            return Ok(false);
        };
        if !may_go_to(&to.address) || letter::is_own(to, &self.own_addresses()) {
            return Ok(false);
        }
        let now = self.clock.now();
        let (row, mime) = self
            .ack_row(account, (&view.ticket, message, to), text)
            .await?;
        let limits = AckLimits {
            address: &to.address,
            since: now.checked_sub(EACH).unwrap_or(now),
            sender: &message.from.address,
            most: (MOST, now.checked_sub(MOST_WITHIN).unwrap_or(now)),
        };
        Ok(self.store.queue_ack((&row, &mime), &limits).await?)
    }

    /// Sends the automatic answers that wait, for a command that reads mail: no desk may be open
    /// that does. What goes wrong with one keeps no other waiting; a server that cannot be reached
    /// is asked once.
    pub(in crate::desk) async fn send_acks(&self) {
        if let Err(error) = self.send_waiting_acks().await {
            tracing::warn!(%error, "automatic answers were not sent");
        }
    }

    async fn send_waiting_acks(&self) -> Result<(), DeskError> {
        let open = self.store.open_outbox().await?;
        let now = self.clock.now();
        let mut unreached = Vec::new();
        for (row, _) in open.iter().filter(|(row, _)| is_ack_due(row, now)) {
            let account = row.post.as_ref().map(|post| &post.account);
            if unreached.contains(&account) {
                continue;
            }
            match Box::pin(self.deliver(row.id, None)).await {
                Ok(Delivered::Unreached(..)) => unreached.push(account),
                Ok(
                    Delivered::Sent
                    | Delivered::Later(..)
                    | Delivered::Failed(_)
                    | Delivered::Unsure(_)
                    | Delivered::NotOurs,
                ) => {}
                Err(error) => tracing::warn!(%error, "an automatic answer was not sent"),
            }
        }
        Ok(())
    }

    /// Goes on sending automatic answers beside mailboxes that are watched, until it is dropped.
    pub async fn keep_sending_acks(&self) {
        loop {
            self.send_acks().await;
            tokio::time::sleep(LOOK_FOR_ACKS).await;
        }
    }

    async fn ack_row(
        &self,
        account: &AccountConfig,
        (ticket, message, to): (&crate::domain::Ticket, &crate::domain::Message, &Contact),
        text: &str,
    ) -> Result<(OutboxRow, Vec<u8>), DeskError> {
        let stamp = self.stamp().await?;
        let now = self.clock.now();
        let id = OutboxId::new(Uuid::now_v7());
        let token = account.sending.subject_token.as_deref();
        let messages = std::slice::from_ref(message);
        let post = Post {
            account: account.address.clone(),
            rfc_message_id: stamp.message_id(ticket.number, id, &account.address),
            letter: PostLetter {
                envelope: Envelope {
                    to: vec![to.clone()],
                    ..Envelope::default()
                },
                subject: letter::subject(ticket, messages, token),
                answers: vec![message.rfc_message_id.clone()],
                from: Contact {
                    name: account.sending.name.clone(),
                    address: account.address.clone(),
                },
            },
        };
        let mime = compose(&Outgoing {
            from: &post.letter.from,
            reply_to: None,
            to: &post.letter.envelope.to,
            cc: &[],
            subject: &post.letter.subject,
            message_id: &post.rfc_message_id,
            answers: &post.letter.answers,
            date: now,
            text,
            html: None,
            files: &[],
            loop_mark: &stamp.loop_mark(),
            author: Author::Machine,
        });
        let row = OutboxRow {
            id,
            kind: OutboxKind::Ack,
            ticket: ticket.id,
            draft: DraftId::new(Uuid::now_v7()),
            text: text.to_owned(),
            then: ticket.status,
            approved_by: WRITER.to_owned(),
            queued_at: now,
            post: Some(post),
            progress: Progress::held(Some(now)),
        };
        Ok((row, mime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_only_named_gets_no_automatic_answer() {
        let contact = |address: &str| Contact {
            name: None,
            address: address.to_owned(),
        };
        let maya = contact("maya@northbend.test");

        assert_eq!(receiver(&maya, None), Some(&maya));
        let tagged = contact("Maya+shop@northbend.test");
        assert_eq!(receiver(&maya, Some(&tagged)), Some(&maya));
        assert_eq!(receiver(&maya, Some(&contact("victim@other.test"))), None);
    }

    #[test]
    fn nobody_is_told_where_nobody_reads() {
        for address in [
            "noreply@shop.test",
            "No-Reply+7@shop.test",
            "bounces-12@list.test",
            "MAILER-DAEMON@x.test",
            "",
        ] {
            assert!(!may_go_to(address), "{address}");
        }
        assert!(may_go_to("maya@northbend.test"));
        assert!(may_go_to("norepl@northbend.test"));
    }

    #[test]
    fn an_address_with_the_name_of_a_ticket_is_ours_too() {
        let own = ["Help@acme.test".to_owned()];
        for (address, is_ours) in [
            ("help@acme.test", true),
            ("help+dh-7-0123456789abcdef@acme.test", true),
            ("helper@acme.test", false),
        ] {
            let contact = Contact {
                name: None,
                address: address.to_owned(),
            };
            assert_eq!(letter::is_own(&contact, &own), is_ours, "{address}");
        }
    }
}
