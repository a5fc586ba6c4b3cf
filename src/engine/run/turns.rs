//! Whose turn it is.

use super::{Command, Flight, Role, Run, State};
use crate::{
    domain::{Ending, Fault, FaultClass, LinkName, Mono, SkipReason, Skipped, Timestamp},
    engine::{
        lesson,
        plan::{PlannedLink, Usable},
        policy::{OnAuthError, OnFault, Place},
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
    /// It failed too often lately and others are well: asked when all of them have failed.
    Behind { until: Timestamp },
    /// It is being asked, for money or for words.
    Flying { dropped: Retry },
    /// It was asked.
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
                let is_well = others
                    .filter(|other| self.plan.obstacle(other).is_none())
                    .any(|other| matches!(other.usable, Usable::Yes));
                if is_well {
                    Turn::Behind { until }
                } else {
                    Turn::Due {
                        dropped: Retry::Open,
                    }
                }
            }
            Usable::Yes | Usable::HalfOpen | Usable::No(_) => Turn::Due {
                dropped: Retry::Open,
            },
        };
        self.set(index, turn);
    }

    /// Returns how the run ends at once where a fault of a link forbids every draft.
    pub(super) fn barred(&self) -> Option<Ending> {
        let policy = &self.plan.policy;
        let bars = |usable: &Usable| match usable {
            Usable::No(SkipReason::KeyInvalid) if policy.on_auth_error == OnAuthError::Stop => {
                Some(Ending::KeyRefused)
            }
            Usable::Resting { because, .. } => {
                let is_gone = *because == FaultClass::ModelGone;
                let is_spent = *because == FaultClass::OutOfCredit;
                let stops = is_gone && policy.on_model_gone == OnFault::Stop
                    || is_spent && policy.on_no_credit == OnFault::Stop;
                stops.then_some(Ending::NoLink)
            }
            Usable::Yes | Usable::HalfOpen | Usable::Open { .. } | Usable::No(_) => None,
        };
        let mut links = self.plan.links.iter();
        links.find_map(|link| bars(&link.usable))
    }

    /// Asks the next link, waits for one that rests, or ends.
    pub(super) fn next(&mut self, now: Mono) {
        if now >= self.deadline() {
            return self.finish(Ending::Failed, now);
        }
        self.last_resort();
        if let Some(index) = self.due() {
            let Some(well) = self.beside(index) else {
                return self.ask(index, Role::Turn, now);
            };
            // The one that is well goes first: the probe costs nobody time.
            self.ask(well, Role::Turn, now);
            return self.ask(index, Role::Probe, now);
        }
        let near = now.after(self.plan.policy.clocks.short_rest);
        let soonest = self
            .turns
            .iter()
            .enumerate()
            .filter_map(|(index, turn)| match turn {
                Turn::Rests { ready, asked, .. }
                    if *ready <= near && (!asked || self.spent.retry == Retry::Open) =>
                {
                    Some((*ready, index, *asked))
                }
                Turn::Rests { .. }
                | Turn::Due { .. }
                | Turn::Behind { .. }
                | Turn::Flying { .. }
                | Turn::Asked
                | Turn::Gone => None,
            })
            .min();
        match soonest {
            Some((ready, index, asked)) => {
                if asked {
                    self.spent.retry = Retry::Spent;
                }
                self.wait(index, ready, now);
            }
            None => self.finish(self.verdict(), now),
        }
    }

    /// Gives the links their turn that stood behind all others, once no other is left.
    fn last_resort(&mut self) {
        if self.due().is_some() {
            return;
        }
        for turn in &mut self.turns {
            if matches!(turn, Turn::Behind { .. }) {
                *turn = Turn::Due {
                    dropped: Retry::Open,
                };
            }
        }
    }

    /// Returns the link whose turn it is: as the chain says, but of links that failed too often
    /// lately the one that failed longest ago.
    pub(super) fn due(&self) -> Option<usize> {
        let age = |index: &usize| match self.plan.links.get(*index).map(|link| &link.usable) {
            Some(Usable::Open { failed, .. }) => *failed,
            Some(Usable::Yes | Usable::HalfOpen | Usable::Resting { .. } | Usable::No(_))
            | None => None,
        };
        (0..self.turns.len())
            .filter(|index| matches!(self.turns.get(*index), Some(Turn::Due { .. })))
            .min_by_key(age)
    }

    /// Returns the one of those behind all others that would be asked first.
    fn behind(&self) -> Option<usize> {
        let age = |index: &usize| match self.plan.links.get(*index).map(|link| &link.usable) {
            Some(Usable::Open { failed, .. }) => *failed,
            _ => None,
        };
        (0..self.turns.len())
            .filter(|index| matches!(self.turns.get(*index), Some(Turn::Behind { .. })))
            .min_by_key(age)
    }

    pub(super) fn wait(&mut self, index: usize, until: Mono, now: Mono) {
        if until <= now {
            return self.ask(index, Role::Turn, now);
        }
        self.state = State::Waiting { index, until };
        self.out.push(Command::Wake { at: until });
    }

    /// Returns the link that would be asked next.
    pub(super) fn upcoming(&self) -> Option<usize> {
        let Some(index) = self.due() else {
            return self.behind();
        };
        Some(self.beside(index).unwrap_or(index))
    }

    pub(super) fn move_on(&mut self, flight: &Flight, onward: Onward, fault: &Fault, now: Mono) {
        self.leave(flight.index, onward, fault, now);
        let words = fault.class.words();
        let next = self.upcoming().and_then(|index| self.name(index));
        let because = match next {
            Some(next) => format!("{words}: next link, {next}"),
            None => format!("{words}: no other link was left"),
        };
        self.leaves(flight, because);
        self.next(now);
    }

    /// Leaves a link, and passes over those that would fail for the same reason.
    pub(super) fn leave(&mut self, index: usize, onward: Onward, fault: &Fault, now: Mono) {
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
        self.set(index, turn);
        let provider = self.name(index).map(|link| link.provider);
        let window = self.plan.links.get(index).map(|planned| {
            let known = planned.link.window;
            // Bytes bound the tokens from above; a token is seldom more than four of them.
            known.unwrap_or(self.plan.prompt_at_most.div_euclid(4))
        });
        for index in 0..self.turns.len() {
            let waits = self.turns.get(index);
            if !matches!(waits, Some(Turn::Due { .. } | Turn::Behind { .. })) {
                continue;
            }
            let Some(planned) = self.plan.links.get(index) else {
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
    }

    /// Gives a link its turn again for which no call was made.
    pub(super) fn put_back(&mut self, index: usize) {
        let turn = if self.was_asked(index) {
            Turn::Asked
        } else {
            Turn::Due {
                dropped: Retry::Open,
            }
        };
        self.set(index, turn);
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
