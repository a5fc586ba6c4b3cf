//! A timer that is waited for again and again, at moments that mostly move on.
//!
//! Setting a timer wakes the runtime's driver, which costs more than reading a token does. So one that
//! is set for an earlier moment stays as it is: when it goes off too early, it is set anew.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// Tokio's timers ring at whole milliseconds (`tokio::time::Sleep`): one that is set this little too late
/// is not set anew. The same moment, reckoned twice, differs by less.
const GRAIN: Duration = Duration::from_millis(1);

/// The timer.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until a moment. May be dropped while it waits, and called again with another one.
    pub(crate) async fn wait_until(&mut self, at: Instant) {
        loop {
            let sleep = match &mut self.0 {
                Some(sleep) => {
                    if sleep.is_elapsed() || sleep.deadline() > at + GRAIN {
                        sleep.as_mut().reset(at);
                    }
                    sleep
                }
                none => none.insert(Box::pin(sleep_until(at))),
            };
            sleep.as_mut().await;
            // The clock need not be asked: the timer knows it.
            if sleep.deadline() >= at {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_was_reckoned_anew_leaves_it_as_it_is() {
        let (mut alarm, at) = (Alarm::default(), Instant::now() + Duration::from_secs(9));
        for (before, set) in [(0, 0), (1, 0), (999, 0), (5_000, 5_000)] {
            let before = Duration::from_micros(before);
            let waiting = alarm.wait_until(at.checked_sub(before).unwrap());
            assert!(timeout(Duration::ZERO, waiting).await.is_err());
            let deadline = alarm.0.as_ref().unwrap().deadline();
            assert_eq!(at.duration_since(deadline), Duration::from_micros(set));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_off_at_the_moment_that_was_named_last() {
        let secs = Duration::from_secs;
        let (mut alarm, began) = (Alarm::default(), Instant::now());
        for (named, left) in [(10, 1), (20, 2), (15, 3)] {
            let waiting = alarm.wait_until(began + secs(named));
            assert!(timeout(secs(left), waiting).await.is_err());
        }

        alarm.wait_until(began + secs(15)).await;

        assert_eq!(
            began.elapsed(),
            secs(15),
            "later than the first, earlier than the second"
        );
        alarm.wait_until(began + secs(16)).await;
        assert_eq!(began.elapsed(), secs(16), "it may be used again");
        alarm.wait_until(began).await;
        assert_eq!(began.elapsed(), secs(16), "what is past is not waited for");
    }
}
