//! How links are, over processes: what one draft learnt the next one knows, and a person's word
//! goes first.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "providers need a part of it")]
mod program;

use program::{Home, Server};
use serde_json::{Value, json};

/// A primary where nobody listens, and a backup that answers.
fn desk() -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let url = |value: &Value| value.as_str().expect("an address").to_owned();
    let (base, away) = (url(&at["base_urls"]["openai"]), url(&at["refused"]));
    let provider = |name: &str, base: &str| {
        format!("[providers.{name}]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n")
    };
    home.config(&format!(
        "[spend]\ncap_month_usd = 5\nallow_unknown_prices = true\n{}{}\
         [chains.default]\nlinks = [\"away/gpt-4o\", \"here/gpt-4o-mini\"]\n",
        provider("away", &away),
        provider("here", &base),
    ));
    let number = home.file("Refund", "Maya", "Where is my refund?");
    (home, server, number)
}

fn draft(home: &Home, number: i64, more: &[&str]) -> Value {
    let number = number.to_string();
    let mut args = vec!["draft", &number, "--json"];
    args.extend(more);
    home.run(&args).json()["receipt"].clone()
}

fn state(home: &Home, provider: &str) -> Value {
    let links = home.run(&["providers", "--json"]).lines();
    let found = links.iter().find(|link| link["provider"] == provider);
    found.expect("a link").clone()
}

#[test]
fn what_one_process_learnt_the_next_one_knows() {
    let (home, _server, number) = desk();

    let first = draft(&home, number, &[]);
    assert_eq!(first["attempts"][0]["class"], "unreachable");
    let away = state(&home, "away");
    assert_eq!(away["state"], "open");
    assert!(away["until"].is_string());
    assert_eq!(away["failures_24h"], json!({"unreachable": 1}));
    assert_eq!(away["failures_1h"], away["failures_24h"]);
    assert_eq!(away["rate_left"], Value::Null);
    assert_eq!(away["chains"], json!(["default"]));
    let here = state(&home, "here");
    assert_eq!(
        (&here["state"], &here["first_text_count"]),
        (&"ready".into(), &1.into())
    );
    let left = &here["rate_left"];
    assert_eq!(
        (&left["requests"], &left["requests_limit"]),
        (&499.into(), &500.into())
    );
    assert!(left["seen"].is_string());
    let limits = home.run(&["limits", "--provider", "here", "--json"]).json();
    assert_eq!(
        (&limits["model"], &limits["rate_left"]),
        (&here["model"], left)
    );
    assert_eq!(limits["requests_per_minute"], Value::Null);
    let all = home.run(&["limits"]).stdout;
    assert!(all.contains("    last seen   499 of 500 requests"), "{all}");
    assert!(all.contains("    last seen   unknown"), "{all}");

    let second = draft(&home, number, &[]);
    assert_eq!(second["attempts"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["skipped"][0]["provider"], "away");
    assert!(second["skipped"][0]["until"].is_string());
}

#[test]
fn a_person_wakes_a_link_lets_it_rest_and_forces_it() {
    let (home, _server, number) = desk();
    draft(&home, number, &[]);

    assert_eq!(home.run(&["providers", "wake", "away"]).code, 0);
    assert_eq!(state(&home, "away")["state"], "ready");
    assert_eq!(
        draft(&home, number, &[])["attempts"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );

    let rested = home
        .run(&["providers", "rest", "here", "--for", "2h", "--json"])
        .json();
    assert_eq!(rested["whom"], "here");
    assert_eq!(state(&home, "here")["state"], "rested_by_hand");
    let unknown = home.run(&["draft", &number.to_string(), "--force", "nobody/m"]);
    assert!(
        unknown.code != 0 && unknown.stderr.contains("nobody"),
        "{}",
        unknown.stderr
    );
    let forced = draft(&home, number, &["--force", "here/gpt-4o-mini"]);
    assert_eq!(forced["ending"], "answered");
    assert_eq!(forced["attempts"][0]["provider"], "here");
    let from = forced["chain_from"].as_str().expect("words");
    assert!(from.contains("here/gpt-4o-mini forced"), "{from}");
    home.run(&["providers", "wake", "here/gpt-4o-mini"]);
    assert_eq!(state(&home, "here")["state"], "ready");
}

#[test]
fn a_probe_is_a_paid_call_with_its_receipt() {
    let (home, _server, number) = desk();
    draft(&home, number, &[]);
    let before = home.run(&["spend", "--json"]).json();

    let good = home.run(&["providers", "probe", "here/gpt-4o-mini", "--json"]);
    assert_eq!(good.code, 0, "{}", good.stderr);
    let receipt = good.json();
    assert_eq!(
        (&receipt["task"], &receipt["ticket"]),
        (&"probe".into(), &Value::Null)
    );
    let after = home.run(&["spend", "--json"]).json();
    assert!(after["settled_usd"].as_str() > before["settled_usd"].as_str());

    let bad = home.run(&["providers", "probe", "away/gpt-4o", "--json"]);
    assert_eq!(bad.code, 4);
    assert_eq!(bad.json()["attempts"][0]["class"], "unreachable");
    assert_eq!(
        home.run(&["receipts", "list", "task:probe", "--json"])
            .lines()
            .len(),
        2
    );
    assert_eq!(home.run(&["receipts", "verify"]).code, 0);
    for (args, words) in [
        (
            &["providers", "rest", "here", "--for", "soon"][..],
            "Write 10m, 2h or 1d",
        ),
        (&["providers", "wake", "nobody"], "There is no provider"),
        (&["providers", "probe", "away"], "no default model"),
        (
            &["providers", "rest", "here/gpt-4o-minni"],
            "Nothing here knows the model here/gpt-4o-minni",
        ),
    ] {
        let ran = home.run(args);
        assert_eq!(ran.code, 2, "{args:?}");
        assert!(ran.stderr.contains(words), "{args:?}: {}", ran.stderr);
    }
}
