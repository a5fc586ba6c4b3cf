//! What comes of a reply: it has left and is a message of its ticket, is tried again, is a draft
//! again, or nobody knows.

use sqlx::{Any, AnyConnection, Executor};

use super::{
    Store, StoreError,
    delivering::Claimed,
    drafts::{self, Standing},
    drafts_back,
    error::Trouble,
    events::Verb,
    flags,
    going_over::go_over,
    messages::{self, Arrival},
    originals,
    outbox::happened,
    outdated::{bring_back_if_outdated, is_outdated, make_others_stale, make_stale},
    rows, tickets_write,
};
use crate::domain::{Message, OutboxId, OutboxKind, OutboxRow, Post, TicketEvent, Timestamp};

/// A reply that has left.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The message, as filed.
    pub message: &'a Message,
    /// Its bytes.
    pub mime: &'a [u8],
    /// Whether a copy is still to be put into the folder of sent mail.
    pub wants_copy: bool,
}

/// What came of a reply.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The server has it; the message stands in the ticket from now on.
    Sent(Sent<'a>),
    /// Not now: try again then.
    Again(Timestamp),
    /// Never: it is a draft again.
    Refused,
    /// Nobody knows.
    Unsure,
    /// It never left the machine: as before.
    NotTried,
}

impl Store {
    /// Brings a reply to what came of it. False, and nothing happens, when it was taken over
    /// meanwhile.
    pub async fn conclude(
        &self,
        claimed: Claimed<'_>,
        (outcome, said): (Outcome<'_>, Option<&str>),
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("note what came of the reply", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, claimed.id).await?;
            let changed = sqlx::query(
                "UPDATE outbox SET said = $4, owner = NULL, lease_until = NULL
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2 AND attempts = $3",
            )
            .bind(claimed.id.to_string())
            .bind(claimed.owner)
            .bind(i64::from(claimed.attempt))
            .bind(said.map(rows::plain))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            let row = go_over(&mut tx, row, &living).await?;
            self.apply(&mut tx, &row, (outcome, at)).await?;
            if matches!(outcome, Outcome::Refused) && row.kind == OutboxKind::Reply {
                self.give_back(&mut tx, &row, said.unwrap_or_default())
                    .await?;
            }
            let ticket = row.ticket.to_string();
            self.commit(tx, &happened(Verb::ReplyMoved, &row, (&ticket, at)))
                .await?;
            Ok(true)
        })
        .await
    }

    /// Notes that a reply of which nobody knew has left. False, and nothing happens, when it is not
    /// unsure any more.
    pub async fn found_sent(
        &self,
        id: OutboxId,
        (sent, said): (Sent<'_>, &str),
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("note that the reply has left", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            let changed =
                sqlx::query("UPDATE outbox SET said = $2 WHERE id = $1 AND delivery = 'unsure'")
                    .bind(id.to_string())
                    .bind(rows::plain(said))
                    .execute(&mut *tx)
                    .await?
                    .rows_affected();
            if changed == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            let row = go_over(&mut tx, row, &living).await?;
            self.apply(&mut tx, &row, (Outcome::Sent(sent), at)).await?;
            let ticket = row.ticket.to_string();
            self.commit(tx, &happened(Verb::ReplyMoved, &row, (&ticket, at)))
                .await?;
            Ok(true)
        })
        .await
    }

    /// Notes that a reply has left, whatever was done about it meanwhile by somebody who did not
    /// know: it stands in its ticket, and a draft that came back says so. False, and nothing
    /// happens, when it was known.
    pub async fn left_after_all(
        &self,
        id: OutboxId,
        (sent, said): (Sent<'_>, &str),
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("note that the reply has left", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            // Who sends it once more by now concludes that himself.
            let changed = sqlx::query(
                "UPDATE outbox SET said = $2
                 WHERE id = $1 AND delivery IN ('held', 'unsure', 'failed', 'withdrawn')",
            )
            .bind(id.to_string())
            .bind(rows::plain(said))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            let row = go_over(&mut tx, row, &living).await?;
            self.apply(&mut tx, &row, (Outcome::Sent(sent), at)).await?;
            warn_of_second(&mut tx, &row).await?;
            let ticket = row.ticket.to_string();
            self.commit(tx, &happened(Verb::ReplyMoved, &row, (&ticket, at)))
                .await?;
            Ok(true)
        })
        .await
    }

    /// Tells whether a reply stands in a ticket, whatever the outbox knows of it: the folder of sent
    /// mail had it.
    pub async fn was_filed(&self, row: &OutboxRow) -> Result<bool, StoreError> {
        self.told("look up the reply", async {
            let Some(post) = &row.post else {
                return Ok(false);
            };
            let source = source_of(post);
            is_filed(self.pool(), (&source, &post.rfc_message_id)).await
        })
        .await
    }

    async fn apply(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        (outcome, at): (Outcome<'_>, Timestamp),
    ) -> Result<(), Trouble> {
        match outcome {
            Outcome::Sent(Sent {
                message,
                mime,
                wants_copy,
            }) => {
                self.file_sent(tx, row, (message, mime), at).await?;
                let copy = wants_copy.then_some("due");
                sqlx::query(
                    "UPDATE outbox SET delivery = 'sent', mime = NULL, sent_copy = $2
                     WHERE id = $1",
                )
                .bind(row.id.to_string())
                .bind(copy)
                .execute(tx)
                .await?;
            }
            Outcome::Again(next) => {
                sqlx::query(
                    "UPDATE outbox SET delivery = 'held', next_attempt_at = $2 WHERE id = $1",
                )
                .bind(row.id.to_string())
                .bind(next.as_microsecond())
                .execute(&mut *tx)
                .await?;
                bring_back_if_outdated(tx, row).await?;
            }
            Outcome::Refused => set_delivery(tx, row, "failed").await?,
            Outcome::Unsure => set_delivery(tx, row, "unsure").await?,
            Outcome::NotTried => {
                set_delivery(tx, row, "held").await?;
                bring_back_if_outdated(tx, row).await?;
            }
        }
        Ok(())
    }

    /// Makes a sent reply a message of its ticket, and the ticket what it was to become.
    async fn file_sent(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        (message, mime): (&Message, &[u8]),
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let mut ticket = self.locked_ticket(tx, row.ticket).await?;
        let post = row.post.as_ref();
        let source = post.map(source_of).unwrap_or_default();
        let arrival = Arrival {
            source: &source,
            note_path: None,
            topic: None,
            at,
        };
        if !is_filed(&mut *tx, (&source, &message.rfc_message_id)).await? {
            let message = Message {
                ticket: ticket.id,
                ..message.clone()
            };
            messages::insert_message(tx, &message, &arrival).await?;
            originals::insert(tx, &message.raw_sha256, mime).await?;
            ticket.messages += 1;
        }
        if row.kind == OutboxKind::Reply {
            let event = TicketEvent::AgentReply(Some(row.then));
            // A ticket that was closed meanwhile stays as it is.
            ticket.status = ticket.status.after(&event).unwrap_or(ticket.status);
            mark_answered(tx, row, &source).await?;
            make_others_stale(tx, ticket.id, &row.approved_by).await?;
        }
        ticket.updated_at = ticket.updated_at.max(at);
        ticket.version += 1;
        tickets_write::write_ticket(tx, &ticket, None).await
    }

    /// Makes a reply the draft it was; one whose author has begun another comes back below that.
    async fn give_back(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        said: &str,
    ) -> Result<(), Trouble> {
        let (draft, standing) = self.locked_draft(tx, row.draft).await?;
        if standing != Standing::Queued {
            return Ok(());
        }
        let mut draft = drafts_back::come_back(tx, &draft).await?;
        if is_outdated(tx, row.id).await? {
            make_stale(tx, draft.id).await?;
        }
        flags::was_not_sent(tx, &mut draft, said).await
    }
}

/// Returns where the messages of the account are from that a reply leaves by.
fn source_of(post: &Post) -> String {
    format!("imap:{}", post.account)
}

async fn is_filed<'e>(
    from: impl Executor<'e, Database = Any>,
    (source, message_id): (&str, &str),
) -> Result<bool, Trouble> {
    let found = sqlx::query("SELECT 1 AS one FROM messages WHERE source = $1 AND id_key = $2")
        .bind(source)
        .bind(rows::id_key(message_id))
        .fetch_optional(from)
        .await?;
    Ok(found.is_some())
}

/// Says on the draft that holds the words of a reply that they have left already.
async fn warn_of_second(tx: &mut AnyConnection, row: &OutboxRow) -> Result<(), Trouble> {
    let live = drafts::live(&mut *tx, row.ticket, &row.approved_by).await?;
    let Some(mut draft) = live.filter(|draft| draft.text.contains(row.text.trim())) else {
        return Ok(());
    };
    make_stale(tx, draft.id).await?;
    flags::has_left(tx, &mut draft).await
}

/// Notes that the message a reply answers is to be marked so on the server.
async fn mark_answered(
    tx: &mut AnyConnection,
    row: &OutboxRow,
    source: &str,
) -> Result<(), Trouble> {
    let Some(post) = &row.post else { return Ok(()) };
    let Some(parent) = post.letter.answers.first() else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO marks_due (account, raw_sha256, flags)
         SELECT $1, raw_sha256, 'answered' FROM messages WHERE source = $2 AND id_key = $3
         ON CONFLICT (account, raw_sha256, flags) DO NOTHING",
    )
    .bind(&post.account)
    .bind(source)
    .bind(rows::id_key(parent))
    .execute(tx)
    .await?;
    Ok(())
}

async fn set_delivery(
    tx: &mut AnyConnection,
    row: &OutboxRow,
    delivery: &str,
) -> Result<(), Trouble> {
    sqlx::query("UPDATE outbox SET delivery = $2 WHERE id = $1")
        .bind(row.id.to_string())
        .bind(delivery)
        .execute(tx)
        .await?;
    Ok(())
}
