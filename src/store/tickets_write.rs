//! Tickets as rows: written new, and anew.

use sqlx::AnyConnection;

use super::{
    dialect::Dialect,
    error::Trouble,
    rows,
    search::{Sql, Value},
};
use crate::domain::{Status, Ticket, Timestamp, query_match::contact_words};

/// So many tickets are written with one statement.
const AT_ONCE: usize = 20;

/// Writes what can change about a ticket. `left` is the status it had before it became spam or
/// deleted, when it just did.
pub(super) async fn write_ticket(
    tx: &mut AnyConnection,
    ticket: &Ticket,
    left: Option<Status>,
) -> Result<(), Trouble> {
    sqlx::query(
        "UPDATE tickets SET status = $2, status_before = COALESCE($3, status_before),
             priority = $4, assignee = $5, tags = $6, quarantined_because = $7, messages = $8,
             created_at = $9, updated_at = $10, last_customer_message_at = $11, version = $12,
             in_queue = $13, assignee_words = $14
         WHERE id = $1",
    )
    .bind(ticket.id.to_string())
    .bind(rows::word(ticket.status)?)
    .bind(left.map(rows::word).transpose()?)
    .bind(ticket.priority.map(rows::word).transpose()?)
    .bind(ticket.assignee.as_deref().map(rows::plain))
    .bind(rows::tags_to_text(&ticket.tags))
    .bind(ticket.quarantined_because.as_deref().map(rows::plain))
    .bind(ticket.messages)
    .bind(ticket.created_at.as_microsecond())
    .bind(ticket.updated_at.as_microsecond())
    .bind(
        ticket
            .last_customer_message_at
            .map(Timestamp::as_microsecond),
    )
    .bind(ticket.version)
    .bind(i64::from(is_in_queue(ticket)))
    .bind(rows::lower(ticket.assignee.as_deref().unwrap_or_default()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes what mail can change about tickets, many with one statement.
pub(super) async fn write_tickets(
    tx: &mut AnyConnection,
    tickets: &[&Ticket],
) -> Result<(), Trouble> {
    for some in tickets.chunks(AT_ONCE) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push(
            "UPDATE tickets SET status = v.column2, quarantined_because = v.column3,
                 messages = v.column4, created_at = v.column5, updated_at = v.column6,
                 last_customer_message_at = v.column7, version = v.column8,
                 in_queue = v.column9
             FROM (VALUES ",
        );
        for (place, ticket) in some.iter().enumerate() {
            let asked = ticket.last_customer_message_at;
            let values = [
                Value::Text(ticket.id.to_string()),
                Value::Text(rows::word(ticket.status)?),
                Value::TextOrNone(ticket.quarantined_because.as_deref().map(rows::plain)),
                Value::Int(ticket.messages),
                Value::Int(ticket.created_at.as_microsecond()),
                Value::Int(ticket.updated_at.as_microsecond()),
                Value::IntOrNone(asked.map(Timestamp::as_microsecond)),
                Value::Int(ticket.version),
                Value::Int(i64::from(is_in_queue(ticket))),
            ];
            sql.push_row(place, values);
        }
        sql.push(") AS v WHERE tickets.id = v.column1");
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Writes a new ticket.
pub(super) async fn insert_ticket(tx: &mut AnyConnection, ticket: &Ticket) -> Result<(), Trouble> {
    insert_tickets(tx, &[ticket]).await
}

/// Writes new tickets, many with one statement.
pub(super) async fn insert_tickets(tx: &mut AnyConnection, new: &[&Ticket]) -> Result<(), Trouble> {
    for some in new.chunks(AT_ONCE) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push(
            "INSERT INTO tickets (id, number, source, subject, requester_name, requester_address,
                 status, priority, assignee, tags, quarantined_because, messages, created_at,
                 updated_at, last_customer_message_at, version, in_queue, subject_words,
                 requester_words, assignee_words)
             VALUES ",
        );
        for (place, ticket) in some.iter().enumerate() {
            let values = ticket_values(ticket)?;
            sql.push_row(place, values);
        }
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}

fn ticket_values(ticket: &Ticket) -> Result<[Value; 20], Trouble> {
    let requester = &ticket.requester;
    let asked = ticket.last_customer_message_at;
    Ok([
        Value::Text(ticket.id.to_string()),
        Value::Int(ticket.number),
        Value::Text(ticket.source.clone()),
        Value::Text(rows::plain(&ticket.subject)),
        Value::TextOrNone(requester.name.as_deref().map(rows::plain)),
        Value::Text(rows::plain(&requester.address)),
        Value::Text(rows::word(ticket.status)?),
        Value::TextOrNone(ticket.priority.map(rows::word).transpose()?),
        Value::TextOrNone(ticket.assignee.as_deref().map(rows::plain)),
        Value::Text(rows::tags_to_text(&ticket.tags)),
        Value::TextOrNone(ticket.quarantined_because.as_deref().map(rows::plain)),
        Value::Int(ticket.messages),
        Value::Int(ticket.created_at.as_microsecond()),
        Value::Int(ticket.updated_at.as_microsecond()),
        Value::IntOrNone(asked.map(Timestamp::as_microsecond)),
        Value::Int(ticket.version),
        Value::Int(i64::from(is_in_queue(ticket))),
        Value::Text(rows::lower(&ticket.subject)),
        Value::Text(rows::lower(&contact_words(requester))),
        Value::Text(rows::lower(ticket.assignee.as_deref().unwrap_or_default())),
    ])
}

const fn is_in_queue(ticket: &Ticket) -> bool {
    ticket.status.is_unsolved() && ticket.quarantined_because.is_none()
}
