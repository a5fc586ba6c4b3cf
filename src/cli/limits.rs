//! `deskhand limits`: the rate limits of links, as configured and as last seen.

use serde_json::{Value, json};

use super::{
    Call,
    ai_args::LimitsArgs,
    stop::{Exit, Stop},
    words,
};
use crate::{config::Limits, desk::limits::LimitCard};

/// Lists them.
pub(super) async fn run(call: &Call, args: &LimitsArgs) -> Result<Exit, Stop> {
    let of = args.provider.as_deref();
    let cards = call
        .at_desk(async |desk| Ok(desk.limits(of).await?))
        .await?;
    if cards.is_empty() && !call.out.is_json() {
        call.out
            .line("No model is in use. `deskhand keys set anthropic` connects a provider.");
    }
    for card in &cards {
        call.out.answer(|| to_json(card), || in_words(card));
    }
    Ok(Exit::OK)
}

fn to_json(card: &LimitCard) -> Value {
    json!({
        "provider": card.link.provider,
        "model": card.link.model,
        "called": card.called,
        "requests_per_minute": card.configured.requests_per_minute,
        "tokens_per_minute": card.configured.tokens_per_minute,
        "configured_because": card.configured.is_unknown().then_some("the config says nothing"),
        "rate_left": card.seen.map(|(left, at)| json!({
            "requests": left.requests,
            "requests_limit": left.requests_limit,
            "tokens": left.tokens,
            "tokens_limit": left.tokens_limit,
            "seen": at,
        })),
        "rate_left_because": card.seen.is_none().then_some("the provider did not say"),
    })
}

fn in_words(card: &LimitCard) -> String {
    let called = card
        .called
        .as_ref()
        .filter(|name| **name != card.link.model.0)
        .map(|name| format!(" ({name})"))
        .unwrap_or_default();
    let seen = card.seen.map_or_else(
        || "unknown".to_owned(),
        |(left, at)| format!("{} left, seen {}", left.words(), words::day(at)),
    );
    format!(
        "{}{called}\n    configured  {}\n    last seen   {seen}",
        card.link,
        configured(&card.configured)
    )
}

fn configured(limits: &Limits) -> String {
    let part = |limit: Option<u64>, what: &str| limit.map(|limit| format!("{limit} {what}"));
    let parts = [
        part(limits.requests_per_minute, "requests a minute"),
        part(limits.tokens_per_minute, "tokens a minute"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "unknown".to_owned()
    } else {
        parts.join(", ")
    }
}
