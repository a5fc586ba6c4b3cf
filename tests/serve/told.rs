//! What every answer says: who answered, what came before, under which receipt; and what a caller
//! is told who gets no answer, in his own words.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    bench::{Bench, Config, until},
    http::{Answer, Request},
    ledger::Books,
    words::{ALL, FORMS, Form, Words},
};
use deskhand::sim::{Family, Fault};

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.header(name).unwrap_or_else(|| panic!("no {name}"))
}

/// Checks that an answer is whole and says who gave it; returns its receipt.
fn given_by(answer: &Answer, (words, form): (Words, Form), link: &str, attempts: usize) -> String {
    let place = format!("{words:?} {form:?} {link}: {}", answer.text());
    assert_eq!((answer.status, answer.is_whole), (200, true), "{place}");
    assert!(!words.text(answer, form).is_empty(), "{place}");
    assert_eq!(header(answer, "x-deskhand-link"), link, "{place}");
    assert_eq!(
        header(answer, "x-deskhand-attempts"),
        attempts.to_string(),
        "{place}"
    );
    if form == Form::Whole {
        let (_, model) = link.split_once('/').expect("a link");
        assert_eq!(words.model(&answer.json()), model, "{place}");
    }
    header(answer, "x-deskhand-receipt").to_owned()
}

#[test]
fn every_answer_names_its_receipt_and_who_came_before() {
    let bench = Bench::new();
    let serve = bench.serve();
    let books = Books::of(&bench);
    let mut receipts = Vec::new();
    for words in ALL {
        for form in FORMS {
            let ask = || serve.ask(words.ask("auto", "Where is my parcel?", form));
            let first = ask();
            receipts.push((given_by(&first, (words, form), "chat/small", 1), 1));
            assert_eq!(first.header("x-deskhand-fallback"), None);

            bench.fails(Family::OpenAi, Fault::ServerError);
            let second = ask();
            receipts.push((given_by(&second, (words, form), "claude/big", 2), 2));
            let why = header(&second, "x-deskhand-fallback");
            assert_eq!(why, "chat/small: server error");
            // Three failures would open its breaker: each is forgotten once it is written down.
            until(|| books.know_a_failure_of("chat/small"));
            bench.cli(&["providers", "wake", "chat/small"]);
        }
    }
    let last = receipts.last().expect("a receipt").0.clone();
    let began = Instant::now();
    bench.receipt(&last);
    assert!(began.elapsed() < Duration::from_secs(1), "written at once");
    for (id, attempts) in &receipts {
        let receipt = bench.receipt(id);
        assert_eq!(receipt["agent"], "tests", "the caller's name: {receipt}");
        assert_eq!(receipt["task"], "request", "{receipt}");
        assert_eq!(receipt["ending"], "answered", "{receipt}");
        let kept = receipt["attempts"].as_array().expect("attempts");
        assert_eq!(kept.len(), *attempts, "{receipt}");
    }
    assert_eq!(bench.verified(), receipts.len() as u64);
    let mine = bench.cli(&["receipts", "list", "--json", "agent:tests", "is:fallback"]);
    assert_eq!(mine.lines().len(), receipts.len() / 2);
}

#[test]
fn a_caller_without_an_answer_hears_of_it_in_his_own_words() {
    for (fault, status, chat, messages, gemini) in [
        (
            Fault::ServerError,
            502,
            "server_error",
            "api_error",
            "INTERNAL",
        ),
        (
            Fault::RateLimit(7),
            429,
            "rate_limit_error",
            "rate_limit_error",
            "RESOURCE_EXHAUSTED",
        ),
        (
            Fault::BadRequest,
            400,
            "invalid_request_error",
            "invalid_request_error",
            "INVALID_ARGUMENT",
        ),
    ] {
        for form in FORMS {
            let bench = Bench::new();
            let serve = bench.serve();
            for words in ALL {
                let place = format!("{fault:?} {words:?} {form:?}");
                bench.sim.clear_script();
                for family in [Family::OpenAi, Family::Anthropic] {
                    // The last one of a chain is asked twice where that may help.
                    bench.fails(family, fault);
                    bench.fails(family, fault);
                }
                let answer = serve.ask(words.ask("auto", "hello", form));
                assert_eq!(answer.status, status, "{place}: {}", answer.text());
                assert_eq!(header(&answer, "content-type"), "application/json");
                let (kind, said) = words.error(&answer);
                let wanted = match words {
                    Words::Chat | Words::Responses => chat,
                    Words::Messages => messages,
                    Words::Gemini => gemini,
                };
                assert_eq!(kind, wanted, "{place}: {said}");
                assert!(said.contains("chat/small"), "{place}: {said}");
                if fault == Fault::RateLimit(7) {
                    let wait: u64 = header(&answer, "retry-after").parse().expect("seconds");
                    assert!((1..=7).contains(&wait), "{place}: {wait}");
                }
                let receipt = bench.receipt(header(&answer, "x-deskhand-receipt"));
                assert_ne!(receipt["ending"], "answered", "{place}");
                bench.cli(&["providers", "wake", "chat/small"]);
                bench.cli(&["providers", "wake", "claude/big"]);
            }
        }
    }
}

#[test]
fn who_may_ask_again_is_told_when_also_where_no_provider_says() {
    let bench = Bench::new();
    let serve = bench.serve();
    for family in [Family::OpenAi, Family::Anthropic] {
        bench.fails(family, Fault::RateLimitBare);
        bench.fails(family, Fault::RateLimitBare);
    }

    let answer = serve.ask(Words::Chat.ask("auto", "hello", Form::Whole));

    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(header(&answer, "retry-after"), "5");
}

#[test]
fn what_is_wrong_with_a_request_is_said_before_any_call() {
    let bench = Bench::new();
    let serve = bench.serve();
    for words in ALL {
        let unknown = serve.ask(words.ask("no-such-model", "hello", Form::Whole));
        assert_eq!(unknown.status, 404, "{words:?}: {}", unknown.text());
        let (kind, said) = words.error(&unknown);
        let wanted = match words {
            Words::Chat | Words::Responses => "invalid_request_error",
            Words::Messages => "not_found_error",
            Words::Gemini => "NOT_FOUND",
        };
        assert_eq!(kind, wanted);
        assert!(said.contains("no-such-model"), "{said}");
    }
    for (path, status) in [
        ("/v1/embeddings", 404),
        ("/", 404),
        ("/v1/models/none", 404),
    ] {
        assert_eq!(serve.ask(Request::get(path)).status, status, "{path}");
    }
    let got = serve.ask(Request::get("/v1/chat/completions"));
    assert_eq!((got.status, header(&got, "allow")), (405, "POST"));
    let count = |model: &str| {
        let asked = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        serve.ask(Request::post("/v1/messages/count_tokens", &asked))
    };
    let counted = [count("auto"), count("no-such-model")].map(|answer| answer.status);
    assert_eq!(counted, [200, 404]);
    let many = json!({"model": "auto", "provider": {"fallback": vec!["chat/a"; 200]},
        "messages": [{"role": "user", "content": "hello"}]});
    let many = serve.ask(Request::post("/v1/chat/completions", &many));
    assert_eq!(many.status, 400, "{}", many.text());
    let long = format!("chat/{}", "x".repeat(300));
    for name in ["chat/\u{1b}[2J", "chat/a\nb", "chat/\u{202e}abc", &long] {
        for words in [Words::Chat, Words::Responses, Words::Messages] {
            let odd = serve.ask(words.ask(name, "hello", Form::Whole));
            assert_eq!(odd.status, 404, "{name}: {}", odd.text());
        }
    }
    let bodies = ["", "{", "[]", "null", "{\"model\":\"auto\"}", "\u{feff}{}"];
    for path in ["/v1/chat/completions", "/v1/responses", "/v1/messages"] {
        for body in bodies {
            let answer = serve.ask(Request::post_bytes(path, body.into()));
            assert_eq!(answer.status, 400, "{path} {body}: {}", answer.text());
        }
        let bytes = serve.ask(Request::post_bytes(path, vec![0xff, 0xfe, 0x00]));
        assert_eq!(bytes.status, 400, "{path}");
    }
    assert!(bench.sim.served().is_empty());
}

#[test]
fn at_the_cap_nothing_is_sent_and_raising_it_resumes_at_once() {
    let bench = Bench::with(&Config {
        cap: "0.0001",
        ..Config::default()
    });
    let serve = bench.serve();
    for words in ALL {
        for form in FORMS {
            let denied = serve.ask(words.ask("auto", "hello", form));
            assert_eq!(denied.status, 402, "{words:?}: {}", denied.text());
            let (_, said) = words.error(&denied);
            assert!(said.contains("month"), "it names the cap: {said}");
            assert!(said.contains("It counts anew at 20"), "{said}");
            assert!(said.contains("deskhand spend cap"), "{said}");
            let wait: u64 = header(&denied, "retry-after").parse().expect("seconds");
            assert!(wait <= 31 * 86_400, "{wait}");
            assert_eq!(header(&denied, "x-deskhand-attempts"), "0");
            let receipt = bench.receipt(header(&denied, "x-deskhand-receipt"));
            assert_eq!(receipt["ending"], "over_cap", "{receipt}");
        }
    }
    assert!(bench.sim.served().is_empty(), "no byte left");

    let raised = bench.cli(&["spend", "cap", "20", "--json"]);
    assert_eq!(raised.code, 0, "{}", raised.stderr);
    let began = Instant::now();
    until(|| {
        serve
            .ask(Words::Chat.ask("auto", "hello", Form::Whole))
            .status
            == 200
    });
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn the_smallest_cap_wins_and_is_named() {
    let bench = Bench::new();
    let serve = bench.serve();
    let ask = || serve.ask(Words::Chat.ask("auto", "hello", Form::Whole));
    assert_eq!(ask().status, 200);
    let mut answered = 1;

    bench.cli(&["spend", "cap", "--day", "0.0001"]);
    // What was kept for requests to come goes back.
    until(|| {
        let status = ask().status;
        answered += usize::from(status == 200);
        status == 402
    });

    let denied = ask();
    let (_, said) = Words::Chat.error(&denied);
    for words in ["the day's cap ($0.0001)", "deskhand spend cap --day"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(denied.json()["error"]["code"], "spend_cap_reached");
    let wait: u64 = header(&denied, "retry-after").parse().expect("seconds");
    assert!(wait <= 86_400, "{wait}");
    assert_eq!(bench.served(answered).len(), answered, "nothing was sent");
}

#[test]
fn who_is_left_alone_is_named_in_a_stream_too() {
    let bench = Bench::new();
    let serve = bench.serve();
    bench.fails(Family::OpenAi, Fault::NoModel);
    for form in [Form::Whole, Form::Streamed, Form::Whole] {
        let answer = serve.ask(Words::Chat.ask("auto", "hello", form));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let because = header(&answer, "x-deskhand-fallback");
        assert!(because.starts_with("chat/small: "), "{form:?}: {because}");
    }
    until(|| serve.said().matches("was not asked").count() == 2);
}

#[test]
fn a_refused_key_is_said_once_and_the_backup_goes_on() {
    let bench = Bench::new();
    let serve = bench.serve();
    bench.fails(Family::OpenAi, Fault::WrongKey);

    let refused = serve.ask(Words::Messages.ask("auto", "hello", Form::Whole));

    assert_eq!(refused.status, 401, "{}", refused.text());
    let (kind, said) = Words::Messages.error(&refused);
    assert_eq!(kind, "authentication_error");
    assert!(said.contains("your token is good"), "{said}");
    let next = serve.ask(Words::Messages.ask("auto", "hello", Form::Streamed));
    given_by(&next, (Words::Messages, Form::Streamed), "claude/big", 1);
    let why = header(&next, "x-deskhand-fallback");
    assert!(
        why.starts_with("chat/small: ") && why.contains("key"),
        "{why}"
    );
}

#[test]
fn a_model_without_a_price_is_a_wrong_request_as_long_as_there_is_a_cap() {
    let bench = Bench::new();
    let serve = bench.serve();
    for words in ALL {
        let answer = serve.ask(words.ask("chat/of-no-book", "hi", Form::Whole));
        assert_eq!(answer.status, 400, "{words:?} {}", answer.text());
        assert!(answer.text().contains("allow_unknown_prices"));
    }
    assert!(bench.sim.served().is_empty());
}

#[test]
fn the_counters_and_the_list_of_models_tell_what_there_is() {
    let bench = Bench::new();
    let serve = bench.serve();
    bench.fails(Family::OpenAi, Fault::ServerError);
    serve.ask(Words::Messages.ask("auto", "hello", Form::Whole));
    serve.ask(Words::Chat.ask("nobody", "hello", Form::Whole));

    let figures = serve.ask(Request::get("/metrics")).text();
    for line in [
        "deskhand_http_requests_total{dialect=\"anthropic\",status=\"200\"} 1",
        "deskhand_runs_total{ending=\"answered\"} 1",
        "deskhand_fallbacks_total 1",
        "deskhand_requests_in_flight 0",
    ] {
        assert!(figures.contains(line), "{line}: {figures}");
    }
    assert!(
        figures.contains("error_type=\"server_error\"} 1"),
        "{figures}"
    );
    let served = bench.served(2);
    let answer = served.last().expect("an answer");
    let tokens = format!("gen_ai_token_type=\"output\"}} {}", answer.tokens_out);
    assert!(figures.contains(&tokens), "{tokens}: {figures}");

    let models = serve.ask(Request::get("/v1/models")).json();
    let ids: Vec<&Value> = models["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| &model["id"])
        .collect();
    for id in ["auto", "chat/small", "claude/big", "google/quick"] {
        assert!(ids.contains(&&json!(id)), "{id}: {models}");
        let one = serve.ask(Request::get(&format!("/v1/models/{id}")));
        assert_eq!((one.status, &one.json()["id"]), (200, &json!(id)));
    }
    // Each family's kit reads the list in its own shape.
    let own = serve.ask(Request::get("/v1beta/models")).json();
    let names = own["models"].as_array().expect("a list");
    assert!(
        names
            .iter()
            .any(|model| model["name"] == "models/google/quick"),
        "{own}"
    );
    let one = serve
        .ask(Request::get("/v1beta/models/google/quick"))
        .json();
    assert_eq!(one["name"], "models/google/quick");
    let claude = Request::get("/v1/models").with("anthropic-version", "2023-06-01");
    assert_eq!(serve.ask(claude).json()["data"][0]["type"], "model");
    let nothing = serve.ask(Request::get("/v1beta/models/none:embedContent"));
    assert_eq!(Words::Gemini.error(&nothing).0, "NOT_FOUND");
}
