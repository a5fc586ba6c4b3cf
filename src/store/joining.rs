//! Tickets put together and taken apart: whole messages go over, with what refers to them.

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    error::Trouble,
    events::{self, Happened, Verb},
    rows, tickets,
};
use crate::domain::{MessageId, Status, Ticket, TicketId, Timestamp};

/// A chain of merged tickets is not longer.
pub(super) const LONGEST: usize = 50;

impl Store {
    /// Merges a ticket into another: its messages go over, and mail that answers them later goes
    /// to the other, also when that is merged again.
    pub async fn merge(
        &self,
        (from, into): (TicketId, TicketId),
        by: &str,
        at: Timestamp,
    ) -> Result<Ticket, StoreError> {
        self.told("merge the tickets", async {
            let mut tx = self.begin().await?;
            // In one order, so that two merges never wait for each other.
            let (low, high) = if from < into {
                (from, into)
            } else {
                (into, from)
            };
            self.locked_ticket(&mut tx, low).await?;
            self.locked_ticket(&mut tx, high).await?;
            let mut source = self.locked_ticket(&mut tx, from).await?;
            let mut target = self.locked_ticket(&mut tx, into).await?;
            let is_over = |ticket: &Ticket| {
                matches!(
                    ticket.status,
                    Status::Merged | Status::Deleted | Status::Spam
                )
            };
            if from == into || is_over(&source) || is_over(&target) {
                return Err(Trouble::not_found("ticket that can be merged", &from));
            }
            move_messages(&mut tx, from, into).await?;
            sqlx::query(
                "UPDATE tickets SET merged_into = $2, status_before = status WHERE id = $1",
            )
            .bind(from.to_string())
            .bind(into.to_string())
            .execute(&mut *tx)
            .await?;
            target.messages += source.messages;
            target.last_customer_message_at = target
                .last_customer_message_at
                .max(source.last_customer_message_at);
            target.updated_at = target.updated_at.max(at);
            target.version += 1;
            source.messages = 0;
            source.status = Status::Merged;
            source.updated_at = source.updated_at.max(at);
            source.version += 1;
            tickets::write_ticket(&mut tx, &source, None).await?;
            tickets::write_ticket(&mut tx, &target, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &from.to_string(),
                actor: by,
                detail: &format!("{{\"merged_into\":\"{into}\"}}"),
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(target)
        })
        .await
    }

    /// Takes a message out of a ticket into a new one: undoes a wrong join.
    pub async fn split(
        &self,
        message: MessageId,
        new: &Ticket,
        (by, at): (&str, Timestamp),
    ) -> Result<Ticket, StoreError> {
        self.told("split the ticket", async {
            let mut tx = self.begin().await?;
            self.lock(&mut tx, super::dialect::Lock::Counter, "ticket")
                .await?;
            let row = sqlx::query("SELECT ticket FROM messages WHERE id = $1")
                .bind(message.to_string())
                .fetch_optional(&mut *tx)
                .await?
                .ok_or_else(|| Trouble::not_found("message", &message))?;
            let from: TicketId = rows::parsed(&row, "ticket")?;
            let mut before = self.locked_ticket(&mut tx, from).await?;
            if before.messages < 2 {
                return Err(Trouble::not_found("second message on that ticket", &from));
            }
            let mut ticket = new.clone();
            ticket.number = events::next(&mut tx, "ticket").await?;
            ticket.messages = 1;
            tickets::insert_ticket(&mut tx, &ticket).await?;
            for sql in [
                "UPDATE messages SET ticket = $2, thread_reason = $3 WHERE id = $1",
                "UPDATE message_words SET ticket = $2 WHERE message = $1 AND $3 <> ''",
                "UPDATE message_refs SET ticket = $2 WHERE message = $1 AND $3 <> ''",
            ] {
                sqlx::query(sql)
                    .bind(message.to_string())
                    .bind(ticket.id.to_string())
                    .bind(format!("split from #{}", before.number))
                    .execute(&mut *tx)
                    .await?;
            }
            before.messages -= 1;
            before.updated_at = before.updated_at.max(at);
            before.version += 1;
            tickets::write_ticket(&mut tx, &before, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &from.to_string(),
                actor: by,
                detail: &format!("{{\"split_into\":{}}}", ticket.number),
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(ticket)
        })
        .await
    }

    /// Returns the ticket with a number, or the living one that it was merged into.
    pub async fn living_ticket(&self, number: i64) -> Result<Option<Ticket>, StoreError> {
        let mut found = self.ticket_by_number(number).await?;
        for _ in 0..LONGEST {
            let Some(ticket) = found.as_ref().filter(|one| one.status == Status::Merged) else {
                break;
            };
            let next = self.merged_into(ticket.id).await?;
            let Some(next) = next else { break };
            found = self.ticket(next).await?;
        }
        Ok(found)
    }

    /// Returns the ticket that a merged one went on in.
    pub async fn merged_into(&self, ticket: TicketId) -> Result<Option<TicketId>, StoreError> {
        self.told("follow a merged ticket", async {
            let row = sqlx::query("SELECT merged_into FROM tickets WHERE id = $1")
                .bind(ticket.to_string())
                .fetch_optional(self.pool())
                .await?;
            match row {
                Some(row) => rows::parsed_or_none(&row, "merged_into"),
                None => Ok(None),
            }
        })
        .await
    }
}

async fn move_messages(
    tx: &mut AnyConnection,
    from: TicketId,
    into: TicketId,
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
