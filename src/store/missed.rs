//! Drafts that were asked for and could not be made: noted when their run ended, gone when the
//! ticket has a draft, an answer or no need of one any more.

use sqlx::{AnyConnection, AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    error::Trouble,
    events::{Happened, Verb},
    rows,
};
use crate::domain::{Ending, Missed, TicketId, Timestamp};

/// What makes a missed draft still wanted: an open ticket without a draft of this agent and
/// without a reply since.
const STILL_WANTED: &str = "m.agent = $1 AND t.in_queue = 1
    AND NOT EXISTS (SELECT 1 FROM drafts d
        WHERE d.ticket = m.ticket AND d.author = m.agent AND d.standing = 'live')
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.ticket = m.ticket AND o.queued_at > m.at)";

impl Store {
    /// Returns an agent's missed drafts that are still wanted, the oldest first.
    pub async fn missed(&self, agent: &str) -> Result<Vec<Missed>, StoreError> {
        self.told("read which drafts wait", async {
            let sql = format!(
                "SELECT {}, m.because AS because, m.at AS missed_at FROM missed_drafts m \
                 JOIN tickets t ON t.id = m.ticket WHERE {STILL_WANTED} ORDER BY m.at, t.number",
                rows::TICKET
            );
            let read = sqlx::query(AssertSqlSafe(sql))
                .bind(agent)
                .fetch_all(self.pool())
                .await?;
            read.iter().map(missed).collect()
        })
        .await
    }

    /// Counts them.
    pub async fn count_missed(&self, agent: &str) -> Result<u64, StoreError> {
        self.told("count which drafts wait", async {
            let sql = format!(
                "SELECT COUNT(*) AS n FROM missed_drafts m \
                 JOIN tickets t ON t.id = m.ticket WHERE {STILL_WANTED}"
            );
            let row = sqlx::query(AssertSqlSafe(sql))
                .bind(agent)
                .fetch_one(self.pool())
                .await?;
            rows::count(&row, "n")
        })
        .await
    }

    /// Notes that a draft could not be made; the newest reason counts, the first time stays.
    pub async fn note_missed(
        &self,
        ticket: TicketId,
        agent: &str,
        because: Ending,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("note a draft that waits", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO missed_drafts (ticket, agent, because, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (ticket, agent) DO UPDATE SET because = excluded.because",
            )
            .bind(ticket.to_string())
            .bind(agent)
            .bind(rows::word(because)?)
            .bind(at.as_microsecond())
            .execute(&mut *tx)
            .await?;
            self.commit(tx, &changed(&ticket.to_string(), agent, at))
                .await
        })
        .await
    }

    /// Forgets an agent's missed draft; tells whether there was one.
    pub async fn forget_missed(
        &self,
        ticket: TicketId,
        agent: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("forget a draft that waits", async {
            let mut tx = self.begin().await?;
            let was_there = forget(&mut tx, ticket, agent).await?;
            if was_there {
                self.commit(tx, &changed(&ticket.to_string(), agent, at))
                    .await?;
            }
            Ok(was_there)
        })
        .await
    }
}

async fn forget(tx: &mut AnyConnection, ticket: TicketId, agent: &str) -> Result<bool, Trouble> {
    let gone = sqlx::query("DELETE FROM missed_drafts WHERE ticket = $1 AND agent = $2")
        .bind(ticket.to_string())
        .bind(agent)
        .execute(tx)
        .await?;
    Ok(gone.rows_affected() > 0)
}

fn missed(row: &AnyRow) -> Result<Missed, Trouble> {
    Ok(Missed {
        ticket: rows::ticket(row)?,
        because: rows::worded(row, "because")?,
        at: rows::time(row, "missed_at")?,
    })
}

const fn changed<'a>(ticket: &'a str, agent: &'a str, at: Timestamp) -> Happened<'a> {
    Happened {
        verb: Verb::TicketChanged,
        subject: ticket,
        actor: agent,
        detail: "",
        at,
    }
}
