//! Standing work is done by one desk at a time: whoever has its lease.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Desk, DeskError,
    owner::{Fate, Owner},
};
use crate::{
    domain::Clock,
    store::{Held, LeaseAsk, Store},
};

/// A lease runs so long; another desk takes the work over when it ran out.
const LEASE: Duration = Duration::from_secs(30);
/// So often it is renewed.
const RENEW: Duration = Duration::from_secs(10);
/// So long a command waits for one, and so often it looks.
const COMMAND_WAITS: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);
/// So long work that must not be done twice waits for its lease: longer than a renewing of a
/// sign-in takes, where every part of it takes as long as it may.
const PATIENT: Duration = Duration::from_secs(90);

/// Work this desk does until it lets it go.
#[derive(Debug)]
pub(super) struct Lease {
    name: String,
    holder: String,
}

/// Takes leases in the name of a desk; outlives a borrow of it. Cheap to clone.
#[derive(Clone)]
pub(super) struct Leases {
    store: Store,
    clock: Arc<dyn Clock>,
    holder: String,
    renewed_every: Duration,
}

impl Leases {
    /// Takes a lease; says who has it when it is not free.
    async fn try_take(&self, name: &str) -> Result<Result<Lease, Held>, DeskError> {
        let mut dead: Option<String> = None;
        loop {
            let at = self.clock.now();
            let ask = LeaseAsk {
                name,
                holder: &self.holder,
                at,
                until: at.checked_add(LEASE).unwrap_or(at),
                dead: dead.as_deref(),
            };
            let Some(held) = self.store.take_lease(ask).await? else {
                return Ok(Ok(Lease {
                    name: name.to_owned(),
                    holder: self.holder.clone(),
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

    /// Takes a lease for work that must not be done by two at once: waits long for it, and gives
    /// up where it does not come.
    pub(super) async fn take_patiently(&self, name: &str) -> Result<Lease, DeskError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.try_take(name).await? {
                Ok(lease) => return Ok(lease),
                Err(held) if waited >= PATIENT => return Err(leased(name, &held)),
                Err(_) => {
                    sleep(LOOK).await;
                    waited += LOOK;
                }
            }
        }
    }

    /// Does work, and renews its lease for as long as it takes.
    pub(super) async fn beside<T>(&self, lease: &Lease, work: impl Future<Output = T>) -> T {
        tokio::select! {
            done = work => done,
            never = self.renew_for_ever(lease) => match never {},
        }
    }

    async fn renew_for_ever(&self, lease: &Lease) -> Infallible {
        loop {
            sleep(self.renewed_every).await;
            match self.try_take(&lease.name).await {
                Ok(Ok(_)) => {}
                Ok(Err(held)) => {
                    let holder = holder_words(&held.holder);
                    tracing::warn!(name = lease.name, holder, "a lease was lost at work");
                }
                Err(error) => tracing::warn!(%error, "a lease could not be renewed"),
            }
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

impl Desk {
    /// Returns what takes leases in the name of this desk.
    pub(super) fn leases(&self) -> Leases {
        Leases {
            store: self.store.clone(),
            clock: Arc::clone(&self.clock),
            holder: self.owner(&self.agent()),
            renewed_every: RENEW,
        }
    }

    /// Takes a lease; says who has it when it is not free.
    async fn try_lease(&self, name: &str) -> Result<Result<Lease, Held>, DeskError> {
        self.leases().try_take(name).await
    }

    /// Takes a lease for a command, which waits a little for it.
    pub(super) async fn lease_for_command(&self, name: &str) -> Result<Lease, DeskError> {
        let mut waited = Duration::ZERO;
        loop {
            match self.try_lease(name).await? {
                Ok(lease) => return Ok(lease),
                Err(held) if waited >= COMMAND_WAITS => return Err(leased(name, &held)),
                Err(_) => {
                    sleep(LOOK).await;
                    waited += LOOK;
                }
            }
        }
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
        self.leases().let_go(lease).await;
    }
}

/// Says that somebody else has a lease.
fn leased(name: &str, held: &Held) -> DeskError {
    DeskError::Leased {
        name: name.to_owned(),
        holder: holder_words(&held.holder),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{desk::clock::SystemClock, store::StoreUrl};

    async fn leases(dir: &tempfile::TempDir, holder: &str) -> Leases {
        let url = StoreUrl::Sqlite(dir.path().join("deskhand.db"));
        Leases {
            store: Store::open(&url).await.unwrap(),
            clock: Arc::new(SystemClock::start()),
            holder: holder.to_owned(),
            renewed_every: Duration::from_millis(50),
        }
    }

    #[tokio::test]
    async fn a_lease_is_renewed_for_as_long_as_its_work_takes() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, others) = (leases(&dir, "we").await, leases(&dir, "others").await);
        let lease = ours.take_patiently("work").await.unwrap();
        let first = others.try_take("work").await.unwrap().unwrap_err().until;

        let until_renewed = async {
            while others.try_take("work").await.unwrap().unwrap_err().until == first {
                sleep(Duration::from_millis(100)).await;
            }
        };
        let working = ours.beside(&lease, until_renewed);
        tokio::time::timeout(Duration::from_secs(20), working)
            .await
            .unwrap();
        ours.let_go(lease).await;

        assert!(others.try_take("work").await.unwrap().is_ok());
    }
}
