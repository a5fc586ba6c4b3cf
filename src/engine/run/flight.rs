//! One attempt in flight: money is asked for, then a model. Up to two fly side by side.

use std::time::Duration;

use crate::domain::{HoldId, Mono, Usd};

/// So many of the longest gaps give the 99th percentile of 6,400.
const GAPS_KEPT: usize = 64;

/// An attempt for which money was asked, or a model.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    /// The number of its wish for money.
    pub attempt: u32,
    /// The place of its link in the plan.
    pub index: usize,
    /// Why it flies.
    pub role: Role,
    /// The call; none while the ledger has not answered.
    pub call: Option<Live>,
}

/// Why an attempt flies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is its turn.
    Turn,
    /// Its link failed lately and is tried again, beside one that is well.
    Probe,
    /// The one before is slow.
    Hedge,
}

/// A call under way.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// Its place in the story.
    pub record: usize,
    pub hold: HoldId,
    pub held: Usd,
    pub output_limit: u32,
    pub began: Mono,
    pub thinking: bool,
    /// Whether a word was shown; leading blanks are kept back until then.
    pub spoke: bool,
    pub text: String,
    /// What is done when no word came by then.
    pub alarms: Alarms,
    pub gaps: Gaps,
}

/// What is done while a call is silent, and when; each once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alarms {
    /// The connection to the next link is made.
    pub warm: Option<Mono>,
    /// The next link is asked too.
    pub hedge: Option<Mono>,
}

/// The times between the useful events of one answer; of them only the longest are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    last: Option<Mono>,
    count: usize,
    /// Longest first.
    longest: Vec<Duration>,
}

impl Gaps {
    /// Notes a piece of text or a thought.
    pub(super) fn note(&mut self, now: Mono) {
        let Some(last) = self.last.replace(now) else {
            return;
        };
        let gap = now.since(last);
        self.count = self.count.saturating_add(1);
        let place = self.longest.partition_point(|longer| *longer >= gap);
        if place < GAPS_KEPT {
            self.longest.insert(place, gap);
            self.longest.truncate(GAPS_KEPT);
        }
    }

    /// Returns the 99th percentile, or a little more in a very long answer; none of an answer that
    /// came in one piece.
    pub(super) fn p99(&self) -> Option<Duration> {
        let place = self.count.div_euclid(100).min(GAPS_KEPT.saturating_sub(1));
        self.longest.get(place).copied()
    }
}

impl Flight {
    /// Tells whether words of it were shown.
    pub(super) fn spoke(&self) -> bool {
        self.call.as_ref().is_some_and(|live| live.spoke)
    }

    /// Tells whether it is called and gave no sign of thought.
    pub(super) fn is_silent(&self) -> bool {
        self.call
            .as_ref()
            .is_some_and(|live| !live.spoke && !live.thinking)
    }
}

/// Returns the call of an attempt, if it is under way.
pub(super) fn live(flights: &mut [Flight], attempt: u32) -> Option<&mut Live> {
    let mut flights = flights.iter_mut();
    let flight = flights.find(|flight| flight.attempt == attempt)?;
    flight.call.as_mut()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p99_of(gaps_ms: &[u64]) -> Option<Duration> {
        let mut gaps = Gaps::default();
        let mut now = Mono::default();
        gaps.note(now);
        for gap in gaps_ms {
            now = now.after(Duration::from_millis(*gap));
            gaps.note(now);
        }
        gaps.p99()
    }

    #[test]
    fn of_few_gaps_the_longest_counts() {
        assert_eq!(p99_of(&[]), None);
        assert_eq!(p99_of(&[30]), Some(Duration::from_millis(30)));
        assert_eq!(p99_of(&[30, 900, 20]), Some(Duration::from_millis(900)));
    }

    #[test]
    fn of_many_gaps_the_longest_hundredth_does_not_count() {
        let rising: Vec<u64> = (1..=300).collect();
        let falling: Vec<u64> = rising.iter().rev().copied().collect();

        for gaps in [rising, falling] {
            assert_eq!(p99_of(&gaps), Some(Duration::from_millis(297)));
        }
    }

    #[test]
    fn of_very_many_gaps_it_is_rather_too_long_than_too_short() {
        let gaps: Vec<u64> = (1..=10_000).collect();

        assert_eq!(p99_of(&gaps), Some(Duration::from_millis(9_937)));
    }
}
