//! Rate limits, for people: what the config says of each link, and what its provider last said.

use std::collections::BTreeSet;

use super::{Desk, DeskError};
use crate::{
    config::Limits,
    domain::{LinkName, ProviderName, RateLeft, Timestamp},
};

/// The rate limits of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitCard {
    /// The link.
    pub link: LinkName,
    /// What the config calls it, where that is something else.
    pub called: Option<String>,
    /// What is configured.
    pub configured: Limits,
    /// What its provider last said to be left, and when.
    pub seen: Option<(RateLeft, Timestamp)>,
}

impl Desk {
    /// Returns the rate limits of every link of the chains, of the links that the config limits,
    /// and of those whose provider has said something; or of one provider only.
    pub async fn limits(&self, of: Option<&str>) -> Result<Vec<LimitCard>, DeskError> {
        let settings = self.settings();
        let config = &settings.config;
        let of = of.map(|name| self.provider_named(name)).transpose()?;
        let memory = self.memory().await?;
        let mut links: BTreeSet<LinkName> = config.chains.values().flatten().cloned().collect();
        links.extend(self.chain(None).await?.links);
        links.extend(config.limits.models.keys().cloned());
        let seen = |link: &LinkName| {
            memory
                .times
                .get(link)
                .and_then(crate::engine::times::Times::left)
        };
        links.extend(
            memory
                .times
                .keys()
                .filter(|link| seen(link).is_some())
                .cloned(),
        );
        if let Some(name) = &of {
            links.retain(|link| link.provider == *name);
            let default = settings.default_model(name).filter(|_| links.is_empty());
            links.extend(default.map(|model| LinkName {
                provider: name.clone(),
                model,
            }));
        }
        let cards = links.into_iter().map(|link| LimitCard {
            called: config.serve.called(&link).map(ToOwned::to_owned),
            configured: config.limits.of(&link),
            seen: seen(&link),
            link,
        });
        Ok(cards.collect())
    }

    /// Returns the provider of that name, or of another name for it.
    fn provider_named(&self, name: &str) -> Result<ProviderName, DeskError> {
        let settings = self.settings();
        let found = settings.names.resolve(&LinkName::new(name, "any")).provider;
        match settings.provider(&found) {
            Some(_) => Ok(found),
            None => Err(DeskError::NoProvider(name.to_owned())),
        }
    }
}
