//! Importing mail from files: found, read, threaded and filed in small batches.
//!
//! Silent: nothing is sent, nothing is drafted. Re-runnable: what is there already is counted and
//! left alone. One bad mail never stops the rest; it is named with its reason.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io::Write as _,
    panic::catch_unwind,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use uuid::Uuid;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    known,
    stamp::{self, Stamp},
    thread::{Decision, Ids, Index},
};
use crate::{
    domain::{
        AutoClass, Direction, Message, MessageId, MessageKind, Status, Ticket, TicketEvent,
        TicketId, Timestamp,
    },
    source::{
        import::{Found, Item, Marks, Reject, walk},
        mail::parse::{Parsed, parse},
    },
    store::{Filing, Letter, Place, Returned, Store, StoreError},
    text::json::escaped,
};

/// All mail that comes from files is one mailbox.
const SOURCE: &str = "import";
/// Letters filed together: other writers wait until a batch is done.
const BATCH: usize = 100;
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

/// Statuses that say that nobody is at an address (RFC 3463).
const NOBODY: [&str; 3] = ["5.1.1", "5.1.10", "5.4.1"];
/// A sender of more mails within the time is stopped for a while (Zendesk: for an hour too).
const FLOOD_MAILS: u64 = 20;
const FLOOD_WITHIN: Duration = Duration::from_mins(10);
const FLOOD_REST: Duration = Duration::from_hours(1);

fn ago(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

/// Files letters into one source.
pub(super) struct Importer<'a> {
    store: &'a Store,
    source: &'a str,
    /// Addresses of the desk itself: mail from them is ours.
    own: Vec<String>,
    at: Timestamp,
    stamp: Option<Stamp>,
    first_number: Option<i64>,
    closed_before: Option<Timestamp>,
    /// Whether what comes is new: floods are stopped, new tickets may be answered automatically.
    is_live: bool,
    /// New tickets that may be answered automatically.
    to_acknowledge: Vec<TicketId>,
    made: HashSet<TicketId>,
    joined: HashSet<TicketId>,
    done: Imported,
}

/// A letter that was read and waits for its batch.
struct Read {
    parsed: Parsed,
    marks: Marks,
    note_path: String,
    bytes: Vec<u8>,
    /// When the server got it, where one did: clocks of writers go wrong.
    arrived: Option<Timestamp>,
    /// Why it is kept out of the queue, for more than what kind of mail it is.
    quarantine: Option<String>,
}

impl Read {
    /// Returns when it was said, for telling older from newer.
    fn came_at(&self) -> Timestamp {
        self.arrived
            .map_or(self.parsed.sent_at, |at| at.max(self.parsed.sent_at))
    }
}

/// Letters of a mailbox that were read, and what could not be.
#[derive(Default)]
pub(super) struct Letters {
    reads: Vec<Read>,
    rejects: Vec<Reject>,
}

impl Letters {
    /// Reads letters of a mailbox: work for a processor, off the thread that waits for the server.
    pub(super) fn of(found: Vec<Found>, at: Timestamp) -> Self {
        let mut letters = Self::default();
        for found in found {
            match read(found, at, true) {
                Ok(read) => letters.reads.push(read),
                Err(reject) => letters.rejects.push(reject),
            }
        }
        letters
    }
}

fn read(found: Found, at: Timestamp, knows_arrival: bool) -> Result<Read, Reject> {
    let path = match found.part {
        Some(part) => format!("{}#{part}", found.path.display()),
        None => found.path.display().to_string(),
    };
    // One mail that a reader stumbles over does not stop the rest.
    let parsed = catch_unwind(|| parse(&found.bytes, found.modified.unwrap_or(at)));
    let parsed = parsed.unwrap_or_else(|_| Err("the program failed at reading it".to_owned()));
    match parsed {
        Ok(parsed) => Ok(Read {
            parsed,
            marks: found.marks,
            note_path: path,
            bytes: found.bytes,
            arrived: found.modified.filter(|_| knows_arrival),
            quarantine: None,
        }),
        Err(reason) => Err(Reject { path, reason }),
    }
}

/// What a batch knows of the tickets it touches.
struct Standing {
    status: Status,
    newest: Timestamp,
    number: i64,
    /// Whether this import made it.
    is_fresh: bool,
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

    /// Returns the reply of ours that a letter reports as not delivered, for good.
    fn returned(&self, parsed: &Parsed) -> Option<Returned> {
        let bounce = parsed.bounce.as_ref()?;
        let id = bounce.original_message_id.as_ref()?;
        let is_ours = self
            .stamp
            .as_ref()
            .is_some_and(|stamp| matches!(stamp.read_id(id), stamp::Read::Ours(_)));
        if parsed.auto_class != AutoClass::BounceHard || !is_ours {
            return None;
        }
        let status = bounce.status.clone().unwrap_or_default();
        let words = bounce.words.clone().unwrap_or_default();
        let whom = bounce.recipient.clone();
        let advice = if status.starts_with("5.7.") {
            " (refused by policy: check SPF and DKIM of your domain)"
        } else {
            ""
        };
        Some(Returned {
            message_id: id.clone(),
            words: format!(
                "not delivered to {}: {status} {words}{advice}",
                whom.as_deref().unwrap_or("somebody")
            ),
            nobody_at: whom.filter(|_| NOBODY.contains(&status.as_str())),
        })
    }

    /// Takes mail of this desk that came back as somebody else's for what it is.
    fn mark_own(&self, parsed: &mut Parsed, is_ours: bool) {
        let mark = parsed.own_marks.loop_mark.as_deref();
        let is_own = self
            .stamp
            .as_ref()
            .zip(mark)
            .is_some_and(|(stamp, mark)| stamp.is_loop_mark(mark));
        if is_own && !is_ours {
            parsed.auto_class = AutoClass::OwnLoop;
        }
    }

    /// Decides which ticket a letter belongs to; the first step that knows wins.
    async fn decide(
        &self,
        parsed: &Parsed,
        index: &Index,
        is_ours: bool,
    ) -> Result<Decision, ImportError> {
        let by_ids = index.decide(ids(parsed));
        let Some(stamp) = &self.stamp else {
            return Ok(by_ids);
        };
        let is_seen = by_ids.ticket.is_some() && index.has(&parsed.rfc_message_id);
        if is_seen {
            // A server that keeps a copy of what we sent may have changed its bytes.
            let is_our_copy =
                is_ours && stamp.read_id(&parsed.rfc_message_id) != stamp::Read::Foreign;
            return Ok(Decision {
                is_duplicate: by_ids.is_duplicate || is_our_copy,
                ..by_ids
            });
        }
        if let Some(decision) = known::by_stamp(self.store, stamp, parsed).await? {
            return Ok(decision);
        }
        if by_ids.ticket.is_some() {
            return Ok(by_ids);
        }
        let by_subject = known::by_subject(self.store, parsed, is_ours).await?;
        Ok(by_subject.unwrap_or(by_ids))
    }

    /// Keeps a letter out of the queue when its sender floods the desk, or when the mail server
    /// took it for spam.
    async fn mark_flood(&self, read: &mut Read) -> Result<(), ImportError> {
        if read.parsed.own_marks.is_spam {
            read.quarantine = Some("the mail server took it for spam (X-Spam-Flag)".to_owned());
        }
        let is_new = read
            .arrived
            .is_some_and(|at| at >= ago(self.at, FLOOD_WITHIN));
        let sender = &read.parsed.from.address;
        if !self.is_live || !is_new || self.is_ours(&read.parsed) || sender.is_empty() {
            return Ok(());
        }
        let (since, flood) = (ago(self.at, FLOOD_WITHIN), ago(self.at, FLOOD_REST));
        let (mails, is_flooding) = self.store.mails_from(sender, since, flood).await?;
        if mails >= FLOOD_MAILS || is_flooding {
            read.quarantine = Some(format!(
                "flood: more than {FLOOD_MAILS} mails in {} minutes from {sender}",
                FLOOD_WITHIN.as_secs() / 60
            ));
        }
        Ok(())
    }

    fn is_ours(&self, parsed: &Parsed) -> bool {
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

impl Standing {
    /// `newest` is the date of its newest message: what agents did to it since then does not
    /// make a letter old.
    fn of(ticket: &Ticket, newest: Option<Timestamp>, is_fresh: bool) -> Self {
        Self {
            status: ticket.status,
            newest: newest.unwrap_or(ticket.created_at),
            number: ticket.number,
            is_fresh,
        }
    }
}

/// Returns why a new ticket is kept out of the queue, if it is.
const fn quarantine(class: AutoClass) -> Option<&'static str> {
    match class {
        AutoClass::Human | AutoClass::List => None,
        AutoClass::AutoReply => Some("automatic reply"),
        AutoClass::Ooo => Some("out of office"),
        AutoClass::AutoGenerated => Some("sent by a machine"),
        AutoClass::BounceHard => Some("bounce: not delivered"),
        AutoClass::BounceSoft => Some("bounce: not delivered for now"),
        AutoClass::Delayed => Some("delivery is delayed"),
        AutoClass::Receipt => Some("reading receipt"),
        AutoClass::OwnLoop => Some("our own mail, come back"),
    }
}

fn ids(parsed: &Parsed) -> Ids<'_> {
    Ids {
        own: &parsed.rfc_message_id,
        raw_sha256: &parsed.raw_sha256,
        answers: &parsed.answers,
    }
}

/// Returns every id that a batch has or refers to.
fn all_ids(batch: &[Read]) -> Vec<String> {
    let all: BTreeSet<&String> = batch
        .iter()
        .flat_map(|read| {
            read.parsed
                .answers
                .iter()
                .chain([&read.parsed.rfc_message_id])
        })
        .collect();
    all.into_iter().cloned().collect()
}

fn message(
    ticket: TicketId,
    parsed: Parsed,
    is_ours: bool,
    marks: Marks,
    thread_reason: String,
) -> Message {
    Message {
        id: MessageId::new(Uuid::now_v7()),
        ticket,
        kind: MessageKind::Public,
        direction: if is_ours {
            Direction::Out
        } else {
            Direction::In
        },
        from: parsed.from,
        reply_to: parsed.reply_to,
        to: parsed.to,
        cc: parsed.cc,
        subject: parsed.subject,
        body: parsed.body,
        attachments: parsed.attachments,
        rfc_message_id: parsed.rfc_message_id,
        answers: parsed.answers,
        auto_class: parsed.auto_class,
        sent_at: parsed.sent_at,
        raw_sha256: parsed.raw_sha256,
        thread_reason,
        was_seen: marks.was_seen,
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
