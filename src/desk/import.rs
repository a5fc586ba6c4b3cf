//! Importing mail from files: found, read, threaded and filed in small batches.
//!
//! Silent: nothing is sent, nothing is drafted. Re-runnable: what is there already is counted and
//! left alone. One bad mail never stops the rest; it is named with its reason.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::Serialize;
use uuid::Uuid;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    letters::{Letters, Read, Standing, all_ids, ids, message, quarantine, read},
    records::NotKept,
    stamp::Stamp,
    thread::{Decision, Index},
};
use crate::{
    domain::{AutoClass, Status, TableLook, Ticket, TicketEvent, TicketId, Timestamp},
    source::{
        import::{Found, Item, Marks, Reject, walk},
        mail::parse::Parsed,
    },
    store::{Filing, Letter, Place, Store, StoreError},
    text::json::escaped,
};

/// All mail that comes from files is one mailbox.
pub(super) const SOURCE: &str = "import";
/// Letters filed together: other writers wait until a batch is done.
pub(super) const BATCH: usize = 100;
/// Their bytes together, as they stood in the files: long ones are filed in fewer at once.
const BATCH_BYTES: usize = 4 << 20;

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
    /// What a look at tables found; only when nothing is filed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableLook>,
    /// Whether this is only what would come of it.
    #[serde(rename = "dry_run")]
    pub is_dry: bool,
}

/// Says why an import stopped. What was filed before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The database did not take a batch.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of rejects could not be written.
    #[error("Cannot write {path}: {why}")]
    Rejects {
        /// Which file.
        path: String,
        /// Why not.
        why: std::io::Error,
    },
}

/// Files letters into one source.
pub(super) struct Importer<'a> {
    pub(super) store: &'a Store,
    pub(super) source: &'a str,
    /// Addresses of the desk itself: mail from them is ours.
    pub(super) own: Vec<String>,
    pub(super) at: Timestamp,
    pub(super) stamp: Option<Stamp>,
    first_number: Option<i64>,
    closed_before: Option<Timestamp>,
    /// Whether what comes is new: floods are stopped, new tickets may be answered automatically.
    pub(super) is_live: bool,
    /// New tickets that may be answered automatically.
    to_acknowledge: Vec<TicketId>,
    made: HashSet<TicketId>,
    joined: HashSet<TicketId>,
    done: Imported,
}

impl<'a> Importer<'a> {
    pub(super) fn new(store: &'a Store, source: &'a str, own: Vec<String>, at: Timestamp) -> Self {
        Self {
            store,
            source,
            own,
            at,
            stamp: None,
            first_number: None,
            closed_before: None,
            is_live: false,
            to_acknowledge: Vec::new(),
            made: HashSet::new(),
            joined: HashSet::new(),
            done: Imported::default(),
        }
    }

    /// Gives the first new ticket this number.
    pub(super) const fn first_number(mut self, number: i64) -> Self {
        self.first_number = Some(number);
        self
    }

    /// Lets mail of this desk be known again.
    pub(super) fn stamped(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    /// Lets threads whose last message is older come in closed.
    pub(super) const fn closed_before(mut self, then: Timestamp) -> Self {
        self.closed_before = Some(then);
        self
    }

    /// Says whether what comes from now on is new, and not what was there before the account.
    pub(super) const fn live(&mut self, is_live: bool) {
        self.is_live = is_live;
    }

    /// Returns the new tickets that may be answered automatically, once.
    pub(super) fn take_new(&mut self) -> Vec<TicketId> {
        std::mem::take(&mut self.to_acknowledge)
    }

    /// Files letters of one mailbox that were read, and says what came of all so far.
    pub(super) async fn letters(&mut self, letters: Letters) -> Result<&Imported, ImportError> {
        self.done.rejected.extend(letters.rejects);
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0_usize;
        for read in letters.reads {
            bytes += read.bytes.len();
            batch.push(read);
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                bytes = 0;
                self.file(std::mem::take(&mut batch)).await?;
            }
        }
        self.file(batch).await?;
        self.count();
        Ok(&self.done)
    }

    /// Returns what came of everything.
    pub(super) fn into_done(self) -> Imported {
        self.done
    }

    /// Imports what is found below the paths; `progress` is told after each batch.
    async fn paths(
        &mut self,
        paths: &[PathBuf],
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<(), ImportError> {
        let mut batch = Vec::with_capacity(BATCH);
        let mut bytes = 0_usize;
        for item in walk(paths) {
            match item {
                Item::Letter(found) => {
                    bytes += found.bytes.len();
                    self.read(found, &mut batch);
                }
                Item::Reject(reject) => self.done.rejected.push(reject),
            }
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                bytes = 0;
                self.file(std::mem::take(&mut batch)).await?;
                self.count();
                progress(&self.done);
            }
        }
        self.file(batch).await?;
        self.count();
        progress(&self.done);
        Ok(())
    }

    /// Imports letters that are in memory, each with a name.
    pub(super) async fn bytes(
        mut self,
        letters: Vec<(String, Vec<u8>)>,
    ) -> Result<Imported, ImportError> {
        let mut batch = Vec::with_capacity(BATCH);
        for (name, bytes) in letters {
            let found = Found {
                path: PathBuf::from(name),
                part: None,
                bytes,
                marks: Marks::default(),
                modified: None,
            };
            self.read(found, &mut batch);
            if batch.len() >= BATCH {
                self.file(std::mem::take(&mut batch)).await?;
            }
        }
        self.file(batch).await?;
        self.count();
        Ok(self.done)
    }

    fn read(&mut self, found: Found, batch: &mut Vec<Read>) {
        match read(found, self.at, self.closed_before.is_some()) {
            Ok(read) => batch.push(read),
            Err(reject) => self.done.rejected.push(reject),
        }
    }

    fn count(&mut self) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.done.tickets_new = count(self.made.len());
        self.done.tickets_joined = count(self.joined.len());
        self.done.seen =
            self.done.imported + self.done.duplicates + count(self.done.rejected.len());
    }

    /// Threads and files one batch, oldest letter first.
    async fn file(&mut self, mut batch: Vec<Read>) -> Result<(), ImportError> {
        if batch.is_empty() {
            return Ok(());
        }
        batch.sort_by_key(|read| read.parsed.sent_at);
        let mut index = Index::default();
        let known = self.store.known(self.source, &all_ids(&batch)).await?;
        index.add_known(&known);
        let mut standings = self
            .standings(known.iter().map(|known| known.ticket).collect())
            .await?;
        let mut letters = Vec::with_capacity(batch.len());
        let mut wanted = Vec::new();
        for mut read in batch {
            self.mark_flood(&mut read).await?;
            let may_answer = self.is_live
                && read.parsed.auto_class == AutoClass::Human
                && !read.parsed.own_marks.wants_no_answer
                && read.quarantine.is_none();
            let letter = self.letter(read, &mut index, &mut standings).await?;
            if may_answer && let Place::New(ticket) = &letter.place {
                wanted.push(ticket.id);
            }
            letters.push(letter);
        }
        let filing = Filing {
            source: self.source.to_owned(),
            letters,
            first_number: self.first_number.take(),
        };
        let filed = self.store.file(&filing, self.at).await?;
        self.done.imported += filed.imported;
        self.done.duplicates += filed.duplicates;
        self.to_acknowledge.extend(
            wanted
                .into_iter()
                .filter(|ticket| filed.new.contains(ticket)),
        );
        self.made.extend(filed.new);
        let made = &self.made;
        self.joined.extend(
            filed
                .joined
                .into_iter()
                .filter(|ticket| !made.contains(ticket)),
        );
        Ok(())
    }

    /// Reads how tickets stand.
    async fn standings(
        &self,
        tickets: BTreeSet<TicketId>,
    ) -> Result<HashMap<TicketId, Standing>, ImportError> {
        let standings = self.store.tickets_with_newest(&tickets).await?;
        Ok(standings
            .into_iter()
            .map(|(ticket, newest)| {
                let is_fresh = self.made.contains(&ticket.id);
                (ticket.id, Standing::of(&ticket, newest, is_fresh))
            })
            .collect())
    }

    /// Decides where a letter goes and what its ticket becomes.
    async fn letter(
        &self,
        mut read: Read,
        index: &mut Index,
        standings: &mut HashMap<TicketId, Standing>,
    ) -> Result<Letter, ImportError> {
        let is_ours = self.is_ours(&read.parsed);
        self.mark_own(&mut read.parsed, is_ours);
        let mut decision = self.decide(&read.parsed, index, is_ours).await?;
        if let Some(ticket) = decision.ticket {
            if !standings.contains_key(&ticket) {
                standings.extend(self.standings(BTreeSet::from([ticket])).await?);
            }
            let standing = standings.get(&ticket);
            let is_over = standing
                .is_some_and(|standing| standing.status == Status::Closed && !standing.is_fresh);
            let starts_anew = is_over && !is_ours && !read.parsed.auto_class.is_automatic();
            if starts_anew && !decision.is_duplicate {
                let number = standing.map_or(0, |standing| standing.number);
                decision = Decision {
                    ticket: None,
                    reason: format!("follow-up of #{number}, which is closed"),
                    is_duplicate: false,
                };
            }
        }
        let ticket = decision
            .ticket
            .unwrap_or_else(|| TicketId::new(Uuid::now_v7()));
        index.add_letter(ids(&read.parsed), ticket);
        let (place, reopen) = if let Some(ticket) = decision.ticket {
            let standing = standings.get_mut(&ticket);
            (Place::In(ticket), self.reopened(&read, is_ours, standing))
        } else {
            let new = self.new_ticket(ticket, &read, is_ours);
            standings.insert(ticket, Standing::of(&new, Some(read.parsed.sent_at), true));
            (Place::New(Box::new(new)), None)
        };
        let returned = self.returned(&read.parsed);
        Ok(Letter {
            returned,
            message: message(ticket, read.parsed, is_ours, read.marks, decision.reason),
            place,
            reopen,
            note_path: Some(read.note_path),
            original: Some(read.bytes),
            is_own_copy: is_ours && decision.is_duplicate,
        })
    }

    pub(super) fn is_ours(&self, parsed: &Parsed) -> bool {
        self.own
            .iter()
            .any(|own| own.eq_ignore_ascii_case(&parsed.from.address))
    }

    /// Returns the status a known ticket takes because of a letter, if that changes. Letters
    /// older than what the ticket has change nothing: files come in any order.
    fn reopened(
        &self,
        read: &Read,
        is_ours: bool,
        standing: Option<&mut Standing>,
    ) -> Option<Status> {
        let standing = standing?;
        // Dates of mail have whole seconds.
        if read.came_at().as_second() < standing.newest.as_second() {
            return None;
        }
        let is_automatic = read.parsed.auto_class.is_automatic();
        if standing.is_fresh && self.closed_before.is_some() && !is_automatic {
            // The ticket came in with this sync: it stands as its last message says.
            standing.newest = read.came_at();
            let after = self.first_status(read, is_ours);
            let changed = after != standing.status;
            standing.status = after;
            return changed.then_some(after);
        }
        let event = match (read.parsed.auto_class, is_ours) {
            (AutoClass::BounceHard, _) => TicketEvent::HardBounce,
            (AutoClass::BounceSoft, _) => TicketEvent::SoftBounce,
            (class, _) if class.is_automatic() => TicketEvent::AutomaticMail,
            (_, true) => TicketEvent::SetByHand(Status::Solved),
            (_, false) if read.marks.was_answered => TicketEvent::SetByHand(Status::Solved),
            (_, false) => TicketEvent::CustomerReply,
        };
        let after = standing.status.after(&event).ok()?;
        standing.newest = read.came_at();
        let changed = after != standing.status;
        standing.status = after;
        changed.then_some(after)
    }

    /// Returns the status of a ticket whose last message this is.
    fn first_status(&self, read: &Read, is_ours: bool) -> Status {
        let is_old = self
            .closed_before
            .is_some_and(|then| read.parsed.sent_at < then);
        if is_old {
            Status::Closed
        } else if read.marks.was_answered || is_ours {
            Status::Solved
        } else {
            Status::New
        }
    }

    fn new_ticket(&self, id: TicketId, read: &Read, is_ours: bool) -> Ticket {
        let parsed = &read.parsed;
        let requester = if is_ours { parsed.to.first() } else { None };
        Ticket {
            id,
            number: 0,
            source: self.source.to_owned(),
            subject: parsed.normal_subject.clone(),
            requester: requester.unwrap_or(&parsed.from).clone(),
            status: self.first_status(read, is_ours),
            priority: None,
            assignee: None,
            tags: Vec::new(),
            quarantined_because: read
                .quarantine
                .clone()
                .or_else(|| quarantine(parsed.auto_class).map(str::to_owned)),
            messages: 0,
            created_at: parsed.sent_at,
            updated_at: parsed.sent_at,
            last_customer_message_at: (!is_ours).then_some(parsed.sent_at),
            version: 1,
        }
    }
}

impl Desk {
    /// Imports mail from files and folders. What could not be taken is appended, with its reason,
    /// to [`Desk::rejects_file`].
    pub async fn import(
        &self,
        paths: &[PathBuf],
        progress: &mut (dyn FnMut(&Imported) + Send),
    ) -> Result<Imported, DeskError> {
        let own = self.own_addresses();
        let mut importer =
            Importer::new(&self.store, SOURCE, own, self.clock.now()).stamped(self.stamp().await?);
        let filed = importer.paths(paths, progress).await;
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
