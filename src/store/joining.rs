//! Messages taken out of their tickets, and where merged tickets went on.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    dialect::{Dialect, Lock},
    error::Trouble,
    events::{self, Happened, Verb},
    filing::AT_ONCE,
    rows,
    search::Sql,
    tickets, tickets_write,
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
            self.lock(&mut tx, Lock::Counter, "ticket").await?;
            let mut before = self.locked_by_message(&mut tx, message).await?;
            if before.messages < 2 {
                return Err(Trouble::not_found(
                    "second message on that ticket",
                    &before.id,
                ));
            }
            let mut ticket = new.clone();
            ticket.number = events::next(&mut tx, "ticket").await?;
            ticket.messages = 1;
            tickets_write::insert_ticket(&mut tx, &ticket).await?;
            for sql in [
                "UPDATE messages SET ticket = $2, thread_reason = $3 WHERE id = $1",
                "UPDATE message_words SET ticket = $2 WHERE message = $1 AND $3 <> ''",
                "UPDATE message_refs SET ticket = $2 WHERE message = $1 AND $3 <> ''",
                // No merge brings it back from now on.
                "DELETE FROM merged_messages WHERE message = $1 AND $2 <> '' AND $3 <> ''",
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
            tickets_write::write_ticket(&mut tx, &before, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &before.id.to_string(),
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

    /// Returns the ticket of a message, locked: the message stays in it until the end of the
    /// transaction.
    async fn locked_by_message(
        &self,
        tx: &mut AnyConnection,
        message: MessageId,
    ) -> Result<Ticket, Trouble> {
        let mut ticket = ticket_of(tx, message).await?;
        loop {
            let locked = self.locked_ticket(tx, ticket).await?;
            // A merge may have taken it along before the lock was there.
            ticket = ticket_of(tx, message).await?;
            if ticket == locked.id {
                return Ok(locked);
            }
        }
    }

    /// Locks tickets, and with the merged ones among them those that they went on in.
    pub(super) async fn locked_living(
        &self,
        tx: &mut AnyConnection,
        named: &BTreeSet<TicketId>,
    ) -> Result<Living, Trouble> {
        let mut living = Living::default();
        let mut asked: BTreeSet<TicketId> = BTreeSet::new();
        let mut next = named.clone();
        next.extend(went_on(tx, named).await?.into_values());
        while !next.is_empty() {
            // In one order, so that two writers never wait for each other in a circle.
            for id in &next {
                self.lock(tx, Lock::Ticket, &id.to_string()).await?;
            }
            let read = tickets::some(tx, &next).await?;
            asked.append(&mut next);
            living
                .tickets
                .extend(read.into_iter().map(|ticket| (ticket.id, ticket)));
            // What was read before the locks may have gone on, or come back, by then.
            let merged = living
                .tickets
                .values()
                .filter(|one| one.status == Status::Merged);
            let merged = merged.map(|one| one.id).collect();
            living.went_on = went_on(tx, &merged).await?;
            next.extend(living.went_on.values().filter(|id| !asked.contains(id)));
        }
        Ok(living)
    }
}

/// Locked tickets, and where the merged ones among them went on.
#[derive(Default)]
pub(super) struct Living {
    pub(super) tickets: BTreeMap<TicketId, Ticket>,
    went_on: BTreeMap<TicketId, TicketId>,
}

impl Living {
    /// Returns the ticket in which one goes on: itself, unless it was merged.
    pub(super) fn of(&self, id: TicketId) -> TicketId {
        let mut living = id;
        for _ in 0..LONGEST {
            match self.went_on.get(&living) {
                Some(next) if self.tickets.contains_key(next) => living = *next,
                Some(_) | None => break,
            }
        }
        living
    }
}

/// Reads where the merged ones among tickets went on, and where those did, to the end.
async fn went_on(
    tx: &mut AnyConnection,
    tickets: &BTreeSet<TicketId>,
) -> Result<BTreeMap<TicketId, TicketId>, Trouble> {
    let mut found = BTreeMap::new();
    let mut asked: Vec<String> = tickets.iter().map(ToString::to_string).collect();
    for _ in 0..LONGEST {
        let mut next: BTreeSet<TicketId> = BTreeSet::new();
        for some in asked.chunks(AT_ONCE) {
            let mut sql = Sql::new();
            let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
            sql.push(&format!(
                "SELECT id, merged_into FROM tickets
                 WHERE merged_into IS NOT NULL AND status = 'merged' AND id IN ({})",
                keys.join(", ")
            ));
            for row in sql.ready_in(Dialect::of(tx)).fetch_all(&mut *tx).await? {
                let into = rows::parsed(&row, "merged_into")?;
                found.insert(rows::parsed(&row, "id")?, into);
                next.insert(into);
            }
        }
        next.retain(|id| !found.contains_key(id));
        asked = next.iter().map(ToString::to_string).collect();
        if asked.is_empty() {
            break;
        }
    }
    Ok(found)
}

async fn ticket_of(tx: &mut AnyConnection, message: MessageId) -> Result<TicketId, Trouble> {
    let row = sqlx::query("SELECT ticket FROM messages WHERE id = $1")
        .bind(message.to_string())
        .fetch_optional(tx)
        .await?
        .ok_or_else(|| Trouble::not_found("message", &message))?;
    rows::parsed(&row, "ticket")
}
