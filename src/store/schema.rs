//! Migrations: in order, each once, under a lock.

use sha2::{Digest, Sha256};
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError, error::Trouble};

/// One step of the schema. The text of a merged step is never edited.
struct Step {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const STEPS: [Step; 19] = [
    Step {
        version: 1,
        name: "start",
        sql: include_str!("../../assets/migrations/0001_start.sql"),
    },
    Step {
        version: 2,
        name: "unfiled_holds",
        sql: include_str!("../../assets/migrations/0002_unfiled_holds.sql"),
    },
    Step {
        version: 3,
        name: "caps",
        sql: include_str!("../../assets/migrations/0003_caps.sql"),
    },
    Step {
        version: 4,
        name: "breakers",
        sql: include_str!("../../assets/migrations/0004_breakers.sql"),
    },
    Step {
        version: 5,
        name: "receipt_indexes",
        sql: include_str!("../../assets/migrations/0005_receipt_indexes.sql"),
    },
    Step {
        version: 6,
        name: "speed_and_missed",
        sql: include_str!("../../assets/migrations/0006_speed_and_missed.sql"),
    },
    Step {
        version: 7,
        name: "mailboxes",
        sql: include_str!("../../assets/migrations/0007_mailboxes.sql"),
    },
    Step {
        version: 8,
        name: "leaving_mail",
        sql: include_str!("../../assets/migrations/0008_leaving_mail.sql"),
    },
    Step {
        version: 9,
        name: "merged",
        sql: include_str!("../../assets/migrations/0009_merged.sql"),
    },
    Step {
        version: 10,
        name: "ticket_origins",
        sql: include_str!("../../assets/migrations/0010_ticket_origins.sql"),
    },
    Step {
        version: 11,
        name: "packed_originals",
        sql: include_str!("../../assets/migrations/0011_packed_originals.sql"),
    },
    Step {
        version: 12,
        name: "notes_begun",
        sql: include_str!("../../assets/migrations/0012_notes_begun.sql"),
    },
    Step {
        version: 13,
        name: "serve_tokens",
        sql: include_str!("../../assets/migrations/0013_serve_tokens.sql"),
    },
    Step {
        version: 14,
        name: "merges",
        sql: include_str!("../../assets/migrations/0014_merges.sql"),
    },
    Step {
        version: 15,
        name: "completed",
        sql: include_str!("../../assets/migrations/0015_completed.sql"),
    },
    Step {
        version: 16,
        name: "first_readings",
        sql: include_str!("../../assets/migrations/0016_first_readings.sql"),
    },
    Step {
        version: 17,
        name: "outdated_replies",
        sql: include_str!("../../assets/migrations/0017_outdated_replies.sql"),
    },
    Step {
        version: 18,
        name: "kept_back",
        sql: include_str!("../../assets/migrations/0018_kept_back.sql"),
    },
    Step {
        version: 19,
        name: "sparse_indexes",
        sql: include_str!("../../assets/migrations/0019_sparse_indexes.sql"),
    },
];

/// Brings the database to the newest schema, or says why it cannot be used.
pub(super) async fn migrate(store: &Store) -> Result<(), Trouble> {
    let mut tx = store.begin().await?;
    if let Some(lock) = store.dialect().migration_lock() {
        sqlx::query(lock).execute(&mut *tx).await?;
    }
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_steps (
            version BIGINT PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL)",
    )
    .execute(&mut *tx)
    .await?;
    let row = sqlx::query("SELECT COALESCE(MAX(version), 0) AS version FROM schema_steps")
        .fetch_one(&mut *tx)
        .await?;
    let theirs: i64 = row.try_get("version")?;
    let ours = STEPS.iter().map(|step| step.version).max().unwrap_or(0);
    if theirs > ours {
        return Err(StoreError::NewerSchema {
            place: store.place().to_owned(),
            theirs,
            ours,
        }
        .into());
    }
    for step in STEPS.iter().filter(|step| step.version > theirs) {
        apply(&mut tx, step).await?;
    }
    tx.commit().await
}

async fn apply(tx: &mut AnyConnection, step: &Step) -> Result<(), Trouble> {
    sqlx::raw_sql(step.sql).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO schema_steps (version, name, sha256) VALUES ($1, $2, $3)")
        .bind(step.version)
        .bind(step.name)
        .bind(format!("{:x}", Sha256::digest(step.sql)))
        .execute(tx)
        .await?;
    Ok(())
}
