//! What a program means by the model it asks for: a chain of links.
//!
//! Pure, and the same whoever asks: `serve` and its tests.

use super::{Config, finding::near, reader::quoted};
use crate::{
    domain::{LinkName, ModelName},
    engine::routing::Routing,
};

/// The name by which a program leaves the choice of the model to the config.
pub const AUTO: &str = "auto";

/// So many of the nearest names are told.
const NEAR: usize = 3;

/// What is meant by the name of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meant {
    /// Who is asked, in order; never empty.
    pub links: Vec<LinkName>,
    /// How they are put in order.
    pub routing: Routing,
}

/// Says why no model is meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// The choice was left to a default chain that the config does not have.
    #[error(
        "The model `auto` is the default chain, and the config has none. Add [chains.default], or \
         ask for provider/model."
    )]
    NoDefault,
    /// Nothing has that name.
    #[error("There is no model {asked}.{}", advice(near))]
    Unknown {
        /// The name, as it may be repeated.
        asked: String,
        /// The nearest names there are, the nearest first.
        near: Vec<String>,
    },
}

fn advice(near: &[String]) -> String {
    match near.split_last() {
        None => " Ask for provider/model; `deskhand models` lists what there is.".to_owned(),
        Some((only, [])) => format!(" Did you mean {only}?"),
        Some((last, others)) => format!(" Did you mean {} or {last}?", others.join(", ")),
    }
}

impl Config {
    /// Returns the links that a program means by the model it asks for, in order.
    ///
    /// A name of `[serve.aliases]` is taken for what it stands for. Then the first that fits: a
    /// model with a chain of its own (`fallback_to`), `provider/model`, a model that a provider
    /// lists or whose maker is known, the name of a chain; `auto` is the default chain. A link
    /// without a chain of its own is followed by `fallback` of `[serve]`.
    pub fn chain_for_model(&self, asked: &str) -> Result<Vec<LinkName>, NotServed> {
        self.meant_by(asked).map(|meant| meant.links)
    }

    /// Returns the same with the order in which the links are asked.
    pub fn meant_by(&self, asked: &str) -> Result<Meant, NotServed> {
        let asked = asked.trim();
        let name = self
            .serve
            .aliases
            .get(asked)
            .map_or(asked, |means| means.as_str());
        if name == AUTO && !self.chains.contains_key(AUTO) {
            return self.chain("default").ok_or(NotServed::NoDefault);
        }
        self.served(|model| model.name == name)
            .or_else(|| self.link_of(name).map(|link| self.beginning_with(link)))
            .or_else(|| self.chain(name))
            .ok_or_else(|| self.unknown(asked))
    }

    /// Returns the chain of a model that has one of its own.
    fn served(&self, is_it: impl Fn(&super::ServedModel) -> bool) -> Option<Meant> {
        let model = self.serve.models.iter().find(|model| is_it(model))?;
        let mut links = model.links.clone();
        if links.len() == 1 {
            self.append_fallback(&mut links);
        }
        Some(Meant {
            links,
            routing: Routing::Priority,
        })
    }

    /// Returns the one link that a name means, without who takes over for it: for a list of links
    /// that a caller makes itself.
    pub fn link_named(&self, asked: &str) -> Option<LinkName> {
        let asked = asked.trim();
        let name = self
            .serve
            .aliases
            .get(asked)
            .map_or(asked, |means| means.as_str());
        let served = self.serve.models.iter().find(|model| model.name == name);
        served
            .map(|model| model.link.clone())
            .or_else(|| self.link_of(name))
    }

    fn link_of(&self, name: &str) -> Option<LinkName> {
        if let Ok(written) = name.parse::<LinkName>() {
            let link = self.names.resolve(&written);
            if self.names.has(&link.provider) {
                return Some(link);
            }
        }
        let listed = self.providers.iter().find(|(_, provider)| {
            let mut models = provider.models.iter().chain(&provider.default_model);
            models.any(|model| model.0 == name)
        });
        if let Some((provider, _)) = listed {
            return Some(self.names.resolve(&LinkName {
                provider: provider.clone(),
                model: ModelName(name.to_owned()),
            }));
        }
        self.names.find(name)
    }

    /// Returns the chain that begins with a link, or the link with `fallback` behind it.
    fn beginning_with(&self, link: LinkName) -> Meant {
        if let Some(own) = self.served(|model| model.link == link) {
            return own;
        }
        let begins = |name: &&String| {
            let links = self.chains.get(*name);
            links.is_some_and(|links| links.first() == Some(&link))
        };
        // The default chain is asked before any other that begins so.
        let default = "default".to_owned();
        let found = [&default]
            .into_iter()
            .chain(self.chains.keys())
            .find(begins);
        if let Some(chain) = found.and_then(|name| self.chain(name)) {
            return chain;
        }
        let mut links = vec![link];
        self.append_fallback(&mut links);
        Meant {
            links,
            routing: Routing::Priority,
        }
    }

    fn append_fallback(&self, links: &mut Vec<LinkName>) {
        for link in &self.serve.fallback {
            if !links.contains(link) {
                links.push(link.clone());
            }
        }
    }

    fn chain(&self, name: &str) -> Option<Meant> {
        let links = self.chains.get(name).filter(|links| !links.is_empty())?;
        Some(Meant {
            links: links.clone(),
            routing: self.routing(name),
        })
    }

    fn unknown(&self, asked: &str) -> NotServed {
        let links = self.names.links();
        let mut known: Vec<String> = self.serve.aliases.keys().cloned().collect();
        known.extend(self.serve.models.iter().map(|model| model.name.clone()));
        known.extend(self.chains.keys().cloned());
        for (provider, config) in &self.providers {
            let models = config.models.iter();
            known.extend(models.map(|model| format!("{provider}/{model}")));
        }
        if asked.contains('/') {
            known.extend(links.iter().map(ToString::to_string));
        } else {
            known.extend(links.into_iter().map(|link| link.model.0));
        }
        NotServed::Unknown {
            asked: quoted(asked),
            near: near(asked, known.iter().map(String::as_str), NEAR)
                .into_iter()
                .map(ToOwned::to_owned)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        config::{Around, Known, Missing, read},
        domain::{ProviderKind, manner::Habits},
    };

    const fn known(name: &'static str, kind: ProviderKind) -> Known {
        Known {
            name,
            kind,
            base_url: "https://a.example",
            default_model: None,
            wants_key: true,
            priced_like: Some(name),
            habits: Habits {
                auth: crate::domain::manner::Auth::Usual,
                without: &[],
                site: crate::domain::manner::Site::Address,
                window: crate::domain::manner::WindowFrom::Book,
            },
        }
    }

    const KNOWN: [Known; 4] = [
        known("anthropic", ProviderKind::Anthropic),
        known("openai", ProviderKind::OpenAi),
        known("gemini", ProviderKind::Gemini),
        known("deepseek", ProviderKind::OpenAiCompatible),
    ];

    fn config(text: &str) -> Config {
        let around = Around {
            known: &KNOWN,
            env: &|_| None,
            missing: Missing::Fine,
            prices: &[],
            today: jiff::civil::date(2026, 11, 25),
        };
        let read = read(Path::new("config.toml"), text, &around);
        read.unwrap_or_else(|findings| panic!("{findings:#?}")).0
    }

    fn asked(config: &Config, model: &str) -> Vec<String> {
        let links = config.chain_for_model(model);
        let links = links.unwrap_or_else(|error| panic!("{model}: {error}"));
        links.iter().map(ToString::to_string).collect()
    }

    const OWN: &str = r#"
[providers.local]
type = "openai-compatible"
base_url = "http://127.0.0.1:1/v1"
auth = "none"
models = ["llama", "meta/llama-4"]

[models."anthropic/claude-opus-5"]
fallback_to = "openai/gpt-5"
[models."openai/gpt-5"]
fallback_to = "local/llama"

[chains.default]
links = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]
[chains.quick]
links = ["anthropic/claude-haiku-4-5", "openai/gpt-4o-mini"]
routing = "latency"

[serve]
fallback = ["anthropic/claude-haiku-4-5", "local/llama"]
[serve.aliases]
house = "local/llama"
fast = "quick"
gpt-4-turbo = "auto"
"#;

    #[test]
    fn a_model_means_the_first_that_fits() {
        let config = config(OWN);
        let fallback = ["anthropic/claude-haiku-4-5", "local/llama"];
        let with = |link: &str| -> Vec<String> {
            let behind = fallback.iter().filter(|other| **other != link);
            [&link]
                .into_iter()
                .chain(behind)
                .map(|one| (*one).to_owned())
                .collect()
        };
        let default = ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"];
        let quick = ["anthropic/claude-haiku-4-5", "openai/gpt-4o-mini"];
        let opus = ["anthropic/claude-opus-5", "openai/gpt-5", "local/llama"];
        for (model, wanted) in [
            ("auto", default.map(str::to_owned).to_vec()),
            // A chain of its own, from wherever it is entered.
            ("anthropic/claude-opus-5", opus.map(str::to_owned).to_vec()),
            ("claude-opus-5", opus.map(str::to_owned).to_vec()),
            (
                "openai/gpt-5",
                opus[1..].iter().map(|link| (*link).to_owned()).collect(),
            ),
            // The chain that begins with it; a bare name is its maker's.
            ("openai/gpt-4o-mini", default.map(str::to_owned).to_vec()),
            ("gpt-4o-mini", default.map(str::to_owned).to_vec()),
            ("claude-haiku-4.5", quick.map(str::to_owned).to_vec()),
            // A link alone, with what stands behind every link.
            ("openai/gpt-4o", with("openai/gpt-4o")),
            (
                "google/gemini-3-flash-preview",
                with("gemini/gemini-3-flash-preview"),
            ),
            ("openai/quite-new", with("openai/quite-new")),
            // What a provider lists.
            ("llama", with("local/llama")),
            ("meta/llama-4", with("local/meta/llama-4")),
            // Other names, and chains by theirs.
            ("house", with("local/llama")),
            ("fast", quick.map(str::to_owned).to_vec()),
            (" quick ", quick.map(str::to_owned).to_vec()),
        ] {
            assert_eq!(asked(&config, model), wanted, "{model}");
        }
        assert_eq!(config.meant_by("fast").unwrap().routing, Routing::Latency);
        assert_eq!(config.meant_by("auto").unwrap().routing, Routing::Priority);
    }

    #[test]
    fn what_nothing_is_called_is_refused_with_the_nearest_names() {
        let config = config(OWN);

        let said = |model: &str| config.chain_for_model(model).unwrap_err().to_string();

        assert_eq!(
            said("quicks"),
            "There is no model `quicks`. Did you mean quick?"
        );
        assert!(said("antropic/claude-haiku-4-5").contains("anthropic/claude-haiku-4-5"));
        assert!(said("gpt-4o-minni").contains("gpt-4o-mini"));
        assert_eq!(
            said("xyzzy-of-nothing"),
            "There is no model `xyzzy-of-nothing`. Ask for provider/model; `deskhand models` lists \
             what there is."
        );
        let key = "sk-ant-api03-4711abcdef0815";
        assert!(!said(key).contains("4711"), "{}", said(key));
        assert_eq!(
            Config::default().chain_for_model("auto"),
            Err(NotServed::NoDefault)
        );
    }

    #[test]
    fn one_link_is_meant_without_who_takes_over() {
        let config = config(OWN);
        let named = |name: &str| config.link_named(name).map(|link| link.to_string());

        assert_eq!(
            named("anthropic/claude-opus-5").as_deref(),
            Some("anthropic/claude-opus-5")
        );
        assert_eq!(named("house").as_deref(), Some("local/llama"));
        assert_eq!(named("meta/llama-4").as_deref(), Some("local/meta/llama-4"));
        assert_eq!(named("quick"), None, "a chain is no link");
        assert_eq!(named("nobody/knows"), None);
    }

    #[test]
    fn an_alias_may_stand_for_the_default_chain() {
        let config = config(OWN);

        assert_eq!(asked(&config, "gpt-4-turbo"), asked(&config, "auto"));
    }

    const RECIPE: &str = r#"
[providers.openai]
type = "openai"
models = { "gpt-3.5-turbo" = {}, "gpt-4" = { context_tokens = 8192 }, "gpt-4o" = {} }
[providers.anthropic]
type = "anthropic"
models = { claude-3-sonnet = {}, claude-3-opus = {} }

[models.gpt-4]
provider = "openai"
fallback_to = "claude-3-sonnet"
[models."gpt-3.5-turbo"]
provider = "openai"
fallback_to = "claude-3-sonnet"
[models.claude-3-sonnet]
provider = "anthropic"
"#;

    #[test]
    fn the_recipes_models_lead_to_who_takes_over() {
        let config = config(RECIPE);
        let sonnet = "anthropic/claude-3-sonnet-20240229";

        assert_eq!(asked(&config, "gpt-4"), ["openai/gpt-4", sonnet]);
        assert_eq!(asked(&config, "openai/gpt-4"), ["openai/gpt-4", sonnet]);
        assert_eq!(
            asked(&config, "gpt-3.5-turbo"),
            ["openai/gpt-3.5-turbo", sonnet]
        );
        assert_eq!(asked(&config, "claude-3-sonnet"), [sonnet]);
        assert_eq!(asked(&config, "gpt-4o"), ["openai/gpt-4o"]);
        assert_eq!(asked(&config, "auto"), ["openai/gpt-4", sonnet]);
        let names: Vec<&str> = config
            .serve
            .models
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "gpt-4",
                "gpt-3.5-turbo",
                "claude-3-sonnet",
                "gpt-4o",
                "claude-3-opus"
            ]
        );
        assert_eq!(
            config.serve.called(&sonnet.parse().unwrap()),
            Some("claude-3-sonnet")
        );
    }
}
