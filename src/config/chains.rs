//! Chains in their two spellings: `[chains.NAME] links` and `fallback_to`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ServedModel,
    reader::{Reader, Section, Span, looks_like_key, quoted},
    recipe::Model,
};
use crate::{
    domain::LinkName,
    engine::{
        chain::Chain,
        routing::{ROUTINGS, Routing},
    },
};

/// One chain as the file says it, with the places of its links.
pub(super) struct Found {
    /// What it is called.
    pub(super) name: String,
    /// Its links, in order.
    pub(super) links: Vec<LinkName>,
    /// How they are put in order.
    pub(super) routing: Routing,
    /// Where each link stands.
    pub(super) spans: Vec<Span>,
}

/// The chains of a file.
pub(super) struct Chains {
    /// Every chain, by its name.
    pub(super) found: Vec<Found>,
    /// Models that have a chain of their own, in the order of the file.
    pub(super) served: Vec<ServedModel>,
}

/// Returns every chain of the file; `recipe` are its models, if it is in that shape.
pub(super) fn chains(reader: &mut Reader<'_>, root: &Section<'_>, recipe: &[Model]) -> Chains {
    let mut found = listed(reader, root);
    let next = next(reader, root);
    refuse_circles(reader, &next);
    let linked = linked(&next, recipe);
    let has_default = found.iter().any(|chain| chain.name == "default");
    let heads = linked.len();
    for (place, mut chain) in linked.into_iter().enumerate() {
        if place == 0 && !has_default {
            if let (2.., Some(span), true) = (heads, chain.spans.first(), recipe.is_empty()) {
                let message = format!(
                    "several chains begin with fallback_to; the one of {} is the default.",
                    chain.name
                );
                let hint = "Say it with [chains.default] links = [...].".to_owned();
                reader.warning(span, message, Some(hint));
            }
            "default".clone_into(&mut chain.name);
        }
        // A list of the same name says it anew.
        if found.iter().all(|other| other.name != chain.name) {
            found.push(chain);
        }
    }
    let served = served(&next, recipe);
    Chains { found, served }
}

fn listed(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let Some(all) = root.open_any(reader, "chains") else {
        return found;
    };
    for (name, span, value) in all.entries() {
        if looks_like_key(name) {
            let message = format!("{} cannot be the name of a chain.", quoted(name));
            reader.error(&span, message, None);
            continue;
        }
        let Some(table) = Section::of(reader, &format!("chains.{name}"), value) else {
            continue;
        };
        table.refuse_unknown(reader, &["links", "routing"]);
        let routing = routing(reader, &table);
        if table.get("links").is_none() {
            let message = format!("[chains.{name}] has no links.");
            let hint = "Add links = [\"provider/model\", \"provider/model\"].".to_owned();
            reader.error(&span, message, Some(hint));
            continue;
        }
        let Some(written) = table.texts(reader, "links") else {
            continue;
        };
        if written.is_empty() {
            let message = format!("[chains.{name}] has no links.");
            reader.error(&span, message, Some("Give it at least one.".to_owned()));
            continue;
        }
        let (mut links, mut spans): (Vec<LinkName>, Vec<Span>) = (Vec::new(), Vec::new());
        for (text, span) in written {
            let Some(link) = link(reader, text, &span) else {
                continue;
            };
            if links.contains(&link) {
                let message = format!("[chains.{name}] asks {link} twice.");
                reader.error(&span, message, Some("Remove one of the two.".to_owned()));
                continue;
            }
            links.push(link);
            spans.push(span);
        }
        found.push(Found {
            name: name.to_owned(),
            links,
            routing,
            spans,
        });
    }
    found
}

fn routing(reader: &mut Reader<'_>, table: &Section<'_>) -> Routing {
    let words: Vec<(&str, Routing)> = ROUTINGS.map(|one| (one.word(), one)).to_vec();
    table.word(reader, "routing", &words).unwrap_or_default()
}

/// What a model says of who takes over.
struct Next {
    /// The model as it is written.
    name: String,
    /// Who takes over.
    to: LinkName,
    /// Where that stands.
    span: Span,
}

/// Returns what every model says of who takes over.
fn next(reader: &mut Reader<'_>, root: &Section<'_>) -> BTreeMap<LinkName, Next> {
    let mut next = BTreeMap::new();
    let models = root.inner("models");
    for (name, _, table) in models.iter().flat_map(Section::inners) {
        let target = table.get("fallback_to");
        let (Some(from), Some(target)) = (reader.link(name), target) else {
            continue;
        };
        if looks_like_key(name) {
            continue;
        }
        let Some(text) = target.get_ref().as_str() else {
            let message = "`fallback_to` must be one model, as \"provider/name\".";
            reader.error(&target.span(), message, None);
            continue;
        };
        if let Some(to) = link(reader, text, &target.span()) {
            let said = Next {
                name: name.to_owned(),
                to,
                span: target.span(),
            };
            next.insert(from, said);
        }
    }
    next
}

fn follow(head: &LinkName, next: &BTreeMap<LinkName, Next>) -> Option<Vec<LinkName>> {
    let targets = next
        .iter()
        .map(|(from, said)| (from.clone(), said.to.clone()));
    Chain::follow(head, &targets.collect()).ok()
}

/// Follows `fallback_to` from every model that none falls back to, in the order of the file.
fn linked(next: &BTreeMap<LinkName, Next>, recipe: &[Model]) -> Vec<Found> {
    let targets: BTreeSet<&LinkName> = next.values().map(|said| &said.to).collect();
    let alone = recipe
        .iter()
        .filter(|model| !next.contains_key(&model.link))
        .map(|model| (&model.link, &model.span));
    let heads: BTreeMap<&LinkName, &Span> = next
        .iter()
        .map(|(from, said)| (from, &said.span))
        .chain(alone)
        .filter(|(from, _)| !targets.contains(from))
        .collect();
    let mut found: Vec<Found> = heads
        .into_iter()
        .filter_map(|(head, own)| {
            let links = follow(head, next)?;
            // A link stands where its predecessor names it; the head at its own fallback_to.
            let others = links.iter().filter_map(|link| next.get(link));
            let others = others.map(|said| said.span.clone());
            let spans = [own.clone()].into_iter().chain(others).collect();
            Some(Found {
                name: head.to_string(),
                links,
                routing: Routing::default(),
                spans,
            })
        })
        .collect();
    // The first becomes the default chain, so one in which somebody takes over goes before.
    found.sort_by_key(|chain| {
        let start = chain.spans.first().map_or(0, |span| span.start);
        (chain.links.len() == 1, start)
    });
    found
}

/// Returns the models that have a chain of their own: the recipe's in their order, then others.
fn served(next: &BTreeMap<LinkName, Next>, recipe: &[Model]) -> Vec<ServedModel> {
    let mut others: Vec<(&LinkName, &Next)> = next
        .iter()
        .filter(|(link, _)| recipe.iter().all(|model| model.link != **link))
        .collect();
    others.sort_by_key(|(_, said)| said.span.start);
    let others = others.into_iter().map(|(link, said)| (&said.name, link));
    let served = recipe.iter().map(|model| (&model.name, &model.link));
    let served = served.chain(others).filter_map(|(name, link)| {
        Some(ServedModel {
            name: name.clone(),
            link: link.clone(),
            links: follow(link, next)?,
        })
    });
    served.collect()
}

/// Notes every circle once, at its first line.
fn refuse_circles(reader: &mut Reader<'_>, next: &BTreeMap<LinkName, Next>) {
    let mut told: BTreeSet<&LinkName> = BTreeSet::new();
    for from in next.keys() {
        let mut circle = vec![from];
        let mut at = from;
        let after = |link: &LinkName| next.get(link).map(|said| &said.to);
        while let Some(to) = after(at).filter(|to| !circle.contains(to)) {
            circle.push(to);
            at = to;
        }
        if after(at) != Some(from) || circle.iter().any(|link| told.contains(link)) {
            continue;
        }
        told.extend(circle.iter().copied());
        let first = circle
            .iter()
            .filter_map(|link| next.get(*link))
            .map(|said| &said.span)
            .min_by_key(|span| span.start);
        if let Some(span) = first {
            let path: Vec<String> = circle
                .iter()
                .chain([&from])
                .map(ToString::to_string)
                .collect();
            let message = format!("fallback_to leads in a circle: {}.", path.join(", then "));
            reader.error(span, message, Some("Remove one of these lines.".to_owned()));
        }
    }
}

/// Takes a text for a link; notes if it is none.
pub(super) fn link(reader: &mut Reader<'_>, text: &str, span: &Span) -> Option<LinkName> {
    if let (Some(link), false) = (reader.link(text), looks_like_key(text)) {
        return Some(link);
    }
    let message = format!("{} is no model.", quoted(text));
    let hint = "Write provider/model, for example openai/gpt-4o-mini.".to_owned();
    reader.error(span, message, Some(hint));
    None
}
