//! Checks that need the whole config: do the chains lead anywhere, and is every price known?

use std::collections::BTreeSet;

use super::{
    Around, Config,
    chains::Found,
    finding::nearest,
    prices,
    reader::{Reader, Section, Span},
};
use crate::{
    domain::{LinkName, ModelName, ProviderKind},
    engine::{
        chain::{LinkFacts, advice},
        price::bound,
    },
};

/// Notes what is wrong or doubtful about the chains.
pub(super) fn check(
    reader: &mut Reader<'_>,
    (root, config): (&Section<'_>, &Config),
    chains: &[Found],
    around: &Around<'_>,
) {
    defaults(reader, root, config, around);
    aliases(reader, root, config, around);
    let book = prices::book(config);
    let mut told = BTreeSet::new();
    for chain in chains {
        for (link, span) in chain.links.iter().zip(&chain.spans) {
            if !told.insert((link.clone(), span.start)) {
                continue;
            }
            retired(reader, link, span, around);
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
        if let Some(span) = chain.spans.first() {
            let facts = chain.links.iter().map(|link| LinkFacts {
                link: link.clone(),
                estimate: book
                    .price(link, around.today)
                    .map(|price| bound(&price, USUAL.0, USUAL.1)),
                window: prices::size(config, link).window,
            });
            for words in advice(&facts.collect::<Vec<_>>()) {
                reader.warning(span, words, None);
            }
            limits(reader, config, chain);
        }
    }
}

/// Notes backups that may be asked less often than a link before them.
fn limits(reader: &mut Reader<'_>, config: &Config, chain: &Found) {
    for (place, (backup, span)) in chain.links.iter().zip(&chain.spans).enumerate() {
        let mut before = chain.links.iter().take(place);
        let words = before.find_map(|link| config.limits.shortfall(link, backup));
        if let Some(words) = words {
            let hint = "Have the limit raised, or ask another model before it.".to_owned();
            reader.warning(span, words, Some(hint));
        }
    }
}

/// A usual draft, by which links are compared: tokens in and out, at most.
const USUAL: (u64, u64) = (4_000, 1_024);

/// How many days ahead the end of a model is warned of; `deskhand models` names all.
const SOON_DAYS: i32 = 30;

/// Notes default models that are switched off.
fn defaults(reader: &mut Reader<'_>, root: &Section<'_>, config: &Config, around: &Around<'_>) {
    let all = root.get("providers");
    for (name, provider) in &config.providers {
        let written = all
            .and_then(|all| all.get_ref().as_table()?.get(name.0.as_str()))
            .and_then(|own| own.get_ref().as_table()?.get("default_model"));
        if let (Some(model), Some(written)) = (&provider.default_model, written) {
            let link = LinkName::new(&name.0, &model.0);
            retired(
                reader,
                &reader.names.resolve(&link),
                &written.span(),
                around,
            );
        }
    }
}

/// Notes names of models that stand for what no provider has.
fn aliases(reader: &mut Reader<'_>, root: &Section<'_>, config: &Config, around: &Around<'_>) {
    let serve = root
        .get("serve")
        .and_then(|serve| serve.get_ref().as_table());
    let written = serve.and_then(|serve| serve.get("aliases")?.get_ref().as_table());
    for (name, means) in &config.serve.aliases {
        let span = written.and_then(|own| Some(own.get(name.as_str())?.span()));
        let is_chain = config.chains.contains_key(means) || means == super::asked::AUTO;
        let link = reader.link(means).filter(|_| !is_chain);
        if let (Some(link), Some(span)) = (link, span) {
            retired(reader, &link, &span, around);
            is_known(reader, config, &link, &span, around);
        }
    }
}

/// Notes that a model is switched off, or soon will be.
fn retired(reader: &mut Reader<'_>, link: &LinkName, span: &Span, around: &Around<'_>) {
    let Some(retired) = reader.names.retired(link) else {
        return;
    };
    let soon = around
        .today
        .saturating_add(jiff::Span::new().days(SOON_DAYS));
    if retired.on > soon {
        return;
    }
    let verb = if retired.on <= around.today {
        "was"
    } else {
        "will be"
    };
    let message = format!("{link} {verb} switched off on {}.", retired.on);
    let hint = retired.successor.map_or_else(
        || "Its maker names no successor; `deskhand models` lists what there is.".to_owned(),
        |model| format!("Its maker names {}/{model} instead.", link.provider),
    );
    reader.warning(span, message, Some(hint));
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
