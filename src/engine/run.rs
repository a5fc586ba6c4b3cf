//! The machine: which link is asked next, when to stop, what to hold and settle.
//!
//! Pure: inputs come in with the time, commands go out. Its promises, each held by a property in
//! `tests/promises.rs`: no call without a hold; every hold settled exactly once; no more calls than
//! the chain allows; the words of two models are never joined; `Done` is said once; an input of an
//! attempt that is past changes nothing but the return of its own hold.

use std::time::Duration;

use super::{
    attempts::{End, Story},
    bill::{self, Heard},
    budget,
    lesson::{self, Lesson},
    plan::{Plan, PlannedLink, Usable},
    policy::{Limits, OnAuthError, Place},
    remedy::{self, Onward, Position, Remedy, Retry, Text},
};
use crate::domain::{
    Attempt, Billed, Cost, Ending, Fault, FaultClass, HoldId, LinkName, Mono, SkipReason, Skipped,
    Timestamp, Usage, Usd, fault::ClockName,
};

/// What happened. Attempts are named by the number of their [`Command::Hold`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// The ledger holds this much for the attempt.
    Granted {
        /// Which attempt.
        attempt: u32,
        /// The hold, to be settled exactly once.
        hold: HoldId,
        /// How much; may be less than the ceiling.
        held: Usd,
    },
    /// The ledger holds nothing.
    Denied {
        /// Which attempt.
        attempt: u32,
    },
    /// The ledger could not be written: no call may be made.
    NoLedger {
        /// Which attempt.
        attempt: u32,
        /// Why, for the receipt.
        why: String,
    },
    /// Something was learnt about the call.
    Fact {
        /// Which attempt.
        attempt: u32,
        /// What.
        fact: Fact,
    },
    /// The next piece of the answer.
    Text {
        /// Which attempt.
        attempt: u32,
        /// The words.
        piece: String,
    },
    /// The answer is whole.
    Ended {
        /// Which attempt.
        attempt: u32,
        /// Whether the model was done.
        whole: Whole,
        /// What the provider counted.
        usage: Usage,
    },
    /// The call failed.
    Failed {
        /// Which attempt.
        attempt: u32,
        /// How.
        fault: Box<Fault>,
        /// What the provider had counted until then.
        usage: Usage,
    },
    /// A time that was asked for has come.
    Tick,
    /// A person stopped it.
    Cancel,
}

/// Something learnt about a call that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A good status came.
    Opened {
        /// The HTTP status.
        status: u16,
        /// The provider's id for the request.
        request: Option<String>,
        /// Time to a new connection.
        connect: Option<Duration>,
    },
    /// The model thinks.
    Thinking,
    /// The model that answers named itself.
    Model(String),
    /// The provider named the request in the body.
    Request(String),
}

/// Whether a model was done when its answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It was.
    Done,
    /// It reached the output limit.
    AtLimit,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the ledger for this much, at least that much.
    Hold {
        /// Which attempt.
        attempt: u32,
        /// For which link.
        link: LinkName,
        /// The worst case.
        ceiling: Usd,
        /// Less than this is no use.
        floor: Usd,
    },
    /// Open a call.
    Call(Box<Call>),
    /// For the receipt: a link is not asked.
    Skip {
        /// Which.
        link: LinkName,
        /// Why.
        because: SkipReason,
    },
    /// Drop the call.
    Abort {
        /// Which attempt.
        attempt: u32,
    },
    /// Tell the ledger what an attempt cost.
    Settle {
        /// The hold.
        hold: HoldId,
        /// What it came to.
        cost: Cost,
    },
    /// Give a [`Input::Tick`] at this time.
    Wake {
        /// When.
        at: Mono,
    },
    /// The next piece of the answer being shown.
    Show {
        /// Who speaks.
        attempt: u32,
        /// The words.
        piece: String,
    },
    /// What was shown is void; this attempt begins anew.
    Replace {
        /// Who speaks from now on.
        attempt: u32,
        /// What ended the one before.
        because: FaultClass,
    },
    /// It is over.
    Done(Ending),
}

/// One call to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which attempt.
    pub attempt: u32,
    /// Whom to ask.
    pub link: LinkName,
    /// The most tokens it may write.
    pub output_limit: u32,
    /// The four clocks.
    pub limits: Limits,
    /// Parameters to leave out.
    pub without: Vec<String>,
}

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

/// Where a link stands in this run.
#[derive(Clone, Debug)]
enum Turn {
    /// Its turn may come.
    Due { dropped: Retry },
    /// It rests; asked only if nothing else is left and the time is near.
    Rests {
        ready: Mono,
        asked: bool,
        because: SkipReason,
    },
    /// It was asked or is being asked.
    Asked,
    /// It was skipped.
    Gone,
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
                if let Some(index) = self.holding(attempt) {
                    self.skip(index, SkipReason::NotUsable(why));
                    self.finish(Ending::Failed);
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

    /// Decides where a link stands at the beginning.
    fn place(&mut self, index: usize, now: Mono) {
        let Some(link) = self.plan.links.get(index) else {
            return;
        };
        if let Some(reason) = self.plan.obstacle(link) {
            return self.skip(index, reason);
        }
        let turn = match link.usable {
            Usable::Resting { until, because } => Turn::Rests {
                ready: now.after(self.plan.wait_until(until)),
                asked: false,
                because: SkipReason::Resting { until, because },
            },
            Usable::Open { until, .. } => {
                let others = self.plan.links.iter();
                let usable = others
                    .filter(|other| self.plan.obstacle(other).is_none())
                    .any(|other| matches!(other.usable, Usable::Yes));
                if usable {
                    return self.skip(index, SkipReason::Open { until });
                }
                Turn::Due {
                    dropped: Retry::Open,
                }
            }
            Usable::Yes | Usable::No(_) => Turn::Due {
                dropped: Retry::Open,
            },
        };
        self.set(index, turn);
    }

    /// Tells whether a refused key forbids every draft.
    fn is_barred(&self) -> bool {
        self.plan.policy.on_auth_error == OnAuthError::Stop
            && self
                .plan
                .links
                .iter()
                .any(|link| link.usable == Usable::No(SkipReason::KeyInvalid))
    }

    /// Asks the next link, waits for one that rests, or ends.
    fn next(&mut self, now: Mono) {
        if now >= self.deadline() {
            return self.finish(Ending::Failed);
        }
        if let Some(index) = self.due() {
            return self.ask(index, now);
        }
        let near = now.after(self.plan.policy.clocks.short_rest);
        let soonest = self
            .turns
            .iter()
            .enumerate()
            .filter_map(|(index, turn)| match turn {
                Turn::Rests { ready, asked, .. }
                    if *ready <= near && (!asked || self.retry == Retry::Open) =>
                {
                    Some((*ready, index, *asked))
                }
                Turn::Rests { .. } | Turn::Due { .. } | Turn::Asked | Turn::Gone => None,
            })
            .min();
        match soonest {
            Some((ready, index, asked)) => {
                if asked {
                    self.retry = Retry::Spent;
                }
                self.wait(index, ready, now);
            }
            None => self.finish(self.verdict()),
        }
    }

    /// Returns the link whose turn it is: as the chain says, but of links that failed too often
    /// lately the one that failed longest ago.
    fn due(&self) -> Option<usize> {
        let age = |index: &usize| match self.plan.links.get(*index).map(|link| &link.usable) {
            Some(Usable::Open { failed, .. }) => *failed,
            Some(Usable::Yes | Usable::Resting { .. } | Usable::No(_)) | None => None,
        };
        (0..self.turns.len())
            .filter(|index| matches!(self.turns.get(*index), Some(Turn::Due { .. })))
            .min_by_key(age)
    }

    fn wait(&mut self, index: usize, until: Mono, now: Mono) {
        if until <= now {
            return self.ask(index, now);
        }
        self.state = State::Waiting { index, until };
        self.out.push(Command::Wake { at: until });
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

    fn ended(&mut self, attempt: u32, whole: Whole, usage: Usage, now: Mono) {
        let Some(live) = self.calling(attempt) else {
            return;
        };
        if !live.spoke {
            let fault = Fault {
                billed: Billed::Yes,
                ..Fault::new(FaultClass::Empty)
            };
            return self.failed(attempt, &fault, usage, now);
        }
        let live = live.clone();
        let (ending, class) = match whole {
            Whole::Done => (Ending::Answered, None),
            Whole::AtLimit => (Ending::Truncated, Some(FaultClass::Truncated)),
        };
        let cost = self.bill(&live, &usage, |price, heard| {
            bill::ended(price, &usage, heard)
        });
        self.settle(live.hold, cost);
        self.story.answered(
            class,
            End {
                took: now.since(live.began),
                usage,
                cost,
                void: None,
            },
        );
        if let Some(record) = self.story.now() {
            let lesson = Lesson::Worked {
                link: record.link.clone(),
                first_text: record.first_text,
            };
            self.story.lessons.push(lesson);
        }
        self.set(live.index, Turn::Asked);
        self.text = Some(live.text);
        self.finish(ending);
    }

    fn failed(&mut self, attempt: u32, fault: &Fault, usage: Usage, now: Mono) {
        let Some(live) = self.calling(attempt) else {
            return;
        };
        let live = live.clone();
        let position = self.position(&live);
        self.close(&live, fault, usage, now);
        match remedy::remedy(fault, position, &self.plan.policy) {
            Remedy::Retry {
                wait,
                without: None,
            } => {
                self.retry = Retry::Spent;
                let how = if wait.is_zero() {
                    "asked"
                } else {
                    "waited and asked"
                };
                let words = fault.class.words();
                self.moved_on = Some(format!("{words}: the last link, {how} once more"));
                self.wait(live.index, now.after(wait), now);
            }
            Remedy::Retry {
                without: Some(parameter),
                ..
            } => self.without(live.index, parameter, now),
            Remedy::MoveOn(onward) => self.move_on(&live, onward, fault, now),
            Remedy::Stop(ending) => self.finish(ending),
        }
    }

    /// Settles and records an attempt that failed.
    fn close(&mut self, live: &Live, fault: &Fault, usage: Usage, now: Mono) {
        let cost = self.bill(live, &usage, |price, heard| {
            bill::failed(price, fault, &usage, heard)
        });
        self.settle(live.hold, cost);
        if let Some(voice) = &mut self.voice
            && voice.attempt == self.attempt
        {
            voice.ended = fault.class;
        }
        let void = live.spoke.then(|| live.text.clone());
        self.story.failed(
            fault,
            End {
                took: now.since(live.began),
                usage,
                cost,
                void,
            },
        );
        let at = self.civil(now);
        if let Some(link) = self.name(live.index) {
            let siblings: Vec<LinkName> = self
                .plan
                .links
                .iter()
                .map(|planned| planned.link.name.clone())
                .filter(|name| name.provider == link.provider)
                .collect();
            let lessons = lesson::of_fault(&link, &siblings, fault, at);
            self.story.lessons.extend(lessons);
        }
    }

    /// Asks the same link once more without a parameter that it refused.
    fn without(&mut self, index: usize, parameter: String, now: Mono) {
        self.moved_on = Some(format!(
            "it does not accept `{parameter}`: asked without it"
        ));
        self.set(
            index,
            Turn::Due {
                dropped: Retry::Spent,
            },
        );
        if let Some(planned) = self.plan.links.get_mut(index) {
            let link = planned.link.name.clone();
            planned.without.push(parameter.clone());
            self.story.lessons.push(Lesson::Quirk { link, parameter });
        }
        self.ask(index, now);
    }

    fn move_on(&mut self, live: &Live, onward: Onward, fault: &Fault, now: Mono) {
        let rest = lesson::rest_until(fault, self.civil(now));
        let turn = match (fault.class, fault.wait, rest) {
            (FaultClass::RateLimited, Some(wait), Some(until)) => Turn::Rests {
                ready: now.after(wait),
                asked: true,
                because: SkipReason::Resting {
                    until,
                    because: fault.class,
                },
            },
            _ => Turn::Asked,
        };
        self.set(live.index, turn);
        let provider = self.name(live.index).map(|link| link.provider);
        let window = self.plan.links.get(live.index).map(|planned| {
            let known = planned.link.window;
            // Bytes bound the tokens from above; a token is seldom more than four of them.
            known.unwrap_or(self.plan.prompt_at_most.div_euclid(4))
        });
        for index in 0..self.turns.len() {
            let Some(planned) = self.due_link(index) else {
                continue;
            };
            let reason = match onward {
                Onward::Any => None,
                Onward::OtherKey => (Some(&planned.link.name.provider) == provider.as_ref())
                    .then(|| rest_of_the_key(fault.class, rest)),
                Onward::LargerWindow => {
                    (planned.link.window <= window).then_some(SkipReason::TooSmall)
                }
            };
            if let Some(reason) = reason {
                self.skip(index, reason);
            }
        }
        let words = fault.class.words();
        self.moved_on = Some(match self.due().and_then(|index| self.name(index)) {
            Some(next) => format!("{words}: next link, {next}"),
            None => format!("{words}: no other link was left"),
        });
        self.next(now);
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

    /// Returns how a run ends that has nobody left to ask.
    fn verdict(&self) -> Ending {
        let asked = &self.story.attempts;
        let all_asked = |class| asked.iter().all(|attempt| attempt.class == Some(class));
        let skipped = || {
            let skips = self.story.skipped.iter();
            skips.map(|skipped| &skipped.because)
        };
        let no_key_left = all_asked(FaultClass::KeyRefused)
            && skipped().all(|reason| *reason == SkipReason::KeyInvalid)
            && !self.plan.links.is_empty()
            && !self.rests();
        let last = asked.last().and_then(|attempt| attempt.class);
        let offline = all_asked(FaultClass::Unreachable)
            && !self.rests()
            && skipped()
                .all(|reason| matches!(reason, SkipReason::Open { .. } | SkipReason::NoKey));
        if self.capped {
            Ending::OverCap
        } else if no_key_left {
            Ending::KeyRefused
        } else if asked.is_empty() {
            Ending::NoLink
        } else if last == Some(FaultClass::TooLong) {
            Ending::TooLong
        } else if offline {
            Ending::Offline
        } else {
            Ending::Failed
        }
    }

    fn rests(&self) -> bool {
        self.turns
            .iter()
            .any(|turn| matches!(turn, Turn::Rests { .. }))
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

    fn skip(&mut self, index: usize, because: SkipReason) {
        self.set(index, Turn::Gone);
        if let Some(link) = self.name(index) {
            self.story.skipped.push(Skipped {
                link: link.clone(),
                because: because.clone(),
            });
            self.out.push(Command::Skip { link, because });
        }
    }

    fn settle(&mut self, hold: HoldId, cost: Cost) {
        self.out.push(Command::Settle { hold, cost });
    }

    fn bill(
        &self,
        live: &Live,
        usage: &Usage,
        count: impl FnOnce(&super::price::Price, Heard<'_>) -> Cost,
    ) -> Cost {
        let price = self.plan.links.get(live.index);
        let Some(price) = price.and_then(|planned| planned.price.as_ref()) else {
            return Cost::AtMost(live.held);
        };
        let heard = Heard {
            text: &live.text,
            thought: live.thinking && usage.tokens_thinking.is_none(),
            prompt_at_most: self.plan.prompt_at_most,
            output_limit: live.output_limit,
            held: live.held,
        };
        count(price, heard)
    }

    fn position(&self, live: &Live) -> Position {
        Position {
            place: self.place_of(live.index),
            text: if live.spoke { Text::Shown } else { Text::None },
            retry: self.retry,
            dropped: match self.turns.get(live.index) {
                Some(Turn::Due { dropped }) => *dropped,
                Some(Turn::Rests { .. } | Turn::Asked | Turn::Gone) | None => Retry::Spent,
            },
        }
    }

    fn place_of(&self, index: usize) -> Place {
        let other = (0..self.turns.len()).any(|at| at != index && self.due_link(at).is_some());
        if other { Place::HasNext } else { Place::Last }
    }

    fn due_link(&self, index: usize) -> Option<&PlannedLink> {
        matches!(self.turns.get(index), Some(Turn::Due { .. }))
            .then(|| self.plan.links.get(index))
            .flatten()
    }

    fn was_asked(&self, index: usize) -> bool {
        let name = self.plan.links.get(index).map(|planned| &planned.link.name);
        let mut asked = self.story.attempts.iter();
        asked.any(|attempt| Some(&attempt.link) == name)
    }

    fn name(&self, index: usize) -> Option<LinkName> {
        let planned = self.plan.links.get(index)?;
        Some(planned.link.name.clone())
    }

    fn set(&mut self, index: usize, turn: Turn) {
        if let Some(slot) = self.turns.get_mut(index) {
            *slot = turn;
        }
    }

    fn deadline(&self) -> Mono {
        self.began.after(self.plan.policy.clocks.run)
    }

    fn civil(&self, now: Mono) -> Timestamp {
        let began = self.plan.began;
        began.checked_add(now.since(self.began)).unwrap_or(began)
    }
}

/// Returns why the other links of a key are skipped once one of them failed for it.
fn rest_of_the_key(class: FaultClass, rest: Option<Timestamp>) -> SkipReason {
    match rest {
        Some(until) => SkipReason::Resting {
            until,
            because: class,
        },
        None => SkipReason::KeyInvalid,
    }
}
