//! Two attempts side by side: who is asked beside whom, and what follows for the other when one of
//! them speaks or fails. Never are the words of both in one text: who speaks first is shown, the
//! other is dropped and counted.

use std::time::Duration;

use super::{Command, Flight, Role, Run, Turn, flight::Alarms};
use crate::{
    domain::{Billed, Ending, Fault, FaultClass, LinkName, Mono, Usage},
    engine::{
        lesson::Lesson,
        plan::Usable,
        policy::{Hedging, Place, Policy},
        remedy::{Onward, Remedy, Retry},
    },
};

impl Run {
    /// Returns the link beside which one that is half open is asked: the first after it that is
    /// well. Without one it is asked alone.
    pub(super) fn beside(&self, index: usize) -> Option<usize> {
        let is = |at: usize, usable: &Usable| {
            self.due_link(at)
                .is_some_and(|planned| planned.usable == *usable)
        };
        if !is(index, &Usable::HalfOpen) {
            return None;
        }
        let after = index.saturating_add(1)..self.turns.len();
        after.into_iter().find(|at| is(*at, &Usable::Yes))
    }

    /// Returns how long a call of this link is waited for before the next link is asked too; none
    /// when it never is.
    pub(super) fn hedge_after(&self, index: usize, role: Role) -> Option<Duration> {
        let planned = self.plan.links.get(index)?;
        let may = self.plan.policy.hedge == Hedging::On
            && self.spent.hedge == Retry::Open
            && role == Role::Turn
            && self.flights.len() == 1
            && self.place_of(index) == Place::HasNext;
        may.then(|| Policy::hedge_after(&planned.link, planned.history))?
    }

    /// Asks the next link that is well too, once in a run.
    pub(super) fn hedge(&mut self, now: Mono) {
        let is_alone = self.flights.len() == 1;
        if let Some(index) = self
            .well()
            .filter(|_| is_alone && self.spent.hedge == Retry::Open)
        {
            self.spent.hedge = Retry::Spent;
            self.ask(index, Role::Hedge, now);
        }
    }

    /// Returns the next link that is well.
    fn well(&self) -> Option<usize> {
        (0..self.turns.len()).find(|index| {
            self.due_link(*index)
                .is_some_and(|planned| planned.usable == Usable::Yes)
        })
    }

    /// Drops the other: this attempt spoke first. A probe goes on unseen beside the one whose words
    /// are shown: its first word says that its link is well again, and it is dropped then.
    pub(super) fn outspoken(&mut self, attempt: u32, now: Mono) {
        let goes_on = |flight: &Flight| {
            flight.attempt == attempt || (flight.role == Role::Probe && flight.call.is_some())
        };
        let (stay, others): (Vec<Flight>, Vec<Flight>) = std::mem::take(&mut self.flights)
            .into_iter()
            .partition(goes_on);
        self.flights = stay;
        for live in self.flights.iter_mut().filter_map(|it| it.call.as_mut()) {
            live.alarms = Alarms::default();
        }
        let winner = self.flights.iter().find(|it| it.attempt == attempt);
        let Some((first, role)) = winner.and_then(|flight| {
            let link = self.name(flight.index)?;
            Some((link, flight.role))
        }) else {
            return;
        };
        for other in others {
            let because = match (role, other.role) {
                (Role::Probe, _) => format!("{first} was tried again beside it and answered first"),
                (_, Role::Probe) => format!("probe: {first} answered first"),
                (Role::Hedge, _) => format!("slow: {first} was asked too and answered first"),
                (Role::Turn, _) => format!("asked beside {first}, which answered first"),
            };
            self.loses(&other, &first, because, now);
        }
    }

    /// Drops a call because another link answered first.
    fn loses(&mut self, other: &Flight, first: &LinkName, because: String, now: Mono) {
        let said = format!("not needed: {first} answered first");
        let record = other.call.as_ref().map(|live| live.record);
        self.drop_flight(other, &Fault::new(FaultClass::Cancelled).saying(said), now);
        if let Some(record) = record {
            self.story.moved_on(record, because);
        }
    }

    /// Returns the link whose words are shown, where it is not this attempt's.
    pub(super) fn shown_beside(&self, attempt: u32) -> Option<LinkName> {
        let mut others = self.flights.iter().filter(|it| it.attempt != attempt);
        let shown = others.find(|it| it.spoke())?;
        self.name(shown.index)
    }

    /// Ends a probe beside `first`, whose words are shown: it gave its first word too, or a first
    /// thought. That link is well.
    pub(super) fn proved(&mut self, attempt: u32, first: &LinkName, now: Mono) {
        let Some(at) = self.flights.iter().position(|it| it.attempt == attempt) else {
            return;
        };
        let flight = self.flights.remove(at);
        let first_text = flight.call.as_ref().map(|live| now.since(live.began));
        let record = flight.call.as_ref().map(|live| live.record);
        if let Some(record) = record.and_then(|record| self.story.attempts.get_mut(record)) {
            record.first_text = first_text;
        }
        if let Some(link) = self.name(flight.index) {
            self.story.lessons.push(Lesson::Worked {
                link,
                first_text,
                gap_p99: None,
            });
        }
        let because = format!("probe: it answers; {first} answered first");
        self.loses(&flight, first, because, now);
    }

    /// Ends the probes that are still silent when the answer of `first` is whole: they say nothing
    /// of their links.
    pub(super) fn unproved(&mut self, first: &LinkName, now: Mono) {
        for flight in std::mem::take(&mut self.flights) {
            if flight.call.is_some()
                && let Some(link) = self.name(flight.index)
            {
                self.story.lessons.push(Lesson::Undecided { link });
            }
            let because = format!("probe: {first} answered first");
            self.loses(&flight, first, because, now);
        }
    }

    /// Drops all that is in flight, for this reason.
    pub(super) fn give_up(&mut self, fault: &Fault, now: Mono) {
        for flight in std::mem::take(&mut self.flights) {
            self.drop_flight(&flight, fault, now);
        }
    }

    /// Drops a call and counts it, or a wish for money.
    fn drop_flight(&mut self, flight: &Flight, fault: &Fault, now: Mono) {
        self.out.push(Command::Abort {
            attempt: flight.attempt,
        });
        if flight.call.is_none() {
            return self.put_back(flight.index);
        }
        let fault = Fault {
            billed: Billed::Maybe,
            ..fault.clone()
        };
        self.close(flight, &fault, Usage::default(), now);
        self.set(flight.index, Turn::Asked);
    }

    /// One of two failed: the other goes on, and beside a probe the next link is asked. Only what ends every run ends this one too, and of
    /// what was merely tried beside the other not even that: a probe costs nobody a draft.
    pub(super) fn one_of_two(&mut self, flight: &Flight, remedy: Remedy, fault: &Fault, now: Mono) {
        let onward = match (flight.role, remedy) {
            (
                role,
                Remedy::Retry {
                    without: Some(parameter),
                    ..
                },
            ) => return self.without(flight, parameter, role, now),
            (Role::Turn, Remedy::Stop(ending)) => {
                self.set(flight.index, Turn::Asked);
                return self.finish(ending, now);
            }
            (Role::Probe | Role::Hedge, Remedy::Stop(ending)) => {
                if ending == Ending::Refused {
                    self.spent.refused = Some(ending);
                }
                if fault.class == FaultClass::KeyRefused {
                    Onward::OtherKey
                } else {
                    Onward::Any
                }
            }
            (_, Remedy::MoveOn(onward)) => onward,
            (_, Remedy::Retry { .. }) => Onward::Any,
        };
        self.leave(flight.index, onward, fault, now);
        let words = fault.class.words();
        let Some((other, role)) = self.flights.first().and_then(|other| {
            let name = self.name(other.index)?;
            Some((name, other.role))
        }) else {
            return;
        };
        // A probe is no one's turn: nobody waits for it while another link is well.
        if role == Role::Probe
            && let Some(next) = self.well()
            && let Some(name) = self.name(next)
        {
            self.leaves(flight, format!("{words}: next link, {name}"));
            return self.ask(next, Role::Turn, now);
        }
        let because = match flight.role {
            Role::Probe => format!("{words}: a probe beside {other}"),
            Role::Turn | Role::Hedge => format!("{words}: {other} had been asked beside it"),
        };
        self.leaves(flight, because);
    }
}
