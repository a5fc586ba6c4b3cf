//! Requests of other programs: the same engine, receipts and caps as a draft, at the speed of a
//! server.
//!
//! A draft asks the ledger before each call and reads what is known of its links from the store.
//! A server that did so would wait for the disk with every request. Here the money comes from a
//! block (`till`, `bursar`), what is known of links is kept in memory (`known`, `ready`), and costs, receipts
//! and lessons are written in groups (`scribe`). The answer goes on as it comes (`relay`); `pass` is
//! one request from its links to its receipt (`receipt`). A database that answers nothing is not waited
//! for (`silence`).

mod beyond;
mod bursar;
mod known;
mod pass;
mod pipe;
mod ready;
mod receipt;
mod relay;
#[cfg(test)]
mod relay_tests;
mod running;
mod scribe;
mod silence;
mod till;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

pub use self::{
    beyond::Beyond,
    bursar::Denied,
    pass::{PassAsk, PassError, Passed, Passing},
    pipe::Hearer,
    relay::{Closing, Head, HoldBack, Piece, Stopped, Told},
    running::Running,
};
use self::{
    known::Known,
    ready::Ready,
    scribe::Done,
    till::{Span, Till},
};
use super::{Desk, DeskError};
use crate::{
    domain::{Mono, RunId, Timestamp},
    engine::breaker::Luck,
};

/// From so many bytes on a request is large: reading and translating it takes longer than others of
/// its thread should wait.
pub const LARGE: usize = 128 << 10;

/// How long what is known of links may be old when a request comes after a pause.
const STALE: Duration = Duration::from_secs(5);

/// Whose the money of a block is, where a hold names its provider.
pub(super) const BLOCK_OF: &str = "serve";

/// So many requests may be under way or wait to be written; more wait at their beginning, and not for
/// long. What could not be written yet would else be kept in memory without end, and a receipt would
/// come late where requests never cease: 512 at most are under way, so some 250 wait to be written.
const WAITING: usize = 768;
/// How long a request waits at its beginning: nothing else keeps it there but a ledger that cannot be
/// written.
const SLOT_PATIENCE: Duration = Duration::from_secs(2);

/// What serves requests: one per process.
pub struct Serving {
    desk: Arc<Desk>,
    /// The run of the blocks, and who owns them.
    run: RunId,
    owner: String,
    till: Mutex<Till>,
    span: Mutex<Option<(Span, Timestamp, Timestamp)>>,
    /// Whoever fills the till.
    filling: tokio::sync::Mutex<()>,
    /// Asks for more money before it is needed.
    is_low: AtomicBool,
    low: Notify,
    /// Whether costs could not be written: nothing new is begun then.
    cannot_write: AtomicBool,
    /// Whether it is being stopped: no request is begun any more.
    is_closed: AtomicBool,
    /// Ends the trying to write what cannot be written.
    give_up: CancellationToken,
    /// Whether the last try was in vain: nothing is tried any more.
    is_given_up: AtomicBool,
    known: Known,
    ready: Ready,
    refreshed: Mutex<Mono>,
    done: Mutex<Option<mpsc::Sender<Done>>>,
    requests: TaskTracker,
    scribe: TaskTracker,
    stop: CancellationToken,
    /// Where the work of large requests is done: it would stop the thread of its connection.
    runtime: Handle,
}

impl Serving {
    /// Begins to serve at a desk.
    pub async fn start(desk: Arc<Desk>) -> Result<Arc<Self>, DeskError> {
        let (done, results) = mpsc::channel(WAITING);
        let memory = desk.memory().await?;
        let serving = Arc::new(Self {
            run: RunId::new(Uuid::now_v7()),
            owner: desk.owner("serve"),
            till: Mutex::default(),
            span: Mutex::default(),
            filling: tokio::sync::Mutex::default(),
            is_low: AtomicBool::new(false),
            low: Notify::new(),
            cannot_write: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            give_up: CancellationToken::new(),
            is_given_up: AtomicBool::new(false),
            known: Known::new(memory),
            ready: Ready::default(),
            refreshed: Mutex::new(desk.clock.mono()),
            done: Mutex::new(Some(done)),
            requests: TaskTracker::new(),
            scribe: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime: Handle::current(),
            desk,
        });
        drop(serving.scribe.spawn(Arc::clone(&serving).write(results)));
        serving.scribe.close();
        Ok(serving)
    }

    /// Returns the desk.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Waits so long for requests under way, stops those that are left, and returns when every cost
    /// is written and the money that is left has gone back; false where the database let that be done
    /// no more.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.is_closed.store(true, Ordering::SeqCst);
        self.requests.close();
        if tokio::time::timeout(patience, self.requests.wait())
            .await
            .is_err()
        {
            self.stop.cancel();
            let ended = tokio::time::timeout(patience, self.requests.wait());
            if ended.await.is_err() {
                self.give_up.cancel();
                self.requests.wait().await;
            }
        }
        // Nobody can add to what is to be written any more.
        drop(
            self.done
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .take(),
        );
        if tokio::time::timeout(patience, self.scribe.wait())
            .await
            .is_err()
        {
            self.give_up.cancel();
            self.scribe.wait().await;
        }
        !self.is_given_up.load(Ordering::Acquire)
    }

    /// Reads what the store knows of keys and links by now.
    async fn refresh(&self) {
        self.ready.forget();
        let memory = self.desk.memory();
        let memory = self.tried("what others learnt could not be read", memory);
        if let Some(memory) = memory.await {
            self.known.refresh(memory, self.desk.now(), luck());
        }
        *self
            .refreshed
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = self.desk.clock.mono();
    }

    /// Reads it when it may be old: other programs write too.
    async fn refresh_if_old(&self) {
        let now = self.desk.clock.mono();
        let is_old = {
            let mut refreshed = self
                .refreshed
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            let is_old = now.since(*refreshed) >= STALE;
            if is_old {
                // Requests that come at the same time do not all read.
                *refreshed = now;
            }
            is_old
        };
        if is_old {
            self.refresh().await;
        }
    }
}

/// The random end of a UUID of version 7.
fn luck() -> Luck {
    let [.., last] = Uuid::now_v7().into_bytes();
    Luck(last)
}
