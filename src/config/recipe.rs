//! The shape of `TokenPak`'s recipe: providers with tables of models, and a table of models that says
//! of each whose it is and who takes over. It becomes the same config as any other file.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Config, Implied, Origin, ProviderConfig,
    finding::nearest,
    reader::{Reader, Section, Span, looks_like_key, quoted},
};
use crate::{
    domain::{Cap, LinkName, ProviderName},
    engine::policy::OnAuthError,
};

/// One model that the file names, with or without its provider.
pub(super) struct Model {
    /// Its name as it is written.
    pub(super) name: String,
    /// The link it means.
    pub(super) link: LinkName,
    /// Where its name stands.
    pub(super) span: Span,
}

type Providers = BTreeMap<ProviderName, ProviderConfig>;

/// A provider, a model that its own table lists, and where that stands.
type Listed<'v> = (&'v str, &'v str, Span);

/// Tells in which shape a file is.
pub(super) fn origin(root: &Section<'_>) -> Origin {
    let has = |table: &str, is_it: fn(&Section<'_>) -> bool| {
        root.inner(table)
            .is_some_and(|table| table.inners().any(|(_, _, own)| is_it(&own)))
    };
    let is_recipe = has("models", |model| model.get("provider").is_some())
        || has("providers", |provider| provider.inner("models").is_some());
    if is_recipe {
        Origin::Recipe
    } else {
        Origin::Own
    }
}

/// Returns the models of a file in the recipe's shape, in the order of the file: those of its table
/// of models, and those that only a provider lists.
pub(super) fn models(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
    providers: &Providers,
) -> Vec<Model> {
    let listed = listed(root);
    let mut models: Vec<Model> = Vec::new();
    for (name, span, table) in in_order(root.inner("models").as_ref()) {
        if looks_like_key(name) {
            continue;
        }
        let of = provider(reader, (name, &span), &table, (providers, &listed));
        let link = of.map_or_else(
            || reader.link(name),
            |of| Some(reader.names.resolve(&joined(&of, name))),
        );
        if let Some(link) = link {
            models.push(Model {
                name: name.to_owned(),
                link,
                span,
            });
        }
    }
    let named: BTreeSet<String> = models.iter().map(|model| model.name.clone()).collect();
    for (provider, name, span) in listed {
        let link = reader.names.resolve(&joined(provider, name));
        if !named.contains(name) && models.iter().all(|model| model.link != link) {
            models.push(Model {
                name: name.to_owned(),
                link,
                span,
            });
        }
    }
    models
}

/// Fills in what a file in the recipe's shape implies where it says nothing.
pub(super) fn imply(root: &Section<'_>, config: &mut Config) {
    let says = |table: &str, key: &str| {
        root.inner(table)
            .is_some_and(|table| table.get(key).is_some())
    };
    let implied = &mut config.serve.implied;
    if config.spend.cap == Cap::NotChosen && !says("spend", "cap_month_usd") {
        config.spend.cap = Cap::None;
        implied.push(Implied::NoCap);
    }
    if !says("spend", "allow_unknown_prices") {
        config.spend.allow_unknown_prices = true;
        implied.push(Implied::UnknownPrices);
    }
    if !says("serve", "any_bearer") {
        config.serve.any_bearer = true;
        implied.push(Implied::AnyBearer);
    }
    if !says("engine", "on_auth_error") {
        config.engine.policy.on_auth_error = OnAuthError::Failover;
        implied.push(Implied::Failover);
    }
}

/// Finds whose a model is: as it says, else as the providers' tables say.
fn provider(
    reader: &mut Reader<'_>,
    (name, span): (&str, &Span),
    table: &Section<'_>,
    (providers, listed): (&Providers, &[Listed<'_>]),
) -> Option<String> {
    if table.get("provider").is_none() {
        let mut owners = listed.iter().filter(|(_, model, _)| *model == name);
        let first = owners.next().map(|(provider, ..)| *provider);
        if let (Some(first), Some((second, ..))) = (first, owners.next()) {
            let message = format!("{} is at {first} and at {second}.", quoted(name));
            let hint = format!("{first} is asked; say it with `provider`.");
            reader.warning(span, message, Some(hint));
        }
        return first.map(ToOwned::to_owned);
    }
    let (written, at) = table.text(reader, "provider")?;
    let of = reader.names.resolve(&LinkName::new(written, name)).provider;
    if !reader.names.has(&of) && !reader.faulty.contains(written) {
        let names = providers.keys().map(|name| name.0.as_str());
        let hint = nearest(written, names).map_or_else(
            || "Add it below providers.".to_owned(),
            |near| format!("Did you mean {near}?"),
        );
        let message = format!("there is no provider {}.", quoted(written));
        reader.error(&at, message, Some(hint));
        // What else names it has been answered by this.
        reader.faulty.insert(written.to_owned());
    }
    Some(written.to_owned())
}

/// Makes the link of a model that may bear its provider's name already.
fn joined(provider: &str, name: &str) -> LinkName {
    let bare = name
        .strip_prefix(provider)
        .and_then(|rest| rest.strip_prefix('/'));
    LinkName::new(provider, bare.unwrap_or(name))
}

/// Returns the models of the providers' tables with their provider, in the order of the file.
fn listed<'v>(root: &Section<'v>) -> Vec<Listed<'v>> {
    let mut listed = Vec::new();
    for (provider, _, table) in in_order(root.inner("providers").as_ref()) {
        for (model, span, _) in in_order(table.inner("models").as_ref()) {
            if !looks_like_key(model) {
                listed.push((provider, model, span));
            }
        }
    }
    listed
}

fn in_order<'v>(table: Option<&Section<'v>>) -> Vec<(&'v str, Span, Section<'v>)> {
    let mut inners: Vec<_> = table.into_iter().flat_map(Section::inners).collect();
    inners.sort_by_key(|(_, span, _)| span.start);
    inners
}
