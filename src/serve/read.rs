//! The body of a request, read in its dialect.

use std::time::Duration;

use hyper::http::request::Parts;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use super::{
    arrive::{Arrived, Arriving, NotRead, Room},
    dialect::{Dialect, PathWords, Refusal, RefusalKind, Request},
};
use crate::{desk::serving::LARGE, engine::routing::Routing};

/// The longest name of a model; Bedrock's have some 200 characters.
const NAME_CHARS: usize = 256;
/// So many models a request may name; nobody waits for more to fail.
const NAMES: usize = 100;

/// Reads the body of a request in its dialect; with it comes its room, to be kept until it is over.
pub(super) async fn read(
    head: &Parts,
    (body, room): (Arriving, &Room),
    dialect: &'static dyn Dialect,
    words: &PathWords,
) -> Result<(Request, OwnedSemaphorePermit), Refusal> {
    let Arrived { bytes, room } = body.read(room).await.map_err(not_read)?;
    let headers: Vec<(&'static str, String)> = dialect
        .headers()
        .iter()
        .filter_map(|name| {
            // Several lines of one name are one list.
            let lines = head.headers.get_all(*name).into_iter();
            let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
            (!lines.is_empty()).then(|| (*name, lines.join(", ")))
        })
        .collect();
    if bytes.len() < LARGE {
        return Ok((understood(dialect, &bytes, &headers, words)?, room));
    }
    // Other connections of this thread go on meanwhile.
    let words = words.clone();
    let reading = spawn_blocking(move || understood(dialect, &bytes, &headers, &words));
    let request = reading.await.map_err(|_| {
        let message = "deskhand could not read the request. Its log says why.";
        Refusal::new(RefusalKind::Internal, message)
    })?;
    Ok((request?, room))
}

fn understood(
    dialect: &'static dyn Dialect,
    bytes: &[u8],
    headers: &[(&'static str, String)],
    words: &PathWords,
) -> Result<Request, Refusal> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        let message = "The request is not UTF-8.";
        return Err(Refusal::new(RefusalKind::BadInput, message));
    };
    dialect.request(text, headers, words)
}

fn not_read(why: NotRead) -> Refusal {
    match why {
        NotRead::TooLarge => {
            let message = "The request is larger than 32 MiB, or has more than 600,000 values beside its texts.";
            Refusal::new(RefusalKind::TooLarge, message)
        }
        NotRead::BrokeOff => {
            let message = "The request broke off before its end.";
            Refusal::new(RefusalKind::BadInput, message)
        }
        NotRead::TooSlow => {
            let message = "The body of the request came too slowly: it has 60 seconds in all, and \
                           after the first 10 it has to bring a kilobyte a second.";
            Refusal {
                status: 408,
                ..Refusal::new(RefusalKind::BadInput, message)
            }
        }
        NotRead::NoRoom => busy("Too many bytes of other requests are kept already; ask again."),
    }
}

/// Makes the refusal of one who finds no room now.
pub(super) fn busy(message: &str) -> Refusal {
    Refusal {
        retry_after: Some(Duration::from_secs(1)),
        ..Refusal::new(RefusalKind::Overloaded, message)
    }
}

/// Refuses names that no model has: they would stand in headers, receipts and a terminal.
pub(super) fn check_names<'n>(
    names: impl Iterator<Item = (String, &'n str)>,
) -> Result<(), Refusal> {
    for (place, (member, name)) in names.enumerate() {
        let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
        if name.chars().count() > NAME_CHARS || !name.chars().all(is_plain) {
            return Err(unknown_model(
                "There is no model of that name: it is longer than 256 characters, or has some that \
                 no name has.",
                &member,
            ));
        }
        if place >= NAMES {
            let message = "The request names more than 100 models.";
            return Err(Refusal::wrong(&member, message));
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

/// Makes the refusal of a name that means nothing, by the member that holds it.
pub(super) fn unknown_model(why: &str, member: &str) -> Refusal {
    Refusal {
        code: Some("model_not_found".to_owned()),
        param: Some(member.to_owned()),
        ..Refusal::new(RefusalKind::UnknownModel, why)
    }
}
