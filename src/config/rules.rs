//! `[[rules]]`: which chain a ticket is drafted with.

use super::{
    finding::nearest,
    reader::{Reader, Section, Span, quoted},
};
use crate::domain::Query;

/// One rule: tickets that a query means are drafted with a chain. The first that fits wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The query as written.
    pub when: String,
    /// The query.
    pub query: Query,
    /// The name of the chain.
    pub chain: String,
}

/// Every setting of a rule.
const RULE_KEYS: [&str; 2] = ["when", "chain"];

/// Returns the rules of the file, in order. `chains` are the names there are.
pub(super) fn rules(reader: &mut Reader<'_>, root: &Section<'_>, chains: &[&str]) -> Vec<Rule> {
    let Some(value) = root.get("rules") else {
        return Vec::new();
    };
    let Some(all) = value.get_ref().as_array() else {
        let message = "`rules` must be a list of tables, each written [[rules]].";
        reader.error(&value.span(), message, None);
        return Vec::new();
    };
    let mut rules = Vec::new();
    for (place, value) in all.iter().enumerate() {
        let name = format!("rules {}", place + 1);
        let Some(table) = Section::of(reader, &name, value) else {
            continue;
        };
        table.refuse_unknown(reader, &RULE_KEYS);
        let when = when(reader, &table, &value.span());
        let chain = chain(reader, &table, &value.span(), chains);
        if let (Some((when, query)), Some(chain)) = (when, chain) {
            rules.push(Rule { when, query, chain });
        }
    }
    rules
}

fn when(reader: &mut Reader<'_>, table: &Section<'_>, at: &Span) -> Option<(String, Query)> {
    let Some((text, span)) = table.text(reader, "when") else {
        if table.get("when").is_none() {
            let hint = "Add when = \"tag:vip\", in the words of the filter.".to_owned();
            reader.error(at, "this rule does not say when it fits.", Some(hint));
        }
        return None;
    };
    match Query::parse(text) {
        Ok(query) if query.terms.is_empty() => {
            let hint = "[chains.default] is for every ticket.".to_owned();
            reader.error(
                &span,
                "`when` is empty: the rule would fit always.",
                Some(hint),
            );
            None
        }
        Ok(query) => Some((text.to_owned(), query)),
        Err(error) => {
            let message = format!("{} is no query: {error}.", quoted(text));
            reader.error(&span, message, None);
            None
        }
    }
}

fn chain(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    at: &Span,
    chains: &[&str],
) -> Option<String> {
    let Some((name, span)) = table.text(reader, "chain") else {
        if table.get("chain").is_none() {
            let hint = "Add chain = \"strong\", a name of [chains.NAME].".to_owned();
            reader.error(at, "this rule names no chain.", Some(hint));
        }
        return None;
    };
    if chains.contains(&name) {
        return Some(name.to_owned());
    }
    let hint = nearest(name, chains.iter().copied()).map_or_else(
        || format!("Add [chains.{name}] with its links."),
        |near| format!("Did you mean {near}?"),
    );
    let message = format!("there is no chain {}.", quoted(name));
    reader.error(&span, message, Some(hint));
    None
}
