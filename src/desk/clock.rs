//! The one place where the program asks what time it is.

use std::time::Instant;

use crate::domain::{Clock, Mono, Timestamp};

/// The machine's own clock.
#[derive(Clone, Debug)]
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// Starts measuring.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that the others ask"
    )]
    pub fn start() -> Self {
        Self {
            began: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Clock that the others ask"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn mono(&self) -> Mono {
        Mono(u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}
