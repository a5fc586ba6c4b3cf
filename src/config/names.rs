//! What else a model may be called, and when it is switched off: `assets/models.toml`.
//!
//! One name per model from here on, so that a chain asks none twice and rests, prices and figures
//! of two spellings are one. What a gateway, a deployment or a server of one's own calls its models
//! is its own affair and stays as it is written.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::civil::Date;

pub use super::model_table::temper;
use super::{Known, ProviderConfig, book, model_table::table, price_rows};
use crate::{
    domain::{LinkName, ModelName, ProviderName, manner::Place},
    engine::price::family,
};

/// When a model is switched off, and what its maker names instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retired {
    /// The day, UTC.
    pub on: Date,
    /// The model to use instead, where its maker names one.
    pub successor: Option<&'static str>,
    /// Where that was read, and when.
    pub source: &'static str,
}

/// The names that a config can use.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Under which provider the tables have a provider's models.
    like: Arc<BTreeMap<ProviderName, &'static str>>,
    /// Every provider that can be asked, whether the tables know its models or not.
    providers: Arc<BTreeSet<ProviderName>>,
    /// Models that the config lists itself: nobody knows better.
    own: Arc<BTreeMap<ProviderName, Vec<ModelName>>>,
    /// What was found before: a server is asked for the same few models all day, and every table is
    /// looked through for one.
    found: Arc<Mutex<HashMap<String, Option<LinkName>>>>,
}

/// So many names are remembered, and none longer than any model's; callers may ask for anything.
const MOST_FOUND: usize = 256;
const LONGEST_FOUND: usize = 256;

impl Names {
    /// Makes the names for the providers of a config and those that need none.
    pub fn new(providers: &BTreeMap<ProviderName, ProviderConfig>, known: &[Known]) -> Self {
        let mut like = BTreeMap::new();
        let mut there: BTreeSet<ProviderName> = providers.keys().cloned().collect();
        for preset in known {
            if preset.provider().is_none() {
                continue;
            }
            there.insert(ProviderName(preset.name.to_owned()));
            if let Some(priced) = preset.priced_like {
                like.insert(ProviderName(preset.name.to_owned()), priced);
            }
        }
        let mut own = BTreeMap::new();
        for (name, provider) in providers {
            like.remove(name);
            if let (Some(priced), Place::Usual) = (provider.priced_like, &provider.manner.place) {
                like.insert(name.clone(), priced);
            }
            own.insert(name.clone(), provider.models.clone());
        }
        Self {
            like: Arc::new(like),
            providers: Arc::new(there),
            own: Arc::new(own),
            found: Arc::default(),
        }
    }

    /// Returns the one name of a link, whatever it is called.
    pub fn resolve(&self, link: &LinkName) -> LinkName {
        let provider = self.provider(&link.provider);
        let model = self.model(&provider.0, &link.model.0);
        LinkName {
            provider,
            model: ModelName(model.unwrap_or_else(|| link.model.0.clone())),
        }
    }

    /// Finds the link of a model that is named without its provider: the makers' own first.
    pub fn find(&self, model: &str) -> Option<LinkName> {
        let known = || self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(model) {
            return found.clone();
        }
        let found = self.search(model);
        let mut known = known();
        if known.len() >= MOST_FOUND {
            known.clear();
        }
        if model.len() <= LONGEST_FOUND {
            known.insert(model.to_owned(), found.clone());
        }
        found
    }

    fn search(&self, model: &str) -> Option<LinkName> {
        let makers = [
            "anthropic",
            "openai",
            "gemini",
            "deepseek",
            "mistral",
            "xai",
        ];
        makers.into_iter().find_map(|maker| {
            let model = self.model(maker, model)?;
            let book = book::shelf(maker)?;
            let is_there = book.has(family(&model)) || book.has(&model);
            is_there.then(|| LinkName::new(maker, &model))
        })
    }

    /// Tells whether a provider can be asked.
    pub fn has(&self, provider: &ProviderName) -> bool {
        self.providers.contains(provider)
    }

    /// Returns every link whose model the tables know.
    pub fn links(&self) -> Vec<LinkName> {
        let all = self.like.iter().flat_map(|(provider, like)| {
            let models = book::shelf(like).map_or(&[][..], book::Shelf::models);
            let models = models.iter();
            models.map(|model| LinkName::new(&provider.0, model))
        });
        all.collect()
    }

    /// Says when the model of a link is switched off.
    pub fn retired(&self, link: &LinkName) -> Option<Retired> {
        let like = self.like.get(&link.provider)?;
        let named = |model: &str| {
            table()
                .retired
                .iter()
                .find(|row| row.provider == *like && row.model == model)
        };
        let row = named(&link.model.0).or_else(|| named(family(&link.model.0)))?;
        Some(Retired {
            on: price_rows::day(&row.on)?,
            successor: row.successor.as_deref(),
            source: &row.source,
        })
    }

    /// Returns what else a model may be called, for lists.
    pub fn aliases(&self, link: &LinkName) -> Vec<String> {
        let Some(like) = self.like.get(&link.provider) else {
            return Vec::new();
        };
        let model = link.model.0.as_str();
        let listed = table()
            .alias
            .iter()
            .filter(|row| row.provider == *like && row.means == model)
            .map(|row| row.name.clone());
        let undated = Some(family(model)).filter(|family| *family != model);
        let undated = undated
            .filter(|family| self.model(&link.provider.0, family).as_deref() == Some(model))
            .map(ToOwned::to_owned);
        let mut names: Vec<String> = listed.chain(undated).collect();
        names.dedup();
        names
    }

    fn provider(&self, name: &ProviderName) -> ProviderName {
        if self.own.contains_key(name) {
            return name.clone();
        }
        let other = table().provider.iter().find(|row| row.name == name.0);
        other.map_or_else(|| name.clone(), |row| ProviderName(row.means.clone()))
    }

    /// Returns the one name of a model; none where it is as good as any.
    fn model(&self, provider: &str, written: &str) -> Option<String> {
        let book = book::shelf(self.like.get(provider)?)?;
        let is_own = self
            .own
            .get(provider)
            .is_some_and(|own| own.iter().any(|model| model.0 == written));
        let meant = |spelling: &str| {
            let may = !is_own || spelling == written;
            may.then(|| meant(book, spelling)).flatten()
        };
        let dashed = || written.contains('.').then(|| written.replace('.', "-"));
        meant(written)
            .or_else(|| dashed().and_then(|dashed| meant(&dashed)))
            .or_else(|| dotted(written).and_then(|dotted| meant(&dotted)))
    }
}

/// Returns the model that a spelling means, if the tables know it.
fn meant(shelf: &book::Shelf, spelling: &str) -> Option<String> {
    if let Some(means) = shelf.alias(spelling) {
        return Some(means.to_owned());
    }
    if shelf.has(spelling) {
        return Some(spelling.to_owned());
    }
    // The book has a family whose snapshots it does not list: the snapshot is good as it is.
    let of_family = family(spelling);
    if of_family != spelling && !spelling.ends_with("-latest") && shelf.has(of_family) {
        return Some(spelling.to_owned());
    }
    let undated = spelling.strip_suffix("-latest").unwrap_or(spelling);
    if shelf.has(undated) {
        return Some(undated.to_owned());
    }
    shelf.newest(undated).map(ToOwned::to_owned)
}

/// Puts the dot between two numbers that a dash parts: `gpt-5-5` is `gpt-5.5`. None where there are
/// no such numbers.
fn dotted(name: &str) -> Option<String> {
    let is_short =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    let mut out = String::new();
    let (mut before, mut is_other) = (None, false);
    for part in name.split('-') {
        match before {
            None => {}
            Some(before) if is_short(before) && is_short(part) => {
                is_other = true;
                out.push('.');
            }
            Some(_) => out.push('-'),
        }
        out.push_str(part);
        before = Some(part);
    }
    is_other.then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        KeySource, Manner, ProviderKind,
        manner::{Habits, Site},
    };

    fn known(name: &'static str) -> Known {
        Known {
            name,
            kind: ProviderKind::OpenAi,
            base_url: "https://a.example",
            default_model: None,
            wants_key: true,
            priced_like: Some(name),
            habits: Habits::default(),
        }
    }

    fn names() -> Names {
        let makers = [
            "anthropic",
            "openai",
            "gemini",
            "deepseek",
            "openrouter",
            "groq",
        ]
        .map(known);
        Names::new(&BTreeMap::new(), &makers)
    }

    fn resolved(link: &str) -> String {
        names().resolve(&link.parse().unwrap()).to_string()
    }

    #[test]
    fn a_model_has_one_name_whatever_it_is_called() {
        for (written, wanted) in [
            ("anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
            ("anthropic/claude-haiku-4.5", "anthropic/claude-haiku-4-5"),
            (
                "anthropic/claude-haiku-4-5-latest",
                "anthropic/claude-haiku-4-5",
            ),
            (
                "anthropic/claude-haiku-4.5-20251001",
                "anthropic/claude-haiku-4-5-20251001",
            ),
            (
                "anthropic/claude-3.5-sonnet",
                "anthropic/claude-3-5-sonnet-20241022",
            ),
            (
                "anthropic/claude-3-sonnet",
                "anthropic/claude-3-sonnet-20240229",
            ),
            (
                "anthropic/claude-sonnet-4",
                "anthropic/claude-sonnet-4-20250514",
            ),
            (
                "google/gemini-3-flash-preview",
                "gemini/gemini-3-flash-preview",
            ),
            ("gemini/gemini-2-5-flash", "gemini/gemini-2.5-flash"),
            ("gemini/gemini-flash-latest", "gemini/gemini-flash-latest"),
            ("openai/gpt-5-5", "openai/gpt-5.5"),
            ("openai/gpt-4o-2024-11-20", "openai/gpt-4o-2024-11-20"),
            ("openai/quite-new", "openai/quite-new"),
            (
                "openrouter/anthropic/claude-haiku-4.5",
                "openrouter/anthropic/claude-haiku-4.5",
            ),
            ("nobody/claude-haiku-4.5", "nobody/claude-haiku-4.5"),
        ] {
            assert_eq!(resolved(written), wanted);
        }
    }

    #[test]
    fn a_model_without_its_provider_is_found_at_its_maker() {
        for (written, wanted) in [
            ("gpt-4", Some("openai/gpt-4")),
            ("gpt-3.5-turbo", Some("openai/gpt-3.5-turbo")),
            (
                "claude-3-sonnet",
                Some("anthropic/claude-3-sonnet-20240229"),
            ),
            ("claude-3-opus", Some("anthropic/claude-3-opus-20240229")),
            ("unheard-of", None),
        ] {
            let found = names().find(written).map(|link| link.to_string());
            assert_eq!(found.as_deref(), wanted);
        }
    }

    /// Pages of other projects, kept word for word beside this one.
    #[test]
    fn every_model_that_recipes_name_is_known() {
        let shared = crate::config::env::var("DESKHAND_CORPUS")
            .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus").to_owned());
        let mut found = BTreeSet::new();
        for page in ["ofoxai-fallback.txt", "tokenpak-fallback.txt"] {
            let page = std::path::Path::new(&shared).join("../recipes").join(page);
            // Absent outside the workshop; the names that matter stand in the tests above.
            let text = std::fs::read_to_string(page).unwrap_or_default();
            let is_part = |c: char| c.is_ascii_alphanumeric() || "-./".contains(c);
            let words = text
                .split(|c: char| !is_part(c))
                .map(|word| word.trim_end_matches('.'));
            let makers = [
                "openai/",
                "anthropic/",
                "google/",
                "deepseek/",
                "gpt-",
                "claude-",
            ];
            let is_model = |word: &&str| makers.iter().any(|maker| word.starts_with(maker));
            found.extend(words.filter(is_model).map(str::to_owned));
        }
        for model in &found {
            let link = match model.parse::<LinkName>() {
                Ok(link) => Some(names().resolve(&link)),
                Err(_) => names().find(model),
            };
            let link = link.unwrap_or_else(|| panic!("{model}"));
            assert!(
                book::shelf(&link.provider.0).unwrap().has(&link.model.0),
                "{model} is {link}"
            );
        }
    }

    #[test]
    fn a_retired_name_is_told_with_its_day_and_its_successor() {
        let retired = |link: &str| {
            let found = names().retired(&link.parse().unwrap())?;
            Some((found.on.to_string(), found.successor))
        };

        let sonnet = Some(("2026-11-30".to_owned(), Some("claude-sonnet-5-5")));
        assert_eq!(retired("anthropic/claude-sonnet-4-5"), sonnet);
        assert_eq!(retired("anthropic/claude-sonnet-4-5-20250929"), sonnet);
        assert_eq!(
            retired("deepseek/deepseek-chat"),
            Some(("2026-07-24".to_owned(), Some("deepseek-v4-flash")))
        );
        assert_eq!(
            retired("openai/gpt-5.2-codex"),
            Some(("2026-07-23".to_owned(), None))
        );
        assert_eq!(retired("anthropic/claude-opus-5"), None);
    }

    #[test]
    fn what_others_call_their_models_is_left_alone() {
        let azure = ProviderConfig {
            kind: ProviderKind::OpenAi,
            base_url: "https://desk.openai.azure.com".to_owned(),
            key: KeySource::Keyring,
            models: Vec::new(),
            default_model: None,
            stream: true,
            allow_plain_http: false,
            priced_like: Some("openai"),
            manner: Manner {
                habits: Habits {
                    site: Site::Azure,
                    ..Habits::default()
                },
                place: Place::Azure { api_version: None },
            },
        };
        let listed = ProviderConfig {
            models: vec![ModelName("gpt-5-5".to_owned())],
            manner: Manner::default(),
            ..azure.clone()
        };
        let providers = [("azure", azure), ("listed", listed)]
            .map(|(name, provider)| (ProviderName(name.to_owned()), provider));
        let names = Names::new(&BTreeMap::from(providers), &[]);

        for link in ["azure/gpt-5-5", "listed/gpt-5-5"] {
            let link: LinkName = link.parse().unwrap();
            assert_eq!(names.resolve(&link), link);
        }
    }
}
