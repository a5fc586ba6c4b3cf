//! The machine: which link is asked next, when to stop, what to hold and settle.
//!
//! Pure: inputs come in with the time, commands go out. Up to two attempts are in flight side by
//! side, each with its own hold, and one of them is shown. Its promises, each held by a property in
//! `tests/promises`: no call without a hold; every hold settled exactly once; never past the cap; no
//! more calls than the chain allows; at most two in flight, and beside one that is shown only a
//! probe, unseen; the words of two models are never joined; `Done` is said once; an input of an attempt that is past changes
//! nothing but the return of its own hold.
//!
//! An attempt is a `flight`: it gets `money`, is called and heard in `calls`, and comes to its end
//! in `ends`. Whose turn it is, is decided in `turns`; what two do `beside` one another has a room
//! of its own, and so has what `time` brings.

mod beside;
mod calls;
mod ends;
mod flight;
mod money;
mod signal;
mod time;
mod turns;

pub use self::signal::{Call, Command, Fact, Input, Patience, Wanted, Whole};
use self::{
    flight::{Flight, Live, Role},
    turns::Turn,
};
use super::{attempts::Story, bill, plan::Plan, remedy::Retry};
use crate::domain::{
    Attempt, Ending, Fault, FaultClass, HoldId, LinkName, Mono, SkipReason, Skipped, Timestamp, Usd,
};

/// One run of the fallback engine.
#[derive(Clone, Debug)]
pub struct Run {
    plan: Plan,
    turns: Vec<Turn>,
    state: State,
    /// The attempts in flight: at most two.
    flights: Vec<Flight>,
    began: Mono,
    /// The number of the last hold asked for.
    attempt: u32,
    spent: Spent,
    /// Holds that have been answered for, so that none is settled twice.
    holds: Vec<HoldId>,
    /// Whether money was denied.
    capped: bool,
    speech: Speech,
    /// The attempt that was left and why, until another follows it.
    left: Option<Left>,
    story: Story,
    out: Vec<Command>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Fresh,
    /// A short rest is waited for; nothing is in flight.
    Waiting {
        index: usize,
        until: Mono,
    },
    Asking,
    Over(Ending),
}

/// What may be done once in a run.
#[derive(Clone, Debug)]
struct Spent {
    /// The retry of the same link.
    retry: Retry,
    /// Asking a second link because the first is slow.
    hedge: Retry,
    /// Links to which a connection was made ahead.
    warmed: Vec<usize>,
    /// A refusal by a model that was asked beside another: nobody else is asked after it.
    refused: Option<Ending>,
}

/// What was said and by whom.
#[derive(Clone, Debug, Default)]
struct Speech {
    /// The attempt whose words stand on the screen, and what ended it.
    voice: Option<Voice>,
    /// The text of the answer.
    text: Option<String>,
    /// The place of the answer in the story.
    answer: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Voice {
    attempt: u32,
    ended: FaultClass,
}

#[derive(Clone, Debug)]
struct Left {
    record: usize,
    because: String,
}

impl Run {
    /// Makes a run of a plan.
    pub fn new(plan: Plan) -> Self {
        Self {
            turns: Vec::new(),
            state: State::Fresh,
            flights: Vec::new(),
            began: Mono::default(),
            attempt: 0,
            spent: Spent {
                retry: Retry::Open,
                hedge: Retry::Open,
                warmed: Vec::new(),
                refused: None,
            },
            holds: Vec::new(),
            capped: false,
            speech: Speech::default(),
            left: None,
            story: Story::default(),
            out: Vec::new(),
            plan,
        }
    }

    /// Takes what happened and returns what is to be done, in order.
    pub fn step(&mut self, input: Input, now: Mono) -> Vec<Command> {
        match input {
            Input::Start => self.start(now),
            Input::Granted {
                attempt,
                hold,
                held,
            } => self.granted(attempt, hold, held, now),
            Input::Denied { attempt } => self.denied(attempt, now),
            Input::NoLedger { attempt, why } => self.no_ledger(attempt, &why, now),
            Input::Fact { attempt, fact } => self.learnt(attempt, fact, now),
            Input::Text { attempt, piece } => self.heard(attempt, &piece, now),
            Input::Said { attempt } => self.said(attempt, now),
            Input::Released => self.released(now),
            Input::Ended {
                attempt,
                whole,
                usage,
            } => self.ended(attempt, whole, usage, now),
            Input::Failed {
                attempt,
                fault,
                usage,
            } => self.failed(attempt, &fault, usage, now),
            Input::Tick => self.tick(now),
            Input::Cancel => self.cancel(now),
        }
        std::mem::take(&mut self.out)
    }

    /// Tells whether `Done` was said.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    /// Returns how it ended, once it did.
    pub const fn ending(&self) -> Option<Ending> {
        match self.state {
            State::Over(ending) => Some(ending),
            State::Fresh | State::Waiting { .. } | State::Asking => None,
        }
    }

    /// Returns the link whose short rest is waited for, if one is.
    pub fn waits_for(&self) -> Option<LinkName> {
        match self.state {
            State::Waiting { index, .. } => self.name(index),
            State::Fresh | State::Asking | State::Over(_) => None,
        }
    }

    /// Returns what has happened so far.
    pub const fn story(&self) -> &Story {
        &self.story
    }

    /// Returns the attempts that are over.
    pub fn attempts(&self) -> impl Iterator<Item = &Attempt> + Clone {
        let calls = || {
            self.flights
                .iter()
                .filter_map(|flight| flight.call.as_ref())
        };
        let told = self.story.attempts.iter().enumerate();
        told.filter(move |(place, _)| calls().all(|live| live.record != *place))
            .map(|(_, attempt)| attempt)
    }

    /// Tells whether a second link was asked because the first was slow.
    pub fn hedged(&self) -> bool {
        self.spent.hedge == Retry::Spent
    }

    /// Returns the text of the answer, if one was kept.
    pub fn text(&self) -> Option<&str> {
        self.speech.text.as_deref()
    }

    /// Returns what the first link would have cost for the answer's tokens; none when it answered,
    /// when there is no answer, or when its price is not known.
    pub fn first_choice_cost(&self) -> Option<Usd> {
        let first = self.plan.links.first()?;
        let answer = self.story.attempts.get(self.speech.answer?)?;
        if answer.link == first.link.name {
            return None;
        }
        bill::elsewhere(first.price.as_ref()?, &answer.usage)
    }

    fn start(&mut self, now: Mono) {
        if !matches!(self.state, State::Fresh) {
            return;
        }
        self.began = now;
        self.turns = self.plan.links.iter().map(|_| Turn::Gone).collect();
        for index in 0..self.plan.links.len() {
            self.place(index, now);
        }
        if let Some(ending) = self.barred() {
            return self.finish(ending, now);
        }
        self.out.push(Command::Wake {
            at: self.deadline(),
        });
        self.next(now);
    }

    fn cancel(&mut self, now: Mono) {
        if self.is_over() {
            return;
        }
        self.give_up(&Fault::new(FaultClass::Cancelled), now);
        self.finish(Ending::Cancelled, now);
    }

    /// Ends the run. What is still in flight is dropped and counted.
    fn finish(&mut self, ending: Ending, now: Mono) {
        if self.is_over() {
            return;
        }
        self.give_up(
            &Fault::new(FaultClass::Cancelled).saying("the run was over"),
            now,
        );
        for index in 0..self.turns.len() {
            let reason = match self.turns.get(index) {
                Some(Turn::Due { .. } | Turn::Flying { .. }) if self.was_asked(index) => None,
                Some(Turn::Due { .. } | Turn::Flying { .. }) if ending.has_text() => {
                    Some(SkipReason::NotNeeded)
                }
                Some(Turn::Due { .. } | Turn::Flying { .. }) => Some(SkipReason::RunEnded),
                Some(Turn::Behind { until }) => Some(SkipReason::Open { until: *until }),
                Some(Turn::Rests {
                    asked: false,
                    because,
                    ..
                }) => Some(because.clone()),
                Some(Turn::Rests { .. } | Turn::Asked | Turn::Gone) | None => None,
            };
            if let Some(reason) = reason {
                self.skip(index, reason);
            }
        }
        let links = &self.plan.links;
        let place = |skipped: &Skipped| {
            links
                .iter()
                .position(|planned| planned.link.name == skipped.link)
        };
        self.story.skipped.sort_by_key(place);
        self.state = State::Over(ending);
        self.out.push(Command::Done(ending));
    }

    fn deadline(&self) -> Mono {
        self.began.after(self.plan.policy.clocks.run)
    }

    fn civil(&self, now: Mono) -> Timestamp {
        let began = self.plan.began;
        began.checked_add(now.since(self.began)).unwrap_or(began)
    }
}
