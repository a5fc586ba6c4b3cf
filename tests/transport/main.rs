//! One attempt over real sockets: its clocks, its ends, what is closed and what is never shown.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::too_many_lines,
    reason = "a test may panic, and its server is a task of its own"
)]

mod server;
mod warm;

use std::time::Duration;

use deskhand::{
    domain::{Billed, Fault, FaultClass, ModelName, ProviderKind, fault::ClockName},
    engine::ask::{Ask, Role, Turn},
    llm::{
        Conversation, Transport,
        heard::{Heard, Limits},
        wire::{Delta, Endpoint, Finish, Quirks},
    },
};
use tokio::{
    net::TcpListener,
    time::{Instant, timeout},
};

use self::server::{Act, HEAD, chunk, good_answer, good_end, said, server, with_length};

const KEY: &str = "sk-secret-0123456789abcdef";
const PATIENCE: Duration = Duration::from_secs(5);

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        kind: ProviderKind::OpenAi,
        base_url: url.to_owned(),
        key: Some(KEY.into()),
        model: ModelName("m-1".to_owned()),
        stream: true,
        manner: deskhand::domain::Manner::default(),
        renew: None,
        quirks: Quirks::default(),
        allow_plain_http: false,
    }
}

fn ask() -> Ask {
    let turn = Turn::says(Role::User, "Where is my parcel?".to_owned());
    Ask {
        system: "Be brief.".to_owned(),
        turns: vec![turn],
        output_limit: 64,
        ..Ask::default()
    }
}

fn limits() -> Limits {
    Limits {
        connect: Duration::from_millis(500),
        first_text: Some(Duration::from_millis(300)),
        gap: Duration::from_millis(150),
        pinged: Duration::from_millis(300),
        total: Duration::from_secs(2),
    }
}

/// Hears a call to its end.
async fn hear(mut talk: Conversation) -> (String, Result<Finish, Fault>) {
    let mut text = String::new();
    loop {
        match timeout(PATIENCE, talk.next()).await.unwrap() {
            Heard::Delta(Delta::Text(piece)) => text.push_str(&piece),
            Heard::Opened(_) | Heard::Delta(_) => {}
            Heard::Ended(finish) => return (text, Ok(*finish)),
            Heard::Failed(fault, _) => return (text, Err(*fault)),
        }
    }
}

/// Clocks that no test should see run out.
fn patient() -> Limits {
    Limits {
        connect: Duration::from_secs(5),
        first_text: Some(Duration::from_secs(5)),
        gap: Duration::from_secs(5),
        pinged: Duration::from_secs(10),
        total: Duration::from_secs(10),
    }
}

async fn against(script: Vec<Act>) -> (String, Result<Finish, Fault>) {
    within(patient(), script).await
}

async fn within(limits: Limits, script: Vec<Act>) -> (String, Result<Finish, Fault>) {
    let server = server(vec![script]).await;
    hear(Transport::new().speak(&endpoint(&server.url), &ask(), limits)).await
}

#[tokio::test]
async fn a_good_answer_is_heard_whole_and_its_connection_is_used_again() {
    let script = vec![
        Act::Read,
        Act::Send(good_answer()),
        Act::Read,
        Act::Drip(good_answer()),
    ];
    let server = server(vec![script]).await;
    let transport = Transport::new();
    let mut connects = Vec::new();

    for _ in 0..2 {
        let mut talk = transport.speak(&endpoint(&server.url), &ask(), limits());
        let Heard::Opened(opening) = talk.next().await else {
            panic!("not opened");
        };
        assert_eq!(opening.request.as_deref(), Some("req_7"));
        connects.push(opening.connect.is_some());
        let (text, end) = hear(talk).await;
        assert_eq!(text, "Hello.");
        let finish = end.unwrap();
        assert_eq!(
            (finish.usage.tokens_in, finish.usage.tokens_out),
            (Some(5), Some(2))
        );
        assert_eq!(finish.model.as_deref(), Some("m-1"));
    }

    assert_eq!(connects, [true, false]);
    let request = server.requests.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    assert!(request.contains(&format!("authorization: Bearer {KEY}\r\n")));
    for wanted in [
        "\"include_usage\":true",
        "\"store\":false",
        "\"max_completion_tokens\":64",
    ] {
        assert!(request.contains(wanted), "{wanted}");
    }
}

#[tokio::test]
async fn each_clock_ends_its_own_silence() {
    let role = chunk(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
    );
    let ping = chunk(": ping\n\n");
    let opened = format!("{HEAD}{role}{ping}");
    let pings: Vec<Act> = (0..40)
        .flat_map(|_| [Act::Send(ping.clone()), Act::Wait(20)])
        .collect();
    let thinks =
        chunk("data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\"}}]}\n\n");
    let hang = || vec![Act::Wait(3_000)];
    for (name, head, tail, clock, text) in [
        (
            "hang before the head",
            String::new(),
            hang(),
            ClockName::FirstText,
            "",
        ),
        (
            "head and role only",
            opened,
            hang(),
            ClockName::FirstText,
            "",
        ),
        (
            "pings only",
            HEAD.to_owned(),
            pings.clone(),
            ClockName::FirstText,
            "",
        ),
        (
            "a thought, then nothing",
            format!("{HEAD}{thinks}"),
            hang(),
            ClockName::Gap,
            "",
        ),
        (
            "stall",
            format!("{HEAD}{}", said("Hello")),
            hang(),
            ClockName::Gap,
            "Hello",
        ),
        (
            "stall with pings",
            format!("{HEAD}{}", said("Hello")),
            pings,
            ClockName::Gap,
            "Hello",
        ),
    ] {
        let script = [vec![Act::Read, Act::Send(head)], tail].concat();
        let began = Instant::now();

        let (heard, end) = within(limits(), script).await;

        let fault = end.unwrap_err();
        assert_eq!(fault.class, FaultClass::TimedOut, "{name}");
        assert_eq!(fault.clock, Some(clock), "{name}");
        assert_eq!(fault.billed, Billed::Maybe, "{name}");
        assert_eq!(heard, text, "{name}");
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{name}: {:?}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn the_last_link_waits_for_the_total_and_a_writer_outlives_it() {
    let mut patient = limits();
    patient.first_text = None;
    patient.total = Duration::from_millis(150);
    let slow: Vec<Act> = (0..8)
        .flat_map(|_| [Act::Send(said("x")), Act::Wait(30)])
        .collect();
    let slow = [
        vec![Act::Read, Act::Wait(110), Act::Send(HEAD.to_owned())],
        slow,
    ]
    .concat();
    let slow = [slow, vec![Act::Send(good_end())]].concat();
    let servers = server(vec![vec![Act::Read, Act::Wait(3_000)], slow]).await;
    let transport = Transport::new();

    let (_, hung) = hear(transport.speak(&endpoint(&servers.url), &ask(), patient)).await;
    let (text, wrote) = hear(transport.speak(&endpoint(&servers.url), &ask(), patient)).await;

    assert_eq!(hung.unwrap_err().clock, Some(ClockName::Total));
    assert_eq!(text, "xxxxxxxx");
    assert!(wrote.is_ok());
}

#[tokio::test]
async fn a_broken_answer_is_a_cut_and_a_broken_connection_is_not_reached() {
    let half = format!("{HEAD}{}", said("Hello"));
    for (name, script, class, text) in [
        (
            "closed in mid-answer",
            vec![Act::Read, Act::Send(half.clone())],
            FaultClass::Cut,
            "Hello",
        ),
        (
            "a clean end without the protocol's",
            vec![Act::Read, Act::Send(format!("{half}0\r\n\r\n"))],
            FaultClass::Cut,
            "Hello",
        ),
        (
            "reset in mid-answer",
            vec![Act::Read, Act::Send(half), Act::Wait(30), Act::Reset],
            FaultClass::Cut,
            "Hello",
        ),
        (
            "reset before the head",
            vec![Act::Read, Act::Reset],
            FaultClass::Unreachable,
            "",
        ),
        (
            "closed before the head",
            vec![Act::Read],
            FaultClass::Unreachable,
            "",
        ),
    ] {
        let (heard, end) = against(script).await;

        let fault = end.unwrap_err();
        assert_eq!(
            (fault.class, fault.billed),
            (class, Billed::Maybe),
            "{name}: {fault:?}"
        );
        assert_eq!(heard, text, "{name}");
    }
}

#[tokio::test]
async fn nothing_listening_is_unreachable_and_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);

    let (_, end) = hear(Transport::new().speak(&endpoint(&url), &ask(), limits())).await;

    let fault = end.unwrap_err();
    assert_eq!(
        (fault.class, fault.billed),
        (FaultClass::Unreachable, Billed::No)
    );
    assert!(fault.said.unwrap().contains("refused"));
}

#[tokio::test]
async fn a_stale_connection_is_replaced_once_and_counts_against_nobody() {
    let first = vec![Act::Read, Act::Send(good_answer()), Act::Read, Act::Reset];
    let second = vec![Act::Read, Act::Send(good_answer())];
    let server = server(vec![first, second]).await;
    let transport = Transport::new();

    for _ in 0..2 {
        let (text, end) = hear(transport.speak(&endpoint(&server.url), &ask(), limits())).await;
        assert_eq!((text.as_str(), end.is_ok()), ("Hello.", true));
    }

    assert_eq!(server.requests.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let moved = "location: http://127.0.0.1:9/x?key=abc\r\n";
    let answer = with_length("307 Temporary Redirect", moved, "");

    let (_, end) = against(vec![Act::Read, Act::Send(answer)]).await;

    let fault = end.unwrap_err();
    assert_eq!(
        (fault.class, fault.status),
        (FaultClass::BadInput, Some(307))
    );
    let words = fault.said.unwrap();
    assert!(
        words.contains("http://127.0.0.1:9/x;") && !words.contains("abc"),
        "{words}"
    );
}

#[tokio::test]
async fn dropping_a_call_closes_its_socket_at_once() {
    for head in [String::new(), format!("{HEAD}{}", said("Hello"))] {
        let script = vec![Act::Read, Act::Send(head.clone()), Act::Closed];
        let mut server = server(vec![script]).await;
        let mut talk = Transport::new().speak(&endpoint(&server.url), &ask(), limits());
        timeout(Duration::from_millis(50), talk.next()).await.ok();

        drop(talk);

        let took = timeout(PATIENCE, server.closed.recv())
            .await
            .unwrap()
            .unwrap();
        assert!(took < Duration::from_secs(2), "{took:?} {head}");
    }
}

#[tokio::test]
async fn one_json_body_answers_a_streamed_request() {
    let body = "{\"model\":\"m-1\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}]}";
    let answer = with_length("200 OK", "content-type: application/json\r\n", body);

    let (text, end) = against(vec![Act::Read, Act::Send(answer)]).await;

    assert_eq!((text.as_str(), end.is_ok()), ("Hello.", true));
}

#[tokio::test]
async fn a_giant_event_fails_cleanly() {
    let giant = chunk(&format!("data: {}", "x".repeat(1 << 20)));
    let script = vec![
        Act::Read,
        Act::Send(format!("{HEAD}{giant}")),
        Act::Wait(1_000),
    ];

    let (_, end) = against(script).await;

    let fault = end.unwrap_err();
    assert_eq!(fault.class, FaultClass::ServerError);
    assert_eq!(fault.status, Some(200));
}

#[tokio::test]
async fn a_refusal_is_judged_and_its_key_masked() {
    let body = format!(
        "{{\"error\":{{\"message\":\"Incorrect API key provided: {KEY}\",\"code\":\"invalid_api_key\"}}}}"
    );
    let answer = with_length("401 Unauthorized", "x-request-id: req_9\r\n", &body);
    let page = "<html><head><title>502 Bad Gateway</title></head></html>";
    let page = with_length("502 Bad Gateway", "content-type: text/html\r\n", page);
    let busy = with_length("429 Too Many Requests", "retry-after: 7\r\n", "{}");

    let (_, refused) = against(vec![Act::Read, Act::Send(answer)]).await;
    let (_, broken) = against(vec![Act::Read, Act::Send(page)]).await;
    let (_, limited) = against(vec![Act::Read, Act::Send(busy)]).await;

    let refused = refused.unwrap_err();
    assert_eq!(refused.class, FaultClass::KeyRefused);
    assert_eq!(refused.request.as_deref(), Some("req_9"));
    assert_eq!(
        refused.said.as_deref(),
        Some("Incorrect API key provided: ***")
    );
    let broken = broken.unwrap_err();
    assert_eq!(
        (broken.class, broken.billed),
        (FaultClass::ServerError, Billed::No)
    );
    let limited = limited.unwrap_err();
    assert_eq!(limited.class, FaultClass::RateLimited);
    assert_eq!(limited.wait, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn the_clear_is_spoken_to_this_machine_only() {
    for url in [
        "http://192.0.2.1:1",
        "http://127.0.0.1.example.invalid",
        "ftp://127.0.0.1",
        "nonsense",
    ] {
        let (_, end) = hear(Transport::new().speak(&endpoint(url), &ask(), limits())).await;

        let fault = end.unwrap_err();
        assert_eq!(
            (fault.class, fault.billed),
            (FaultClass::BadInput, Billed::No),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_key_is_checked_by_asking_for_the_models() {
    let list = with_length(
        "200 OK",
        "",
        "{\"data\":[{\"id\":\"m-1\"},{\"id\":\"m-2\"}]}",
    );
    let no = with_length("403 Forbidden", "", "{\"error\":{\"message\":\"no\"}}");
    let absent = with_length("404 Not Found", "", "no such path");
    let script = |answer: String| vec![Act::Read, Act::Send(answer)];
    let server = server(vec![script(list), script(no), script(absent)]).await;
    let mut to = endpoint(&server.url);

    let listed = Transport::new().check_key(&to).await.unwrap();
    let refused = Transport::new().check_key(&to).await.unwrap_err();
    to.kind = ProviderKind::OpenAiCompatible;
    let unknown = Transport::new().check_key(&to).await.unwrap();

    assert_eq!(
        (listed.models, listed.is_certain),
        (vec!["m-1".to_owned(), "m-2".to_owned()], true)
    );
    assert_eq!(refused.class, FaultClass::KeyRefused);
    assert!(!unknown.is_certain);
    assert!(server.requests.lock().unwrap()[0].starts_with("GET /v1/models HTTP/1.1\r\n"));
}

#[tokio::test]
async fn nothing_shows_a_key_or_a_customers_words_in_debug() {
    let server = server(vec![vec![Act::Read, Act::Reset]]).await;
    let to = endpoint(&server.url);
    let mut shown = Vec::new();

    for kind in deskhand::domain::link::PROVIDER_KINDS {
        let to = Endpoint { kind, ..to.clone() };
        let call = deskhand::llm::wire(kind).call(&ask(), &to);
        assert!(String::from_utf8_lossy(&call.body).contains("my parcel"));
        assert!(!call.url.contains(KEY));
        shown.push(format!("{call:?} {:?} {to:?} {:?}", call.headers, ask()));
    }
    let transport = Transport::new();
    let mut talk = transport.speak(&to, &ask(), limits());
    shown.push(format!("{transport:?} {talk:?} "));
    shown.push(format!("{:?}", talk.next().await));

    let shown = shown.join(" ");
    assert!(shown.contains("Unreachable"), "{shown}");
    for secret in [KEY, "sk-secret", "my parcel", "Be brief"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
