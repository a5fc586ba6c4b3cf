//! What comes from files, told apart by what is in it: mail (single messages, Maildirs and mboxes)
//! and exports of other desks and helpdesks, each format in a room of its own.

mod alike;
mod case;
mod chatwoot;
pub mod csv;
mod dates;
mod entry;
#[cfg(test)]
mod hostile_tests;
mod json_file;
pub mod jsonl;
mod kind;
mod look;
mod mbox;
mod open;
mod rt;
mod sniff;
mod walk;
mod words;
mod zendesk;

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

pub use entry::Entry;
pub use kind::{Kind, judge};
pub use open::{How, entries};
pub use walk::walk;

/// One message found in files.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// The file.
    pub path: PathBuf,
    /// Its place in an mbox, 1 for the first.
    pub part: Option<u64>,
    /// The message as it stands there; quoting that an mbox added is taken off.
    pub bytes: Vec<u8>,
    /// What a Maildir's or mbox's flags say.
    pub marks: Marks,
    /// When the file was last written.
    pub modified: Option<Timestamp>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Found {} of {} bytes",
            self.path.display(),
            self.bytes.len()
        )
    }
}

/// Flags that a mail program left on a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Somebody read it.
    pub was_seen: bool,
    /// Somebody answered it.
    pub was_answered: bool,
    /// So many MB it has, where its body was left on its server.
    pub left_there_mb: Option<u32>,
}

/// What a walk comes upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A message.
    Letter(Found),
    /// Something that is none, or cannot be read.
    Reject(Reject),
}

/// What was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// The path, with `#` and the place in an mbox.
    pub path: String,
    /// The reason, in words.
    pub reason: String,
}
