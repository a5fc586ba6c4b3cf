//! Mail that a server has and does not give, and how long it is asked for.

use std::time::Duration;

use jiff::Timestamp;

/// After so many readings a message is passed over for a while,
const TRIES: u32 = 3;
/// though not before it was asked for that long: a desk that stays open reads thrice in seconds.
const TRIED_FOR: Duration = Duration::from_mins(10);
/// So long at first, then twice as long each time,
const FIRST_PAUSE: Duration = Duration::from_mins(10);
/// and a day at most.
const LONGEST_PAUSE: Duration = Duration::from_hours(24);

/// A message that its server has and does not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptBack {
    /// How many readings asked for it in vain; of those before it was asked for long enough, two
    /// at most are counted.
    pub tries: u32,
    /// From when on it is asked for again. Until it is passed over: when it was asked for first.
    pub again_at: Timestamp,
}

impl KeptBack {
    /// Counts another reading that asked in vain.
    pub fn once_more(before: Option<Self>, now: Timestamp) -> Self {
        let tries = before.map_or(0, |before| before.tries).saturating_add(1);
        if !before.is_some_and(Self::is_passed_over) {
            let first = before.map_or(now, |before| before.again_at);
            let is_early = first
                .checked_add(TRIED_FOR)
                .is_ok_and(|enough| now < enough);
            if tries < TRIES || is_early {
                return Self {
                    tries: tries.min(TRIES - 1),
                    again_at: first,
                };
            }
        }
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
    fn it_is_asked_for_with_each_reading_for_ten_minutes_and_then_ever_more_seldom() {
        let mut kept = None;
        let mut rests = Vec::new();
        for second in [0, 1, 3, 7, 599].into_iter().chain([600; 11]) {
            let now = Timestamp::from_second(second).unwrap();
            let next = KeptBack::once_more(kept, now);
            assert_eq!(next.rests(now), next.is_passed_over(), "{second}");
            rests.push((next.again_at - now).get_seconds() / 60);
            kept = Some(next);
        }

        assert!(rests[..5].iter().all(|minutes| *minutes <= 0), "{rests:?}");
        assert_eq!(rests[5..8], [10, 20, 40]);
        assert_eq!(rests[15], 24 * 60);
    }

    #[test]
    fn it_is_not_passed_over_before_the_third_reading() {
        let later = |minutes: i64| Timestamp::from_second(minutes * 60).unwrap();
        let first = KeptBack::once_more(None, later(0));
        let second = KeptBack::once_more(Some(first), later(60));
        let third = KeptBack::once_more(Some(second), later(120));

        assert!(!second.is_passed_over() && third.is_passed_over());
    }
}
