//! How fast links answered lately, kept as the engine writes it: shared by every process and over
//! a restart.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;

use super::{Store, StoreError, dialect::Lock, error::Trouble, rows};
use crate::domain::{LinkName, Timestamp};

impl Store {
    /// Returns what is kept of every link.
    pub async fn link_times(&self) -> Result<BTreeMap<LinkName, String>, StoreError> {
        self.told("read how fast links are", async {
            let read = sqlx::query("SELECT link, times FROM link_times")
                .fetch_all(self.pool())
                .await?;
            read.iter().map(named).collect()
        })
        .await
    }

    /// Changes what is kept of one link, in one transaction that nobody else changes it in.
    /// `change` gets what is kept, if anything is, and returns what is to be kept. Other processes
    /// need no word of it: they read it before their next draft.
    pub async fn change_link_times(
        &self,
        link: &LinkName,
        at: Timestamp,
        change: impl FnOnce(Option<&str>) -> String + Send,
    ) -> Result<(), StoreError> {
        self.told("note how fast a link was", async {
            let mut tx = self.begin().await?;
            self.lock(&mut tx, Lock::Counter, "link_times").await?;
            let before = sqlx::query("SELECT times FROM link_times WHERE link = $1")
                .bind(link.to_string())
                .fetch_optional(&mut *tx)
                .await?;
            let before = before.map(|row| rows::text(&row, "times")).transpose()?;
            sqlx::query(
                "INSERT INTO link_times (link, times, at) VALUES ($1, $2, $3)
                 ON CONFLICT (link) DO UPDATE SET times = excluded.times, at = excluded.at",
            )
            .bind(link.to_string())
            .bind(change(before.as_deref()))
            .bind(at.as_microsecond())
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }
}

fn named(row: &AnyRow) -> Result<(LinkName, String), Trouble> {
    Ok((rows::parsed(row, "link")?, rows::text(row, "times")?))
}
