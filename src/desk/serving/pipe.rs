//! The way of an answer from the run to its client: what the client has not taken waits here, so that
//! the socket to the model never waits for a slow client.
//!
//! So much waits at most; a client that leaves more lying gets no more, and the call is stopped.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::relay::{Piece, Told};
use crate::engine::answer::Verbatim;

/// So many bytes of one answer wait for its client at most: twice the largest answer in one piece,
/// far more than a model writes.
const MOST_WAITING: usize = 32 << 20;
/// What a piece takes beside its words.
const BESIDE: usize = 100;

#[derive(Default)]
struct Inner {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

#[derive(Default)]
struct Waiting {
    told: Vec<Told>,
    bytes: usize,
    /// More than may wait came: nothing may follow the gap.
    has_gap: bool,
    is_over: bool,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end where things are told. Dropped, nothing more comes.
pub(super) struct Teller {
    inner: Arc<Inner>,
    /// Stops the call.
    stop: CancellationToken,
}

/// The end where they are heard.
pub struct Hearer(Arc<Inner>);

/// Makes both ends; `stop` ends the call.
pub(super) fn pipe(stop: CancellationToken) -> (Teller, Hearer) {
    let inner = Arc::new(Inner::default());
    let teller = Teller {
        inner: Arc::clone(&inner),
        stop,
    };
    (teller, Hearer(inner))
}

impl Teller {
    pub(super) fn tell(&self, told: Told) {
        let mut waiting = self.inner.lock();
        if waiting.has_gap {
            return;
        }
        waiting.bytes = waiting.bytes.saturating_add(bytes(&told));
        if waiting.bytes > MOST_WAITING {
            waiting.has_gap = true;
            drop(waiting);
            tracing::warn!("a client left too much of its answer lying: its call was stopped");
            self.stop.cancel();
            return;
        }
        waiting.told.push(told);
        drop(waiting);
        self.inner.wake.notify_one();
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.inner.lock().is_over = true;
        self.inner.wake.notify_one();
    }
}

impl Hearer {
    /// Returns all that was told since, as soon as there is something; none when nothing more comes.
    pub async fn hear(&mut self) -> Option<Vec<Told>> {
        loop {
            {
                let mut waiting = self.0.lock();
                if !waiting.told.is_empty() {
                    waiting.bytes = 0;
                    return Some(std::mem::take(&mut waiting.told));
                }
                if waiting.is_over {
                    return None;
                }
            }
            self.0.wake.notified().await;
        }
    }

    /// Tells whether a part is missing: the client had left too much lying.
    pub fn has_gap(&self) -> bool {
        self.0.lock().has_gap
    }
}

fn bytes(told: &Told) -> usize {
    let words = match told {
        Told::Head(_) => 0,
        Told::Piece(Piece::Text(text)) => text.len(),
        Told::Piece(Piece::Call(call)) => call.arguments.len(),
        Told::Piece(Piece::Verbatim(Verbatim::Event { data, .. })) => data.len(),
        Told::Piece(Piece::Verbatim(Verbatim::Body(body))) => body.len(),
    };
    words.saturating_add(BESIDE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(long: usize) -> Told {
        Told::Piece(Piece::Text("x".repeat(long)))
    }

    #[tokio::test]
    async fn a_client_that_takes_what_comes_may_have_any_amount() {
        let stop = CancellationToken::new();
        let (teller, mut hearer) = pipe(stop.clone());
        for _ in 0..40 {
            teller.tell(piece(MOST_WAITING / 2));
            assert_eq!(hearer.hear().await.unwrap().len(), 1);
        }
        assert!(!stop.is_cancelled());
    }

    #[tokio::test]
    async fn one_that_takes_nothing_ends_its_call_and_gets_nothing_after_the_gap() {
        let stop = CancellationToken::new();
        let (teller, mut hearer) = pipe(stop.clone());
        for _ in 0..3 {
            teller.tell(piece(MOST_WAITING / 2 - BESIDE));
        }
        assert!(stop.is_cancelled());
        assert_eq!(hearer.hear().await.unwrap().len(), 2);

        teller.tell(piece(1));
        drop(teller);

        assert!(hearer.hear().await.is_none());
        assert!(hearer.has_gap());
    }
}
