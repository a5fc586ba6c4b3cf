//! How far each folder of a mail account was read, and which of its messages are here.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    error::Trouble,
    events::{Happened, Verb},
    messages,
    originals::{self, Original},
    rows,
    search::{Sql, Value},
};
use crate::domain::{FolderMark, FolderRead, FolderUid, Message, MessageId, TicketId, Timestamp};

/// So many are noted with one statement.
const AT_ONCE: usize = 50;

impl Store {
    /// Returns how a folder stood when it was last read to its end, and when that was.
    pub async fn folder(
        &self,
        account: &str,
        folder: &str,
    ) -> Result<Option<(FolderMark, FolderRead)>, StoreError> {
        self.told("read how far a mailbox was read", async {
            let row = sqlx::query(
                "SELECT uid_validity, uid_next, mod_seq, messages, first_read_at, read_at
                 FROM mailboxes WHERE account = $1 AND folder = $2",
            )
            .bind(account)
            .bind(folder)
            .fetch_optional(self.pool())
            .await?;
            let Some(row) = row else { return Ok(None) };
            let short = |name| rows::int(&row, name);
            let mark = FolderMark {
                uid_validity: u32::try_from(short("uid_validity")?).unwrap_or(0),
                uid_next: u32::try_from(short("uid_next")?).unwrap_or(0),
                mod_seq: u64::try_from(short("mod_seq")?).unwrap_or(0),
                messages: u32::try_from(short("messages")?).unwrap_or(0),
            };
            let read = FolderRead {
                first: rows::time(&row, "first_read_at")?,
                last: rows::time(&row, "read_at")?,
            };
            Ok(Some((mark, read)))
        })
        .await
    }

    /// Notes that a folder was read to its end; `at` is when that reading began.
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
                     (account, folder, uid_validity, uid_next, mod_seq, messages, read_at,
                      first_read_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
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
            for numbers in ["mailbox_uids", "kept_back"] {
                sqlx::query(AssertSqlSafe(format!(
                    "DELETE FROM {numbers}
                     WHERE account = $1 AND folder = $2 AND uid_validity <> $3"
                )))
                .bind(account)
                .bind(folder)
                .bind(i64::from(mark.uid_validity))
                .execute(&mut *tx)
                .await?;
            }
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
                let mut sql = Sql::rows_in(self.dialect());
                sql.push(
                    "INSERT INTO mailbox_uids (account, folder, uid_validity, uid, raw_sha256)
                     VALUES ",
                );
                for (place, uid) in some.iter().enumerate() {
                    let values = [
                        Value::Text(account.to_owned()),
                        Value::Text(folder.to_owned()),
                        Value::Int(i64::from(uid_validity)),
                        Value::Int(i64::from(uid.uid)),
                        Value::Text(uid.raw_sha256.clone()),
                    ];
                    sql.push_row(place, values);
                }
                sql.push(" ON CONFLICT (account, folder, uid_validity, uid) DO NOTHING");
                sql.ready().execute(&mut *tx).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// Notes that messages of a ticket were read here, and what of them is to be marked so on its
    /// server; returns how many were not read before.
    pub async fn saw(
        &self,
        ticket: TicketId,
        messages: &[MessageId],
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        self.told("note that messages were read", async {
            let mut tx = self.begin().await?;
            let mut changed = 0;
            for message in messages {
                sqlx::query(
                    "INSERT INTO marks_due (account, raw_sha256, flags)
                     SELECT substr(source, 6), raw_sha256, 'seen' FROM messages
                     WHERE id = $1 AND was_seen = 0 AND substr(source, 1, 5) = 'imap:'
                     ON CONFLICT (account, raw_sha256, flags) DO NOTHING",
                )
                .bind(message.to_string())
                .execute(&mut *tx)
                .await?;
                changed +=
                    sqlx::query("UPDATE messages SET was_seen = 1 WHERE id = $1 AND was_seen = 0")
                        .bind(message.to_string())
                        .execute(&mut *tx)
                        .await?
                        .rows_affected();
            }
            if changed == 0 {
                return tx.commit().await.map(|()| 0);
            }
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &ticket.to_string(),
                actor: "",
                detail: "",
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(changed)
        })
        .await
    }

    /// Returns where a message of an account lies: the folder, its validity and the number there.
    pub async fn place_of(
        &self,
        account: &str,
        raw_sha256: &str,
    ) -> Result<Option<(String, u32, u32)>, StoreError> {
        self.told("look up where a message lies", async {
            let row = sqlx::query(
                "SELECT folder, uid_validity, uid FROM mailbox_uids
                 WHERE account = $1 AND raw_sha256 = $2",
            )
            .bind(account)
            .bind(raw_sha256)
            .fetch_optional(self.pool())
            .await?;
            let Some(row) = row else { return Ok(None) };
            let number =
                |name| Ok::<_, Trouble>(u32::try_from(rows::int(&row, name)?).unwrap_or(0));
            Ok(Some((
                rows::text(&row, "folder")?,
                number("uid_validity")?,
                number("uid")?,
            )))
        })
        .await
    }

    /// Puts the whole of a message where only its headers were: one that was left on its server.
    pub async fn complete(
        &self,
        (message, account): (&Message, &str),
        (digest_before, original): (&str, Original),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("keep the whole of a message", async {
            let mut tx = self.begin().await?;
            messages::rewrite(&mut tx, message).await?;
            originals::insert_all(&mut tx, vec![(&message.raw_sha256, original)]).await?;
            sqlx::query(
                "UPDATE mailbox_uids SET raw_sha256 = $3 WHERE account = $1 AND raw_sha256 = $2",
            )
            .bind(account)
            .bind(digest_before)
            .bind(&message.raw_sha256)
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "INSERT INTO completed (headers_sha256, raw_sha256) VALUES ($1, $2)
                 ON CONFLICT (headers_sha256) DO UPDATE SET raw_sha256 = $2",
            )
            .bind(digest_before)
            .bind(&message.raw_sha256)
            .execute(&mut *tx)
            .await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &message.ticket.to_string(),
                actor: "",
                detail: "",
                at,
            };
            self.commit(tx, &happened).await
        })
        .await
    }

    /// Returns the digest of the whole message whose headers have this one, where it has come.
    pub async fn completed(&self, headers_sha256: &str) -> Result<Option<String>, StoreError> {
        self.told("look up a message that came in two parts", async {
            sqlx::query("SELECT raw_sha256 FROM completed WHERE headers_sha256 = $1")
                .bind(headers_sha256)
                .fetch_optional(self.pool())
                .await?
                .map(|row| rows::text(&row, "raw_sha256"))
                .transpose()
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
