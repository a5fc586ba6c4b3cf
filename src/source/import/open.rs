//! Opens an export of any kind, and reads it as it is asked for.

use std::{
    io::{self, BufReader},
    path::Path,
};

use jiff::Timestamp;

use super::{
    Entry, chatwoot, csv,
    entry::rejected,
    jsonl,
    kind::{Kind, regular},
    rt,
    walk::error_words,
    zendesk,
};

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
    let source = how.source.as_deref();
    Ok(match kind {
        Kind::Jsonl => {
            let reader = BufReader::with_capacity(1 << 16, regular(path)?);
            Box::new(jsonl::entries(reader, path, how.source.clone(), at))
        }
        Kind::Csv => csv::entries(path, &how.table, source, at),
        Kind::Zendesk => Box::new(zendesk::entries(path, source, at)),
        Kind::Chatwoot => Box::new(chatwoot::entries(path, source, at)),
        Kind::Rt => Box::new(rt::entries(path, source, at)),
        // Mail is walked, not opened here.
        Kind::Mail => Box::new(std::iter::empty()),
    })
}
