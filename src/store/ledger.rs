//! The ledger: money held before a call and settled after it.
//!
//! Every act locks the budget's row of its period first, so that two never judge the same free
//! money: settled plus held never passes the cap, however many programs draft at once. Sums are
//! those of the ledger's entries and of the open holds, read in one statement.

use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Store, StoreError,
    dialect::Lock,
    error::Trouble,
    events::{self, Happened, Verb},
    rows, sums,
};
use crate::domain::{
    Cap, CapName, Cost, HoldId, LinkName, RunId, SideCaps, TicketId, Timestamp, Usd,
};

/// A request for money, before a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldAsk {
    /// The identity the hold will have.
    pub id: HoldId,
    /// For which run.
    pub run: RunId,
    /// For which ticket.
    pub ticket: Option<TicketId>,
    /// Which attempt of the run.
    pub attempt: u32,
    /// Who will be asked.
    pub link: LinkName,
    /// The most the call can cost.
    pub ceiling: Usd,
    /// The least that buys a useful answer.
    pub floor: Usd,
    /// The month's limit.
    pub cap: Cap,
    /// The limits beside it.
    pub beside: SideCaps,
    /// The month: `2026-11`.
    pub period: String,
    /// The process that asks, with its start time.
    pub owner: String,
    /// When the hold may be taken for lost.
    pub lease_until: Timestamp,
    /// When.
    pub at: Timestamp,
}

/// What the ledger says to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldAnswer {
    /// So much is held: the ceiling, or what is free where that buys a useful answer.
    Granted(Usd),
    /// Too little is free.
    Denied {
        /// How much that is.
        free: Usd,
        /// Below which limit.
        by: CapName,
    },
}

/// A hold whose run has no receipt yet: it is under way, or its program died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenHold {
    /// The hold.
    pub id: HoldId,
    /// Its run.
    pub run: RunId,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// Which attempt it was.
    pub attempt: i64,
    /// Who was asked.
    pub link: LinkName,
    /// How much was held.
    pub amount: Usd,
    /// The month it counts in.
    pub period: String,
    /// The process that held it.
    pub owner: String,
    /// Until when another machine's process is waited for.
    pub lease_until: Timestamp,
    /// How far it has come.
    pub state: HoldState,
    /// What was settled, if something was.
    pub settled: Option<Cost>,
    /// When it was held.
    pub at: Timestamp,
}

/// How far a hold has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    /// The call is under way.
    Held,
    /// Its cost is booked.
    Settled,
    /// It was left behind and booked at its ceiling.
    Recovered,
    /// Its run has a receipt.
    Filed,
}

const HOLD: &str = "SELECT id, period, run, ticket, attempt, link, amount, state, owner,
     lease_until, at,
     (SELECT CAST(SUM(amount) AS BIGINT) FROM ledger WHERE ledger.hold = holds.id) AS cost,
     (SELECT MAX(at_most) FROM ledger WHERE ledger.hold = holds.id) AS at_most
     FROM holds";

impl Store {
    /// Holds money for a call, if the cap allows it. Without a cap everything is granted.
    pub async fn hold(&self, ask: &HoldAsk) -> Result<HoldAnswer, StoreError> {
        self.told("hold money", async {
            let mut tx = self.begin().await?;
            let answer = self.hold_in(&mut tx, ask).await?;
            if let HoldAnswer::Granted(_) = answer {
                self.commit(tx, &spent(&ask.period, ask.at)).await?;
            }
            Ok(answer)
        })
        .await
    }

    /// Settles a hold at what the call cost, and tells whether this was the first time. A cost
    /// above the hold is booked in full and marked; a hold that was recovered in the meantime is
    /// corrected once by the difference.
    pub async fn settle(&self, id: HoldId, cost: Cost, at: Timestamp) -> Result<bool, StoreError> {
        self.told("settle the cost", async {
            let mut tx = self.begin().await?;
            let Some(period) = self.settle_in(&mut tx, id, cost, at).await? else {
                tx.take_back().await?;
                return Ok(false);
            };
            self.commit(tx, &spent(&period, at)).await?;
            Ok(true)
        })
        .await
    }

    /// Returns the holds whose run has no receipt, oldest first.
    pub async fn unfiled_holds(&self) -> Result<Vec<OpenHold>, StoreError> {
        self.told("look for lost holds", async {
            let sql =
                format!("{HOLD} WHERE state IN ('held', 'settled', 'recovered') ORDER BY at, id");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .fetch_all(self.pool())
                .await?
                .iter()
                .map(open_hold)
                .collect()
        })
        .await
    }

    /// Settles a hold that was left behind at its ceiling, as an upper bound; false when it is
    /// settled already.
    pub async fn recover_hold(&self, id: HoldId, at: Timestamp) -> Result<bool, StoreError> {
        self.told("recover a hold", async {
            let mut tx = self.begin().await?;
            let (hold, _) = self.locked_hold(&mut tx, id).await?;
            let changed = sqlx::query(
                "UPDATE holds SET state = 'recovered' WHERE id = $1 AND state = 'held'",
            )
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            // An invoice has said what the whole run cost: nothing is added to that.
            if !super::reconcile::is_reconciled(&mut tx, hold.run).await? {
                let entry = Entry {
                    period: &hold.period,
                    hold: Some(id),
                    kind: "recovered",
                    cost: Cost::AtMost(hold.amount),
                    why: "",
                    at,
                };
                insert_entry(&mut tx, &entry).await?;
            }
            self.commit(tx, &spent(&hold.period, at)).await?;
            Ok(true)
        })
        .await
    }

    /// Books a cost without a hold: what an invoice says, or what a demo begins with.
    pub async fn book(
        &self,
        period: &str,
        cost: Cost,
        why: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("book a cost", async {
            let mut tx = self.begin().await?;
            self.lock_budget(&mut tx, period).await?;
            let entry = Entry {
                period,
                hold: None,
                kind: "booked",
                cost,
                why,
                at,
            };
            insert_entry(&mut tx, &entry).await?;
            self.commit(tx, &spent(period, at)).await
        })
        .await
    }

    /// Notes that a threshold of the cap was announced; true the first time in a period.
    pub async fn announce(
        &self,
        period: &str,
        percent: u32,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("note an announcement", async {
            let mut tx = self.begin().await?;
            let added = sqlx::query(
                "INSERT INTO announced (period, percent, at) VALUES ($1, $2, $3)
                 ON CONFLICT (period, percent) DO NOTHING",
            )
            .bind(period)
            .bind(i64::from(percent))
            .bind(at.as_microsecond())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if added == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            let percent = percent.to_string();
            let happened = Happened {
                verb: Verb::Announced,
                detail: &percent,
                ..spent(period, at)
            };
            self.commit(tx, &happened).await?;
            Ok(true)
        })
        .await
    }

    /// Holds money within a transaction. When it is denied nothing was written.
    pub(super) async fn hold_in(
        &self,
        tx: &mut AnyConnection,
        ask: &HoldAsk,
    ) -> Result<HoldAnswer, Trouble> {
        self.lock_budget(tx, &ask.period).await?;
        let (free, by) = sums::free(tx, ask).await?;
        let amount = ask.ceiling.min(free).max(Usd::ZERO);
        if free < ask.ceiling && free < ask.floor.max(Usd::from_nanos(1)) {
            return Ok(HoldAnswer::Denied {
                free: free.max(Usd::ZERO),
                by,
            });
        }
        insert_hold(tx, ask, amount).await?;
        Ok(HoldAnswer::Granted(amount))
    }

    /// Settles a hold within a transaction, and returns its period; none when it was settled
    /// before.
    pub(super) async fn settle_in(
        &self,
        tx: &mut AnyConnection,
        id: HoldId,
        cost: Cost,
        at: Timestamp,
    ) -> Result<Option<String>, Trouble> {
        let (hold, state) = self.locked_hold(tx, id).await?;
        let entry = |kind, cost: Cost| Entry {
            period: &hold.period,
            hold: Some(id),
            kind,
            cost,
            why: "",
            at,
        };
        // An invoice has said what the run cost: nothing is counted after it.
        let is_reconciled = super::reconcile::is_reconciled(tx, hold.run).await?;
        match state.as_str() {
            "held" | "recovered" | "lost" if is_reconciled => {}
            "held" if cost.amount() > hold.amount => {
                insert_entry(tx, &entry("over", cost)).await?;
            }
            "held" => insert_entry(tx, &entry("settled", cost)).await?,
            "recovered" | "lost" => {
                let back = Cost::AtMost(Usd::ZERO.minus(hold.amount));
                insert_entry(tx, &entry("late", back)).await?;
                insert_entry(tx, &entry("late", cost)).await?;
            }
            _ => return Ok(None),
        }
        // A hold that was given up has its receipt, or is about to have it.
        let after = if state == "lost" { "filed" } else { "settled" };
        set_state(tx, id, after).await?;
        Ok(Some(hold.period))
    }

    /// Locks the budget's row of a period, made where it does not exist.
    pub(super) async fn lock_budget(
        &self,
        tx: &mut AnyConnection,
        period: &str,
    ) -> Result<(), Trouble> {
        sqlx::query("INSERT INTO budgets (period) VALUES ($1) ON CONFLICT (period) DO NOTHING")
            .bind(period)
            .execute(&mut *tx)
            .await?;
        self.lock(tx, Lock::Budget, period).await
    }

    /// Returns a hold and its state, with the budget locked.
    async fn locked_hold(
        &self,
        tx: &mut AnyConnection,
        id: HoldId,
    ) -> Result<(OpenHold, String), Trouble> {
        let (found, _) = one(tx, id).await?;
        self.lock_budget(tx, &found.period).await?;
        one(tx, id).await
    }
}

/// One line of the ledger.
pub(super) struct Entry<'a> {
    pub(super) period: &'a str,
    pub(super) hold: Option<HoldId>,
    pub(super) kind: &'static str,
    pub(super) cost: Cost,
    pub(super) why: &'a str,
    pub(super) at: Timestamp,
}

pub(super) async fn insert_entry(tx: &mut AnyConnection, entry: &Entry<'_>) -> Result<(), Trouble> {
    let number = events::next(tx, "ledger").await?;
    sqlx::query(
        "INSERT INTO ledger (entry, period, hold, kind, amount, at_most, why, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(number)
    .bind(entry.period)
    .bind(entry.hold.map(|hold| hold.to_string()))
    .bind(entry.kind)
    .bind(entry.cost.amount().nanos())
    .bind(i64::from(entry.cost.is_at_most()))
    .bind(rows::plain(entry.why))
    .bind(entry.at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_hold(tx: &mut AnyConnection, ask: &HoldAsk, amount: Usd) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO holds (id, period, run, ticket, attempt, link, amount, state, owner,
             lease_until, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'held', $8, $9, $10)",
    )
    .bind(ask.id.to_string())
    .bind(&ask.period)
    .bind(ask.run.to_string())
    .bind(ask.ticket.map(|ticket| ticket.to_string()))
    .bind(i64::from(ask.attempt))
    .bind(ask.link.to_string())
    .bind(amount.nanos())
    .bind(&ask.owner)
    .bind(ask.lease_until.as_microsecond())
    .bind(ask.at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}

async fn set_state(tx: &mut AnyConnection, id: HoldId, state: &str) -> Result<(), Trouble> {
    sqlx::query("UPDATE holds SET state = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(state)
        .execute(tx)
        .await?;
    Ok(())
}

async fn one(tx: &mut AnyConnection, id: HoldId) -> Result<(OpenHold, String), Trouble> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{HOLD} WHERE id = $1")))
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?
        .ok_or_else(|| Trouble::not_found("hold", &id))?;
    Ok((open_hold(&row)?, rows::text(&row, "state")?))
}

pub(super) const fn spent(period: &str, at: Timestamp) -> Happened<'_> {
    Happened {
        verb: Verb::Spent,
        subject: period,
        actor: "",
        detail: "",
        at,
    }
}

fn open_hold(row: &AnyRow) -> Result<OpenHold, Trouble> {
    Ok(OpenHold {
        id: rows::parsed(row, "id")?,
        run: rows::parsed(row, "run")?,
        ticket: rows::parsed_or_none(row, "ticket")?,
        attempt: rows::int(row, "attempt")?,
        link: rows::parsed(row, "link")?,
        amount: Usd::from_nanos(rows::int(row, "amount")?),
        period: rows::text(row, "period")?,
        owner: rows::text(row, "owner")?,
        lease_until: rows::time(row, "lease_until")?,
        state: match rows::text(row, "state")?.as_str() {
            "held" => HoldState::Held,
            "settled" => HoldState::Settled,
            "recovered" => HoldState::Recovered,
            _ => HoldState::Filed,
        },
        settled: settled(row)?,
        at: rows::time(row, "at")?,
    })
}

fn settled(row: &AnyRow) -> Result<Option<Cost>, Trouble> {
    let cost: Option<i64> = sqlx::Row::try_get(row, "cost")?;
    let at_most: Option<i64> = sqlx::Row::try_get(row, "at_most")?;
    Ok(cost.map(Usd::from_nanos).map(|cost| match at_most {
        Some(0) => Cost::Known(cost),
        Some(_) | None => Cost::AtMost(cost),
    }))
}
