//! The chains as the Routing screen shows and changes them.

use super::{
    Desk, DeskError,
    face::{ChainCard, KeyOrigin, RoutingView},
};
use crate::{config::edit, domain::LinkName};

impl Desk {
    /// Returns every chain, and every link that can be part of one.
    pub async fn routing(&self) -> Result<RoutingView, DeskError> {
        let settings = self.settings();
        let config = &settings.config;
        let card = |name: &str, links: &[LinkName]| ChainCard {
            name: name.to_owned(),
            links: links.to_vec(),
            routing: config.routing(name),
            rules: config
                .rules
                .iter()
                .filter(|rule| rule.chain == name)
                .map(|rule| rule.when.clone())
                .collect(),
        };
        let default = self.chain(None).await?.links;
        let others = config.chains.iter().filter(|(name, _)| *name != "default");
        let mut chains = vec![card("default", &default)];
        chains.extend(others.map(|(name, links)| card(name, links)));

        let models = self.models().await?;
        let in_use = chains.iter().flat_map(|chain| chain.links.iter().cloned());
        let mut links: Vec<LinkName> = in_use.collect();
        let current = models.into_iter().filter(|model| model.retired.is_none());
        links.extend(current.map(|model| model.link));
        let mut seen = std::collections::BTreeSet::new();
        links.retain(|link| seen.insert(link.clone()));

        let keys = self.keys().await?;
        let keyless = keys.iter().filter(|key| key.origin == KeyOrigin::Missing);
        Ok(RoutingView {
            chains,
            known: self.link_facts(&links),
            keyless: keyless.map(|key| key.provider.clone()).collect(),
            providers: keys.into_iter().map(|key| key.provider).collect(),
        })
    }

    /// Writes a chain into the config: its links and its routing. Comments stay.
    pub fn save_chain(&self, card: &ChainCard) -> Result<(), DeskError> {
        let file = &self.paths.config_file;
        edit::write_chain(file, &card.name, &card.links, card.routing)?;
        self.reload()
    }
}
