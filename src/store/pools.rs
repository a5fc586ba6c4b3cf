//! The connections to the database: some that read, and on SQLite one alone that writes.

use sqlx::{
    AnyPool, ConnectOptions, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};

use super::{CONNECT_LIMIT, Store, StoreError, Use, dialect::Dialect};

/// 4 readers beside the one that writes.
const READERS: u32 = 4;
/// A server seldom reads: each connection has a cache of its own.
const SERVING_READERS: u32 = 1;
/// A server of PostgreSQL takes turns itself.
const POSTGRES_CONNECTIONS: u32 = 5;

/// The connections of a process.
pub(super) struct Pools {
    pub(super) reading: AnyPool,
    /// On SQLite one connection, so that it finds in its cache what it wrote before: what any other
    /// connection wrote makes it forget all of it.
    pub(super) writing: AnyPool,
}

impl Pools {
    /// Makes pools that connect when they are asked for the first time.
    pub(super) fn lazy(dialect: Dialect, address: &str, purpose: Use) -> Result<Self, sqlx::Error> {
        let options: AnyConnectOptions = address.parse()?;
        let options = options.disable_statement_logging();
        let pool =
            |most, besides| pool_of(dialect, most, besides).connect_lazy_with(options.clone());
        Ok(match (dialect, purpose) {
            (Dialect::Sqlite, Use::Desk) => Self {
                reading: pool(READERS, None),
                writing: pool(1, None),
            },
            (Dialect::Sqlite, Use::Serving) => Self {
                reading: pool(SERVING_READERS, dialect.small()),
                writing: pool(1, dialect.small()),
            },
            (Dialect::Postgres, Use::Desk | Use::Serving) => {
                let pool = pool(POSTGRES_CONNECTIONS, None);
                Self {
                    reading: pool.clone(),
                    writing: pool,
                }
            }
        })
    }

    /// Closes all connections, when they have answered.
    pub(super) async fn close(&self) {
        self.reading.close().await;
        self.writing.close().await;
    }
}

impl Store {
    /// Prepares for filing very much mail: more of the database stays in memory, and its log is worked
    /// into the file less often. [`Store::end_bulk`] ends it.
    pub async fn begin_bulk(&self) -> Result<(), StoreError> {
        self.bulk(true).await
    }

    /// Ends what [`Store::begin_bulk`] began.
    pub async fn end_bulk(&self) -> Result<(), StoreError> {
        self.bulk(false).await
    }

    async fn bulk(&self, begins: bool) -> Result<(), StoreError> {
        self.told("prepare the database for much mail", async {
            for statement in self.dialect().bulk(begins) {
                self.writing().execute(*statement).await?;
            }
            Ok(())
        })
        .await
    }
}

fn pool_of(dialect: Dialect, most: u32, besides: Option<&'static str>) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(CONNECT_LIMIT)
        .test_before_acquire(dialect == Dialect::Postgres)
        .after_connect(move |connection, _| {
            Box::pin(async move {
                let statements = dialect.on_connect().iter().copied();
                for statement in statements.chain(besides) {
                    connection.execute(statement).await?;
                }
                Ok(())
            })
        })
}
