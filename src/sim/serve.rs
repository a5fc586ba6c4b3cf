//! Serves connections: takes a request, finds its fault, and plays it on the socket.

use std::{io, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time,
};

use super::{
    Family, Fault, Served, answers, control,
    http::{Line, Request},
    state::State,
    wire::{self, Asked, End},
};

/// Nobody waits longer for a hanging provider; the connection is closed then.
const HANG: Duration = Duration::from_mins(10);
/// So long it waits when a connection cannot be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// An answer that stops at the output limit has so many words.
const TRUNCATED_WORDS: usize = 24;

/// Takes connections until it is told to stop.
pub(super) async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept() => {
                match taken {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&state)));
                    }
                    // Too many files are open, say: trying on at once would only spin.
                    Err(_) => time::sleep(ACCEPT_PAUSE).await,
                }
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let mut line = Line::new(stream);
    while let Ok(Some(request)) = line.request().await {
        if !matches!(
            serve(&mut line, &request, &state).await,
            Ok(After::NextRequest)
        ) {
            return;
        }
    }
}

/// What becomes of the connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    NextRequest,
    Closed,
}

async fn serve(line: &mut Line, request: &Request, state: &State) -> io::Result<After> {
    if request.method == "HEAD" {
        // A connection made ahead: nobody is asked for anything.
        let head = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
        line.stream.write_all(head).await?;
        return Ok(After::NextRequest);
    }
    let path = request.path.trim_start_matches('/');
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if first == "control" {
        let (status, body) = control::answer(state, request, rest);
        return json(line, status, &[], &body).await;
    }
    let Some(family) = Family::named(first) else {
        let body = serde_json::json!({"error": format!("nobody is at /{first}")});
        return json(line, 404, &[], &body).await;
    };
    if request.method == "GET" {
        return list_models(line, request, state, family).await;
    }
    if !family.takes(rest) {
        let said = format!("{} takes no {} at /{rest}", family.word(), request.method);
        return json(line, 404, &[], &serde_json::json!({"error": said})).await;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&request.body) else {
        let asked = Asked::read(family, rest, &Value::Null, state.next_no());
        return refuse(line, state, family, &asked, Fault::BadRequest).await;
    };
    let asked = Asked::read(family, rest, &body, state.next_no());
    let fault = if has_wrong_key(request) {
        Some(Fault::WrongKey)
    } else {
        let by_header = request
            .header("x-sim-fault")
            .and_then(|name| name.parse().ok());
        by_header
            .or_else(|| Fault::in_model(&asked.model))
            .or_else(|| state.next_fault(family))
    };
    match fault {
        Some(fault) if wire::error(family, &asked, fault).is_some() => {
            refuse(line, state, family, &asked, fault).await
        }
        Some(Fault::BadGateway) => bad_gateway(line, state, family, &asked).await,
        Some(Fault::Hang) => hang(line, state, family, &asked).await,
        Some(_) | None => speak(line, state, family, &asked, fault).await,
    }
}

/// Any key is good but one that says itself that it is wrong or a fake.
fn has_wrong_key(request: &Request) -> bool {
    ["x-api-key", "authorization", "x-goog-api-key"]
        .into_iter()
        .filter_map(|name| request.header(name))
        .any(|key| key.contains("wrong") || key.contains("sk-fake"))
}

async fn json(
    line: &mut Line,
    status: u16,
    headers: &[(String, String)],
    body: &Value,
) -> io::Result<After> {
    let mut all = vec![("content-type".to_owned(), "application/json".to_owned())];
    all.extend_from_slice(headers);
    line.answer(status, &all, body.to_string().as_bytes())
        .await?;
    Ok(After::NextRequest)
}

async fn list_models(
    line: &mut Line,
    request: &Request,
    state: &State,
    family: Family,
) -> io::Result<After> {
    if has_wrong_key(request) {
        let asked = Asked::read(family, "", &Value::Null, state.next_no());
        if let Some(error) = wire::error(family, &asked, Fault::WrongKey) {
            return json(line, error.status, &error.headers, &error.body).await;
        }
    }
    json(line, 200, &[], &family.model_list()).await
}

/// A record of a request, to be filled in.
fn record(family: Family, asked: &Asked, fault: Option<Fault>) -> Served {
    Served {
        no: asked.no,
        family,
        model: asked.model.clone(),
        streamed: asked.is_streamed,
        fault: fault.map(Fault::name),
        status: 0,
        tokens_in: 0,
        tokens_out: 0,
        tokens_cached: 0,
        bytes_sent: 0,
        client_closed: false,
    }
}

async fn refuse(
    line: &mut Line,
    state: &State,
    family: Family,
    asked: &Asked,
    fault: Fault,
) -> io::Result<After> {
    let Some(error) = wire::error(family, asked, fault) else {
        return Ok(After::Closed);
    };
    state.note(Served {
        status: error.status,
        ..record(family, asked, Some(fault))
    });
    json(line, error.status, &error.headers, &error.body).await
}

async fn bad_gateway(
    line: &mut Line,
    state: &State,
    family: Family,
    asked: &Asked,
) -> io::Result<After> {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad \
                Gateway</h1></body></html>";
    state.note(Served {
        status: 502,
        ..record(family, asked, Some(Fault::BadGateway))
    });
    let html = [("content-type".to_owned(), "text/html".to_owned())];
    line.answer(502, &html, page.as_bytes()).await?;
    Ok(After::NextRequest)
}

async fn hang(line: &mut Line, state: &State, family: Family, asked: &Asked) -> io::Result<After> {
    let left = line.wait_for_leaving(HANG).await;
    let mut served = record(family, asked, Some(Fault::Hang));
    served.client_closed = left;
    state.note(served);
    Ok(After::Closed)
}

/// Writes an answer, whole or in pieces, as far as the fault lets it.
async fn speak(
    line: &mut Line,
    state: &State,
    family: Family,
    asked: &Asked,
    fault: Option<Fault>,
) -> io::Result<After> {
    let answer = match fault {
        Some(Fault::Empty) => String::new(),
        Some(Fault::Refusal) if family != Family::OpenAi => String::new(),
        Some(Fault::Refusal) => "I can't help with that.".to_owned(),
        Some(_) | None => answers::answer(&asked.prompt),
    };
    let mut pieces: Vec<&str> = answer.split_inclusive(' ').collect();
    let end = match fault {
        Some(Fault::Truncated) => {
            pieces.truncate(TRUNCATED_WORDS);
            End::AtLimit
        }
        Some(Fault::Refusal) => End::Refused,
        Some(_) | None => End::Done,
    };
    if let Some(Fault::Slow(millis)) = fault {
        time::sleep(Duration::from_millis(millis.into())).await;
    }
    let mut served = record(family, asked, fault);
    served.status = 200;
    served.tokens_in = asked.tokens_in();
    let sent_before = line.sent;
    let played = if asked.is_streamed {
        stream(
            line,
            state,
            Play {
                family,
                asked,
                pieces: &pieces,
                end,
                fault,
            },
            &mut served,
        )
        .await
    } else {
        in_one_piece(
            line,
            Play {
                family,
                asked,
                pieces: &pieces,
                end,
                fault,
            },
            &mut served,
        )
        .await
    };
    served.bytes_sent = line.sent - sent_before;
    served.client_closed = served.client_closed || played.is_err();
    state.note(served);
    played
}

/// What is to be written.
struct Play<'a> {
    family: Family,
    asked: &'a Asked,
    pieces: &'a [&'a str],
    end: End,
    fault: Option<Fault>,
}

async fn stream(
    line: &mut Line,
    state: &State,
    play: Play<'_>,
    served: &mut Served,
) -> io::Result<After> {
    let frames = wire::frames(play.family, play.asked, play.pieces, play.end);
    let mut headers = wire::headers(play.family, play.asked.no);
    let kind = if play.asked.is_sse {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.push(("content-type".to_owned(), kind.to_owned()));
    line.begin(&headers).await?;
    for frame in &frames.before {
        line.piece(frame.as_bytes()).await?;
    }
    let breaks_after = play.fault.and_then(Fault::breaks_after);
    let mut written = 0;
    for (at, (frame, word)) in frames.pieces.iter().zip(play.pieces).enumerate() {
        if breaks_after == Some(at) {
            break;
        }
        if let Some(pause) = state.pause() {
            time::sleep(pause).await;
        }
        line.piece(frame.as_bytes()).await?;
        written += word.len();
        served.tokens_out = wire::tokens(written);
    }
    if breaks_after.is_some() {
        return break_off(line, &play, served).await;
    }
    for frame in &frames.after {
        line.piece(frame.as_bytes()).await?;
    }
    line.end().await?;
    Ok(After::NextRequest)
}

/// Breaks off in mid-answer, as the fault says.
async fn break_off(line: &mut Line, play: &Play<'_>, served: &mut Served) -> io::Result<After> {
    match play.fault {
        Some(Fault::Stall(_)) => served.client_closed = line.wait_for_leaving(HANG).await,
        Some(Fault::Reset(_)) => line.stream.set_zero_linger()?,
        Some(Fault::ErrorEvent(words)) => {
            let pieces = usize::try_from(words)
                .unwrap_or(usize::MAX)
                .min(play.pieces.len());
            let event = wire::error_event(play.family, play.asked, pieces);
            line.piece(event.as_bytes()).await?;
            line.end().await?;
        }
        Some(Fault::Malformed(_)) => {
            line.piece(b"event: broken\ndata: {\"type\": \"half\n\n")
                .await?;
            line.end().await?;
        }
        // Cut: the connection closes without the protocol's end.
        Some(_) | None => {}
    }
    Ok(After::Closed)
}

async fn in_one_piece(line: &mut Line, play: Play<'_>, served: &mut Served) -> io::Result<After> {
    let text = play.pieces.concat();
    let body = wire::whole(play.family, play.asked, &text, play.end).to_string();
    served.tokens_out = wire::tokens(text.len());
    let mut headers = wire::headers(play.family, play.asked.no);
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    let half = body.floor_char_boundary(body.len() / 2);
    let first_half = body.get(..half).unwrap_or_default();
    // What a stream says in its middle, one body says at once: nothing stands before it.
    let whole = match play.fault {
        Some(Fault::ErrorEvent(_)) => {
            served.tokens_out = 0;
            let overloaded = wire::error(play.family, play.asked, Fault::Overloaded);
            overloaded.map_or_else(String::new, |error| error.body.to_string())
        }
        Some(Fault::Malformed(_)) => first_half.to_owned(),
        Some(Fault::Stall(_) | Fault::Cut(_) | Fault::Reset(_)) => {
            line.begin(&headers).await?;
            line.piece(first_half.as_bytes()).await?;
            return break_off(line, &play, served).await;
        }
        Some(_) | None => body,
    };
    line.answer(200, &headers, whole.as_bytes()).await?;
    Ok(After::NextRequest)
}
