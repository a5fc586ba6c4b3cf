//! What is noted of merges, and what is given back from it: where a ticket went on, which
//! messages went over, and how the ticket they went to stood.
//!
//! The statuses stand in the events: they are read when a merge is undone, and never else.

use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, any::AnyRow};

use super::{error::Trouble, rows};
use crate::domain::{
    Status, Ticket, TicketId, Timestamp,
    joining::{Layer, lift},
};

/// What is noted of a merge.
#[derive(Clone, Copy)]
pub(super) struct Merged {
    /// Where the ticket went on.
    pub(super) went_on: TicketId,
    /// When a customer had last written there before.
    pub(super) asked_before: Option<Timestamp>,
}

/// What an event tells of a merge, or of its undoing.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    merged_into: Option<TicketId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmerged_from: Option<TicketId>,
    /// How the merged ticket stood.
    #[serde(skip_serializing_if = "Option::is_none")]
    was: Option<Status>,
    /// How the other stood before and after; none before that was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<(Status, Status)>,
}

/// Returns what the event of a merge tells.
pub(super) fn went_over(layer: &Layer, into: TicketId) -> Result<String, Trouble> {
    rows::to_json(&Told {
        merged_into: Some(into),
        was: layer.was,
        status: Some(layer.into),
        ..Told::default()
    })
}

/// Returns what the event of the undoing of a merge tells.
pub(super) fn came_back(from: TicketId) -> Result<String, Trouble> {
    rows::to_json(&Told {
        unmerged_from: Some(from),
        ..Told::default()
    })
}

/// Returns how a ticket stands without a merge into it, which is undone: as it would if that
/// merge had never been. Where mail has come since, or somebody has changed the status, it stays
/// as it is. Merges from before their events told of statuses changed none.
pub(super) async fn status_without(
    tx: &mut AnyConnection,
    target: &Ticket,
    merged: TicketId,
) -> Result<Status, Trouble> {
    let mut layers = Vec::new();
    let mut merged_at = None;
    for row in history(tx, target.id).await? {
        let of: TicketId = rows::parsed(&row, "subject")?;
        let told: Told = rows::json(&row, "detail")?;
        if told.unmerged_from.is_some() {
            lift(&mut layers, of, target.status);
        } else if let Some(into) = told.status {
            let was = told.was;
            layers.push(Layer {
                merged: of,
                was,
                into,
            });
            if of == merged {
                merged_at = Some(rows::time(&row, "at")?);
            }
        }
    }
    let without = lift(&mut layers, merged, target.status);
    let has_news = match merged_at {
        Some(at) => has_news(tx, target.id, at).await?,
        None => true,
    };
    Ok(if has_news { target.status } else { without })
}

/// Reads the events of merges into a ticket, and of their undoing, oldest first.
async fn history(tx: &mut AnyConnection, into: TicketId) -> Result<Vec<AnyRow>, Trouble> {
    let rows = sqlx::query(
        "SELECT subject, detail, at FROM events
         WHERE verb = 'ticket_changed' AND (detail LIKE $1 OR detail LIKE $2) ORDER BY seq",
    )
    .bind(format!("{{\"merged_into\":\"{into}\"%"))
    .bind(format!("{{\"unmerged_from\":\"{into}\"%"))
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// Tells whether somebody has written to a ticket since then, not counting what merges brought.
async fn has_news(
    tx: &mut AnyConnection,
    ticket: TicketId,
    since: Timestamp,
) -> Result<bool, Trouble> {
    let row = sqlx::query(
        "SELECT 1 AS one FROM messages m
         WHERE m.ticket = $1 AND m.direction = 'in' AND m.filed_at >= $2 AND NOT EXISTS (
             SELECT 1 FROM merged_messages o JOIN merges g ON g.merged = o.merged
             WHERE o.message = m.id AND g.went_on = $1) LIMIT 1",
    )
    .bind(ticket.to_string())
    .bind(since.as_microsecond())
    .fetch_optional(tx)
    .await?;
    Ok(row.is_some())
}

/// Brings a ticket to when a customer last wrote there without a merge into it, which is undone;
/// what later merges noted of it is put right with it.
pub(super) async fn ask_without(
    tx: &mut AnyConnection,
    target: &mut Ticket,
    (merged, asked_before): (&Ticket, Option<Timestamp>),
) -> Result<(), Trouble> {
    sqlx::query("UPDATE merges SET asked_before = $2 WHERE went_on = $1 AND asked_before = $3")
        .bind(target.id.to_string())
        .bind(asked_before.map(Timestamp::as_microsecond))
        .bind(
            merged
                .last_customer_message_at
                .map(Timestamp::as_microsecond),
        )
        .execute(&mut *tx)
        .await?;
    if target.last_customer_message_at == merged.last_customer_message_at {
        // As `tray` counts: a date from the future is the moment of the filing.
        let row = sqlx::query(
            "SELECT MAX(CASE WHEN sent_at > filed_at THEN filed_at ELSE sent_at END) AS asked
             FROM messages
             WHERE ticket = $1 AND direction = 'in' AND auto_class IN ('human', 'list')",
        )
        .bind(target.id.to_string())
        .fetch_one(tx)
        .await?;
        let asked = rows::time_or_none(&row, "asked")?;
        target.last_customer_message_at = asked.or(asked_before);
    }
    Ok(())
}

/// Notes what a merge changes: `move_back` needs it.
pub(super) async fn note(
    tx: &mut AnyConnection,
    source: &Ticket,
    target: &Ticket,
) -> Result<(), Trouble> {
    sqlx::query("UPDATE tickets SET merged_into = $2, status_before = status WHERE id = $1")
        .bind(source.id.to_string())
        .bind(target.id.to_string())
        .execute(&mut *tx)
        .await?;
    forget(tx, source.id).await?;
    let asked = target.last_customer_message_at;
    sqlx::query("INSERT INTO merges (merged, went_on, asked_before) VALUES ($1, $2, $3)")
        .bind(source.id.to_string())
        .bind(target.id.to_string())
        .bind(asked.map(Timestamp::as_microsecond))
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "INSERT INTO merged_messages (merged, message)
         SELECT ticket, id FROM messages WHERE ticket = $1",
    )
    .bind(source.id.to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// Reads what was noted of the merge of a ticket.
pub(super) async fn noted(
    tx: &mut AnyConnection,
    merged: TicketId,
) -> Result<Option<Merged>, Trouble> {
    let row = sqlx::query("SELECT went_on, asked_before FROM merges WHERE merged = $1")
        .bind(merged.to_string())
        .fetch_optional(tx)
        .await?;
    row.map(|row| {
        Ok(Merged {
            went_on: rows::parsed(&row, "went_on")?,
            asked_before: rows::time_or_none(&row, "asked_before")?,
        })
    })
    .transpose()
}

/// Reads the status that a merged ticket had.
pub(super) async fn status_before(
    tx: &mut AnyConnection,
    ticket: TicketId,
) -> Result<Status, Trouble> {
    let row = sqlx::query("SELECT status_before FROM tickets WHERE id = $1")
        .bind(ticket.to_string())
        .fetch_one(tx)
        .await?;
    Ok(rows::worded_or_none(&row, "status_before")?.unwrap_or(Status::Open))
}

pub(super) async fn move_all(
    tx: &mut AnyConnection,
    (from, into): (TicketId, TicketId),
) -> Result<(), Trouble> {
    for sql in [
        "UPDATE messages SET ticket = $2 WHERE ticket = $1",
        "UPDATE message_words SET ticket = $2 WHERE ticket = $1",
        "UPDATE message_refs SET ticket = $2 WHERE ticket = $1",
    ] {
        sqlx::query(sql)
            .bind(from.to_string())
            .bind(into.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Moves the messages that went over back, and forgets the merge; returns how many they were.
pub(super) async fn move_back(
    tx: &mut AnyConnection,
    (merged, into): (TicketId, TicketId),
) -> Result<i64, Trouble> {
    let mut back = 0;
    for sql in [
        "UPDATE message_words SET ticket = $1 WHERE ticket = $2
         AND message IN (SELECT message FROM merged_messages WHERE merged = $1)",
        "UPDATE message_refs SET ticket = $1 WHERE ticket = $2
         AND message IN (SELECT message FROM merged_messages WHERE merged = $1)",
        "UPDATE messages SET ticket = $1 WHERE ticket = $2
         AND id IN (SELECT message FROM merged_messages WHERE merged = $1)",
    ] {
        let done = sqlx::query(sql)
            .bind(merged.to_string())
            .bind(into.to_string())
            .execute(&mut *tx)
            .await?;
        back = i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
    }
    sqlx::query("UPDATE tickets SET merged_into = NULL WHERE id = $1")
        .bind(merged.to_string())
        .execute(&mut *tx)
        .await?;
    forget(tx, merged).await?;
    Ok(back)
}

/// Forgets what is noted of a merge: a ticket is merged once at a time.
async fn forget(tx: &mut AnyConnection, merged: TicketId) -> Result<(), Trouble> {
    for sql in [
        "DELETE FROM merged_messages WHERE merged = $1",
        "DELETE FROM merges WHERE merged = $1",
    ] {
        sqlx::query(sql)
            .bind(merged.to_string())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}
