//! Secrets of the desk itself, made once and shared by all who use this database.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{Store, StoreError, error::Trouble, rows};

impl Store {
    /// Returns the secret with which the desk knows its own mail again; `fresh` becomes it where
    /// there is none yet.
    pub async fn mail_secret(&self, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.told("read the secret of own mail", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO settings (name, value) VALUES ('mail_secret', $1)
                 ON CONFLICT (name) DO NOTHING",
            )
            .bind(STANDARD.encode(fresh))
            .execute(&mut *tx)
            .await?;
            let row = sqlx::query("SELECT value FROM settings WHERE name = 'mail_secret'")
                .fetch_one(&mut *tx)
                .await?;
            tx.commit().await?;
            let text = rows::text(&row, "value")?;
            STANDARD
                .decode(text)
                .map_err(|_| Trouble::damaged("settings", &"the secret of own mail"))
        })
        .await
    }
}
