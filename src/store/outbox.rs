//! The outbox: replies that wait to leave, written before any socket is opened.

use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Store, StoreError,
    drafts::{self, Standing},
    error::Trouble,
    events::{Happened, Verb},
    rows,
    search::Sql,
};
use crate::domain::{Delivery, Draft, OutboxId, OutboxRow, TicketEvent, TicketId, Timestamp};

const SELECT: &str = "SELECT id, ticket, draft, text, then_status, approved_by, queued_at, delivery
     FROM outbox";

impl Store {
    /// Puts a reply into the outbox and takes its draft off the desk, both or neither. Refused
    /// when the ticket takes no reply, or when the draft is not live any more or not at the
    /// `revision` that was approved. The ticket keeps its status until the reply has left.
    pub async fn queue_reply(&self, row: &OutboxRow, revision: i64) -> Result<(), StoreError> {
        self.told("queue the reply", async {
            let mut tx = self.begin().await?;
            let (draft, standing) = self.locked_draft(&mut tx, row.draft).await?;
            if standing != Standing::Live {
                let because = "it was discarded or queued there";
                return Err(Trouble::conflict(because, None, &row.text));
            }
            if draft.revision != revision {
                let because = "it was saved there after you approved it";
                return Err(Trouble::conflict(because, Some(draft), &row.text));
            }
            if draft.ticket != row.ticket {
                return Err(Trouble::not_found("draft on that ticket", &row.draft));
            }
            let ticket = self.locked_ticket(&mut tx, row.ticket).await?;
            ticket
                .status
                .after(&TicketEvent::AgentReply(Some(row.then)))?;
            insert(&mut tx, row).await?;
            sqlx::query("UPDATE drafts SET standing = 'queued' WHERE id = $1")
                .bind(row.draft.to_string())
                .execute(&mut *tx)
                .await?;
            let happened = Happened {
                verb: Verb::ReplyQueued,
                subject: &row.ticket.to_string(),
                actor: &row.approved_by,
                detail: "",
                at: row.queued_at,
            };
            self.commit(tx, &happened).await
        })
        .await
    }

    /// Returns the replies of one ticket, or of all, newest first.
    pub async fn outbox(&self, ticket: Option<TicketId>) -> Result<Vec<OutboxRow>, StoreError> {
        self.told("read the outbox", async {
            let mut sql = Sql::new();
            sql.push(SELECT);
            if let Some(ticket) = ticket {
                let ticket = sql.text_value(ticket.to_string());
                sql.push(&format!(" WHERE ticket = {ticket}"));
            }
            sql.push(" ORDER BY queued_at DESC, id DESC");
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter().map(outbox_row).collect()
        })
        .await
    }

    /// Takes a held reply out of the outbox and brings its draft back to the desk.
    pub async fn withdraw(&self, id: OutboxId, at: Timestamp) -> Result<Draft, StoreError> {
        self.told("withdraw the reply", async {
            let mut tx = self.begin().await?;
            let row = one(&mut tx, id).await?;
            let (draft, standing) = self.locked_draft(&mut tx, row.draft).await?;
            let changed = sqlx::query(
                "UPDATE outbox SET delivery = 'withdrawn' WHERE id = $1 AND delivery = 'held'",
            )
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 || standing != Standing::Queued {
                let because = "the reply is not held any more";
                return Err(Trouble::conflict(because, None, &row.text));
            }
            let back = drafts::revive(&mut tx, &draft).await?;
            let happened = Happened {
                verb: Verb::ReplyWithdrawn,
                subject: &row.ticket.to_string(),
                actor: &row.approved_by,
                detail: "",
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(back)
        })
        .await
    }
}

async fn insert(tx: &mut AnyConnection, row: &OutboxRow) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO outbox (id, ticket, draft, text, then_status, approved_by, queued_at,
             delivery)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(row.id.to_string())
    .bind(row.ticket.to_string())
    .bind(row.draft.to_string())
    .bind(rows::plain(&row.text))
    .bind(rows::word(row.then)?)
    .bind(rows::plain(&row.approved_by))
    .bind(row.queued_at.as_microsecond())
    .bind(rows::word(&row.delivery)?)
    .execute(tx)
    .await?;
    Ok(())
}

async fn one(tx: &mut AnyConnection, id: OutboxId) -> Result<OutboxRow, Trouble> {
    let mut sql = Sql::new();
    let key = sql.text_value(id.to_string());
    sql.push(SELECT).push(&format!(" WHERE id = {key}"));
    let row = sql.ready().fetch_optional(tx).await?;
    row.as_ref()
        .map(outbox_row)
        .transpose()?
        .ok_or_else(|| Trouble::not_found("reply in the outbox", &id))
}

fn outbox_row(row: &AnyRow) -> Result<OutboxRow, Trouble> {
    Ok(OutboxRow {
        id: rows::parsed(row, "id")?,
        ticket: rows::parsed(row, "ticket")?,
        draft: rows::parsed(row, "draft")?,
        text: rows::text(row, "text")?,
        then: rows::worded(row, "then_status")?,
        approved_by: rows::text(row, "approved_by")?,
        queued_at: rows::time(row, "queued_at")?,
        delivery: rows::worded::<Delivery>(row, "delivery")?,
    })
}
