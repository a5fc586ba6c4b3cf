//! Standing work is done by one desk at a time: whoever has its lease.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Desk, DeskError,
    owner::{Fate, Owner},
};
use crate::store::{Held, LeaseAsk};

/// A lease runs so long; another desk takes the work over when it ran out.
const LEASE: Duration = Duration::from_secs(30);
/// So often it is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// So long a command waits for one, and so often it looks.
const COMMAND_WAITS: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

/// Work this desk does until it lets it go.
#[derive(Debug)]
pub(super) struct Lease {
    name: String,
    holder: String,
}

impl Desk {
    /// Takes a lease; says who has it when it is not free.
    async fn try_lease(&self, name: &str) -> Result<Result<Lease, Held>, DeskError> {
        let holder = self.owner(&self.agent());
        let mut dead: Option<String> = None;
        loop {
            let at = self.clock.now();
            let ask = LeaseAsk {
                name,
                holder: &holder,
                at,
                until: at.checked_add(LEASE).unwrap_or(at),
                dead: dead.as_deref(),
            };
            let Some(held) = self.store.take_lease(ask).await? else {
                return Ok(Ok(Lease {
                    name: name.to_owned(),
                    holder,
                }));
            };
            let fate = Owner::read(&held.holder).map(|owner| owner.fate(self.store.origin()));
            if fate == Some(Fate::Dead) && dead.as_ref() != Some(&held.holder) {
                dead = Some(held.holder);
                continue;
            }
            return Ok(Err(held));
        }
    }

    /// Takes a lease for a command, which waits a little for it.
    pub(super) async fn lease_for_command(&self, name: &str) -> Result<Lease, DeskError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.try_lease(name).await? {
                Ok(lease) => return Ok(lease),
                Err(held) if waited >= COMMAND_WAITS => {
                    return Err(DeskError::Leased {
                        name: name.to_owned(),
                        holder: holder_words(&held.holder),
                    });
                }
                Err(_) => {
                    sleep(LOOK).await;
                    waited += LOOK;
                }
            }
        }
    }

    /// Takes a lease for work that is safe without one, only worse: waits for it, and goes on
    /// without where that takes too long or the database does not answer.
    pub(super) async fn lease_if_it_can_be(&self, name: &str) -> Option<Lease> {
        let mut waited = Duration::ZERO;
        while waited < LEASE {
            match self.try_lease(name).await {
                Ok(Ok(lease)) => return Some(lease),
                Ok(Err(_)) => {
                    sleep(LOOK).await;
                    waited += LOOK;
                }
                Err(error) => {
                    tracing::warn!(%error, "a lease could not be taken");
                    return None;
                }
            }
        }
        None
    }

    /// Waits until this desk has a lease.
    pub(super) async fn lease_for_good(&self, name: &str) -> Lease {
        loop {
            match self.try_lease(name).await {
                Ok(Ok(lease)) => return lease,
                Ok(Err(_)) => sleep(RENEW).await,
                Err(error) => {
                    tracing::warn!(%error, "a lease could not be taken");
                    sleep(RENEW).await;
                }
            }
        }
    }

    /// Does work while its lease lasts; returns none when somebody else has taken it over.
    pub(super) async fn while_leased<T>(
        &self,
        lease: &Lease,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let keeping = async {
            let mut until = Instant::now() + LEASE;
            loop {
                sleep(RENEW).await;
                match self.try_lease(&lease.name).await {
                    Ok(Ok(_)) => until = Instant::now() + LEASE,
                    Ok(Err(_)) => return,
                    Err(error) => {
                        tracing::warn!(%error, "a lease could not be renewed");
                        if Instant::now() > until {
                            return;
                        }
                    }
                }
            }
        };
        tokio::select! {
            done = work => Some(done),
            () = keeping => None,
        }
    }

    /// Lets a lease go.
    pub(super) async fn let_go(&self, lease: Lease) {
        let dropped = self.store.drop_lease(&lease.name, &lease.holder).await;
        if let Err(error) = dropped {
            tracing::warn!(%error, "a lease was not let go; it runs out by itself");
        }
    }
}

/// Names the holder of a lease for people.
fn holder_words(holder: &str) -> String {
    Owner::read(holder).map_or_else(
        || "another program".to_owned(),
        |owner| format!("deskhand of {} (process {})", owner.agent, owner.process()),
    )
}

impl Desk {
    /// Lets work be done at this desk while it has the lease, and again when it has it again. The
    /// work ends when the desk closes: it is not broken off then.
    pub(super) async fn keep_at<F>(self: Arc<Self>, name: &str, work: impl Fn(Arc<Self>) -> F)
    where
        F: Future<Output = ()>,
    {
        loop {
            let lease = tokio::select! {
                lease = self.lease_for_good(name) => lease,
                () = self.background.stop.cancelled() => return,
            };
            let done = self.while_leased(&lease, work(Arc::clone(&self))).await;
            self.let_go(lease).await;
            if done.is_some() {
                return;
            }
        }
    }
}
