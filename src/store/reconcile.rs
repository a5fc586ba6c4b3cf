//! What an invoice says wins over what was counted: the difference is booked, nothing is rewritten.

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    error::Trouble,
    ledger::{Entry, insert_entry, spent},
    rows,
};
use crate::domain::{Cost, HoldId, RunId, Timestamp, Usd};

/// What an invoice changed about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// What the ledger had for the run before.
    pub before: Cost,
    /// What it has now.
    pub after: Usd,
}

/// How the ledger stands for a run.
struct Booked {
    period: String,
    hold: HoldId,
    known: Usd,
    at_most: Usd,
}

impl Store {
    /// Books what an invoice says a run cost: the amounts that were upper bounds are taken back
    /// and the difference is added, in the month of the run. The same figure again changes
    /// nothing. None when the run has nothing in the ledger.
    pub async fn reconcile(
        &self,
        run: RunId,
        invoice: Usd,
        why: &str,
        at: Timestamp,
    ) -> Result<Option<Reconciled>, StoreError> {
        self.told("book an invoice", async {
            let mut tx = self.begin().await?;
            let Some(first) = booked(&mut tx, run).await? else {
                tx.take_back().await?;
                return Ok(None);
            };
            self.lock_budget(&mut tx, &first.period).await?;
            // Read again under the lock: a late settlement may have come between.
            let Some(now) = booked(&mut tx, run).await? else {
                tx.take_back().await?;
                return Ok(None);
            };
            let entry = |cost| Entry {
                period: &now.period,
                hold: Some(now.hold),
                kind: "reconciled",
                cost,
                why,
                at,
            };
            let back = Usd::ZERO.minus(now.at_most);
            if back != Usd::ZERO {
                insert_entry(&mut tx, &entry(Cost::AtMost(back))).await?;
            }
            let more = invoice.minus(now.known);
            if more != Usd::ZERO {
                insert_entry(&mut tx, &entry(Cost::Known(more))).await?;
            }
            self.commit(tx, &spent(&now.period, at)).await?;
            let before = now.known.plus(now.at_most);
            Ok(Some(Reconciled {
                before: if now.at_most == Usd::ZERO {
                    Cost::Known(before)
                } else {
                    Cost::AtMost(before)
                },
                after: invoice,
            }))
        })
        .await
    }

    /// Returns what an invoice said of a run, if one was booked.
    pub async fn reconciled(&self, run: RunId) -> Result<Option<Usd>, StoreError> {
        self.told("read the ledger", async {
            let row = sqlx::query(
                "SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) AS amount,
                     COALESCE(MAX(CASE l.kind WHEN 'reconciled' THEN 1 ELSE 0 END), 0) AS booked
                 FROM ledger l JOIN holds h ON h.id = l.hold WHERE h.run = $1",
            )
            .bind(run.to_string())
            .fetch_one(self.pool())
            .await?;
            let is_booked = rows::int(&row, "booked")? == 1;
            let amount = Usd::from_nanos(rows::int(&row, "amount")?);
            Ok(is_booked.then_some(amount))
        })
        .await
    }
}

/// Tells whether an invoice was booked for a run.
pub(super) async fn is_reconciled(tx: &mut AnyConnection, run: RunId) -> Result<bool, Trouble> {
    let found = sqlx::query(
        "SELECT l.entry FROM ledger l JOIN holds h ON h.id = l.hold
         WHERE h.run = $1 AND l.kind = 'reconciled' LIMIT 1",
    )
    .bind(run.to_string())
    .fetch_optional(tx)
    .await?;
    Ok(found.is_some())
}

async fn booked(tx: &mut AnyConnection, run: RunId) -> Result<Option<Booked>, Trouble> {
    let row = sqlx::query(
        "SELECT h.period, h.id,
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 JOIN holds o ON o.id = l.hold WHERE o.run = $1 AND l.at_most = 0) AS known,
             (SELECT CAST(COALESCE(SUM(l.amount), 0) AS BIGINT) FROM ledger l
                 JOIN holds o ON o.id = l.hold WHERE o.run = $1 AND l.at_most = 1) AS at_most
         FROM holds h WHERE h.run = $1 AND h.state <> 'held' ORDER BY h.at, h.id LIMIT 1",
    )
    .bind(run.to_string())
    .fetch_optional(tx)
    .await?;
    row.map(|row| {
        Ok(Booked {
            period: rows::text(&row, "period")?,
            hold: rows::parsed(&row, "id")?,
            known: Usd::from_nanos(rows::int(&row, "known")?),
            at_most: Usd::from_nanos(rows::int(&row, "at_most")?),
        })
    })
    .transpose()
}
