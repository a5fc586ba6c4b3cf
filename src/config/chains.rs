//! Chains in their two spellings: `[chains.NAME] links` and `fallback_to`.

use std::collections::{BTreeMap, BTreeSet};

use super::reader::{Reader, Section, Span, looks_like_key, quoted};
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

/// Returns every chain of the file.
pub(super) fn chains(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<Found> {
    let mut found = listed(reader, root);
    let linked = linked(reader, root);
    let has_default = found.iter().any(|chain| chain.name == "default");
    let heads = linked.len();
    for (place, mut chain) in linked.into_iter().enumerate() {
        if place == 0 && !has_default {
            if let (2.., Some(span)) = (heads, chain.spans.first()) {
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
    found
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

/// Follows `fallback_to` from every model that none falls back to, in the order of the file.
fn linked(reader: &mut Reader<'_>, root: &Section<'_>) -> Vec<Found> {
    let mut next: BTreeMap<LinkName, LinkName> = BTreeMap::new();
    let mut places: BTreeMap<LinkName, Span> = BTreeMap::new();
    let models = root
        .get("models")
        .and_then(|value| value.get_ref().as_table());
    for (name, value) in models.into_iter().flat_map(|table| table.iter()) {
        let target = value
            .get_ref()
            .as_table()
            .and_then(|table| table.get("fallback_to"));
        let (Some(from), Some(target)) = (reader.link(name.get_ref()), target) else {
            continue;
        };
        if looks_like_key(name.get_ref()) {
            continue;
        }
        let Some(text) = target.get_ref().as_str() else {
            let message = "`fallback_to` must be one model, as \"provider/name\".";
            reader.error(&target.span(), message, None);
            continue;
        };
        if let Some(to) = link(reader, text, &target.span()) {
            places.insert(from.clone(), target.span());
            next.insert(from, to);
        }
    }
    refuse_circles(reader, &next, &places);
    let targets: BTreeSet<&LinkName> = next.values().collect();
    let mut found: Vec<Found> = next
        .keys()
        .filter(|from| !targets.contains(from))
        .filter_map(|head| {
            let links = Chain::follow(head, &next).ok()?;
            // A link stands where its predecessor names it; the head at its own fallback_to.
            let own = links.first().and_then(|first| places.get(first)).cloned();
            let others = links.iter().filter_map(|link| places.get(link)).cloned();
            let spans = own.into_iter().chain(others).collect();
            let name = head.to_string();
            Some(Found {
                name,
                links,
                routing: Routing::default(),
                spans,
            })
        })
        .collect();
    found.sort_by_key(|chain| chain.spans.first().map_or(0, |span| span.start));
    found
}

/// Notes every circle once, at its first line.
fn refuse_circles(
    reader: &mut Reader<'_>,
    next: &BTreeMap<LinkName, LinkName>,
    places: &BTreeMap<LinkName, Span>,
) {
    let mut told: BTreeSet<&LinkName> = BTreeSet::new();
    for from in next.keys() {
        let mut circle = vec![from];
        let mut at = from;
        while let Some(to) = next.get(at).filter(|to| !circle.contains(to)) {
            circle.push(to);
            at = to;
        }
        if next.get(at) != Some(from) || circle.iter().any(|link| told.contains(link)) {
            continue;
        }
        told.extend(circle.iter().copied());
        let first = circle
            .iter()
            .filter_map(|link| places.get(*link))
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

fn link(reader: &mut Reader<'_>, text: &str, span: &Span) -> Option<LinkName> {
    if let (Some(link), false) = (reader.link(text), looks_like_key(text)) {
        return Some(link);
    }
    let message = format!("{} is no model.", quoted(text));
    let hint = "Write provider/model, for example openai/gpt-4o-mini.".to_owned();
    reader.error(span, message, Some(hint));
    None
}
