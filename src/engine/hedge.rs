//! How many runs may ask a second link because the first is slow: at most one in twenty, and three
//! in a row after a while without (ENGINE section 3).

/// A run brings one drop, a second link costs twenty: one run in twenty.
const COST: u32 = 20;
/// No more than this is gathered: three in a row.
const MOST: u32 = 3 * COST;

/// The drops gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    drops: u32,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { drops: MOST }
    }
}

impl Bucket {
    /// A run begins: returns whether it may ask a second link. What it may do is taken out now, so
    /// that runs side by side do not share it.
    pub fn begin(&mut self) -> bool {
        self.add(1);
        let may = self.drops >= COST;
        if may {
            self.drops = self.drops.saturating_sub(COST);
        }
        may
    }

    /// A run that might have asked a second link is over and did not.
    pub fn give_back(&mut self) {
        self.add(COST);
    }

    fn add(&mut self, drops: u32) {
        self.drops = self.drops.saturating_add(drops).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn three_in_a_row_and_then_one_in_twenty() {
        let mut bucket = Bucket::default();

        let may: Vec<usize> = (0..100).filter(|_| bucket.begin()).collect();

        assert_eq!(may, [0, 1, 2, 20, 40, 60, 80]);
    }

    proptest! {
        /// Whatever the runs do, and however many are under way: never more than burst and rate.
        #[test]
        fn never_more_than_one_in_twenty_beyond_the_first_three(uses in vec(any::<bool>(), 0..400)) {
            let mut bucket = Bucket::default();
            let (mut under_way, mut hedged) = (0_usize, 0_usize);
            for (run, is_used) in uses.iter().enumerate() {
                if bucket.begin() {
                    under_way += 1;
                }
                if under_way > 0 && *is_used {
                    under_way -= 1;
                    hedged += 1;
                } else if under_way > 0 {
                    under_way -= 1;
                    bucket.give_back();
                }
                prop_assert!(hedged <= 3 + (run + 1) / 20);
            }
        }
    }
}
