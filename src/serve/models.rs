//! The models that can be asked for: those of the config, by the names it gives them.

use serde_json::{Value, json};

use crate::{config::Config, desk::Settings, domain::LinkName};

/// Every name, each with the first link that is asked under it.
pub(super) fn names(settings: &Settings) -> Vec<(String, Option<LinkName>)> {
    let config: &Config = &settings.config;
    let mut names: Vec<(String, Option<LinkName>)> = Vec::new();
    let mut add = |name: String, link: Option<&LinkName>| {
        if !names.iter().any(|(known, _)| *known == name) {
            names.push((name, link.cloned()));
        }
    };
    for model in &config.serve.models {
        add(model.name.clone(), Some(&model.link));
    }
    for name in config.serve.aliases.keys() {
        let meant = config.chain_for_model(name).ok();
        add(name.clone(), meant.as_ref().and_then(|links| links.first()));
    }
    for (name, links) in &config.chains {
        let name = if name == "default" { "auto" } else { name };
        add(name.to_owned(), links.first());
    }
    let chains = config.chains.values().flatten();
    for link in chains.chain(&config.serve.fallback) {
        add(link.to_string(), Some(link));
    }
    for (provider, set_up) in &config.providers {
        for model in set_up.models.iter().chain(&set_up.default_model) {
            let link = LinkName {
                provider: provider.clone(),
                model: model.clone(),
            };
            add(link.to_string(), Some(&link));
        }
    }
    names
}

/// Returns the list in the shape that OpenAI's and Anthropic's clients read, or Gemini's.
pub(super) fn list(names: &[(String, Option<LinkName>)], is_gemini: bool) -> Value {
    if is_gemini {
        let models: Vec<Value> = names.iter().map(|(name, _)| gemini(name)).collect();
        return json!({"models": models});
    }
    let data: Vec<Value> = names
        .iter()
        .map(|(name, link)| one(name, link.as_ref()))
        .collect();
    json!({
        "object": "list",
        "data": data,
        "has_more": false,
        "first_id": names.first().map(|(name, _)| name),
        "last_id": names.last().map(|(name, _)| name),
    })
}

/// Returns one model.
pub(super) fn one(name: &str, link: Option<&LinkName>) -> Value {
    json!({
        "id": name,
        // OpenAI's word, and Anthropic's.
        "object": "model",
        "type": "model",
        "display_name": name,
        // Nobody here knows when a model was made; OpenAI's clients need a number, Anthropic's a time.
        "created": 0,
        "created_at": "1970-01-01T00:00:00Z",
        "owned_by": link.map_or("deskhand", |link| link.provider.0.as_str()),
    })
}

/// Returns one model in Gemini's shape.
pub(super) fn gemini(name: &str) -> Value {
    json!({
        "name": format!("models/{name}"),
        "displayName": name,
        "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
    })
}
