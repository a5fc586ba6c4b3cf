//! `deskhand drill`, driven as a script does: what an outage would do, without key or money.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "a drill needs a part of it")]
mod program;

use program::Home;
use serde_json::{Value, json};

const CHAIN: &str = "[spend]\ncap_month_usd = 1\n[chains.default]\n\
                     links = [\"anthropic/claude-haiku-4-5\", \"openai/gpt-4o-mini\"]\n";

fn home() -> Home {
    let home = Home::new();
    home.config(CHAIN);
    home
}

/// Returns the parts of a receipt's attempts that a drill decides.
fn attempts(answer: &Value) -> Vec<(String, Value)> {
    let attempts = answer["receipt"]["attempts"].as_array().expect("a list");
    let part = |attempt: &Value| {
        let provider = attempt["provider"].as_str().expect("a provider");
        (provider.to_owned(), attempt["class"].clone())
    };
    attempts.iter().map(part).collect()
}

#[test]
fn an_overloaded_primary_ends_in_the_backups_whole_answer() {
    let home = home();

    let ran = home.run(&["drill", "anthropic=529,openai=ok", "--json"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer = ran.json();
    let expected = [
        ("anthropic".to_owned(), json!("overloaded")),
        ("openai".to_owned(), Value::Null),
    ];
    assert_eq!(attempts(&answer), expected);
    assert_eq!(answer["receipt"]["task"], "drill");
    assert_eq!(answer["receipt"]["fallback_used"], true);
    assert!(
        answer["drill"]["text"]
            .as_str()
            .is_some_and(|text| text.len() > 40)
    );
}

#[test]
fn each_fault_ends_as_a_real_draft_would() {
    let home = home();
    for (plan, code, ending) in [
        ("anthropic=401", 5, "key_refused"),
        ("anthropic=refusal", 5, "refused"),
        ("anthropic=400", 5, "bad_input"),
        ("anthropic=refused,openai=refused", 4, "offline"),
        ("anthropic=cut=12", 0, "answered"),
        ("anthropic/claude-haiku-4-5=quota", 0, "answered"),
    ] {
        let ran = home.run(&["drill", plan, "--json"]);

        assert_eq!(ran.code, code, "{plan}: {}", ran.stderr);
        assert_eq!(ran.json()["receipt"]["ending"], ending, "{plan}");
    }
}

#[test]
fn a_drill_touches_neither_money_nor_keys_nor_standings() {
    let home = home();
    let number = home.file("Late parcel", "ada@example.org", "Where is it? Ada");
    let before = home.run(&["spend", "--json"]).json();

    let ticket = number.to_string();
    let ran = home.run(&["drill", "anthropic=401", "--ticket", &ticket, "--json"]);

    assert_eq!(ran.json()["receipt"]["ticket"], number);
    assert_eq!(home.run(&["spend", "--json"]).json(), before);
    assert!(home.run(&["receipts", "--json"]).lines().is_empty());
    let keys = home.run(&["keys", "list", "--json"]);
    assert!(!keys.stdout.contains("invalid"), "{}", keys.stdout);
    let shown = home.run(&["show", &ticket, "--json"]).json();
    assert_eq!(shown["draft"], Value::Null);
}

#[test]
fn a_wrong_drill_says_what_is_wrong() {
    let home = home();
    for (plan, words) in [
        ("anthropic", "does not say what happens to whom"),
        ("anthropic=bored", "there is no fault `bored`"),
        ("groq=529", "no link of the chain is `groq`"),
    ] {
        let ran = home.run(&["drill", plan]);

        assert_eq!(ran.code, 2, "{plan}");
        assert!(ran.stderr.contains(words), "{plan}: {}", ran.stderr);
    }
}

#[test]
fn with_nothing_set_up_the_drill_names_its_own_chain() {
    let home = Home::new();

    let ran = home.run(&["drill", "openai=500,anthropic=ok", "--json"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let providers: Vec<String> = attempts(&ran.json())
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(providers, ["openai", "anthropic"]);
}
