//! `[models."provider/name"]`, and the models that providers list.

use std::collections::BTreeMap;

use super::{
    ModelConfig,
    reader::{Reader, Section, Span, looks_like_key, quoted},
};
use crate::{
    domain::{LinkName, ModelName, ProviderName},
    engine::chain::Temper,
};

/// Every setting of a model.
pub(super) const MODEL_KEYS: [&str; 9] = [
    "provider",
    "fallback_to",
    "price_in_usd_per_million",
    "price_out_usd_per_million",
    "price_cached_usd_per_million",
    "context_tokens",
    "max_output_tokens",
    "temper",
    "limits",
];

/// Those of a model in its provider's own table.
const LISTED_KEYS: [&str; 7] = [
    "price_in_usd_per_million",
    "price_out_usd_per_million",
    "price_cached_usd_per_million",
    "context_tokens",
    "max_output_tokens",
    "temper",
    "limits",
];

/// Reads what the file says of single models; what stands in the table of models goes before what
/// stands at the provider.
pub(super) fn models(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
) -> BTreeMap<LinkName, ModelConfig> {
    let mut models = BTreeMap::new();
    let providers = root.inner("providers");
    for (provider, _, table) in providers.iter().flat_map(Section::inners) {
        let listed = table.inner("models");
        for (name, span, own) in listed.iter().flat_map(Section::inners) {
            let written = LinkName {
                provider: ProviderName(provider.to_owned()),
                model: ModelName(name.to_owned()),
            };
            let link = reader.names.resolve(&written);
            let model = model(reader, &own, (&link, &span));
            if model != ModelConfig::default() {
                models.insert(link, model);
            }
        }
    }
    let Some(all) = root.open_any(reader, "models") else {
        return models;
    };
    for (name, span, value) in all.entries() {
        let link = reader.link(name);
        let Some(link) = link.filter(|_| !looks_like_key(name)) else {
            let message = format!("{} is no model.", quoted(name));
            let hint = "Write [models.\"provider/name\"], with the quotes.".to_owned();
            reader.error(&span, message, Some(hint));
            continue;
        };
        let Some(table) = Section::of(reader, &format!("models.\"{name}\""), value) else {
            continue;
        };
        table.refuse_unknown(reader, &MODEL_KEYS);
        let model = model(reader, &table, (&link, &span));
        let is_said = models.contains_key(&link) && model == ModelConfig::default();
        if !is_said {
            models.insert(link, model);
        }
    }
    models
}

fn model(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (link, span): (&LinkName, &Span),
) -> ModelConfig {
    let tempers = [
        ("plain", Temper::Plain),
        ("reasoning", Temper::Reasoning),
        ("silent", Temper::Silent),
        ("local", Temper::Local),
    ];
    let model = ModelConfig {
        price_in: table.amount(reader, "price_in_usd_per_million"),
        price_out: table.amount(reader, "price_out_usd_per_million"),
        price_cached: table.amount(reader, "price_cached_usd_per_million"),
        window: table.whole(reader, "context_tokens", 512..=100_000_000),
        output_limit: table
            .whole(reader, "max_output_tokens", 1..=10_000_000)
            .and_then(|limit| u32::try_from(limit).ok()),
        temper: table.word(reader, "temper", &tempers),
    };
    let has = |key: &str| table.get(key).is_some();
    let halves = [
        has("price_in_usd_per_million"),
        has("price_out_usd_per_million"),
    ];
    if halves.contains(&true) && halves.contains(&false)
        || has("price_cached_usd_per_million") && halves != [true, true]
    {
        let message = format!("{link} has only a part of its price.");
        let hint = "Say both price_in_usd_per_million and price_out_usd_per_million.";
        reader.error(span, message, Some(hint.to_owned()));
    }
    model
}

/// Returns the models that a provider lists: as texts, or as a table with what is said of each.
pub(super) fn listed(reader: &mut Reader<'_>, table: &Section<'_>) -> Vec<ModelName> {
    let names = match table.inner("models") {
        Some(models) => {
            let mut names: Vec<(&str, Span)> = Vec::new();
            for (name, span, value) in models.entries() {
                if let Some(own) = Section::of(reader, &models.path(name), value) {
                    own.refuse_unknown(reader, &LISTED_KEYS);
                }
                names.push((name, span));
            }
            names.sort_by_key(|(_, span)| span.start);
            names
        }
        None => table.texts(reader, "models").unwrap_or_default(),
    };
    names
        .into_iter()
        .filter_map(|(model, span)| name(reader, model, &span))
        .collect()
}

/// Takes a text for the name of a model; notes if it is none.
pub(super) fn name(reader: &mut Reader<'_>, model: &str, span: &Span) -> Option<ModelName> {
    let fits = !model.trim().is_empty()
        && model.len() <= 200
        && !model.contains(|c: char| c.is_whitespace() || c.is_control());
    if fits && !looks_like_key(model) {
        return Some(ModelName(model.to_owned()));
    }
    let message = format!("{} is not the name of a model.", quoted(model));
    reader.error(span, message, None);
    None
}
