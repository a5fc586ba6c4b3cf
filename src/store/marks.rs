//! What is to be marked on mail servers: that messages were read, or answered, here.

use super::{Store, StoreError, rows};

/// How a message is to be marked on its server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MarkDue {
    /// The digest of its bytes.
    pub raw_sha256: String,
    /// Whether it was answered; else it was read.
    pub is_answered: bool,
}

impl Store {
    /// Returns what is still to be marked on the server of an account.
    pub async fn marks_due(&self, account: &str) -> Result<Vec<MarkDue>, StoreError> {
        self.told("read what is to be marked", async {
            let rows = sqlx::query("SELECT raw_sha256, flags FROM marks_due WHERE account = $1")
                .bind(account)
                .fetch_all(self.pool())
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(MarkDue {
                        raw_sha256: rows::text(row, "raw_sha256")?,
                        is_answered: rows::text(row, "flags")? == "answered",
                    })
                })
                .collect()
        })
        .await
    }

    /// Notes that messages are marked on the server.
    pub async fn marked(&self, account: &str, marks: &[MarkDue]) -> Result<(), StoreError> {
        self.told("note what is marked", async {
            let mut tx = self.begin().await?;
            for mark in marks {
                sqlx::query(
                    "DELETE FROM marks_due WHERE account = $1 AND raw_sha256 = $2 AND flags = $3",
                )
                .bind(account)
                .bind(&mark.raw_sha256)
                .bind(if mark.is_answered { "answered" } else { "seen" })
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await
        })
        .await
    }
}
