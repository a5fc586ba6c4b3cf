//! What follows when an attempt ends.

use super::{Live, Run, Whole, turns::Turn};
use crate::{
    domain::{Billed, Cost, Ending, Fault, FaultClass, LinkName, Mono, SkipReason, Usage},
    engine::{
        attempts::End,
        bill::{self, Heard},
        chain::Temper,
        lesson::{self, Lesson},
        price::Price,
        remedy::{self, Position, Remedy, Retry, Text},
    },
};

impl Run {
    pub(super) fn ended(&mut self, attempt: u32, whole: Whole, usage: Usage, now: Mono) {
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

    pub(super) fn failed(&mut self, attempt: u32, fault: &Fault, usage: Usage, now: Mono) {
        let Some(live) = self.calling(attempt) else {
            return;
        };
        let live = live.clone();
        let position = self.position(&live, fault);
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
    pub(super) fn close(&mut self, live: &Live, fault: &Fault, usage: Usage, now: Mono) {
        let mut fault = fault.clone();
        if live.spoke && fault.billed == Billed::No {
            // Words came: no last word of the provider, a limit say, makes them free for certain.
            fault.billed = Billed::Maybe;
        }
        let fault = &fault;
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
    pub(super) fn without(&mut self, index: usize, parameter: String, now: Mono) {
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

    pub(super) fn bill(
        &self,
        live: &Live,
        usage: &Usage,
        count: impl FnOnce(&Price, Heard<'_>) -> Cost,
    ) -> Cost {
        let planned = self.plan.links.get(live.index);
        // Some models think without a sign of it: only their own count tells how much.
        let may_think = planned.is_some_and(|planned| {
            matches!(planned.link.temper, Temper::Reasoning | Temper::Silent)
        });
        let Some(price) = planned.and_then(|planned| planned.price.as_ref()) else {
            return Cost::AtMost(live.held);
        };
        let heard = Heard {
            text: &live.text,
            thought: (live.thinking || may_think) && usage.tokens_thinking.is_none(),
            prompt_at_most: self.plan.prompt_at_most,
            output_limit: live.output_limit,
            held: live.held,
        };
        count(price, heard)
    }

    pub(super) fn position(&self, live: &Live, fault: &Fault) -> Position {
        let planned = self.plan.links.get(live.index);
        // Left out already and still refused: leaving it out again would change nothing.
        let is_left_out = planned.is_some_and(|planned| {
            let refused = fault.parameter.as_deref().unwrap_or_default();
            let mut without = planned.without.iter();
            without.any(|left_out| refused.split('.').next() == Some(left_out))
        });
        let dropped = match self.turns.get(live.index) {
            Some(Turn::Due { dropped }) if !is_left_out => *dropped,
            Some(Turn::Due { .. } | Turn::Rests { .. } | Turn::Asked | Turn::Gone) | None => {
                Retry::Spent
            }
        };
        Position {
            place: self.place_of(live.index),
            text: if live.spoke { Text::Shown } else { Text::None },
            retry: self.retry,
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
        } else if offline {
            Ending::Offline
        } else {
            Ending::Failed
        }
    }
}
