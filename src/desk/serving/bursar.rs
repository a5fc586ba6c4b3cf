//! The money of requests: granted from the till, which is filled from the ledger before it is empty.

use std::{
    sync::{Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use uuid::Uuid;

use super::{
    Serving,
    till::{Span, Till},
};
use crate::{
    desk::ledger::{Answer, Ledger, LedgerError, Wish},
    domain::{Attempt, Cap, CapName, Cost, HoldId, LinkName, RunId, Timestamp, Usd},
    store::{FromBlock, HoldAnswer, HoldAsk, StoreError},
};

/// A block is this part of the month's cap.
const PART_OF_CAP: i64 = 100;
/// The size of a block where there is no cap: it bounds nothing, a crash costs at most this.
const UNCAPPED: Usd = Usd::from_nanos(1_000_000_000);
/// How often the ledger is asked for one request while others take of what it gives: each time for
/// all that the request needs.
const FILLS: usize = 5;
/// What is done, for an error.
const HOLDING: &str = "hold money";
/// How long a block is ours without a sign of life; it is renewed long before.
pub(super) const LEASE: Duration = Duration::from_secs(90);

/// What filling the till came to.
pub(super) enum Filled {
    /// There is more; what the request was granted that it was filled for.
    Granted(Option<Usd>),
    /// A limit does not allow it.
    Denied { free: Usd, by: CapName },
}

/// Why a request was not paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The limit.
    pub by: CapName,
    /// Whether it may be paid for in a moment: others hold enough that may come back.
    pub may_pass: bool,
}

/// The ledger of one request.
pub(super) struct Books<'a> {
    serving: &'a Serving,
    run: RunId,
    settled: Mutex<Vec<FromBlock>>,
    /// What is known of each hold until it is settled.
    wishes: Mutex<Vec<(HoldId, u32, LinkName)>>,
    denied: Mutex<Option<Denied>>,
    /// At which links something is billed beside tokens.
    unpriced: Vec<LinkName>,
}

impl<'a> Books<'a> {
    pub(super) fn new(serving: &'a Serving, run: RunId, unpriced: Vec<LinkName>) -> Self {
        Self {
            serving,
            run,
            settled: Mutex::default(),
            wishes: Mutex::default(),
            denied: Mutex::default(),
            unpriced,
        }
    }

    /// Returns what denied a hold, if anything did.
    pub(super) fn denied(&self) -> Option<Denied> {
        *open(&self.denied)
    }

    /// Returns what its attempts cost.
    pub(super) fn take_settled(&self) -> Vec<FromBlock> {
        std::mem::take(&mut *open(&self.settled))
    }

    /// Settles what is still held at its ceiling: what came of it is not known.
    pub(super) fn settle_at_most(&self, at: Timestamp) {
        let left: Vec<HoldId> = open(&self.wishes).iter().map(|(id, ..)| *id).collect();
        for hold in left {
            self.settle_now(hold, None, at);
        }
    }

    /// Puts into a receipt's attempts what was booked for them, where that is more than tokens tell.
    pub(super) fn correct(&self, attempts: &mut [Attempt]) {
        let settled = open(&self.settled);
        let dear = |link: &LinkName| self.unpriced.contains(link);
        for settled in settled.iter().filter(|settled| dear(&settled.link)) {
            let mut of_it = attempts.iter_mut();
            if let Some(attempt) = of_it.find(|attempt| attempt.no == settled.attempt) {
                attempt.cost = settled.cost;
            }
        }
    }

    /// Returns what is booked for a call of a link that was granted `held`. What is billed beside tokens
    /// is not in their count: such a call cost what they did, or its ceiling, whichever is more.
    fn booked(&self, link: Option<&LinkName>, cost: Option<Cost>, held: Usd) -> Cost {
        let is_unpriced = link.is_some_and(|link| self.unpriced.contains(link));
        match cost {
            None => Cost::AtMost(held),
            Some(cost) if is_unpriced && cost.amount() > Usd::ZERO => {
                Cost::AtMost(cost.amount().max(held))
            }
            Some(cost) => cost,
        }
    }

    /// Settles one hold: at a cost, or at its ceiling where none is known.
    fn settle_now(&self, hold: HoldId, cost: Option<Cost>, at: Timestamp) {
        let mut wishes = open(&self.wishes);
        let place = wishes.iter().position(|(id, ..)| *id == hold);
        let wish = place.map(|place| wishes.swap_remove(place));
        drop(wishes);
        let link = wish.as_ref().map(|(.., link)| link);
        let mut till = self.serving.till();
        let grant = till.settle(hold, |held| self.booked(link, cost, held));
        drop(till);
        let (Some((grant, cost)), Some((_, attempt, link))) = (grant, wish) else {
            return;
        };
        open(&self.settled).push(FromBlock {
            block: grant.block,
            id: hold,
            run: self.run,
            attempt,
            link,
            held: grant.held,
            cost,
            held_at: grant.at,
            at,
        });
    }

    fn note(&self, wish: &Wish) {
        open(&self.wishes).push((wish.id, wish.attempt, wish.link.clone()));
    }

    /// Grants from memory, if there is enough.
    fn grant(&self, wish: &Wish, span: &Span, floor: Usd) -> Option<Usd> {
        let mut till = self.serving.till();
        let held = till.grant(wish.id, span, (wish.ceiling, floor), wish.at)?;
        drop(till);
        self.note(wish);
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
        if let Some(held) = self.grant(wish, &span, wish.ceiling) {
            self.serving.fill_ahead(&span, wish.ceiling);
            return Ok(Answer::Granted(held));
        }
        // One at a time: the next one finds what the first one brought.
        let _turn = self.serving.filling.lock().await;
        if let Some(held) = self.grant(wish, &span, wish.ceiling) {
            return Ok(Answer::Granted(held));
        }
        let mut denied = None;
        for _ in 0..FILLS {
            let filled = self.serving.fill(&span, wish.ceiling, wish.at, Some(wish));
            let filled = filled.await.map_err(|error| LedgerError {
                did: "hold money",
                why: error.to_string(),
            })?;
            match filled {
                Filled::Granted(Some(held)) => {
                    self.note(wish);
                    return Ok(Answer::Granted(held));
                }
                // Others took of it while the ledger was asked: only the ledger says that there is
                // no more.
                Filled::Granted(None) => {}
                Filled::Denied { free, by } => {
                    denied = Some((free, by));
                    break;
                }
            }
        }
        // There is not enough for all of it; a shorter answer may still be paid for.
        if let Some(held) = self.grant(wish, &span, wish.floor) {
            return Ok(Answer::Granted(held));
        }
        let (free, by) = denied.unwrap_or((Usd::ZERO, CapName::Month));
        let held = self.serving.held_elsewhere(&span).await;
        let may_pass = held > Usd::ZERO && free.plus(held) >= wish.floor;
        let mut denied = open(&self.denied);
        let denied = denied.get_or_insert(Denied { by, may_pass });
        // A cheaper link may be paid for soon, whatever a dearer one needs.
        denied.may_pass |= may_pass;
        Ok(Answer::Denied { free, held })
    }

    async fn settle(&self, hold: HoldId, cost: Cost, at: Timestamp) -> Result<(), LedgerError> {
        self.settle_now(hold, Some(cost), at);
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
        if is_low && !self.is_low.swap(true, Ordering::AcqRel) {
            self.low.notify_one();
        }
    }

    /// Brings the till up to a block, or to what one request needs if that is more, and grants that
    /// request in the same breath, before others take what came.
    pub(super) async fn fill(
        &self,
        span: &Span,
        ceiling: Usd,
        at: Timestamp,
        wish: Option<&Wish>,
    ) -> Result<Filled, StoreError> {
        let wanted = self.block_size().max(ceiling);
        let least = Usd::from_nanos(1);
        let current = self
            .till()
            .current(span)
            .map(|block| (block.id, block.free));
        if let Some((id, free)) = current {
            // At least what the request needs: of what is free now, others may take meanwhile.
            let needed = wish.map_or(least, |wish| wish.ceiling);
            let more = wanted.minus(free).max(needed);
            let ask = self.ask(id, span, (more, least), at);
            let grown = self.desk.store.grow_block(&ask);
            match self.told(HOLDING, grown).await? {
                Some(answer) => return Ok(self.filled(id, span, answer, wish)),
                // Somebody settled it at its ceiling: it is no purse any more.
                None => self.till().lose(id),
            }
        }
        let id = HoldId::new(Uuid::now_v7());
        // Known before it is asked for: should nobody wait for the answer, it is given back later.
        self.till().open(id, span.clone(), Usd::ZERO);
        let ask = self.ask(id, span, (wanted, least), at);
        let mut answer = self.told(HOLDING, self.desk.store.hold(&ask)).await?;
        if let HoldAnswer::Denied { .. } = answer {
            // Who needs nothing is not denied: a free model answers at the cap too.
            let is_free = wish.is_some_and(|wish| wish.ceiling == Usd::ZERO);
            if is_free {
                let ask = self.ask(id, span, (Usd::ZERO, Usd::ZERO), at);
                answer = self.told(HOLDING, self.desk.store.hold(&ask)).await?;
            } else {
                self.till().lose(id);
            }
        }
        Ok(self.filled(id, span, answer, wish))
    }

    fn filled(&self, id: HoldId, span: &Span, answer: HoldAnswer, wish: Option<&Wish>) -> Filled {
        let amount = match answer {
            HoldAnswer::Granted(amount) => amount,
            HoldAnswer::Denied { free, by } => return Filled::Denied { free, by },
        };
        let mut till = self.till();
        till.grown(id, amount);
        Filled::Granted(wish.and_then(|wish| {
            let all = (wish.ceiling, wish.ceiling);
            till.grant(wish.id, span, all, wish.at)
        }))
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
            link: LinkName::new(super::BLOCK_OF, "block"),
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
        let sums = self.desk.store.sums(&span.period);
        let sums = self.told("read what is held", sums).await;
        let sums = sums.unwrap_or_default();
        let ours: Usd = self
            .till()
            .blocks()
            .iter()
            .map(|block| block.free.plus(block.unbooked))
            .fold(Usd::ZERO, Usd::plus);
        sums.held.minus(ours).max(Usd::ZERO)
    }
}
