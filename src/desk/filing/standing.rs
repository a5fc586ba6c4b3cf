//! How a ticket stands while letters come in, and what a letter makes of that.
//!
//! A mailbox comes in newest first and may be cut off anywhere. Which ticket an older letter joins,
//! and how that ticket stands then, must not tell where it was cut.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{hints::is_new_topic, importer::Importer, letters::Read, ours::Owner};
use crate::{
    config::OnSubjectChange,
    desk::import::ImportError,
    domain::{AutoClass, Contact, Status, Ticket, TicketEvent, TicketId, Timestamp},
    source::mail::parse::Parsed,
};

/// What a batch knows of the tickets it touches.
pub(in crate::desk) struct Standing {
    pub(in crate::desk) status: Status,
    pub(in crate::desk) newest: Timestamp,
    pub(in crate::desk) number: i64,
    /// Its subject, without prefixes.
    pub(in crate::desk) subject: String,
    /// Whether it came in with this reading of a mailbox or file, also where that was cut off
    /// before, and nobody has done anything to it yet.
    pub(in crate::desk) is_fresh: bool,
    /// When its customer wrote last, before this batch.
    asked: Option<Timestamp>,
    /// When somebody closed it.
    closed_at: Option<Timestamp>,
    /// Who is on its letters of this batch, which the store does not have yet; no strangers.
    people: Vec<Contact>,
}

impl Standing {
    /// `newest` is the date of its newest message: what agents did to it since then does not
    /// make a letter old.
    pub(in crate::desk) fn of(ticket: &Ticket, newest: Option<Timestamp>, is_fresh: bool) -> Self {
        Self {
            status: ticket.status,
            newest: newest.unwrap_or(ticket.created_at),
            number: ticket.number,
            subject: ticket.subject.clone(),
            is_fresh,
            asked: ticket.last_customer_message_at,
            closed_at: None,
            people: Vec::new(),
        }
    }

    /// Notes who is on a letter of the batch.
    pub(in crate::desk) fn join(&mut self, parsed: &Parsed) {
        let people = std::iter::once(&parsed.from).chain(&parsed.to);
        self.people.extend(people.chain(&parsed.cc).cloned());
    }

    /// Tells whether somebody is on a letter of the batch.
    pub(in crate::desk) fn has(&self, person: &Contact) -> bool {
        self.people.iter().any(|one| one.is_same_mailbox(person))
    }
}

impl Importer<'_> {
    /// Reads how tickets stand.
    pub(super) async fn standings(
        &self,
        tickets: BTreeSet<TicketId>,
    ) -> Result<HashMap<TicketId, Standing>, ImportError> {
        let found = self.store.tickets_with_newest(&tickets).await?;
        let is_asked = |ticket: &Ticket| {
            let came_before = !self.made.contains(&ticket.id);
            came_before && (ticket.status == Status::Closed || self.may_go_on(ticket))
        };
        let asked: BTreeSet<TicketId> = found
            .iter()
            .filter(|(ticket, _)| is_asked(ticket))
            .map(|(ticket, _)| ticket.id)
            .collect();
        let acted = if asked.is_empty() {
            BTreeMap::new()
        } else {
            self.store.acted_on(&asked).await?
        };
        Ok(found
            .into_iter()
            .map(|(ticket, newest)| {
                let is_left_alone = self.may_go_on(&ticket) && !acted.contains_key(&ticket.id);
                let is_fresh = self.made.contains(&ticket.id) || is_left_alone;
                let mut standing = Standing::of(&ticket, newest, is_fresh);
                standing.closed_at = acted.get(&ticket.id).copied().flatten();
                (ticket.id, standing)
            })
            .collect())
    }

    /// Tells whether a ticket that was here before may have come with the first reading of this
    /// mailbox, which goes on after it was cut off.
    fn may_go_on(&self, ticket: &Ticket) -> bool {
        self.closed_before.is_some() && !self.is_live() && ticket.source == self.source
    }

    /// Returns why a letter that answers a ticket starts a new one all the same, if it does.
    pub(super) fn starts_anew(
        &self,
        read: &Read,
        owner: Owner,
        standing: Option<&Standing>,
    ) -> Option<String> {
        let standing = standing?;
        if owner.is_ours() || read.parsed.auto_class.is_automatic() {
            return None;
        }
        let number = standing.number;
        if standing.status == Status::Deleted && !self.is_history(read, standing) {
            return Some(format!("follow-up of #{number}, which was deleted"));
        }
        if standing.status == Status::Closed
            && !standing.is_fresh
            && self.is_after_end(read, standing)
        {
            return Some(format!("follow-up of #{number}, which is closed"));
        }
        let splits = self.on_subject_change == OnSubjectChange::Split && number > 0;
        (splits && is_new_topic(read, standing))
            .then(|| format!("it answers #{number} under another subject"))
    }

    /// Tells whether a letter came when a closed ticket was over already; what was there before
    /// belongs to it. What is new is to be seen, and a closed ticket is not opened again.
    fn is_after_end(&self, read: &Read, standing: &Standing) -> bool {
        if self.is_new(read) {
            return true;
        }
        if self.closed_before.is_none() {
            // Of a file nobody knows when it came: only its dates tell what goes before.
            return !read.arrived_before(standing.newest);
        }
        match (standing.closed_at, self.closed_before) {
            (Some(end), _) => !read.arrived_before(end),
            // One that came in closed, for its age, has all that was there then; what was said
            // lately was said after it.
            (None, Some(old)) => {
                !read.arrived_before(standing.newest) && read.told_at(self.at) >= old
            }
            (None, None) => false,
        }
    }

    /// Tells whether a letter is old mail, of before what the customer said last in its ticket:
    /// whoever has answered that has overlooked nothing. What is new is never history, whatever
    /// date it bears.
    pub(super) fn is_history(&self, read: &Read, standing: &Standing) -> bool {
        let is_earlier = |asked: Timestamp| read.came_at(self.at).as_second() < asked.as_second();
        !self.is_new(read) && standing.asked.is_some_and(is_earlier)
    }

    /// Returns the status a known ticket takes because of a letter, if that changes. Letters
    /// older than what the ticket has change nothing: files come in any order.
    pub(super) fn reopened(
        &self,
        read: &Read,
        owner: Owner,
        standing: Option<&mut Standing>,
    ) -> Option<Status> {
        let standing = standing?;
        if owner == Owner::Unverified {
            return None;
        }
        let is_ours = owner.is_ours();
        let is_automatic = read.parsed.auto_class.is_automatic();
        let comes_with_it = standing.is_fresh && self.closed_before.is_some() && !is_automatic;
        let said_at = if comes_with_it {
            read.told_at(self.at)
        } else {
            read.came_at(self.at)
        };
        // Dates of mail have whole seconds.
        if said_at.as_second() < standing.newest.as_second() {
            return None;
        }
        let after = if comes_with_it {
            // The ticket came in with this sync: it stands as its last message says, and is closed
            // when all of them are old.
            let after = self.first_status(read, is_ours);
            if after == Status::Closed {
                standing.status
            } else {
                after
            }
        } else {
            let event = match (read.parsed.auto_class, is_ours) {
                (AutoClass::BounceHard, _) if read.is_true_report => TicketEvent::HardBounce,
                (AutoClass::BounceSoft, _) => TicketEvent::SoftBounce,
                (class, _) if class.is_automatic() => TicketEvent::AutomaticMail,
                (_, true) => TicketEvent::SetByHand(Status::Solved),
                (_, false) if read.marks.was_answered => TicketEvent::SetByHand(Status::Solved),
                (_, false) => TicketEvent::CustomerReply,
            };
            standing.status.after(&event).ok()?
        };
        standing.newest = said_at;
        let changed = after != standing.status;
        standing.status = after;
        changed.then_some(after)
    }

    /// Returns the status of a ticket whose last message this is. What is new is never closed,
    /// whatever date it bears, nor is what nobody has read and came lately.
    pub(super) fn first_status(&self, read: &Read, is_ours: bool) -> Status {
        let is_earlier = |then| read.told_at(self.at) < then;
        let is_old = !self.is_new(read) && self.closed_before.is_some_and(is_earlier);
        if is_old {
            Status::Closed
        } else if read.marks.was_answered || is_ours {
            Status::Solved
        } else {
            Status::New
        }
    }
}
