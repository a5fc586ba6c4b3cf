//! Judges how links have behaved lately: a link that fails again and again is left alone a while.
//!
//! In memory only; time comes in. A fault of the caller (400, a refusal, a prompt too long) never
//! counts, nor does one that names its own time (a rate limit, spent credit).

use std::{collections::BTreeMap, time::Duration};

use crate::domain::{Billed, Fault, FaultClass, LinkName, Mono, ProviderName, fault::ClockName};

/// Failures further apart than this do not add up.
const WINDOW: Duration = Duration::from_secs(30);
/// So much opens it.
const ENOUGH: u32 = 3;
/// The first time it stays open.
const FIRST_OPEN: Duration = Duration::from_secs(5);
/// The longest time it stays open.
const LONGEST_OPEN: Duration = Duration::from_mins(5);

/// How one link or provider has behaved lately.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    failures: Vec<(Mono, u32)>,
    open: Option<Opened>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Opened {
    until: Mono,
    lasted: Duration,
}

/// Whether a link may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may.
    Closed,
    /// It failed too often lately; ask others until then.
    Open {
        /// Until when.
        until: Mono,
    },
    /// Its time is over; the next answer decides.
    HalfOpen,
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
    pub fn judge(&self, now: Mono) -> Judgement {
        match self.open {
            None => Judgement::Closed,
            Some(open) if now < open.until => Judgement::Open { until: open.until },
            Some(_) => Judgement::HalfOpen,
        }
    }

    /// Notes a failure.
    pub fn failed(&mut self, weight: Weight, now: Mono) {
        self.failures.retain(|(at, _)| now.since(*at) <= WINDOW);
        let points = match weight {
            Weight::None => return,
            Weight::One => 1,
            Weight::Two => 2,
            Weight::Opens => ENOUGH,
        };
        self.failures.push((now, points));
        let sum: u32 = self.failures.iter().map(|(_, points)| points).sum();
        match self.open {
            // One failure at half open is enough, and the next time is twice as long.
            Some(open) if now >= open.until => {
                self.open_for(open.lasted.saturating_mul(2).min(LONGEST_OPEN), now);
            }
            None if sum >= ENOUGH => self.open_for(FIRST_OPEN, now),
            Some(_) | None => {}
        }
    }

    /// Notes a probe that was dropped before its answer: the link is left alone as long again, for
    /// each probe may cost money.
    pub fn undecided(&mut self, now: Mono) {
        if let Some(open) = self.open.filter(|open| now >= open.until) {
            self.open_for(open.lasted, now);
        }
    }

    /// Notes a good answer: what was before it no longer counts.
    pub fn worked(&mut self) {
        self.failures.clear();
        self.open = None;
    }

    /// Returns when it last failed, if that is remembered.
    pub fn last_failure(&self) -> Option<Mono> {
        self.failures.last().map(|(at, _)| *at)
    }

    fn open_for(&mut self, lasted: Duration, now: Mono) {
        self.open = Some(Opened {
            until: now.after(lasted),
            lasted,
        });
    }
}

/// The standings of all links and of their providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakers {
    links: BTreeMap<LinkName, Standing>,
    providers: BTreeMap<ProviderName, Standing>,
}

impl Breakers {
    /// Says whether a link may be asked: neither it nor its provider is open.
    pub fn judge(&self, link: &LinkName, now: Mono) -> Judgement {
        let of = |standing: Option<&Standing>| {
            standing.map_or(Judgement::Closed, |standing| standing.judge(now))
        };
        let own = of(self.links.get(link));
        let provider = of(self.providers.get(&link.provider));
        match (own, provider) {
            (Judgement::Open { until: a }, Judgement::Open { until: b }) => {
                Judgement::Open { until: a.max(b) }
            }
            (open @ Judgement::Open { .. }, _) | (_, open @ Judgement::Open { .. }) => open,
            (Judgement::HalfOpen, _) | (_, Judgement::HalfOpen) => Judgement::HalfOpen,
            (Judgement::Closed, Judgement::Closed) => Judgement::Closed,
        }
    }

    /// Notes a failure of a link.
    pub fn failed(&mut self, link: &LinkName, weight: Weight, now: Mono) {
        self.links
            .entry(link.clone())
            .or_default()
            .failed(weight, now);
        self.providers
            .entry(link.provider.clone())
            .or_default()
            .failed(weight, now);
    }

    /// Notes a probe of a link that was dropped before its answer.
    pub fn undecided(&mut self, link: &LinkName, now: Mono) {
        let own = self.links.get_mut(link);
        let provider = self.providers.get_mut(&link.provider);
        for standing in own.into_iter().chain(provider) {
            standing.undecided(now);
        }
    }

    /// Notes a good answer of a link.
    pub fn worked(&mut self, link: &LinkName) {
        self.links.remove(link);
        self.providers.remove(&link.provider);
    }

    /// Returns when a link last failed, if that is remembered.
    pub fn last_failure(&self, link: &LinkName) -> Option<Mono> {
        self.links.get(link)?.last_failure()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn three_failures_within_thirty_seconds_open_it() {
        let mut standing = Standing::default();
        for second in [0, 20, 40] {
            standing.failed(Weight::One, at(second));
            assert_eq!(standing.judge(at(second)), Judgement::Closed);
        }

        standing.failed(Weight::One, at(45));

        assert_eq!(standing.judge(at(45)), Judgement::Open { until: at(50) });
        assert_eq!(standing.judge(at(50)), Judgement::HalfOpen);
    }

    #[test]
    fn a_timeout_counts_twice_and_a_refused_connection_opens_at_once() {
        let hang = Fault {
            clock: Some(ClockName::FirstText),
            ..Fault::new(FaultClass::TimedOut)
        };
        let mut slow = Standing::default();
        slow.failed(weight(&hang), at(0));
        assert_eq!(slow.judge(at(0)), Judgement::Closed);
        slow.failed(weight(&Fault::new(FaultClass::ServerError)), at(1));
        assert_eq!(slow.judge(at(1)), Judgement::Open { until: at(6) });

        let mut gone = Standing::default();
        gone.failed(weight(&Fault::new(FaultClass::Unreachable)), at(0));
        assert_eq!(gone.judge(at(0)), Judgement::Open { until: at(5) });

        let torn = Fault {
            billed: Billed::Maybe,
            ..Fault::new(FaultClass::Unreachable)
        };
        assert_eq!(weight(&torn), Weight::One);
    }

    #[test]
    fn it_stays_open_twice_as_long_each_time_up_to_five_minutes() {
        let mut standing = Standing::default();
        let mut now = 0;
        let mut lasted = Vec::new();
        for _ in 0..8 {
            standing.failed(Weight::Opens, at(now));
            let Judgement::Open { until } = standing.judge(at(now)) else {
                panic!("not open");
            };
            lasted.push(until.since(at(now)).as_secs());
            now += until.since(at(now)).as_secs();
        }

        assert_eq!(lasted, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_probe_without_an_answer_waits_as_long_again_and_no_longer() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x");
        breakers.failed(&link, Weight::Opens, at(0));
        breakers.undecided(&link, at(3));
        assert_eq!(breakers.judge(&link, at(5)), Judgement::HalfOpen);

        breakers.undecided(&link, at(5));

        let until = at(10);
        assert_eq!(breakers.judge(&link, at(5)), Judgement::Open { until });
        assert_eq!(breakers.judge(&link, until), Judgement::HalfOpen);
    }

    #[test]
    fn a_good_answer_closes_it() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x");
        breakers.failed(&link, Weight::Opens, at(0));
        assert_eq!(
            breakers.judge(&LinkName::new("a", "y"), at(0)),
            Judgement::Open { until: at(5) }
        );

        breakers.worked(&link);

        assert_eq!(breakers.judge(&link, at(0)), Judgement::Closed);
    }

    #[test]
    fn the_callers_own_faults_never_count() {
        let mut standing = Standing::default();
        for second in 0..10 {
            for class in [
                FaultClass::BadInput,
                FaultClass::Refused,
                FaultClass::TooLong,
                FaultClass::RateLimited,
            ] {
                standing.failed(weight(&Fault::new(class)), at(second));
            }
        }

        assert_eq!(standing, Standing::default());
    }
}
