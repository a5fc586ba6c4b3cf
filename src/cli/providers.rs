//! `deskhand providers`: how links are, and what a person does about it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Call,
    ai_args::ProvidersCommand,
    draft::told_to_stop,
    json,
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{Desk, health::LinkHealth},
    domain::{FaultClass, KeyState, LinkName},
};

/// How long a link rests by hand when nothing is said.
const USUAL_REST: &str = "10m";
/// The longest rest by hand.
const LONGEST_REST: Duration = Duration::from_hours(24 * 30);

/// Lists, or changes one.
pub(super) async fn run(call: &Call, command: Option<ProvidersCommand>) -> Result<Exit, Stop> {
    match command {
        None => list(call).await,
        Some(ProvidersCommand::Rest { whom, time }) => rest(call, &whom, time.as_deref()).await,
        Some(ProvidersCommand::Wake { whom }) => wake(call, &whom).await,
        Some(ProvidersCommand::Probe { whom }) => probe(call, &whom).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let links = call
        .at_desk(async |desk| Ok(desk.link_healths().await?))
        .await?;
    if links.is_empty() && !call.out.is_json() {
        call.out
            .line("No provider is connected. `deskhand keys set anthropic` connects one.");
    }
    for link in &links {
        call.out.answer(|| to_json(link), || in_words(link));
    }
    Ok(Exit::OK)
}

async fn rest(call: &Call, whom: &str, time: Option<&str>) -> Result<Exit, Stop> {
    let text = time.unwrap_or(USUAL_REST);
    let time = duration(text).ok_or_else(|| {
        Stop::usage(format!("`{text}` is no time to rest.")).advising("Write 10m, 2h or 1d.")
    })?;
    let (whom, until) = call
        .at_desk(async |desk| {
            let whom = desk.whom(whom)?;
            let until = desk.rest_by_hand(&whom, time).await?;
            Ok((whom, until))
        })
        .await?;
    call.out.answer(
        || json!({ "whom": whom.to_string(), "rests_until": until }),
        || {
            format!(
                "{whom} rests until {}. `deskhand providers wake {whom}` ends that.",
                words::day(until)
            )
        },
    );
    Ok(Exit::OK)
}

async fn wake(call: &Call, whom: &str) -> Result<Exit, Stop> {
    let whom = call
        .at_desk(async |desk| {
            let whom = desk.whom(whom)?;
            desk.wake_by_hand(&whom).await?;
            Ok(whom)
        })
        .await?;
    call.out.answer(
        || json!({ "whom": whom.to_string(), "awake": true }),
        || format!("{whom} is asked again from now on."),
    );
    Ok(Exit::OK)
}

async fn probe(call: &Call, whom: &str) -> Result<Exit, Stop> {
    let receipt = call
        .at_desk(async |desk| {
            let link = link(desk, whom)?;
            let cancel = CancellationToken::new();
            let probing = desk.probe(&link, &cancel);
            tokio::pin!(probing);
            let probed = tokio::select! {
                probed = &mut probing => probed,
                () = told_to_stop() => {
                    cancel.cancel();
                    probing.await
                }
            };
            Ok(probed?)
        })
        .await?;
    call.out
        .answer(|| json::receipt(&receipt), || words::receipt(&receipt));
    Ok(Exit::after(receipt.ending))
}

/// Returns the link that is meant: a provider's default one where no model is named.
fn link(desk: &Desk, text: &str) -> Result<LinkName, Stop> {
    let whom = desk.whom(text)?;
    if let Some(link) = whom.link {
        return Ok(link);
    }
    let model = desk.settings().default_model(&whom.provider);
    let model = model.ok_or_else(|| {
        Stop::usage(format!("{} has no default model.", whom.provider))
            .advising("Name a link: provider/model.")
    })?;
    Ok(LinkName {
        provider: whom.provider,
        model,
    })
}

/// Reads `90s`, `10m`, `2h` or `1d`.
fn duration(text: &str) -> Option<Duration> {
    let (at, unit) = text.char_indices().next_back()?;
    let count: u64 = text.get(..at)?.parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let time = Duration::from_secs(count.checked_mul(seconds)?);
    (!time.is_zero() && time <= LONGEST_REST).then_some(time)
}

fn to_json(link: &LinkHealth) -> Value {
    let (state, until) = link.state();
    let by_class = |failures: &BTreeMap<FaultClass, u64>| -> Map<String, Value> {
        let failures = failures.iter();
        failures
            .map(|(class, count)| (class.word().to_owned(), (*count).into()))
            .collect()
    };
    let (failures, hour) = (by_class(&link.failures), by_class(&link.failures_hour));
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let text = link.first_text;
    json!({
        "provider": link.link.provider,
        "model": link.link.model,
        "place": link.place,
        "place_because": link.place.is_none().then_some("it is not in the default chain"),
        "state": state,
        "because": link.state_words(),
        "until": until,
        "key": json::key_state(link.card.as_ref().and_then(|card| card.state)),
        "key_since": link.card.as_ref().and_then(|card| card.since),
        "first_text_p50_ms": text.map(|text| millis(text.p50)),
        "first_text_p95_ms": text.map(|text| millis(text.p95)),
        "first_text_count": text.map_or(0, |text| text.count),
        "first_text_because": text.is_none().then_some("it gave no text in the last day"),
        "failures_24h": failures,
        "failures_1h": hour,
        "rate_left": link.left.map(|(left, at)| json!({
            "requests": left.requests,
            "requests_limit": left.requests_limit,
            "tokens": left.tokens,
            "tokens_limit": left.tokens_limit,
            "seen": at,
        })),
        "rate_left_because": link.left.is_none().then_some("the provider did not say"),
        "chains": link.chains,
        "estimate_at_most_usd": link.estimate.map(|usd| usd.to_string()),
        "price": link.price,
        "price_because": link.price.is_none().then_some("no price is known"),
    })
}

fn in_words(link: &LinkHealth) -> String {
    let until = link
        .state()
        .1
        .map_or_else(String::new, |until| format!(" until {}", words::day(until)));
    let place = link
        .place
        .map_or_else(|| "  ".to_owned(), |place| format!("{place} "));
    let mut text = format!(
        "{place}{:<40}  {}{until}",
        link.link.to_string(),
        link.state_words()
    );
    let key = link
        .card
        .as_ref()
        .map_or("unknown", |card| match card.state {
            Some(KeyState::Verified) => "good",
            Some(KeyState::Invalid) => "refused",
            Some(KeyState::NoCredit) => "no credit",
            None => "not tried yet",
        });
    words::push(&mut text, format_args!("\n    key {key}"));
    if let Some(first) = link.first_text {
        words::push(
            &mut text,
            format_args!(
                ", first text {} ms (p95 {} ms, of {})",
                first.p50.as_millis(),
                first.p95.as_millis(),
                first.count
            ),
        );
    }
    if let Some((left, _)) = link.left {
        words::push(&mut text, format_args!(", {} left", left.words()));
    }
    for (class, count) in &link.failures {
        words::push(&mut text, format_args!(", {} x {count}", class.words()));
    }
    if let Some(price) = &link.price {
        words::push(&mut text, format_args!("\n    {price}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_rest_has_a_unit_and_an_end() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "m", "0m", "10", "10y", "-1h", "999d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
