//! Receipts written: each bound to the one before it, as many at once as there are.

use sqlx::AnyConnection;

use super::{
    Store, StoreError, Tx,
    dialect::{Dialect, Lock},
    error::Trouble,
    events::{Happened, Verb},
    receipts::{Columns, hash},
    rows,
    search::{Sql, Value, lots},
};
use crate::domain::Receipt;

impl Store {
    /// Adds a receipt to the chain and returns the number of its entry.
    pub async fn write_receipt(&self, receipt: &Receipt) -> Result<i64, StoreError> {
        self.told("write the receipt", async {
            let mut tx = self.begin().await?;
            file_holds(&mut tx, receipt).await?;
            self.add_receipt(tx, receipt).await
        })
        .await
    }

    /// Adds the receipt of a run whose program died; none when the run has one by now.
    pub async fn write_lost_receipt(&self, receipt: &Receipt) -> Result<Option<i64>, StoreError> {
        self.told("write the receipt", async {
            let mut tx = self.begin().await?;
            if file_holds(&mut tx, receipt).await? == 0 {
                tx.take_back().await?;
                return Ok(None);
            }
            if has_receipt(&mut tx, receipt).await? {
                // Written before the cost of its last call could be.
                tx.commit().await?;
                return Ok(None);
            }
            self.add_receipt(tx, receipt).await.map(Some)
        })
        .await
    }

    async fn add_receipt(&self, mut tx: Tx, receipt: &Receipt) -> Result<i64, Trouble> {
        let entry = self
            .add_receipts(&mut tx, std::slice::from_ref(receipt))
            .await?;
        let happened = Happened {
            verb: Verb::ReceiptWritten,
            subject: &receipt.id.to_string(),
            actor: &receipt.agent,
            detail: "",
            at: receipt.ended,
        };
        self.commit(tx, &happened).await?;
        Ok(entry)
    }

    /// Adds receipts to the chain, in order, and returns the number of the last entry.
    pub(super) async fn add_receipts(
        &self,
        tx: &mut AnyConnection,
        receipts: &[Receipt],
    ) -> Result<i64, Trouble> {
        let texts: Vec<String> = receipts
            .iter()
            .map(rows::to_json)
            .collect::<Result<_, _>>()?;
        self.lock(tx, Lock::ReceiptTip, "1").await?;
        let tip = sqlx::query("SELECT entry, hash FROM receipt_tip WHERE one = 1")
            .fetch_one(&mut *tx)
            .await?;
        let mut entry = rows::int(&tip, "entry")?;
        if receipts.is_empty() {
            return Ok(entry);
        }
        let mut prev_hash = rows::text(&tip, "hash")?;
        let mut links = Vec::with_capacity(receipts.len());
        for (receipt, json) in receipts.iter().zip(texts) {
            entry += 1;
            let own = hash(&prev_hash, &json);
            let link = Link {
                entry,
                json,
                hash: own.clone(),
                prev_hash: std::mem::replace(&mut prev_hash, own),
            };
            links.push((receipt, link));
        }
        insert(tx, links).await?;
        sqlx::query("UPDATE receipt_tip SET entry = $1, hash = $2 WHERE one = 1")
            .bind(entry)
            .bind(&prev_hash)
            .execute(tx)
            .await?;
        Ok(entry)
    }
}

/// An entry of the chain.
struct Link {
    entry: i64,
    json: String,
    prev_hash: String,
    hash: String,
}

async fn insert(tx: &mut AnyConnection, links: Vec<(&Receipt, Link)>) -> Result<(), Trouble> {
    for some in lots(&links) {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push(
            "INSERT INTO receipts (entry, id, ticket, ticket_number, ending, providers, is_fallback,
                 began, json, prev_hash, hash) VALUES ",
        );
        for (place, (receipt, link)) in some.iter().enumerate() {
            let columns = Columns::of(receipt);
            let values = [
                Value::Int(link.entry),
                Value::Text(columns.id),
                Value::TextOrNone(columns.ticket),
                Value::IntOrNone(columns.ticket_number),
                Value::Text(columns.ending.to_owned()),
                Value::Text(columns.providers),
                Value::Int(i64::from(columns.is_fallback)),
                Value::Int(columns.began),
                Value::Text(link.json.clone()),
                Value::Text(link.prev_hash.clone()),
                Value::Text(link.hash.clone()),
            ];
            sql.push_row(place, values);
        }
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Notes that the run of these holds has its receipt; returns how many holds that concerns.
async fn file_holds(tx: &mut AnyConnection, receipt: &Receipt) -> Result<u64, Trouble> {
    let filed = sqlx::query(
        "UPDATE holds SET state = CASE state WHEN 'settled' THEN 'filed' ELSE 'lost' END
         WHERE run = $1 AND state IN ('settled', 'recovered')",
    )
    .bind(receipt.run.to_string())
    .execute(tx)
    .await?;
    Ok(filed.rows_affected())
}

/// Tells whether the run has a receipt. Reads them all, which is seldom needed.
async fn has_receipt(tx: &mut AnyConnection, receipt: &Receipt) -> Result<bool, Trouble> {
    let found = sqlx::query("SELECT entry FROM receipts WHERE json LIKE $1 LIMIT 1")
        .bind(format!("%\"run\":\"{}\"%", receipt.run))
        .fetch_optional(tx)
        .await?;
    Ok(found.is_some())
}
