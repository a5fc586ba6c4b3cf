//! Chains: which links are asked, in which order, and whether that can work at all.

use std::collections::BTreeMap;

use crate::domain::{LinkName, ProviderName, Usd};

/// What is known of a link's model; it decides windows, output limits and clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Provider and model.
    pub name: LinkName,
    /// How many tokens fit into it, prompt and answer together, where that is known.
    pub window: Option<u64>,
    /// The most tokens it writes, where that is known.
    pub output_limit: Option<u32>,
    /// How long it may be silent before its first words.
    pub temper: Temper,
    /// Whether its answers come as a stream.
    pub stream: bool,
}

impl Link {
    /// Makes a link of which only the name is known.
    pub const fn new(name: LinkName) -> Self {
        Self {
            name,
            window: None,
            output_limit: None,
            temper: Temper::Plain,
            stream: true,
        }
    }
}

/// How long a model may be silent before its first words (ENGINE section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temper {
    /// Speaks at once.
    #[default]
    Plain,
    /// Thinks first and shows that it does.
    Reasoning,
    /// Thinks without a sign of life.
    Silent,
    /// Runs on this machine or in this house and may have to be loaded first.
    Local,
}

/// An ordered list of links that has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    links: Vec<LinkName>,
    from: String,
}

/// Says why a list of links is not a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// There is nothing in it.
    #[error("the chain from {from} names no model: give it at least one provider/model")]
    Empty {
        /// Where it came from.
        from: String,
    },
    /// A model stands in it twice, or `fallback_to` leads in a circle.
    #[error("the chain from {from} asks {link} twice: remove one of the two")]
    Twice {
        /// Which.
        link: LinkName,
        /// Where it came from.
        from: String,
    },
    /// No provider of that name is set up.
    #[error("the chain from {from} asks {link}, but no provider is called `{}`", link.provider)]
    UnknownProvider {
        /// Which.
        link: LinkName,
        /// Where it came from.
        from: String,
    },
    /// The provider is set up but does not list that model.
    #[error("the chain from {from} asks {link}, but {} has no model of that name", link.provider)]
    UnknownModel {
        /// Which.
        link: LinkName,
        /// Where it came from.
        from: String,
    },
}

/// What is allowed but worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainWarning {
    /// Nobody takes over when it fails.
    OneLink(LinkName),
    /// All links fail together when this provider does.
    OneProvider(ProviderName),
}

impl ChainWarning {
    /// Returns the warning as a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::OneLink(link) => {
                format!("The chain has only {link}: when it fails, no other model takes over.")
            }
            Self::OneProvider(provider) => {
                format!("All links of the chain are at {provider}: when it is down, none answers.")
            }
        }
    }
}

/// Whether a link is set up, as far as the config can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Provider and model are known.
    Yes,
    /// There is no such provider.
    NoProvider,
    /// There is no such model at that provider.
    NoModel,
}

impl Chain {
    /// Checks `links`, which came from `from` (`default`, `--chain`, `ticket`).
    pub fn check(
        links: Vec<LinkName>,
        from: &str,
        known: &dyn Fn(&LinkName) -> Known,
    ) -> Result<Self, ChainError> {
        let from = from.to_owned();
        if links.is_empty() {
            return Err(ChainError::Empty { from });
        }
        for (place, link) in links.iter().enumerate() {
            let link = link.clone();
            if links.iter().take(place).any(|earlier| *earlier == link) {
                return Err(ChainError::Twice { link, from });
            }
            match known(&link) {
                Known::Yes => {}
                Known::NoProvider => return Err(ChainError::UnknownProvider { link, from }),
                Known::NoModel => return Err(ChainError::UnknownModel { link, from }),
            }
        }
        Ok(Self { links, from })
    }

    /// Follows `fallback_to` from the first link to the end: the other spelling of a list.
    pub fn follow(
        first: &LinkName,
        fallback_to: &BTreeMap<LinkName, LinkName>,
    ) -> Result<Vec<LinkName>, ChainError> {
        let mut links = vec![first.clone()];
        let mut at = first;
        while let Some(next) = fallback_to.get(at) {
            if links.contains(next) {
                return Err(ChainError::Twice {
                    link: next.clone(),
                    from: "fallback_to".to_owned(),
                });
            }
            links.push(next.clone());
            at = next;
        }
        Ok(links)
    }

    /// Returns the links in the order they are asked.
    pub fn links(&self) -> &[LinkName] {
        &self.links
    }

    /// Returns where the chain came from.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// Returns what is allowed but worth saying.
    pub fn warning(&self) -> Option<ChainWarning> {
        let (first, rest) = self.links.split_first()?;
        if rest.is_empty() {
            return Some(ChainWarning::OneLink(first.clone()));
        }
        rest.iter()
            .all(|link| link.provider == first.provider)
            .then(|| ChainWarning::OneProvider(first.provider.clone()))
    }
}

/// What advice on a chain looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFacts {
    /// The link.
    pub link: LinkName,
    /// What a usual draft costs at most, where a price is known.
    pub estimate: Option<Usd>,
    /// How many tokens fit into it, where that is known.
    pub window: Option<u64>,
}

/// A chain with more links than this keeps a person waiting.
const LINKS_ENOUGH: usize = 4;

/// Returns what is allowed of a chain but worth saying: one link, one provider, a backup that is
/// dearer or takes less, too many links.
pub fn advice(links: &[LinkFacts]) -> Vec<String> {
    let chain = Chain {
        links: links.iter().map(|facts| facts.link.clone()).collect(),
        from: String::new(),
    };
    let mut said: Vec<String> = chain.warning().iter().map(ChainWarning::words).collect();
    let Some((first, backups)) = links.split_first() else {
        return said;
    };
    for backup in backups {
        if backup.estimate > first.estimate && first.estimate.is_some() {
            said.push(format!(
                "The backup {} is dearer than {}: an outage costs more than a usual day.",
                backup.link, first.link
            ));
        }
        if let (Some(own), Some(primary)) = (backup.window, first.window)
            && own < primary
        {
            said.push(format!(
                "The backup {} takes {own} tokens, {} takes {primary}: a long ticket may not fit.",
                backup.link, first.link
            ));
        }
    }
    if links.len() > LINKS_ENOUGH {
        said.push(format!(
            "The chain has {} links; beyond {LINKS_ENOUGH} a person waits longer than the answer \
             is worth.",
            links.len()
        ));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(names: &[&str]) -> Vec<LinkName> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn known(link: &LinkName) -> Known {
        match (link.provider.0.as_str(), link.model.0.as_str()) {
            ("a" | "b", "gone") => Known::NoModel,
            ("a" | "b", _) => Known::Yes,
            _ => Known::NoProvider,
        }
    }

    #[test]
    fn a_chain_is_checked_before_use() {
        for (names, wrong) in [
            (&[][..], "names no model"),
            (&["a/x", "b/y", "a/x"], "asks a/x twice"),
            (&["a/x", "c/y"], "no provider is called `c`"),
            (&["a/x", "b/gone"], "b has no model of that name"),
        ] {
            let error = Chain::check(links(names), "--chain", &known).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
            assert!(error.to_string().contains("--chain"), "{error}");
        }
    }

    #[test]
    fn one_link_and_one_provider_are_warned_of() {
        let warning = |names: &[&str]| {
            Chain::check(links(names), "default", &known)
                .unwrap()
                .warning()
        };

        assert_eq!(
            warning(&["a/x"]),
            Some(ChainWarning::OneLink("a/x".parse().unwrap()))
        );
        assert_eq!(
            warning(&["a/x", "a/y"]),
            Some(ChainWarning::OneProvider(ProviderName("a".to_owned())))
        );
        assert_eq!(warning(&["a/x", "b/y"]), None);
    }

    #[test]
    fn fallback_to_is_followed_to_its_end_and_never_in_a_circle() {
        let mut map = BTreeMap::new();
        let [a, b, c] = ["a/x", "b/y", "a/z"].map(|name| name.parse::<LinkName>().unwrap());
        map.insert(a.clone(), b.clone());
        map.insert(b.clone(), c.clone());
        assert_eq!(
            Chain::follow(&a, &map),
            Ok(vec![a.clone(), b.clone(), c.clone()])
        );

        map.insert(c, b.clone());
        assert_eq!(
            Chain::follow(&a, &map),
            Err(ChainError::Twice {
                link: b,
                from: "fallback_to".to_owned()
            })
        );
    }
}
