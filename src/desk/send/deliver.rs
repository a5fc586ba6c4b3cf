//! One reply on its way: claimed, handed over, and what came of it written down.

use std::time::Duration;

use uuid::Uuid;

use super::queue::next_try;
use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError, face::DeskEvent},
    domain::{
        AutoClass, Direction, Message, MessageId, MessageKind, OutboxId, OutboxKind, OutboxRow,
        Timestamp,
    },
    source::mail::{
        parse::parse,
        smtp::{Handover, Parcel},
    },
    store::{Claim, Outcome},
};

/// Others leave a claimed reply alone for so long; renewed while it is being sent.
const CLAIM: Duration = Duration::from_mins(1);
/// So often.
const RENEW: Duration = Duration::from_secs(10);
/// A reply that no server took for so long comes back as a draft.
const GIVE_UP: Duration = Duration::from_hours(48);

/// What came of a reply that was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// The server has it.
    Sent,
    /// It is tried again then; and why.
    Later(Timestamp, String),
    /// It is a draft again; and why.
    Failed(String),
    /// Nobody knows; and why.
    Unsure(String),
    /// It was not due, or another program has it.
    NotOurs,
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
        let sending = Box::pin(self.hand_over(&row, &owner));
        let renewing = async {
            loop {
                tokio::time::sleep(RENEW).await;
                let until = self.clock.now().checked_add(CLAIM);
                let kept = self.store.renew_claim(id, &owner, until.unwrap_or(now));
                if let Err(error) = kept.await {
                    tracing::warn!(%error, "the claim on a reply was not renewed");
                }
            }
        };
        let delivered = tokio::select! {
            delivered = sending => delivered,
            () = renewing => return Ok(Delivered::NotOurs),
        };
        self.tell(DeskEvent::TicketChanged(row.ticket));
        delivered
    }

    async fn hand_over(&self, row: &OutboxRow, owner: &str) -> Result<Delivered, DeskError> {
        let Some(mime) = self.store.outbox_mime(row.id).await? else {
            return self.not_now(row, "its mail is missing").await;
        };
        let Some(account) = self.account_of(row) else {
            return self.not_now(row, "its account cannot send any more").await;
        };
        let submission = match self.submission(&account).await {
            Ok(submission) => submission,
            Err(error) => return self.not_now(row, &error.to_string()).await,
        };
        let recipients = recipients(row);
        let parcel = Parcel {
            // Reports about an automatic answer would only start a loop (RFC 3834).
            sender: (row.kind == OutboxKind::Reply).then_some(account.address.as_str()),
            recipients: &recipients,
            mime: &mime,
        };
        let on_text = async || matches!(self.store.hand_over(row.id, owner).await, Ok(true));
        match submission.deliver(parcel, on_text).await {
            Handover::Accepted(said) => {
                let keeps_copy = row.kind == OutboxKind::Reply
                    && account.sending.keeps_copy
                    && !keeps_copies_itself(&account);
                self.sent(row, (&mime, keeps_copy), &said).await
            }
            Handover::Later(said) => self.not_now(row, &said).await,
            Handover::Refused(said) => self.refused(row, &said).await,
            Handover::Unsure(said) => self.unsure(row, &said).await,
        }
    }

    /// Notes that the server has a reply, and makes it a message of its ticket.
    pub(super) async fn sent(
        &self,
        row: &OutboxRow,
        (mime, wants_copy): (&[u8], bool),
        said: &str,
    ) -> Result<Delivered, DeskError> {
        let now = self.clock.now();
        let message = message(row, mime, now)?;
        let outcome = Outcome::Sent {
            message: &message,
            mime,
            wants_copy,
        };
        self.store
            .conclude(row.id, (outcome, Some(said)), now)
            .await?;
        Ok(Delivered::Sent)
    }

    async fn not_now(&self, row: &OutboxRow, said: &str) -> Result<Delivered, DeskError> {
        let now = self.clock.now();
        let gave_up = row
            .queued_at
            .checked_add(GIVE_UP)
            .is_ok_and(|limit| now > limit);
        if gave_up {
            return self.refused(row, said).await;
        }
        let next = next_try(now, row.progress.attempts);
        self.store
            .conclude(row.id, (Outcome::Again(next), Some(said)), now)
            .await?;
        Ok(Delivered::Later(next, said.to_owned()))
    }

    async fn refused(&self, row: &OutboxRow, said: &str) -> Result<Delivered, DeskError> {
        let outcome = (Outcome::Refused, Some(said));
        self.store
            .conclude(row.id, outcome, self.clock.now())
            .await?;
        Ok(Delivered::Failed(said.to_owned()))
    }

    async fn unsure(&self, row: &OutboxRow, said: &str) -> Result<Delivered, DeskError> {
        let outcome = (Outcome::Unsure, Some(said));
        self.store
            .conclude(row.id, outcome, self.clock.now())
            .await?;
        if self.is_in_sent_folder(row).await {
            let mime = self.store.outbox_mime(row.id).await?.unwrap_or_default();
            return self
                .sent(row, (&mime, false), "found in the folder of sent mail")
                .await;
        }
        Ok(Delivered::Unsure(said.to_owned()))
    }
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
