//! Checks that need the whole config: do the chains lead anywhere, and is every price known?

use std::collections::BTreeSet;

use super::{
    Around, Config,
    chains::Found,
    finding::nearest,
    prices,
    reader::{Reader, Span},
};
use crate::{
    domain::{LinkName, ModelName, ProviderKind},
    engine::chain::{Chain, Known},
};

/// Notes what is wrong or doubtful about the chains.
pub(super) fn check(
    reader: &mut Reader<'_>,
    config: &Config,
    chains: &[Found],
    around: &Around<'_>,
) {
    let book = prices::book(config);
    let mut told = BTreeSet::new();
    for chain in chains {
        for (link, span) in chain.links.iter().zip(&chain.spans) {
            if !told.insert((link.clone(), span.start)) {
                continue;
            }
            if is_known(reader, config, link, span, around)
                && !config.spend.allow_unknown_prices
                && book.row(link, around.today).is_none()
            {
                let message = format!("no price is known for {link}, so it is not asked.");
                let hint = format!(
                    "Add [models.\"{link}\"] with price_in_usd_per_million and \
                     price_out_usd_per_million (0 for a local one), or allow_unknown_prices = true \
                     below [spend]."
                );
                reader.warning(span, message, Some(hint));
            }
        }
        let checked = Chain::check(chain.links.clone(), &chain.name, &|_| Known::Yes);
        if let (Ok(checked), Some(span)) = (checked, chain.spans.first())
            && let Some(warning) = checked.warning()
        {
            reader.warning(span, warning.words(), None);
        }
    }
}

/// Tells whether a link's provider, and its model where the file lists them, exist; notes if not.
fn is_known(
    reader: &mut Reader<'_>,
    config: &Config,
    link: &LinkName,
    span: &Span,
    around: &Around<'_>,
) -> bool {
    let Some(provider) = config.providers.get(&link.provider) else {
        let is_preset = around
            .known
            .iter()
            .any(|known| known.name == link.provider.0);
        if !is_preset && !reader.faulty.contains(&link.provider.0) {
            let names = config.providers.keys().map(|name| name.0.as_str());
            let names = names.chain(around.known.iter().map(|known| known.name));
            let hint = nearest(&link.provider.0, names).map_or_else(
                || format!("Add [providers.{}].", link.provider),
                |near| format!("Did you mean {near}/{}?", link.model),
            );
            let message = format!("{link} names no provider of this config.");
            reader.error(span, message, Some(hint));
        }
        return is_preset;
    };
    // Only a list that the person wrote is complete; what a known provider has changes daily.
    let is_listed = provider.kind != ProviderKind::OpenAiCompatible
        || provider.models.is_empty()
        || provider.models.contains(&link.model)
        || provider.default_model.as_ref() == Some(&link.model)
        || config.models.contains_key(link);
    if !is_listed {
        let models = provider.models.iter().map(|ModelName(name)| name.as_str());
        let hint = nearest(&link.model.0, models).map_or_else(
            || format!("Add it to models below [providers.{}].", link.provider),
            |near| format!("Did you mean {}/{near}?", link.provider),
        );
        let message = format!("{} lists no model `{}`.", link.provider, link.model);
        reader.error(span, message, Some(hint));
    }
    is_listed
}
