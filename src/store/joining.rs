//! Messages taken out of their tickets, and where merged tickets went on.

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
