//! `deskhand models`: what can be asked, and what a million tokens cost there.

use serde_json::{Value, json};

use super::{
    Call,
    stop::{Exit, Stop},
};
use crate::{
    desk::{Settings, clock::SystemClock, face::KeyCard},
    domain::{Clock as _, LinkName, Timestamp},
    engine::price::{Basis, Price},
};

/// Prints every model known for every provider.
pub(super) async fn run(call: &Call) -> Result<Exit, Stop> {
    let found = call.at_desk(async |desk| Ok((desk.keys().await?, desk.settings())));
    let (cards, settings) = found.await?;
    let now = SystemClock::start().now();
    for card in &cards {
        for model in &card.models {
            let link = LinkName::new(&card.provider.0, model);
            print(call, card, &link, &settings, now);
        }
    }
    Ok(Exit::OK)
}

fn print(call: &Call, card: &KeyCard, link: &LinkName, settings: &Settings, now: Timestamp) {
    // A stand-in only bounds what an unknown price may be; it is no price of this model.
    let price = settings
        .price(link, now)
        .filter(|price| price.basis == Basis::Own);
    let is_default = card.default_model.as_ref() == Some(&link.model.0);
    if call.out.is_json() {
        call.out.json(&to_json(link, is_default, price.as_ref()));
        return;
    }
    let mark = if is_default { " (default)" } else { "" };
    let price = price.map_or_else(
        || "no price known".to_owned(),
        |price| {
            format!(
                "in {} out {} a million tokens",
                price.row.base.input.for_people(),
                price.row.base.output.for_people()
            )
        },
    );
    call.out.line(&format!("{link}{mark}  {price}"));
}

fn to_json(link: &LinkName, is_default: bool, price: Option<&Price>) -> Value {
    json!({
        "provider": link.provider,
        "model": link.model,
        "default": is_default,
        "price_in_usd_per_million": price.map(|price| price.row.base.input.to_string()),
        "price_out_usd_per_million": price.map(|price| price.row.base.output.to_string()),
        "price_because": price.is_none().then_some("no price is known for this model"),
    })
}
