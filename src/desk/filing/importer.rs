//! Filing letters: threaded, judged and put into tickets, in batches.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

use super::{
    hints::Going,
    judge::Reported,
    letters::{Letters, Read, all_ids, ids, message, quarantine},
    ours::{Belief, Owner},
    standing::Standing,
    thread::{Decision, Index},
};
use crate::{
    config::OnSubjectChange,
    desk::{
        import::{ImportError, Imported},
        stamp::Stamp,
    },
    domain::{AutoClass, Contact, Hint, Ticket, TicketId, Timestamp},
    source::{import::Reject, mail::parse::Parsed},
    store::{Filing, Letter, Place, Store},
};

/// Letters of files that are filed together: other writers wait until a batch is done, a fifth of a
/// second. Ids come in no order, so nearly each letter changes a page of each index: 200 at once took
/// twice as long in all, for a page that several letters change is written once.
pub(in crate::desk) const BATCH: usize = 800;
/// Their bytes together, as they stood in the files: long ones are filed in fewer at once.
pub(in crate::desk) const BATCH_BYTES: usize = 8 << 20;
/// Where a batch takes longer than this, the next ones are half as large: others wait 5 s and no longer.
const SLOW: Duration = Duration::from_millis(500);
/// But no smaller than this.
const LEAST: usize = 100;

/// Files letters into one source.
pub(in crate::desk) struct Importer<'a> {
    pub(in crate::desk) store: &'a Store,
    pub(in crate::desk) source: &'a str,
    /// Addresses of the desk itself: mail from them is ours.
    pub(in crate::desk) own: Vec<String>,
    pub(in crate::desk) at: Timestamp,
    pub(in crate::desk) stamp: Option<Stamp>,
    first_number: Option<i64>,
    /// So many letters are filed at once.
    most: usize,
    pub(super) closed_before: Option<Timestamp>,
    /// Since when what comes is new: floods are stopped, new tickets may be answered automatically.
    live_since: Option<Timestamp>,
    /// What arrived before then was there already, whatever number it has now.
    there_before: Option<Timestamp>,
    /// Our other mailboxes: what they have came already.
    pub(in crate::desk) other_sources: Vec<String>,
    /// How far mail that bears our address is believed.
    pub(in crate::desk) belief: Belief,
    /// What becomes of an answer under another subject.
    pub(in crate::desk) on_subject_change: OnSubjectChange,
    /// How many new mails of each sender are on their way into the store.
    pub(in crate::desk) under_way: HashMap<String, u64>,
    /// New tickets that may be answered automatically.
    to_acknowledge: Vec<TicketId>,
    /// The numbers of tickets whose held reply came back.
    brought_back: Vec<i64>,
    pub(super) made: HashSet<TicketId>,
    joined: HashSet<TicketId>,
    pub(in crate::desk) done: Imported,
}

impl<'a> Importer<'a> {
    pub(in crate::desk) fn new(
        store: &'a Store,
        source: &'a str,
        own: Vec<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            store,
            source,
            own,
            at,
            stamp: None,
            first_number: None,
            most: BATCH,
            closed_before: None,
            live_since: None,
            there_before: None,
            other_sources: Vec::new(),
            belief: Belief::Trusted,
            on_subject_change: OnSubjectChange::Ask,
            under_way: HashMap::new(),
            to_acknowledge: Vec::new(),
            brought_back: Vec::new(),
            made: HashSet::new(),
            joined: HashSet::new(),
            done: Imported::default(),
        }
    }

    /// Gives the first new ticket this number.
    pub(in crate::desk) const fn first_number(mut self, number: i64) -> Self {
        self.first_number = Some(number);
        self
    }

    /// Lets mail of this desk be known again.
    pub(in crate::desk) fn stamped(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }

    /// Lets threads whose last message is older come in closed.
    pub(in crate::desk) const fn closed_before(mut self, then: Timestamp) -> Self {
        self.closed_before = Some(then);
        self
    }

    /// Says what becomes of an answer under another subject.
    pub(in crate::desk) const fn on_subject_change(mut self, choice: OnSubjectChange) -> Self {
        self.on_subject_change = choice;
        self
    }

    /// Names our other mailboxes: what one of them has is not filed again.
    pub(in crate::desk) fn beside(mut self, sources: Vec<String>) -> Self {
        self.other_sources = sources;
        self
    }

    /// Says how far mail that bears our address is believed from now on.
    pub(in crate::desk) fn believe(&mut self, belief: Belief) {
        self.belief = belief;
    }

    /// Says since when what arrived is new; what arrived before, or all without such a moment, was
    /// there before the account.
    pub(in crate::desk) const fn live(&mut self, since: Option<Timestamp>) {
        self.live_since = since;
    }

    /// Says that what arrived before then was there when the mailbox was read last, though it comes
    /// again.
    pub(in crate::desk) const fn there_before(&mut self, then: Option<Timestamp>) {
        self.there_before = then;
    }

    /// Tells whether mail comes in by and by, and not for the first time and all at once.
    pub(in crate::desk) const fn is_live(&self) -> bool {
        self.live_since.is_some()
    }

    /// Tells whether a letter arrived since what arrives is new. Old mail may come late: moved into
    /// the folder, or because more of it is wanted.
    pub(super) fn is_new(&self, read: &Read) -> bool {
        self.live_since
            .is_some_and(|since| !read.arrived_before(since))
    }

    /// Tells whether a letter was there already when the mailbox was read last.
    pub(in crate::desk) fn was_there(&self, read: &Read) -> bool {
        self.there_before
            .is_some_and(|then| read.arrived_before(then))
    }

    /// Returns the numbers of tickets whose held reply came back, once.
    pub(in crate::desk) fn take_brought_back(&mut self) -> Vec<i64> {
        std::mem::take(&mut self.brought_back)
    }

    /// Returns the new tickets that may be answered automatically, once.
    pub(in crate::desk) fn take_new(&mut self) -> Vec<TicketId> {
        std::mem::take(&mut self.to_acknowledge)
    }

    /// Files letters of one mailbox that were read, and says what came of all so far.
    pub(in crate::desk) async fn letters(
        &mut self,
        letters: Letters,
    ) -> Result<&Imported, ImportError> {
        self.done.rejected.extend(letters.rejects);
        let mut batch = letters.reads;
        while !batch.is_empty() {
            // A small rest is no batch of its own.
            let is_too_many = batch.len() > self.most + self.most / 4;
            let at = if is_too_many { self.most } else { batch.len() };
            let rest = batch.split_off(at);
            let began = Instant::now();
            self.file(std::mem::replace(&mut batch, rest)).await?;
            if began.elapsed() > SLOW {
                self.most = (self.most / 2).max(LEAST);
            }
        }
        self.count();
        Ok(&self.done)
    }

    /// Counts what could not be taken, and why.
    pub(in crate::desk) fn reject(&mut self, rejects: Vec<Reject>) {
        self.done.rejected.extend(rejects);
        self.count();
    }

    /// Returns what came of everything.
    pub(in crate::desk) fn into_done(self) -> Imported {
        self.done
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
        batch.sort_by_key(|read| read.said_at(self.at));
        let (mut index, mut standings) = self.known(&batch).await?;
        let mut letters = Vec::with_capacity(batch.len());
        let mut wanted = Vec::new();
        for mut read in batch {
            let owner = self.owner(&read).await?;
            if owner == Owner::Copy {
                self.done.duplicates += 1;
                continue;
            }
            self.mark_flood(&mut read).await?;
            let may_answer = self.is_new(&read)
                && read.parsed.auto_class == AutoClass::Human
                && !read.parsed.own_marks.wants_no_answer
                && read.quarantine.is_none();
            let letter = self
                .letter((read, owner), &mut index, &mut standings)
                .await?;
            if may_answer && let Place::New(ticket) = &letter.place {
                wanted.push(ticket.id);
            }
            letters.push(letter);
        }
        let filing = Filing {
            source: self.source.to_owned(),
            letters,
            first_number: self.first_number.take(),
            note_by: None,
            beside: self.other_sources.clone(),
        };
        let filed = self.store.file(&filing, self.at).await?;
        self.under_way.clear();
        self.done.imported += filed.imported;
        self.done.duplicates += filed.duplicates;
        self.to_acknowledge.extend(
            wanted
                .into_iter()
                .filter(|ticket| filed.new.contains(ticket)),
        );
        self.brought_back.extend(filed.brought_back);
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

    /// Reads what is known of the threads that a batch, oldest letter first, may belong to.
    async fn known(
        &self,
        batch: &[Read],
    ) -> Result<(Index, HashMap<TicketId, Standing>), ImportError> {
        let mut index = Index::default();
        let known = self.store.known(self.source, &all_ids(batch)).await?;
        index.add_known(&known);
        let old = batch.iter().filter(|read| !self.is_new(read));
        index.foresee(old.map(|read| ids(&read.parsed)));
        let tickets = known.iter().map(|known| known.ticket).collect();
        Ok((index, self.standings(tickets).await?))
    }

    /// Decides where a letter goes and what its ticket becomes.
    async fn letter(
        &self,
        (mut read, owner): (Read, Owner),
        index: &mut Index,
        standings: &mut HashMap<TicketId, Standing>,
    ) -> Result<Letter, ImportError> {
        let is_ours = owner.is_ours();
        self.mark_own(&mut read.parsed, is_ours);
        if owner == Owner::Posing {
            read.quarantine =
                Some("it bears our address, and the mail server does not vouch".into());
        }
        let decision = self.decided((&read, owner), index, standings).await?;
        // What bears our address and answers nothing of ours may be a form: it is to be looked at.
        let is_ours = is_ours && !(owner == Owner::Unverified && decision.ticket.is_none());
        let standing = decision.ticket.and_then(|ticket| standings.get(&ticket));
        let is_history = standing.is_some_and(|standing| self.is_history(&read, standing));
        let going = match decision.ticket {
            Some(ticket) => Going::Into(ticket, standing),
            None => Going::Anew,
        };
        let mut hints = self.hints(&read, owner, (going, decision.is_loose)).await?;
        let reported = self.reported(&read.parsed).await?;
        let is_of_others = matches!(reported, Reported::Others);
        let returned = reported.into_returned();
        let about = (decision.ticket, returned.as_ref());
        if read.parsed.auto_class == AutoClass::BounceHard {
            read.is_true_report = self.is_true_report(&read.parsed, about).await?;
            if is_of_others && !read.is_true_report {
                hints.push(Hint::UncheckedReport);
            }
        }
        let ticket = decision
            .ticket
            .unwrap_or_else(|| TicketId::new(Uuid::now_v7()));
        index.add_letter(ids(&read.parsed), ticket);
        index.add_topic(read.parsed.topic.as_deref(), &read.parsed.from, ticket);
        let (place, reopen) = if let Some(ticket) = decision.ticket {
            let standing = standings.get_mut(&ticket);
            (Place::In(ticket), self.reopened(&read, owner, standing))
        } else {
            let new = self.new_ticket(ticket, &read, is_ours);
            let said_at = read.said_at(self.at);
            standings.insert(ticket, Standing::of(&new, Some(said_at), true));
            (Place::New(Box::new(new)), None)
        };
        if !hints.iter().any(Hint::is_of_strangers)
            && let Some(standing) = standings.get_mut(&ticket)
        {
            standing.join(&read.parsed);
        }
        let reason = (decision.reason, hints);
        Ok(Letter {
            returned,
            topic: read.parsed.topic.clone(),
            message: message(ticket, read.parsed, is_ours, read.marks, reason),
            place,
            reopen,
            note_path: Some(read.note_path),
            original: Some(read.original),
            quarantine: read.quarantine,
            is_own_copy: is_ours && decision.is_duplicate,
            is_history,
        })
    }

    /// Decides which ticket a letter belongs to, as it stands now.
    async fn decided(
        &self,
        (read, owner): (&Read, Owner),
        index: &Index,
        standings: &mut HashMap<TicketId, Standing>,
    ) -> Result<Decision, ImportError> {
        let mut decision = self.decide(&read.parsed, index, owner).await?;
        if let Some(ticket) = decision.ticket {
            if !standings.contains_key(&ticket) {
                standings.extend(self.standings(BTreeSet::from([ticket])).await?);
            }
            if let Some(reason) = self.starts_anew(read, owner, standings.get(&ticket))
                && !decision.is_duplicate
            {
                decision = Decision {
                    ticket: None,
                    reason,
                    is_duplicate: false,
                    is_loose: false,
                };
            }
        }
        Ok(decision)
    }

    pub(in crate::desk) fn is_ours(&self, parsed: &Parsed) -> bool {
        self.is_own(&parsed.from)
    }

    fn is_own(&self, person: &Contact) -> bool {
        self.own
            .iter()
            .any(|own| own.eq_ignore_ascii_case(&person.address))
    }

    /// Returns whose matter a letter is that starts a ticket: its writer's, or, where that is one of
    /// our addresses, that of whom it names beside us; a form names them as `Reply-To`.
    fn requester<'p>(&self, parsed: &'p Parsed, is_ours: bool) -> &'p Contact {
        if !is_ours && !self.is_ours(parsed) {
            return &parsed.from;
        }
        let asks = parsed.reply_to.as_ref().filter(|_| !is_ours);
        let mut named = asks.into_iter().chain(&parsed.to).chain(&parsed.cc);
        let outside = named.find(|person| !self.is_own(person));
        let to_us = parsed.to.first().filter(|_| is_ours);
        outside.or(to_us).unwrap_or(&parsed.from)
    }

    fn new_ticket(&self, id: TicketId, read: &Read, is_ours: bool) -> Ticket {
        let parsed = &read.parsed;
        let said_at = read.said_at(self.at);
        Ticket {
            id,
            number: 0,
            source: self.source.to_owned(),
            subject: parsed.normal_subject.clone(),
            requester: self.requester(parsed, is_ours).clone(),
            status: self.first_status(read, is_ours),
            priority: None,
            assignee: None,
            tags: Vec::new(),
            quarantined_because: read
                .quarantine
                .clone()
                .or_else(|| quarantine(parsed.auto_class).map(str::to_owned)),
            messages: 0,
            created_at: said_at,
            updated_at: said_at,
            last_customer_message_at: (!is_ours).then_some(said_at),
            version: 1,
        }
    }
}
