//! The machine: which link is asked next, when to stop, what to hold and settle.
//!
//! Pure: inputs come in with the time, commands go out. Its promises, each held by a property in
//! `tests/promises.rs`: no call without a hold; every hold settled exactly once; no more calls than
//! the chain allows; the words of two models are never joined; `Done` is said once; an input of an
//! attempt that is past changes nothing but the return of its own hold.

mod ends;
mod signal;
mod turns;

pub use self::signal::{Call, Command, Fact, Input, Whole};
use self::turns::Turn;
use super::{attempts::Story, bill, budget, lesson::Lesson, plan::Plan, remedy::Retry};
use crate::domain::{
    Attempt, Billed, Cost, Ending, Fault, FaultClass, HoldId, LinkName, Mono, SkipReason, Skipped,
    Timestamp, Usage, Usd, fault::ClockName,
};

/// One run of the fallback engine.
#[derive(Clone, Debug)]
pub struct Run {
    plan: Plan,
    turns: Vec<Turn>,
    state: State,
    began: Mono,
    /// The number of the last hold asked for.
    attempt: u32,
    retry: Retry,
    /// Holds that have been answered for, so that none is settled twice.
    holds: Vec<HoldId>,
    /// Whether money was denied.
    capped: bool,
    /// The attempt whose words stand on the screen, and what ended it.
    voice: Option<Voice>,
    /// Why the last attempt was left.
    moved_on: Option<String>,
    story: Story,
    text: Option<String>,
    out: Vec<Command>,
}

#[derive(Clone, Debug)]
enum State {
    Fresh,
    Holding { index: usize },
    Waiting { index: usize, until: Mono },
    Calling(Live),
    Over(Ending),
}

/// A call under way.
#[derive(Clone, Debug)]
struct Live {
    index: usize,
    hold: HoldId,
    held: Usd,
    output_limit: u32,
    began: Mono,
    thinking: bool,
    /// Whether a word was shown; leading blanks are kept back until then.
    spoke: bool,
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Voice {
    attempt: u32,
    ended: FaultClass,
}

impl Run {
    /// Makes a run of a plan.
    pub fn new(plan: Plan) -> Self {
        Self {
            turns: Vec::new(),
            state: State::Fresh,
            began: Mono::default(),
            attempt: 0,
            retry: Retry::Open,
            holds: Vec::new(),
            capped: false,
            voice: None,
            moved_on: None,
            story: Story::default(),
            text: None,
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
            Input::Denied { attempt } => {
                if let Some(index) = self.holding(attempt) {
                    self.denied(index, now);
                }
            }
            Input::NoLedger { attempt, why } => {
                if self.holding(attempt).is_some() {
                    self.no_ledger(&why);
                }
            }
            Input::Fact { attempt, fact } => self.learnt(attempt, fact),
            Input::Text { attempt, piece } => self.heard(attempt, &piece, now),
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
            State::Fresh | State::Holding { .. } | State::Waiting { .. } | State::Calling(_) => {
                None
            }
        }
    }

    /// Returns the link whose short rest is waited for, if one is.
    pub fn waits_for(&self) -> Option<LinkName> {
        match self.state {
            State::Waiting { index, .. } => self.name(index),
            State::Fresh | State::Holding { .. } | State::Calling(_) | State::Over(_) => None,
        }
    }

    /// Returns what has happened so far.
    pub const fn story(&self) -> &Story {
        &self.story
    }

    /// Returns the attempts that are over.
    pub fn attempts(&self) -> &[Attempt] {
        self.story.over(matches!(self.state, State::Calling(_)))
    }

    /// Returns the text of the answer, if one was kept.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns what the first link would have cost for the answer's tokens; none when it answered,
    /// when there is no answer, or when its price is not known.
    pub fn first_choice_cost(&self) -> Option<Usd> {
        let first = self.plan.links.first()?;
        let answer = self.story.attempts.last()?;
        if self.text.is_none() || answer.link == first.link.name {
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
        if self.is_barred() {
            return self.finish(Ending::KeyRefused);
        }
        self.out.push(Command::Wake {
            at: self.deadline(),
        });
        self.next(now);
    }

    fn ask(&mut self, index: usize, now: Mono) {
        if now >= self.deadline() {
            return self.finish(Ending::Failed);
        }
        let Some((link, want)) = self.plan.links.get(index).and_then(|link| {
            let want = self.plan.want(link)?;
            Some((link.link.name.clone(), want))
        }) else {
            return self.finish(Ending::NoLink);
        };
        self.attempt = self.attempt.saturating_add(1);
        self.state = State::Holding { index };
        self.out.push(Command::Hold {
            attempt: self.attempt,
            link,
            ceiling: want.ceiling,
            floor: want.floor,
        });
    }

    /// Returns the link for which this attempt waits for money, if it does.
    fn holding(&self, attempt: u32) -> Option<usize> {
        match self.state {
            State::Holding { index } if attempt == self.attempt => Some(index),
            State::Holding { .. }
            | State::Fresh
            | State::Waiting { .. }
            | State::Calling(_)
            | State::Over(_) => None,
        }
    }

    fn granted(&mut self, attempt: u32, hold: HoldId, amount: Usd, now: Mono) {
        if self.holds.contains(&hold) {
            return;
        }
        self.holds.push(hold);
        let Some(index) = self.holding(attempt) else {
            return self.settle(hold, Cost::FREE);
        };
        let buys = self.plan.links.get(index).and_then(|link| {
            let want = self.plan.want(link)?;
            budget::buys(
                link.price.as_ref()?,
                self.plan.prompt_at_most,
                &want,
                amount,
            )
        });
        match buys {
            Some(limit) if now < self.deadline() => self.call(
                Live {
                    index,
                    hold,
                    held: amount,
                    output_limit: limit,
                    began: now,
                    thinking: false,
                    spoke: false,
                    text: String::new(),
                },
                now,
            ),
            Some(_) => {
                self.settle(hold, Cost::FREE);
                self.finish(Ending::Failed);
            }
            None => {
                self.settle(hold, Cost::FREE);
                self.denied(index, now);
            }
        }
    }

    fn denied(&mut self, index: usize, now: Mono) {
        self.capped = true;
        if self.was_asked(index) {
            self.set(index, Turn::Asked);
        } else {
            self.skip(index, SkipReason::OverCap);
        }
        self.next(now);
    }

    /// Ends the run: without a ledger no link may be asked.
    fn no_ledger(&mut self, why: &str) {
        for index in 0..self.turns.len() {
            if self.due_link(index).is_some() && !self.was_asked(index) {
                self.skip(index, SkipReason::NotUsable(why.to_owned()));
            }
        }
        self.finish(Ending::Failed);
    }

    fn call(&mut self, live: Live, now: Mono) {
        let dropped = match self.turns.get(live.index) {
            Some(Turn::Due { dropped }) => *dropped,
            Some(Turn::Rests { .. } | Turn::Asked | Turn::Gone) | None => Retry::Open,
        };
        self.set(live.index, Turn::Due { dropped });
        let place = self.place_of(live.index);
        let at = self.civil(now);
        let left = self.deadline().since(now);
        let because = self.moved_on.take();
        let Some(planned) = self.plan.links.get(live.index) else {
            return;
        };
        let Some(price) = planned.price.as_ref() else {
            return;
        };
        let clocks = &self.plan.policy.clocks;
        let mut limits = clocks.limits(planned.link.temper, planned.history, place);
        limits.total = limits.total.min(left);
        self.story.begin(&planned.link.name, price, because, at);
        self.out.push(Command::Call(Box::new(Call {
            attempt: self.attempt,
            link: planned.link.name.clone(),
            output_limit: live.output_limit,
            limits,
            without: planned.without.clone(),
        })));
        self.state = State::Calling(live);
    }

    /// Returns the call under way, if it is this attempt's.
    fn calling(&mut self, attempt: u32) -> Option<&mut Live> {
        match &mut self.state {
            State::Calling(live) if attempt == self.attempt => Some(live),
            State::Calling(_)
            | State::Fresh
            | State::Holding { .. }
            | State::Waiting { .. }
            | State::Over(_) => None,
        }
    }

    fn learnt(&mut self, attempt: u32, fact: Fact) {
        let Some(live) = self.calling(attempt) else {
            return;
        };
        if fact == Fact::Thinking {
            live.thinking = true;
        }
        let Some(record) = self.story.now() else {
            return;
        };
        match fact {
            Fact::Opened {
                status,
                request,
                connect,
            } => {
                record.status = Some(status);
                record.request_id = request;
                record.connect = connect;
                let provider = record.link.provider.clone();
                self.story.lessons.push(Lesson::KeyWorks(provider));
            }
            Fact::Thinking => {}
            Fact::Model(model) => record.answered_by = Some(model),
            Fact::Request(request) => record.request_id = Some(request),
        }
    }

    fn heard(&mut self, attempt: u32, piece: &str, now: Mono) {
        let Some(live) = self.calling(attempt) else {
            return;
        };
        live.text.push_str(piece);
        let piece = if live.spoke {
            piece.to_owned()
        } else {
            live.text.clone()
        };
        if piece.is_empty() || (!live.spoke && piece.trim().is_empty()) {
            return;
        }
        let took = now.since(live.began);
        if !std::mem::replace(&mut live.spoke, true) {
            if let Some(record) = self.story.now() {
                record.first_text = Some(took);
            }
            if let Some(before) = self.voice.take() {
                self.out.push(Command::Replace {
                    attempt,
                    because: before.ended,
                });
            }
            self.voice = Some(Voice {
                attempt,
                ended: FaultClass::Cut,
            });
        }
        self.out.push(Command::Show { attempt, piece });
    }

    fn tick(&mut self, now: Mono) {
        match &self.state {
            State::Waiting { index, until } if now >= *until => {
                let index = *index;
                self.ask(index, now);
            }
            // Words still come: let it end by itself.
            State::Calling(live) if now >= self.deadline() && !live.spoke => {
                let attempt = self.attempt;
                let live = live.clone();
                self.out.push(Command::Abort { attempt });
                let fault = Fault {
                    clock: Some(ClockName::Total),
                    billed: Billed::Maybe,
                    ..Fault::new(FaultClass::TimedOut)
                };
                self.close(&live, &fault, Usage::default(), now);
                self.set(live.index, Turn::Asked);
                self.finish(Ending::Failed);
            }
            State::Waiting { .. } if now >= self.deadline() => self.finish(Ending::Failed),
            State::Waiting { .. }
            | State::Calling(_)
            | State::Fresh
            | State::Holding { .. }
            | State::Over(_) => {}
        }
    }

    fn cancel(&mut self, now: Mono) {
        match &self.state {
            State::Over(_) => return,
            State::Calling(live) => {
                let attempt = self.attempt;
                let live = live.clone();
                self.out.push(Command::Abort { attempt });
                let fault = Fault {
                    billed: Billed::Maybe,
                    ..Fault::new(FaultClass::Cancelled)
                };
                self.close(&live, &fault, Usage::default(), now);
                self.set(live.index, Turn::Asked);
            }
            State::Fresh | State::Holding { .. } | State::Waiting { .. } => {}
        }
        self.finish(Ending::Cancelled);
    }

    fn finish(&mut self, ending: Ending) {
        if self.is_over() {
            return;
        }
        for index in 0..self.turns.len() {
            let reason = match self.turns.get(index) {
                Some(Turn::Due { .. }) if self.was_asked(index) => None,
                Some(Turn::Due { .. }) if ending.has_text() => Some(SkipReason::NotNeeded),
                Some(Turn::Due { .. }) => Some(SkipReason::RunEnded),
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

    fn settle(&mut self, hold: HoldId, cost: Cost) {
        self.out.push(Command::Settle { hold, cost });
    }

    fn deadline(&self) -> Mono {
        self.began.after(self.plan.policy.clocks.run)
    }

    fn civil(&self, now: Mono) -> Timestamp {
        let began = self.plan.began;
        began.checked_add(now.since(self.began)).unwrap_or(began)
    }
}
