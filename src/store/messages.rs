//! Messages: written once, when they are filed.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyConnection, Executor, any::AnyRow};

use super::{
    Store, StoreError,
    dialect::Dialect,
    error::Trouble,
    rows,
    search::{Sql, Value},
};
use crate::domain::{
    Attachment, AutoClass, Contact, Hint, Message, TicketId, Timestamp, query_match::message_words,
};

/// 200: a thread longer than that is joined by its newest ids; a hostile header may hold 10,000.
const MOST_REFS: usize = 200;

/// So many messages are written with one statement.
const AT_ONCE: usize = 20;
/// And so many of what they refer to.
const REFS_AT_ONCE: usize = 80;

/// What stands in the column `facts`.
#[derive(Serialize, Deserialize)]
struct Facts {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<Contact>,
    to: Vec<Contact>,
    cc: Vec<Contact>,
    attachments: Vec<Attachment>,
    answers: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Hint>,
}

impl Facts {
    fn of(message: &Message) -> Self {
        Self {
            reply_to: message.reply_to.clone(),
            to: message.to.clone(),
            cc: message.cc.clone(),
            attachments: message.attachments.clone(),
            answers: message.answers.clone(),
            hints: message.hints.clone(),
        }
    }
}

/// What a message brings with it beside itself.
pub(super) struct Arrival<'a> {
    pub(super) source: &'a str,
    pub(super) note_path: Option<&'a str>,
    /// The conversation it names beside the ids it answers.
    pub(super) topic: Option<&'a str>,
    pub(super) at: Timestamp,
}

impl Store {
    /// Returns the messages of a ticket, oldest first.
    pub async fn messages(&self, ticket: TicketId) -> Result<Vec<Message>, StoreError> {
        self.told("read the messages", of(self.pool(), ticket))
            .await
    }
}

/// Reads the messages of a ticket, oldest first. One with a date from the future was said when it
/// was filed: it is not the newest for ever.
pub(super) async fn of<'e>(
    from: impl Executor<'e, Database = Any>,
    ticket: TicketId,
) -> Result<Vec<Message>, Trouble> {
    sqlx::query(
        "SELECT id, ticket, kind, direction, from_name, from_address, subject, facts, body,
             rfc_message_id, auto_class, sent_at, raw_sha256, thread_reason, was_seen
         FROM messages WHERE ticket = $1
         ORDER BY CASE WHEN sent_at > filed_at THEN filed_at ELSE sent_at END,
             filed_at, sent_at, id",
    )
    .bind(ticket.to_string())
    .fetch_all(from)
    .await?
    .iter()
    .map(message)
    .collect::<Result<Vec<Message>, Trouble>>()
    .map(bounces_below)
}

/// Puts what reports that a mail was not delivered below that mail: its server counts whole
/// seconds, by a clock of its own.
fn bounces_below(messages: Vec<Message>) -> Vec<Message> {
    let mut ordered: Vec<Message> = Vec::with_capacity(messages.len());
    let mut early: Vec<Message> = Vec::new();
    let ids: Vec<String> = messages
        .iter()
        .map(|it| it.rfc_message_id.clone())
        .collect();
    for (message, later) in messages.into_iter().zip(1..) {
        let is_report = matches!(
            message.auto_class,
            AutoClass::BounceHard | AutoClass::BounceSoft | AutoClass::Delayed
        );
        let about = message.answers.first().filter(|_| is_report);
        let comes = ids.get(later..).unwrap_or_default();
        if about.is_some_and(|about| comes.contains(about)) {
            early.push(message);
            continue;
        }
        // A report may be about a report, which waits as well.
        let mut next = VecDeque::from([message]);
        while let Some(message) = next.pop_front() {
            let about = Some(&message.rfc_message_id);
            next.extend(early.extract_if(.., |report| report.answers.first() == about));
            ordered.push(message);
        }
    }
    ordered.append(&mut early);
    ordered
}

/// Writes a message, what it refers to, and its words for searching.
pub(super) async fn insert_message(
    tx: &mut AnyConnection,
    message: &Message,
    arrival: &Arrival<'_>,
) -> Result<(), Trouble> {
    insert_messages(tx, &[(message, arrival)]).await
}

/// Writes messages, many with one statement: each statement costs a turn to the database.
pub(super) async fn insert_messages(
    tx: &mut AnyConnection,
    messages: &[(&Message, &Arrival<'_>)],
) -> Result<(), Trouble> {
    for some in messages.chunks(AT_ONCE) {
        insert_rows(tx, some).await?;
        insert_words(tx, some).await?;
        insert_refs(tx, some).await?;
    }
    Ok(())
}

async fn insert_rows(
    tx: &mut AnyConnection,
    messages: &[(&Message, &Arrival<'_>)],
) -> Result<(), Trouble> {
    let mut sql = Sql::rows_in(Dialect::of(tx));
    sql.push(
        "INSERT INTO messages (id, ticket, source, id_key, rfc_message_id, raw_sha256, kind,
             direction, auto_class, sent_at, filed_at, was_seen, thread_reason, note_path,
             from_name, from_address, subject, facts, body)
         VALUES ",
    );
    for (place, (message, arrival)) in messages.iter().enumerate() {
        let values = row_values(message, arrival)?;
        sql.push_row(place, values);
    }
    sql.ready().execute(tx).await?;
    Ok(())
}

fn row_values(message: &Message, arrival: &Arrival<'_>) -> Result<[Value; 19], Trouble> {
    let facts = Facts::of(message);
    Ok([
        Value::Text(message.id.to_string()),
        Value::Text(message.ticket.to_string()),
        Value::Text(arrival.source.to_owned()),
        Value::Text(rows::id_key(&message.rfc_message_id)),
        Value::Text(rows::plain(&message.rfc_message_id)),
        Value::Text(message.raw_sha256.clone()),
        Value::Text(rows::word(message.kind)?),
        Value::Text(rows::word(message.direction)?),
        Value::Text(rows::word(message.auto_class)?),
        Value::Int(message.sent_at.as_microsecond()),
        Value::Int(arrival.at.as_microsecond()),
        Value::Int(i64::from(message.was_seen)),
        Value::Text(rows::plain(&message.thread_reason)),
        Value::TextOrNone(arrival.note_path.map(rows::plain)),
        Value::TextOrNone(message.from.name.as_deref().map(rows::plain)),
        Value::Text(rows::plain(&message.from.address)),
        Value::Text(rows::plain(&message.subject)),
        Value::Text(rows::to_json(&facts)?),
        Value::Text(rows::to_json(&message.body)?),
    ])
}

/// Writes anew what a message says: its whole has come, of which only the headers were here.
pub(super) async fn rewrite(tx: &mut AnyConnection, message: &Message) -> Result<(), Trouble> {
    sqlx::query("UPDATE messages SET facts = $2, body = $3, raw_sha256 = $4 WHERE id = $1")
        .bind(message.id.to_string())
        .bind(rows::to_json(&Facts::of(message))?)
        .bind(rows::to_json(&message.body)?)
        .bind(&message.raw_sha256)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE message_words SET words = $2 WHERE message = $1")
        .bind(message.id.to_string())
        .bind(rows::lower(&message_words(message)))
        .execute(tx)
        .await?;
    Ok(())
}

async fn insert_words(
    tx: &mut AnyConnection,
    messages: &[(&Message, &Arrival<'_>)],
) -> Result<(), Trouble> {
    let mut sql = Sql::rows_in(Dialect::of(tx));
    sql.push("INSERT INTO message_words (message, ticket, words) VALUES ");
    for (place, (message, _)) in messages.iter().enumerate() {
        let values = [
            Value::Text(message.id.to_string()),
            Value::Text(message.ticket.to_string()),
            Value::Text(rows::lower(&message_words(message))),
        ];
        sql.push_row(place, values);
    }
    sql.ready().execute(tx).await?;
    Ok(())
}

async fn insert_refs(
    tx: &mut AnyConnection,
    messages: &[(&Message, &Arrival<'_>)],
) -> Result<(), Trouble> {
    let refs: Vec<(&str, &Message, &str)> = messages
        .iter()
        .flat_map(|(message, arrival)| {
            let answers = message.answers.iter().take(MOST_REFS).map(String::as_str);
            let refs = answers.chain(arrival.topic);
            refs.map(|answered| (answered, *message, arrival.source))
        })
        .collect();
    for some in refs.chunks(REFS_AT_ONCE) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push("INSERT INTO message_refs (ref, message, ticket, source) VALUES ");
        for (place, (answered, message, source)) in some.iter().enumerate() {
            let values = [
                Value::Text(rows::id_key(answered)),
                Value::Text(message.id.to_string()),
                Value::Text(message.ticket.to_string()),
                Value::Text((*source).to_owned()),
            ];
            sql.push_row(place, values);
        }
        sql.push(" ON CONFLICT (ref, message) DO NOTHING");
        sql.ready().execute(&mut *tx).await?;
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
        hints: facts.hints,
        was_seen: rows::yes(row, "was_seen")?,
    })
}
