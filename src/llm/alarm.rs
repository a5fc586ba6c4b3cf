//! A timer that is waited for again and again, at moments that mostly move on.
//!
//! Setting a timer wakes the runtime's driver, which costs more than reading a token does. So one that
//! is set for an earlier moment stays as it is: when it goes off too early, it is set anew.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// The timer.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until a moment. May be dropped while it waits, and called again with another one.
    pub(crate) async fn wait_until(&mut self, at: Instant) {
        loop {
            let sleep = match &mut self.0 {
                Some(sleep) => {
                    if sleep.is_elapsed() || sleep.deadline() > at {
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
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

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
