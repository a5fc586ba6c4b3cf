//! What the simulator remembers: the script of faults, and every request it served.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

use super::{Family, Fault};

/// What is to happen to the next request of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Whose next request.
    pub family: Family,
    /// What goes wrong; none lets it pass.
    pub fault: Option<Fault>,
}

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Served {
    /// 1 for the first.
    pub no: u64,
    /// Whose it was.
    pub family: Family,
    /// Which model was asked for.
    pub model: String,
    /// Whether a stream was asked for.
    pub streamed: bool,
    /// What went wrong, by name.
    pub fault: Option<String>,
    /// The status that was sent; 0 when none was.
    pub status: u16,
    /// Input tokens, as counted here.
    pub tokens_in: u64,
    /// Output tokens that were written.
    pub tokens_out: u64,
    /// Input tokens from a cache.
    pub tokens_cached: u64,
    /// Bytes of the body that were sent.
    pub bytes_sent: u64,
    /// Whether the client closed before the answer was over.
    pub client_closed: bool,
}

/// What all connections share. The locks are held for a push or a copy, never across a wait.
pub(super) struct State {
    script: Mutex<Vec<(Family, VecDeque<Option<Fault>>)>>,
    served: Mutex<Vec<Served>>,
    count: AtomicU64,
    /// Words per second; 0 is as fast as it goes.
    pace: AtomicU32,
}

/// The log keeps so many requests; older ones go.
const LOG_KEPT: usize = 100_000;

impl State {
    pub(super) fn new(words_per_second: Option<u32>) -> Self {
        Self {
            script: Mutex::new(Vec::new()),
            served: Mutex::new(Vec::new()),
            count: AtomicU64::new(0),
            pace: AtomicU32::new(words_per_second.unwrap_or(0)),
        }
    }

    pub(super) fn set_pace(&self, words_per_second: Option<u32>) {
        self.pace
            .store(words_per_second.unwrap_or(0), Ordering::Relaxed);
    }

    /// Returns the pause before each word, if there is one.
    pub(super) fn pause(&self) -> Option<Duration> {
        let pace = self.pace.load(Ordering::Relaxed);
        (pace > 0).then(|| Duration::from_secs(1) / pace)
    }

    pub(super) fn next_no(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn script(&self, steps: impl IntoIterator<Item = Step>) {
        let mut script = locked(&self.script);
        for step in steps {
            match script.iter_mut().find(|(family, _)| *family == step.family) {
                Some((_, queue)) => queue.push_back(step.fault),
                None => script.push((step.family, VecDeque::from([step.fault]))),
            }
        }
    }

    pub(super) fn clear_script(&self) {
        locked(&self.script).clear();
    }

    /// Takes the next step of a family; without one the request passes.
    pub(super) fn next_fault(&self, family: Family) -> Option<Fault> {
        let mut script = locked(&self.script);
        let (_, queue) = script.iter_mut().find(|(known, _)| *known == family)?;
        queue.pop_front().flatten()
    }

    pub(super) fn note(&self, served: Served) {
        let mut log = locked(&self.served);
        if log.len() >= LOG_KEPT {
            log.remove(0);
        }
        log.push(served);
    }

    pub(super) fn served(&self) -> Vec<Served> {
        locked(&self.served).clone()
    }

    pub(super) fn reset(&self) {
        self.clear_script();
        locked(&self.served).clear();
    }
}

/// A panic elsewhere leaves plain lists behind, which stay good.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
