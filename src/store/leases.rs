//! Leases: who does standing work, such as reading one mailbox or sending what is due.

use super::{Store, StoreError, rows};
use crate::domain::Timestamp;

/// A lease somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who has it.
    pub holder: String,
    /// Until when.
    pub until: Timestamp,
}

/// Whose the lease is to become.
#[derive(Clone, Copy, Debug)]
pub struct LeaseAsk<'a> {
    /// Of which work.
    pub name: &'a str,
    /// Who wants it.
    pub holder: &'a str,
    /// Now.
    pub at: Timestamp,
    /// Until when it is wanted.
    pub until: Timestamp,
    /// A holder that is known to be dead: its lease is free at once.
    pub dead: Option<&'a str>,
}

impl Store {
    /// Takes or renews a lease; says who has it when it is not free.
    pub async fn take_lease(&self, ask: LeaseAsk<'_>) -> Result<Option<Held>, StoreError> {
        self.told("take over standing work", async {
            let mut tx = self.begin().await?;
            let taken = sqlx::query(
                "INSERT INTO leases (name, holder, until) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3
                 WHERE leases.holder = $2 OR leases.until <= $4 OR leases.holder = $5",
            )
            .bind(ask.name)
            .bind(ask.holder)
            .bind(ask.until.as_microsecond())
            .bind(ask.at.as_microsecond())
            .bind(ask.dead.unwrap_or(ask.holder))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            let held = if taken == 0 {
                let row = sqlx::query("SELECT holder, until FROM leases WHERE name = $1")
                    .bind(ask.name)
                    .fetch_one(&mut *tx)
                    .await?;
                Some(Held {
                    holder: rows::text(&row, "holder")?,
                    until: rows::time(&row, "until")?,
                })
            } else {
                None
            };
            tx.commit().await?;
            Ok(held)
        })
        .await
    }

    /// Lets a lease go.
    pub async fn drop_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        self.told("let standing work go", async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
                .bind(name)
                .bind(holder)
                .execute(&mut *tx)
                .await?;
            tx.commit().await
        })
        .await
    }
}
