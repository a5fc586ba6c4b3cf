//! How far each folder of a mail account was read, and which of its messages are here.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    events::{Happened, Verb},
    rows,
    search::Sql,
};
use crate::domain::{FolderMark, FolderUid, Timestamp};

/// So many are noted with one statement.
const AT_ONCE: usize = 50;

impl Store {
    /// Returns how a folder stood when it was last read to its end.
    pub async fn folder_mark(
        &self,
        account: &str,
        folder: &str,
    ) -> Result<Option<FolderMark>, StoreError> {
        self.told("read how far a mailbox was read", async {
            let row = sqlx::query(
                "SELECT uid_validity, uid_next, mod_seq, messages FROM mailboxes
                 WHERE account = $1 AND folder = $2",
            )
            .bind(account)
            .bind(folder)
            .fetch_optional(self.pool())
            .await?;
            let Some(row) = row else { return Ok(None) };
            let short = |name| rows::int(&row, name);
            Ok(Some(FolderMark {
                uid_validity: u32::try_from(short("uid_validity")?).unwrap_or(0),
                uid_next: u32::try_from(short("uid_next")?).unwrap_or(0),
                mod_seq: u64::try_from(short("mod_seq")?).unwrap_or(0),
                messages: u32::try_from(short("messages")?).unwrap_or(0),
            }))
        })
        .await
    }

    /// Notes that a folder was read to its end.
    pub async fn set_folder_mark(
        &self,
        account: &str,
        folder: &str,
        mark: FolderMark,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("note how far a mailbox was read", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO mailboxes
                     (account, folder, uid_validity, uid_next, mod_seq, messages, read_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (account, folder) DO UPDATE SET uid_validity = $3, uid_next = $4,
                     mod_seq = $5, messages = $6, read_at = $7",
            )
            .bind(account)
            .bind(folder)
            .bind(i64::from(mark.uid_validity))
            .bind(i64::from(mark.uid_next))
            .bind(i64::try_from(mark.mod_seq).unwrap_or(i64::MAX))
            .bind(i64::from(mark.messages))
            .bind(at.as_microsecond())
            .execute(&mut *tx)
            .await?;
            // What the server's numbers meant before means nothing any more.
            sqlx::query(
                "DELETE FROM mailbox_uids
                 WHERE account = $1 AND folder = $2 AND uid_validity <> $3",
            )
            .bind(account)
            .bind(folder)
            .bind(i64::from(mark.uid_validity))
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Returns which messages of a folder are here: the server's numbers with the digests of
    /// their bytes.
    pub async fn folder_uids(
        &self,
        account: &str,
        folder: &str,
        uid_validity: u32,
    ) -> Result<BTreeMap<u32, String>, StoreError> {
        self.told("read what is here of a mailbox", async {
            let rows = sqlx::query(
                "SELECT uid, raw_sha256 FROM mailbox_uids
                 WHERE account = $1 AND folder = $2 AND uid_validity = $3",
            )
            .bind(account)
            .bind(folder)
            .bind(i64::from(uid_validity))
            .fetch_all(self.pool())
            .await?;
            rows.iter()
                .map(|row| {
                    let uid = u32::try_from(rows::int(row, "uid")?).unwrap_or(0);
                    Ok((uid, rows::text(row, "raw_sha256")?))
                })
                .collect()
        })
        .await
    }

    /// Notes that messages of a folder are here. Filed first and noted then: a program that dies
    /// between the two finds them again as duplicates.
    pub async fn add_folder_uids(
        &self,
        account: &str,
        folder: &str,
        uid_validity: u32,
        uids: &[FolderUid],
    ) -> Result<(), StoreError> {
        self.told("note what is here of a mailbox", async {
            let mut tx = self.begin().await?;
            for some in uids.chunks(AT_ONCE) {
                let mut sql = Sql::new();
                sql.push(
                    "INSERT INTO mailbox_uids (account, folder, uid_validity, uid, raw_sha256)
                     VALUES ",
                );
                for (place, uid) in some.iter().enumerate() {
                    let values = [
                        sql.text_value(account.to_owned()),
                        sql.text_value(folder.to_owned()),
                        sql.int_value(i64::from(uid_validity)),
                        sql.int_value(i64::from(uid.uid)),
                        sql.text_value(uid.raw_sha256.clone()),
                    ];
                    sql.push(if place == 0 { "(" } else { ", (" });
                    sql.push(&values.join(", ")).push(")");
                }
                sql.push(" ON CONFLICT (account, folder, uid_validity, uid) DO NOTHING");
                sql.ready().execute(&mut *tx).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// Notes that messages were read where they came from; returns how many were not known to be.
    pub async fn mark_seen(
        &self,
        source: &str,
        digests: &[String],
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.told("note that messages were read", async {
            let mut tx = self.begin().await?;
            let mut changed = 0;
            for digest in digests {
                changed += sqlx::query(
                    "UPDATE messages SET was_seen = 1
                     WHERE source = $1 AND raw_sha256 = $2 AND was_seen = 0",
                )
                .bind(source)
                .bind(digest)
                .execute(&mut *tx)
                .await?
                .rows_affected();
            }
            if changed == 0 {
                return tx.commit().await.map(|()| 0);
            }
            let happened = Happened {
                verb: Verb::Filed,
                subject: source,
                actor: "",
                detail: "",
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(changed)
        })
        .await
    }
}
