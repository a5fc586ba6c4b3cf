//! Callers who leave before their answer is there: they are counted and told of like the others.

use std::{sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{error::Elapsed, timeout},
};
use tokio_util::sync::DropGuard;

use super::{dialect::Refusal, server::Server};
use crate::{
    desk::serving::{Hearer, Passed, Passing, Running, Told},
    domain::Ending,
};

/// What stands for a status where the caller heard none; nginx made it known.
const LEFT: u16 = 499;

/// An HTTP request until it has an answer.
pub(super) struct Unanswered<'s> {
    server: &'s Server,
    what: &'static str,
    status: u16,
}

impl<'s> Unanswered<'s> {
    pub(super) const fn new(server: &'s Server, what: &'static str) -> Self {
        Self {
            server,
            what,
            status: LEFT,
        }
    }

    /// Notes how it was answered.
    pub(super) fn answered(mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        self.server.metrics.request(self.what, self.status);
        if self.status == LEFT {
            tracing::info!(dialect = self.what, "a client left before the answer");
        }
    }
}

/// How a request that was passed on comes out. Dropped before that, the call is stopped, and what
/// came of it is counted when it is known.
pub(super) struct Coming {
    server: Arc<Server>,
    end: Option<oneshot::Receiver<Passed>>,
    guard: Option<DropGuard>,
    running: Running,
}

impl Coming {
    /// Takes a request that was passed on, and returns with it what is told of it meanwhile.
    pub(super) fn new(server: Arc<Server>, passing: Passing) -> (Self, Hearer) {
        let coming = Self {
            server,
            end: Some(passing.end),
            guard: Some(passing.guard),
            running: passing.running,
        };
        (coming, passing.told)
    }

    /// Waits for what is told first, no longer than `limit`; `Err` when that is over. Then the work
    /// goes on by itself: the model is not to wait for a caller who reads slowly.
    pub(super) async fn begun(
        &mut self,
        told: &mut Hearer,
        limit: Duration,
    ) -> Result<Option<Vec<Told>>, Elapsed> {
        let begun = self.running.beside(timeout(limit, told.hear())).await;
        self.running.let_go();
        begun
    }

    /// Returns what a caller is told who gets no answer.
    pub(super) fn refusal(&self, passed: &Passed) -> Refusal {
        self.server.refusal(passed)
    }

    /// Waits for it, counts it and tells of it; none where the desk could not go on.
    pub(super) async fn passed(&mut self) -> Option<Passed> {
        let end = self.end.as_mut()?;
        let passed = self.running.beside(end).await.ok();
        self.end = None;
        self.server.over(passed.as_ref()?);
        passed
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        drop(self.guard.take());
        let (Some(end), Ok(runtime)) = (self.end.take(), Handle::try_current()) else {
            return;
        };
        let server = Arc::clone(&self.server);
        let counting = async move {
            let Ok(passed) = end.await else { return };
            server.over(&passed);
            if passed.receipt.ending == Ending::Cancelled {
                let words = "A client left before its answer was whole.";
                (server.options.log)(words);
            }
        };
        drop(self.server.leaving.spawn_on(counting, &runtime));
    }
}
