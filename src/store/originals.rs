//! The bytes of messages and files, as they came, packed.

use std::{cell::RefCell, collections::HashMap, io::Read as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sqlx::{AnyConnection, Row as _, any::AnyRow};
use zstd::bulk::Compressor;

use super::{
    Store, StoreError,
    dialect::Dialect,
    error::Trouble,
    rows,
    search::{Sql, Value},
};
use crate::domain::TicketId;

/// So many are written with one statement.
const AT_ONCE: usize = 20;
/// Zstandard's fastest: what it saves, the disk would cost.
const LEVEL: i32 = 1;

thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
}

/// Bytes as they came, packed for keeping.
#[derive(Clone)]
pub struct Original {
    packed: Vec<u8>,
}

impl Original {
    /// Packs bytes: work for a processor. It fails only for want of memory.
    pub fn of(bytes: &[u8]) -> std::io::Result<Self> {
        PACKER.with_borrow_mut(|packer| {
            // Made once: it clears a megabyte each time.
            let packer = match packer {
                Some(packer) => packer,
                none => none.insert(Compressor::new(LEVEL)?),
            };
            Ok(Self {
                packed: packer.compress(bytes)?,
            })
        })
    }

    /// Packs bytes on the way into the store.
    pub(super) fn kept(bytes: &[u8]) -> Result<Self, Trouble> {
        Self::of(bytes).map_err(|why| Trouble::damaged("bytes to keep", &why))
    }

    fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Trouble> {
        let damaged = |why: std::io::Error| Trouble::damaged("original_bytes", &why);
        let mut bytes = Vec::new();
        zstd::Decoder::new(packed)
            .map_err(damaged)?
            .read_to_end(&mut bytes)
            .map_err(damaged)?;
        Ok(bytes)
    }
}

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Original of {} bytes, packed", self.packed.len())
    }
}

impl Store {
    /// Returns the bytes with a digest (SHA-256 in hex) as they came; none where they are not
    /// kept.
    pub async fn original(&self, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.told("read a message as it came", async {
            let row = sqlx::query("SELECT packed FROM original_bytes WHERE sha256 = $1")
                .bind(sha256)
                .fetch_optional(self.pool())
                .await?;
            match row {
                Some(row) => Original::unpacked(row.try_get("packed")?).map(Some),
                None => self.unpacked_original(sha256).await,
            }
        })
        .await
    }

    /// Returns bytes that were kept before they were packed.
    async fn unpacked_original(&self, sha256: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let row = sqlx::query("SELECT base64 FROM originals WHERE sha256 = $1")
            .bind(sha256)
            .fetch_optional(self.pool())
            .await?;
        row.map(|row| of_base64(&row)).transpose()
    }

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
    insert_all(tx, vec![(sha256, Original::kept(bytes)?)]).await
}

/// Keeps the bytes of messages.
pub(super) async fn insert_all(
    tx: &mut AnyConnection,
    mut originals: Vec<(&str, Original)>,
) -> Result<(), Trouble> {
    // In the order of the index: each page of it is changed once.
    originals.sort_by(|one, other| one.0.cmp(other.0));
    let mut originals = originals.into_iter().peekable();
    while originals.peek().is_some() {
        let mut sql = Sql::rows_in(Dialect::of(tx));
        sql.push("INSERT INTO original_bytes (sha256, packed) VALUES ");
        for (place, (sha256, original)) in originals.by_ref().take(AT_ONCE).enumerate() {
            let values = [
                Value::Text(sha256.to_owned()),
                Value::Bytes(original.packed),
            ];
            sql.push_row(place, values);
        }
        sql.push(" ON CONFLICT (sha256) DO NOTHING");
        sql.ready().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Returns the bytes of all messages of a ticket, by their digests.
pub(super) async fn of_ticket(
    connection: &mut AnyConnection,
    ticket: TicketId,
) -> Result<HashMap<String, Vec<u8>>, Trouble> {
    let mut found = HashMap::new();
    let old = "SELECT sha256, base64 FROM originals
         WHERE sha256 IN (SELECT raw_sha256 FROM messages WHERE ticket = $1)";
    for row in &sqlx::query(old)
        .bind(ticket.to_string())
        .fetch_all(&mut *connection)
        .await?
    {
        found.insert(rows::text(row, "sha256")?, of_base64(row)?);
    }
    let packed = "SELECT sha256, packed FROM original_bytes
         WHERE sha256 IN (SELECT raw_sha256 FROM messages WHERE ticket = $1)";
    for row in &sqlx::query(packed)
        .bind(ticket.to_string())
        .fetch_all(connection)
        .await?
    {
        let bytes = Original::unpacked(row.try_get("packed")?)?;
        found.insert(rows::text(row, "sha256")?, bytes);
    }
    Ok(found)
}

fn of_base64(row: &AnyRow) -> Result<Vec<u8>, Trouble> {
    let bytes = STANDARD.decode(rows::text(row, "base64")?);
    bytes.map_err(|_| Trouble::damaged("originals", &"its base64"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreUrl;

    #[tokio::test]
    async fn bytes_that_were_kept_unpacked_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("deskhand.db"));
        let store = Store::open(&url).await.unwrap();
        sqlx::query("INSERT INTO originals (sha256, base64) VALUES ('old', 'AP8K')")
            .execute(store.pool())
            .await
            .unwrap();
        store.keep_original("new", b"\x00\xffnew").await.unwrap();

        assert_eq!(store.original("old").await.unwrap().unwrap(), b"\x00\xff\n");
        assert_eq!(
            store.original("new").await.unwrap().unwrap(),
            b"\x00\xffnew"
        );
    }
}
