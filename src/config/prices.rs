//! The price book: the program's own rows from `assets/prices.toml`, and the person's above them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Config, ProviderConfig};
use crate::{
    domain::{LinkName, ProviderName, Usd, manner::Place},
    engine::price::{PriceBook, PriceRow, Rates, Tier},
};

/// What Claude costs in a region of Vertex AI, in percent of its price in the world:
/// <https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai>.
const REGION_PERCENT: u64 = 110;

const FILE: &str = include_str!("../../assets/prices.toml");

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    price: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    provider: String,
    model: String,
    since: Option<toml::value::Datetime>,
    until: Option<toml::value::Datetime>,
    seen: Option<toml::value::Datetime>,
    input: Usd,
    output: Usd,
    cache_read: Option<Usd>,
    cache_write: Option<Usd>,
    cache_write_long: Option<Usd>,
    thinking: Option<Usd>,
    #[serde(default)]
    tiers: Vec<Longer>,
    context_tokens: Option<u64>,
    max_output_tokens: Option<u32>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Longer {
    above: u64,
    input: Usd,
    output: Usd,
    cache_read: Option<Usd>,
    cache_write: Option<Usd>,
    cache_write_long: Option<Usd>,
    thinking: Option<Usd>,
}

/// How much fits into a model, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Prompt and answer together, in tokens.
    pub window: Option<u64>,
    /// The most tokens it writes.
    pub output_limit: Option<u32>,
}

/// Returns the price book for a config: its own prices win, and a provider under another name is
/// counted like the one whose format it speaks.
pub fn book(config: &Config) -> PriceBook {
    let said: BTreeMap<&LinkName, PriceRow> = config
        .models
        .iter()
        .filter_map(|(link, model)| {
            let base = Rates {
                input: model.price_in?,
                output: model.price_out?,
                cache_read: model.price_cached,
                ..Rates::default()
            };
            Some((link, own_row(link, base)))
        })
        .collect();
    let mut all = PriceBook::new(rows());
    for (name, provider) in &config.providers {
        let is_listed = all.rows().iter().any(|row| row.provider == *name);
        if let (false, Some(like)) = (is_listed, provider.priced_like) {
            all.also_for(name, &ProviderName(like.to_owned()));
        }
        if is_dearer(provider) {
            all.raise(name, REGION_PERCENT);
        }
    }
    let responses = ProviderName("openai-responses".to_owned());
    if !config.providers.contains_key(&responses) {
        all.also_for(&responses, &ProviderName("openai".to_owned()));
    }
    // The person's row replaces every dated row of the same model: it has no date to compare.
    let mut rows: Vec<PriceRow> = all
        .rows()
        .iter()
        .filter(|row| !said.contains_key(&LinkName::new(&row.provider.0, &row.model)))
        .cloned()
        .collect();
    rows.extend(said.into_values());
    PriceBook::new(rows)
}

/// Returns what is known of a model's size; what the config says wins.
pub fn size(config: &Config, link: &LinkName) -> Size {
    let said = config.models.get(link);
    let like = config
        .providers
        .get(&link.provider)
        .and_then(|provider| provider.priced_like);
    let named_like = match like {
        Some(like) => like,
        None if link.provider.0 == "openai-responses" => "openai",
        None => link.provider.0.as_str(),
    };
    let known = own();
    let family = |row: &&Row| {
        row.provider == named_like
            && link
                .model
                .0
                .strip_prefix(row.model.as_str())
                .is_some_and(|rest| rest.is_empty() || rest == "-latest" || is_date(rest))
    };
    // The longest name is the nearest: a snapshot's own row before its family's.
    let row = known
        .iter()
        .filter(family)
        .max_by_key(|row| row.model.len());
    Size {
        window: said
            .and_then(|model| model.window)
            .or_else(|| row.and_then(|row| row.context_tokens)),
        output_limit: said
            .and_then(|model| model.output_limit)
            .or_else(|| row.and_then(|row| row.max_output_tokens)),
    }
}

/// Returns the models of a provider that the book knows, for lists to choose from.
pub fn models(provider: &str) -> Vec<String> {
    let mut models: Vec<String> = own()
        .into_iter()
        .filter(|row| row.provider == provider)
        .map(|row| row.model)
        .collect();
    models.dedup();
    models
}

/// Tells whether a provider is a region of Vertex AI, where Claude costs more than in the world.
fn is_dearer(provider: &ProviderConfig) -> bool {
    matches!(
        &provider.manner.place,
        Place::Vertex { location, publisher: "anthropic", .. } if location != "global"
    )
}

fn own_row(link: &LinkName, base: Rates) -> PriceRow {
    PriceRow {
        provider: link.provider.clone(),
        model: link.model.0.clone(),
        since: None,
        until: None,
        seen: None,
        base,
        tiers: Vec::new(),
        source: "your config".to_owned(),
    }
}

fn is_date(rest: &str) -> bool {
    let digits = rest.bytes().filter(u8::is_ascii_digit).count();
    digits == 8 && rest.starts_with('-') && rest.bytes().all(|b| b == b'-' || b.is_ascii_digit())
}

/// Returns the program's own rows as they are written; a test keeps the file readable.
fn own() -> Vec<Row> {
    toml::from_str::<Book>(FILE)
        .map(|book| book.price)
        .unwrap_or_default()
}

fn rows() -> Vec<PriceRow> {
    own()
        .into_iter()
        .map(|row| PriceRow {
            since: row.since.as_ref().and_then(day),
            until: row.until.as_ref().and_then(day),
            seen: row.seen.as_ref().and_then(day),
            base: Rates {
                input: row.input,
                output: row.output,
                cache_read: row.cache_read,
                cache_write: row.cache_write,
                cache_write_long: row.cache_write_long,
                thinking: row.thinking,
            },
            tiers: row
                .tiers
                .into_iter()
                .map(|tier| Tier {
                    above: tier.above,
                    rates: Rates {
                        input: tier.input,
                        output: tier.output,
                        cache_read: tier.cache_read,
                        cache_write: tier.cache_write,
                        cache_write_long: tier.cache_write_long,
                        thinking: tier.thinking,
                    },
                })
                .collect(),
            provider: ProviderName(row.provider),
            model: row.model,
            source: row.source,
        })
        .collect()
}

fn day(since: &toml::value::Datetime) -> Option<jiff::civil::Date> {
    since.date.and_then(|date| {
        let (year, month, day) = (
            i16::try_from(date.year).ok()?,
            i8::try_from(date.month).ok()?,
            i8::try_from(date.day).ok()?,
        );
        jiff::civil::Date::new(year, month, day).ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{ModelConfig, ProviderConfig};
    use crate::domain::{KeySource, Manner, ProviderKind};

    const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);

    fn link(text: &str) -> LinkName {
        text.parse().unwrap()
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn the_file_is_read_whole_and_every_row_names_its_source() {
        let book: Book = toml::from_str(FILE).unwrap();

        assert!(book.price.len() > 90, "{}", book.price.len());
        let mut seen = BTreeSet::new();
        for row in &book.price {
            let name = format!("{}/{}", row.provider, row.model);
            assert!(
                row.source.contains("202") && row.seen.as_ref().and_then(day).is_some(),
                "{name} has no date: {}",
                row.source
            );
            assert!(row.input > Usd::ZERO && row.output > Usd::ZERO, "{name}");
            assert!(row.input < usd("200") && row.output < usd("800"), "{name}");
            assert!(
                row.cache_read.is_none_or(|cached| cached <= row.input),
                "{name}"
            );
            assert!(
                row.tiers.iter().all(|tier| tier.input >= row.input),
                "{name}"
            );
            assert!(
                [&row.since, &row.until]
                    .into_iter()
                    .flatten()
                    .all(|date| day(date).is_some()),
                "{name}"
            );
            assert!(
                seen.insert((name.clone(), row.since.map(|since| since.to_string()))),
                "{name} twice"
            );
        }
    }

    #[test]
    fn commonly_named_models_have_their_price() {
        let book = book(&Config::default());
        for (name, input, output) in [
            ("anthropic/claude-haiku-4-5", "1", "5"),
            ("anthropic/claude-sonnet-4-5-20250929", "3", "15"),
            ("anthropic/claude-opus-5", "5", "25"),
            ("openai/gpt-4o", "2.5", "10"),
            ("openai/gpt-4o-mini-2024-07-18", "0.15", "0.6"),
            ("openai-responses/gpt-5-mini", "0.25", "2"),
            ("gemini/gemini-2.5-flash", "0.3", "2.5"),
            ("deepseek/deepseek-v4-flash", "0.3", "1.2"),
            ("mistral/mistral-large-latest", "0.5", "1.5"),
            ("groq/llama-3.3-70b-versatile", "0.59", "0.79"),
            ("xai/grok-3-mini", "0.3", "0.5"),
        ] {
            let row = book
                .row(&link(name), TODAY)
                .unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                (row.base.input, row.base.output),
                (usd(input), usd(output)),
                "{name}"
            );
        }
    }

    #[test]
    fn a_row_counts_from_its_day() {
        let book = book(&Config::default());
        let cached = |day| {
            let row = book.row(&link("anthropic/claude-sonnet-5-5"), day).unwrap();
            row.base.cache_read
        };

        assert_eq!(cached(jiff::civil::date(2026, 10, 6)), Some(usd("0.2")));
        assert_eq!(cached(TODAY), Some(usd("0.1")));
    }

    #[test]
    fn the_persons_price_wins_over_every_dated_row() {
        let mut config = Config::default();
        let model = ModelConfig {
            price_in: Some(Usd::ZERO),
            price_out: Some(Usd::ZERO),
            window: Some(9_000),
            ..ModelConfig::default()
        };
        let name = link("anthropic/claude-sonnet-5-5");
        config.models.insert(name.clone(), model);

        let book = book(&config);

        assert_eq!(book.row(&name, TODAY).unwrap().base.input, Usd::ZERO);
        assert_eq!(size(&config, &name).window, Some(9_000));
    }

    #[test]
    fn a_provider_under_another_name_costs_what_its_format_costs() {
        let mut config = Config::default();
        let provider = ProviderConfig {
            kind: ProviderKind::Anthropic,
            base_url: "https://api.anthropic.com".to_owned(),
            key: KeySource::Keyring,
            models: Vec::new(),
            default_model: None,
            stream: true,
            allow_plain_http: false,
            priced_like: Some("anthropic"),
            manner: Manner::default(),
        };
        config
            .providers
            .insert(ProviderName("work".to_owned()), provider);

        let name = link("work/claude-haiku-4-5");

        assert_eq!(
            book(&config).row(&name, TODAY).unwrap().base.output,
            usd("5")
        );
        assert_eq!(size(&config, &name).window, Some(200_000));
        assert_eq!(size(&config, &link("work/unheard-of")), Size::default());
    }
}
