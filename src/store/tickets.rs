//! Tickets: the queue, one ticket, and what people change about it.

use std::collections::BTreeSet;

use sqlx::{Any, AnyConnection, AssertSqlSafe, Executor, any::AnyRow};

use super::{
    Store, StoreError,
    dialect::Lock,
    error::Trouble,
    events::{self, Happened, Verb},
    rows,
    search::{self, Sql},
    tickets_write::{insert_ticket, write_ticket},
};
use crate::domain::{
    Change, DraftMark, Order, Page, Query, QueueRow, Status, Ticket, TicketEvent, TicketId,
    Timestamp,
};

const QUEUE_ROW: &str = "SELECT t.id, t.number, t.status, t.priority, t.subject, t.requester_name,
    t.requester_address, t.assignee, t.tags, t.quarantined_because, t.messages, t.created_at,
    t.updated_at,
    COALESCE(t.last_customer_message_at, t.created_at) AS asked_at, d.state AS draft_state, d.origin AS draft_origin, d.saved_at AS draft_saved_at,
    COALESCE(r.is_fallback, 0) AS is_fallback,
    (SELECT o.delivery FROM outbox o
        WHERE o.ticket = t.id AND o.kind = 'reply' AND o.delivery IN ('held', 'sending', 'unsure')
        ORDER BY CASE o.delivery WHEN 'sending' THEN 0 WHEN 'held' THEN 1 ELSE 2 END
        LIMIT 1) AS open_reply";

const QUEUE_JOINS: &str = " page JOIN tickets t ON t.id = page.id
    LEFT JOIN drafts d ON d.id = (SELECT l.id FROM drafts l
        WHERE l.ticket = t.id AND l.standing = 'live' ORDER BY l.saved_at DESC, l.id LIMIT 1)
    LEFT JOIN receipts r ON r.id = d.last_receipt ORDER BY ";

impl Store {
    /// Returns a part of the queue. Only the rows of the page are read whole.
    pub async fn tickets(
        &self,
        query: &Query,
        order: Order,
        page: Page,
    ) -> Result<Vec<QueueRow>, StoreError> {
        self.told("read the queue", async {
            let by = match order {
                Order::Newest => {
                    "COALESCE(t.last_customer_message_at, t.created_at) DESC, t.number DESC"
                }
                Order::Number => "t.number",
            };
            let mut sql = Sql::new();
            sql.push(QUEUE_ROW)
                .push(" FROM (SELECT t.id FROM tickets t");
            search::push_where(&mut sql, query, self.dialect())?;
            let limit = sql.int_value(i64::try_from(page.limit).unwrap_or(i64::MAX));
            let offset = sql.int_value(i64::try_from(page.offset).unwrap_or(i64::MAX));
            sql.push(&format!(" ORDER BY {by} LIMIT {limit} OFFSET {offset})"))
                .push(QUEUE_JOINS)
                .push(by);
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter().map(queue_row).collect()
        })
        .await
    }

    /// Returns how many tickets of a query stand before one of them, the newest first; none where the
    /// query does not find it.
    pub async fn place_in_queue(
        &self,
        query: &Query,
        ticket: TicketId,
    ) -> Result<Option<u64>, StoreError> {
        self.told("find a ticket in the queue", async {
            let asked = "COALESCE(t.last_customer_message_at, t.created_at)";
            let and = if query.terms.is_empty() {
                " WHERE "
            } else {
                " AND "
            };
            let mut sql = Sql::new();
            sql.push(&format!(
                "SELECT {asked} AS asked_at, t.number FROM tickets t"
            ));
            search::push_where(&mut sql, query, self.dialect())?;
            let id = sql.text_value(ticket.to_string());
            sql.push(&format!("{and}t.id = {id}"));
            let Some(row) = sql.ready().fetch_optional(self.pool()).await? else {
                return Ok(None);
            };
            let mut sql = Sql::new();
            sql.push("SELECT COUNT(*) AS n FROM tickets t");
            search::push_where(&mut sql, query, self.dialect())?;
            let at = sql.int_value(rows::int(&row, "asked_at")?);
            let number = sql.int_value(rows::int(&row, "number")?);
            sql.push(&format!("{and}({asked}, t.number) > ({at}, {number})"));
            rows::count(&sql.ready().fetch_one(self.pool()).await?, "n").map(Some)
        })
        .await
    }

    /// Counts the tickets that a query finds.
    pub async fn count(&self, query: &Query) -> Result<u64, StoreError> {
        self.told("count the tickets", async {
            let mut sql = Sql::new();
            sql.push("SELECT COUNT(*) AS n FROM tickets t");
            search::push_where(&mut sql, query, self.dialect())?;
            rows::count(&sql.ready().fetch_one(self.pool()).await?, "n")
        })
        .await
    }

    /// Counts all tickets.
    pub async fn count_all(&self) -> Result<u64, StoreError> {
        self.count(&Query::default()).await
    }

    /// Tells whether there is no ticket at all.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        self.told("look for a ticket", async {
            let row = sqlx::query("SELECT id FROM tickets LIMIT 1")
                .fetch_optional(self.pool())
                .await?;
            Ok(row.is_none())
        })
        .await
    }

    /// Tells whether a message is here that came from there.
    pub async fn has_mail_of(&self, source: &str) -> Result<bool, StoreError> {
        self.told("look for a message", async {
            let row = sqlx::query("SELECT 1 AS one FROM messages WHERE source = $1 LIMIT 1")
                .bind(source)
                .fetch_optional(self.pool())
                .await?;
            Ok(row.is_some())
        })
        .await
    }

    /// Returns a ticket by its identity.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        self.told("read a ticket", one(self.pool(), id)).await
    }

    /// Returns a ticket by the number people say.
    pub async fn ticket_by_number(&self, number: i64) -> Result<Option<Ticket>, StoreError> {
        self.told("read a ticket", async {
            let sql = format!("SELECT {} FROM tickets WHERE number = $1", rows::TICKET);
            let row = sqlx::query(AssertSqlSafe(sql))
                .bind(number)
                .fetch_optional(self.pool())
                .await?;
            row.as_ref().map(rows::ticket).transpose()
        })
        .await
    }

    /// Changes a ticket and returns it as it stands then. A change of nothing writes nothing.
    pub async fn change(
        &self,
        id: TicketId,
        change: &Change,
        actor: &str,
        at: Timestamp,
    ) -> Result<Ticket, StoreError> {
        self.told("change the ticket", async {
            let mut tx = self.begin().await?;
            let before = self.locked_ticket(&mut tx, id).await?;
            let mut after = before.clone();
            apply(&mut after, change)?;
            if after == before {
                tx.take_back().await?;
                return Ok(before);
            }
            after.version += 1;
            after.updated_at = before.updated_at.max(at);
            let left = left_status(before.status, after.status);
            write_ticket(&mut tx, &after, left).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &id.to_string(),
                actor,
                detail: &difference(&before, &after),
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(after)
        })
        .await
    }

    /// Returns tickets with the date of the newest message of each; one from the future counts as
    /// when it was filed.
    pub async fn tickets_with_newest(
        &self,
        ids: &BTreeSet<TicketId>,
    ) -> Result<Vec<(Ticket, Option<Timestamp>)>, StoreError> {
        self.told("read tickets", async {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            let mut found = Vec::with_capacity(ids.len());
            for some in ids.chunks(100) {
                let mut sql = Sql::new();
                let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
                sql.push(&format!(
                    "SELECT {}, (SELECT MAX(CASE WHEN m.sent_at > m.filed_at
                                         THEN m.filed_at ELSE m.sent_at END)
                         FROM messages m WHERE m.ticket = tickets.id) AS newest
                     FROM tickets WHERE id IN ({})",
                    rows::TICKET,
                    keys.join(", ")
                ));
                let ready = sql.ready_in(self.dialect());
                for row in &ready.fetch_all(self.writing()).await? {
                    found.push((rows::ticket(row)?, rows::time_or_none(row, "newest")?));
                }
            }
            Ok(found)
        })
        .await
    }

    /// Makes a ticket that no message began; its number is given here.
    pub async fn new_ticket(
        &self,
        ticket: &Ticket,
        by: &str,
        at: Timestamp,
    ) -> Result<Ticket, StoreError> {
        self.told("make the ticket", async {
            let mut tx = self.begin().await?;
            self.lock(&mut tx, Lock::Counter, "ticket").await?;
            let mut ticket = ticket.clone();
            ticket.number = events::next(&mut tx, "ticket").await?;
            insert_ticket(&mut tx, &ticket).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &ticket.id.to_string(),
                actor: by,
                detail: "",
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(ticket)
        })
        .await
    }

    /// Returns a ticket whose row stays locked, with its drafts and replies, until the end of the
    /// transaction.
    pub(super) async fn locked_ticket(
        &self,
        tx: &mut AnyConnection,
        id: TicketId,
    ) -> Result<Ticket, Trouble> {
        let key = id.to_string();
        self.lock(tx, Lock::Ticket, &key).await?;
        let sql = format!("SELECT {} FROM tickets WHERE id = $1", rows::TICKET);
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(key)
            .fetch_optional(tx)
            .await?;
        row.as_ref()
            .map(rows::ticket)
            .transpose()?
            .ok_or_else(|| Trouble::not_found("ticket", &id))
    }
}

/// Reads several tickets.
pub(super) async fn some(
    tx: &mut AnyConnection,
    ids: &BTreeSet<TicketId>,
) -> Result<Vec<Ticket>, Trouble> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let mut found = Vec::with_capacity(ids.len());
    for some in ids.chunks(100) {
        let mut sql = Sql::new();
        let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
        sql.push(&format!(
            "SELECT {} FROM tickets WHERE id IN ({})",
            rows::TICKET,
            keys.join(", ")
        ));
        let rows = sql.ready().fetch_all(&mut *tx).await?;
        for row in &rows {
            found.push(rows::ticket(row)?);
        }
    }
    Ok(found)
}

fn apply(ticket: &mut Ticket, change: &Change) -> Result<(), Trouble> {
    if let Some(status) = change.status {
        ticket.status = ticket.status.after(&TicketEvent::SetByHand(status))?;
    }
    if let Some(priority) = change.priority {
        ticket.priority = priority;
    }
    if let Some(assignee) = &change.assignee {
        ticket.assignee.clone_from(assignee);
    }
    if change.release {
        ticket.quarantined_because = None;
    }
    let clean = |tags: &[String]| -> Vec<String> {
        rows::tags_to_text(tags)
            .split_whitespace()
            .map(str::to_owned)
            .collect()
    };
    let removed = clean(&change.remove_tags);
    ticket.tags.extend(clean(&change.add_tags));
    ticket.tags.retain(|tag| !removed.contains(tag));
    ticket.tags.sort_unstable();
    ticket.tags.dedup();
    Ok(())
}

/// Returns the status that a ticket left to become spam or deleted.
pub(super) fn left_status(before: Status, after: Status) -> Option<Status> {
    let away = |status| matches!(status, Status::Spam | Status::Deleted);
    (away(after) && !away(before)).then_some(before)
}

/// Writes what changed, from and to, for the record.
fn difference(before: &Ticket, after: &Ticket) -> String {
    let mut changed = serde_json::Map::new();
    let mut note = |what: &str, from: serde_json::Value, to: serde_json::Value| {
        if from != to {
            changed.insert(what.to_owned(), serde_json::json!([from, to]));
        }
    };
    note(
        "quarantined_because",
        before.quarantined_because.clone().into(),
        after.quarantined_because.clone().into(),
    );
    note(
        "status",
        before.status.word().into(),
        after.status.word().into(),
    );
    note(
        "priority",
        before.priority.map(crate::domain::Priority::word).into(),
        after.priority.map(crate::domain::Priority::word).into(),
    );
    note(
        "assignee",
        before.assignee.clone().into(),
        after.assignee.clone().into(),
    );
    note(
        "tags",
        before.tags.clone().into(),
        after.tags.clone().into(),
    );
    serde_json::Value::Object(changed).to_string()
}

/// Reads a ticket by its identity.
pub(super) async fn one<'e>(
    from: impl Executor<'e, Database = Any>,
    id: TicketId,
) -> Result<Option<Ticket>, Trouble> {
    let sql = format!("SELECT {} FROM tickets WHERE id = $1", rows::TICKET);
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(id.to_string())
        .fetch_optional(from)
        .await?;
    row.as_ref().map(rows::ticket).transpose()
}

fn queue_row(row: &AnyRow) -> Result<QueueRow, Trouble> {
    let draft = match rows::worded_or_none(row, "draft_state")? {
        Some(state) => Some(DraftMark {
            state,
            origin: rows::worded(row, "draft_origin")?,
            is_fallback: rows::yes(row, "is_fallback")?,
            saved_at: rows::time(row, "draft_saved_at")?,
        }),
        None => None,
    };
    Ok(QueueRow {
        id: rows::parsed(row, "id")?,
        number: rows::int(row, "number")?,
        status: rows::worded(row, "status")?,
        priority: rows::worded_or_none(row, "priority")?,
        subject: rows::text(row, "subject")?,
        requester: rows::requester(row)?,
        assignee: rows::text_or_none(row, "assignee")?,
        tags: rows::tags(row)?,
        quarantined_because: rows::text_or_none(row, "quarantined_because")?,
        messages: rows::int(row, "messages")?,
        created_at: rows::time(row, "created_at")?,
        updated_at: rows::time(row, "updated_at")?,
        asked_at: rows::time(row, "asked_at")?,
        draft,
        open_reply: rows::worded_or_none(row, "open_reply")?,
    })
}
