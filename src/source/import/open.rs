//! Opens an export of any kind, and reads it as it is asked for.

use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use jiff::Timestamp;

use super::{Entry, csv, entry::rejected, jsonl, kind::Kind, walk::error_words};

/// How exports are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// The name of the system that tickets come from, where it is another than the usual one.
    pub source: Option<String>,
    /// What a person says of tables.
    pub table: csv::Table,
}

type Entries = Box<dyn Iterator<Item = Entry> + Send>;

/// Returns what an export holds, one entry after the other. `at` is the date of what has none.
pub fn entries(path: &Path, kind: Kind, how: &How, at: Timestamp) -> Entries {
    open(path, kind, how, at).unwrap_or_else(|why| {
        let entry = rejected(path.display().to_string(), error_words(&why));
        Box::new(std::iter::once(entry))
    })
}

fn open(path: &Path, kind: Kind, how: &How, at: Timestamp) -> io::Result<Entries> {
    Ok(match kind {
        Kind::Jsonl => {
            let reader = BufReader::with_capacity(1 << 16, File::open(path)?);
            Box::new(jsonl::entries(reader, path, how.source.clone(), at))
        }
        Kind::Csv => csv::entries(path, &how.table, how.source.as_deref(), at),
        Kind::Mail | Kind::Zendesk | Kind::Chatwoot | Kind::Rt => Box::new(std::iter::empty()),
    })
}
