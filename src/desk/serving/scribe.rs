//! What requests cost, their receipts and what they taught, written in groups: a commit per request
//! would be the bottleneck.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc::Receiver,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{Serving, bursar::LEASE};
use crate::{
    desk::face::DeskEvent,
    domain::{HoldId, Receipt, Usd},
    store::{FromBlock, Group, HoldAnswer},
};

/// How long results are gathered before they are written.
const GATHER: Duration = Duration::from_millis(10);
/// How long to wait after a failure to write.
const AGAIN: Duration = Duration::from_millis(500);
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

/// When things were done last.
struct Times {
    worked: Instant,
    renewed: Instant,
    noted: Instant,
    denied: Option<Instant>,
}

impl Serving {
    /// Writes what comes until nothing can come any more and all is written; then the money that is
    /// left goes back.
    pub(super) async fn write(self: Arc<Self>, mut done: Receiver<Done>) {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let now = Instant::now();
        let mut times = Times {
            worked: now,
            renewed: now,
            noted: now,
            denied: None,
        };
        loop {
            tokio::select! {
                biased;
                first = done.recv() => {
                    let Some(first) = first else { break };
                    times.worked = Instant::now();
                    let group = gather(first, &mut done, times.worked + GATHER).await;
                    self.write_group(group).await;
                    self.note(&mut times, false).await;
                }
                () = self.low.notified() => self.fill_up(&mut times).await,
                // Idle, nothing is looked for: the first request wakes it again.
                _ = look.tick(), if self.has_money() => {
                    self.note(&mut times, false).await;
                    self.look_after(&mut times).await;
                }
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
        let mut by_period: BTreeMap<String, (Vec<FromBlock>, Vec<Receipt>)> = BTreeMap::new();
        let now = self.span(self.desk.now()).period;
        for done in group {
            let first = done.settled.first().map(|settled| settled.block);
            let period = first
                .and_then(|block| {
                    let till = self.till();
                    let mut blocks = till.blocks().iter();
                    let block = blocks.find(|known| known.id == block)?;
                    Some(block.span.period.clone())
                })
                .unwrap_or_else(|| now.clone());
            let (settled, receipts) = by_period.entry(period).or_default();
            settled.extend(done.settled);
            receipts.push(done.receipt);
        }
        for (period, (settled, receipts)) in by_period {
            self.write_period(&period, &settled, &receipts).await;
        }
        self.desk.tell(DeskEvent::Spent);
        self.desk.tell(DeskEvent::Changed);
    }

    async fn write_period(&self, period: &str, settled: &[FromBlock], receipts: &[Receipt]) {
        let lost = loop {
            let group = Group {
                period,
                owner: &self.owner,
                settled,
                receipts,
                at: self.desk.now(),
            };
            match self.desk.store.write_group(group).await {
                Ok(lost) => break lost,
                Err(error) => {
                    self.cannot_write.store(true, Ordering::Release);
                    tracing::error!(%error, "costs and receipts could not be written yet");
                    sleep(AGAIN).await;
                }
            }
        };
        self.cannot_write.store(false, Ordering::Release);
        let mut till = self.till();
        for block in lost {
            till.lose(block);
        }
        let mut sums: BTreeMap<HoldId, Usd> = BTreeMap::new();
        for settled in settled {
            let sum = sums.entry(settled.block).or_default();
            *sum = sum.plus(settled.cost.amount());
        }
        for (block, sum) in sums {
            till.booked(block, sum);
        }
    }

    /// Holds more before it is needed.
    async fn fill_up(&self, times: &mut Times) {
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
        match self.fill(&span, (size, Usd::ZERO), now).await {
            Ok(HoldAnswer::Granted(_)) => times.denied = None,
            Ok(HoldAnswer::Denied { .. }) => times.denied = Some(Instant::now()),
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
            let (back, is_done) = {
                let mut till = self.till();
                let back = till.take_back(block.id, keep);
                let rest = till.blocks().iter().find(|known| known.id == block.id);
                let is_done = keep == Usd::ZERO && rest.is_some_and(super::till::Block::is_idle);
                if is_done {
                    till.lose(block.id);
                }
                (back, is_done)
            };
            self.give_back(block.id, &block.span, (back, is_done)).await;
            times.renewed = Instant::now();
        }
    }

    async fn give_all_back(&self) {
        let blocks = self.till().blocks().to_vec();
        for block in blocks {
            let back = self.till().take_back(block.id, Usd::ZERO);
            self.till().lose(block.id);
            self.give_back(block.id, &block.span, (back, true)).await;
        }
    }

    async fn give_back(&self, id: HoldId, span: &super::till::Span, (back, is_done): (Usd, bool)) {
        let now = self.desk.now();
        let ask = self.ask(id, span, (Usd::ZERO, Usd::ZERO), now);
        match self.desk.store.shrink_block(&ask, back, is_done).await {
            Ok(true) => {}
            Ok(false) => self.till().lose(id),
            Err(error) => {
                // It stays held, which costs nothing but room under the cap.
                tracing::warn!(%error, "money could not be given back");
                if is_done {
                    return;
                }
                self.till().grown(id, back);
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
        let learnt = self.desk.learn(&pending.lessons, &pending.keys).await;
        let announced = self.desk.announce().await;
        for error in [learnt.err(), announced.err()].into_iter().flatten() {
            tracing::warn!(%error, "what requests taught was not noted");
        }
        self.refresh().await;
    }
}

/// Takes what else is over until a moment, up to a number.
async fn gather(first: Done, more: &mut Receiver<Done>, until: Instant) -> Vec<Done> {
    let mut group = vec![first];
    loop {
        tokio::select! {
            biased;
            () = sleep_until(until) => return group,
            next = more.recv(), if group.len() < MOST => match next {
                Some(next) => group.push(next),
                None => return group,
            },
        }
    }
}
