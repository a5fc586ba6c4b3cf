//! The store: tickets, drafts, receipts and the ledger, kept in SQLite or PostgreSQL.
//!
//! SQL appears in this room only, one text for both databases; `dialect` holds what differs.
//! Every act is one short transaction: all of it happened, or nothing did, whoever else writes at
//! the same time. The store decides nothing that `domain` or `engine` decides, knows no provider
//! and no screen, and never asks what time it is.

mod acks;
mod acted;
mod blocks;
mod breakers;
mod concluding;
mod delivering;
mod dialect;
mod draft_from;
mod drafts;
mod drafts_back;
mod error;
mod events;
mod exchange;
mod filing;
mod flags;
mod floods;
mod going_over;
mod joining;
mod kept_back;
mod known;
mod leases;
mod ledger;
mod likeness;
mod mailboxes;
mod marks;
mod merged;
mod merging;
mod messages;
mod missed;
pub mod news;
mod notes;
mod originals;
mod origins;
mod outbox;
mod outdated;
mod pools;
mod receipts;
mod receipts_write;
mod reconcile;
mod records;
mod records_known;
mod rows;
mod schema;
mod search;
mod secret;
mod standings;
mod sums;
mod suppressed;
mod tickets;
mod tickets_write;
mod times;
mod tokens;
mod tray;
mod twice;

use std::{
    fmt,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, pool::PoolConnection,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use acks::AckLimits;
pub use blocks::{FromBlock, Group};
pub use concluding::{Outcome, Sent};
pub use delivering::{Claim, Claimed, IfStale, Underway};
pub use draft_from::DraftFrom;
pub use drafts::{Revision, SaveDraft};
pub use error::{Conflict, StoreError};
pub use events::{EventRow, Verb};
pub use filing::{Filed, Filing, Known, Letter, Moved, Place, Returned};
pub use known::KnownLinks;
pub use leases::{Held, LeaseAsk};
pub use ledger::{HoldAnswer, HoldAsk, HoldState, OpenHold};
pub use likeness::Said;
pub use marks::MarkDue;
pub use notes::NoteBegun;
pub use originals::Original;
pub use outbox::{QueueAnswer, QueuedFrom, Queueing};
pub use pools::Bulk;
pub use receipts::{Broken, ReceiptFilter, Verdict};
pub use reconcile::Reconciled;
pub use records::{Recorded, Recording};
pub use records_known::Name;
pub use sums::Sums;
pub use tokens::ServeToken;

use dialect::{Dialect, Lock};
use error::Trouble;
use pools::Pools;

/// Where the database is.
#[derive(Clone)]
pub enum StoreUrl {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host/database`.
    Postgres(SecretString),
}

impl StoreUrl {
    /// Reads `[store] url`: `postgres://...`, `sqlite:PATH`, or a path.
    pub fn parse(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Self::Postgres(SecretString::from(text.to_owned()));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"));
        Self::Sqlite(PathBuf::from(path.unwrap_or(text)))
    }
}

impl fmt::Display for StoreUrl {
    /// Writes the place, never the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => f.write_str(&dialect::postgres_shown(url)),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

/// What a database is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A desk: many readers, filing of mail.
    Desk,
    /// A server of requests: little memory.
    Serving,
}

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    pools: Pools,
    dialect: Dialect,
    purpose: Use,
    url: StoreUrl,
    place: String,
    origin: String,
    /// SQLite has one writer at a time. Those of this process take turns here, first come first
    /// served; only other processes are waited for by SQLite's own trying again.
    turn: Arc<Mutex<()>>,
}

/// How long a connection is waited for before the database counts as busy or not reachable.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long a connection may take to say good-bye.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How often, and how far apart, a file that is just being made by another process is tried.
const OPEN_TRIES: u32 = 50;
const OPEN_PAUSE: Duration = Duration::from_millis(100);

impl Store {
    /// Opens the database, makes it where it does not exist, and brings it to the newest schema.
    pub async fn open(url: &StoreUrl) -> Result<Self, StoreError> {
        Self::open_for(url, Use::Desk).await
    }

    /// Opens it for one use.
    pub async fn open_for(url: &StoreUrl, purpose: Use) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let url = match url {
            StoreUrl::Sqlite(path) => {
                StoreUrl::Sqlite(std::path::absolute(path).map_err(|why| StoreError::File {
                    path: path.clone(),
                    why,
                })?)
            }
            StoreUrl::Postgres(_) => url.clone(),
        };
        let (dialect, address) = match &url {
            StoreUrl::Sqlite(path) => {
                dialect::make_file(path)?;
                (Dialect::Sqlite, dialect::sqlite_url(path))
            }
            StoreUrl::Postgres(url) => {
                let address = url.expose_secret().to_owned();
                (Dialect::Postgres, address)
            }
        };
        let pools =
            Pools::lazy(dialect, &address, purpose).map_err(|why| open_error(&url, &why))?;
        let store = Self(Arc::new(Inner {
            pools,
            dialect,
            purpose,
            place: url.to_string(),
            url,
            origin: uuid::Uuid::now_v7().to_string(),
            turn: Arc::new(Mutex::new(())),
        }));
        store.first_look().await?;
        Ok(store)
    }

    /// Connects and migrates; two processes that make the same file at once wait for each other.
    async fn first_look(&self) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let looked = match self.try_connecting().await {
                Ok(()) => schema::migrate(self).await,
                Err(why) => Err(why.into()),
            };
            match looked {
                Ok(()) => return Ok(()),
                Err(Trouble::Sql(why))
                    if error::is_busy(&why)
                        && !matches!(why, sqlx::Error::PoolTimedOut)
                        && tries < OPEN_TRIES =>
                {
                    tries += 1;
                    tokio::time::sleep(OPEN_PAUSE).await;
                }
                Err(Trouble::Sql(why)) => return Err(open_error(&self.0.url, &why)),
                Err(trouble) => return Err(trouble.while_doing("open the database", self.place())),
            }
        }
    }

    /// Connects once without the pool, which would try again until its time is up and then say
    /// only that; this says why.
    async fn try_connecting(&self) -> Result<(), sqlx::Error> {
        let options = self.pool().connect_options();
        let trying = async {
            let mut connection = options.connect().await?;
            for statement in self.dialect().on_connect() {
                connection.execute(*statement).await?;
            }
            connection.close().await
        };
        tokio::time::timeout(CONNECT_LIMIT, trying)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
    }

    /// Closes the database; acts that come after fail. A connection that answers nothing is waited
    /// for a few seconds.
    pub async fn close(&self) {
        if tokio::time::timeout(CLOSE_LIMIT, self.0.pools.close())
            .await
            .is_err()
        {
            tracing::error!("closed before the database had answered");
        }
    }

    /// Waits until no write of this process is under way, and lets none begin while what it returns
    /// is kept. On a server others do not wait for us.
    pub async fn quiet(&self) -> Quiet {
        Quiet(match self.dialect() {
            Dialect::Sqlite => Some(Arc::clone(&self.0.turn).lock_owned().await),
            Dialect::Postgres => None,
        })
    }

    /// Returns the name under which this process writes its events.
    pub fn origin(&self) -> &str {
        &self.0.origin
    }

    /// Makes the error of an act that the database did not answer.
    pub fn is_silent(&self, doing: &'static str) -> StoreError {
        StoreError::Silent {
            doing,
            place: self.place().to_owned(),
        }
    }

    /// Returns where the database is, without a password.
    pub fn place(&self) -> &str {
        &self.0.place
    }

    fn dialect(&self) -> Dialect {
        self.0.dialect
    }

    /// The connections that read.
    fn pool(&self) -> &AnyPool {
        &self.0.pools.reading
    }

    /// The connection that writes, for reading between two writes: it knows already what it wrote.
    fn writing(&self) -> &AnyPool {
        &self.0.pools.writing
    }

    /// Says what an act was for when it fails.
    async fn told<T>(
        &self,
        doing: &'static str,
        act: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, StoreError> {
        Box::pin(act)
            .await
            .map_err(|trouble| trouble.while_doing(doing, self.place()))
    }

    /// Begins a transaction that writes.
    async fn begin(&self) -> Result<Tx, Trouble> {
        let turn = match self.dialect() {
            Dialect::Sqlite => Some(Arc::clone(&self.0.turn).lock_owned().await),
            Dialect::Postgres => None,
        };
        let inner = self.writing().acquire().await?;
        // Whoever gives up while it begins must not leave it open: the lock would stay with a
        // connection that lies in the pool.
        let mut tx = Tx {
            inner,
            is_over: false,
            turn,
        };
        self.0.pools.prepare(&mut tx, self.dialect()).await;
        let begun = tx.inner.execute(self.dialect().begin()).await;
        tx.is_over = begun.is_err();
        begun?;
        Ok(tx)
    }

    /// Locks a row until the end of the transaction, where that is not the case anyway.
    async fn lock(&self, tx: &mut AnyConnection, lock: Lock, key: &str) -> Result<(), Trouble> {
        if let Some(statement) = self.dialect().lock(lock) {
            sqlx::query(statement).bind(key).fetch_optional(tx).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store {}", self.0.place)
    }
}

/// Keeps writes of this process from beginning.
#[derive(Debug)]
pub struct Quiet(#[expect(dead_code, reason = "kept for its drop")] Option<OwnedMutexGuard<()>>);

/// A transaction that writes. Dropped without `commit`, nothing of it happened.
///
/// Not sqlx's own: that one counts on a `ROLLBACK` after every failure, but SQLite ends a
/// transaction by itself when the disk is full, and the count is wrong from then on. Here a
/// connection whose transaction did not end well is closed, which undoes it everywhere. What ends
/// well without a change is taken back: the next who writes keeps the connection.
struct Tx {
    inner: PoolConnection<Any>,
    is_over: bool,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Tx {
    async fn commit(self) -> Result<(), Trouble> {
        self.end("COMMIT").await
    }

    /// Undoes everything.
    async fn take_back(self) -> Result<(), Trouble> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &'static str) -> Result<(), Trouble> {
        self.inner.execute(how).await?;
        self.is_over = true;
        self.turn = None;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.is_over {
            self.inner.close_on_drop();
        }
    }
}

impl Deref for Tx {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }
}

fn open_error(url: &StoreUrl, why: &sqlx::Error) -> StoreError {
    let advice = match url {
        StoreUrl::Sqlite(_) => {
            "Check that the file is a database of deskhand and that you may write to it."
        }
        StoreUrl::Postgres(_) => "Check `[store] url` and that the server runs.",
    };
    let why = if matches!(why, sqlx::Error::PoolTimedOut) {
        format!("no answer in {} seconds", CONNECT_LIMIT.as_secs())
    } else if matches!(why, sqlx::Error::Configuration(_)) {
        // Its words may repeat the URL, and with it the password.
        "the URL is not understood".to_owned()
    } else {
        why.to_string()
    };
    StoreError::Open {
        place: url.to_string(),
        why,
        advice,
    }
}
