//! The price book: the program's own rows from `assets/prices.toml`, and the person's above them.

use std::collections::BTreeMap;

use super::{
    Config, ProviderConfig,
    price_rows::{BookRow, own},
};
use crate::{
    domain::{LinkName, ProviderName, manner::Place},
    engine::price::{PriceBook, PriceRow, Rates, family},
};

/// The source of a price that the config says.
pub const FROM_CONFIG: &str = "your config";

/// What Claude costs in a region of Vertex AI, in percent of its price in the world:
/// <https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai>.
const REGION_PERCENT: u64 = 110;

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
    let rows = own().iter().chain(&config.prices);
    let mut all = PriceBook::new(rows.map(BookRow::to_price).collect());
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
    let model = link.model.0.as_str();
    let named = |name: &str| {
        let mut known = own().iter().chain(&config.prices);
        known.rfind(|row| row.provider == named_like && row.model == name)
    };
    // A snapshot's own row before its family's.
    let row = named(model).or_else(|| named(family(model)));
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
pub fn models(config: &Config, provider: &str) -> Vec<String> {
    let like = config
        .providers
        .get(&ProviderName(provider.to_owned()))
        .and_then(|provider| provider.priced_like);
    let named_like = match provider {
        "openai-responses" => like.unwrap_or("openai"),
        other => like.unwrap_or(other),
    };
    let mut models: Vec<String> = Vec::new();
    for row in own().iter().chain(&config.prices) {
        if row.provider == named_like && !models.contains(&row.model) {
            models.push(row.model.clone());
        }
    }
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
        source: FROM_CONFIG.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::config::{ModelConfig, ProviderConfig};
    use crate::domain::{KeySource, Manner, ProviderKind, Usd};

    const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 21);

    fn link(text: &str) -> LinkName {
        text.parse().unwrap()
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn the_file_is_read_whole_and_every_row_names_its_source() {
        let book =
            crate::config::price_rows::read(include_str!("../../assets/prices.toml")).unwrap();

        assert!(book.len() > 140, "{}", book.len());
        let mut seen = BTreeSet::new();
        for row in &book {
            let name = format!("{}/{}", row.provider, row.model);
            assert!(
                row.source.contains("202") && row.seen.is_some(),
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
                seen.insert((name.clone(), row.since.as_ref().map(ToString::to_string))),
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

    /// A prompt with a cache, and the answer, priced on a day.
    fn asked(model: &str, day: jiff::civil::Date, prompt: [u64; 2], output: u64) -> Usd {
        use crate::{
            domain::{Counting, Usage},
            engine::price::cost,
        };
        let price = book(&Config::default()).price(&link(model), day).unwrap();
        let [fresh, cached] = prompt;
        let usage = Usage {
            tokens_in: Some(fresh),
            tokens_cached: Some(cached),
            tokens_out: Some(output),
            cached: Counting::Outside,
            ..Usage::default()
        };
        cost(&price, &usage).unwrap().amount()
    }

    #[test]
    fn a_longer_prompt_reprices_the_whole_request_cache_reads_counted() {
        for (model, prompt, output, wanted) in [
            // Up to 100,000 tokens 0.10, 0.01 and 0.50; above, all of it five times as much.
            (
                "anthropic/claude-haiku-5-5",
                [60_000, 40_000],
                1_000,
                "0.0069",
            ),
            (
                "anthropic/claude-haiku-5-5",
                [60_000, 40_001],
                0,
                "0.03200005",
            ),
            (
                "anthropic/claude-haiku-5-5",
                [100_001, 0],
                1_000,
                "0.0525005",
            ),
            // GPT-5.5 above 272,000: input twice, output one and a half times as much.
            ("openai/gpt-5.5", [272_000, 0], 1_000, "1.39"),
            ("openai/gpt-5.5", [272_001, 0], 1_000, "2.76501"),
            // Gemini 3.1 Pro above 200,000: 4 and 18 instead of 2 and 12.
            (
                "gemini/gemini-3.1-pro-preview",
                [200_000, 0],
                1_000,
                "0.412",
            ),
            (
                "gemini/gemini-3.1-pro-preview",
                [200_001, 0],
                1_000,
                "0.818004",
            ),
        ] {
            assert_eq!(
                asked(model, TODAY, prompt, output),
                usd(wanted),
                "{model} {prompt:?}"
            );
        }
    }

    #[test]
    fn a_price_that_has_run_out_is_no_price() {
        let book = book(&Config::default());
        let flash = link("gemini/gemini-3.8-flash");

        let last = book.row(&flash, jiff::civil::date(2026, 12, 31)).unwrap();
        assert_eq!(last.base.input, usd("0.75"));
        assert!(
            last.words().contains("until 2026-12-31"),
            "{}",
            last.words()
        );
        assert_eq!(book.row(&flash, jiff::civil::date(2027, 1, 1)), None);
    }

    #[test]
    fn prices_of_ones_own_win_from_their_day_on() {
        let mut own = own()[0].clone();
        "anthropic".clone_into(&mut own.provider);
        "claude-haiku-4-5".clone_into(&mut own.model);
        own.since = crate::config::price_rows::datetime(TODAY);
        own.input = usd("7");
        let config = Config {
            prices: vec![own],
            ..Config::default()
        };
        let book = book(&config);
        let input = |day| {
            book.row(&link("anthropic/claude-haiku-4-5"), day)
                .unwrap()
                .base
                .input
        };

        assert_eq!(input(jiff::civil::date(2026, 11, 1)), usd("1"));
        assert_eq!(input(TODAY), usd("7"));
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
