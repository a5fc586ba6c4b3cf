//! Judges how links have behaved lately: a link that fails again and again is left alone a while.
//!
//! Pure; times are civil, for the state is kept and shared by every process. A fault of the caller
//! (400, a refusal, a prompt too long) never counts, nor does one that names its own time (a rate
//! limit, spent credit).

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::domain::{
    Billed, Fault, FaultClass, LinkName, ProviderName, Timestamp, fault::ClockName,
};

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
    }

    /// Notes a probe that was dropped before its answer: the link is left alone twice as long, for
    /// each such probe may cost its whole hold.
    pub fn undecided(&mut self, now: Timestamp, luck: Luck) {
        if let Some(open) = self.open.filter(|open| now >= open.until) {
            let probes = open.probes;
            self.open_for(open.lasted.saturating_mul(2).min(LONGEST_OPEN), now, luck);
            if let Some(open) = &mut self.open {
                open.probes = probes;
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
        });
    }
}

/// Returns how long ago `earlier` was; nothing when it lies ahead.
fn since(earlier: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(earlier)).unwrap_or(Duration::ZERO)
}

/// The standings of all links and of their providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Breakers {
    links: BTreeMap<LinkName, Standing>,
    providers: BTreeMap<ProviderName, Standing>,
}

impl Breakers {
    /// Puts a remembered standing in its place; `name` is a link or a provider.
    pub fn put(&mut self, name: &str, standing: Standing) {
        match name.parse::<LinkName>() {
            Ok(link) => drop(self.links.insert(link, standing)),
            Err(_) => drop(
                self.providers
                    .insert(ProviderName(name.to_owned()), standing),
            ),
        }
    }

    /// Returns every standing that must be remembered, by the name of its link or provider.
    pub fn kept(&self, now: Timestamp) -> BTreeMap<String, &Standing> {
        let links = self
            .links
            .iter()
            .map(|(link, kept)| (link.to_string(), kept));
        let providers = self
            .providers
            .iter()
            .map(|(name, kept)| (name.0.clone(), kept));
        links
            .chain(providers)
            .filter(|(_, kept)| !kept.is_plain(now))
            .collect()
    }

    /// Says whether a link may be asked: neither it nor its provider is open.
    pub fn judge(&self, link: &LinkName, now: Timestamp) -> Judgement {
        let of = |standing: Option<&Standing>| {
            standing.map_or(Judgement::Closed, |standing| standing.judge(now))
        };
        let own = of(self.links.get(link));
        let provider = of(self.providers.get(&link.provider));
        match (own, provider) {
            (Judgement::Rested { until: a }, Judgement::Rested { until: b }) => {
                Judgement::Rested { until: a.max(b) }
            }
            (rested @ Judgement::Rested { .. }, _) | (_, rested @ Judgement::Rested { .. }) => {
                rested
            }
            (Judgement::Open { until: a }, Judgement::Open { until: b }) => {
                Judgement::Open { until: a.max(b) }
            }
            (open @ Judgement::Open { .. }, _) | (_, open @ Judgement::Open { .. }) => open,
            (Judgement::HalfOpen, _) | (_, Judgement::HalfOpen) => Judgement::HalfOpen,
            (Judgement::Closed, Judgement::Closed) => Judgement::Closed,
        }
    }

    /// Notes a failure of a link.
    pub fn failed(&mut self, link: &LinkName, weight: Weight, now: Timestamp, luck: Luck) {
        self.links
            .entry(link.clone())
            .or_default()
            .failed(weight, now, luck);
        self.providers
            .entry(link.provider.clone())
            .or_default()
            .failed(weight, now, luck);
    }

    /// Notes a probe of a link that was dropped before its answer.
    pub fn undecided(&mut self, link: &LinkName, now: Timestamp, luck: Luck) {
        for standing in self.of(link) {
            standing.undecided(now, luck);
        }
    }

    /// Notes a good answer of a link.
    pub fn worked(&mut self, link: &LinkName, now: Timestamp) {
        for standing in self.of(link) {
            standing.worked(now);
        }
    }

    /// Claims the one probe of a link that may be under way; false when another has it.
    pub fn claim(&mut self, link: &LinkName, now: Timestamp, until: Timestamp) -> bool {
        if self.judge(link, now) != Judgement::HalfOpen {
            return false;
        }
        for standing in self.of(link) {
            standing.claim(now, until);
        }
        true
    }

    /// Gives the claimed probe of a link back: it was not asked after all, or taught nothing.
    pub fn release(&mut self, link: &LinkName) {
        for standing in self.of(link) {
            standing.release();
        }
    }

    /// Lets a link rest until a time, as a person wants it; a provider with all its links when no
    /// model is named.
    pub fn rest(&mut self, provider: &ProviderName, link: Option<&LinkName>, until: Timestamp) {
        match link {
            Some(link) => self.links.entry(link.clone()).or_default().rest(until),
            None => self
                .providers
                .entry(provider.clone())
                .or_default()
                .rest(until),
        }
    }

    /// Forgets what speaks against a link and its provider; against all links of the provider when
    /// no model is named.
    pub fn wake(&mut self, provider: &ProviderName, link: Option<&LinkName>) {
        self.providers.remove(provider);
        self.links.retain(|known, _| match link {
            Some(link) => known != link,
            None => known.provider != *provider,
        });
    }

    /// Returns when a link last failed, if that is remembered.
    pub fn last_failure(&self, link: &LinkName) -> Option<Timestamp> {
        self.links.get(link)?.last_failure()
    }

    fn of(&mut self, link: &LinkName) -> impl Iterator<Item = &mut Standing> {
        let own = self.links.get_mut(link);
        own.into_iter()
            .chain(self.providers.get_mut(&link.provider))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neither shorter nor longer.
    const EVEN: Luck = Luck(128);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + seconds).unwrap()
    }

    fn open_until(standing: &Standing, now: i64) -> i64 {
        match standing.judge(at(now)) {
            Judgement::Open { until } => until.as_second() - 1_790_000_000,
            other @ (Judgement::Closed | Judgement::HalfOpen | Judgement::Rested { .. }) => {
                panic!("{other:?}")
            }
        }
    }

    #[test]
    fn three_failures_within_thirty_seconds_open_it() {
        let mut standing = Standing::default();
        for second in [0, 20, 40] {
            standing.failed(Weight::One, at(second), EVEN);
            assert_eq!(standing.judge(at(second)), Judgement::Closed);
        }

        standing.failed(Weight::One, at(45), EVEN);

        assert_eq!(open_until(&standing, 45), 50);
        assert_eq!(standing.judge(at(50)), Judgement::HalfOpen);
    }

    #[test]
    fn half_of_ten_calls_in_a_minute_open_it() {
        let mut standing = Standing::default();
        // A failure each 16 s never makes three in 30 s.
        for second in [0, 16, 32, 48] {
            standing.failed(Weight::One, at(second), EVEN);
            standing.worked(at(second + 1));
            assert_eq!(
                standing.judge(at(second + 1)),
                Judgement::Closed,
                "{second}"
            );
        }
        standing.worked(at(50));
        assert_eq!(standing.judge(at(50)), Judgement::Closed, "nine calls");

        standing.failed(Weight::One, at(60), EVEN);

        assert_eq!(open_until(&standing, 60), 65);
    }

    #[test]
    fn a_timeout_counts_twice_and_a_refused_connection_opens_at_once() {
        let hang = Fault {
            clock: Some(ClockName::FirstText),
            ..Fault::new(FaultClass::TimedOut)
        };
        let mut slow = Standing::default();
        slow.failed(weight(&hang), at(0), EVEN);
        assert_eq!(slow.judge(at(0)), Judgement::Closed);
        slow.failed(weight(&Fault::new(FaultClass::ServerError)), at(1), EVEN);
        assert_eq!(open_until(&slow, 1), 6);

        let mut gone = Standing::default();
        gone.failed(weight(&Fault::new(FaultClass::Unreachable)), at(0), EVEN);
        assert_eq!(open_until(&gone, 0), 5);

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
            standing.failed(Weight::Opens, at(now), EVEN);
            let until = open_until(&standing, now);
            lasted.push(until - now);
            now = until + 1;
        }

        assert_eq!(lasted, [5, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn chance_spreads_the_time_by_a_fifth_either_way() {
        for (luck, millis) in [(0, 4_000), (255, 6_000)] {
            let mut standing = Standing::default();
            standing.failed(Weight::Opens, at(0), Luck(luck));

            let Judgement::Open { until } = standing.judge(at(0)) else {
                panic!("not open");
            };
            assert_eq!(since(at(0), until).as_millis(), millis);
        }
    }

    #[test]
    fn three_good_probes_close_it_and_one_is_under_way_at_a_time() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x");
        breakers.failed(&link, Weight::Opens, at(0), EVEN);
        let sibling = LinkName::new("a", "y");
        assert!(matches!(
            breakers.judge(&sibling, at(0)),
            Judgement::Open { .. }
        ));

        for second in [6, 7, 8] {
            assert_eq!(breakers.judge(&link, at(second)), Judgement::HalfOpen);
            assert!(breakers.claim(&link, at(second), at(100)));
            assert!(!breakers.claim(&link, at(second), at(100)), "one at a time");
            breakers.worked(&link, at(second));
        }

        assert_eq!(breakers.judge(&link, at(8)), Judgement::Closed);
        assert!(breakers.kept(at(8)).is_empty());
    }

    #[test]
    fn a_claim_that_is_never_answered_runs_out() {
        let mut standing = Standing::default();
        standing.failed(Weight::Opens, at(0), EVEN);
        assert!(standing.claim(at(6), at(10)));

        assert_eq!(open_until(&standing, 6), 10);
        assert_eq!(standing.judge(at(10)), Judgement::HalfOpen);
    }

    #[test]
    fn a_claim_given_back_lets_the_next_one_probe_at_once() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x");
        breakers.failed(&link, Weight::Opens, at(0), EVEN);
        assert!(breakers.claim(&link, at(7), at(100)));
        assert!(!breakers.claim(&link, at(7), at(100)));

        breakers.release(&link);

        assert_eq!(breakers.judge(&link, at(7)), Judgement::HalfOpen);
        assert!(breakers.claim(&link, at(7), at(100)));
    }

    #[test]
    fn a_person_s_word_goes_first_and_waking_forgets_it_all() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x");
        breakers.rest(&link.provider, None, at(600));
        assert_eq!(
            breakers.judge(&link, at(1)),
            Judgement::Rested { until: at(600) }
        );
        breakers.failed(&link, Weight::Opens, at(1), EVEN);

        breakers.wake(&link.provider, Some(&link));

        assert_eq!(breakers.judge(&link, at(1)), Judgement::Closed);
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        let mut breakers = Breakers::default();
        let link = LinkName::new("a", "x/y");
        breakers.failed(&link, Weight::Opens, at(0), EVEN);
        let kept = breakers.kept(at(0));
        let mut again = Breakers::default();
        for (name, standing) in &kept {
            let json = serde_json::to_string(standing).unwrap();
            again.put(name, serde_json::from_str(&json).unwrap());
        }

        assert_eq!(again, breakers);
    }

    #[test]
    fn a_clock_put_back_keeps_nothing_open_for_ever() {
        let mut standing = Standing::default();
        standing.failed(Weight::Opens, at(1_000_000), EVEN);

        assert_eq!(open_until(&standing, 0), 600);
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
                standing.failed(weight(&Fault::new(class)), at(second), EVEN);
            }
        }

        assert_eq!(standing, Standing::default());
    }
}
