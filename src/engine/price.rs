//! What a call can cost at most, and what it did cost.

use jiff::civil::Date;

pub use super::price_row::{PriceRow, Rates, Tier, family};
use crate::domain::{Cost, Counting, LinkName, ProviderName, Usage, Usd};

/// The row a link is counted with, and whether it is truly its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The row.
    pub row: PriceRow,
    /// Whether it is the link's own price or a stand-in.
    pub basis: Basis,
}

/// Whether a price is a link's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The book has it.
    Own,
    /// Nobody knows it: the dearest row of its provider or of the book stands in.
    StandIn,
}

/// All price rows that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceBook {
    rows: Vec<PriceRow>,
}

impl PriceBook {
    /// Makes a book. Of two rows for the same model and day the later in the list wins, so that
    /// the config's own rows are appended after the program's.
    pub const fn new(rows: Vec<PriceRow>) -> Self {
        Self { rows }
    }

    /// Returns the rows.
    pub fn rows(&self) -> &[PriceRow] {
        &self.rows
    }

    /// Appends rows that win over those before them.
    pub fn add(&mut self, rows: impl IntoIterator<Item = PriceRow>) {
        self.rows.extend(rows);
    }

    /// Lets a provider of the config be counted like one of the book: `[providers.work]` of type
    /// `anthropic` costs what `anthropic` costs.
    pub fn also_for(&mut self, name: &ProviderName, like: &ProviderName) {
        if name == like {
            return;
        }
        let copies: Vec<PriceRow> = self
            .rows
            .iter()
            .filter(|row| row.provider == *like)
            .map(|row| PriceRow {
                provider: name.clone(),
                ..row.clone()
            })
            .collect();
        self.rows.extend(copies);
    }

    /// Raises every price of a provider to so many percent.
    pub fn raise(&mut self, provider: &ProviderName, percent: u64) {
        for row in self.rows.iter_mut().filter(|row| row.provider == *provider) {
            row.raise(percent);
        }
    }

    /// Returns the row for a link on a day, if the book has one.
    pub fn row(&self, link: &LinkName, on: Date) -> Option<&PriceRow> {
        let named = |model: &str| {
            self.rows
                .iter()
                .filter(|row| row.provider == link.provider && row.model == model)
                .filter(|row| row.applies(on))
                // The last of equals wins, see `new`.
                .max_by_key(|row| row.since)
        };
        let model = link.model.0.as_str();
        named(model).or_else(|| named(family(model)))
    }

    /// Returns what a link is counted with: its own row, else the dearest of its provider, else
    /// the dearest of the book; none when the book is empty.
    pub fn price(&self, link: &LinkName, on: Date) -> Option<Price> {
        if let Some(row) = self.row(link, on) {
            return Some(Price {
                row: row.clone(),
                basis: Basis::Own,
            });
        }
        let applies = |row: &&PriceRow| row.applies(on);
        let dearness = |row: &&PriceRow| row.dearest(u64::MAX);
        let rows = || self.rows.iter().filter(applies);
        rows()
            .filter(|row| row.provider == link.provider)
            .max_by_key(dearness)
            .or_else(|| rows().max_by_key(dearness))
            .map(|row| Price {
                row: row.clone(),
                basis: Basis::StandIn,
            })
    }
}

impl Price {
    /// Writes the price in words, as the receipt keeps it.
    pub fn words(&self) -> String {
        match self.basis {
            Basis::Own => self.row.words(),
            Basis::StandIn => format!("price unknown, counted as {}", self.row.words()),
        }
    }

    /// Marks an amount by what it was counted with: a stand-in never makes a certain cost.
    const fn cost(&self, amount: Usd) -> Cost {
        match self.basis {
            Basis::Own => Cost::Known(amount),
            Basis::StandIn => Cost::AtMost(amount),
        }
    }
}

/// Returns the most that a prompt of at most `prompt` tokens and an answer of at most `output`
/// tokens can cost, at the dearest tier that can apply.
pub fn bound(price: &Price, prompt: u64, output: u64) -> Usd {
    let (per_output, per_input) = price.row.dearest(prompt);
    Usd::for_tokens(prompt, per_input).plus(Usd::for_tokens(output, per_output))
}

/// Returns what a call cost, from what the provider reported; none when it did not report enough.
/// A provider's own price wins over ours.
pub fn cost(price: &Price, usage: &Usage) -> Option<Cost> {
    if let Some(theirs) = usage.cost {
        return Some(Cost::Known(theirs));
    }
    let (input, output) = (usage.tokens_in?, usage.tokens_out?);
    let read = usage.tokens_cached.unwrap_or(0);
    let short = usage.tokens_cache_write.unwrap_or(0);
    let long = usage.tokens_cache_write_long.unwrap_or(0);
    let cached = read.saturating_add(short).saturating_add(long);
    let (plain, prompt) = match usage.cached {
        Counting::Inside => (input.saturating_sub(cached), input.max(cached)),
        Counting::Outside => (input, input.saturating_add(cached)),
    };
    let thinking = usage.tokens_thinking.unwrap_or(0);
    let spoken = match usage.thinking {
        Counting::Inside => output.saturating_sub(thinking),
        Counting::Outside => output,
    };
    let rates = price.row.rates(prompt);
    let write = rates.cache_write.unwrap_or(rates.input);
    let amount = [
        (plain, rates.input),
        (read, rates.cache_read.unwrap_or(rates.input)),
        (short, write),
        (long, rates.cache_write_long.unwrap_or(write)),
        (spoken, rates.output),
        (thinking, rates.thinking.unwrap_or(rates.output)),
    ]
    .into_iter()
    .fold(Usd::ZERO, |sum, (tokens, rate)| {
        sum.plus(Usd::for_tokens(tokens, rate))
    });
    Some(price.cost(amount))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Date = jiff::civil::date(2026, 11, 20);

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    fn row(link: &str, input: &str, output: &str) -> PriceRow {
        let link: LinkName = link.parse().unwrap();
        PriceRow {
            provider: link.provider,
            model: link.model.0,
            since: None,
            until: None,
            seen: None,
            base: Rates {
                input: usd(input),
                output: usd(output),
                ..Rates::default()
            },
            tiers: Vec::new(),
            source: "test".to_owned(),
        }
    }

    fn own(row: PriceRow) -> Price {
        Price {
            row,
            basis: Basis::Own,
        }
    }

    #[test]
    fn openai_counts_cached_and_thinking_tokens_inside() {
        let mut price = own(row("openai/gpt", "2", "8"));
        price.row.base.cache_read = Some(usd("0.5"));
        let usage = Usage {
            tokens_in: Some(1_000_000),
            tokens_out: Some(1_000_000),
            tokens_cached: Some(400_000),
            tokens_thinking: Some(900_000),
            ..Usage::default()
        };

        // 600,000 at $2, 400,000 at $0.5, a million at $8 whatever part of it was thinking.
        assert_eq!(cost(&price, &usage), Some(Cost::Known(usd("9.4"))));
    }

    #[test]
    fn anthropic_counts_its_cache_outside_in_two_lifetimes() {
        let mut price = own(row("anthropic/claude", "3", "15"));
        price.row.base.cache_read = Some(usd("0.3"));
        price.row.base.cache_write = Some(usd("3.75"));
        price.row.base.cache_write_long = Some(usd("6"));
        let million = Some(1_000_000);
        let usage = Usage {
            tokens_in: million,
            tokens_out: million,
            tokens_cached: million,
            tokens_cache_write: million,
            tokens_cache_write_long: million,
            cached: Counting::Outside,
            ..Usage::default()
        };

        assert_eq!(cost(&price, &usage), Some(Cost::Known(usd("28.05"))));
    }

    #[test]
    fn gemini_counts_thinking_outside_and_prices_long_prompts_dearer() {
        let mut price = own(row("gemini/pro", "1.25", "10"));
        price.row.tiers.push(Tier {
            above: 200_000,
            rates: Rates {
                input: usd("2.5"),
                output: usd("15"),
                ..Rates::default()
            },
        });
        let usage = |tokens_in| Usage {
            tokens_in: Some(tokens_in),
            tokens_out: Some(100_000),
            tokens_thinking: Some(100_000),
            thinking: Counting::Outside,
            ..Usage::default()
        };

        assert_eq!(
            cost(&price, &usage(200_000)),
            Some(Cost::Known(usd("2.25")))
        );
        assert_eq!(cost(&price, &usage(400_000)), Some(Cost::Known(usd("4"))));
    }

    #[test]
    fn the_bound_takes_the_dearest_tier_that_can_apply() {
        let mut price = own(row("gemini/pro", "1", "10"));
        price.row.tiers.push(Tier {
            above: 200_000,
            rates: Rates {
                input: usd("2"),
                output: usd("20"),
                ..Rates::default()
            },
        });

        assert_eq!(bound(&price, 200_000, 100_000), usd("1.2"));
        assert_eq!(bound(&price, 1_000_000, 100_000), usd("4"));
    }

    #[test]
    fn a_missing_count_is_not_taken_for_nothing() {
        let price = own(row("a/x", "1", "1"));
        let usage = Usage {
            tokens_in: Some(5),
            ..Usage::default()
        };

        assert_eq!(cost(&price, &usage), None);
    }

    #[test]
    fn the_providers_own_price_wins() {
        let mut book = PriceBook::new(vec![row("a/x", "1", "1")]);
        book.also_for(
            &ProviderName("work".to_owned()),
            &ProviderName("a".to_owned()),
        );
        let price = book.price(&LinkName::new("work", "other"), DAY).unwrap();
        let usage = Usage {
            cost: Some(usd("0.0007")),
            ..Usage::default()
        };

        assert_eq!(price.basis, Basis::StandIn);
        assert_eq!(cost(&price, &usage), Some(Cost::Known(usd("0.0007"))));
    }

    #[test]
    fn a_model_without_a_price_is_counted_at_the_dearest_and_never_as_certain() {
        let book = PriceBook::new(vec![
            row("a/cheap", "1", "2"),
            row("a/dear", "1", "9"),
            row("b/dearest", "30", "90"),
        ]);
        let stand_in = |link: &str| book.price(&link.parse().unwrap(), DAY).unwrap();
        let usage = Usage {
            tokens_in: Some(0),
            tokens_out: Some(1_000_000),
            ..Usage::default()
        };

        assert_eq!(stand_in("a/new").row.model, "dear");
        assert_eq!(stand_in("c/new").row.model, "dearest");
        assert_eq!(
            cost(&stand_in("a/new"), &usage),
            Some(Cost::AtMost(usd("9")))
        );
        assert!(stand_in("c/new").words().starts_with("price unknown"));
    }

    #[test]
    fn the_row_of_the_day_is_used() {
        let dated = |day: Date, input: &str| PriceRow {
            since: Some(day),
            ..row("a/x", input, "1")
        };
        let book = PriceBook::new(vec![
            dated(jiff::civil::date(2026, 12, 1), "5"),
            dated(jiff::civil::date(2026, 1, 1), "3"),
            row("a/x", "9", "1"),
        ]);
        let input = |day| book.row(&LinkName::new("a", "x"), day).unwrap().base.input;

        assert_eq!(input(jiff::civil::date(2025, 6, 1)), usd("9"));
        assert_eq!(input(DAY), usd("3"));
        assert_eq!(input(jiff::civil::date(2026, 12, 1)), usd("5"));
    }

    proptest! {
        /// What is held covers what is reported, whatever tier the prompt falls into. (It caught
        /// a bound that ignored the tiers, and one that ignored the price of writing to a cache.)
        #[test]
        fn no_call_costs_more_than_its_bound(
            rates in prop::array::uniform12(0_i64..100_000_000_000),
            above in 1_u64..1_000_000,
            bounds in (1_u64..1_000_000, 1_u64..100_000),
            parts in (0_u64..=100, 0_u64..=100, 0_u64..=100),
            writes in (0_u64..=50, 0_u64..=50),
        ) {
            let of = |place: usize| Usd::from_nanos(rates[place]);
            let side = |place: usize| Rates {
                input: of(place),
                output: of(place + 1),
                thinking: Some(of(place + 2)),
                cache_read: None,
                cache_write: Some(of(place + 3)),
                cache_write_long: Some(of(place + 4)),
            };
            let mut price = own(row("a/x", "0", "0"));
            price.row.base = side(0);
            price.row.tiers.push(Tier { above, rates: side(6) });
            let share = |whole: u64, percent: u64| whole * percent / 100;
            let (prompt, output) = bounds;
            let spoken = share(output, parts.1);
            let read = share(prompt, parts.0);
            let usage = Usage {
                tokens_in: Some(read),
                tokens_cache_write: Some(share(read, writes.0)),
                tokens_cache_write_long: Some(share(read, writes.1)),
                tokens_out: Some(spoken),
                tokens_thinking: Some(share(spoken, parts.2)),
                ..Usage::default()
            };

            let cost = cost(&price, &usage).unwrap().amount();

            // Each kind of token is rounded up by itself: at most one nano-dollar per kind.
            prop_assert!(cost <= bound(&price, prompt, output).plus(Usd::from_nanos(4)));
        }
    }
}
