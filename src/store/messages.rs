//! Messages: written once, when they are filed.

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection, Executor, any::AnyRow};

use super::{Store, StoreError, error::Trouble, rows};
use crate::domain::{
    Attachment, Contact, Message, TicketId, Timestamp, query_match::message_words,
};

/// 200: a thread longer than that is joined by its newest ids; a hostile header may hold 10,000.
const MOST_REFS: usize = 200;

/// What stands in the column `facts`.
#[derive(Serialize, Deserialize)]
struct Facts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Contact>,
    to: Vec<Contact>,
    cc: Vec<Contact>,
    attachments: Vec<Attachment>,
    answers: Vec<String>,
}

/// What a message brings with it beside itself.
pub(super) struct Arrival<'a> {
    pub(super) source: &'a str,
    pub(super) note_path: Option<&'a str>,
    pub(super) at: Timestamp,
}

impl Store {
    /// Returns the messages of a ticket, oldest first.
    pub async fn messages(&self, ticket: TicketId) -> Result<Vec<Message>, StoreError> {
        self.told("read the messages", of(self.pool(), ticket))
            .await
    }
}

/// Reads the messages of a ticket, oldest first.
pub(super) async fn of<'e>(
    from: impl Executor<'e, Database = Any>,
    ticket: TicketId,
) -> Result<Vec<Message>, Trouble> {
    sqlx::query(
        "SELECT id, ticket, kind, direction, from_name, from_address, subject, facts, body,
             rfc_message_id, auto_class, sent_at, raw_sha256, thread_reason, was_seen
         FROM messages WHERE ticket = $1 ORDER BY sent_at, filed_at, id",
    )
    .bind(ticket.to_string())
    .fetch_all(from)
    .await?
    .iter()
    .map(message)
    .collect()
}

/// Writes a message, what it refers to, and its words for searching.
pub(super) async fn insert_message(
    tx: &mut AnyConnection,
    message: &Message,
    arrival: &Arrival<'_>,
) -> Result<(), Trouble> {
    let facts = Facts {
        reply_to: message.reply_to.clone(),
        to: message.to.clone(),
        cc: message.cc.clone(),
        attachments: message.attachments.clone(),
        answers: message.answers.clone(),
    };
    sqlx::query(
        "INSERT INTO messages (id, ticket, source, id_key, rfc_message_id, raw_sha256, kind,
             direction, auto_class, sent_at, filed_at, was_seen, thread_reason, note_path,
             from_name, from_address, subject, facts, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19)",
    )
    .bind(message.id.to_string())
    .bind(message.ticket.to_string())
    .bind(arrival.source)
    .bind(rows::id_key(&message.rfc_message_id))
    .bind(rows::plain(&message.rfc_message_id))
    .bind(&message.raw_sha256)
    .bind(rows::word(message.kind)?)
    .bind(rows::word(message.direction)?)
    .bind(rows::word(message.auto_class)?)
    .bind(message.sent_at.as_microsecond())
    .bind(arrival.at.as_microsecond())
    .bind(i64::from(message.was_seen))
    .bind(rows::plain(&message.thread_reason))
    .bind(arrival.note_path.map(rows::plain))
    .bind(message.from.name.as_deref().map(rows::plain))
    .bind(rows::plain(&message.from.address))
    .bind(rows::plain(&message.subject))
    .bind(rows::to_json(&facts)?)
    .bind(rows::to_json(&message.body)?)
    .execute(&mut *tx)
    .await?;
    insert_words(tx, message).await?;
    insert_refs(tx, message, arrival.source).await
}

async fn insert_words(tx: &mut AnyConnection, message: &Message) -> Result<(), Trouble> {
    sqlx::query("INSERT INTO message_words (message, ticket, words) VALUES ($1, $2, $3)")
        .bind(message.id.to_string())
        .bind(message.ticket.to_string())
        .bind(rows::lower(&message_words(message)))
        .execute(tx)
        .await?;
    Ok(())
}

async fn insert_refs(
    tx: &mut AnyConnection,
    message: &Message,
    source: &str,
) -> Result<(), Trouble> {
    for answered in message.answers.iter().take(MOST_REFS) {
        sqlx::query(
            "INSERT INTO message_refs (ref, message, ticket, source) VALUES ($1, $2, $3, $4)
             ON CONFLICT (ref, message) DO NOTHING",
        )
        .bind(rows::id_key(answered))
        .bind(message.id.to_string())
        .bind(message.ticket.to_string())
        .bind(source)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

fn message(row: &AnyRow) -> Result<Message, Trouble> {
    let facts: Facts = rows::json(row, "facts")?;
    Ok(Message {
        id: rows::parsed(row, "id")?,
        ticket: rows::parsed(row, "ticket")?,
        kind: rows::worded(row, "kind")?,
        direction: rows::worded(row, "direction")?,
        from: Contact {
            name: rows::text_or_none(row, "from_name")?,
            address: rows::text(row, "from_address")?,
        },
        reply_to: facts.reply_to,
        to: facts.to,
        cc: facts.cc,
        subject: rows::text(row, "subject")?,
        body: rows::json(row, "body")?,
        attachments: facts.attachments,
        rfc_message_id: rows::text(row, "rfc_message_id")?,
        answers: facts.answers,
        auto_class: rows::worded(row, "auto_class")?,
        sent_at: rows::time(row, "sent_at")?,
        raw_sha256: rows::text(row, "raw_sha256")?,
        thread_reason: rows::text(row, "thread_reason")?,
        was_seen: rows::yes(row, "was_seen")?,
    })
}
