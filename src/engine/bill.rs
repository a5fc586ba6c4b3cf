//! What an attempt is settled at, however it ended (ENGINE section 5).

use super::price::{self, Price};
use crate::domain::{Billed, Cost, Counting, Fault, FaultClass, Usage, Usd};

/// What is known of an attempt besides the provider's own count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'a> {
    /// The text received.
    pub text: &'a str,
    /// Whether the model thought, or may have, without saying how much.
    pub thought: bool,
    /// The most tokens the prompt can have.
    pub prompt_at_most: u64,
    /// The most tokens the answer could have.
    pub output_limit: u32,
    /// What is held.
    pub held: Usd,
}

/// Returns what a whole answer cost: as reported, else estimated high.
pub(super) fn ended(price: &Price, usage: &Usage, heard: Heard<'_>) -> Cost {
    price::cost(price, usage).unwrap_or_else(|| estimate(price, usage, heard))
}

/// Returns what a failed attempt cost.
pub(super) fn failed(price: &Price, fault: &Fault, usage: &Usage, heard: Heard<'_>) -> Cost {
    let counted = match fault.class {
        // Broken off: what was counted until then is not the whole.
        FaultClass::Cut | FaultClass::TimedOut | FaultClass::Cancelled => None,
        FaultClass::RateLimited
        | FaultClass::OutOfCredit
        | FaultClass::Overloaded
        | FaultClass::ServerError
        | FaultClass::Unreachable
        | FaultClass::ModelGone
        | FaultClass::Empty
        | FaultClass::Truncated
        | FaultClass::KeyRefused
        | FaultClass::BadInput
        | FaultClass::TooLong
        | FaultClass::Refused
        | FaultClass::OverCap => price::cost(price, usage),
    };
    match (fault.billed, counted) {
        (Billed::No, _) => Cost::FREE,
        (Billed::Yes, Some(cost)) => cost,
        (Billed::Yes | Billed::Maybe, _) => estimate(price, usage, heard),
    }
}

/// Returns what an answer's tokens would have cost at another price; none when that is not certain.
pub(super) fn elsewhere(price: &Price, usage: &Usage) -> Option<Usd> {
    let usage = Usage {
        cost: None,
        ..usage.clone()
    };
    match price::cost(price, &usage)? {
        Cost::Known(usd) => Some(usd),
        Cost::AtMost(_) => None,
    }
}

/// Counts high: the input as reported plus the text received at a token per byte where the
/// provider had begun, else the whole hold.
fn estimate(price: &Price, usage: &Usage, heard: Heard<'_>) -> Cost {
    let began = !heard.text.is_empty() || usage.tokens_in.is_some();
    if !began || heard.thought {
        return Cost::AtMost(heard.held);
    }
    let bytes = u64::try_from(heard.text.len()).unwrap_or(u64::MAX);
    let spoken = bytes.min(u64::from(heard.output_limit));
    let thinking = match usage.thinking {
        Counting::Inside => usage.tokens_thinking.unwrap_or(0),
        Counting::Outside => 0,
    };
    let out = usage.tokens_out.unwrap_or(0);
    let out = out.max(spoken.saturating_add(thinking));
    if usage.tokens_in.is_none() {
        return Cost::AtMost(price::bound(price, heard.prompt_at_most, out));
    }
    let high = Usage {
        tokens_out: Some(out),
        cost: None,
        ..usage.clone()
    };
    let amount = price::cost(price, &high).map_or(heard.held, Cost::amount);
    Cost::AtMost(amount)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::ProviderName,
        engine::price::{Basis, PriceRow, Rates},
    };

    fn price() -> Price {
        Price {
            row: PriceRow {
                provider: ProviderName("a".to_owned()),
                model: "x".to_owned(),
                since: None,
                until: None,
                seen: None,
                base: Rates {
                    input: Usd::from_dollars(1),
                    output: Usd::from_dollars(10),
                    ..Rates::default()
                },
                tiers: Vec::new(),
                source: "test".to_owned(),
            },
            basis: Basis::Own,
        }
    }

    const HELD: Usd = Usd::from_nanos(11_000_000);

    fn heard(text: &str) -> Heard<'_> {
        Heard {
            text,
            thought: false,
            prompt_at_most: 1_000,
            output_limit: 1_000,
            held: HELD,
        }
    }

    fn counted(tokens_in: Option<u64>, tokens_out: Option<u64>) -> Usage {
        Usage {
            tokens_in,
            tokens_out,
            ..Usage::default()
        }
    }

    fn fault(class: FaultClass, billed: Billed) -> Fault {
        Fault {
            billed,
            ..Fault::new(class)
        }
    }

    fn of(class: FaultClass, billed: Billed, usage: &Usage, text: &str) -> Cost {
        failed(&price(), &fault(class, billed), usage, heard(text))
    }

    #[test]
    fn what_failed_before_the_bill_is_free() {
        let cost = of(FaultClass::RateLimited, Billed::No, &Usage::default(), "");

        assert_eq!(cost, Cost::FREE);
    }

    #[test]
    fn a_refusal_is_counted_as_reported() {
        let usage = counted(Some(100), Some(10));

        let cost = of(FaultClass::Refused, Billed::Yes, &usage, "");

        assert_eq!(cost, Cost::Known(Usd::from_nanos(200_000)));
    }

    #[test]
    fn a_cut_answer_is_counted_high_and_never_as_certain() {
        // Anthropic's first event reports 1 output token: not the whole.
        let usage = counted(Some(100), Some(1));

        let cost = of(FaultClass::Cut, Billed::Maybe, &usage, "twelve bytes");

        assert_eq!(cost, Cost::AtMost(Usd::from_nanos(100_000 + 120_000)));
    }

    #[test]
    fn an_unreported_prompt_is_counted_at_its_bound() {
        let cost = of(
            FaultClass::Cancelled,
            Billed::Maybe,
            &Usage::default(),
            "ten bytes!",
        );

        assert_eq!(cost, Cost::AtMost(Usd::from_nanos(1_000_000 + 100_000)));
    }

    #[test]
    fn before_the_provider_had_begun_the_whole_hold_counts() {
        let cost = of(FaultClass::TimedOut, Billed::Maybe, &Usage::default(), "");

        assert_eq!(cost, Cost::AtMost(HELD));
    }

    #[test]
    fn thoughts_that_nobody_counted_cost_the_whole_hold() {
        let heard = Heard {
            thought: true,
            ..heard("words")
        };
        let cut = fault(FaultClass::Cut, Billed::Maybe);

        assert_eq!(
            failed(&price(), &cut, &counted(Some(1), None), heard),
            Cost::AtMost(HELD)
        );
    }

    #[test]
    fn a_whole_answer_without_a_count_is_estimated() {
        let cost = ended(&price(), &Usage::default(), heard("hello"));

        assert_eq!(cost, Cost::AtMost(Usd::from_nanos(1_000_000 + 50_000)));
    }
}
