//! Addresses at which nobody is, as reports said.

use super::{Store, StoreError, rows};

impl Store {
    /// Returns why nobody is at an address, if a report said so.
    pub async fn suppressed(&self, address: &str) -> Result<Option<String>, StoreError> {
        self.told("look an address up", async {
            let row = sqlx::query("SELECT because FROM suppressed WHERE address = $1")
                .bind(address.to_lowercase())
                .fetch_optional(self.pool())
                .await?;
            row.map(|row| rows::text(&row, "because")).transpose()
        })
        .await
    }

    /// Returns the addresses at which nobody is, and which report said so, the newest first.
    pub async fn all_suppressed(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.told("read the addresses at which nobody is", async {
            let rows =
                sqlx::query("SELECT address, because FROM suppressed ORDER BY at DESC, address")
                    .fetch_all(self.pool())
                    .await?;
            rows.iter()
                .map(|row| Ok((rows::text(row, "address")?, rows::text(row, "because")?)))
                .collect()
        })
        .await
    }

    /// Forgets that nobody is at an address. Tells whether a report had said so.
    pub async fn allow(&self, address: &str) -> Result<bool, StoreError> {
        self.told("let an address be written to", async {
            let mut tx = self.begin().await?;
            let forgotten = sqlx::query("DELETE FROM suppressed WHERE address = $1")
                .bind(address.to_lowercase())
                .execute(&mut *tx)
                .await?
                .rows_affected();
            tx.commit().await?;
            Ok(forgotten > 0)
        })
        .await
    }
}
