//! How one link or provider has behaved lately, and whether it may be asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{Billed, Fault, FaultClass, Timestamp, fault::ClockName};

/// Failures further apart than this do not add up.
const WINDOW: Duration = Duration::from_secs(30);
/// So much opens it.
const ENOUGH: u32 = 3;
/// In this longer window half of the calls must be good.
const LONG_WINDOW: Duration = Duration::from_mins(1);
/// With fewer calls in the long window nothing is said of their half.
const CALLS_ENOUGH: usize = 10;
/// The first time it stays open.
const FIRST_OPEN: Duration = Duration::from_secs(5);
/// The longest time it stays open.
const LONGEST_OPEN: Duration = Duration::from_mins(5);
/// So many good probes close it.
const PROBES: u32 = 3;
/// After so many probes that were dropped before their answer it is asked by itself: it is slower
/// than those beside it, and only its own answer tells whether it is well.
const UNDECIDED: u32 = 2;
/// More calls than these are not remembered.
const CALLS_KEPT: usize = 128;

/// How one link or provider has behaved lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Calls since the first failure, oldest first; a good one has no points.
    calls: Vec<(Timestamp, u32)>,
    open: Option<Opened>,
    /// Until when a person lets it rest.
    by_hand: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Opened {
    until: Timestamp,
    /// Without its jitter.
    lasted: Duration,
    /// Good probes since then.
    probes: u32,
    /// Until when a probe is taken to be under way.
    probing: Option<Timestamp>,
    /// Probes since then that were dropped before their answer.
    #[serde(default)]
    undecided: u32,
}

/// Whether a link may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may.
    Closed,
    /// It failed too often lately; ask others until then.
    Open {
        /// Until when.
        until: Timestamp,
    },
    /// Its time is over; a probe beside another link decides.
    HalfOpen,
    /// A person lets it rest.
    Rested {
        /// Until when.
        until: Timestamp,
    },
}

/// Chance, from 0 to 255, brought in from outside: spreads the times so that many desks do not
/// come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Luck(pub u8);

impl Luck {
    /// Spreads a time by up to a fifth either way.
    fn spread(self, time: Duration) -> Duration {
        let percent = 80 + u32::from(self.0) * 40 / 255;
        time.saturating_mul(percent) / 100
    }
}

/// What a failure says about a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Nothing: the fault was the caller's, or names its own time.
    None,
    /// One more.
    One,
    /// As much as two: it cost a person time.
    Two,
    /// Nobody is there at all.
    Opens,
}

/// Returns what a failure says about the link it happened at.
pub fn weight(fault: &Fault) -> Weight {
    match fault.class {
        FaultClass::Overloaded | FaultClass::ServerError | FaultClass::Empty | FaultClass::Cut => {
            Weight::One
        }
        FaultClass::TimedOut => match fault.clock {
            Some(ClockName::Total) => Weight::One,
            Some(ClockName::Connect | ClockName::FirstText | ClockName::Gap) | None => Weight::Two,
        },
        // Never connected, or torn after the question was sent.
        FaultClass::Unreachable => match fault.billed {
            Billed::No => Weight::Opens,
            Billed::Maybe | Billed::Yes => Weight::One,
        },
        FaultClass::RateLimited
        | FaultClass::OutOfCredit
        | FaultClass::ModelGone
        | FaultClass::Truncated
        | FaultClass::KeyRefused
        | FaultClass::BadInput
        | FaultClass::TooLong
        | FaultClass::Refused
        | FaultClass::Cancelled
        | FaultClass::OverCap => Weight::None,
    }
}

impl Standing {
    /// Says whether it may be asked now.
    pub fn judge(&self, now: Timestamp) -> Judgement {
        if let Some(until) = self.by_hand.filter(|until| now < *until) {
            return Judgement::Rested { until };
        }
        let Some(open) = self.open else {
            return Judgement::Closed;
        };
        // A clock that was put back must not keep it open for ever.
        let longest = now.saturating_add(LONGEST_OPEN + LONGEST_OPEN);
        let until = longest.map_or(open.until, |longest| open.until.min(longest));
        if now < until {
            return Judgement::Open { until };
        }
        match open.probing.filter(|probing| now < *probing) {
            Some(until) => Judgement::Open { until },
            None => Judgement::HalfOpen,
        }
    }

    /// Notes a failure.
    pub fn failed(&mut self, weight: Weight, now: Timestamp, luck: Luck) {
        let points = match weight {
            Weight::None => return,
            Weight::One => 1,
            Weight::Two => 2,
            Weight::Opens => ENOUGH,
        };
        self.note(points, now);
        match self.open {
            // One failure at half open is enough, and the next time is twice as long.
            Some(open) if now >= open.until => {
                let lasted = open.lasted.saturating_mul(2).min(LONGEST_OPEN);
                self.open_for(lasted, now, luck);
            }
            None if self.is_enough(now) => self.open_for(FIRST_OPEN, now, luck),
            Some(_) | None => {}
        }
        if let Some(open) = &mut self.open {
            open.probes = 0;
        }
    }

    /// Notes until when it asked to be left alone: where it is open, the later time wins.
    pub fn not_before(&mut self, until: Timestamp) {
        if let Some(open) = &mut self.open {
            open.until = open.until.max(until);
        }
    }

    /// Notes a probe that was dropped before its answer: the link is left alone twice as long, for
    /// each such probe may cost its whole hold.
    pub fn undecided(&mut self, now: Timestamp, luck: Luck) {
        if let Some(open) = self.open.filter(|open| now >= open.until) {
            self.open_for(open.lasted.saturating_mul(2).min(LONGEST_OPEN), now, luck);
            if let Some(now) = &mut self.open {
                now.probes = open.probes;
                now.undecided = open.undecided.saturating_add(1);
            }
        }
    }

    /// Notes a good answer: at half open the third in a row closes it.
    pub fn worked(&mut self, now: Timestamp) {
        let Some(open) = &mut self.open else {
            if !self.calls.is_empty() {
                self.note(0, now);
            }
            return;
        };
        open.probing = None;
        open.probes += 1;
        if open.probes >= PROBES {
            self.open = None;
            self.calls.clear();
        }
    }

    /// Tells whether probes beside others say nothing of it, so that it is asked by itself.
    pub fn wants_a_turn(&self) -> bool {
        self.open.is_some_and(|open| open.undecided >= UNDECIDED)
    }

    /// Tells whether it has answered since it failed too often, or never did fail so.
    pub fn is_proved(&self) -> bool {
        self.open.is_none_or(|open| open.probes > 0)
    }

    /// Claims the one probe that may be under way; false when another has it.
    pub fn claim(&mut self, now: Timestamp, until: Timestamp) -> bool {
        let is_free = self.judge(now) == Judgement::HalfOpen;
        if let Some(open) = self.open.as_mut().filter(|_| is_free) {
            open.probing = Some(until);
        }
        is_free
    }

    /// Gives a claimed probe back that nobody asked, or that taught nothing.
    pub const fn release(&mut self) {
        if let Some(open) = &mut self.open {
            open.probing = None;
        }
    }

    /// Lets it rest until a time, as a person wants it.
    pub const fn rest(&mut self, until: Timestamp) {
        self.by_hand = Some(until);
    }

    /// Returns when it last failed, if that is remembered.
    pub fn last_failure(&self) -> Option<Timestamp> {
        let mut failures = self.calls.iter().rev().filter(|(_, points)| *points > 0);
        failures.next().map(|(at, _)| *at)
    }

    /// Tells whether nothing of it needs to be remembered.
    pub fn is_plain(&self, now: Timestamp) -> bool {
        self.open.is_none()
            && self.by_hand.is_none_or(|until| until <= now)
            && self
                .calls
                .iter()
                .all(|(at, _)| since(*at, now) > LONG_WINDOW)
    }

    fn note(&mut self, points: u32, now: Timestamp) {
        self.calls.retain(|(at, _)| since(*at, now) <= LONG_WINDOW);
        if self.calls.len() >= CALLS_KEPT {
            self.calls.remove(0);
        }
        self.calls.push((now, points));
    }

    /// Tells whether the failures are enough: three points in the short window, or half of at
    /// least ten calls in the long one.
    fn is_enough(&self, now: Timestamp) -> bool {
        let short = self
            .calls
            .iter()
            .filter(|(at, _)| since(*at, now) <= WINDOW);
        let points: u32 = short.map(|(_, points)| points).sum();
        let failed = self.calls.iter().filter(|(_, points)| *points > 0).count();
        points >= ENOUGH || self.calls.len() >= CALLS_ENOUGH && failed * 2 >= self.calls.len()
    }

    fn open_for(&mut self, lasted: Duration, now: Timestamp, luck: Luck) {
        self.open = Some(Opened {
            until: now.saturating_add(luck.spread(lasted)).unwrap_or(now),
            lasted,
            probes: 0,
            probing: None,
            undecided: 0,
        });
    }
}

/// Returns how long ago `earlier` was; nothing when it lies ahead.
pub(super) fn since(earlier: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(earlier)).unwrap_or(Duration::ZERO)
}
