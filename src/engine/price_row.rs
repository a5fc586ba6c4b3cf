//! One dated row of the price book, and which of its prices apply.

use jiff::civil::Date;

use crate::domain::{ProviderName, Usd};

/// One dated row of the price book. All prices are per million tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The provider's name.
    pub provider: ProviderName,
    /// The model's name, without the date of a snapshot.
    pub model: String,
    /// The first day it applies, UTC; none for "always".
    pub since: Option<Date>,
    /// The last day it applies, UTC; none for "until further notice".
    pub until: Option<Date>,
    /// The day on which the numbers were read; none where nobody says.
    pub seen: Option<Date>,
    /// Its prices for prompts of any length.
    pub base: Rates,
    /// Its prices for longer prompts.
    pub tiers: Vec<Tier>,
    /// Where the numbers were read.
    pub source: String,
}

/// Prices per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Input.
    pub input: Usd,
    /// Output.
    pub output: Usd,
    /// Input read from a cache; as input where none is given.
    pub cache_read: Option<Usd>,
    /// Input written to a short-lived cache; as input where none is given.
    pub cache_write: Option<Usd>,
    /// Input written to a long-lived cache; as the short-lived where none is given.
    pub cache_write_long: Option<Usd>,
    /// Thinking; as output where none is given.
    pub thinking: Option<Usd>,
}

impl Rates {
    fn raise(&mut self, percent: u64) {
        let tokens = percent.saturating_mul(10_000);
        for price in [
            Some(&mut self.input),
            Some(&mut self.output),
            self.cache_read.as_mut(),
            self.cache_write.as_mut(),
            self.cache_write_long.as_mut(),
            self.thinking.as_mut(),
        ]
        .into_iter()
        .flatten()
        {
            *price = Usd::for_tokens(tokens, *price);
        }
    }
}

/// Prices of prompts above a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// It applies to prompts of more tokens than this.
    pub above: u64,
    /// Its prices.
    pub rates: Rates,
}

impl PriceRow {
    /// Tells whether it applies on a day.
    pub fn applies(&self, on: Date) -> bool {
        self.since.is_none_or(|since| since <= on) && self.until.is_none_or(|until| on <= until)
    }

    /// Raises every price to so many percent, rounded up.
    pub fn raise(&mut self, percent: u64) {
        self.base.raise(percent);
        for tier in &mut self.tiers {
            tier.rates.raise(percent);
        }
    }

    /// Takes out what writing to a cache costs: nobody asks for one, and the provider writes none
    /// unasked.
    pub fn write_no_cache(&mut self) {
        let tiers = self.tiers.iter_mut().map(|tier| &mut tier.rates);
        for rates in tiers.chain([&mut self.base]) {
            rates.cache_write = None;
            rates.cache_write_long = None;
        }
    }

    /// Returns the rates for a prompt of exactly this length.
    pub(super) fn rates(&self, prompt: u64) -> &Rates {
        self.tiers
            .iter()
            .filter(|tier| tier.above < prompt)
            .max_by_key(|tier| tier.above)
            .map_or(&self.base, |tier| &tier.rates)
    }

    /// Returns the dearest output and input price that can apply to a prompt of at most this length;
    /// what is read may be written to a cache too.
    pub(super) fn dearest(&self, prompt_at_most: u64) -> (Usd, Usd) {
        let tiers = self.tiers.iter().filter(|tier| tier.above < prompt_at_most);
        tiers
            .map(|tier| &tier.rates)
            .chain([&self.base])
            .map(|rates| {
                let thinking = rates.thinking.unwrap_or(rates.output);
                let writes = [rates.cache_write, rates.cache_write_long];
                let input = writes.into_iter().flatten().fold(rates.input, Usd::max);
                (rates.output.max(thinking), input)
            })
            .fold((Usd::ZERO, Usd::ZERO), |most, one| {
                (most.0.max(one.0), most.1.max(one.1))
            })
    }

    /// Writes the row in words, as the receipt keeps it.
    pub fn words(&self) -> String {
        let day = |word: &str, day: Option<Date>| {
            day.map_or_else(String::new, |day| format!(" {word} {day}"))
        };
        let tiers = self.tiers.iter().map(|tier| {
            format!(
                "; above {} tokens of prompt {} in, {} out",
                tier.above,
                tier.rates.input.for_people(),
                tier.rates.output.for_people()
            )
        });
        let tiers = tiers.collect::<Vec<_>>().concat();
        format!(
            "{}/{}{}{}: {} in, {} out per million tokens{tiers} ({})",
            self.provider,
            self.model,
            day("since", self.since),
            day("until", self.until),
            self.base.input.for_people(),
            self.base.output.for_people(),
            self.source
        )
    }
}

/// Cuts the date of a snapshot off a model's name: it costs what its family costs.
pub fn family(model: &str) -> &str {
    let cut = |length: usize, fits: &dyn Fn(usize, u8) -> bool| {
        let at = model.len().checked_sub(length)?;
        let (family, date) = (model.get(..at)?, model.get(at..)?);
        (!family.is_empty() && date.bytes().enumerate().all(|(i, byte)| fits(i, byte)))
            .then_some(family)
    };
    // Vertex AI writes `@20250929` for `-20250929`.
    let packed = |i: usize, byte: u8| match i {
        0 => byte == b'-' || byte == b'@',
        _ => byte.is_ascii_digit(),
    };
    let dashed = |i: usize, byte: u8| match i {
        0 | 5 | 8 => byte == b'-',
        _ => byte.is_ascii_digit(),
    };
    cut(9, &packed)
        .or_else(|| cut(11, &dashed))
        .or_else(|| model.strip_suffix("-latest"))
        .unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_costs_what_its_family_costs() {
        for (model, wanted) in [
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
            ("gpt-4o-mini", "gpt-4o-mini"),
            ("-20250929", "-20250929"),
        ] {
            assert_eq!(family(model), wanted);
        }
    }
}
