//! The money of requests: granted from the till, which is filled from the ledger before it is empty.

use std::{
    sync::{Mutex, MutexGuard, OnceLock, PoisonError, atomic::Ordering},
    time::Duration,
};

use uuid::Uuid;

use super::{
    Serving,
    till::{Span, Till},
};
use crate::{
    desk::ledger::{Answer, Ledger, LedgerError, Wish},
    domain::{Cap, CapName, Cost, HoldId, LinkName, RunId, Timestamp, Usd},
    store::{FromBlock, HoldAnswer, HoldAsk, StoreError},
};

/// A block is this part of the month's cap.
const PART_OF_CAP: i64 = 100;
/// The size of a block where there is no cap: it bounds nothing, a crash costs at most this.
const UNCAPPED: Usd = Usd::from_nanos(1_000_000_000);
/// How long a block is ours without a sign of life; it is renewed long before.
pub(super) const LEASE: Duration = Duration::from_secs(90);

/// The ledger of one request.
pub(super) struct Books<'a> {
    serving: &'a Serving,
    run: RunId,
    settled: Mutex<Vec<FromBlock>>,
    /// What is known of each hold until it is settled.
    wishes: Mutex<Vec<(HoldId, u32, LinkName)>>,
    denied_by: OnceLock<CapName>,
}

impl<'a> Books<'a> {
    pub(super) fn new(serving: &'a Serving, run: RunId) -> Self {
        Self {
            serving,
            run,
            settled: Mutex::default(),
            wishes: Mutex::default(),
            denied_by: OnceLock::new(),
        }
    }

    /// Returns which limit denied a hold, if one did.
    pub(super) fn denied_by(&self) -> Option<CapName> {
        self.denied_by.get().copied()
    }

    /// Returns what its attempts cost.
    pub(super) fn into_settled(self) -> Vec<FromBlock> {
        self.settled
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Grants from memory, if there is enough.
    fn grant(&self, wish: &Wish, span: &Span) -> Option<Usd> {
        let held = self
            .serving
            .till()
            .grant(wish.id, span, (wish.ceiling, wish.floor))?;
        open(&self.wishes).push((wish.id, wish.attempt, wish.link.clone()));
        Some(held)
    }
}

fn open<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger for Books<'_> {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        if self.serving.cannot_write.load(Ordering::Acquire) {
            return Err(LedgerError {
                did: "hold money",
                why: "what earlier requests cost could not be written yet".to_owned(),
            });
        }
        let span = self.serving.span(wish.at);
        if let Some(held) = self.grant(wish, &span) {
            self.serving.fill_ahead(&span, wish.ceiling);
            return Ok(Answer::Granted(held));
        }
        // One at a time: the next one finds what the first one brought.
        let _turn = self.serving.filling.lock().await;
        if let Some(held) = self.grant(wish, &span) {
            return Ok(Answer::Granted(held));
        }
        let filled = self
            .serving
            .fill(&span, (wish.ceiling, wish.floor), wish.at)
            .await;
        let answer = filled.map_err(|error| LedgerError {
            did: "hold money",
            why: error.to_string(),
        })?;
        match (self.grant(wish, &span), answer) {
            (Some(held), _) => Ok(Answer::Granted(held)),
            (None, HoldAnswer::Denied { free, by }) => {
                self.denied_by.get_or_init(|| by);
                let held = self.serving.held_elsewhere(&span).await;
                Ok(Answer::Denied { free, held })
            }
            (None, HoldAnswer::Granted(_)) => Ok(Answer::Denied {
                free: Usd::ZERO,
                held: self.serving.held_elsewhere(&span).await,
            }),
        }
    }

    async fn settle(&self, hold: HoldId, cost: Cost, at: Timestamp) -> Result<(), LedgerError> {
        let Some(grant) = self.serving.till().settle(hold, cost) else {
            return Ok(());
        };
        let mut wishes = open(&self.wishes);
        let Some(place) = wishes.iter().position(|(id, ..)| *id == hold) else {
            return Ok(());
        };
        let (_, attempt, link) = wishes.swap_remove(place);
        drop(wishes);
        open(&self.settled).push(FromBlock {
            block: grant.block,
            id: hold,
            run: self.run,
            attempt,
            link,
            held: grant.held,
            cost,
            at,
        });
        Ok(())
    }

    async fn exchange(&self, hold: HoldId, cost: Cost, wish: &Wish) -> Result<Answer, LedgerError> {
        self.settle(hold, cost, wish.at).await?;
        self.hold(wish).await
    }
}

impl Serving {
    pub(super) fn till(&self) -> MutexGuard<'_, Till> {
        // What is done under this lock is arithmetic; it cannot stop half-way.
        self.till.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the month and the day of a moment.
    pub(super) fn span(&self, at: Timestamp) -> Span {
        let mut kept = open(&self.span);
        match &*kept {
            Some((span, begins, ends)) if *begins <= at && at < *ends => span.clone(),
            _ => {
                let (begins, ends) = self.desk.day_of(at);
                let span = Span {
                    period: self.desk.period_of(at).name,
                    day: begins.as_microsecond(),
                };
                *kept = Some((span.clone(), begins, ends));
                span
            }
        }
    }

    fn cap(&self) -> Cap {
        let spend = &self.desk.settings().config.spend;
        match spend.cap {
            _ if !spend.pause_at_cap => Cap::None,
            Cap::NotChosen => Cap::Month(Usd::ZERO),
            cap @ (Cap::None | Cap::Month(_)) => cap,
        }
    }

    /// Returns how much a block is to have free.
    pub(super) fn block_size(&self) -> Usd {
        match self.cap() {
            Cap::Month(cap) => Usd::from_nanos(cap.nanos().div_euclid(PART_OF_CAP)),
            Cap::None | Cap::NotChosen => UNCAPPED,
        }
    }

    /// Asks the scribe for more when the next requests would find too little.
    fn fill_ahead(&self, span: &Span, ceiling: Usd) {
        let free = self
            .till()
            .current(span)
            .map_or(Usd::ZERO, |block| block.free);
        let is_low = free < ceiling || free.nanos() < self.block_size().nanos().div_euclid(4);
        if is_low {
            self.low.notify_one();
        }
    }

    /// Brings the till up to a block, or to what one request needs if that is more.
    pub(super) async fn fill(
        &self,
        span: &Span,
        (ceiling, floor): (Usd, Usd),
        at: Timestamp,
    ) -> Result<HoldAnswer, StoreError> {
        let current = self
            .till()
            .current(span)
            .map(|block| (block.id, block.free));
        let wanted = self.block_size().max(ceiling);
        let Some((id, free)) = current else {
            let id = HoldId::new(Uuid::now_v7());
            let ask = self.ask(id, span, (wanted, floor), at);
            let answer = self.desk.store.hold(&ask).await?;
            if let HoldAnswer::Granted(amount) = answer {
                self.till().open(id, span.clone(), amount);
            }
            return Ok(answer);
        };
        let more = wanted.minus(free).max(Usd::from_nanos(1));
        let least = floor.minus(free).max(Usd::from_nanos(1));
        let ask = self.ask(id, span, (more, least), at);
        let answer = self.desk.store.grow_block(&ask).await?;
        if let HoldAnswer::Granted(amount) = answer {
            self.till().grown(id, amount);
        }
        Ok(answer)
    }

    pub(super) fn ask(
        &self,
        id: HoldId,
        span: &Span,
        (ceiling, floor): (Usd, Usd),
        at: Timestamp,
    ) -> HoldAsk {
        HoldAsk {
            id,
            run: self.run,
            ticket: None,
            attempt: 1,
            link: LinkName::new("serve", "block"),
            ceiling,
            floor,
            cap: self.cap(),
            beside: self.desk.side_caps(),
            period: span.period.clone(),
            owner: self.owner.clone(),
            lease_until: at + LEASE,
            at,
        }
    }

    /// Returns what may come back without anything being given up: what calls under way hold, here
    /// and in other programs.
    async fn held_elsewhere(&self, span: &Span) -> Usd {
        let sums = self.desk.store.sums(&span.period).await.unwrap_or_default();
        let ours: Usd = self
            .till()
            .blocks()
            .iter()
            .map(|block| block.free.plus(block.unbooked))
            .fold(Usd::ZERO, Usd::plus);
        sums.held.minus(ours).max(Usd::ZERO)
    }
}
