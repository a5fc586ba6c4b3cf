//! Sums over the ledger: how a month, a day or a ticket stands, and what its limit leaves.
//!
//! Each is read in one statement: between two, a settlement could be counted in neither.

use sqlx::{AnyConnection, any::AnyRow};

use super::{HoldAsk, Store, StoreError, error::Trouble, rows};
use crate::domain::{Cap, CapName, Cost, TicketId, Timestamp, Usd};

/// How one period stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Settled as reported.
    pub settled_known: Usd,
    /// Settled as upper bounds.
    pub settled_at_most: Usd,
    /// Held for calls under way.
    pub held: Usd,
}

impl Sums {
    /// Returns what is settled; a bound where some of it is not certain.
    pub const fn settled(&self) -> Cost {
        Cost::of_parts(self.settled_known, self.settled_at_most)
    }

    /// Returns all that is settled or held.
    pub const fn taken(&self) -> Usd {
        self.settled_known
            .plus(self.settled_at_most)
            .plus(self.held)
    }
}

impl Store {
    /// Returns how a period stands.
    pub async fn sums(&self, period: &str) -> Result<Sums, StoreError> {
        self.told("read the ledger", async { sums(self.pool(), period).await })
            .await
    }

    /// Returns how a day stands: what calls begun since cost or hold, and what was booked by hand.
    pub async fn day_sums(&self, period: &str, begins: Timestamp) -> Result<Sums, StoreError> {
        self.told("read the ledger", async {
            sums_since(self.pool(), period, begins).await
        })
        .await
    }

    /// Returns how a ticket stands, for as long as it lives.
    pub async fn ticket_sums(&self, ticket: TicketId) -> Result<Sums, StoreError> {
        self.told("read the ledger", async {
            sums_of_ticket(self.pool(), ticket).await
        })
        .await
    }
}

/// Returns what the tightest limit leaves, and which it is.
pub(super) async fn free(tx: &mut AnyConnection, ask: &HoldAsk) -> Result<(Usd, CapName), Trouble> {
    let mut tightest = match ask.cap {
        Cap::Month(cap) => (
            cap.minus(sums(&mut *tx, &ask.period).await?.taken()),
            CapName::Month,
        ),
        Cap::None | Cap::NotChosen => (Usd::MAX, CapName::Month),
    };
    if let Some((cap, begins)) = ask.beside.day {
        let left = cap.minus(sums_since(&mut *tx, &ask.period, begins).await?.taken());
        if left < tightest.0 {
            tightest = (left, CapName::Day);
        }
    }
    if let (Some(cap), Some(ticket)) = (ask.beside.ticket, ask.ticket) {
        let left = cap.minus(sums_of_ticket(&mut *tx, ticket).await?.taken());
        if left < tightest.0 {
            tightest = (left, CapName::Ticket);
        }
    }
    Ok(tightest)
}

/// Reads the sums in one statement: between two, a settlement could be counted in neither.
pub(super) async fn sums<'e, E>(executor: E, period: &str) -> Result<Sums, Trouble>
where
    E: sqlx::Executor<'e, Database = sqlx::Any>,
{
    let row = sqlx::query(
        "SELECT
             (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger
                 WHERE period = $1 AND at_most = 0) AS settled_known,
             (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM ledger
                 WHERE period = $1 AND at_most = 1) AS settled_at_most,
             (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM holds
                 WHERE period = $1 AND state = 'held') AS held",
    )
    .bind(period.to_owned())
    .fetch_one(executor)
    .await?;
    read_sums(&row)
}

/// Reads the sums of a day, in the month it belongs to: calls count on the day of their hold,
/// whenever they are settled or corrected, so a correction of yesterday makes no room today.
async fn sums_since<'e, E>(executor: E, period: &str, begins: Timestamp) -> Result<Sums, Trouble>
where
    E: sqlx::Executor<'e, Database = sqlx::Any>,
{
    let row = sqlx::query(
        "SELECT
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 LEFT JOIN holds h ON h.id = l.hold
                 WHERE l.period = $1 AND l.at_most = 0 AND COALESCE(h.at, l.at) >= $2
             ) AS settled_known,
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 LEFT JOIN holds h ON h.id = l.hold
                 WHERE l.period = $1 AND l.at_most = 1 AND COALESCE(h.at, l.at) >= $2
             ) AS settled_at_most,
             (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM holds
                 WHERE period = $1 AND state = 'held' AND at >= $2) AS held",
    )
    .bind(period.to_owned())
    .bind(begins.as_microsecond())
    .fetch_one(executor)
    .await?;
    read_sums(&row)
}

/// Reads the sums of a ticket, for as long as it lives.
async fn sums_of_ticket<'e, E>(executor: E, ticket: TicketId) -> Result<Sums, Trouble>
where
    E: sqlx::Executor<'e, Database = sqlx::Any>,
{
    let row = sqlx::query(
        "SELECT
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 JOIN holds h ON h.id = l.hold
                 WHERE h.ticket = $1 AND l.at_most = 0) AS settled_known,
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 JOIN holds h ON h.id = l.hold
                 WHERE h.ticket = $1 AND l.at_most = 1) AS settled_at_most,
             (SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM holds
                 WHERE ticket = $1 AND state = 'held') AS held",
    )
    .bind(ticket.to_string())
    .fetch_one(executor)
    .await?;
    read_sums(&row)
}

fn read_sums(row: &AnyRow) -> Result<Sums, Trouble> {
    Ok(Sums {
        settled_known: Usd::from_nanos(rows::int(row, "settled_known")?),
        settled_at_most: Usd::from_nanos(rows::int(row, "settled_at_most")?),
        held: Usd::from_nanos(rows::int(row, "held")?),
    })
}
