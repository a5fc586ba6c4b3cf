//! The till of a serving process: money that is held in one block and granted from memory.
//!
//! Pure. What a block holds in the ledger is always what is free in it, what is granted to attempts
//! under way, and what was spent but is not yet booked; so the cap is kept by whoever grows the
//! block, and no grant can pass it.

use std::collections::HashMap;

use crate::domain::{Cost, HoldId, Timestamp, Usd};

/// The money of one block, as memory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The hold in the ledger.
    pub id: HoldId,
    /// The month and the day that it counts in.
    pub span: Span,
    /// What may be granted; less than nothing where calls cost more than was set aside for them.
    pub free: Usd,
    /// What attempts under way were granted.
    pub granted: Usd,
    /// What was spent and is not yet booked.
    pub unbooked: Usd,
}

/// What time a block counts in: it pays for nothing outside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    /// The month, as the ledger names it.
    pub period: String,
    /// When the day began, in microseconds, where a cap of the day matters.
    pub day: i64,
}

/// What an attempt was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// Which block pays.
    pub block: HoldId,
    /// How much.
    pub held: Usd,
    /// When it was granted: the day it counts in.
    pub at: Timestamp,
}

/// Every block of this process; the newest one grants.
#[derive(Debug, Default)]
pub(super) struct Till {
    blocks: Vec<Block>,
    grants: HashMap<HoldId, Grant>,
}

impl Till {
    /// Takes over a block that was just held.
    pub(super) fn open(&mut self, id: HoldId, span: Span, amount: Usd) {
        self.blocks.push(Block {
            id,
            span,
            free: amount,
            granted: Usd::ZERO,
            unbooked: Usd::ZERO,
        });
    }

    /// Returns the block that grants in this span of time.
    pub(super) fn current(&self, span: &Span) -> Option<&Block> {
        self.blocks.last().filter(|block| block.span == *span)
    }

    /// Grants what is asked for, or as much of it as there is, if that is at least `floor`.
    pub(super) fn grant(
        &mut self,
        id: HoldId,
        span: &Span,
        (ceiling, floor): (Usd, Usd),
        at: Timestamp,
    ) -> Option<Usd> {
        let block = self.blocks.last_mut().filter(|block| block.span == *span)?;
        let held = ceiling.min(block.free.max(Usd::ZERO));
        // A free call is granted from an empty block too: where nothing is asked for, nothing is short.
        if held < ceiling && held < floor.max(Usd::from_nanos(1)) {
            return None;
        }
        block.free = block.free.minus(held);
        block.granted = block.granted.plus(held);
        let block = block.id;
        self.grants.insert(id, Grant { block, held, at });
        Some(held)
    }

    /// Settles a grant at what `cost` makes of the sum that was granted: what it did not cost is free
    /// again. None if it was settled before.
    pub(super) fn settle(
        &mut self,
        id: HoldId,
        cost: impl FnOnce(Usd) -> Cost,
    ) -> Option<(Grant, Cost)> {
        let grant = self.grants.remove(&id)?;
        let cost = cost(grant.held);
        if let Some(block) = self.block(grant.block) {
            block.granted = block.granted.minus(grant.held);
            let left = grant.held.minus(cost.amount());
            // What cost more than was set aside is owed: nothing is free until that is held too.
            block.free = block.free.plus(left);
            block.unbooked = block.unbooked.plus(cost.amount());
        }
        Some((grant, cost))
    }

    /// Notes that the ledger gave a block more.
    pub(super) fn grown(&mut self, id: HoldId, by: Usd) {
        if let Some(block) = self.block(id) {
            block.free = block.free.plus(by);
        }
    }

    /// Takes out of a block what is to be given back: all above `keep`.
    pub(super) fn take_back(&mut self, id: HoldId, keep: Usd) -> Usd {
        let Some(block) = self.block(id) else {
            return Usd::ZERO;
        };
        let back = block.free.minus(keep).max(Usd::ZERO);
        block.free = block.free.minus(back);
        back
    }

    /// Notes that costs of a block were booked.
    pub(super) fn booked(&mut self, id: HoldId, cost: Usd) {
        if let Some(block) = self.block(id) {
            block.unbooked = block.unbooked.minus(cost).max(Usd::ZERO);
        }
    }

    /// Forgets a block that is not ours any more; grants of it can still be settled, elsewhere.
    pub(super) fn lose(&mut self, id: HoldId) {
        self.blocks.retain(|block| block.id != id);
    }

    /// Returns every block.
    pub(super) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    fn block(&mut self, id: HoldId) -> Option<&mut Block> {
        self.blocks.iter_mut().find(|block| block.id == id)
    }
}

impl Block {
    /// Returns what the ledger must hold for it.
    #[cfg(test)]
    const fn in_ledger(&self) -> Usd {
        self.free.plus(self.granted).plus(self.unbooked)
    }

    /// Tells whether nothing of it is under way or waits to be booked.
    pub(super) fn is_idle(&self) -> bool {
        self.granted == Usd::ZERO && self.unbooked == Usd::ZERO
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const CAP: i64 = 10_000;
    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn id(number: u128) -> HoldId {
        HoldId::new(Uuid::from_u128(number))
    }

    fn usd(nanos: i64) -> Usd {
        Usd::from_nanos(nanos)
    }

    /// A ledger that several tills share.
    #[derive(Default)]
    struct Ledger {
        settled: i64,
        held: HashMap<HoldId, i64>,
    }

    impl Ledger {
        fn taken(&self) -> i64 {
            self.settled + self.held.values().sum::<i64>()
        }

        fn hold(&mut self, id: HoldId, wanted: i64) -> i64 {
            let given = wanted.min(CAP - self.taken()).max(0);
            *self.held.entry(id).or_default() += given;
            given
        }
    }

    fn block_id(till: usize) -> HoldId {
        id(1_000_000 + till as u128)
    }

    proptest! {
        /// Whatever several processes do, no attempt costs more than its hold: settled and held
        /// stay within the cap, and each block's money is all there.
        #[test]
        fn settled_and_held_never_pass_the_cap(
            steps in prop::collection::vec((0_usize..3, 0_u8..6, 1_i64..3_000, 0_i64..260), 1..200)
        ) {
            let span = Span::default();
            let mut ledger = Ledger::default();
            let mut tills: Vec<Till> = (0..3).map(|_| Till::default()).collect();
            let mut open: Vec<Vec<(HoldId, i64)>> = vec![Vec::new(); 3];
            let mut unbooked: Vec<i64> = vec![0; 3];
            let mut over = 0;
            for (place, till) in tills.iter_mut().enumerate() {
                till.open(block_id(place), span.clone(), Usd::ZERO);
            }
            for (number, (place, act, amount, share)) in steps.into_iter().enumerate() {
                let till = &mut tills[place];
                let block = block_id(place);
                match act {
                    0 | 1 => {
                        let wish = id(number as u128);
                        let held = till.grant(wish, &span, (usd(amount), usd(amount / 2)), AT);
                        if let Some(held) = held {
                            open[place].push((wish, held.nanos()));
                        } else {
                            till.grown(block, usd(ledger.hold(block, amount)));
                        }
                    }
                    2 | 3 => if let Some((wish, held)) = open[place].pop() {
                        let cost = held * share / 100;
                        prop_assert!(till.settle(wish, |_| Cost::Known(usd(cost))).is_some());
                        prop_assert!(till.settle(wish, |_| Cost::Known(usd(cost))).is_none());
                        unbooked[place] += cost;
                        over += (cost - held).max(0);
                    },
                    4 => {
                        let cost = std::mem::take(&mut unbooked[place]);
                        ledger.settled += cost;
                        let held = ledger.held.entry(block).or_default();
                        *held = (*held - cost).max(0);
                        till.booked(block, usd(cost));
                    }
                    _ => {
                        let back = till.take_back(block, usd(share)).nanos();
                        *ledger.held.entry(block).or_default() -= back;
                    }
                }
                prop_assert!(ledger.taken() <= CAP + over, "past the cap");
                for (place, till) in tills.iter().enumerate() {
                    // Never less than what memory counts on; more only after a cost above its hold.
                    let there = ledger.held.get(&block_id(place)).copied().unwrap_or(0);
                    let ours = till.current(&span).map(Block::in_ledger);
                    prop_assert!(ours <= Some(usd(there)), "more is granted than is held");
                }
            }
        }
    }

    #[test]
    fn a_block_pays_for_its_own_time_alone() {
        let mut till = Till::default();
        let november = Span {
            period: "2026-11".to_owned(),
            day: 0,
        };
        let december = Span {
            period: "2026-12".to_owned(),
            day: 0,
        };
        till.open(id(1), november.clone(), usd(100));

        assert_eq!(till.grant(id(2), &december, (usd(10), usd(10)), AT), None);
        assert_eq!(
            till.grant(id(2), &november, (usd(10), usd(10)), AT),
            Some(usd(10))
        );
        till.open(id(3), december.clone(), usd(50));
        assert_eq!(
            till.grant(id(4), &december, (usd(80), usd(40)), AT),
            Some(usd(50))
        );
        assert_eq!(till.grant(id(5), &december, (usd(80), usd(40)), AT), None);
        assert_eq!(till.settle(id(2), |_| Cost::FREE).unwrap().0.block, id(1));
        assert_eq!(till.blocks()[1].granted, usd(50));
        assert!(till.blocks()[0].is_idle());
    }

    #[test]
    fn what_costs_more_than_its_hold_is_paid_from_what_is_free() {
        let mut till = Till::default();
        let span = Span::default();
        till.open(id(1), span.clone(), usd(100));
        till.grant(id(2), &span, (usd(60), usd(60)), AT).unwrap();

        till.settle(id(2), |_| Cost::Known(usd(90))).unwrap();

        assert_eq!(till.current(&span).unwrap().free, usd(10));
        assert_eq!(till.grant(id(3), &span, (usd(20), usd(20)), AT), None);
        till.grant(id(4), &span, (usd(10), usd(10)), AT).unwrap();
        till.settle(id(4), |_| Cost::Known(usd(50))).unwrap();
        assert_eq!(till.current(&span).unwrap().free, usd(-40), "owed");
        till.grown(id(1), usd(45));
        assert_eq!(
            till.grant(id(5), &span, (usd(20), usd(1)), AT),
            Some(usd(5))
        );
    }
}
