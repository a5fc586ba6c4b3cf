//! Importing exports: tickets of other systems, of other desks, and of tables.
//!
//! Silent, as the import of mail is: nothing is sent, drafted, timed or announced. Re-runnable:
//! a ticket is known again by its source and its id there. One bad record never stops the rest.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    import::{ImportError, Imported},
};
use crate::{
    domain::{Record, RecordMessage, Timestamp, Unmapped},
    source::import::{Entry, How, Kind, Reject, csv::look as look_at_table, entries, judge},
    store::{Name, Recording, Store},
};

/// Messages filed together: other writers wait until a batch is done.
const BATCH: usize = 50;
/// Their bytes together.
const BATCH_BYTES: usize = 1 << 20;

/// What an import is to do.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// What the paths hold; by their content, where it is not said.
    pub kind: Option<Kind>,
    /// Whether only to say what would come of it.
    pub is_dry: bool,
    /// How exports are read.
    pub how: How,
}

/// Something that a desk has no place for, and how often it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotKept {
    /// What it is: `status`, `priority`, `column`.
    pub what: String,
    /// The word or name that stood there.
    pub word: String,
    /// What became of it.
    pub became: String,
    /// How often.
    pub count: u64,
}

/// Files records as they are read.
struct Recorder<'a> {
    /// The path that is read.
    place: String,
    store: &'a Store,
    at: Timestamp,
    recording: Recording,
    made: HashSet<Name>,
    joined: HashSet<Name>,
    unmapped: BTreeMap<Unmapped, u64>,
    batch: Vec<Record>,
    messages: usize,
    bytes: usize,
    done: Imported,
}

impl<'a> Recorder<'a> {
    fn new(store: &'a Store, at: Timestamp, recording: Recording) -> Self {
        Self {
            place: String::new(),
            store,
            at,
            recording,
            made: HashSet::new(),
            joined: HashSet::new(),
            unmapped: BTreeMap::new(),
            batch: Vec::new(),
            messages: 0,
            bytes: 0,
            done: Imported::default(),
        }
    }

    async fn path(
        &mut self,
        path: &Path,
        (kind, how): (Kind, &How),
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<(), ImportError> {
        self.place = path.display().to_string();
        for entry in entries(path, kind, how, self.at) {
            match entry {
                Entry::Ticket(record) => self.take(*record).await?,
                Entry::Reject(reject) => self.done.rejected.push(reject),
                Entry::Warning(warning) => self.done.warnings.push(warning),
                Entry::Unmapped(unmapped) => {
                    *self.unmapped.entry(unmapped).or_default() += 1;
                }
            }
            if self.batch.is_empty() {
                self.count();
                progress(&self.done);
            }
        }
        self.file().await?;
        self.count();
        progress(&self.done);
        Ok(())
    }

    /// Takes a ticket; one with very many messages is filed in parts.
    async fn take(&mut self, mut record: Record) -> Result<(), ImportError> {
        loop {
            let rest = split(&mut record);
            self.messages += record.messages.len().max(1);
            self.bytes += record.messages.iter().map(size).sum::<usize>();
            self.batch.push(record);
            if self.messages >= BATCH || self.bytes >= BATCH_BYTES {
                self.file().await?;
            }
            match rest {
                Some(rest) => record = rest,
                None => return Ok(()),
            }
        }
    }

    async fn file(&mut self) -> Result<(), ImportError> {
        let batch = std::mem::take(&mut self.batch);
        (self.messages, self.bytes) = (0, 0);
        let recorded = self
            .store
            .file_records(&batch, self.recording, self.at)
            .await?;
        self.done.imported += recorded.imported;
        self.done.duplicates += recorded.duplicates;
        self.made.extend(recorded.new);
        let made = &self.made;
        let joined = recorded.joined.into_iter();
        self.joined
            .extend(joined.filter(|name| !made.contains(name)));
        for (ticket, reason) in recorded.refused {
            self.done.rejected.push(Reject {
                path: format!("{}#{ticket}", self.place),
                reason: reason.to_owned(),
            });
        }
        for ticket in recorded.renumbered {
            let unmapped = Unmapped {
                what: "number",
                word: ticket,
                became: "the next free number: another ticket here has it",
            };
            *self.unmapped.entry(unmapped).or_default() += 1;
        }
        for ticket in recorded.not_merged {
            let unmapped = Unmapped {
                what: "merge",
                word: ticket,
                became: "nothing: it stands here as it stood; merge it here where it went on",
            };
            *self.unmapped.entry(unmapped).or_default() += 1;
        }
        Ok(())
    }

    fn count(&mut self) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.done.tickets_new = count(self.made.len());
        self.done.tickets_joined = count(self.joined.len());
        self.done.seen =
            self.done.imported + self.done.duplicates + count(self.done.rejected.len());
    }

    fn into_done(mut self) -> Imported {
        self.count();
        let unmapped = std::mem::take(&mut self.unmapped);
        self.done.unmapped = unmapped
            .into_iter()
            .map(|(unmapped, count)| NotKept {
                what: unmapped.what.to_owned(),
                word: unmapped.word,
                became: unmapped.became.to_owned(),
                count,
            })
            .collect();
        self.done
    }
}

impl Desk {
    /// Imports mail and exports from files and folders, or says what would come of it. What could
    /// not be taken is appended, with its reason, to [`Desk::rejects_file`].
    pub async fn import_planned(
        &self,
        paths: &[PathBuf],
        plan: &ImportPlan,
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<Imported, DeskError> {
        let (mail, exports): (Vec<_>, Vec<_>) = paths
            .iter()
            .map(|path| (path, plan.kind.unwrap_or_else(|| judge(path))))
            .partition(|(_, kind)| *kind == Kind::Mail);
        let mail: Vec<PathBuf> = mail.into_iter().map(|(path, _)| path.clone()).collect();
        let mut done = if mail.is_empty() {
            Imported::default()
        } else if plan.is_dry {
            self.look_at_mail(&mail).await.map_err(DeskError::Import)?
        } else {
            self.import(&mail, progress).await?
        };
        if exports.is_empty() {
            done.is_dry = plan.is_dry;
            return Ok(done);
        }
        let recording = if plan.is_dry {
            Recording::ToSee
        } else {
            Recording::ForGood
        };
        let mut recorder = Recorder::new(&self.store, self.clock.now(), recording);
        let mut filed = Ok(());
        for (path, kind) in exports {
            if plan.is_dry
                && kind == Kind::Csv
                && let Ok(look) = look_at_table(path, &plan.how.table)
            {
                done.tables.push(look);
            }
            filed = recorder.path(path, (kind, &plan.how), progress).await;
            if filed.is_err() {
                break;
            }
        }
        let exported = recorder.into_done();
        if !plan.is_dry {
            // Also of an import that stopped half-way: what was named is known.
            let kept = self.keep_rejects(&exported.rejected);
            self.tell(DeskEvent::Changed);
            filed = filed.and(kept);
        }
        filed.map_err(DeskError::Import)?;
        done.add(exported);
        done.is_dry = plan.is_dry;
        Ok(done)
    }
}

impl Imported {
    fn add(&mut self, other: Self) {
        self.seen += other.seen;
        self.imported += other.imported;
        self.duplicates += other.duplicates;
        self.rejected.extend(other.rejected);
        self.tickets_new += other.tickets_new;
        self.tickets_joined += other.tickets_joined;
        self.unmapped.extend(other.unmapped);
        self.warnings.extend(other.warnings);
    }
}

/// Leaves as many messages in a record as are filed at once, and returns it with the others.
fn split(record: &mut Record) -> Option<Record> {
    let mut bytes = 0;
    let fit = record
        .messages
        .iter()
        .enumerate()
        .position(|(place, told)| {
            bytes += size(told);
            place >= BATCH || (place > 0 && bytes > BATCH_BYTES)
        })?;
    let rest = record.messages.split_off(fit);
    Some(Record {
        origin: record.origin.clone(),
        ticket: record.ticket.clone(),
        messages: rest,
        ..*record
    })
}

fn size(told: &RecordMessage) -> usize {
    let original = told.original.as_ref().map_or(0, Vec::len);
    told.message.body.text.len() + original
}
