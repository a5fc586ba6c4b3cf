//! How long the database may be silent: a server that is frozen or cut off answers nothing at all,
//! and no limit of its own reaches it.

use std::time::Duration;

use tokio::time::sleep;

use super::Serving;
use crate::{desk::DeskError, store::StoreError};

/// So long an act may take: SQLite waits 5 s for a lock, a server 10 s, and a group is written in
/// far less.
pub(super) const SILENCE: Duration = Duration::from_secs(15);

impl Serving {
    /// Waits for the database; none where it was silent for too long, or nobody waits any more.
    pub(super) async fn answered<T>(&self, act: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            answer = act => Some(answer),
            () = self.give_up.cancelled() => None,
            () = sleep(SILENCE) => None,
        }
    }

    /// The same for an act that may fail without harm: what did not come to be is said in the log.
    pub(super) async fn tried<T>(
        &self,
        not_done: &'static str,
        act: impl Future<Output = Result<T, DeskError>>,
    ) -> Option<T> {
        match self.answered(act).await {
            Some(Ok(done)) => Some(done),
            Some(Err(error)) => {
                tracing::warn!(%error, "{not_done}");
                None
            }
            None => {
                tracing::warn!("{not_done}: the database does not answer");
                None
            }
        }
    }

    /// The same for an act of the ledger: silence is a fault that may pass. What was asked for may
    /// have been done all the same.
    pub(super) async fn told<T>(
        &self,
        doing: &'static str,
        act: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = self.answered(act).await;
        answer.unwrap_or_else(|| Err(self.desk.store.is_silent(doing)))
    }
}
