//! What is under way, and what can be undone.

use std::{collections::VecDeque, time::Duration};

use super::{
    event::Moment,
    strays::{Strays, Typed, Writing},
};
use crate::{
    config::action::Action,
    desk::face::{DraftAsk, Running},
    domain::{Change, DraftId, Mono, OutboxId, TicketId},
};

/// How many drafts may run at once.
pub const RUNS_AT_ONCE: usize = 3;

/// The most steps that can be undone.
const UNDO_STEPS: usize = 100;

/// What the screen has begun and not finished.
#[derive(Debug, Default)]
pub struct Work {
    /// Drafts under way, oldest first.
    pub runs: Vec<RunHere>,
    /// Drafts that a person asked for together and that wait for their turn.
    pub wanted: VecDeque<DraftAsk>,
    /// How often the receipts were opened.
    pub openings: u64,
    /// What can be undone, oldest first.
    undo: Vec<Undo>,
    /// The ticket whose reply is to be edited once its run has stopped, or once it has been read.
    pub edit_after: Option<TicketId>,
    /// An act that asks to be done twice, and for which ticket.
    pub asked_twice: Option<(Action, Option<TicketId>)>,
    /// The number of a ticket just made: the cursor goes there as soon as the queue has it.
    pub go_to: Option<i64>,
    /// Texts whose save failed after their editor was closed.
    pub strays: Strays,
    /// Texts of closed editors whose save is under way: an editor opened meanwhile starts from them.
    under_way: Vec<Typed>,
    /// Whether the desk is being left.
    pub is_leaving: bool,
}

/// A draft under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHere {
    /// For which ticket.
    pub ticket: TicketId,
    /// Its number.
    pub number: i64,
    /// When it was begun here.
    pub since: Mono,
    /// The newest that the desk said of it.
    pub state: Option<Running>,
    /// Whether it was told to stop.
    pub is_stopping: bool,
}

/// One step that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// A changed ticket: the change that takes it back.
    Change(TicketId, Change),
    /// A discarded draft.
    Discard(TicketId, DraftId),
    /// A ticket that was merged.
    Merged(TicketId),
    /// A reply put into the outbox.
    Queued(TicketId, OutboxId),
}

impl Work {
    /// Returns the draft that runs for a ticket.
    pub fn run(&self, ticket: TicketId) -> Option<&RunHere> {
        self.runs.iter().find(|run| run.ticket == ticket)
    }

    /// Notes that a draft was begun.
    pub fn begin(&mut self, ticket: TicketId, number: i64, now: Moment) {
        let since = now.mono;
        self.runs.push(RunHere {
            ticket,
            number,
            since,
            state: None,
            is_stopping: false,
        });
    }

    /// Notes that a draft has ended.
    pub fn end(&mut self, ticket: TicketId) {
        self.runs.retain(|run| run.ticket != ticket);
    }

    /// Takes the newest state of every running draft; those of other faces are left out.
    pub fn took(&mut self, running: Vec<Running>) {
        for state in running {
            if let Some(run) = self.runs.iter_mut().find(|run| run.ticket == state.ticket) {
                run.state = Some(state);
            }
        }
    }

    /// Notes the text of an editor that was closed while its save is under way.
    pub fn closed_on(&mut self, typed: Typed) {
        self.under_way
            .retain(|kept| (kept.ticket, kept.writing) != (typed.ticket, typed.writing));
        self.under_way.push(typed);
    }

    /// Notes that the save of a text has ended, one way or another.
    pub fn landed(&mut self, typed: &Typed) {
        self.under_way.retain(|kept| kept != typed);
    }

    /// Returns the newest text of a ticket that is not known to be on disk.
    pub fn newest_typed(&mut self, ticket: TicketId, writing: Writing) -> Option<Typed> {
        let stray = self.strays.forget(ticket, writing);
        let is_it = |kept: &&Typed| (kept.ticket, kept.writing) == (ticket, writing);
        let under_way = self.under_way.iter().find(is_it);
        under_way.cloned().or(stray)
    }

    /// Remembers how to take a step back.
    pub fn remember(&mut self, step: Undo) {
        if self.undo.len() == UNDO_STEPS {
            self.undo.remove(0);
        }
        self.undo.push(step);
    }

    /// Forgets that a reply was put into the outbox: it is back already.
    pub fn forget_queued(&mut self, ticket: TicketId) {
        self.undo
            .retain(|step| !matches!(step, Undo::Queued(of, _) if *of == ticket));
    }

    /// Takes the newest step off the list.
    pub fn take_back(&mut self) -> Option<Undo> {
        self.undo.pop()
    }
}

impl RunHere {
    /// Returns how long it has been running.
    pub fn elapsed(&self, now: Moment) -> Duration {
        now.mono.since(self.since)
    }
}
