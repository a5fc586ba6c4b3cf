//! Every place where SQLite and PostgreSQL differ.

use std::{fmt::Write as _, fs, io, path::Path};

use secrecy::{ExposeSecret, SecretString};
use sqlx::AnyConnection;

use super::StoreError;

/// Which database is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A file of this machine.
    Sqlite,
    /// A server.
    Postgres,
}

/// 8 MB of pages: filing mail goes through every index, and reads them from the disk again with less.
const CACHE: &str = "PRAGMA cache_size = -8000";
/// 16 MB of log before it is worked into the file: a page that many letters change is written there
/// once.
const LOG: &str = "PRAGMA wal_autocheckpoint = 4000";

/// A row that a transaction locks before it reads what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lock {
    /// A ticket, with its drafts and replies.
    Ticket,
    /// A period of the ledger, with its holds.
    Budget,
    /// A counter by name.
    Counter,
    /// The end of the chain of receipts; its key is 1.
    ReceiptTip,
}

impl Dialect {
    /// Returns which database a connection speaks to.
    pub(super) fn of(connection: &AnyConnection) -> Self {
        if connection.backend_name() == "SQLite" {
            Self::Sqlite
        } else {
            Self::Postgres
        }
    }

    /// Returns how a transaction that writes begins. SQLite takes its one write lock at once:
    /// a transaction that reads first and writes later would fail instead of waiting.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }

    /// Returns what is said on every new connection.
    pub(super) const fn on_connect(self) -> &'static [&'static str] {
        match self {
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 5000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA foreign_keys = ON",
                CACHE,
                LOG,
                // What the log took beyond that goes back to the disk.
                "PRAGMA journal_size_limit = 16384000",
                // A statement of many rows notes how to undo itself: not in a file.
                "PRAGMA temp_store = MEMORY",
            ],
            Self::Postgres => &[
                "SET statement_timeout = '30s'",
                "SET lock_timeout = '10s'",
                "SET idle_in_transaction_session_timeout = '30s'",
            ],
        }
    }

    /// Returns what is said besides where memory is dear.
    pub(super) const fn small(self) -> Option<&'static str> {
        match self {
            // 1 MB of pages.
            Self::Sqlite => Some("PRAGMA cache_size = -1000"),
            Self::Postgres => None,
        }
    }

    /// Returns what the connection that writes is told before very much is written, and after.
    pub(super) const fn bulk(self, begins: bool) -> &'static [&'static str] {
        match (self, begins) {
            // 32 MB of pages and 64 MB of log: mail in no order goes through every index, and changes
            // the same pages again and again.
            (Self::Sqlite, true) => &[
                "PRAGMA cache_size = -32000",
                "PRAGMA wal_autocheckpoint = 16000",
            ],
            (Self::Sqlite, false) => &[CACHE, LOG],
            (Self::Postgres, _) => &[],
        }
    }

    /// Returns the statement that locks the row with key `$1`; none where the transaction holds
    /// the whole database already.
    pub(super) const fn lock(self, lock: Lock) -> Option<&'static str> {
        match (self, lock) {
            (Self::Sqlite, _) => None,
            (Self::Postgres, Lock::Ticket) => {
                Some("SELECT id FROM tickets WHERE id = $1 FOR UPDATE")
            }
            (Self::Postgres, Lock::Budget) => {
                Some("SELECT period FROM budgets WHERE period = $1 FOR UPDATE")
            }
            (Self::Postgres, Lock::Counter) => {
                Some("SELECT name FROM counters WHERE name = $1 FOR UPDATE")
            }
            (Self::Postgres, Lock::ReceiptTip) => {
                Some("SELECT entry FROM receipt_tip WHERE one = CAST($1 AS BIGINT) FOR UPDATE")
            }
        }
    }

    /// Returns the statement that keeps two programs from migrating at once; SQLite's
    /// transaction does so by itself. The number is arbitrary, and ours.
    pub(super) const fn migration_lock(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_advisory_xact_lock(7237104512)"),
        }
    }

    /// Returns the statement that wakes other programs, told who speaks; SQLite's folder does so.
    pub(super) const fn notify(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some("SELECT pg_notify('deskhand_events', $1)"),
        }
    }

    /// Returns the condition that `column` contains the text of `parameter`.
    pub(super) fn contains(self, column: &str, parameter: &str) -> String {
        match self {
            Self::Sqlite => format!("instr({column}, {parameter}) > 0"),
            Self::Postgres => format!("strpos({column}, {parameter}) > 0"),
        }
    }
}

/// Writes the URL by which sqlx opens a file; every unusual byte of the path is escaped.
pub(super) fn sqlite_url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                url.push(char::from(*byte));
            }
            // Writing to a String cannot fail.
            byte => write!(url, "%{byte:02X}").unwrap_or_default(),
        }
    }
    url
}

/// Makes the file for its owner alone (0600), in a folder for its owner alone (0700); what is
/// there already is left as it is.
pub(super) fn make_file(path: &Path) -> Result<(), StoreError> {
    if let Some(folder) = path.parent() {
        make_folder(folder).map_err(|why| StoreError::File {
            path: folder.to_owned(),
            why,
        })?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map(drop)
        .map_err(|why| StoreError::File {
            path: path.to_owned(),
            why,
        })
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a server's URL without its password and without its parameters, which may hold one.
pub(super) fn postgres_shown(url: &SecretString) -> String {
    let whole = url.expose_secret();
    let bare = whole.split(['?', '#']).next().unwrap_or_default();
    // An `@` behind the `?` or `#` may end a login that holds one unescaped.
    let is_doubtful = whole
        .get(bare.len()..)
        .is_some_and(|rest| rest.contains('@'));
    let Some((scheme, rest)) = bare.split_once("://").filter(|_| !is_doubtful) else {
        return "postgres://[…]".to_owned();
    };
    let (people, place) = match rest.rsplit_once('@') {
        Some((people, place)) => (Some(people), place),
        // `user:password/db` without its `@`: a port is all digits, a password is not shown.
        None if has_doubtful_port(rest) => return "postgres://[…]".to_owned(),
        None => (None, rest),
    };
    let user = people.and_then(|people| people.split(':').next());
    let shown = match user {
        Some(user) if !user.is_empty() => format!("{scheme}://{user}@{place}"),
        Some(_) | None => format!("{scheme}://{place}"),
    };
    shown.chars().filter(|c| !c.is_control()).collect()
}

/// Tells whether what stands where a port would be is none.
fn has_doubtful_port(place: &str) -> bool {
    let host = place.split('/').next().unwrap_or(place);
    let port = host.rsplit_once(']').map_or(host, |(_, behind)| behind);
    port.split_once(':')
        .is_some_and(|(_, port)| !port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://maya:s3cret/desk", "postgres://[…]"),
            ("postgres://[::1]:5432/desk", "postgres://[::1]:5432/desk"),
            (
                "postgres://maya:s3cret@db.example:5432/desk",
                "postgres://maya@db.example:5432/desk",
            ),
            (
                "postgres://maya:p@ss@db/desk?sslmode=require",
                "postgres://maya@db/desk",
            ),
            (
                "postgres://db/desk?password=s3cret&user=x",
                "postgres://db/desk",
            ),
            ("postgresql://:s3cret@db/desk", "postgresql://db/desk"),
            ("s3cret", "postgres://[…]"),
            ("postgres://maya:s3#cret@db/desk", "postgres://[…]"),
            ("postgres://maya:s3?cret@db/desk", "postgres://[…]"),
            ("postgres://maya:s3@x#cret@db/desk", "postgres://[…]"),
        ] {
            assert_eq!(postgres_shown(&SecretString::from(url.to_owned())), shown);
        }
    }

    #[test]
    fn a_path_is_escaped() {
        assert_eq!(
            sqlite_url(Path::new("/a b/ü?#%.db")),
            "sqlite:///a%20b/%C3%BC%3F%23%25.db"
        );
    }
}
