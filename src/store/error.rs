//! What can go wrong in the store, said for people.

use std::{fmt, path::PathBuf};

use crate::domain::{Draft, joining::NotJoined, ticket::IllegalMove};

/// Says what was tried, on what, and why it did not work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened.
    #[error("Could not open the database {place}: {why}. {advice}")]
    Open {
        /// Where it is, without a password.
        place: String,
        /// What the database or the system said.
        why: String,
        /// What to do about it.
        advice: &'static str,
    },
    /// The file or its folder could not be made.
    #[error("Could not make {path}: {why}. Check that you may write there.", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        why: std::io::Error,
    },
    /// A newer program has written to the database.
    #[error(
        "This database was written by a newer deskhand: {place} has schema {theirs}, this program \
         knows {ours}. Update deskhand, or open another database."
    )]
    NewerSchema {
        /// Where it is.
        place: String,
        /// The schema it has.
        theirs: i64,
        /// The newest schema this program knows.
        ours: i64,
    },
    /// Somebody else kept the database locked for too long.
    #[error(
        "Could not {doing}: the database {place} is busy with another program. Try again in a \
         moment."
    )]
    Busy {
        /// What was tried.
        doing: &'static str,
        /// Where.
        place: String,
    },
    /// The database answers nothing at all.
    #[error(
        "Could not {doing}: the database {place} has not answered. Look whether its server runs and \
         can be reached."
    )]
    Silent {
        /// What was tried.
        doing: &'static str,
        /// Where.
        place: String,
    },
    /// The disk has no room.
    #[error(
        "Could not {doing}: the disk of {place} is full{free}. Make room; nothing is lost yet."
    )]
    Full {
        /// What was tried.
        doing: &'static str,
        /// Where.
        place: String,
        /// How much is free, in words; empty where that is not known.
        free: String,
    },
    /// The database failed.
    #[error("Could not {doing} in {place}: {why}")]
    Database {
        /// What was tried.
        doing: &'static str,
        /// Where.
        place: String,
        /// What the database said.
        #[source]
        why: sqlx::Error,
    },
    /// There is no such thing.
    #[error("There is no {what} {which}.")]
    NotFound {
        /// `ticket`, `draft` and so on.
        what: &'static str,
        /// The one that was named.
        which: String,
    },
    /// A beginning that more than one entry has.
    #[error("More than one {what} begins with {which}. Write more of it.")]
    Ambiguous {
        /// `receipt`.
        what: &'static str,
        /// What was written.
        which: String,
    },
    /// Somebody changed the draft in the meantime; both texts are here.
    #[error("{0}")]
    Conflict(Box<Conflict>),
    /// The ticket cannot take that step.
    #[error(transparent)]
    IllegalMove(#[from] IllegalMove),
    /// Two tickets are not merged, or a merge is not undone.
    #[error(transparent)]
    NotJoined(#[from] NotJoined),
    /// What is stored cannot be read.
    #[error("The database {place} holds something that cannot be read ({what}): {why}.")]
    Damaged {
        /// Where.
        place: String,
        /// Which column or row.
        what: String,
        /// What is wrong with it.
        why: String,
    },
}

impl StoreError {
    /// Tells whether the same may work later: the fault is of the time or of the connection, and
    /// not of what was to be written.
    pub fn passes(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Silent { .. } | Self::Full { .. } => true,
            Self::Database { why, .. } => is_out_of_reach(why),
            Self::Open { .. }
            | Self::File { .. }
            | Self::NewerSchema { .. }
            | Self::NotFound { .. }
            | Self::Ambiguous { .. }
            | Self::Conflict(_)
            | Self::IllegalMove(_)
            | Self::NotJoined(_)
            | Self::Damaged { .. } => false,
        }
    }
}

/// A save that was refused: the draft is not what its writer had seen.
#[derive(thiserror::Error)]
#[error(
    "The draft was changed elsewhere ({because}). Both texts are kept: compare them and save again."
)]
pub struct Conflict {
    /// What happened to it.
    pub because: &'static str,
    /// The draft as it stands now; none when it is no longer live.
    pub current: Option<Draft>,
    /// The text that was refused.
    pub refused: String,
}

impl fmt::Debug for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Conflict: {}, now {:?}", self.because, self.current)
    }
}

/// What goes wrong inside the store, before it is known what for.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The database failed.
    Sql(sqlx::Error),
    /// A stored value makes no sense.
    Damaged {
        /// Which.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Already said for people.
    Told(StoreError),
}

impl Trouble {
    /// Says that there is no such thing.
    pub(super) fn not_found(what: &'static str, which: &impl fmt::Display) -> Self {
        Self::Told(StoreError::NotFound {
            what,
            which: which.to_string(),
        })
    }

    /// Says that a stored value makes no sense.
    pub(super) fn damaged(what: &str, why: &impl fmt::Display) -> Self {
        Self::Damaged {
            what: what.to_owned(),
            why: why.to_string(),
        }
    }

    /// Says that a draft is not what its writer had seen.
    pub(super) fn conflict(because: &'static str, current: Option<Draft>, refused: &str) -> Self {
        Self::Told(StoreError::Conflict(Box::new(Conflict {
            because,
            current,
            refused: refused.to_owned(),
        })))
    }

    /// Adds what was tried, and where.
    pub(super) fn while_doing(self, doing: &'static str, place: &str) -> StoreError {
        let place = place.to_owned();
        match self {
            Self::Sql(why) if is_busy(&why) => StoreError::Busy { doing, place },
            Self::Sql(why) if is_full(&why) => StoreError::Full {
                doing,
                free: free_words(&place),
                place,
            },
            Self::Sql(why) => StoreError::Database { doing, place, why },
            Self::Damaged { what, why } => StoreError::Damaged { place, what, why },
            Self::Told(told) => told,
        }
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<IllegalMove> for Trouble {
    fn from(illegal: IllegalMove) -> Self {
        Self::Told(illegal.into())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}

/// Tells whether the disk is full: SQLite's FULL (13), PostgreSQL's `disk_full`.
fn is_full(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("13" | "53100"))
}

/// Says how much room a file's disk has.
fn free_words(place: &str) -> String {
    let folder = std::path::Path::new(place).parent();
    let room = folder.and_then(|folder| rustix::fs::statvfs(folder).ok());
    room.map_or_else(String::new, |room| {
        format!(
            " ({} bytes free)",
            room.f_bavail.saturating_mul(room.f_frsize)
        )
    })
}

/// Tells whether the database could not be reached or did not go on: a broken connection,
/// PostgreSQL's classes 08 (connection), 53 (resources), 57 (stopped by an operator) and 58 (system),
/// SQLite's IOERR (10), CANTOPEN (14) and PROTOCOL (15).
fn is_out_of_reach(error: &sqlx::Error) -> bool {
    if let Some(database) = error.as_database_error() {
        return database.code().is_some_and(|code| {
            let of_sqlite = code.parse::<u32>().map(|code| code & 0xff);
            let class = code.get(..2).filter(|_| code.len() == 5);
            matches!(class, Some("08" | "53" | "57" | "58"))
                || (class.is_none() && matches!(of_sqlite, Ok(10 | 14 | 15)))
        });
    }
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed
    )
}

/// Tells whether the database was only locked by somebody else: SQLite's BUSY (5) and LOCKED (6)
/// with their extended codes, PostgreSQL's `lock_not_available` and `query_canceled`, or no free
/// connection in time.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    if let Some(database) = error.as_database_error() {
        return database.code().is_some_and(|code| {
            matches!(code.as_ref(), "55P03" | "57014" | "40001" | "40P01")
                || code
                    .parse::<u32>()
                    .is_ok_and(|code| code < 10_000 && matches!(code & 0xff, 5 | 6))
        });
    }
    matches!(error, sqlx::Error::PoolTimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_connection_passes_and_one_of_the_data_does_not() {
        let of = |why: sqlx::Error| Trouble::Sql(why).while_doing("write", "here").passes();
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for why in [
            sqlx::Error::Io(broken),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::WorkerCrashed,
        ] {
            assert!(of(why));
        }
        assert!(!of(sqlx::Error::RowNotFound));
        assert!(
            !Trouble::damaged("a row", &"odd")
                .while_doing("write", "here")
                .passes()
        );
    }
}
