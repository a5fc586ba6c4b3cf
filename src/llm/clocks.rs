//! The clocks of one attempt, as values: when each runs out, given what was heard.

use std::time::Duration;

use tokio::time::Instant;

use super::{heard::Limits, wire::Delta};
use crate::domain::fault::ClockName;

/// First content, gap and total; connecting has a limit of its own in `connect`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    limits: Limits,
    began: Instant,
    /// The last text or thought.
    useful: Option<Instant>,
    /// The last sign of life of any kind.
    sign: Instant,
    /// The last text.
    text: Option<Instant>,
}

impl Clocks {
    pub(super) const fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            began: now,
            useful: None,
            sign: now,
            text: None,
        }
    }

    /// Notes what came.
    pub(super) fn note(&mut self, delta: &Delta, now: Instant) {
        self.sign = now;
        match delta {
            Delta::Text(_) | Delta::Call(_) | Delta::Other => {
                self.useful = Some(now);
                self.text = Some(now);
            }
            Delta::Thinking => self.useful = Some(now),
            Delta::Alive
            | Delta::Model(_)
            | Delta::Request(_)
            | Delta::Stopping
            | Delta::InOnePiece
            | Delta::Verbatim(_) => {}
        }
    }

    /// Returns which clock runs out next, and when.
    pub(super) fn next(&self) -> (Instant, ClockName) {
        let total = (self.total(), ClockName::Total);
        let first = self.limits.first_text;
        let other = self.useful.map_or_else(
            || first.map(|limit| (later(self.began, limit), ClockName::FirstText)),
            |useful| Some((self.gap(useful), ClockName::Gap)),
        );
        other
            .into_iter()
            .fold(total, |a, b| if b.0 < a.0 { b } else { a })
    }

    /// Pings extend the gap, but only so far.
    fn gap(&self, useful: Instant) -> Instant {
        later(self.sign, self.limits.gap).min(later(useful, self.limits.pinged))
    }

    /// The total never ends an answer that still yields text.
    fn total(&self) -> Instant {
        let total = later(self.began, self.limits.total);
        self.text
            .map_or(total, |text| total.max(later(text, self.limits.gap)))
    }
}

/// Adds; a limit without end is a year.
fn later(from: Instant, by: Duration) -> Instant {
    const YEAR: Duration = Duration::from_hours(8_760);
    from + by.min(YEAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn limits(first_text: Option<u64>) -> Limits {
        Limits {
            connect: secs(1),
            first_text: first_text.map(secs),
            gap: secs(5),
            pinged: secs(12),
            total: secs(100),
        }
    }

    #[test]
    fn life_does_not_satisfy_the_first_content_clock_but_a_thought_does() {
        let now = Instant::now();
        let mut clocks = Clocks::new(limits(Some(8)), now);
        for delta in [
            Delta::Alive,
            Delta::Model("m".into()),
            Delta::Request("r".into()),
        ] {
            clocks.note(&delta, now + secs(7));
            assert_eq!(clocks.next(), (now + secs(8), ClockName::FirstText));
        }
        clocks.note(&Delta::Thinking, now + secs(7));
        assert_eq!(clocks.next(), (now + secs(12), ClockName::Gap));
    }

    #[test]
    fn pings_extend_the_gap_so_far_and_no_further() {
        let now = Instant::now();
        let mut clocks = Clocks::new(limits(Some(8)), now);
        clocks.note(&Delta::Text("a".into()), now);
        clocks.note(&Delta::Alive, now + secs(3));
        assert_eq!(clocks.next(), (now + secs(8), ClockName::Gap));
        clocks.note(&Delta::Alive, now + secs(7));
        assert_eq!(clocks.next(), (now + secs(12), ClockName::Gap));
        clocks.note(&Delta::Alive, now + secs(11));
        assert_eq!(clocks.next(), (now + secs(12), ClockName::Gap));
    }

    #[test]
    fn the_total_ends_a_silent_thinker_but_no_writer() {
        let now = Instant::now();
        let mut thinker = Clocks::new(limits(None), now);
        assert_eq!(thinker.next(), (now + secs(100), ClockName::Total));
        thinker.note(&Delta::Thinking, now + secs(98));
        assert_eq!(thinker.next(), (now + secs(100), ClockName::Total));
        let mut writer = Clocks::new(limits(None), now);
        writer.note(&Delta::Text("a".into()), now + secs(98));
        assert_eq!(writer.next().0, now + secs(103));
    }
}
