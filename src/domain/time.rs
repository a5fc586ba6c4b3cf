//! Time: civil for records, measured for deadlines. Nobody here asks what time it is.

use std::time::Duration;

pub use jiff::Timestamp;

/// Microseconds on a clock that never goes back; meaningless across runs of the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub u64);

impl Mono {
    /// Returns the moment `wait` later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)),
        )
    }

    /// Returns how long ago `earlier` was; nothing when it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Tells the time. The program has one, `desk::clock`; tests bring their own.
pub trait Clock: Send + Sync {
    /// Returns the civil time, UTC.
    fn now(&self) -> Timestamp;
    /// Returns the measured time.
    fn mono(&self) -> Mono;
}
