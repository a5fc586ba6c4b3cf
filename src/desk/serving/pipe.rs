//! The way of an answer from the run to its client: what the client has not taken waits here, so that
//! the socket to the model never waits for a slow client.
//!
//! It holds at most one answer, whose size the transport bounds.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::relay::Told;

#[derive(Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    told: Vec<Told>,
    is_over: bool,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end where things are told. Dropped, nothing more comes.
pub(super) struct Teller(Arc<Inner>);

/// The end where they are heard.
pub struct Hearer(Arc<Inner>);

/// Makes both ends.
pub(super) fn pipe() -> (Teller, Hearer) {
    let inner = Arc::new(Inner::default());
    (Teller(Arc::clone(&inner)), Hearer(inner))
}

impl Teller {
    pub(super) fn tell(&self, told: Told) {
        self.0.lock().told.push(told);
        self.0.wake.notify_one();
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.wake.notify_one();
    }
}

impl Hearer {
    /// Returns all that was told since, as soon as there is something; none when nothing more comes.
    pub async fn hear(&mut self) -> Option<Vec<Told>> {
        loop {
            {
                let mut waiting = self.0.lock();
                if !waiting.told.is_empty() {
                    return Some(std::mem::take(&mut waiting.told));
                }
                if waiting.is_over {
                    return None;
                }
            }
            self.0.wake.notified().await;
        }
    }
}
