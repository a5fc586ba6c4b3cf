//! What an export holds: tickets, what is none, and what a desk has no place for.

use jiff::Timestamp;

use super::{
    Reject,
    case::Case,
    words::{self, Meaning},
};
use crate::domain::{Priority, Record, Status, TableWarning, Unmapped};

/// What reading an export comes upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A ticket, or a part of one: a ticket may come in several pieces.
    Ticket(Box<Record>),
    /// Something that is none, or that cannot be read.
    Reject(Reject),
    /// Something that has no place here; its ticket came without it.
    Unmapped(Unmapped),
    /// What a person should know of a table.
    Warning(TableWarning),
}

/// Makes a reject.
pub(super) fn rejected(path: String, reason: String) -> Entry {
    Entry::Reject(Reject { path, reason })
}

/// Gathers what one piece of an export holds, under the name of its place.
pub(super) struct Sieve {
    place: String,
    entries: Vec<Entry>,
}

impl Sieve {
    /// Reads one ticket of an export: `case` makes it, and tells this what it finds on its way.
    pub(super) fn one_ticket(
        file: &str,
        id: Option<String>,
        at: Timestamp,
        case: impl FnOnce(&mut Self) -> Result<Case, String>,
    ) -> Vec<Entry> {
        let id = id.unwrap_or_else(|| "?".to_owned());
        let mut sieve = Self::new(&format!("{file}#{id}"));
        match case(&mut sieve).and_then(|case| case.into_record(at)) {
            Ok(record) => sieve.ticket(record),
            Err(reason) => sieve.reject("", reason),
        }
        sieve.into_entries()
    }

    pub(super) fn new(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            entries: Vec::new(),
        }
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub(super) fn ticket(&mut self, record: Record) {
        self.entries.push(Entry::Ticket(Box::new(record)));
    }

    /// Names something that was not taken; `part` says which part of the place it is.
    pub(super) fn reject(&mut self, part: &str, reason: impl Into<String>) {
        let path = format!("{}{part}", self.place);
        self.entries.push(rejected(path, reason.into()));
    }

    pub(super) fn unmapped(&mut self, what: &'static str, word: &str, became: &'static str) {
        self.entries.push(Entry::Unmapped(Unmapped {
            what,
            word: word.to_owned(),
            became,
        }));
    }

    /// Reads a status that may be any system's; one that nobody knows is open, and said.
    pub(super) fn status(&mut self, word: &str) -> Option<Status> {
        if word.trim().is_empty() {
            return None;
        }
        match words::status(word) {
            Meaning::Is(status) => Some(status),
            Meaning::Nearly(status, became) => {
                self.unmapped("status", word, became);
                Some(status)
            }
            Meaning::Unknown => {
                self.unmapped("status", word, "open");
                Some(Status::Open)
            }
        }
    }

    /// Reads a priority that may be any system's; one that nobody knows is none, and said.
    pub(super) fn priority(&mut self, word: &str) -> Option<Priority> {
        match words::priority(word) {
            Meaning::Is(priority) => priority,
            Meaning::Nearly(priority, became) => {
                self.unmapped("priority", word, became);
                priority
            }
            Meaning::Unknown => {
                self.unmapped("priority", word, "no priority");
                None
            }
        }
    }
}
