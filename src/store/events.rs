//! What happened: a row per write, for the record and for other processes.

use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Store, StoreError,
    error::Trouble,
    rows::{int, plain, text, time},
};
use crate::domain::Timestamp;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Messages were filed.
    Filed,
    /// A ticket was changed.
    TicketChanged,
    /// A draft was saved.
    DraftSaved,
    /// A draft was thrown away.
    DraftDiscarded,
    /// A draft was brought back.
    DraftRestored,
    /// A reply was put into the outbox.
    ReplyQueued,
    /// A reply was taken out of the outbox.
    ReplyWithdrawn,
    /// A reply came further on its way out.
    ReplyMoved,
    /// A receipt was written.
    ReceiptWritten,
    /// The ledger changed: money was held, settled, recovered or booked.
    Spent,
    /// A threshold of the cap was announced.
    Announced,
    /// Something was learned of a key or a link, or forgotten.
    Standing,
    /// Settings changed, in the store or in the config.
    Configured,
    /// Something a newer program does.
    Other,
}

const VERBS: [Verb; 13] = [
    Verb::Filed,
    Verb::TicketChanged,
    Verb::DraftSaved,
    Verb::DraftDiscarded,
    Verb::DraftRestored,
    Verb::ReplyQueued,
    Verb::ReplyWithdrawn,
    Verb::ReplyMoved,
    Verb::ReceiptWritten,
    Verb::Spent,
    Verb::Announced,
    Verb::Standing,
    Verb::Configured,
];

impl Verb {
    /// Returns the word in the database.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Filed => "filed",
            Self::TicketChanged => "ticket_changed",
            Self::DraftSaved => "draft_saved",
            Self::DraftDiscarded => "draft_discarded",
            Self::DraftRestored => "draft_restored",
            Self::ReplyQueued => "reply_queued",
            Self::ReplyWithdrawn => "reply_withdrawn",
            Self::ReplyMoved => "reply_moved",
            Self::ReceiptWritten => "receipt_written",
            Self::Spent => "spent",
            Self::Announced => "announced",
            Self::Standing => "standing",
            Self::Configured => "configured",
            Self::Other => "other",
        }
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Grows by one in the order of commits.
    pub seq: i64,
    /// The process that did it (`Store::origin`).
    pub origin: String,
    /// What was done.
    pub verb: Verb,
    /// To what: the id of a ticket or receipt, the name of a provider.
    pub subject: String,
    /// By whom; empty for the program itself.
    pub actor: String,
    /// Particulars as JSON, or nothing.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

/// An event about to be written.
pub(super) struct Happened<'a> {
    pub(super) verb: Verb,
    pub(super) subject: &'a str,
    pub(super) actor: &'a str,
    pub(super) detail: &'a str,
    pub(super) at: Timestamp,
}

impl Store {
    /// Returns the events after `seq`, oldest first, at most 1,000.
    pub async fn events_after(&self, seq: i64) -> Result<Vec<EventRow>, StoreError> {
        self.told("read the events", async {
            sqlx::query(
                "SELECT seq, origin, verb, subject, actor, detail, at FROM events
                 WHERE seq > $1 ORDER BY seq LIMIT 1000",
            )
            .bind(seq)
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(event)
            .collect()
        })
        .await
    }

    /// Returns the number of the last event; 0 before the first.
    pub async fn last_event(&self) -> Result<i64, StoreError> {
        self.told("read the events", async {
            let row = sqlx::query("SELECT value FROM counters WHERE name = 'event'")
                .fetch_one(self.pool())
                .await?;
            int(&row, "value")
        })
        .await
    }

    /// Records something that happened outside the store, so that other processes hear of it:
    /// a changed config, for example.
    pub async fn tell(
        &self,
        verb: Verb,
        subject: &str,
        actor: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("record an event", async {
            let tx = self.begin().await?;
            self.commit(
                tx,
                &Happened {
                    verb,
                    subject,
                    actor,
                    detail: "",
                    at,
                },
            )
            .await
        })
        .await
    }

    /// Writes the event and commits. Its counter is the last row any transaction locks, so two of
    /// them never wait for each other in a circle.
    pub(super) async fn commit(
        &self,
        mut tx: super::Tx,
        happened: &Happened<'_>,
    ) -> Result<(), Trouble> {
        let seq = next(&mut tx, "event").await?;
        sqlx::query(
            "INSERT INTO events (seq, origin, verb, subject, actor, detail, at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(seq)
        .bind(self.origin())
        .bind(happened.verb.word())
        .bind(plain(happened.subject))
        .bind(plain(happened.actor))
        .bind(happened.detail)
        .bind(happened.at.as_microsecond())
        .execute(&mut *tx)
        .await?;
        if let Some(statement) = self.dialect().notify() {
            sqlx::query(statement)
                .bind(self.origin())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await
    }
}

/// Takes the next number of a counter.
pub(super) async fn next(tx: &mut AnyConnection, counter: &str) -> Result<i64, Trouble> {
    next_of(tx, counter, 1).await
}

/// Takes the next `many` numbers of a counter and returns the first.
pub(super) async fn next_of(
    tx: &mut AnyConnection,
    counter: &str,
    many: i64,
) -> Result<i64, Trouble> {
    let row = sqlx::query("UPDATE counters SET value = value + $2 WHERE name = $1 RETURNING value")
        .bind(counter)
        .bind(many)
        .fetch_one(tx)
        .await?;
    let last: i64 = row.try_get("value")?;
    Ok(last - many + 1)
}

fn event(row: &AnyRow) -> Result<EventRow, Trouble> {
    let verb = text(row, "verb")?;
    Ok(EventRow {
        seq: int(row, "seq")?,
        origin: text(row, "origin")?,
        verb: VERBS
            .into_iter()
            .find(|known| known.word() == verb)
            .unwrap_or(Verb::Other),
        subject: text(row, "subject")?,
        actor: text(row, "actor")?,
        detail: text(row, "detail")?,
        at: time(row, "at")?,
    })
}
