//! The rows of a price file as they are written: the program's own, and the person's besides.

use std::{fmt::Write as _, fs, io, path::Path, sync::OnceLock};

use jiff::civil::Date;
use serde::Deserialize;
use toml::value::Datetime;

use crate::{
    domain::{ProviderName, Usd},
    engine::price::{PriceRow, Rates, Tier},
};

const FILE: &str = include_str!("../../assets/prices.toml");

/// The most bytes of a price file of one's own.
const CAP_BYTES: u64 = 16 << 20;

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    #[serde(default)]
    price: Vec<BookRow>,
}

/// One row of a price file: amounts are US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookRow {
    /// Whose model it is, by the name of its preset.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The first day, UTC.
    pub since: Option<Datetime>,
    /// The last day, UTC.
    pub until: Option<Datetime>,
    /// When it was read.
    pub seen: Option<Datetime>,
    /// Input.
    pub input: Usd,
    /// Output.
    pub output: Usd,
    /// Input read from a cache.
    pub cache_read: Option<Usd>,
    /// Input written to a short-lived cache.
    pub cache_write: Option<Usd>,
    /// Input written to a long-lived cache.
    pub cache_write_long: Option<Usd>,
    /// Thinking, where it is not as output.
    pub thinking: Option<Usd>,
    /// Prices of longer prompts.
    #[serde(default)]
    pub tiers: Vec<BookTier>,
    /// How much fits into it.
    pub context_tokens: Option<u64>,
    /// How much it writes at most.
    pub max_output_tokens: Option<u32>,
    /// Where the numbers were read.
    pub source: String,
}

/// Prices of a whole request whose prompt is longer than `above` tokens.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookTier {
    /// It applies to prompts of more tokens than this.
    pub above: u64,
    /// Input.
    pub input: Usd,
    /// Output.
    pub output: Usd,
    /// Input read from a cache.
    pub cache_read: Option<Usd>,
    /// Input written to a short-lived cache.
    pub cache_write: Option<Usd>,
    /// Input written to a long-lived cache.
    pub cache_write_long: Option<Usd>,
    /// Thinking, where it is not as output.
    pub thinking: Option<Usd>,
}

impl BookRow {
    /// Returns it as the engine counts with it.
    pub fn to_price(&self) -> PriceRow {
        let tiers = self.tiers.iter().map(|tier| Tier {
            above: tier.above,
            rates: Rates {
                input: tier.input,
                output: tier.output,
                cache_read: tier.cache_read,
                cache_write: tier.cache_write,
                cache_write_long: tier.cache_write_long,
                thinking: tier.thinking,
            },
        });
        PriceRow {
            provider: ProviderName(self.provider.clone()),
            model: self.model.clone(),
            since: self.since.as_ref().and_then(day),
            until: self.until.as_ref().and_then(day),
            seen: self.seen.as_ref().and_then(day),
            base: Rates {
                input: self.input,
                output: self.output,
                cache_read: self.cache_read,
                cache_write: self.cache_write,
                cache_write_long: self.cache_write_long,
                thinking: self.thinking,
            },
            tiers: tiers.collect(),
            source: self.source.clone(),
        }
    }

    fn is_sound(&self) -> bool {
        let dates = [&self.since, &self.until, &self.seen];
        let is_day = |date: &&Datetime| day(date).is_some();
        let amounts = [Some(self.input), Some(self.output), self.cache_read];
        let amounts = amounts.into_iter().flatten();
        let more = [self.cache_write, self.cache_write_long, self.thinking];
        dates.into_iter().flatten().all(|date| is_day(&date))
            && amounts
                .chain(more.into_iter().flatten())
                .all(|amount| amount >= Usd::ZERO)
            && !self.provider.is_empty()
            && !self.model.is_empty()
    }

    /// Writes it as it stands in a file.
    fn write(&self, out: &mut String) {
        let mut line = |name: &str, value: String| {
            writeln!(out, "{name} = {value}").ok();
        };
        line("\n[[price]]\nprovider", quoted(&self.provider));
        line("model", quoted(&self.model));
        for (name, date) in [
            ("since", &self.since),
            ("until", &self.until),
            ("seen", &self.seen),
        ] {
            if let Some(date) = date {
                line(name, date.to_string());
            }
        }
        let amount = |usd: Usd| quoted(&super::file::plain_amount(usd));
        line("input", amount(self.input));
        line("output", amount(self.output));
        for (name, usd) in [
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("cache_write_long", self.cache_write_long),
            ("thinking", self.thinking),
        ] {
            if let Some(usd) = usd {
                line(name, amount(usd));
            }
        }
        if let Some(tokens) = self.context_tokens {
            line("context_tokens", tokens.to_string());
        }
        if let Some(tokens) = self.max_output_tokens {
            line("max_output_tokens", tokens.to_string());
        }
        line("source", quoted(&self.source));
        for tier in &self.tiers {
            tier.write(&mut line, &amount);
        }
    }
}

impl BookTier {
    fn write(&self, line: &mut impl FnMut(&str, String), amount: &impl Fn(Usd) -> String) {
        line("\n[[price.tiers]]\nabove", self.above.to_string());
        line("input", amount(self.input));
        line("output", amount(self.output));
        for (name, usd) in [
            ("cache_read", self.cache_read),
            ("cache_write", self.cache_write),
            ("cache_write_long", self.cache_write_long),
            ("thinking", self.thinking),
        ] {
            if let Some(usd) = usd {
                line(name, amount(usd));
            }
        }
    }
}

/// Returns the program's own rows; a test keeps the file readable.
pub(super) fn own() -> &'static [BookRow] {
    static OWN: OnceLock<Vec<BookRow>> = OnceLock::new();
    OWN.get_or_init(|| read(FILE).unwrap_or_default())
}

/// Reads the text of a price file.
pub fn read(text: &str) -> Result<Vec<BookRow>, String> {
    let book: Book = toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}.", error.message())
    })?;
    match book.price.iter().find(|row| !row.is_sound()) {
        None => Ok(book.price),
        Some(row) => Err(format!(
            "{}/{} has an amount below 0 or a date that is none.",
            row.provider, row.model
        )),
    }
}

/// Reads the person's price file; without one there are no rows.
pub fn load(file: &Path) -> Result<Vec<BookRow>, String> {
    match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("the file cannot be read: {error}.")),
        Ok(data) if data.len() > CAP_BYTES => return Err("the file is too large.".to_owned()),
        Ok(_) => {}
    }
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| format!("the file cannot be read: {error}."))?;
    read(&text)
}

/// Writes rows as the text of a price file.
pub fn text(rows: &[BookRow]) -> String {
    let mut out =
        "# Prices of your own, in US dollars per million tokens; they win over those of the \
                   program.\n# Written by `deskhand prices import`; you may change it by hand.\n"
            .to_owned();
    for row in rows {
        row.write(&mut out);
    }
    out
}

/// Returns the day of a date, whatever its time.
pub(super) fn day(date: &Datetime) -> Option<Date> {
    let date = date.date?;
    let (year, month, day) = (
        i16::try_from(date.year).ok()?,
        i8::try_from(date.month).ok()?,
        i8::try_from(date.day).ok()?,
    );
    Date::new(year, month, day).ok()
}

/// Returns a day as TOML writes it.
pub(super) fn datetime(day: Date) -> Option<Datetime> {
    day.to_string().parse().ok()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let rows = own().to_vec();

        assert!(rows.len() > 140);
        assert_eq!(read(&text(&rows)), Ok(rows));
    }

    #[test]
    fn a_wrong_file_says_where() {
        let row = "[[price]]\nprovider = \"a\"\nmodel = \"m\"\ninput = \"1\"\n";
        for (wrong, said) in [
            ("[[price]]\nprovider = 1", "line 2"),
            (row, "missing field"),
            (
                &format!("{row}output = \"1\"\nsource = \"s\"\nx = 1"),
                "unknown field",
            ),
            (
                &format!("{row}output = \"1\"\nsource = \"s\"\nseen = 10:00:00"),
                "date",
            ),
        ] {
            let error = read(wrong).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert_eq!(read(""), Ok(Vec::new()));
    }
}
