//! The bytes of messages, as they came.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sqlx::AnyConnection;

use super::{Store, StoreError, error::Trouble, rows, search::Sql};

/// So many are written with one statement.
const AT_ONCE: usize = 20;

impl Store {
    /// Returns the bytes with a digest (SHA-256 in hex) as they came; none where they are not
    /// kept.
    pub async fn original(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.told("read a message as it came", async {
            let row = sqlx::query("SELECT base64 FROM originals WHERE sha256 = $1")
                .bind(sha256)
                .fetch_optional(self.pool())
                .await?;
            let Some(row) = row else { return Ok(None) };
            let text = rows::text(&row, "base64")?;
            let bytes = STANDARD.decode(text);
            bytes
                .map(Some)
                .map_err(|_| Trouble::damaged("originals", &"its base64"))
        })
        .await
    }
}

impl Store {
    /// Keeps the bytes of a file by their digest.
    pub async fn keep_original(&self, sha256: &str, bytes: &[u8]) -> Result<(), StoreError> {
        self.told("keep a file", async {
            let mut tx = self.begin().await?;
            insert(&mut tx, sha256, bytes).await?;
            tx.commit().await
        })
        .await
    }
}

/// Keeps the bytes of a message, once for all messages that have them.
pub(super) async fn insert(
    tx: &mut AnyConnection,
    sha256: &str,
    bytes: &[u8],
) -> Result<(), Trouble> {
    insert_all(tx, &[(sha256, bytes)]).await
}

/// Keeps the bytes of messages.
pub(super) async fn insert_all(
    tx: &mut AnyConnection,
    originals: &[(&str, &[u8])],
) -> Result<(), Trouble> {
    for some in originals.chunks(AT_ONCE) {
        let mut sql = Sql::new();
        sql.push("INSERT INTO originals (sha256, base64) VALUES ");
        for (place, (sha256, bytes)) in some.iter().enumerate() {
            let values = [
                sql.text_value((*sha256).to_owned()),
                sql.text_value(STANDARD.encode(bytes)),
            ];
            sql.push(if place == 0 { "(" } else { ", (" });
            sql.push(&values.join(", ")).push(")");
        }
        sql.push(" ON CONFLICT (sha256) DO NOTHING");
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}
