//! Where tickets came from, and tickets as they leave for another desk.

use std::collections::HashMap;

use sqlx::{AnyConnection, AssertSqlSafe};

use super::{Store, StoreError, error::Trouble, messages, originals, rows};
use crate::domain::{
    Message, MessageId, Origin, Record, RecordMessage, SameWhen, Status, Ticket, TicketId,
    Timestamp,
};

/// How a message came: its mailbox, and when it was filed.
type Came = (String, Timestamp);

impl Store {
    /// Returns where an imported ticket came from; none for one that began at this desk.
    pub async fn ticket_origin(&self, ticket: TicketId) -> Result<Option<Origin>, StoreError> {
        self.told("read where a ticket came from", async {
            let mut connection = self.pool().acquire().await?;
            origin(&mut connection, ticket).await
        })
        .await
    }

    /// Returns a ticket with all that belongs to it, to be taken to another desk: its messages,
    /// notes and their bytes. Drafts, replies on their way and receipts stay.
    pub async fn record(&self, ticket: TicketId) -> Result<Option<Record>, StoreError> {
        self.told("read a ticket whole", async {
            let mut connection = self.pool().acquire().await?;
            let Some((ticket, merged_into, status_before)) = whole(&mut connection, ticket).await?
            else {
                return Ok(None);
            };
            let origin = origin(&mut connection, ticket.id).await?;
            let mut originals = originals::of_ticket(&mut connection, ticket.id).await?;
            let mut came = came(&mut connection, ticket.id).await?;
            let messages = messages::of(&mut *connection, ticket.id).await?;
            let told = |message: Message| {
                let (source, filed_at) = came.remove(&message.id).unzip();
                RecordMessage {
                    source: source.filter(|source| *source != ticket.source),
                    filed_at,
                    stand_in: None,
                    original: originals.remove(&message.raw_sha256),
                    message,
                }
            };
            let messages = messages.into_iter().map(told).collect();
            Ok(Some(Record {
                origin: origin.unwrap_or_else(|| Origin {
                    source: ticket.source.clone(),
                    source_id: ticket.id.to_string(),
                    source_status: None,
                }),
                ticket,
                status_before,
                merged_into,
                same_when: SameWhen::BytesAgree,
                messages,
            }))
        })
        .await
    }
}

async fn origin(
    connection: &mut AnyConnection,
    ticket: TicketId,
) -> Result<Option<Origin>, Trouble> {
    let row = sqlx::query(
        "SELECT source, source_id, source_status FROM ticket_origins WHERE ticket = $1",
    )
    .bind(ticket.to_string())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Origin {
        source: rows::text(&row, "source")?,
        source_id: rows::text(&row, "source_id")?,
        source_status: rows::text_or_none(&row, "source_status")?,
    }))
}

type Whole = (Ticket, Option<TicketId>, Option<Status>);

async fn whole(connection: &mut AnyConnection, ticket: TicketId) -> Result<Option<Whole>, Trouble> {
    let sql = format!(
        "SELECT {}, merged_into FROM tickets WHERE id = $1",
        rows::TICKET
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(ticket.to_string())
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some((
        rows::ticket(&row)?,
        rows::parsed_or_none(&row, "merged_into")?,
        rows::worded_or_none(&row, "status_before")?,
    )))
}

async fn came(
    connection: &mut AnyConnection,
    ticket: TicketId,
) -> Result<HashMap<MessageId, Came>, Trouble> {
    sqlx::query("SELECT id, source, filed_at FROM messages WHERE ticket = $1")
        .bind(ticket.to_string())
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| {
            let came = (rows::text(row, "source")?, rows::time(row, "filed_at")?);
            Ok((rows::parsed(row, "id")?, came))
        })
        .collect()
}
