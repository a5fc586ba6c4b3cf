//! Drafts that could not be made wait, and are made when a person says so, as scripts use it.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "this needs a part of it")]
mod program;

use program::{Home, Server};
use serde_json::Value;

fn config(base: &str, cap: &str) -> String {
    format!(
        "[spend]\ncap_month_usd = \"{cap}\"\n[providers.one]\ntype = \"openai\"\n\
         base_url = \"{base}\"\nauth = \"none\"\n[models.\"one/m\"]\n\
         price_in_usd_per_million = 1\nprice_out_usd_per_million = 10\n\
         [chains.default]\nlinks = [\"one/m\"]\n"
    )
}

fn waiting(home: &Home) -> Vec<Value> {
    let listed = home.run(&["catch-up", "--json"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    let lines = listed.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

#[test]
fn what_could_not_be_made_waits_and_is_made_when_asked_for() {
    let home = Home::new();
    let (_server, at) = Server::sim(&home);
    let base = at["base_urls"]["openai"].as_str().expect("an address");
    home.config(&config("http://127.0.0.1:9", "5"));
    let numbers: Vec<String> = ["Refund", "Parcel", "Invoice"]
        .iter()
        .map(|subject| home.file(subject, "Maya", "Where is it?").to_string())
        .collect();

    for number in &numbers {
        assert_eq!(home.run(&["draft", number]).code, 4);
    }

    let spend = home.run(&["spend", "--json"]).json();
    assert_eq!(spend["providers_down"]["words"], "providers down");
    assert_eq!(spend["drafts_waiting"], 3);
    let words = home.run(&["catch-up"]).stdout;
    assert!(words.contains("3 drafts wait"), "{words}");
    assert!(
        words.contains("Still in the way: providers down."),
        "{words}"
    );
    let list = waiting(&home);
    assert_eq!(list[0]["because"], "offline");
    assert!(list[0]["likely_usd"].is_null() && list[0]["at_most_usd"].is_string());
    let failed = home.run(&["catch-up", "run"]);
    assert_eq!(failed.code, 4, "{}", failed.stdout);

    home.config(&config(base, "5"));
    assert_eq!(home.run(&["catch-up", "drop", &numbers[2]]).code, 0);
    assert_eq!(home.run(&["catch-up", "drop", &numbers[2]]).code, 2);
    assert_eq!(home.run(&["catch-up", "run", &numbers[2]]).code, 2);
    let made = home.run(&["catch-up", "run", "--json"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.stdout.lines().count(), 2);
    assert!(
        made.stdout
            .lines()
            .all(|line| line.contains("\"answered\""))
    );
    assert!(waiting(&home).is_empty());
    assert_eq!(
        home.run(&["spend", "--json"]).json()["providers_down"],
        Value::Null
    );
}

#[test]
fn what_the_cap_denied_waits_and_goes_on_when_it_is_raised() {
    let home = Home::new();
    let (_server, at) = Server::sim(&home);
    let base = at["base_urls"]["openai"].as_str().expect("an address");
    home.config(&config(base, "0.000001"));
    let number = home.file("Refund", "Maya", "Where is my refund?");
    assert_eq!(home.run(&["draft", &number.to_string()]).code, 3);
    assert_eq!(waiting(&home)[0]["because"], "over_cap");

    home.run(&["spend", "cap", "5"]);

    let words = home.run(&["catch-up"]).stdout;
    assert!(
        words.contains("`deskhand catch-up run` makes them"),
        "{words}"
    );
    assert_eq!(home.run(&["catch-up", "run"]).code, 0);
    assert!(waiting(&home).is_empty());
}
