//! Streams: true statuses until something left, honest errors afterwards, and nobody left asking
//! for one who has gone.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    bench::{Bench, Config, Serve, until},
    http::{Answer, Line},
    words::{ALL, Form, Words},
};
use deskhand::sim::{Family, Fault};

/// Every provider, by its link and whose words it speaks.
const LINKS: [(&str, Family); 4] = [
    ("chat/small", Family::OpenAi),
    ("responses/newer", Family::OpenAiResponses),
    ("claude/big", Family::Anthropic),
    ("google/quick", Family::Gemini),
];

/// Reads a stream until it has said something.
fn begun(words: Words, line: &mut Line) -> Answer {
    let mut answer = line.head().expect("a head");
    assert_eq!(answer.status, 200);
    while words.text(&answer, Form::Streamed).is_empty() {
        let piece = line.piece().expect("a piece").expect("not its end");
        answer.body.extend(piece);
    }
    answer
}

fn asked(serve: &Serve, words: Words, model: &str) -> Line {
    serve.send(words.ask(model, "Where is my parcel?", Form::Streamed))
}

#[test]
fn a_failure_among_the_first_words_is_never_seen() {
    let bench = Bench::new();
    let serve = bench.serve();
    let whole = serve.ask(Words::Chat.ask("claude/big", "Where is my parcel?", Form::Whole));
    let whole = Words::Chat.text(&whole, Form::Whole);
    for words in ALL {
        for fault in [
            Fault::Cut(3),
            Fault::Reset(3),
            Fault::ErrorEvent(3),
            Fault::Malformed(3),
        ] {
            let place = format!("{words:?} {fault:?}");
            bench.cli(&["providers", "wake", "chat/small"]);
            bench.fails(Family::OpenAi, fault);
            let answer = serve.ask(words.ask("auto", "Where is my parcel?", Form::Streamed));
            assert_eq!(answer.status, 200, "{place}: {}", answer.text());
            assert_eq!(words.text(&answer, Form::Streamed), whole, "{place}");
            assert!(words.has_end(&answer) && answer.is_whole, "{place}");
            assert_eq!(words.fault(&answer), None, "{place}");
            let why = answer.header("x-deskhand-fallback").expect("why");
            assert!(why.starts_with("chat/small: "), "{place}: {why}");
        }
    }
}

#[test]
fn a_cut_is_never_passed_off_as_an_end() {
    let bench = Bench::with(&Config {
        clocks: "gap = \"1s\"",
        ..Config::default()
    });
    // The first words leave after 24 of them; the fault comes a while later.
    bench.sim.set_pace(Some(120));
    let serve = bench.serve();
    for (place, words) in ALL.into_iter().enumerate() {
        for (link, family) in LINKS {
            let faults = [
                Fault::Cut(36),
                Fault::ErrorEvent(36),
                Fault::Reset(36),
                Fault::Stall(36),
                Fault::Malformed(36),
            ];
            let fault = faults[(place + link.len()) % faults.len()];
            let at = format!("{words:?} {link} {fault:?}");
            bench.cli(&["providers", "wake", link]);
            bench.fails(family, fault);
            let answer = serve.ask(words.ask(link, "Where is my parcel?", Form::Streamed));
            assert_eq!(answer.status, 200, "{at}: {}", answer.text());
            let text = words.text(&answer, Form::Streamed);
            assert!(text.split(' ').count() >= 24, "{at}: {text}");
            assert!(!words.has_end(&answer), "{at}: {}", answer.text());
            let fault = words.fault(&answer);
            assert!(fault.is_some(), "{at}: {}", answer.text());
            let receipt = answer.header("x-deskhand-receipt").expect("a receipt");
            let receipt = bench.receipt(receipt);
            let kept = &receipt["attempts"][0]["shown_and_replaced"];
            assert!(kept.is_null(), "no word of an answer is kept: {receipt}");
            assert_eq!(receipt["ending"], "failed", "{at}: {receipt}");
        }
    }
}

#[test]
fn when_a_client_goes_its_call_ends_within_fifty_milliseconds() {
    let bench = Bench::with(&Config {
        clocks: "gap = \"20s\"\nfirst_text = \"20s\"",
        ..Config::default()
    });
    let serve = bench.serve();
    let gone = |calls: usize, line: Line| {
        drop(line);
        let left = Instant::now();
        let served = bench.served(calls);
        let took = left.elapsed();
        assert!(served[calls - 1].client_closed, "{:?}", served[calls - 1]);
        took
    };
    let (mut calls, mut times) = (0, Vec::new());
    for words in ALL {
        for (link, family) in LINKS {
            bench.fails(family, Fault::Stall(36));
            let mut line = asked(&serve, words, link);
            begun(words, &mut line);
            if calls % 2 == 1 {
                // It lies unread behind the request.
                line.write(b"\r\n").unwrap();
            }
            calls += 1;
            times.push(gone(calls, line));
        }
        // One who waits for the whole answer.
        for behind in ["", "\r\n", "GET /health HTTP/1.1\r\n"] {
            bench.fails(Family::OpenAi, Fault::Hang);
            let mut line = serve.send(words.ask("chat/small", "hello", Form::Whole));
            line.write(behind.as_bytes()).unwrap();
            until(|| in_flight(&serve) == 1);
            thread::sleep(Duration::from_millis(100));
            calls += 1;
            times.push(gone(calls, line));
        }
    }
    // The machine may be busy with something else for a moment; most of them tell.
    times.sort_unstable();
    let most = times[times.len() * 3 / 4];
    assert!(most <= Duration::from_millis(50), "{times:?}");
    assert!(
        times.iter().all(|took| *took < Duration::from_secs(1)),
        "{times:?}"
    );

    until(|| in_flight(&serve) == 0);
    assert_eq!(bench.verified(), calls as u64);
    let receipts = bench.cli(&["receipts", "--json", "--limit", "100"]).lines();
    assert!(
        receipts
            .iter()
            .all(|receipt| receipt["ending"] == "cancelled")
    );
    serve.stop();
    let spend = bench.spend();
    assert_eq!(spend["held_usd"], "0.000000000", "{spend}");
}

fn in_flight(serve: &Serve) -> u64 {
    let figures = serve.ask(super::http::Request::get("/metrics")).text();
    let line = figures
        .lines()
        .find_map(|line| line.strip_prefix("deskhand_requests_in_flight "));
    line.expect("a figure").parse().expect("a number")
}

#[test]
#[ignore = "waits for twenty seconds"]
fn a_model_that_thinks_for_long_keeps_its_line() {
    // Nobody takes over: each is the last of its chain.
    let bench = Bench::with(&Config {
        links: "\"claude/big\"",
        ..Config::default()
    });
    let serve = bench.serve();
    for (_, family) in LINKS {
        bench.fails(family, Fault::Slow(22_000));
    }
    thread::scope(|scope| {
        for (words, (link, _)) in ALL.into_iter().zip(LINKS) {
            let serve = &serve;
            scope.spawn(move || {
                let began = Instant::now();
                let mut line = asked(serve, words, link);
                let mut answer = line.head().expect("a head");
                let head_after = began.elapsed();
                assert_eq!(answer.status, 200, "{words:?}");
                let in_time = Duration::from_secs(9)..Duration::from_secs(12);
                assert!(in_time.contains(&head_after), "{words:?} {head_after:?}");
                assert!(answer.header("x-deskhand-receipt").is_some());
                // Comments follow, every ten seconds.
                let first = line.piece().expect("a piece").expect("a comment");
                answer.body.extend(&first);
                assert!(words.text(&answer, Form::Streamed).is_empty());
                let answer = line.rest(answer);
                assert!(words.has_end(&answer) && answer.is_whole, "{words:?}");
                assert_eq!(words.fault(&answer), None);
                assert!(!words.text(&answer, Form::Streamed).is_empty());
            });
        }
    });
}

#[test]
fn a_stop_lets_answers_under_way_come_to_their_end() {
    let bench = Bench::new();
    bench.sim.set_pace(Some(40));
    let mut serve = bench.serve();
    let mut lines = ALL.map(|words| (words, asked(&serve, words, "auto")));
    let begun = lines.each_mut().map(|(words, line)| begun(*words, line));

    serve.signal("TERM");

    for ((words, mut line), answer) in lines.into_iter().zip(begun) {
        let answer = line.rest(answer);
        assert!(words.has_end(&answer) && answer.is_whole, "{words:?}");
        assert_eq!(words.fault(&answer), None, "{words:?}");
    }
    assert_eq!(serve.ended(), Some(0), "{}", serve.said());
    assert_eq!(bench.verified(), 4);
    let spend = bench.spend();
    assert_eq!(spend["held_usd"], "0.000000000", "{spend}");
    assert_eq!(spend["at_most_usd"], "0.000000000", "{spend}");
}

#[test]
#[ignore = "waits for ten seconds"]
fn a_stop_ends_long_streams_honestly_and_settles_them() {
    let bench = Bench::with(&Config {
        clocks: "gap = \"20s\"",
        ..Config::default()
    });
    bench.sim.set_pace(Some(2));
    let mut serve = bench.serve();
    let mut lines = ALL.map(|words| (words, asked(&serve, words, "auto")));
    let begun = lines.each_mut().map(|(words, line)| begun(*words, line));
    let stopped = Instant::now();

    serve.signal("TERM");
    until(|| serve.said().contains("Stopping"));

    thread::sleep(Duration::from_millis(200));
    assert!(Line::open(serve.at).is_err(), "nobody new is taken");
    for ((words, mut line), answer) in lines.into_iter().zip(begun) {
        let answer = line.rest(answer);
        assert!(!words.has_end(&answer), "{words:?}: {}", answer.text());
        let fault: Option<Value> = words.fault(&answer);
        let fault = fault.unwrap_or_else(|| panic!("{words:?}: {}", answer.text()));
        assert!(fault.to_string().contains("stopped"), "{fault}");
    }
    assert_eq!(serve.ended(), Some(0), "{}", serve.said());
    let took = stopped.elapsed();
    let in_time = Duration::from_secs(9)..Duration::from_secs(20);
    assert!(in_time.contains(&took), "{took:?}");
    assert_eq!(bench.verified(), 4);
    let spend = bench.spend();
    assert_eq!(spend["held_usd"], "0.000000000", "{spend}");
    assert_ne!(
        spend["at_most_usd"], "0.000000000",
        "what was under way counts: {spend}"
    );
    let receipts = bench.cli(&["receipts", "--json"]).lines();
    assert!(
        receipts
            .iter()
            .all(|receipt| receipt["ending"] == "cancelled")
    );
}
