//! `deskhand models`: what can be asked, and what a million tokens cost there.

use serde_json::{Value, json};

use super::{
    Call,
    stop::{Exit, Stop},
};
use crate::desk::models::ModelCard;

/// Prints every model known for every provider.
pub(super) async fn run(call: &Call) -> Result<Exit, Stop> {
    let found = call.at_desk(async |desk| Ok(desk.models().await?));
    for card in found.await? {
        if call.out.is_json() {
            call.out.json(&to_json(&card));
        } else {
            call.out.line(&words(&card));
        }
    }
    Ok(Exit::OK)
}

fn words(card: &ModelCard) -> String {
    let price = card.price.as_ref().map_or_else(
        || "no price known".to_owned(),
        |price| {
            format!(
                "in {} out {} a million tokens",
                price.row.base.input.for_people(),
                price.row.base.output.for_people()
            )
        },
    );
    let window = card.size.window.map(|window| format!("window {window}"));
    let retired = card.retired.map(|retired| {
        let next = retired
            .successor
            .map_or_else(String::new, |next| format!(", then {next}"));
        format!("switched off {}{next}", retired.on)
    });
    let marks = [(card.is_default, " (default)"), (card.in_use, " (in use)")];
    let marks: Vec<&str> = marks
        .into_iter()
        .filter_map(|(is_so, mark)| is_so.then_some(mark))
        .collect();
    let aliases = (!card.aliases.is_empty()).then(|| format!("also {}", card.aliases.join(", ")));
    let more = [Some(price), window, aliases, retired];
    let more: Vec<String> = more.into_iter().flatten().collect();
    format!("{}{}  {}", card.link, marks.concat(), more.join("; "))
}

fn to_json(card: &ModelCard) -> Value {
    let row = card.price.as_ref().map(|price| &price.row);
    let tiers = row.map(|row| {
        let tiers = row.tiers.iter().map(|tier| {
            json!({
                "above_tokens": tier.above,
                "price_in_usd_per_million": tier.rates.input.to_string(),
                "price_out_usd_per_million": tier.rates.output.to_string(),
            })
        });
        tiers.collect::<Vec<Value>>()
    });
    json!({
        "provider": card.link.provider,
        "model": card.link.model,
        "aliases": card.aliases,
        "default": card.is_default,
        "in_use": card.in_use,
        "price_in_usd_per_million": row.map(|row| row.base.input.to_string()),
        "price_out_usd_per_million": row.map(|row| row.base.output.to_string()),
        "price_cached_usd_per_million": row.and_then(|row| row.base.cache_read).map(|usd| usd.to_string()),
        "price_tiers": tiers,
        "price_since": row.and_then(|row| row.since).map(|day| day.to_string()),
        "price_until": row.and_then(|row| row.until).map(|day| day.to_string()),
        "price_seen": row.and_then(|row| row.seen).map(|day| day.to_string()),
        "price_source": row.map(|row| &row.source),
        "price_because": row.is_none().then_some("no price is known for this model"),
        "context_tokens": card.size.window,
        "max_output_tokens": card.size.output_limit,
        "retired_on": card.retired.map(|retired| retired.on.to_string()),
        "successor": card.retired.and_then(|retired| retired.successor),
    })
}
