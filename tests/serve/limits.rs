//! Callers who mean no good, or are slow, or leave: each is bounded, told and counted.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::{
    bench::{Bench, LIMIT, Serve, until},
    http::{Line, Request},
    words::{Form, Words},
};
use deskhand::sim::{Family, Fault};

fn figures(serve: &Serve) -> String {
    serve.ask(Request::get("/metrics")).text()
}

fn says(serve: &Serve, line: &str) -> bool {
    figures(serve).lines().any(|known| known == line)
}

#[test]
fn a_refusal_before_the_body_is_heard_by_who_sends_the_whole_body_first() {
    let bench = Bench::new();
    let serve = bench.serve();
    let large = || vec![b' '; 8 << 20];
    let chat = || Request::post_bytes("/v1/chat/completions", large());
    for (status, request) in [
        (401, chat()),
        (401, chat().bearing("dh-wrong")),
        (
            403,
            chat().bearing(&serve.token).with("host", "evil.example"),
        ),
        (
            404,
            Request::post_bytes("/nothing", large()).bearing(&serve.token),
        ),
        (
            405,
            Request::post_bytes("/v1/models", large()).bearing(&serve.token),
        ),
        (
            413,
            Request::post_bytes("/v1/messages", vec![b' '; 40 << 20]).bearing(&serve.token),
        ),
    ] {
        for _ in 0..3 {
            let mut line = Line::open(serve.at).expect("a connection");
            line.ask(serve.at, &request).expect("all of it is taken");
            let answer = line.answer().expect("an answer, and no reset");
            assert_eq!(answer.status, status, "{}", answer.text());
            assert!(answer.is_whole, "{status}");
            line.ended().expect("it is closed, and not reset");
        }
    }
}

#[test]
fn a_body_that_trickles_takes_no_place_from_others() {
    let bench = Bench::new();
    let serve = bench.serve();
    let mut slow = Vec::new();
    for path in ["/v1/chat/completions", "/v1/messages/count_tokens"] {
        for _ in 0..20 {
            let mut line = Line::open(serve.at).expect("a connection");
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {}\r\n\
                 content-length: 33554432\r\n\r\n{{",
                serve.token
            );
            line.write(head.as_bytes()).expect("a part");
            slow.push(line);
        }
    }
    let answer = serve.ask(Words::Chat.ask("auto", "hello", Form::Whole));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(
        says(&serve, "deskhand_requests_in_flight 0"),
        "{}",
        figures(&serve)
    );
}

#[test]
fn who_leaves_before_the_answer_is_counted_and_told_of() {
    let bench = Bench::new();
    let serve = bench.serve();
    bench.fails(Family::OpenAi, Fault::Hang);
    let line = serve.send(Words::Chat.ask("chat/small", "hello", Form::Whole));
    until(|| says(&serve, "deskhand_requests_in_flight 1"));

    drop(line);

    until(|| says(&serve, r#"deskhand_runs_total{ending="cancelled"} 1"#));
    assert!(
        says(
            &serve,
            r#"deskhand_http_requests_total{dialect="openai",status="499"} 1"#
        ),
        "{}",
        figures(&serve)
    );
    until(|| {
        serve
            .said()
            .contains("A client left before its answer was whole.")
    });
}

#[test]
fn a_token_is_not_named_like_a_person() {
    let bench = Bench::new();
    let letter = bench.home.path("letter.eml");
    std::fs::write(
        &letter,
        "From: ada@example.com\r\nTo: help@example.com\r\nSubject: Parcel\r\n\
         Message-ID: <1@example.com>\r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n\r\nWhere is it?\r\n",
    )
    .expect("a letter");
    let letter = letter.display().to_string();
    assert_eq!(bench.cli(&["import", &letter]).code, 0);
    assert_eq!(bench.cli(&["set", "1", "assignee=Noor"]).code, 0);
    for name in ["anybody", "Anybody", "maya", "MAYA", "agent", "noor"] {
        let made = bench.cli(&["serve", "token", "new", "--name", name]);
        assert_eq!(made.code, 1, "{name}: {}", made.stdout);
        assert!(made.stderr.contains("name of a person"), "{}", made.stderr);
    }
    assert_eq!(
        bench
            .cli(&["serve", "token", "new", "--name", "maya-cron"])
            .code,
        0
    );
}

#[test]
fn a_new_token_counts_within_a_second_while_others_guess() {
    let bench = Bench::new();
    let serve = bench.serve();
    let guess = || serve_status(&serve, "dh-guess");
    assert_eq!(guess(), 401);
    let token = bench.token("cron");
    assert_eq!(guess(), 401);
    let made = Instant::now();
    while serve_status(&serve, &token) != 200 {
        assert_eq!(guess(), 401);
        assert!(made.elapsed() < Duration::from_secs(1), "it does not count");
    }
}

fn serve_status(serve: &Serve, token: &str) -> u16 {
    super::http::ask(serve.at, &Request::get("/v1/models").bearing(token)).status
}

/// Heads, and the status they get; none where the connection just ends.
fn heads() -> Vec<(&'static str, String, Option<u16>)> {
    let own = "host: localhost\r\n";
    vec![
        ("GET /v1/models HTTP/1.1", format!("{own}{own}"), Some(400)),
        (
            "GET /v1/models HTTP/1.1",
            format!("{own}host: evil.example\r\n"),
            Some(400),
        ),
        ("GET /v1/models HTTP/1.1", String::new(), Some(403)),
        (
            "GET http://evil.example/v1/models HTTP/1.1",
            own.to_owned(),
            Some(400),
        ),
        (
            "GET http://evil.example/v1/models HTTP/1.1",
            "host: evil.example\r\n".to_owned(),
            Some(403),
        ),
        (
            "GET http://localhost/v1/models HTTP/1.1",
            own.to_owned(),
            Some(200),
        ),
        (
            "CONNECT localhost:443 HTTP/1.1",
            "host: localhost:443\r\n".to_owned(),
            Some(404),
        ),
        (
            "GET /v1/models HTTP/1.1",
            format!("{own}origin: http://\u{e9}\r\n"),
            Some(403),
        ),
        (
            "POST /v1/messages HTTP/1.1",
            format!("{own}content-length: 3\r\ncontent-length: 4\r\n"),
            Some(400),
        ),
        (
            "POST /v1/messages HTTP/1.1",
            format!("{own}transfer-encoding: chunked, gzip\r\n"),
            Some(400),
        ),
        (
            "POST /v1/messages HTTP/1.0",
            format!("{own}transfer-encoding: chunked\r\n"),
            Some(400),
        ),
        (
            "GET /v1/models HTTP/1.1",
            format!("{own} folded: x\r\n"),
            Some(400),
        ),
        // HTTP/2 without asking.
        ("PRI * HTTP/2.0", "\r\nSM\r\n".to_owned(), None),
    ]
}

#[test]
fn heads_that_could_be_read_in_two_ways_are_refused() {
    let bench = Bench::new();
    let serve = bench.serve();
    let token = &serve.token;
    for (first, headers, status) in heads() {
        let mut line = Line::open(serve.at).expect("a connection");
        let bearer = status.map_or(String::new(), |_| format!("x-api-key: {token}\r\n"));
        let head = format!("{first}\r\n{headers}{bearer}\r\n");
        line.write(head.as_bytes()).expect("it is sent");
        let answered = line.head().ok().map(|answer| answer.status);
        assert_eq!(answered, status, "{first} {headers}");
    }
    assert!(bench.sim.served().is_empty());
    assert_eq!(serve_status(&serve, token), 200, "it serves on");
}

#[test]
#[ignore = "waits for twelve seconds"]
fn a_connection_may_be_silent_between_two_requests() {
    let bench = Bench::new();
    let serve = bench.serve();
    let request = Request::get("/v1/models").bearing(&serve.token);
    let mut line = Line::open(serve.at).expect("a connection");
    for _ in 0..2 {
        line.ask(serve.at, &request).expect("it is open");
        assert_eq!(line.answer().expect("an answer").status, 200);
        thread::sleep(Duration::from_secs(12));
    }
}

#[test]
#[ignore = "waits for thirty seconds"]
fn who_takes_nothing_of_his_answers_is_left() {
    let bench = Bench::new();
    let serve = bench.serve();
    let began = Instant::now();
    let mut deaf = Line::open(serve.at).expect("a connection");
    let request = Request::get("/v1/models").bearing(&serve.token);
    // Asked again and again, and never read, until nothing more is taken.
    while deaf.ask(serve.at, &request).is_ok() {
        assert!(began.elapsed() < LIMIT * 3, "it is never full");
    }
    let has_told = || serve.said().contains("took nothing of its answer");
    until(has_told);
    assert_eq!(serve_status(&serve, &serve.token), 200);
}
