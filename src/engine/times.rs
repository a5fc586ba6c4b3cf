//! How fast a link answered lately, which the clocks of its next call build on, and what is left
//! of its rate limit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::policy::History;
use crate::domain::{RateLeft, Timestamp};

/// How many times are kept.
const KEPT: usize = 64;
/// With fewer than these nothing is said about the slowest twentieth.
const NEEDED: usize = 5;

/// The newest times of one link, newest last, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// To the first words, or to the whole answer where it does not stream.
    first_words: Vec<u64>,
    /// The 99th percentile of the time between two pieces of each answer.
    gaps: Vec<u64>,
    /// What was left of the rate limit, and when that was said.
    #[serde(default)]
    left: Option<(RateLeft, Timestamp)>,
}

impl Times {
    /// Notes what is left of the rate limit.
    pub const fn note_left(&mut self, left: RateLeft, now: Timestamp) {
        self.left = Some((left, now));
    }

    /// Returns what was last known to be left of the rate limit, and when that was said.
    pub const fn left(&self) -> Option<(RateLeft, Timestamp)> {
        self.left
    }

    /// Notes one more answer.
    pub fn note(&mut self, first_words: Option<Duration>, gap: Option<Duration>) {
        for (kept, time) in [(&mut self.first_words, first_words), (&mut self.gaps, gap)] {
            let Some(time) = time else { continue };
            if kept.len() >= KEPT {
                kept.drain(..=kept.len() - KEPT);
            }
            kept.push(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        }
    }

    /// Keeps the times of `other` where it knows more of them; what is left of the rate limit stays.
    pub fn or_more_of(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.first_words, &other.first_words),
            (&mut self.gaps, &other.gaps),
        ] {
            if others.len() > own.len() {
                own.clone_from(others);
            }
        }
    }

    /// Returns what the clocks of the next call may build on.
    pub fn history(&self) -> History {
        History {
            first_text_p95: percentile(&self.first_words, 95),
            gap_p99: percentile(&self.gaps, 99),
        }
    }
}

fn percentile(times: &[u64], percent: usize) -> Option<Duration> {
    if times.len() < NEEDED {
        return None;
    }
    let place = times.len() * percent / 100;
    if place >= times.len() {
        return None;
    }
    let mut times = times.to_vec();
    let (_, found, _) = times.select_nth_unstable(place);
    Some(Duration::from_millis(*found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(first_words: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::default();
        for millis in first_words {
            let time = Some(Duration::from_millis(millis));
            times.note(time, time);
        }
        times
    }

    #[test]
    fn of_few_answers_nothing_is_said() {
        assert_eq!(after([300; 4]).history(), History::default());
        let some = after([300, 900, 400, 500, 600]).history();
        assert_eq!(some.first_text_p95, Some(Duration::from_millis(900)));
    }

    #[test]
    fn only_the_newest_count() {
        let times = after((0..200).map(|at| if at < 100 { 9_000 } else { 50 }));

        assert_eq!(times.first_words.len(), KEPT);
        let history = times.history();
        assert_eq!(history.first_text_p95, Some(Duration::from_millis(50)));
        assert_eq!(history.gap_p99, Some(Duration::from_millis(50)));
    }

    #[test]
    fn a_call_without_a_gap_leaves_the_gaps_alone() {
        let mut times = after([100; 5]);
        times.note(Some(Duration::from_secs(1)), None);

        assert_eq!((times.first_words.len(), times.gaps.len()), (6, 5));
    }
}
