//! Mail from a mailbox: newest first, filed while the rest is still on its way, each message once.
//!
//! A folder that stands as it did when it was last read to its end is left alone. Else what is not
//! here is fetched, filed, and only then noted as here: a program that dies between finds it again
//! and files nothing twice.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use futures::TryFutureExt as _;
use serde::Serialize;
use tokio::sync::mpsc;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    filing::{
        fetch::{Folder, Reading, fetch_all},
        importer::Importer,
        ours::Belief,
    },
    import::Imported,
};
use crate::{
    config::AccountConfig,
    domain::{FolderMark, FolderRead, Timestamp},
    source::{
        import::Reject,
        mail::imap::{INBOX, ImapError, Mailbox},
    },
};

/// So many fetched batches may wait to be filed.
const WAITING: usize = 1;
/// From so many new messages on the database is prepared for them.
const MUCH: usize = 1_000;
/// A thread whose last message is older comes in closed.
const OLD: Duration = Duration::from_hours(30 * 24);

/// What came of reading a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// The address of the mailbox.
    pub account: String,
    /// Messages that were looked at: the sum of imported, duplicates and rejected.
    pub seen: u64,
    /// Messages that are new here.
    pub imported: u64,
    /// Messages that were here already, byte for byte.
    pub duplicates: u64,
    /// What could not be taken, and why.
    pub rejected: Vec<Reject>,
    /// Tickets made.
    pub tickets_new: u64,
    /// Tickets that existed before and got messages.
    pub tickets_joined: u64,
    /// Messages that were read elsewhere meanwhile.
    pub flags_changed: u64,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// How far a sync has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Messages filed or found here.
    pub done: u64,
    /// Messages to fetch altogether, as far as known.
    pub of: u64,
}

/// What a sync has done so far.
struct Work<'w> {
    importer: Importer<'w>,
    source: &'w str,
    progress: Progress,
    flags_changed: u64,
    tell: &'w mut (dyn FnMut(Progress) + Send),
}

impl Desk {
    /// Returns the accounts of the config: one by its name or address, or all.
    pub fn accounts(&self, named: Option<&str>) -> Result<Vec<AccountConfig>, DeskError> {
        let settings = self.settings();
        let all = &settings.config.accounts;
        let Some(named) = named else {
            return Ok(all.values().cloned().collect());
        };
        let fits = |account: &&AccountConfig| {
            account.name == named || account.address.eq_ignore_ascii_case(named)
        };
        match all.values().find(fits) {
            Some(account) => Ok(vec![account.clone()]),
            None => Err(DeskError::NoAccount {
                named: named.to_owned(),
                known: all.keys().cloned().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// Reads what is new in a mailbox; `tell` hears how far it is. Silent: nothing is sent,
    /// nothing is drafted.
    pub async fn sync(
        &self,
        account: &AccountConfig,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Synced, DeskError> {
        let lease = self.lease_for_command(&lease_of(account)).await?;
        let syncing = async {
            let mut mailbox = self.mailbox(account).await?;
            let synced = self.sync_on(&mut mailbox, account, tell).await;
            mailbox.close().await;
            synced
        };
        let synced = self.while_leased(&lease, Box::pin(syncing)).await;
        self.let_go(lease).await;
        // A mail server that keeps silent holds no mailbox.
        self.send_acks().await;
        synced.unwrap_or(Err(DeskError::Broken))
    }

    /// Reads what is new over a connection that is there.
    pub(super) async fn sync_on(
        &self,
        mailbox: &mut Mailbox,
        account: &AccountConfig,
        tell: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Synced, DeskError> {
        let began = self.clock.mono();
        let source = source_of(account);
        let now = self.clock.now();
        let old = now.checked_sub(OLD).unwrap_or(Timestamp::MIN);
        let mut work = Work {
            importer: Importer::new(&self.store, &source, self.own_addresses(), now)
                .stamped(self.stamp().await?)
                .on_subject_change(self.settings().config.on_subject_change)
                .beside(self.sources_beside(account))
                .closed_before(old),
            source: &source,
            progress: Progress::default(),
            flags_changed: 0,
            tell,
        };
        let read = self.read_folders(mailbox, account, &mut work).await;
        let flags_changed = work.flags_changed;
        let done = work.importer.into_done();
        let kept = self.keep_rejects(&done.rejected);
        if done.imported + flags_changed > 0 {
            self.tell(DeskEvent::Changed);
        }
        read?;
        kept.map_err(DeskError::Import)?;
        Ok(synced(
            account,
            done,
            flags_changed,
            u64::try_from(self.clock.mono().since(began).as_millis()).unwrap_or(u64::MAX),
        ))
    }

    fn sources_beside(&self, account: &AccountConfig) -> Vec<String> {
        let settings = self.settings();
        let accounts = settings.config.accounts.values();
        accounts
            .filter(|other| other.address != account.address)
            .map(source_of)
            .collect()
    }

    /// Mail from these addresses is ours.
    pub(super) fn own_addresses(&self) -> Vec<String> {
        let settings = self.settings();
        let config = &settings.config;
        let accounts = config
            .accounts
            .values()
            .map(|account| account.address.clone());
        config.agent.email.iter().cloned().chain(accounts).collect()
    }

    async fn read_folders(
        &self,
        mailbox: &mut Mailbox,
        account: &AccountConfig,
        work: &mut Work<'_>,
    ) -> Result<(), DeskError> {
        self.mark_there(mailbox, account).await?;
        let sent = mailbox.sent_folder().map_err(wrong(account)).await?;
        let mut kept_back = Ok(());
        for name in [Some(INBOX.to_owned()), sent].into_iter().flatten() {
            let mark = mailbox.select(&name).map_err(wrong(account)).await?;
            let folder = Folder {
                account,
                name: &name,
                mark,
                at: self.clock.now(),
            };
            let before = self.store.folder(&account.address, &name).await?;
            let is_same = before.is_some_and(|(before, _)| before == mark);
            // Without a count of changes only a look tells whether marks changed.
            if is_same
                && mark.mod_seq > 0
                && !self.is_due(account, (&name, mark.uid_validity)).await?
            {
                continue;
            }
            let missing = self.read_folder(mailbox, folder, before, work).await?;
            if missing > 0 {
                // Not read to its end: the next sync asks for them again.
                kept_back = Err(wrong(account)(mailbox.kept_back(missing, &name)));
                continue;
            }
            self.store
                .set_folder_mark(&account.address, &name, mark, work.importer.at)
                .await?;
        }
        kept_back
    }

    /// Marks on the server what was read and answered here.
    async fn mark_there(
        &self,
        mailbox: &mut Mailbox,
        account: &AccountConfig,
    ) -> Result<(), DeskError> {
        let due = self.store.marks_due(&account.address).await?;
        if due.is_empty() {
            return Ok(());
        }
        let mark = mailbox.select(INBOX).map_err(wrong(account)).await?;
        let known = self
            .store
            .folder_uids(&account.address, INBOX, mark.uid_validity)
            .await?;
        for is_answered in [false, true] {
            if !is_answered && !account.marks_seen {
                continue;
            }
            let wanted: HashSet<&str> = due
                .iter()
                .filter(|mark| mark.is_answered == is_answered)
                .map(|mark| mark.raw_sha256.as_str())
                .collect();
            let uids: Vec<u32> = known
                .iter()
                .filter(|(_, digest)| wanted.contains(digest.as_str()))
                .map(|(uid, _)| *uid)
                .collect();
            mailbox
                .mark(INBOX, &uids, is_answered)
                .map_err(wrong(account))
                .await?;
        }
        Ok(self.store.marked(&account.address, &due).await?)
    }

    /// Tells whether something that a folder's server did not give is to be asked for again; its
    /// numbers mean something under one validity alone.
    pub(super) async fn is_due(
        &self,
        account: &AccountConfig,
        folder: (&str, u32),
    ) -> Result<bool, DeskError> {
        let now = self.clock.now();
        let asked = self
            .store
            .is_asked_for_again(&account.address, folder, now)
            .await?;
        Ok(asked)
    }

    /// Reads what is new in a folder; returns how many messages of it the server keeps back.
    async fn read_folder(
        &self,
        mailbox: &mut Mailbox,
        folder: Folder<'_>,
        before: Option<(FolderMark, FolderRead)>,
        work: &mut Work<'_>,
    ) -> Result<usize, DeskError> {
        let account = folder.account;
        let validity = folder.mark.uid_validity;
        let known = self
            .store
            .folder_uids(&account.address, folder.name, validity)
            .await?;
        let since = account
            .since
            .duration()
            .and_then(|ago| self.clock.now().checked_sub(ago).ok());
        let there = mailbox.uids(since).map_err(wrong(account)).await?;
        let here: Vec<u32> = there
            .iter()
            .copied()
            .filter(|uid| known.contains_key(uid))
            .collect();
        let before = begin(&mut work.importer, folder, before);
        work.flags_changed += self
            .read_marks(mailbox, folder, (before, &here, &known), work.source)
            .await?;
        let kept = self.kept_back(folder).await?;
        let rests = |uid: &u32| kept.get(uid).is_some_and(|kept| kept.rests(folder.at));
        let (resting, mut new): (Vec<u32>, Vec<u32>) = there
            .into_iter()
            .filter(|uid| !known.contains_key(uid))
            .partition(rests);
        new.reverse();
        mailbox.take_refused();
        let mut missing = match self.fetch(mailbox, folder, &new, work).await {
            Ok(missing) => missing,
            Err(error) => {
                let refused = mailbox.take_refused();
                let noted = (&kept, kept.clone());
                self.note_kept_back(folder, noted, &refused).await?;
                return Err(error);
            }
        };
        if !missing.is_empty() {
            let there = mailbox.uids(since).map_err(wrong(account)).await?;
            missing.retain(|uid| there.binary_search(uid).is_ok());
        }
        let mut stay = kept.clone();
        stay.retain(|uid, _| resting.binary_search(uid).is_ok());
        let told = self.note_kept_back(folder, (&kept, stay), &missing).await?;
        work.importer.reject(told.passed_over);
        Ok(told.wanted)
    }

    /// Fetches and files messages of a folder; returns those that did not come.
    async fn fetch(
        &self,
        mailbox: &mut Mailbox,
        folder: Folder<'_>,
        new: &[u32],
        work: &mut Work<'_>,
    ) -> Result<Vec<u32>, DeskError> {
        let account = folder.account;
        work.progress.of += u64::try_from(new.len()).unwrap_or(u64::MAX);
        let facts = mailbox.facts(new).map_err(wrong(account)).await?;
        let (ready, waiting) = mpsc::channel(WAITING);
        let fetching = fetch_all(mailbox, folder, new, (&facts, ready));
        let fetching = async { fetching.await.map_err(wrong(account)) };
        let filing = self.file_all(folder, waiting, work);
        let _bulk = (new.len() >= MUCH).then(|| self.store.bulk());
        let (missing, ()) = tokio::try_join!(fetching, filing)?;
        Ok(missing)
    }

    /// Takes over that messages were read elsewhere; returns how many that are.
    async fn read_marks(
        &self,
        mailbox: &mut Mailbox,
        folder: Folder<'_>,
        (before, here, known): (Option<FolderMark>, &[u32], &BTreeMap<u32, String>),
        source: &str,
    ) -> Result<u64, DeskError> {
        let Some(before) = before else { return Ok(0) };
        let marks = mailbox
            .marks(here, before.mod_seq)
            .map_err(wrong(folder.account))
            .await?;
        let digests: Vec<String> = marks
            .iter()
            .filter(|(_, marks)| marks.was_seen)
            .filter_map(|(uid, _)| known.get(uid).cloned())
            .filter(|digest| !digest.is_empty())
            .collect();
        Ok(self
            .store
            .mark_seen(source, &digests, self.clock.now())
            .await?)
    }

    async fn file_all(
        &self,
        folder: Folder<'_>,
        mut waiting: mpsc::Receiver<Reading>,
        work: &mut Work<'_>,
    ) -> Result<(), DeskError> {
        while let Some(mut batch) = waiting.recv().await {
            let before = work.progress.done;
            let mut letters = batch.letters.await.map_err(|_| DeskError::Broken)?;
            self.know_again(&mut letters, &mut batch.uids).await?;
            work.importer
                .letters(letters)
                .await
                .map_err(DeskError::Import)?;
            let count = u64::try_from(batch.uids.len()).unwrap_or(u64::MAX);
            let (account, validity) = (&folder.account.address, folder.mark.uid_validity);
            self.store
                .add_folder_uids(account, folder.name, validity, &batch.uids)
                .await?;
            for number in work.importer.take_brought_back() {
                self.tell(DeskEvent::Note(format!(
                    "#{number}: a new message came before your reply left. It has not left: it is \
                     the draft again."
                )));
            }
            for ticket in work.importer.take_new() {
                if let Err(error) = self.acknowledge(folder.account, ticket).await {
                    tracing::warn!(%error, "a new ticket was not acknowledged");
                }
            }
            work.progress.done = before + count;
            (work.tell)(work.progress);
            self.tell(DeskEvent::Changed);
        }
        Ok(())
    }
}

/// Says what is new of a folder and how far it is believed; returns how it stood before, where its
/// numbers still mean the same.
fn begin(
    importer: &mut Importer<'_>,
    folder: Folder<'_>,
    before: Option<(FolderMark, FolderRead)>,
) -> Option<FolderMark> {
    let same = before.filter(|(before, _)| before.uid_validity == folder.mark.uid_validity);
    // A server that counts anew offers everything again: only what arrived since is new.
    let anew = before.filter(|_| same.is_none()).map(|(_, read)| read.last);
    // What comes with the first reading is older than the account.
    importer.live(same.map(|(_, read)| read.first).or(anew));
    importer.there_before(anew);
    // Only we put mail into the folder of sent mail.
    importer.believe(if before.is_some() && folder.name == INBOX {
        Belief::Judged(folder.account.auth_results.clone())
    } else {
        Belief::Trusted
    });
    same.map(|(before, _)| before)
}

/// Names a mailbox as what messages came from.
pub(super) fn source_of(account: &AccountConfig) -> String {
    format!("imap:{}", account.address)
}

/// Names the reading of a mailbox among the leases.
pub(super) fn lease_of(account: &AccountConfig) -> String {
    format!("mail {}", account.address)
}

pub(super) fn wrong(account: &AccountConfig) -> impl Fn(ImapError) -> DeskError + use<> {
    let address = account.address.clone();
    move |error| DeskError::Mail {
        address: address.clone(),
        error,
    }
}

fn synced(account: &AccountConfig, done: Imported, flags_changed: u64, took_ms: u64) -> Synced {
    Synced {
        account: account.address.clone(),
        seen: done.seen,
        imported: done.imported,
        duplicates: done.duplicates,
        rejected: done.rejected,
        tickets_new: done.tickets_new,
        tickets_joined: done.tickets_joined,
        flags_changed,
        took_ms,
    }
}
