//! Tokens of `serve`: who may ask, known by the SHA-256 of what they show.

use super::{
    Store, StoreError,
    events::{Happened, Verb},
    rows,
};
use crate::domain::Timestamp;

/// A token, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeToken {
    /// Whose it is.
    pub name: String,
    /// SHA-256 of it, in hex.
    pub sha256: String,
    /// When it was made.
    pub made_at: Timestamp,
}

impl Store {
    /// Returns every token, by name.
    pub async fn serve_tokens(&self) -> Result<Vec<ServeToken>, StoreError> {
        self.told("read the tokens", async {
            sqlx::query("SELECT name, sha256, made_at FROM serve_tokens ORDER BY name")
                .fetch_all(self.pool())
                .await?
                .iter()
                .map(|row| {
                    Ok(ServeToken {
                        name: rows::text(row, "name")?,
                        sha256: rows::text(row, "sha256")?,
                        made_at: rows::time(row, "made_at")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Keeps a token; false if there is one of that name.
    pub async fn add_serve_token(&self, token: &ServeToken) -> Result<bool, StoreError> {
        self.told("keep the token", async {
            let mut tx = self.begin().await?;
            let added = sqlx::query(
                "INSERT INTO serve_tokens (name, sha256, made_at) VALUES ($1, $2, $3)
                 ON CONFLICT (name) DO NOTHING",
            )
            .bind(rows::plain(&token.name))
            .bind(&token.sha256)
            .bind(token.made_at.as_microsecond())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if added == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            self.commit(tx, &changed(&token.name, token.made_at))
                .await?;
            Ok(true)
        })
        .await
    }

    /// Tells whether somebody of that name has tickets or has approved replies, in any case.
    pub async fn has_person(&self, name: &str) -> Result<bool, StoreError> {
        self.told("look for a person of that name", async {
            let found = sqlx::query(
                "SELECT 1 AS one FROM tickets WHERE assignee_words = $1
                 UNION ALL SELECT 1 AS one FROM outbox WHERE LOWER(approved_by) = $1 LIMIT 1",
            )
            .bind(rows::lower(name))
            .fetch_optional(self.pool())
            .await?;
            Ok(found.is_some())
        })
        .await
    }

    /// Forgets a token; false if there was none of that name.
    pub async fn remove_serve_token(&self, name: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.told("remove the token", async {
            let mut tx = self.begin().await?;
            let removed = sqlx::query("DELETE FROM serve_tokens WHERE name = $1")
                .bind(rows::plain(name))
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if removed == 0 {
                tx.take_back().await?;
                return Ok(false);
            }
            self.commit(tx, &changed(name, at)).await?;
            Ok(true)
        })
        .await
    }
}

const fn changed(name: &str, at: Timestamp) -> Happened<'_> {
    Happened {
        verb: Verb::Configured,
        subject: name,
        actor: "",
        detail: "serve token",
        at,
    }
}
