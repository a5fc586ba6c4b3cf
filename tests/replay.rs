//! `deskhand draft` against recorded answers of real providers, replayed byte for byte.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "shared with other tests")]
mod program;

use std::{net::TcpListener, path::Path, process::Command};

use program::{Home, Ran, Server, corpus};
use serde_json::Value;

/// A fixture, the type of provider that speaks it, and how the draft must end.
const FIXTURES: [(&str, &str, &str); 18] = [
    ("anthropic/anthropic-text.stream", "anthropic", "answered"),
    ("anthropic/anthropic-text", "anthropic", "answered"),
    (
        "anthropic/anthropic-message-delta-input-tokens.stream",
        "anthropic",
        "answered",
    ),
    (
        "anthropic/duplicate-message-start.stream",
        "anthropic",
        "answered",
    ),
    ("anthropic/anthropic-refusal.stream", "anthropic", "refused"),
    (
        "anthropic/doc-400-invalid-request",
        "anthropic",
        "bad_input",
    ),
    (
        "anthropic/doc-401-authentication",
        "anthropic",
        "key_refused",
    ),
    ("anthropic/doc-429-rate-limit", "anthropic", "failed"),
    ("anthropic/doc-529-overloaded", "anthropic", "failed"),
    ("anthropic/doc-stream-error-mid-text", "anthropic", "failed"),
    ("anthropic/doc-stream-cut-mid-text", "anthropic", "failed"),
    ("openai-chat/openai-text.stream", "openai", "answered"),
    ("openai-chat/openai-text", "openai", "answered"),
    ("openai-chat/doc-429-insufficient-quota", "openai", "failed"),
    ("openai-chat/doc-502-html", "openai", "failed"),
    (
        "openai-responses/openai-reasoning-encrypted-content.1.stream",
        "openai-responses",
        "answered",
    ),
    (
        "openai-responses/openai-error.1.stream",
        "openai-responses",
        "failed",
    ),
    (
        "openai-responses/doc-incomplete-max-tokens",
        "openai-responses",
        "truncated",
    ),
];

#[test]
fn recorded_answers_become_drafts_and_faults() {
    let Some(corpus) = corpus() else {
        println!("corpus absent: 1 test not run");
        return;
    };
    let home = Home::new();
    let (_server, port) = replay_server(&corpus);
    let number = home.file("Refund not received", "Maya", "Where is my refund?");
    for (fixture, kind, ending) in FIXTURES {
        let base = format!("http://127.0.0.1:{port}/replay/shared/{fixture}");
        let ran = draft(&home, number, kind, &base);
        let answer = ran.json();
        let receipt = &answer["receipt"];
        assert_eq!(receipt["ending"], ending, "{fixture}: {receipt}");
        if ending == "answered" {
            let expected = expected_text(&corpus, fixture);
            assert_eq!(
                answer["draft"]["text"].as_str(),
                Some(expected.as_str()),
                "{fixture}"
            );
        }
    }
}

#[test]
fn an_answer_in_one_byte_pieces_is_the_same_answer() {
    let Some(corpus) = corpus() else {
        println!("corpus absent: 1 test not run");
        return;
    };
    let home = Home::new();
    let (_server, port) = replay_server(&corpus);
    let number = home.file("Refund not received", "Maya", "Where is my refund?");
    let fixture = "anthropic/anthropic-text.stream";

    let base = format!("http://127.0.0.1:{port}/replay@split=1/shared/{fixture}");
    let answer = draft(&home, number, "anthropic", &base).json();

    assert_eq!(
        answer["draft"]["text"].as_str(),
        Some(expected_text(&corpus, fixture).as_str())
    );
}

/// Drafts at a provider of its own name: what one fixture taught about its link is not the next
/// one's.
fn draft(home: &Home, number: i64, kind: &str, base: &str) -> Ran {
    let (_, name) = base.rsplit_once('/').expect("a fixture");
    let name: String = name
        .chars()
        .rev()
        .filter(char::is_ascii_alphanumeric)
        .take(12)
        .collect();
    let name = format!("p-{}", name.to_lowercase());
    home.config(&format!(
        "[spend]\ncap_month_usd = 50\nallow_unknown_prices = true\n[providers.{name}]\ntype = \"{kind}\"\n\
         base_url = \"{base}\"\nauth = \"none\"\nmodels = [\"m\"]\n[chains.default]\n\
         links = [\"{name}/m\"]\n",
    ));
    home.run(&["draft", &number.to_string(), "--json"])
}

fn replay_server(corpus: &Path) -> (Server, u16) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("its address").port();
    drop(free);
    let mut command = Command::new("python3");
    command
        .arg(corpus.join("mock/wire_server.py"))
        .args(["--port", &port.to_string()]);
    (Server::start(command), port)
}

fn expected_text(corpus: &Path, fixture: &str) -> String {
    let manifest = std::fs::read_to_string(corpus.join("wire/shared/manifest.jsonl"));
    let manifest = manifest.expect("the manifest");
    let file = format!("shared/{fixture}.json");
    let row = manifest
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|row| row["file"] == file)
        .expect("the fixture is in the manifest");
    row["expect"]["text"].as_str().expect("a text").to_owned()
}
