//! How links and providers have behaved lately, kept as the engine writes it: shared by every
//! process and over a restart.

use std::collections::BTreeMap;

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    dialect::Lock,
    error::Trouble,
    events::{Happened, Verb},
    rows,
};
use crate::domain::Timestamp;

impl Store {
    /// Returns what is kept, by the name of its link or provider.
    pub async fn breakers(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.told("read how links behaved", async {
            let read = sqlx::query("SELECT name, standing FROM breakers")
                .fetch_all(self.pool())
                .await?;
            read.iter().map(named).collect()
        })
        .await
    }

    /// Changes what is kept, in one transaction that nobody else changes it in. `change` gets all
    /// of it and leaves what is to be kept.
    pub async fn change_breakers<T>(
        &self,
        at: Timestamp,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> T + Send,
    ) -> Result<T, StoreError> {
        self.told("note how links behaved", async {
            let mut tx = self.begin().await?;
            self.lock(&mut tx, Lock::Counter, "breakers").await?;
            let before = all(&mut tx).await?;
            let mut after = before.clone();
            let told = change(&mut after);
            if after != before {
                for name in before.keys().filter(|name| !after.contains_key(*name)) {
                    sqlx::query("DELETE FROM breakers WHERE name = $1")
                        .bind(name)
                        .execute(&mut *tx)
                        .await?;
                }
                for (name, standing) in &after {
                    if before.get(name) != Some(standing) {
                        keep(&mut tx, name, standing, at).await?;
                    }
                }
            }
            let happened = Happened {
                verb: Verb::Standing,
                subject: "breakers",
                actor: "",
                detail: "",
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(told)
        })
        .await
    }
}

async fn all(tx: &mut AnyConnection) -> Result<BTreeMap<String, String>, Trouble> {
    let read = sqlx::query("SELECT name, standing FROM breakers")
        .fetch_all(tx)
        .await?;
    read.iter().map(named).collect()
}

fn named(row: &sqlx::any::AnyRow) -> Result<(String, String), Trouble> {
    Ok((rows::text(row, "name")?, rows::text(row, "standing")?))
}

async fn keep(
    tx: &mut AnyConnection,
    name: &str,
    standing: &str,
    at: Timestamp,
) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO breakers (name, standing, at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET standing = excluded.standing, at = excluded.at",
    )
    .bind(name)
    .bind(standing)
    .bind(at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}
