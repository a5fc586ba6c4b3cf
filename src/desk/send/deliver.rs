//! One reply on its way: claimed, handed over, and what came of it written down.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::queue::next_try;
use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError, face::DeskEvent},
    domain::{
        AutoClass, Delivery, Direction, Message, MessageId, MessageKind, OutboxId, OutboxKind,
        OutboxRow, Timestamp,
    },
    source::mail::{
        parse::parse,
        smtp::{Handover, Parcel},
    },
    store::{Claim, Claimed, Outcome, Sent, Store, StoreError},
};

/// Others leave a claimed reply alone for so long; renewed while it is being sent.
const CLAIM: Duration = Duration::from_mins(1);
/// So often.
const RENEW: Duration = Duration::from_secs(10);
/// So long after a failure it is tried again to note that a reply has left.
const NOTE_AGAIN: Duration = Duration::from_secs(1);
/// A reply that no server took for so long comes back as a draft.
const GIVE_UP: Duration = Duration::from_hours(48);

/// What came of a reply that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The server has it.
    Sent,
    /// It is tried again then; and why.
    Later(Timestamp, String),
    /// As that, and no other of its account would leave now.
    Unreached(Timestamp, String),
    /// It is a draft again; and why.
    Failed(String),
    /// Nobody knows; and why.
    Unsure(String),
    /// It was not due, or another program has it.
    NotOurs,
}

/// A reply that this desk is sending.
#[derive(Clone, Copy)]
struct Sending<'a> {
    row: &'a OutboxRow,
    claimed: Claimed<'a>,
}

impl Desk {
    /// Sends one reply, if it is due. With `only_due_after`, only one whose undo time was not
    /// over then: what was found waiting is asked about.
    pub(super) async fn deliver(
        &self,
        id: OutboxId,
        only_due_after: Option<Timestamp>,
    ) -> Result<Delivered, DeskError> {
        let owner = self.owner(&self.agent());
        let now = self.clock.now();
        let claim = Claim {
            owner: &owner,
            at: now,
            lease_until: now.checked_add(CLAIM).unwrap_or(now),
            only_due_after,
        };
        let Some(row) = self.store.claim_reply(id, claim).await? else {
            return Ok(Delivered::NotOurs);
        };
        self.tell(DeskEvent::TicketChanged(row.ticket));
        let sending = Sending {
            row: &row,
            claimed: Claimed {
                id,
                owner: &owner,
                attempt: row.progress.attempts,
            },
        };
        let renewing = async {
            loop {
                tokio::time::sleep(RENEW).await;
                let until = self.clock.now().checked_add(CLAIM).unwrap_or(now);
                let kept = self.store.renew_claim(sending.claimed, until);
                if let Err(error) = kept.await {
                    tracing::warn!(%error, "the claim on a reply was not renewed");
                }
            }
        };
        let sending = Box::pin(self.hand_over(sending));
        let delivered = tokio::select! {
            delivered = sending => delivered,
            () = renewing => return Ok(Delivered::NotOurs),
        };
        self.tell(DeskEvent::TicketChanged(row.ticket));
        delivered
    }

    async fn hand_over(&self, sending: Sending<'_>) -> Result<Delivered, DeskError> {
        let row = sending.row;
        let Some(mime) = self.store.outbox_mime(row.id).await? else {
            return self.not_now(sending, "its mail is missing").await;
        };
        let Some(account) = self.account_of(row) else {
            return self
                .not_now(sending, "its account cannot send any more")
                .await;
        };
        let submission = match self.submission(&account).await {
            Ok(submission) => submission,
            Err(error) => {
                let delivered = self.not_now(sending, &error.to_string()).await?;
                return Ok(if let Delivered::Later(next, said) = delivered {
                    Delivered::Unreached(next, said)
                } else {
                    delivered
                });
            }
        };
        let recipients = recipients(row);
        let parcel = Parcel {
            // Reports about an automatic answer would only start a loop (RFC 3834).
            sender: (row.kind == OutboxKind::Reply).then_some(account.address.as_str()),
            recipients: &recipients,
            mime: &mime,
        };
        let on_text = async || match self.store.hand_over(sending.claimed).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("somebody wrote meanwhile, or another program has it".to_owned()),
            Err(error) => Err(format!("it could not be noted that it leaves ({error})")),
        };
        match submission.deliver(parcel, on_text).await {
            Handover::Accepted(said) => {
                let keeps_copy = row.kind == OutboxKind::Reply
                    && account.sending.keeps_copy
                    && !keeps_copies_itself(&account);
                self.sent(sending, (&mime, keeps_copy), &said).await
            }
            Handover::Later(said) => self.not_now(sending, &said).await,
            Handover::Refused(said) => self.refused(sending, &said).await,
            Handover::Unsure(said) => self.unsure(sending, &said).await,
        }
    }

    /// Notes that the server has a reply, and makes it a message of its ticket; also where somebody
    /// took it over meanwhile and does not know.
    async fn sent(
        &self,
        sending: Sending<'_>,
        (mime, wants_copy): (&[u8], bool),
        said: &str,
    ) -> Result<Delivered, DeskError> {
        let now = self.clock.now();
        let left = Left {
            id: sending.claimed.id,
            owner: sending.claimed.owner.to_owned(),
            attempt: sending.claimed.attempt,
            message: message(sending.row, mime, now)?,
            mime: mime.to_vec(),
            wants_copy,
            said: said.to_owned(),
            at: now,
        };
        let (store, stop) = (self.store.clone(), self.background.stop.clone());
        // It goes on where this work is given up: nobody else knows that the reply has left.
        let noting = self
            .background
            .tasks
            .spawn(async move { left.note_patiently(&store, &stop).await });
        if noting.await.map_err(|_| DeskError::Broken)?? == Noted::Late {
            self.say_that_it_left_after_all(sending.row).await?;
        }
        Ok(Delivered::Sent)
    }

    /// Says what nobody expects who has taken a reply back, or sends it again.
    async fn say_that_it_left_after_all(&self, row: &OutboxRow) -> Result<(), DeskError> {
        if let Some(ticket) = self.store.ticket(row.ticket).await? {
            self.remark(format!(
                "The reply to #{} has left, though it was taken back or put off meanwhile: look \
                 at the conversation before you send it again.",
                ticket.number
            ));
        }
        Ok(())
    }

    /// Notes that a reply of which nobody knew has left. False where somebody has brought it to
    /// another end meanwhile.
    pub(super) async fn found_sent(
        &self,
        row: &OutboxRow,
        mime: &[u8],
        said: &str,
    ) -> Result<bool, DeskError> {
        let now = self.clock.now();
        let message = message(row, mime, now)?;
        let sent = Sent {
            message: &message,
            mime,
            wants_copy: false,
        };
        Ok(self.store.found_sent(row.id, (sent, said), now).await?)
    }

    /// Notes that a reply has left which somebody has brought to another end meanwhile.
    async fn left_after_all(
        &self,
        row: &OutboxRow,
        mime: &[u8],
        said: &str,
    ) -> Result<(), DeskError> {
        let now = self.clock.now();
        let message = message(row, mime, now)?;
        let sent = Sent {
            message: &message,
            mime,
            wants_copy: false,
        };
        if self.store.left_after_all(row.id, (sent, said), now).await? {
            self.say_that_it_left_after_all(row).await?;
        }
        Ok(())
    }

    async fn not_now(&self, sending: Sending<'_>, said: &str) -> Result<Delivered, DeskError> {
        let now = self.clock.now();
        let gave_up = sending
            .row
            .queued_at
            .checked_add(GIVE_UP)
            .is_ok_and(|limit| now > limit);
        if gave_up {
            return self.refused(sending, said).await;
        }
        let next = next_try(now, sending.row.progress.attempts);
        if !self.conclude(sending, Outcome::Again(next), said).await? {
            return Ok(Delivered::NotOurs);
        }
        let progress = self.store.outbox_row(sending.claimed.id).await?.progress;
        Ok(match progress.delivery {
            Delivery::Withdrawn => Delivered::Failed(progress.said.unwrap_or_default()),
            Delivery::Held
            | Delivery::Sending
            | Delivery::Sent
            | Delivery::Failed
            | Delivery::Unsure => Delivered::Later(next, said.to_owned()),
        })
    }

    async fn refused(&self, sending: Sending<'_>, said: &str) -> Result<Delivered, DeskError> {
        let is_ours = self.conclude(sending, Outcome::Refused, said).await?;
        Ok(if is_ours {
            Delivered::Failed(said.to_owned())
        } else {
            Delivered::NotOurs
        })
    }

    async fn unsure(&self, sending: Sending<'_>, said: &str) -> Result<Delivered, DeskError> {
        if !self.conclude(sending, Outcome::Unsure, said).await? {
            return Ok(Delivered::NotOurs);
        }
        let row = sending.row;
        // Read first: who takes it back meanwhile takes its mail out of the outbox.
        let mime = self.store.outbox_mime(row.id).await?.unwrap_or_default();
        if !self
            .in_sent_folder(std::slice::from_ref(row))
            .await
            .is_empty()
        {
            let said = "found in the folder of sent mail";
            if !self.found_sent(row, &mime, said).await? {
                self.left_after_all(row, &mime, said).await?;
            }
            return Ok(Delivered::Sent);
        }
        Ok(Delivered::Unsure(said.to_owned()))
    }

    /// Notes what came of a reply. False where somebody took it over meanwhile: this desk has no
    /// say in it any more.
    async fn conclude(
        &self,
        sending: Sending<'_>,
        outcome: Outcome<'_>,
        said: &str,
    ) -> Result<bool, DeskError> {
        let outcome = (outcome, Some(said));
        let now = self.clock.now();
        Ok(self.store.conclude(sending.claimed, outcome, now).await?)
    }
}

/// What is noted of a reply that has left.
struct Left {
    id: OutboxId,
    owner: String,
    attempt: u32,
    message: Message,
    mime: Vec<u8>,
    wants_copy: bool,
    said: String,
    at: Timestamp,
}

impl Left {
    /// Notes it, however long the database is out of reach while the desk is open.
    async fn note_patiently(
        &self,
        store: &Store,
        stop: &CancellationToken,
    ) -> Result<Noted, StoreError> {
        loop {
            let is_last = stop.is_cancelled();
            match self.note(store).await {
                Err(error) if error.passes() && !is_last => {
                    tracing::warn!(%error, "it is not noted yet that a reply has left");
                    stop.run_until_cancelled(tokio::time::sleep(NOTE_AGAIN))
                        .await;
                }
                noted => return noted,
            }
        }
    }

    async fn note(&self, store: &Store) -> Result<Noted, StoreError> {
        let sent = Sent {
            message: &self.message,
            mime: &self.mime,
            wants_copy: self.wants_copy,
        };
        let claimed = Claimed {
            id: self.id,
            owner: &self.owner,
            attempt: self.attempt,
        };
        let outcome = (Outcome::Sent(sent), Some(self.said.as_str()));
        if store.conclude(claimed, outcome, self.at).await? {
            return Ok(Noted::InTime);
        }
        // Somebody has taken it over meanwhile, and does not know.
        let found = (sent, self.said.as_str());
        if store.found_sent(self.id, found, self.at).await? {
            return Ok(Noted::InTime);
        }
        Ok(if store.left_after_all(self.id, found, self.at).await? {
            Noted::Late
        } else {
            Noted::InTime
        })
    }
}

/// When it was noted that a reply has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Noted {
    /// Before anything else was done about it.
    InTime,
    /// Somebody had taken it back by then, or sends it again.
    Late,
}

/// Returns everybody who is to have a reply, those unseen too.
fn recipients(row: &OutboxRow) -> Vec<String> {
    let envelope = row.post.as_ref().map(|post| &post.letter.envelope);
    envelope.map_or_else(Vec::new, |envelope| {
        let everybody = envelope.everybody().into_iter();
        everybody.map(|person| person.address.clone()).collect()
    })
}

/// These put every mail that leaves by them into the folder of sent mail themselves.
fn keeps_copies_itself(account: &AccountConfig) -> bool {
    let host = account.sending.smtp.as_ref().map(|server| &server.host);
    host.is_some_and(|host| {
        [
            "smtp.gmail.com",
            "smtp.office365.com",
            "smtp-mail.outlook.com",
        ]
        .iter()
        .any(|known| host == known)
    })
}

/// Makes a message of a reply that has left.
fn message(row: &OutboxRow, mime: &[u8], at: Timestamp) -> Result<Message, DeskError> {
    let parsed = parse(mime, at).map_err(|_| DeskError::Broken)?;
    let id: Uuid = row.id.to_string().parse().map_err(|_| DeskError::Broken)?;
    Ok(Message {
        id: MessageId::new(id),
        ticket: row.ticket,
        kind: MessageKind::Public,
        direction: Direction::Out,
        from: parsed.from,
        reply_to: None,
        to: parsed.to,
        cc: parsed.cc,
        subject: parsed.subject,
        body: parsed.body,
        attachments: parsed.attachments,
        rfc_message_id: parsed.rfc_message_id,
        answers: parsed.answers,
        auto_class: match row.kind {
            OutboxKind::Reply => AutoClass::Human,
            OutboxKind::Ack => AutoClass::AutoReply,
        },
        sent_at: at,
        raw_sha256: parsed.raw_sha256,
        thread_reason: format!("sent from here, approved by {}", row.approved_by),
        hints: Vec::new(),
        was_seen: true,
    })
}
