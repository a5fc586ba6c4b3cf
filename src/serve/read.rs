//! The body of a request, read in its dialect.

use http_body_util::{BodyExt as _, Limited};
use hyper::{body::Incoming, http::request::Parts};

use super::{
    dialect::{Dialect, PathWords, Refusal, RefusalKind, Request},
    server::{BODY_LIMIT, BODY_TIME},
};
use crate::engine::routing::Routing;

/// The longest name of a model; Bedrock's have some 200 characters.
const NAME_CHARS: usize = 256;
/// So many models a request may name; nobody waits for more to fail.
const NAMES: usize = 100;

/// Reads the body of a request in its dialect.
pub(super) async fn read(
    head: &Parts,
    body: Incoming,
    dialect: &'static dyn Dialect,
    words: &PathWords,
) -> Result<Request, Refusal> {
    let reading = Limited::new(body, BODY_LIMIT).collect();
    let read = tokio::time::timeout(BODY_TIME, reading).await;
    let bytes = match read {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            let message = "The request is larger than 32 MiB.";
            return Err(Refusal::new(RefusalKind::TooLarge, message));
        }
        Ok(Err(_)) => {
            let message = "The request broke off before its end.";
            return Err(Refusal::new(RefusalKind::BadInput, message));
        }
        Err(_) => {
            let message = "The body of the request did not come within 60 seconds.";
            return Err(Refusal {
                status: 408,
                ..Refusal::new(RefusalKind::BadInput, message)
            });
        }
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let message = "The request is not UTF-8.";
        return Err(Refusal::new(RefusalKind::BadInput, message));
    };
    let headers: Vec<(&'static str, String)> = dialect
        .headers()
        .iter()
        .filter_map(|name| {
            let value = head.headers.get(*name)?.to_str().ok()?;
            Some((*name, value.to_owned()))
        })
        .collect();
    dialect.request(text, &headers, words)
}

/// Refuses names that no model has: they would stand in headers, receipts and a terminal.
pub(super) fn check_names<'n>(names: impl Iterator<Item = &'n str>) -> Result<(), Refusal> {
    for (place, name) in names.enumerate() {
        let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
        if name.chars().count() > NAME_CHARS || !name.chars().all(is_plain) {
            return Err(unknown_model(
                "There is no model of that name: it is longer than 256 characters, or has some that \
                 no name has.",
            ));
        }
        if place >= NAMES {
            let message = "The request names more than 100 models.";
            return Err(Refusal::wrong("provider.fallback", message));
        }
    }
    Ok(())
}

pub(super) fn routing_named(word: &str) -> Result<Routing, Refusal> {
    match word {
        "speed" => Ok(Routing::Latency),
        "quality" => Ok(Routing::Priority),
        word => Routing::named(word).ok_or_else(|| {
            let message = format!(
                "`{}` is no routing: priority, cost, latency or balanced.",
                word.chars().take(40).collect::<String>()
            );
            Refusal::wrong("provider.routing", message)
        }),
    }
}

pub(super) fn unknown_model(why: &str) -> Refusal {
    Refusal {
        code: Some("model_not_found".to_owned()),
        param: Some("model".to_owned()),
        ..Refusal::new(RefusalKind::UnknownModel, why)
    }
}
