//! Whose turn it is.

use super::{Command, Live, Run, State};
use crate::{
    domain::{Ending, Fault, FaultClass, LinkName, Mono, SkipReason, Skipped, Timestamp},
    engine::{
        lesson,
        plan::{PlannedLink, Usable},
        policy::{OnAuthError, Place},
        remedy::{Onward, Retry},
    },
};

/// Where a link stands in this run.
#[derive(Clone, Debug)]
pub(super) enum Turn {
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
    /// Decides where a link stands at the beginning.
    pub(super) fn place(&mut self, index: usize, now: Mono) {
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
    pub(super) fn is_barred(&self) -> bool {
        self.plan.policy.on_auth_error == OnAuthError::Stop
            && self
                .plan
                .links
                .iter()
                .any(|link| link.usable == Usable::No(SkipReason::KeyInvalid))
    }

    /// Asks the next link, waits for one that rests, or ends.
    pub(super) fn next(&mut self, now: Mono) {
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
    pub(super) fn due(&self) -> Option<usize> {
        let age = |index: &usize| match self.plan.links.get(*index).map(|link| &link.usable) {
            Some(Usable::Open { failed, .. }) => *failed,
            Some(Usable::Yes | Usable::Resting { .. } | Usable::No(_)) | None => None,
        };
        (0..self.turns.len())
            .filter(|index| matches!(self.turns.get(*index), Some(Turn::Due { .. })))
            .min_by_key(age)
    }

    pub(super) fn wait(&mut self, index: usize, until: Mono, now: Mono) {
        if until <= now {
            return self.ask(index, now);
        }
        self.state = State::Waiting { index, until };
        self.out.push(Command::Wake { at: until });
    }

    pub(super) fn move_on(&mut self, live: &Live, onward: Onward, fault: &Fault, now: Mono) {
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

    pub(super) fn place_of(&self, index: usize) -> Place {
        let other = (0..self.turns.len()).any(|at| at != index && self.due_link(at).is_some());
        if other { Place::HasNext } else { Place::Last }
    }

    pub(super) fn due_link(&self, index: usize) -> Option<&PlannedLink> {
        matches!(self.turns.get(index), Some(Turn::Due { .. }))
            .then(|| self.plan.links.get(index))
            .flatten()
    }

    pub(super) fn was_asked(&self, index: usize) -> bool {
        let name = self.plan.links.get(index).map(|planned| &planned.link.name);
        let mut asked = self.story.attempts.iter();
        asked.any(|attempt| Some(&attempt.link) == name)
    }

    pub(super) fn rests(&self) -> bool {
        self.turns
            .iter()
            .any(|turn| matches!(turn, Turn::Rests { .. }))
    }

    pub(super) fn skip(&mut self, index: usize, because: SkipReason) {
        self.set(index, Turn::Gone);
        if let Some(link) = self.name(index) {
            self.story.skipped.push(Skipped {
                link: link.clone(),
                because: because.clone(),
            });
            self.out.push(Command::Skip { link, because });
        }
    }

    pub(super) fn set(&mut self, index: usize, turn: Turn) {
        if let Some(slot) = self.turns.get_mut(index) {
            *slot = turn;
        }
    }

    pub(super) fn name(&self, index: usize) -> Option<LinkName> {
        let planned = self.plan.links.get(index)?;
        Some(planned.link.name.clone())
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
