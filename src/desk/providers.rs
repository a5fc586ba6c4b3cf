//! Which providers there are, and what is known of their models: the config over the presets.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::{Settings, settings::known_of};
use crate::{
    config::{ProviderConfig, names, prices},
    domain::{LinkName, ModelName, ProviderKind, ProviderName, manner::Place},
    engine::chain::{Link, Temper},
    llm::{
        catalog::PRESETS,
        wire::{Endpoint, Quirks},
    },
};

impl Settings {
    /// Returns what is known of a provider: what the config says, else what its name says.
    pub fn provider(&self, name: &ProviderName) -> Option<ProviderConfig> {
        let named = self.config.providers.get(name).cloned();
        named.or_else(|| self.preset(name))
    }

    /// Returns a provider that needs no config, at the address that the environment gives, if it
    /// gives one; none where that cannot be used.
    fn preset(&self, name: &ProviderName) -> Option<ProviderConfig> {
        let preset = PRESETS.iter().find(|preset| preset.name == name.0)?;
        let mut provider = known_of(preset).provider()?;
        if let Some(from) = self.config.addresses.get(name) {
            provider.base_url = from.base_url.clone()?;
        }
        Some(provider)
    }

    /// Returns what people call a provider: its maker's name, else the config's.
    pub fn title(&self, name: &ProviderName) -> String {
        let preset = PRESETS.iter().find(|preset| preset.name == name.0);
        preset.map_or_else(|| name.0.clone(), |preset| preset.title.to_owned())
    }

    /// Returns every provider that can be named, those of the config first.
    pub fn providers(&self) -> BTreeMap<ProviderName, ProviderConfig> {
        let known = PRESETS
            .iter()
            .map(|preset| ProviderName(preset.name.to_owned()));
        let named = self.config.providers.keys().cloned();
        named
            .chain(known)
            .filter_map(|name| self.provider(&name).map(|provider| (name, provider)))
            .collect()
    }

    /// Returns the model of a provider when nothing else says.
    pub fn default_model(&self, name: &ProviderName) -> Option<ModelName> {
        let written = self.written_default(name)?;
        let provider = name.clone();
        let link = LinkName {
            provider,
            model: written,
        };
        Some(self.names.resolve(&link).model)
    }

    fn written_default(&self, name: &ProviderName) -> Option<ModelName> {
        let provider = self.provider(name)?;
        let by_preset = || {
            let preset = PRESETS.iter().find(|preset| preset.name == name.0)?;
            preset
                .default_model
                .map(|model| ModelName(model.to_owned()))
        };
        provider
            .default_model
            .or_else(by_preset)
            .or_else(|| provider.models.first().cloned())
    }

    /// Returns the names of the chains that a link is part of.
    pub(super) fn chains_of(&self, link: &LinkName) -> Vec<String> {
        let chains = self.config.chains.iter();
        chains
            .filter(|(_, links)| links.contains(link))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Tells whether a link can be meant: a chain, the config or the price book knows its model.
    pub(super) fn knows(&self, link: &LinkName, provider: &ProviderConfig) -> bool {
        let models = self.models_of(&link.provider, provider);
        models.contains(&link.model.0)
            || !self.chains_of(link).is_empty()
            || self.config.models.contains_key(link)
            || self.default_model(&link.provider).as_ref() == Some(&link.model)
    }

    /// Returns the models that can be picked for a provider: those of the config, then those with
    /// a known price.
    pub(super) fn models_of(&self, name: &ProviderName, provider: &ProviderConfig) -> Vec<String> {
        let mut models: Vec<String> = provider
            .models
            .iter()
            .map(|model| model.0.clone())
            .collect();
        // At Azure only the owner knows how the deployments are called.
        if matches!(provider.manner.place, Place::Azure { .. }) {
            return models;
        }
        for model in prices::models(&self.config, &name.0) {
            if !models.contains(&model) {
                models.push(model);
            }
        }
        models
    }

    /// Returns a link with what is known of its model.
    pub(super) fn link(&self, name: &LinkName, provider: &ProviderConfig) -> Link {
        let size = prices::size(&self.config, name);
        let said = self.config.models.get(name).and_then(|model| model.temper);
        let guess = if is_local(provider) {
            Temper::Local
        } else {
            let like = provider.priced_like.unwrap_or(&name.provider.0);
            names::temper(like, &name.model.0).unwrap_or(Temper::Plain)
        };
        Link {
            name: name.clone(),
            window: size.window,
            output_limit: size.output_limit,
            temper: said.unwrap_or(guess),
            stream: provider.stream,
        }
    }
}

/// Returns where and how a link is asked.
pub(super) fn endpoint(
    link: &LinkName,
    provider: &ProviderConfig,
    key: Option<SecretString>,
    without: Vec<String>,
) -> Endpoint {
    Endpoint {
        kind: provider.kind,
        base_url: provider.base_url.clone(),
        key,
        model: link.model.clone(),
        stream: provider.stream,
        allow_plain_http: provider.allow_plain_http,
        manner: provider.manner.clone(),
        renew: None,
        quirks: Quirks { without },
    }
}

/// A server on this machine may have to load its model first: it gets more time.
fn is_local(provider: &ProviderConfig) -> bool {
    let local = ["://127.", "://localhost", "://[::1]"];
    provider.kind == ProviderKind::OpenAiCompatible
        && local.iter().any(|host| provider.base_url.contains(host))
}
