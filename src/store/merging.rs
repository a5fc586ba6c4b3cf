//! Tickets put together, and the whole of it undone: messages go over with what refers to them,
//! and it is noted which they were.

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    error::Trouble,
    events::{Happened, Verb},
    rows, tickets, tray,
};
use crate::domain::{Status, Ticket, TicketId, Timestamp, joining::NotJoined};

impl Store {
    /// Returns the two tickets of a merge as they stand, or says why they are not merged.
    pub async fn to_merge(
        &self,
        (from, into): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), StoreError> {
        self.told("look at the tickets", async {
            let mut tx = self.begin().await?;
            self.pair(&mut tx, (from, into)).await
        })
        .await
    }

    /// Merges a ticket into another: its messages go over, and mail that answers them later goes
    /// to the other, also when that is merged again.
    pub async fn merge(
        &self,
        ids: (TicketId, TicketId),
        by: &str,
        at: Timestamp,
    ) -> Result<Ticket, StoreError> {
        self.told("merge the tickets", async {
            let mut tx = self.begin().await?;
            let (mut source, mut target) = self.pair(&mut tx, ids).await?;
            note(&mut tx, &source, &target).await?;
            move_all(&mut tx, ids).await?;
            if source.last_customer_message_at.is_some() {
                // Its draft was written without what the customer says there.
                tray::make_stale(&mut tx, target.id).await?;
            }
            target.messages += source.messages;
            target.last_customer_message_at = target
                .last_customer_message_at
                .max(source.last_customer_message_at);
            touch(&mut target, at);
            source.messages = 0;
            source.status = Status::Merged;
            touch(&mut source, at);
            tickets::write_ticket(&mut tx, &source, None).await?;
            tickets::write_ticket(&mut tx, &target, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &source.id.to_string(),
                actor: by,
                detail: &format!("{{\"merged_into\":\"{}\"}}", target.id),
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(target)
        })
        .await
    }

    /// Undoes a merge: the messages that went over, and were not split off since, come back, and
    /// the ticket is what it was. Returns it, and the one it had gone on in.
    ///
    /// What came after the merge stays where it was filed.
    pub async fn unmerge(
        &self,
        merged: TicketId,
        by: &str,
        at: Timestamp,
    ) -> Result<(Ticket, Ticket), StoreError> {
        self.told("undo the merge", async {
            let mut tx = self.begin().await?;
            let (mut source, mut target, asked_before) = self.merged_pair(&mut tx, merged).await?;
            // On its way from there it would be filed where its conversation is no more.
            if is_reply_under_way(&mut tx, target.id).await? {
                return Err(not_joined(NotJoined::OnItsWay(target.number)));
            }
            let before = status_before(&mut tx, merged).await?;
            let back = move_back(&mut tx, (merged, target.id)).await?;
            target.messages -= back;
            if target.last_customer_message_at == source.last_customer_message_at {
                target.last_customer_message_at = asked_before;
            }
            touch(&mut target, at);
            // A reply that was refused may have been filed with it meanwhile.
            source.messages += back;
            source.status = before;
            touch(&mut source, at);
            tickets::write_ticket(&mut tx, &source, None).await?;
            tickets::write_ticket(&mut tx, &target, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &merged.to_string(),
                actor: by,
                detail: &format!("{{\"unmerged_from\":\"{}\"}}", target.id),
                at,
            };
            self.commit(tx, &happened).await?;
            Ok((source, target))
        })
        .await
    }

    /// Locks two tickets that are to be merged, or says why they are not.
    async fn pair(
        &self,
        tx: &mut AnyConnection,
        (from, into): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), Trouble> {
        let (source, target) = self.both_locked(tx, (from, into)).await?;
        if from == into {
            return Err(not_joined(NotJoined::Itself(source.number)));
        }
        for one in [&source, &target] {
            let (number, status) = (one.number, one.status);
            if matches!(status, Status::Merged | Status::Deleted | Status::Spam) {
                return Err(not_joined(NotJoined::Over { number, status }));
            }
            if is_reply_under_way(tx, one.id).await? {
                return Err(not_joined(NotJoined::OnItsWay(number)));
            }
        }
        Ok((source, target))
    }

    /// Locks a merged ticket and the one it went on in, or says why the merge is not undone;
    /// returns also when a customer had last written to the other.
    async fn merged_pair(
        &self,
        tx: &mut AnyConnection,
        merged: TicketId,
    ) -> Result<(Ticket, Ticket, Option<Timestamp>), Trouble> {
        let seen = noted(tx, merged).await?;
        let into = seen.map_or(merged, |(into, _)| into);
        let (source, target) = self.both_locked(tx, (merged, into)).await?;
        // What was read before the locks may have been undone by then.
        let Some((into, asked_before)) = noted(tx, merged).await?.filter(|_| merged != into) else {
            return Err(not_joined(NotJoined::NotMerged(source.number)));
        };
        if source.status != Status::Merged || target.id != into {
            return Err(not_joined(NotJoined::NotMerged(source.number)));
        }
        if target.status == Status::Merged {
            let (number, into) = (source.number, target.number);
            return Err(not_joined(NotJoined::WentOn { number, into }));
        }
        Ok((source, target, asked_before))
    }

    /// Locks two tickets in one order, whichever is named first: two that do so never wait for
    /// each other.
    async fn both_locked(
        &self,
        tx: &mut AnyConnection,
        (one, other): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), Trouble> {
        let low = self.locked_ticket(tx, one.min(other)).await?;
        let high = self.locked_ticket(tx, one.max(other)).await?;
        Ok(if one <= other {
            (low, high)
        } else {
            (high, low)
        })
    }
}

fn not_joined(why: NotJoined) -> Trouble {
    Trouble::Told(StoreError::NotJoined(why))
}

fn touch(ticket: &mut Ticket, at: Timestamp) {
    ticket.updated_at = ticket.updated_at.max(at);
    ticket.version += 1;
}

async fn status_before(tx: &mut AnyConnection, ticket: TicketId) -> Result<Status, Trouble> {
    let row = sqlx::query("SELECT status_before FROM tickets WHERE id = $1")
        .bind(ticket.to_string())
        .fetch_one(tx)
        .await?;
    Ok(rows::worded_or_none(&row, "status_before")?.unwrap_or(Status::Open))
}

/// Tells whether a reply of a ticket has been written and has not come to an end.
async fn is_reply_under_way(tx: &mut AnyConnection, ticket: TicketId) -> Result<bool, Trouble> {
    let row = sqlx::query(
        "SELECT 1 AS one FROM outbox
         WHERE ticket = $1 AND account IS NOT NULL AND delivery IN ('held', 'sending', 'unsure')",
    )
    .bind(ticket.to_string())
    .fetch_optional(tx)
    .await?;
    Ok(row.is_some())
}

/// Notes what a merge changes: `move_back` needs it.
async fn note(tx: &mut AnyConnection, source: &Ticket, target: &Ticket) -> Result<(), Trouble> {
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

/// Reads where a merged ticket went on, and when a customer had last written there before.
async fn noted(
    tx: &mut AnyConnection,
    merged: TicketId,
) -> Result<Option<(TicketId, Option<Timestamp>)>, Trouble> {
    let row = sqlx::query("SELECT went_on, asked_before FROM merges WHERE merged = $1")
        .bind(merged.to_string())
        .fetch_optional(tx)
        .await?;
    row.map(|row| {
        Ok((
            rows::parsed(&row, "went_on")?,
            rows::time_or_none(&row, "asked_before")?,
        ))
    })
    .transpose()
}

async fn move_all(
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
async fn move_back(
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
