//! The choices a person may make about the engine, and the clocks that follow from them.

use std::time::Duration;

use super::chain::{Link, Temper};

/// What to do when a provider refuses its key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAuthError {
    /// This run stops and says so; the next starts at the backup, under a banner.
    #[default]
    Bench,
    /// This run moves on too; the banner comes all the same.
    Failover,
    /// Nothing is drafted until the key is set anew.
    Stop,
}

/// What to do when a link fails after its words were shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AfterText {
    /// The next link writes a whole new answer, which replaces what was shown.
    #[default]
    Restart,
    /// The run ends.
    Stop,
}

/// Whether a fault of one link lets another take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// The next link is asked.
    Failover,
    /// The run ends; as long as it lasts, nothing is drafted.
    Stop,
}

/// Whether the next link is asked too while the first is slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hedging {
    /// It is not.
    #[default]
    Off,
    /// It is, in few runs.
    On,
}

/// How the engine is to behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// When a key is refused.
    pub on_auth_error: OnAuthError,
    /// When a model declines.
    pub on_refusal: OnFault,
    /// When a model is retired, unknown or not for us.
    pub on_model_gone: OnFault,
    /// When a key's credit or a quota is spent.
    pub on_no_credit: OnFault,
    /// When a link fails in mid-answer.
    pub after_text: AfterText,
    /// When a link is slow.
    pub hedge: Hedging,
    /// How long to wait for what.
    pub clocks: Clocks,
    /// Parameters that a caller wrote: where a link refuses one of them, the caller is told rather
    /// than the link asked without it.
    pub callers: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            on_auth_error: OnAuthError::default(),
            on_refusal: OnFault::Stop,
            on_model_gone: OnFault::Failover,
            on_no_credit: OnFault::Failover,
            after_text: AfterText::default(),
            hedge: Hedging::default(),
            clocks: Clocks::default(),
            callers: Vec::new(),
        }
    }
}

/// How long to wait for what (ENGINE section 3); each can be set in the config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// Connecting, with TLS, per address.
    pub connect: Duration,
    /// Waiting for the first content; none lets the link's history decide.
    pub first_text: Option<Duration>,
    /// Waiting between two useful events; none lets the link's history decide.
    pub gap: Option<Duration>,
    /// One attempt; never ends a stream that still yields text.
    pub attempt: Duration,
    /// One run, all attempts together.
    pub run: Duration,
    /// The longest wait for a link that names a time, when no other link is left.
    pub short_rest: Duration,
    /// The longest wait for money that other drafts hold.
    pub hold: Duration,
}

impl Default for Clocks {
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(1_500),
            first_text: None,
            gap: None,
            attempt: Duration::from_mins(2),
            run: Duration::from_mins(3),
            short_rest: Duration::from_secs(2),
            hold: Duration::from_secs(30),
        }
    }
}

/// How a link has answered lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The 95th percentile of the time to its first words (to the whole answer, when it does not
    /// stream).
    pub first_text_p95: Option<Duration>,
    /// The 99th percentile of the time between two pieces.
    pub gap_p99: Option<Duration>,
}

/// The four clocks of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connecting, with TLS.
    pub connect: Duration,
    /// Waiting for the first content; none on the last link.
    pub first_text: Option<Duration>,
    /// Waiting between two useful events.
    pub gap: Duration,
    /// The same while pings come, each of which begins the gap anew; longer than this they help
    /// nothing.
    pub pinged: Duration,
    /// The whole attempt; never ends a stream that still yields text.
    pub total: Duration,
}

/// Whether another link stands behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Another may take over.
    HasNext,
    /// It is the last that can be asked.
    Last,
}

/// Without history: 8 s (ENGINE section 3).
const FIRST_TEXT: Duration = Duration::from_secs(8);
/// History decides between these bounds.
const FIRST_TEXT_BOUNDS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// For models that are silent for long.
const SILENT: Duration = Duration::from_mins(2);
/// A slow link is helped after its usual time, without history after the first, never before the
/// second (ENGINE section 3).
const HEDGE_AFTER: Duration = Duration::from_millis(1_500);
const HEDGE_LEAST: Duration = Duration::from_millis(400);
/// Without history: a model that has begun to speak seldom pauses half as long.
const GAP: Duration = Duration::from_secs(10);
/// The gap is never shorter than the first nor longer than the second.
const GAP_BOUNDS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(30));

/// Pings extend the gap so far and no further (ENGINE section 3).
const PINGED: Duration = Duration::from_mins(1);

impl Clocks {
    /// Returns the clocks for one attempt at a link.
    pub fn limits(&self, link: &Link, history: History, place: Place) -> Limits {
        let gap = self.gap.unwrap_or_else(|| gap_of(history));
        Limits {
            connect: self.connect,
            first_text: match place {
                Place::Last => None,
                Place::HasNext => Some(self.first_text_of(link, history)),
            },
            gap,
            // Who wants another gap wants another patience with pings too.
            pinged: self.gap.map_or(PINGED, |gap| gap.saturating_mul(2)),
            total: self.attempt,
        }
    }

    fn first_text_of(&self, link: &Link, history: History) -> Duration {
        if let Some(chosen) = self.first_text {
            return chosen;
        }
        let (least, most) = FIRST_TEXT_BOUNDS;
        let usual = match history.first_text_p95 {
            Some(p95) => p95.saturating_mul(3).clamp(least, most),
            None if link.stream => FIRST_TEXT,
            // Its first words are its last: shorter, and no answer would ever make a history.
            None => most,
        };
        match link.temper {
            Temper::Plain => usual,
            Temper::Reasoning => usual.saturating_mul(4),
            Temper::Silent | Temper::Local => SILENT,
        }
    }
}

impl Policy {
    /// Returns how long a link's first words are waited for before the next link is asked too;
    /// none when nobody knows how long they usually take.
    pub(super) fn hedge_after(link: &Link, history: History) -> Option<Duration> {
        let usual = match (history.first_text_p95, link.temper) {
            (Some(p95), _) => p95,
            (None, Temper::Plain) if link.stream => HEDGE_AFTER,
            (None, Temper::Plain | Temper::Reasoning | Temper::Silent | Temper::Local) => {
                return None;
            }
        };
        Some(usual.max(HEDGE_LEAST))
    }
}

fn gap_of(history: History) -> Duration {
    history.gap_p99.map_or(GAP, |p99| {
        p99.saturating_mul(20).clamp(GAP_BOUNDS.0, GAP_BOUNDS.1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LinkName;

    fn first(temper: Temper, p95_ms: Option<u64>, place: Place) -> Option<Duration> {
        let history = History {
            first_text_p95: p95_ms.map(Duration::from_millis),
            gap_p99: None,
        };
        let limits = Clocks::default().limits(&link(temper), history, place);
        limits.first_text
    }

    fn link(temper: Temper) -> Link {
        Link {
            temper,
            ..Link::new(LinkName::new("a", "x"))
        }
    }

    #[test]
    fn the_first_words_are_waited_for_as_the_link_deserves() {
        let seconds = |n| Some(Duration::from_secs(n));
        for (temper, p95, place, want) in [
            (Temper::Plain, None, Place::HasNext, seconds(8)),
            (Temper::Plain, Some(100), Place::HasNext, seconds(2)),
            (Temper::Plain, Some(1_000), Place::HasNext, seconds(3)),
            (Temper::Plain, Some(60_000), Place::HasNext, seconds(20)),
            (Temper::Reasoning, Some(1_000), Place::HasNext, seconds(12)),
            (Temper::Silent, Some(1_000), Place::HasNext, seconds(120)),
            (Temper::Local, None, Place::HasNext, seconds(120)),
            (Temper::Plain, Some(1_000), Place::Last, None),
        ] {
            assert_eq!(first(temper, p95, place), want, "{temper:?} {p95:?}");
        }
    }

    #[test]
    fn what_the_config_says_wins() {
        let clocks = Clocks {
            first_text: Some(Duration::from_millis(300)),
            gap: Some(Duration::from_millis(400)),
            ..Clocks::default()
        };

        let limits = clocks.limits(&link(Temper::Silent), History::default(), Place::HasNext);

        assert_eq!(limits.first_text, Some(Duration::from_millis(300)));
        assert_eq!(limits.gap, Duration::from_millis(400));
        assert_eq!(limits.pinged, Duration::from_millis(800));
    }

    #[test]
    fn an_answer_in_one_piece_has_the_time_of_whole_answers() {
        let whole = Link {
            stream: false,
            ..link(Temper::Plain)
        };
        let first = |history| {
            let limits = Clocks::default().limits(&whole, history, Place::HasNext);
            limits.first_text
        };
        let slow = History {
            first_text_p95: Some(Duration::from_secs(4)),
            gap_p99: None,
        };

        assert_eq!(first(History::default()), Some(Duration::from_secs(20)));
        assert_eq!(first(slow), Some(Duration::from_secs(12)));
    }

    #[test]
    fn a_slow_link_is_helped_after_its_usual_time() {
        let after = |temper, p95_ms: Option<u64>| {
            let history = History {
                first_text_p95: p95_ms.map(Duration::from_millis),
                gap_p99: None,
            };
            let after = Policy::hedge_after(&link(temper), history)?;
            Some(after.as_millis())
        };

        assert_eq!(after(Temper::Plain, None), Some(1_500));
        assert_eq!(after(Temper::Plain, Some(700)), Some(700));
        assert_eq!(after(Temper::Plain, Some(90)), Some(400));
        assert_eq!(after(Temper::Silent, None), None);
        assert_eq!(after(Temper::Silent, Some(9_000)), Some(9_000));
    }

    #[test]
    fn a_gap_lies_between_five_and_thirty_seconds() {
        for (p99_ms, want) in [(10, 5_000), (500, 10_000), (9_000, 30_000)] {
            let history = History {
                first_text_p95: None,
                gap_p99: Some(Duration::from_millis(p99_ms)),
            };
            let limits = Clocks::default().limits(&link(Temper::Plain), history, Place::Last);
            assert_eq!(limits.gap, Duration::from_millis(want));
            assert_eq!(limits.pinged, Duration::from_mins(1));
        }
    }
}
