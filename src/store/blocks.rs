//! Blocks: money that a serving process holds for many requests at once.
//!
//! A block is a hold like any other, so every cap counts it. It grows under the lock of the budget,
//! and what its requests cost is taken from it in the transaction that books them: settled plus held
//! never passes the cap. What is left of it after a crash is settled at its ceiling by whoever
//! recovers holds.

use sqlx::AnyConnection;

use super::{
    HoldAnswer, HoldAsk, Store, StoreError,
    dialect::Dialect,
    error::Trouble,
    events::{self, Happened, Verb},
    ledger::spent,
    rows,
    search::{Sql, Value, lots},
    sums,
};
use crate::domain::{Cost, HoldId, LinkName, Receipt, RunId, Timestamp, Usd};

/// What one attempt cost, to be taken from a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromBlock {
    /// The block that paid.
    pub block: HoldId,
    /// The attempt's own hold, as the run knows it.
    pub id: HoldId,
    /// Its run.
    pub run: RunId,
    /// Which attempt of the run, from 1.
    pub attempt: u32,
    /// The link that was asked.
    pub link: LinkName,
    /// What was set aside for it.
    pub held: Usd,
    /// What it cost.
    pub cost: Cost,
    /// When it was held: the day that it counts in.
    pub held_at: Timestamp,
    /// When it was settled.
    pub at: Timestamp,
}

/// What a serving process writes in one transaction.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The month of all its blocks.
    pub period: &'a str,
    /// Who owns the block and the runs.
    pub owner: &'a str,
    /// What attempts cost.
    pub settled: &'a [FromBlock],
    /// The receipts of their runs.
    pub receipts: &'a [Receipt],
    /// Now.
    pub at: Timestamp,
}

impl Store {
    /// Adds money to a block, as much as the caps leave of what is asked for, and renews its lease.
    /// None where the block is no longer ours to spend.
    pub async fn grow_block(&self, ask: &HoldAsk) -> Result<Option<HoldAnswer>, StoreError> {
        self.told("hold money", async {
            let mut tx = self.begin().await?;
            self.lock_budget(&mut tx, &ask.period).await?;
            let (free, by) = sums::free(&mut tx, ask).await?;
            let free = free.max(Usd::ZERO);
            let amount = ask.ceiling.min(free);
            let denied = HoldAnswer::Denied { free, by };
            if free < ask.ceiling && free < ask.floor.max(Usd::from_nanos(1)) {
                tx.take_back().await?;
                return Ok(Some(denied));
            }
            let grown = change(&mut tx, ask.id, amount, ask.lease_until).await?;
            if !grown {
                tx.take_back().await?;
                return Ok(None);
            }
            self.commit(tx, &spent(&ask.period, ask.at)).await?;
            Ok(Some(HoldAnswer::Granted(amount)))
        })
        .await
    }

    /// Gives money of a block back and renews its lease; an empty one that nobody needs is closed.
    /// Tells whether the block was still ours.
    pub async fn shrink_block(
        &self,
        ask: &HoldAsk,
        back: Usd,
        is_done: bool,
    ) -> Result<bool, StoreError> {
        self.told("give money back", async {
            let mut tx = self.begin().await?;
            self.lock_budget(&mut tx, &ask.period).await?;
            let is_ours = change(&mut tx, ask.id, Usd::ZERO.minus(back), ask.lease_until).await?;
            if is_done {
                sqlx::query("UPDATE holds SET state = 'filed' WHERE id = $1 AND state = 'held'")
                    .bind(ask.id.to_string())
                    .execute(&mut *tx)
                    .await?;
            }
            self.commit(tx, &spent(&ask.period, ask.at)).await?;
            Ok(is_ours)
        })
        .await
    }

    /// Books what requests cost, takes it from their blocks and writes their receipts, all or
    /// nothing. Returns the blocks that are no longer ours: somebody settled them at their ceiling.
    pub async fn write_group(&self, group: Group<'_>) -> Result<Vec<HoldId>, StoreError> {
        self.write(group, Before::Never).await
    }

    /// The same after a failure: what was written then, though nobody said so, is not written twice.
    pub async fn write_group_again(&self, group: Group<'_>) -> Result<Vec<HoldId>, StoreError> {
        self.write(group, Before::Perhaps).await
    }

    async fn write(&self, group: Group<'_>, before: Before) -> Result<Vec<HoldId>, StoreError> {
        self.told("write receipts and costs", async {
            let mut tx = self.begin().await?;
            self.lock_budget(&mut tx, group.period).await?;
            if before == Before::Perhaps && is_written(&mut tx, &group).await? {
                tx.take_back().await?;
                return Ok(Vec::new());
            }
            insert_holds(&mut tx, &group).await?;
            insert_entries(&mut tx, &group).await?;
            let lost = take_from_blocks(&mut tx, &group).await?;
            self.add_receipts(&mut tx, group.receipts).await?;
            let newest = group.receipts.last().map(|receipt| receipt.id.to_string());
            let happened = match &newest {
                Some(newest) => Happened {
                    verb: Verb::ReceiptWritten,
                    subject: newest,
                    ..spent(group.period, group.at)
                },
                None => spent(group.period, group.at),
            };
            self.commit(tx, &happened).await?;
            Ok(lost)
        })
        .await
    }
}

/// Whether a group may have been written before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Never,
    Perhaps,
}

/// Tells whether a group is here: it is written as one, so its first row tells of all.
async fn is_written(tx: &mut AnyConnection, group: &Group<'_>) -> Result<bool, Trouble> {
    let (sql, id) = match (group.settled.first(), group.receipts.first()) {
        (Some(settled), _) => ("SELECT id FROM holds WHERE id = $1", settled.id.to_string()),
        (None, Some(receipt)) => (
            "SELECT id FROM receipts WHERE id = $1",
            receipt.id.to_string(),
        ),
        (None, None) => return Ok(false),
    };
    let row = sqlx::query(sql).bind(id).fetch_optional(tx).await?;
    Ok(row.is_some())
}

/// Changes a block's amount, never below nothing, and its lease; false if it is not open any more.
async fn change(
    tx: &mut AnyConnection,
    block: HoldId,
    by: Usd,
    lease_until: Timestamp,
) -> Result<bool, Trouble> {
    let changed = sqlx::query(
        "UPDATE holds SET amount = CASE WHEN amount + $2 > 0 THEN amount + $2 ELSE 0 END,
             lease_until = $3
         WHERE id = $1 AND state = 'held'",
    )
    .bind(block.to_string())
    .bind(by.nanos())
    .bind(lease_until.as_microsecond())
    .execute(tx)
    .await?;
    Ok(changed.rows_affected() == 1)
}

async fn take_from_blocks(
    tx: &mut AnyConnection,
    group: &Group<'_>,
) -> Result<Vec<HoldId>, Trouble> {
    let mut blocks: Vec<(HoldId, Usd)> = Vec::new();
    for settled in group.settled {
        let cost = settled.cost.amount();
        match blocks.iter_mut().find(|(block, _)| *block == settled.block) {
            Some((_, sum)) => *sum = sum.plus(cost),
            None => blocks.push((settled.block, cost)),
        }
    }
    let mut lost = Vec::new();
    for (block, sum) in blocks {
        let taken = sqlx::query(
            "UPDATE holds SET amount = CASE WHEN amount > $2 THEN amount - $2 ELSE 0 END
             WHERE id = $1 AND state = 'held'",
        )
        .bind(block.to_string())
        .bind(sum.nanos())
        .execute(&mut *tx)
        .await?;
        if taken.rows_affected() == 0 {
            give_back_recovered(tx, group, block, sum).await?;
            lost.push(block);
        }
    }
    Ok(lost)
}

/// A block that was settled at its ceiling already paid for what is booked now: so much of the
/// ceiling is taken back, and never more than it was.
async fn give_back_recovered(
    tx: &mut AnyConnection,
    group: &Group<'_>,
    block: HoldId,
    sum: Usd,
) -> Result<(), Trouble> {
    let row = sqlx::query(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount FROM ledger WHERE hold = $1",
    )
    .bind(block.to_string())
    .fetch_one(&mut *tx)
    .await?;
    let counted = Usd::from_nanos(rows::int(&row, "amount")?);
    let back = Usd::ZERO.minus(sum.min(counted.max(Usd::ZERO)));
    if back == Usd::ZERO {
        return Ok(());
    }
    let number = events::next(tx, "ledger").await?;
    sqlx::query(
        "INSERT INTO ledger (entry, period, hold, kind, amount, at_most, why, at)
         SELECT $1, period, id, 'late', $3, 1, '', $4 FROM holds WHERE id = $2",
    )
    .bind(number)
    .bind(block.to_string())
    .bind(back.nanos())
    .bind(group.at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes a hold for each attempt, settled and told of from the beginning.
async fn insert_holds(tx: &mut AnyConnection, group: &Group<'_>) -> Result<(), Trouble> {
    for some in lots(group.settled) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push(
            "INSERT INTO holds (id, period, run, ticket, attempt, link, amount, state, owner,
                 lease_until, at) VALUES ",
        );
        for (place, settled) in some.iter().enumerate() {
            let values = [
                Value::Text(settled.id.to_string()),
                Value::Text(group.period.to_owned()),
                Value::Text(settled.run.to_string()),
                Value::Word("NULL"),
                Value::Int(i64::from(settled.attempt)),
                Value::Text(rows::plain(&settled.link.to_string())),
                Value::Int(settled.held.nanos()),
                Value::Word("'filed'"),
                Value::Text(group.owner.to_owned()),
                Value::Int(settled.held_at.as_microsecond()),
                Value::Int(settled.held_at.as_microsecond()),
            ];
            sql.push_row(place, values);
        }
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}

async fn insert_entries(tx: &mut AnyConnection, group: &Group<'_>) -> Result<(), Trouble> {
    let many = i64::try_from(group.settled.len()).unwrap_or(i64::MAX);
    if many == 0 {
        return Ok(());
    }
    let mut number = events::next_of(tx, "ledger", many).await?;
    for some in lots(group.settled) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push(
            "INSERT INTO ledger (entry, period, hold, kind, amount, at_most, why, at) VALUES ",
        );
        for (place, settled) in some.iter().enumerate() {
            let amount = settled.cost.amount();
            let is_over = amount > settled.held;
            let values = [
                Value::Int(number),
                Value::Text(group.period.to_owned()),
                Value::Text(settled.id.to_string()),
                Value::Text(if is_over { "over" } else { "settled" }.to_owned()),
                Value::Int(amount.nanos()),
                Value::Int(i64::from(settled.cost.is_at_most())),
                Value::Word("''"),
                Value::Int(settled.at.as_microsecond()),
            ];
            sql.push_row(place, values);
            number = number.saturating_add(1);
        }
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}
