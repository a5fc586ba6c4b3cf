//! Mail that a server has and does not give, and how long it is asked for.

use std::time::Duration;

use jiff::Timestamp;

/// After so many readings a message is passed over for a while.
const TRIES: u32 = 3;
/// So long at first, then twice as long each time,
const FIRST_PAUSE: Duration = Duration::from_mins(10);
/// and a day at most.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// A message that its server has and does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBack {
    /// How many readings asked for it in vain.
    pub tries: u32,
    /// From when on it is asked for again.
    pub again_at: Timestamp,
}

impl KeptBack {
    /// Counts another reading that asked in vain.
    pub fn once_more(before: Option<Self>, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        let pause = tries.checked_sub(TRIES).map(|doublings| {
            let longer = FIRST_PAUSE.saturating_mul(1 << doublings.min(16));
            longer.min(LONGEST_PAUSE)
        });
        Self {
            tries,
            again_at: now.checked_add(pause.unwrap_or_default()).unwrap_or(now),
        }
    }

    /// Tells whether a reading is at its end without it.
    pub const fn is_passed_over(self) -> bool {
        self.tries >= TRIES
    }

    /// Tells whether it is not asked for yet.
    pub fn rests(self, now: Timestamp) -> bool {
        now < self.again_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_for_at_once_twice_and_then_ever_more_seldom() {
        let now = Timestamp::UNIX_EPOCH;
        let mut kept = None;
        let mut minutes = Vec::new();
        for _ in 0..13 {
            let next = KeptBack::once_more(kept, now);
            minutes.push((next.again_at.as_second() / 60, next.is_passed_over()));
            kept = Some(next);
        }

        assert_eq!(minutes[..2], [(0, false), (0, false)]);
        assert_eq!(minutes[2..5], [(10, true), (20, true), (40, true)]);
        assert_eq!(minutes[12], (24 * 60, true));
    }
}
