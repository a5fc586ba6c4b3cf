//! What an attempt may cost: how much to hold, how little still makes a useful answer, and what a
//! smaller grant buys.

use super::price::{self, Price};
use crate::domain::Usd;

/// The shortest answer worth asking for, in tokens (ENGINE section 5).
pub const LEAST_OUTPUT: u32 = 256;

/// What an attempt asks of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The worst case at the output limit wished for.
    pub ceiling: Usd,
    /// The worst case of the shortest useful answer: less than this is not worth a call.
    pub floor: Usd,
    /// The output limit wished for.
    pub output_limit: u32,
}

/// Returns what to hold for a prompt of at most `prompt` tokens. `thinking_least` is what the model
/// thinks at the least before it says a word; 0 for most.
pub fn want(price: &Price, prompt: u64, output_limit: u32, thinking_least: u32) -> Want {
    let least = thinking_least
        .saturating_add(LEAST_OUTPUT)
        .min(output_limit);
    Want {
        ceiling: price::bound(price, prompt, u64::from(output_limit)),
        floor: price::bound(price, prompt, u64::from(least)),
        output_limit,
    }
}

/// Returns the greatest output limit that `held` pays for, at most the one wished for; none when
/// not even the floor is covered.
pub fn buys(price: &Price, prompt: u64, want: &Want, held: Usd) -> Option<u32> {
    if held >= want.ceiling {
        return Some(want.output_limit);
    }
    if held < want.floor {
        return None;
    }
    // The bound grows with the limit, so the greatest that fits is found by halving.
    let (mut fits, mut too_much) = (0_u32, want.output_limit);
    while too_much.saturating_sub(fits) > 1 {
        let middle = fits.midpoint(too_much);
        if price::bound(price, prompt, u64::from(middle)) <= held {
            fits = middle;
        } else {
            too_much = middle;
        }
    }
    Some(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::ProviderName,
        engine::price::{Basis, PriceRow, Rates},
    };

    fn price(input: i64, output: i64) -> Price {
        Price {
            row: PriceRow {
                provider: ProviderName("a".to_owned()),
                model: "x".to_owned(),
                since: None,
                until: None,
                seen: None,
                base: Rates {
                    input: Usd::from_dollars(input),
                    output: Usd::from_dollars(output),
                    ..Rates::default()
                },
                tiers: Vec::new(),
                source: "test".to_owned(),
            },
            basis: Basis::Own,
        }
    }

    #[test]
    fn the_floor_is_a_useful_answer_and_the_ceiling_the_worst() {
        let want = want(&price(1, 10), 1_000, 1_000, 0);

        assert_eq!(want.ceiling, Usd::from_nanos(1_000_000 + 10_000_000));
        assert_eq!(want.floor, Usd::from_nanos(1_000_000 + 2_560_000));
    }

    #[test]
    fn a_thinking_model_needs_its_thoughts_beside_the_answer() {
        let plain = want(&price(0, 10), 0, 8_000, 0);
        let thinking = want(&price(0, 10), 0, 8_000, 1_024);

        assert_eq!(plain.floor, Usd::from_nanos(2_560_000));
        assert_eq!(thinking.floor, Usd::from_nanos(12_800_000));
    }

    #[test]
    fn a_short_limit_lowers_the_floor_with_it() {
        let want = want(&price(0, 10), 0, 100, 0);

        assert_eq!(want.floor, want.ceiling);
    }

    #[test]
    fn less_money_buys_a_shorter_answer_but_never_a_useless_one() {
        let price = price(1, 10);
        let want = want(&price, 1_000, 1_000, 0);
        let buys = |nanos| buys(&price, 1_000, &want, Usd::from_nanos(nanos));

        assert_eq!(buys(11_000_000), Some(1_000));
        assert_eq!(buys(99_000_000), Some(1_000));
        assert_eq!(buys(6_000_000), Some(500));
        assert_eq!(buys(6_009_999), Some(500));
        assert_eq!(buys(3_560_000), Some(256));
        assert_eq!(buys(3_559_999), None);
    }
}
