//! What requests cost, their receipts and what they taught, written in groups: a commit per request
//! would be the bottleneck.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::{broadcast::error::RecvError, mpsc::Receiver},
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    Serving,
    bursar::{Filled, LEASE},
    till::Block,
};
use crate::{
    desk::face::DeskEvent,
    domain::{HoldId, Receipt, Usd},
    store::{FromBlock, Group, StoreError},
};

/// Groups begin to be written no sooner after one another: with the writing a result waits some 20 ms.
/// Where the disk is slower than this, one follows on the other.
const APART: Duration = Duration::from_millis(15);
/// What is done, for an error.
const WRITING: &str = "write costs and receipts";
/// How long to wait after a failure to write.
const AGAIN: Duration = Duration::from_millis(500);
/// How often a fault that does not pass by itself is tried.
const TRIES: u32 = 6;
/// How often idle money is looked for, and how long money may lie idle.
const LOOK: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);
/// So many results are written at once; more would keep others from writing for too long.
const MOST: usize = 400;
/// How often what is known of links is written down where nobody waits for it.
const CALM: Duration = Duration::from_secs(2);

/// A request that is over.
pub(super) struct Done {
    pub settled: Vec<FromBlock>,
    pub receipt: Receipt,
}

/// What is written together: costs of one month, and receipts.
#[derive(Default)]
struct Lot {
    settled: Vec<FromBlock>,
    receipts: Vec<Receipt>,
}

impl Lot {
    fn of(group: Vec<Done>) -> Self {
        let mut lot = Self::default();
        for done in group {
            lot.settled.extend(done.settled);
            lot.receipts.push(done.receipt);
        }
        lot
    }

    fn is_one(&self) -> bool {
        self.settled.len() + self.receipts.len() <= 1
    }

    /// Says that it is never written.
    fn is_lost(&self, why: &dyn std::fmt::Display) {
        let (receipts, costs) = (self.receipts.len(), self.settled.len());
        tracing::error!(
            receipts,
            costs,
            %why,
            "not written; what was not booked stays held, and the next start counts it (~)"
        );
    }

    /// Parts it in two; the costs first, for they are money.
    fn halves(mut self) -> [Self; 2] {
        if self.settled.is_empty() {
            let rest = self.receipts.split_off(self.receipts.len() / 2);
            let rest = Self {
                receipts: rest,
                ..Self::default()
            };
            return [rest, self];
        }
        if self.receipts.is_empty() {
            let rest = self.settled.split_off(self.settled.len() / 2);
            let rest = Self {
                settled: rest,
                ..Self::default()
            };
            return [rest, self];
        }
        let receipts = Self {
            receipts: std::mem::take(&mut self.receipts),
            ..Self::default()
        };
        [receipts, self]
    }
}

/// When things were done last.
struct Times {
    /// When the last group began to be written.
    worked: Instant,
    renewed: Instant,
    noted: Instant,
    looked: Instant,
    denied: Option<Instant>,
}

impl Serving {
    /// Writes what comes until nothing can come any more and all is written; then the money that is
    /// left goes back.
    pub(super) async fn write(self: Arc<Self>, mut done: Receiver<Done>) {
        let mut events = self.desk.events();
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        let mut times = Times {
            worked: now,
            renewed: now,
            noted: now,
            looked: now,
            denied: None,
        };
        loop {
            tokio::select! {
                first = done.recv() => {
                    let Some(first) = first else { break };
                    let group = gather(first, &mut done, times.worked + APART).await;
                    times.worked = Instant::now();
                    self.write_group(group).await;
                    if self.is_given_up.load(Ordering::Acquire) {
                        return lose_all(&mut done);
                    }
                }
                () = self.low.notified() => {}
                // Another program set a key, woke a link, changed the config.
                event = events.recv() => if may_be_new(&event) {
                    self.refresh().await;
                    self.give_free_back().await;
                },
                // Idle, nothing is looked for: the first request wakes it again.
                _ = look.tick(), if self.has_money() => {}
            }
            // Whichever it was: where requests never end, nothing else may wait for their end.
            self.fill_up(&mut times).await;
            self.note(&mut times, false).await;
            if times.looked.elapsed() >= LOOK {
                times.looked = Instant::now();
                self.look_after(&mut times).await;
            }
        }
        self.note(&mut times, true).await;
        self.give_all_back().await;
    }

    fn has_money(&self) -> bool {
        !self.till().blocks().is_empty()
    }

    /// Writes until it is written: nothing else may be granted meanwhile.
    async fn write_group(&self, group: Vec<Done>) {
        let now = self.span(self.desk.now()).period;
        let mut by_period: BTreeMap<String, Lot> = BTreeMap::new();
        for done in group {
            // A receipt is written with its last cost: the months are written one after the other.
            let mut last = None;
            for settled in done.settled {
                let period = self.period_of(&settled);
                last = last.max(Some(period.clone()));
                by_period.entry(period).or_default().settled.push(settled);
            }
            let lot = by_period.entry(last.unwrap_or_else(|| now.clone()));
            lot.or_default().receipts.push(done.receipt);
        }
        for (period, lot) in by_period {
            self.write_lot(&period, lot).await;
        }
        self.desk.tell(DeskEvent::Spent);
        self.desk.tell(DeskEvent::Changed);
    }

    /// Returns the month of what an attempt was granted from.
    fn period_of(&self, settled: &FromBlock) -> String {
        self.span(settled.held_at).period
    }

    /// Writes costs and receipts together. What the database will never take is set aside one by one,
    /// so that the rest is written; what it cannot take now is tried until it can.
    async fn write_lot(&self, period: &str, lot: Lot) {
        let mut lots = vec![lot];
        while let Some(lot) = lots.pop() {
            match self.try_lot(period, &lot).await {
                Ok(gone) => self.booked(&lot, gone),
                // Only when it was given up: the database is there for no part of it, and for no other.
                Err(error) if error.passes() => {
                    self.is_given_up.store(true, Ordering::Release);
                    lot.is_lost(&error);
                }
                Err(error) if lot.is_one() => lot.is_lost(&error),
                Err(_) => lots.extend(lot.halves()),
            }
        }
        self.cannot_write.store(false, Ordering::Release);
    }

    /// Tries while there is hope: a full disk, a busy database and one that is out of reach pass,
    /// another fault is tried a few times.
    async fn try_lot(&self, period: &str, lot: &Lot) -> Result<Vec<HoldId>, StoreError> {
        let mut tries = 0;
        loop {
            let group = Group {
                period,
                owner: &self.owner,
                settled: &lot.settled,
                receipts: &lot.receipts,
                at: self.desk.now(),
            };
            // The answer to a commit may have been lost: then all of it is there.
            let written = if tries == 0 {
                let act = self.desk.store.write_group(group);
                self.told(WRITING, act).await
            } else {
                let act = self.desk.store.write_group_again(group);
                self.told(WRITING, act).await
            };
            let error = match written {
                Ok(gone) => return Ok(gone),
                Err(error) => error,
            };
            self.cannot_write.store(true, Ordering::Release);
            tries += 1;
            if (!error.passes() && tries >= TRIES) || self.give_up.is_cancelled() {
                return Err(error);
            }
            tracing::error!(%error, "costs and receipts could not be written yet");
            tokio::select! {
                () = self.give_up.cancelled() => return Err(error),
                () = sleep(AGAIN) => {}
            }
        }
    }

    fn booked(&self, lot: &Lot, gone: Vec<HoldId>) {
        let mut till = self.till();
        for block in gone {
            till.lose(block);
        }
        for settled in &lot.settled {
            till.booked(settled.block, settled.cost.amount());
        }
    }

    /// Holds more before it is needed.
    async fn fill_up(&self, times: &mut Times) {
        if !self.is_low.swap(false, Ordering::AcqRel) {
            return;
        }
        // Near the cap every request asks for it; the ledger need not be asked each time.
        if times.denied.is_some_and(|denied| denied.elapsed() < LOOK) {
            return;
        }
        let _turn = self.filling.lock().await;
        let now = self.desk.now();
        let span = self.span(now);
        let size = self.block_size();
        let is_full = self
            .till()
            .current(&span)
            .is_some_and(|block| block.free >= size);
        if is_full {
            return;
        }
        // Denied is no trouble here: the request that needs it will ask itself.
        match self.fill(&span, size, now, None).await {
            Ok(Filled::Granted(_)) => times.denied = None,
            Ok(Filled::Denied { .. }) => times.denied = Some(Instant::now()),
            Err(error) => tracing::warn!(%error, "no money could be held ahead"),
        }
    }

    /// Gives back what is not needed, renews the lease, closes blocks of the past.
    async fn look_after(&self, times: &mut Times) {
        let now = self.desk.now();
        let span = self.span(now);
        let is_idle = times.worked.elapsed() >= IDLE;
        let renews = times.renewed.elapsed() >= LEASE / 3;
        let size = self.block_size();
        let _turn = self.filling.lock().await;
        let blocks = self.till().blocks().to_vec();
        for block in blocks {
            let is_current = block.span == span;
            let keep = if is_idle || !is_current {
                Usd::ZERO
            } else {
                size
            };
            // Money that comes and goes with each request is no reason to write.
            let is_much = block.free > keep.plus(keep);
            if !is_much && !renews {
                continue;
            }
            let back = self.till().take_back(block.id, keep);
            let is_done = keep == Usd::ZERO && self.is_idle(block.id);
            self.give_back(&block, (back, is_done)).await;
        }
        if renews {
            times.renewed = Instant::now();
        }
    }

    fn is_idle(&self, id: HoldId) -> bool {
        let till = self.till();
        let mut blocks = till.blocks().iter();
        blocks.any(|block| block.id == id && block.is_idle())
    }

    async fn give_all_back(&self) {
        let blocks = self.till().blocks().to_vec();
        for block in blocks {
            let back = self.till().take_back(block.id, Usd::ZERO);
            // What is granted or could not be booked stays held: whoever recovers it counts it.
            let is_done = self.is_idle(block.id);
            self.give_back(&block, (back, is_done)).await;
        }
    }

    /// Gives back what nobody was granted yet: under other caps the ledger is asked anew.
    async fn give_free_back(&self) {
        let _turn = self.filling.lock().await;
        let blocks = self.till().blocks().to_vec();
        for block in blocks {
            let back = self.till().take_back(block.id, Usd::ZERO);
            self.give_back(&block, (back, false)).await;
        }
    }

    /// Gives money back. Where that fails, the ledger may have taken it all the same: it is granted
    /// to nobody any more, and what is left in the ledger goes back with the block.
    async fn give_back(&self, block: &Block, (back, is_done): (Usd, bool)) {
        let now = self.desk.now();
        let ask = self.ask(block.id, &block.span, (Usd::ZERO, Usd::ZERO), now);
        let act = self.desk.store.shrink_block(&ask, back, is_done);
        match self.told("give money back", act).await {
            Ok(true) if !is_done => {}
            Ok(_) => self.till().lose(block.id),
            Err(error) => {
                tracing::warn!(%error, "money could not be given back yet");
            }
        }
    }

    /// Writes down what was learnt: at once what others must hear of, the rest now and then.
    async fn note(&self, times: &mut Times, is_last: bool) {
        let is_due = self.known.is_urgent() || times.noted.elapsed() >= CALM || is_last;
        if !is_due {
            return;
        }
        times.noted = Instant::now();
        let Some(pending) = self.known.take_pending() else {
            return;
        };
        self.tried("what is spent was not announced", self.desk.announce())
            .await;
        // What was no news when the run ended is not among them.
        let (lessons, keys) = (&pending.lessons, &pending.keys);
        let learnt = self.desk.learn(lessons, keys, self.desk.now());
        let learnt = self.tried("what requests taught was not noted yet", learnt);
        if learnt.await.is_some() {
            return self.refresh().await;
        }
        // It holds in memory all the same, and is written down the next time.
        self.known.put_back(pending);
    }
}

/// Tells whether keys, links or the config may have changed: of what was missed nobody knows.
const fn may_be_new(event: &Result<DeskEvent, RecvError>) -> bool {
    matches!(event, Ok(DeskEvent::Configured) | Err(RecvError::Lagged(_)))
}

/// Says of all that is left that it is never written: the database is out of reach, and nobody waits
/// for it any more.
fn lose_all(done: &mut Receiver<Done>) {
    let mut left = Vec::new();
    while let Ok(one) = done.try_recv() {
        left.push(one);
    }
    if !left.is_empty() {
        Lot::of(left).is_lost(&"the database is out of reach");
    }
}

/// Takes what else is over at a moment, up to a number. It sleeps until then: woken by each that comes,
/// it would cost every request a turn.
async fn gather(first: Done, more: &mut Receiver<Done>, until: Instant) -> Vec<Done> {
    let mut group = vec![first];
    sleep_until(until).await;
    while group.len() < MOST
        && let Ok(next) = more.try_recv()
    {
        group.push(next);
    }
    group
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast;

    use super::*;

    #[tokio::test]
    async fn who_missed_events_looks_for_what_is_new() {
        let (tell, mut events) = broadcast::channel(1);
        for event in [DeskEvent::Configured, DeskEvent::Spent, DeskEvent::Changed] {
            tell.send(event).unwrap();
        }

        let missed = events.recv().await;
        let next = events.recv().await;

        assert!(matches!(missed, Err(RecvError::Lagged(2))), "{missed:?}");
        assert!(may_be_new(&missed));
        assert!(!may_be_new(&next));
        assert!(may_be_new(&Ok(DeskEvent::Configured)));
    }
}
