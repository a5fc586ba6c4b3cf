//! `limits` of providers and models: how much may be asked of them in a minute, as their plan says.
//!
//! They are compared and shown; what a provider itself reports in its answers is what is obeyed.

use std::collections::BTreeMap;

use super::reader::{Reader, Section};
use crate::domain::{LinkName, ProviderName};

/// Every setting of a `limits` table.
pub(super) const LIMIT_KEYS: [&str; 2] = ["requests_per_minute", "tokens_per_minute"];

/// How much may be asked in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests, where that is configured.
    pub requests_per_minute: Option<u64>,
    /// Tokens, where that is configured.
    pub tokens_per_minute: Option<u64>,
}

impl Limits {
    /// Tells whether nothing is configured.
    pub const fn is_unknown(&self) -> bool {
        self.requests_per_minute.is_none() && self.tokens_per_minute.is_none()
    }
}

/// The limits of the whole config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Those of providers, for each of their models.
    pub providers: BTreeMap<ProviderName, Limits>,
    /// Those of single models, which go before their provider's.
    pub models: BTreeMap<LinkName, Limits>,
}

impl LimitsConfig {
    /// Returns what is configured for a link: each figure of the model, else of its provider.
    pub fn of(&self, link: &LinkName) -> Limits {
        let own = self.models.get(link).copied().unwrap_or_default();
        let whole = self.providers.get(&link.provider);
        let whole = whole.copied().unwrap_or_default();
        Limits {
            requests_per_minute: own.requests_per_minute.or(whole.requests_per_minute),
            tokens_per_minute: own.tokens_per_minute.or(whole.tokens_per_minute),
        }
    }

    /// Says in what a backup takes less than the link before it.
    pub(super) fn shortfall(&self, primary: &LinkName, backup: &LinkName) -> Option<String> {
        let (first, next) = (self.of(primary), self.of(backup));
        let figures = [
            (
                "requests",
                first.requests_per_minute,
                next.requests_per_minute,
            ),
            ("tokens", first.tokens_per_minute, next.tokens_per_minute),
        ];
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for (what, first, next) in figures {
            if let Some((first, next)) = first.zip(next).filter(|(first, next)| next < first) {
                own.push(format!("{next} {what}"));
                others.push(first.to_string());
            }
        }
        (!own.is_empty()).then(|| {
            format!(
                "The backup {backup} takes only {} a minute, {primary} takes {}: an outage may run \
                 into that limit.",
                own.join(" and "),
                others.join(" and ")
            )
        })
    }
}

/// Reads every `limits` table of the file.
pub(super) fn limits(reader: &mut Reader<'_>, root: &Section<'_>) -> LimitsConfig {
    let mut limits = LimitsConfig::default();
    let tables = |name: &str| {
        let table = root.get(name).and_then(|value| value.get_ref().as_table());
        table.into_iter().flat_map(|table| table.iter())
    };
    for (name, provider) in tables("providers") {
        let Some(table) = provider.get_ref().as_table() else {
            continue;
        };
        let path = format!("providers.{}", name.get_ref());
        let provider = ProviderName(name.get_ref().as_ref().to_owned());
        if let Some(value) = table.get("limits") {
            let found = read(reader, &format!("{path}.limits"), value);
            limits.providers.insert(provider.clone(), found);
        }
        let models = table
            .get("models")
            .and_then(|models| models.get_ref().as_table());
        for (model, value) in models.into_iter().flat_map(|models| models.iter()) {
            let own = value.get_ref().as_table().and_then(|own| own.get("limits"));
            if let Some(own) = own {
                let link = reader
                    .names
                    .resolve(&LinkName::new(&provider.0, model.get_ref()));
                let found = read(reader, &format!("{path}.models.limits"), own);
                limits.models.insert(link, found);
            }
        }
    }
    for (name, model) in tables("models") {
        let own = model.get_ref().as_table().and_then(|own| own.get("limits"));
        if let (Some(own), Some(link)) = (own, reader.link(name.get_ref())) {
            let found = read(reader, "models.limits", own);
            limits.models.insert(link, found);
        }
    }
    limits
}

fn read(reader: &mut Reader<'_>, path: &str, value: &super::reader::Value<'_>) -> Limits {
    let Some(table) = Section::of(reader, path, value) else {
        return Limits::default();
    };
    table.refuse_unknown(reader, &LIMIT_KEYS);
    Limits {
        requests_per_minute: table.whole(reader, "requests_per_minute", 1..=1_000_000_000),
        tokens_per_minute: table.whole(reader, "tokens_per_minute", 1..=1_000_000_000_000),
    }
}
