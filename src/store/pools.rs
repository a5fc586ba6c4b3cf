//! The connections to the database: some that read, and on SQLite one alone that writes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use sqlx::{
    AnyConnection, AnyPool, ConnectOptions, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{CONNECT_LIMIT, Store, Use, dialect::Dialect};

/// 4 readers beside the one that writes.
const READERS: u32 = 4;
/// A server seldom reads: each connection has a cache of its own.
const SERVING_READERS: u32 = 1;
/// On a server of databases everybody may write at once.
const POSTGRES_CONNECTIONS: u32 = 5;
const POSTGRES_SERVING: u32 = 2;

/// The connections of a process.
pub(super) struct Pools {
    pub(super) reading: AnyPool,
    /// On SQLite one connection, so that it finds in its cache what it wrote before: what any other
    /// connection wrote makes it forget all of it.
    pub(super) writing: AnyPool,
    /// How many file very much mail at this moment.
    filing_much: Arc<AtomicUsize>,
    /// Whether the connection that writes is prepared for that.
    is_prepared: Arc<AtomicBool>,
}

impl Pools {
    /// Makes pools that connect when they are asked for the first time.
    pub(super) fn lazy(dialect: Dialect, address: &str, purpose: Use) -> Result<Self, sqlx::Error> {
        let options: AnyConnectOptions = address.parse()?;
        let options = options.disable_statement_logging();
        let is_prepared = Arc::<AtomicBool>::default();
        let pool = |most, besides| {
            pool_of(dialect, most, besides, Arc::default()).connect_lazy_with(options.clone())
        };
        let writer = |besides| {
            pool_of(dialect, 1, besides, Arc::clone(&is_prepared))
                .connect_lazy_with(options.clone())
        };
        let (reading, writing) = match (dialect, purpose) {
            (Dialect::Sqlite, Use::Desk) => (pool(READERS, None), writer(None)),
            (Dialect::Sqlite, Use::Serving) => {
                let small = dialect.small();
                (pool(SERVING_READERS, small), writer(small))
            }
            (Dialect::Postgres, Use::Desk) => {
                let pool = pool(POSTGRES_CONNECTIONS, None);
                (pool.clone(), pool)
            }
            (Dialect::Postgres, Use::Serving) => {
                let pool = pool(POSTGRES_SERVING, None);
                (pool.clone(), pool)
            }
        };
        Ok(Self {
            reading,
            writing,
            filing_much: Arc::default(),
            is_prepared,
        })
    }

    /// Prepares the connection that writes for very much mail, or for little again. It is only faster
    /// so: a failure is noted.
    pub(super) async fn prepare(&self, writing: &mut AnyConnection, dialect: Dialect) {
        let is_much = self.filing_much.load(Ordering::Relaxed) > 0;
        if self.is_prepared.swap(is_much, Ordering::Relaxed) == is_much {
            return;
        }
        for statement in dialect.bulk(is_much) {
            if let Err(error) = writing.execute(*statement).await {
                tracing::warn!(%error, "the database could not be prepared for much mail");
            }
        }
    }

    /// Closes all connections, when they have answered; none is given out from now on.
    pub(super) async fn close(&self) {
        let (reading, writing) = (self.reading.close(), self.writing.close());
        reading.await;
        writing.await;
    }
}

/// Very much mail is being filed, until this is dropped.
#[derive(Debug)]
pub struct Bulk(Arc<AtomicUsize>);

impl Drop for Bulk {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Store {
    /// Says that very much mail is filed from now on: more of the database stays in memory, and its
    /// log is worked into the file less often. A server of requests, where memory is dear, has no
    /// ear for it.
    pub fn bulk(&self) -> Option<Bulk> {
        (self.0.purpose == Use::Desk).then(|| {
            let filing = &self.0.pools.filing_much;
            filing.fetch_add(1, Ordering::Relaxed);
            Bulk(Arc::clone(filing))
        })
    }
}

fn pool_of(
    dialect: Dialect,
    most: u32,
    besides: Option<&'static str>,
    is_prepared: Arc<AtomicBool>,
) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(CONNECT_LIMIT)
        .test_before_acquire(dialect == Dialect::Postgres)
        .after_connect(move |connection, _| {
            // A new connection is not prepared.
            is_prepared.store(false, Ordering::Relaxed);
            Box::pin(async move {
                let statements = dialect.on_connect().iter().copied();
                for statement in statements.chain(besides) {
                    connection.execute(statement).await?;
                }
                Ok(())
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Timestamp,
        store::{StoreUrl, Verb},
    };

    async fn cache(store: &Store) -> i64 {
        let row = sqlx::query_as::<_, (i64,)>("PRAGMA cache_size");
        row.fetch_one(store.writing()).await.unwrap().0
    }

    #[tokio::test]
    async fn the_writer_is_prepared_as_long_as_much_is_filed_whoever_begins_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("tickets.db"));
        let store = Store::open(&url).await.unwrap();
        let write = || store.tell(Verb::Configured, "cap", "theo", Timestamp::UNIX_EPOCH);

        let bulk = store.bulk();
        write().await.unwrap();
        assert_eq!(cache(&store).await, -32_000);
        let readers = [
            store.pool().acquire().await.unwrap(),
            store.pool().acquire().await.unwrap(),
        ];
        drop(bulk);
        write().await.unwrap();

        assert_eq!(cache(&store).await, -8_000);
        drop(readers);
    }
}
