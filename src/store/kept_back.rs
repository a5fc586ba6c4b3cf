//! Which messages of a folder its server has and does not give.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    error::Trouble,
    rows,
    search::{Sql, Value},
};
use crate::domain::{KeptBack, Timestamp};

/// So many are noted with one statement.
const AT_ONCE: usize = 50;

impl Store {
    /// Returns which messages of a folder its server did not give, by the server's numbers.
    pub async fn kept_back(
        &self,
        account: &str,
        folder: &str,
        uid_validity: u32,
    ) -> Result<BTreeMap<u32, KeptBack>, StoreError> {
        self.told("read what a server keeps back", async {
            let rows = sqlx::query(
                "SELECT uid, tries, again_at FROM kept_back
                 WHERE account = $1 AND folder = $2 AND uid_validity = $3",
            )
            .bind(account)
            .bind(folder)
            .bind(i64::from(uid_validity))
            .fetch_all(self.pool())
            .await?;
            let short =
                |row, name| Ok::<_, Trouble>(u32::try_from(rows::int(row, name)?).unwrap_or(0));
            rows.iter()
                .map(|row| {
                    let kept = KeptBack {
                        tries: short(row, "tries")?,
                        again_at: rows::time(row, "again_at")?,
                    };
                    Ok((short(row, "uid")?, kept))
                })
                .collect()
        })
        .await
    }

    /// Notes which messages of a folder its server does not give; no others are.
    pub async fn set_kept_back(
        &self,
        account: &str,
        (folder, uid_validity): (&str, u32),
        kept: &BTreeMap<u32, KeptBack>,
    ) -> Result<(), StoreError> {
        self.told("note what a server keeps back", async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM kept_back WHERE account = $1 AND folder = $2")
                .bind(account)
                .bind(folder)
                .execute(&mut *tx)
                .await?;
            let kept: Vec<(&u32, &KeptBack)> = kept.iter().collect();
            for some in kept.chunks(AT_ONCE) {
                let mut sql = Sql::rows_in(self.dialect());
                sql.push(
                    "INSERT INTO kept_back (account, folder, uid_validity, uid, tries, again_at)
                     VALUES ",
                );
                for (place, (uid, kept)) in some.iter().enumerate() {
                    let values = [
                        Value::Text(account.to_owned()),
                        Value::Text(folder.to_owned()),
                        Value::Int(i64::from(uid_validity)),
                        Value::Int(i64::from(**uid)),
                        Value::Int(i64::from(kept.tries)),
                        Value::Int(kept.again_at.as_microsecond()),
                    ];
                    sql.push_row(place, values);
                }
                sql.ready().execute(&mut *tx).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// Tells whether something of a folder is to be asked for again by now.
    pub async fn is_asked_for_again(
        &self,
        account: &str,
        (folder, uid_validity): (&str, u32),
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.told("read what a server keeps back", async {
            let row = sqlx::query(
                "SELECT uid FROM kept_back
                 WHERE account = $1 AND folder = $2 AND uid_validity = $3 AND again_at <= $4
                 LIMIT 1",
            )
            .bind(account)
            .bind(folder)
            .bind(i64::from(uid_validity))
            .bind(now.as_microsecond())
            .fetch_optional(self.pool())
            .await?;
            Ok(row.is_some())
        })
        .await
    }
}
