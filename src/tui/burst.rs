//! Guards against keys that no hand presses: a paste without marks, a cat on the keyboard.

use std::{collections::VecDeque, time::Duration};

use crate::domain::Mono;

/// More acts than this within the time are no hand's (kata#404).
const MOST: usize = 5;
const WITHIN: Duration = Duration::from_millis(60);
/// So long no key acts after them.
const PAUSE: Duration = Duration::from_secs(1);

/// The newest keys that act.
#[derive(Debug, Default)]
pub struct Burst {
    newest: VecDeque<Mono>,
    closed_until: Option<Mono>,
}

/// What is done with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// It acts.
    Taken,
    /// It does not: too many came at once, and this is the first that is left out.
    First,
    /// It does not, like those before it.
    LeftOut,
}

impl Burst {
    /// Judges a key that would act.
    pub fn judge(&mut self, now: Mono) -> Guarded {
        if self.closed_until.is_some_and(|until| now < until) {
            self.closed_until = Some(now.after(PAUSE));
            return Guarded::LeftOut;
        }
        while self
            .newest
            .front()
            .is_some_and(|at| now.since(*at) > WITHIN)
        {
            self.newest.pop_front();
        }
        self.newest.push_back(now);
        if self.newest.len() > MOST {
            self.newest.clear();
            self.closed_until = Some(now.after(PAUSE));
            return Guarded::First;
        }
        Guarded::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hand_is_never_stopped_and_a_burst_is() {
        let mut burst = Burst::default();
        for press in 0..200 {
            assert_eq!(burst.judge(Mono(press * 30_000)), Guarded::Taken);
        }
        let mut burst = Burst::default();
        let judged: Vec<Guarded> = (0..8).map(|press| burst.judge(Mono(press))).collect();
        assert_eq!(judged[..5], [Guarded::Taken; 5]);
        assert_eq!(judged[5], Guarded::First);
        assert_eq!(judged[6..], [Guarded::LeftOut; 2]);
        assert_eq!(
            burst.judge(Mono(2_000_000)),
            Guarded::Taken,
            "a second later"
        );
    }
}
