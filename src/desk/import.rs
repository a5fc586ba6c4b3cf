//! Importing mail from files: found, read, threaded and filed in batches.
//!
//! Silent: nothing is sent, nothing is drafted. Re-runnable: what is there already is counted and
//! left alone. One bad mail never stops the rest; it is named with its reason.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::Serialize;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    Desk, DeskError,
    face::DeskEvent,
    filing::{
        importer::{BATCH, Importer},
        letters::{Arrival, Letters},
    },
    records::NotKept,
};
use crate::{
    domain::{TableLook, TableWarning, Timestamp},
    source::import::{Found, Item, Marks, Reject, walk},
    store::StoreError,
    text::json::escaped,
};

/// All mail that comes from files is one mailbox.
pub(super) const SOURCE: &str = "import";
/// Letters read together by one thread, and their bytes: few, so that all threads have work.
const LOT: usize = 200;
const LOT_BYTES: usize = 2 << 20;
/// Lots that were read and wait to be filed: twice as many as are filed at once, for letters are not
/// read evenly.
const WAITING: usize = 2 * BATCH / LOT;

/// What came of an import. `seen` is the sum of imported, duplicates and rejected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Messages that were looked at.
    pub seen: u64,
    /// Messages that are new.
    pub imported: u64,
    /// Messages that were there already.
    pub duplicates: u64,
    /// What could not be taken, and why.
    pub rejected: Vec<Reject>,
    /// Tickets made.
    pub tickets_new: u64,
    /// Tickets that existed before and got messages.
    pub tickets_joined: u64,
    /// What has no place here, of exports.
    pub unmapped: Vec<NotKept>,
    /// What a person should know of tables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<TableWarning>,
    /// What a look at tables found; only when nothing is filed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableLook>,
    /// Whether this is only what would come of it.
    #[serde(rename = "dry_run")]
    pub is_dry: bool,
    /// Whether the numbers of tickets are estimates.
    #[serde(skip)]
    pub is_about: bool,
}

/// Says why an import stopped. What was filed before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database did not take a batch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A reader stopped for a mistake of the program.
    #[error("The program failed at reading the mail. What was filed before stays; import again.")]
    Broken,
    /// The file of rejects could not be written.
    #[error("Cannot write {path}: {why}")]
    Rejects {
        /// Which file.
        path: String,
        /// Why not.
        why: std::io::Error,
    },
}

impl Importer<'_> {
    /// Imports what is found below the paths; `progress` is told after each batch. Letters are
    /// read on threads of their own while those before them are filed.
    async fn paths(
        &mut self,
        paths: &[PathBuf],
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<(), ImportError> {
        let (ready, mut waiting) = mpsc::channel(WAITING);
        let (paths, at) = (paths.to_vec(), self.at);
        let finding = spawn_blocking(move || find(&paths, at, &ready));
        while let Some(reading) = waiting.recv().await {
            let mut letters = reading.await.map_err(|_| ImportError::Broken)?;
            let mut is_broken = false;
            while !letters.are_many()
                && !is_broken
                && let Some(reading) = waiting.recv().await
            {
                match reading.await {
                    Ok(more) => letters.extend(more),
                    Err(_) => is_broken = true,
                }
            }
            progress(self.letters(letters).await?);
            if is_broken {
                return Err(ImportError::Broken);
            }
        }
        finding.await.map_err(|_| ImportError::Broken)
    }

    /// Imports letters that are in memory, each with a name.
    pub(super) async fn bytes(
        mut self,
        letters: Vec<(String, Vec<u8>)>,
    ) -> Result<Imported, ImportError> {
        let found = letters.into_iter().map(|(name, bytes)| Found {
            path: PathBuf::from(name),
            part: None,
            bytes,
            marks: Marks::default(),
            modified: None,
        });
        let letters = Letters::of(found.collect(), self.at, Arrival::Unknown);
        self.letters(letters).await?;
        Ok(self.done)
    }
}

/// Letters that were found and are being read.
type Reading = JoinHandle<Letters>;

/// Finds letters and has them read, lot by lot in their order; stops when nobody waits.
fn find(paths: &[PathBuf], at: Timestamp, ready: &mpsc::Sender<Reading>) {
    let reading = |found: Vec<Found>, rejects: Vec<Reject>| {
        Handle::current().spawn_blocking(move || {
            let mut letters = Letters::of(found, at, Arrival::Unknown);
            letters.rejects.extend(rejects);
            letters
        })
    };
    let (mut found, mut rejects, mut bytes) = (Vec::with_capacity(LOT), Vec::new(), 0);
    for item in walk(paths) {
        match item {
            Item::Letter(letter) => {
                bytes += letter.bytes.len();
                found.push(letter);
            }
            Item::Reject(reject) => rejects.push(reject),
        }
        if found.len() + rejects.len() >= LOT || bytes >= LOT_BYTES {
            bytes = 0;
            let batch = (std::mem::take(&mut found), std::mem::take(&mut rejects));
            if ready.blocking_send(reading(batch.0, batch.1)).is_err() {
                return;
            }
        }
    }
    // Nobody waits: the filing failed and says why.
    ready
        .blocking_send(reading(found, rejects))
        .unwrap_or_default();
}

impl Desk {
    /// Tells whether mail from files is here.
    pub async fn has_imported(&self) -> Result<bool, DeskError> {
        Ok(self.store.has_mail_of(SOURCE).await?)
    }

    /// Imports mail from files and folders. What could not be taken is appended, with its reason,
    /// to [`Desk::rejects_file`].
    pub async fn import(
        &self,
        paths: &[PathBuf],
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<Imported, DeskError> {
        let own = self.own_addresses();
        let mut importer = Importer::new(&self.store, SOURCE, own, self.clock.now())
            .stamped(self.stamp().await?)
            .on_subject_change(self.settings().config.on_subject_change);
        let bulk = self.store.bulk();
        let filed = importer.paths(paths, progress).await;
        drop(bulk);
        // Also of an import that stopped half-way: what was named is known.
        let kept = self.keep_rejects(&importer.done.rejected);
        self.tell(DeskEvent::Changed);
        filed.and(kept).map_err(DeskError::Import)?;
        Ok(importer.done)
    }

    /// Returns the file in which rejects are kept, one JSON line each.
    pub fn rejects_file(&self) -> PathBuf {
        self.paths.data_dir.join("rejects.jsonl")
    }

    pub(super) fn keep_rejects(&self, rejects: &[Reject]) -> Result<(), ImportError> {
        if rejects.is_empty() {
            return Ok(());
        }
        let path = self.rejects_file();
        append(&path, rejects, self.clock.now()).map_err(|why| ImportError::Rejects {
            path: path.display().to_string(),
            why,
        })
    }
}

fn append(path: &Path, rejects: &[Reject], at: Timestamp) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    for reject in rejects {
        let line = serde_json::json!({"at": at, "path": reject.path, "reason": reject.reason});
        // A file's name is foreign, and people look at this file on terminals.
        writeln!(file, "{}", escaped(&line.to_string()))?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_reaches_no_terminal_through_the_file_of_rejects() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("rejects.jsonl");
        let reject = Reject {
            path: "a\u{9b}31m\u{202e}\u{2028}\nb".to_owned(),
            reason: "it is empty".to_owned(),
        };

        append(&file, std::slice::from_ref(&reject), Timestamp::UNIX_EPOCH).unwrap();

        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 1);
        assert!(text.trim_end().is_ascii(), "{}", text.escape_debug());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["path"], reject.path);
    }
}
