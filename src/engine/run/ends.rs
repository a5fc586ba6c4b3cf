//! What follows when an attempt ends.

use super::{Flight, Left, Role, Run, Whole, flight, turns::Turn};
use crate::{
    domain::{Billed, Ending, Fault, FaultClass, Mono, SkipReason, Usage},
    engine::{
        attempts::End,
        bill,
        lesson::{self, Lesson},
        policy::{AfterText, Place},
        remedy::{self, Position, Remedy, Retry, Text},
    },
};

impl Run {
    pub(super) fn ended(&mut self, attempt: u32, whole: Whole, usage: Usage, now: Mono) {
        let Some(live) = flight::live(&mut self.flights, attempt) else {
            return;
        };
        if !live.spoke {
            let fault = Fault {
                billed: Billed::Yes,
                ..Fault::new(FaultClass::Empty)
            };
            return self.failed(attempt, &fault, usage, now);
        }
        let Some(Flight {
            index,
            call: Some(live),
            ..
        }) = self.lands(attempt)
        else {
            return;
        };
        let (ending, class) = match whole {
            Whole::Done => (Ending::Answered, None),
            Whole::AtLimit => (Ending::Truncated, Some(FaultClass::Truncated)),
        };
        let cost = self.bill((index, &live), &usage, |price, heard| {
            bill::ended(price, &usage, heard)
        });
        self.settle(live.hold, cost);
        let end = End {
            took: now.since(live.began),
            usage,
            cost,
            void: None,
        };
        self.story.answered(live.record, class, end);
        if let Some(record) = self.story.attempts.get(live.record) {
            self.story.lessons.push(Lesson::Worked {
                link: record.link.clone(),
                first_text: record.first_text,
                gap_p99: live.gaps.p99(),
            });
        }
        self.set(index, Turn::Asked);
        if let Some(first) = self.name(index) {
            self.unproved(&first, now);
        }
        self.speech.answer = Some(live.record);
        self.speech.text = Some(live.text);
        self.finish(ending, now);
    }

    pub(super) fn failed(&mut self, attempt: u32, fault: &Fault, usage: Usage, now: Mono) {
        if flight::live(&mut self.flights, attempt).is_none() {
            return;
        }
        let Some(flight) = self.lands(attempt) else {
            return;
        };
        let position = self.position(&flight, fault);
        self.close(&flight, fault, usage, now);
        let remedy = remedy::remedy(fault, position, &self.plan.policy);
        if self.is_kept(attempt) {
            // What it said stays, and nobody may go on in its place: not even one asked beside it.
            self.set(flight.index, Turn::Asked);
            let ending = match remedy {
                Remedy::Stop(ending) => ending,
                Remedy::Retry { .. } | Remedy::MoveOn(_) => Ending::Failed,
            };
            return self.finish(ending, now);
        }
        if !self.flights.is_empty() {
            return self.one_of_two(&flight, remedy, fault, now);
        }
        match (remedy, self.spent.refused) {
            (Remedy::Stop(ending), _) | (_, Some(ending)) => {
                self.set(flight.index, Turn::Asked);
                self.finish(ending, now);
            }
            (
                Remedy::Retry {
                    without: Some(parameter),
                    ..
                },
                None,
            ) => self.without(&flight, parameter, Role::Turn, now),
            (Remedy::Retry { wait, .. }, None) => {
                self.spent.retry = Retry::Spent;
                let how = if wait.is_zero() {
                    "asked"
                } else {
                    "waited and asked"
                };
                let words = fault.class.words();
                self.leaves(&flight, format!("{words}: the last link, {how} once more"));
                let dropped = position.dropped;
                self.set(flight.index, Turn::Due { dropped });
                self.wait(flight.index, now.after(wait), now);
            }
            (Remedy::MoveOn(onward), None) => self.move_on(&flight, onward, fault, now),
        }
    }

    /// Tells whether what an attempt said may not be replaced.
    fn is_kept(&self, attempt: u32) -> bool {
        let voice = self.speech.voice.as_ref();
        let is_shown = voice.is_some_and(|voice| voice.attempt == attempt);
        is_shown && self.plan.policy.after_text == AfterText::Stop
    }

    /// What was shown has left. Where it has failed by now, there is nothing to wait for.
    pub(super) fn released(&mut self, now: Mono) {
        self.plan.policy.after_text = AfterText::Stop;
        let Some(voice) = self.speech.voice else {
            return;
        };
        let goes_on = flight::live(&mut self.flights, voice.attempt).is_some();
        if !goes_on && !self.is_over() {
            self.finish(Ending::Failed, now);
        }
    }

    /// Notes why an attempt was left, for the receipt: told at once where another is under way,
    /// else once another follows.
    pub(super) fn leaves(&mut self, flight: &Flight, because: String) {
        let Some(record) = flight.call.as_ref().map(|live| live.record) else {
            return;
        };
        if self.flights.iter().any(|other| other.call.is_some()) {
            self.story.moved_on(record, because);
        } else {
            self.left = Some(Left { record, because });
        }
    }

    /// Settles and records an attempt that failed.
    pub(super) fn close(&mut self, flight: &Flight, fault: &Fault, usage: Usage, now: Mono) {
        let Some(live) = &flight.call else { return };
        let mut fault = fault.clone();
        if live.spoke && fault.billed == Billed::No {
            // Words came: no last word of the provider, a limit say, makes them free for certain.
            fault.billed = Billed::Maybe;
        }
        let fault = &fault;
        let cost = self.bill((flight.index, live), &usage, |price, heard| {
            bill::failed(price, fault, &usage, heard)
        });
        self.settle(live.hold, cost);
        if let Some(voice) = &mut self.speech.voice
            && voice.attempt == flight.attempt
        {
            voice.ended = fault.class;
        }
        let void = live.spoke.then(|| live.text.clone());
        let end = End {
            took: now.since(live.began),
            usage,
            cost,
            void,
        };
        self.story.failed(live.record, fault, end);
        let at = self.civil(now);
        if let Some(link) = self.name(flight.index) {
            let lessons = lesson::of_fault(&link, fault, at);
            self.story.lessons.extend(lessons);
        }
    }

    /// Asks the same link once more without a parameter that it refused.
    pub(super) fn without(&mut self, flight: &Flight, parameter: String, role: Role, now: Mono) {
        let because = format!("it does not accept `{parameter}`: asked without it");
        self.leaves(flight, because);
        let dropped = Retry::Spent;
        self.set(flight.index, Turn::Due { dropped });
        if let Some(planned) = self.plan.links.get_mut(flight.index) {
            let link = planned.link.name.clone();
            planned.without.push(parameter.clone());
            self.story.lessons.push(Lesson::Quirk { link, parameter });
        }
        self.ask(flight.index, role, now);
    }

    fn position(&self, flight: &Flight, fault: &Fault) -> Position {
        let planned = self.plan.links.get(flight.index);
        // Left out already and still refused: leaving it out again would change nothing.
        let is_left_out = planned.is_some_and(|planned| {
            let refused = fault.parameter.as_deref().unwrap_or_default();
            let mut without = planned.without.iter();
            without.any(|left_out| refused.split('.').next() == Some(left_out))
        });
        let dropped = match self.turns.get(flight.index) {
            Some(Turn::Flying { dropped }) if !is_left_out => *dropped,
            Some(
                Turn::Flying { .. }
                | Turn::Due { .. }
                | Turn::Behind { .. }
                | Turn::Rests { .. }
                | Turn::Asked
                | Turn::Gone,
            )
            | None => Retry::Spent,
        };
        let place = if self.flights.is_empty() {
            self.place_of(flight.index)
        } else {
            Place::HasNext
        };
        Position {
            place,
            text: if flight.spoke() {
                Text::Shown
            } else {
                Text::None
            },
            retry: self.spent.retry,
            dropped,
        }
    }

    /// Returns how a run ends that has nobody left to ask.
    pub(super) fn verdict(&self) -> Ending {
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
        } else if last == Some(FaultClass::Refused) {
            Ending::Refused
        } else if offline {
            Ending::Offline
        } else {
            Ending::Failed
        }
    }
}
