//! Where a connection stands between its socket and its requests, and how long it may be silent there.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    task::Waker,
    time::Duration,
};

use tokio::sync::{Notify, Semaphore};

/// How long the head of a request may take.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(10);
/// How long a connection may be silent between requests. The pools of clients give theirs up after
/// at most 90 s (Go, reqwest); who gives up later than they do never closes one they are about to use.
const IDLE_TIME: Duration = Duration::from_mins(2);
/// With fewer free places for connections than this, silent ones are kept no longer than a head.
const FEW_PLACES: usize = 256;

/// Nothing has come yet.
pub(super) const FRESH: u8 = 3;
/// Between two requests.
pub(super) const IDLE: u8 = 0;
/// The head of a request comes.
pub(super) const HEAD: u8 = 1;
/// A request is under way.
pub(super) const REQUEST: u8 = 2;

/// Where a connection stands, known to its socket and to its requests.
pub(super) struct Road {
    phase: AtomicU8,
    has_unread: AtomicBool,
    is_stalled: AtomicBool,
    /// Who reads the connection. Hyper reads no further while it waits for bytes, also when a request
    /// ends: from then on the silence counts, so it is woken.
    reader: Mutex<Option<Waker>>,
    /// A request has begun.
    began: Notify,
    /// The places for connections.
    places: Arc<Semaphore>,
}

impl Road {
    pub(super) fn new(places: Arc<Semaphore>) -> Arc<Self> {
        Arc::new(Self {
            phase: AtomicU8::new(FRESH),
            has_unread: AtomicBool::new(false),
            is_stalled: AtomicBool::new(false),
            reader: Mutex::default(),
            began: Notify::new(),
            places,
        })
    }

    /// Begins a request; it is over when what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>, body: Unread) -> Turn {
        self.has_unread
            .store(body == Unread::Some, Ordering::Relaxed);
        self.phase.store(REQUEST, Ordering::Relaxed);
        self.began.notify_one();
        Turn(Arc::clone(self))
    }

    /// Waits until a request is under way.
    pub(super) async fn is_asked(&self) {
        while !self.is_asking() {
            self.began.notified().await;
        }
    }

    /// Tells whether a request is under way.
    pub(super) fn is_asking(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == REQUEST
    }

    /// Notes that the body of the request was read to its end.
    pub(super) fn has_read(&self) {
        self.has_unread.store(false, Ordering::Relaxed);
    }

    /// Tells whether nothing has ever come over the connection.
    pub(super) fn is_fresh(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == FRESH
    }

    /// Tells whether the connection ended because the caller took nothing of his answer.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_stalled.load(Ordering::Relaxed)
    }

    /// Returns where it stands.
    pub(super) fn phase(&self) -> u8 {
        self.phase.load(Ordering::Relaxed)
    }

    /// Notes that a head has begun.
    pub(super) fn head_begins(&self) {
        self.phase.store(HEAD, Ordering::Relaxed);
    }

    /// Notes who reads it, to be woken when the request ends.
    pub(super) fn is_read_by(&self, reader: &Waker) {
        let kept = self.reader.lock();
        *kept.unwrap_or_else(PoisonError::into_inner) = Some(reader.clone());
    }

    /// Notes that the caller took nothing of his answer for too long.
    pub(super) fn stalls(&self) {
        self.is_stalled.store(true, Ordering::Relaxed);
    }

    /// Tells whether bytes may be under way that nobody has read.
    pub(super) fn owes_reading(&self) -> bool {
        let is_in_head = self.phase.load(Ordering::Relaxed) == HEAD;
        is_in_head || self.has_unread.load(Ordering::Relaxed)
    }

    /// Returns how long it may be silent in a phase.
    pub(super) fn patience(&self, phase: u8) -> Duration {
        if phase == IDLE && self.places.available_permits() >= FEW_PLACES {
            IDLE_TIME
        } else {
            HEAD_TIME
        }
    }
}

/// Whether a request has a body that is yet to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Some,
    Nothing,
}

/// A request under way on a connection.
pub(super) struct Turn(Arc<Road>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.phase.store(IDLE, Ordering::Relaxed);
        let reader = self.0.reader.lock();
        let reader = reader.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}
