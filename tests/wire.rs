//! Every recorded and documented answer of the corpus, read by its codec: whole, and byte by byte.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may panic"
)]

#[path = "common/recorded.rs"]
mod recorded;

use std::collections::BTreeMap;

use deskhand::{
    domain::{Fault, FaultClass, ProviderKind, Usage},
    engine::answer::CallPiece,
    llm::{
        self,
        ear::Ear,
        heard::Heard,
        wire::{Delta, Finish, Headers, Stop},
    },
};
use serde_json::Value;

/// What an answer came to.
#[derive(Debug, PartialEq)]
struct Read {
    text: String,
    calls: Vec<CallPiece>,
    model: Option<String>,
    end: Result<Finish, Fault>,
    usage: Usage,
}

struct Fixture {
    id: String,
    kind: ProviderKind,
    expect: Value,
    status: u16,
    headers: Headers,
    body: Vec<u8>,
    is_stream: bool,
}

fn fixtures() -> Vec<Fixture> {
    let rows = recorded::rows().into_iter().map(|row| {
        let headers = row.response["headers"].as_object().cloned();
        Fixture {
            id: row.id,
            kind: row.kind,
            expect: row.listed["expect"].clone(),
            status: u16::try_from(row.response["status"].as_u64().unwrap()).unwrap(),
            headers: headers
                .unwrap_or_default()
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap().to_owned()))
                .collect(),
            body: row.body,
            is_stream: row.is_stream,
        }
    });
    rows.collect()
}

fn read(fixture: &Fixture, piece: usize) -> Read {
    let wire = llm::wire(fixture.kind);
    if fixture.status != 200 {
        let fault = wire.fault(fixture.status, &fixture.headers, &fixture.body);
        return Read {
            text: String::new(),
            calls: Vec::new(),
            model: None,
            end: Err(fault),
            usage: Usage::default(),
        };
    }
    let mut ear = Ear::new(wire, fixture.is_stream);
    for bytes in fixture.body.chunks(piece) {
        ear.push(bytes);
    }
    ear.finish();
    let (mut text, mut calls, mut model) = (String::new(), Vec::new(), None);
    loop {
        match ear.heard().expect("an end") {
            Heard::Delta(Delta::Text(piece)) => text.push_str(&piece),
            Heard::Delta(Delta::Model(name)) => model = Some(name),
            Heard::Delta(Delta::Call(piece)) => calls.push(piece),
            Heard::Delta(
                Delta::Thinking
                | Delta::Alive
                | Delta::Request(_)
                | Delta::Stopping
                | Delta::InOnePiece
                | Delta::Other
                | Delta::Verbatim(_),
            ) => {}
            Heard::Ended(finish) => {
                assert!(ear.heard().is_none(), "{}: more after the end", fixture.id);
                let usage = finish.usage.clone();
                return Read {
                    text,
                    calls,
                    model,
                    end: Ok(*finish),
                    usage,
                };
            }
            Heard::Failed(fault, usage) => {
                assert!(ear.heard().is_none(), "{}: more after the end", fixture.id);
                return Read {
                    text,
                    calls,
                    model,
                    end: Err(*fault),
                    usage: *usage,
                };
            }
            Heard::Opened(_) => panic!("{}: opened twice", fixture.id),
        }
    }
}

/// The class of the manifest that ours stands for.
fn class_of(read: &Read) -> &'static str {
    match &read.end {
        Ok(finish) if finish.stop == Stop::Limit => "ok_truncated",
        Ok(_) => "ok",
        Err(fault) => match fault.class {
            FaultClass::RateLimited
            | FaultClass::OutOfCredit
            | FaultClass::Overloaded
            | FaultClass::ServerError
            | FaultClass::Unreachable
            | FaultClass::TimedOut
            | FaultClass::ModelGone
            | FaultClass::Empty
            | FaultClass::Cut
            | FaultClass::KeyRefused => "fallback",
            FaultClass::TooLong => "fallback_bigger_context",
            FaultClass::BadInput => "no_fallback",
            FaultClass::Refused => "refuse",
            FaultClass::Truncated | FaultClass::Cancelled | FaultClass::OverCap => "not ours",
        },
    }
}

/// Returns the tokens of shortening the conversation on the way: billed, and in no sum of the answer,
/// which is all that the manifest states.
fn compacted(body: &[u8], name: &str) -> u64 {
    let body = String::from_utf8_lossy(body);
    let events = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let passes = std::iter::once(&*body).chain(events).filter_map(|text| {
        let value: Value = serde_json::from_str(text).ok()?;
        value["usage"]["iterations"].as_array().cloned()
    });
    let last = passes.fold(Vec::new(), |_, newer| newer);
    let of_it = last.iter().filter(|pass| pass["type"] == "compaction");
    of_it.filter_map(|pass| pass[name].as_u64()).sum()
}

/// What in a reading is not as expected.
fn wrongs(fixture: &Fixture, read: &Read) -> Vec<String> {
    let expect = &fixture.expect;
    let mut wrongs = Vec::new();
    let mut differ = |what: &str, got: String, wanted: String| {
        if got != wanted {
            wrongs.push(format!(
                "{} {what}: {got:.90} instead of {wanted:.90}",
                fixture.id
            ));
        }
    };
    let text = expect["text"].as_str().unwrap_or_default();
    if expect["text_uncertain"] != true {
        differ("text", format!("{:?}", read.text), format!("{text:?}"));
    }
    // An answer of nothing but the work of the provider's own tools is whole to the manifest; to
    // us it is empty: there is neither a text nor a call in it.
    let class = if expect["class"] == "ok" && text.is_empty() && read.calls.is_empty() {
        differ(
            "empty",
            format!("{:?}", read.end.as_ref().map_err(|f| f.class).err()),
            "Some(Empty)".into(),
        );
        "fallback"
    } else {
        expect["class"].as_str().unwrap()
    };
    let either = expect["either"].as_array().cloned().unwrap_or_default();
    let got = class_of(read);
    if !either.iter().any(|class| class == got) {
        differ("class", got.to_owned(), class.to_owned());
    }
    if fixture.status != 200 {
        return wrongs;
    }
    let served = expect["server_fallback"]["to"]["model"].as_str();
    differ(
        "model",
        format!("{:?}", read.model.as_deref()),
        format!("{:?}", served.or(expect["model"].as_str())),
    );
    let usage = &read.usage;
    let written = usage
        .tokens_cache_write
        .map(|n| n + usage.tokens_cache_write_long.unwrap_or(0));
    for (name, got) in [
        ("input_tokens", usage.tokens_in),
        ("output_tokens", usage.tokens_out),
        ("cache_read", usage.tokens_cached),
        ("cache_write", written),
        ("thoughts_tokens", usage.tokens_thinking),
    ] {
        if let Some(stated) = expect[name].as_u64() {
            let wanted = Some(stated + compacted(&fixture.body, name));
            differ(name, format!("{got:?}"), format!("{wanted:?}"));
        }
    }
    if let (Ok(finish), Some(stop)) = (&read.end, expect["stop"].as_str()) {
        let said = finish.said.clone().unwrap_or_default();
        let reason = expect["incomplete_details"]["reason"].as_str();
        differ("stop", said, reason.unwrap_or(stop).to_owned());
    }
    wrongs
}

#[test]
fn every_recorded_answer_reads_as_expected() {
    let mut wrong = Vec::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();

    for fixture in fixtures() {
        *counts.entry(fixture.kind.word()).or_default() += 1;
        wrong.extend(wrongs(&fixture, &read(&fixture, usize::MAX)));
    }

    println!("{counts:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_recorded_answer_reads_alike_in_pieces() {
    for fixture in fixtures() {
        let whole = read(&fixture, usize::MAX);
        for piece in [1, 7, 4_096] {
            assert_eq!(
                read(&fixture, piece),
                whole,
                "{} in pieces of {piece}",
                fixture.id
            );
        }
    }
}

/// Cut short anywhere before its last event, no answer passes for a whole one.
#[test]
fn no_recorded_answer_passes_for_whole_when_cut() {
    for mut fixture in fixtures().into_iter().filter(|fixture| fixture.is_stream) {
        if read(&fixture, usize::MAX).end.is_err() {
            continue;
        }
        let body = String::from_utf8_lossy(&fixture.body).into_owned();
        let last = match fixture.kind {
            ProviderKind::Anthropic => body.find("\"message_stop\"").unwrap(),
            ProviderKind::OpenAi => body.rfind("[DONE]").unwrap(),
            ProviderKind::OpenAiCompatible => body
                .rfind("\"finish_reason\":\"")
                .or_else(|| body.rfind("\"finish_reason\": \""))
                .unwrap(),
            ProviderKind::OpenAiResponses => body
                .find("\"type\":\"response.completed\"")
                .or_else(|| body.find("\"type\":\"response.incomplete\""))
                .unwrap(),
            ProviderKind::Gemini => body.find("\"finishReason\"").unwrap(),
        };
        for at in [last / 3, last / 2, last - 1] {
            fixture.body = body.as_bytes()[..at].to_vec();
            let end = read(&fixture, usize::MAX).end;
            let class = end.expect_err(&fixture.id).class;
            assert_eq!(class, FaultClass::Cut, "{} cut at {at}", fixture.id);
        }
    }
}

/// Refusals that the corpus does not hold; sources stand beside the codecs' rows.
#[test]
fn refusals_of_many_shapes_are_judged() {
    use FaultClass as C;
    use ProviderKind as K;
    let overflow = r#"{"error":{"code":500,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#;
    let inner = r#"{"error":{"message":"{\"error\":{\"code\":503,\"message\":\"overloaded\",\"status\":\"UNAVAILABLE\"}}","code":503}}"#;
    let moderated =
        r#"{"error":{"code":403,"message":"flagged","metadata":{"reasons":["violence"]}}}"#;
    for (kind, status, body, class) in [
        (
            K::OpenAiCompatible,
            400,
            r#"{"code":"x","error":"Incorrect API key provided: ab***"}"#,
            C::KeyRefused,
        ),
        (
            K::OpenAiCompatible,
            401,
            r#"{"detail":"Unauthorized"}"#,
            C::KeyRefused,
        ),
        (
            K::OpenAiCompatible,
            401,
            r#"{"error":"unauthorized"}"#,
            C::KeyRefused,
        ),
        (K::OpenAiCompatible, 500, overflow, C::TooLong),
        (K::OpenAiCompatible, 403, moderated, C::Refused),
        (K::OpenAiCompatible, 403, "<html>no</html>", C::ModelGone),
        (
            K::OpenAiCompatible,
            404,
            r#"{"error":{"message":"model 'x' not found"}}"#,
            C::ModelGone,
        ),
        (
            K::OpenAi,
            429,
            r#"{"error":{"code":"rate_limit_exceeded","message":"Request too large for x"}}"#,
            C::TooLong,
        ),
        (
            K::OpenAi,
            400,
            r#"{"error":{"code":"content_filter","message":"filtered"}}"#,
            C::Refused,
        ),
        (K::Anthropic, 413, "<html>too large</html>", C::TooLong),
        (
            K::Anthropic,
            400,
            "<html>bad gateway page</html>",
            C::ServerError,
        ),
        (K::Gemini, 503, inner, C::Overloaded),
        // Claude on Vertex AI: refusals before the model are Google's own.
        (
            K::Anthropic,
            429,
            r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota"}}]"#,
            C::RateLimited,
        ),
        (
            K::Anthropic,
            401,
            r#"[{"error":{"code":401,"status":"UNAUTHENTICATED","message":"expired"}}]"#,
            C::KeyRefused,
        ),
        (
            K::Anthropic,
            400,
            r#"{"error":{"code":400,"status":"FAILED_PRECONDITION","message":"organisation"}}"#,
            C::ModelGone,
        ),
        (
            K::OpenAiCompatible,
            402,
            r#"{"error":{"message":"Insufficient Balance","code":"invalid_request_error"}}"#,
            C::OutOfCredit,
        ),
        (
            K::OpenAiCompatible,
            400,
            r#"{"error":{"message":"no call","code":"tool_use_failed"}}"#,
            C::ServerError,
        ),
        (
            K::OpenAiCompatible,
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
            C::Overloaded,
        ),
        (
            K::OpenAi,
            401,
            r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key"}}"#,
            C::KeyRefused,
        ),
        (
            K::OpenAi,
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"no such deployment"}}"#,
            C::ModelGone,
        ),
        (
            K::Gemini,
            401,
            r#"[{"error":{"code":401,"status":"UNAUTHENTICATED","message":"no"}}]"#,
            C::KeyRefused,
        ),
    ] {
        let fault = llm::wire(kind).fault(status, &Headers::new(), body.as_bytes());
        assert_eq!(fault.class, class, "{kind:?} {status} {body}");
    }
    let mut ear = Ear::new(llm::wire(K::OpenAiCompatible), true);
    ear.push(overflow.as_bytes());
    ear.finish();
    assert!(matches!(ear.heard(), Some(Heard::Failed(fault, _)) if fault.class == C::TooLong));
}

#[test]
fn a_refused_parameter_is_named_and_left_out_afterwards() {
    use deskhand::{
        domain::ModelName,
        engine::ask::Ask,
        llm::wire::{Endpoint, Quirks},
    };
    let body = r#"{"error":{"message":"Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens'.","code":"unsupported_parameter","param":"max_completion_tokens"}}"#;
    let wire = llm::wire(ProviderKind::OpenAi);

    let refused = wire
        .fault(400, &Headers::new(), body.as_bytes())
        .parameter
        .unwrap();
    let mut to = Endpoint {
        kind: ProviderKind::OpenAi,
        base_url: "https://a.example".to_owned(),
        key: None,
        model: ModelName("m".to_owned()),
        stream: true,
        manner: deskhand::domain::Manner::default(),
        renew: None,
        quirks: Quirks::default(),
        allow_plain_http: false,
    };
    to.quirks.without = vec![refused, "stream_options".to_owned()];
    let ask = Ask {
        system: String::new(),
        turns: Vec::new(),
        output_limit: 7,
        ..Ask::default()
    };
    let spelled: Value = serde_json::from_slice(&wire.call(&ask, &to).body).unwrap();

    assert_eq!(spelled["max_tokens"], 7);
    assert!(spelled["max_completion_tokens"].is_null() && spelled["stream_options"].is_null());
    let needed = wire.fault(
        400,
        &Headers::new(),
        br#"{"error":{"message":"max_tokens: Field required"}}"#,
    );
    assert_eq!(needed.parameter, None);
}
