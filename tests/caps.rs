//! Caps of a month, a day and a ticket, and what an invoice says, as scripts use them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "the caps need a part of it")]
mod program;

use program::{Home, Ran, Server};
use serde_json::Value;

/// A desk whose drafts cost some hundredths of a cent, with these limits.
fn desk(spend: &str) -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let base = at["base_urls"]["openai"].as_str().expect("an address");
    home.config(&format!(
        "[spend]\n{spend}\n[providers.one]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n\
         [models.\"one/m\"]\nprice_in_usd_per_million = 1\nprice_out_usd_per_million = 10\n\
         [models.\"one/sim-cut\"]\nprice_in_usd_per_million = 1\nprice_out_usd_per_million = 10\n\
         [chains.default]\nlinks = [\"one/m\"]\n"
    ));
    let number = home.file("Refund", "Maya", "Where is my refund for order 1182?");
    (home, server, number)
}

fn draft(home: &Home, number: i64) -> Ran {
    home.run(&["draft", &number.to_string(), "--json"])
}

/// Drafts until one is denied; returns that one's answer.
fn until_denied(home: &Home, number: i64) -> Value {
    for _ in 0..60 {
        let ran = draft(home, number);
        if ran.code != 0 {
            assert_eq!(ran.code, 3, "{}", ran.stderr);
            return ran.json();
        }
    }
    panic!("no limit was reached");
}

#[test]
fn the_day_s_cap_stops_drafts_and_is_named() {
    let (home, _server, number) = desk("cap_month_usd = 5\ncap_day_usd = \"0.02\"");

    let denied = until_denied(&home, number);

    assert_eq!(denied["receipt"]["action"], "denied: over the day's cap");
    let spend = home.run(&["spend", "--json"]).json();
    let day = &spend["caps"][1];
    assert_eq!(
        (&spend["paused_by"], &day["cap"]),
        (&"day".into(), &"day".into())
    );
    let settled = day["settled_usd"].as_str().expect("an amount");
    assert!(settled <= "0.020000000", "{settled}");
    let words = home.run(&["spend"]).stdout;
    assert!(words.contains("what the day's cap leaves"), "{words}");

    let raised = home.run(&["spend", "cap", "--day", "1", "--json"]).json();
    assert_eq!(raised["paused"], false);
    assert_eq!(draft(&home, number).code, 0);
}

#[test]
fn a_ticket_s_cap_stops_that_ticket_alone() {
    let (home, _server, number) = desk("cap_month_usd = 5\ncap_ticket_usd = \"0.02\"");
    let other = home.file("Parcel", "Joseph", "Where is my parcel?");

    let denied = until_denied(&home, number);

    assert_eq!(denied["receipt"]["action"], "denied: over the ticket's cap");
    let words = home.run(&["draft", &number.to_string()]).stderr;
    assert!(words.contains("deskhand spend cap --ticket"), "{words}");
    let asked_now = |number: i64| {
        let explained = home.run(&[
            "chain",
            "explain",
            "--ticket",
            &number.to_string(),
            "--json",
        ]);
        explained.json()["asked_now"].clone()
    };
    assert_eq!(
        (asked_now(number), asked_now(other)),
        (Value::Null, "one/m".into())
    );
    assert_eq!(home.run(&["spend", "--json"]).json()["paused"], false);
    assert_eq!(draft(&home, other).code, 0);
}

#[test]
fn an_invoice_is_booked_and_the_receipt_stays() {
    let (home, _server, number) = desk("cap_month_usd = 5");
    let ran = home.run(&[
        "draft",
        &number.to_string(),
        "--chain",
        "one/sim-cut",
        "--json",
    ]);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let receipt = ran.json()["receipt"].clone();
    assert_eq!(receipt["cost_at_most"], true);
    let id = receipt["id"].as_str().expect("an id");
    let before = home.run(&["spend", "--json"]).json();
    assert_eq!(before["at_most_usd"], receipt["cost_usd"]);

    let booked = home
        .run(&["spend", "reconcile", id, "0.0003", "--json"])
        .json();

    assert_eq!(booked["ledger_before_usd"], receipt["cost_usd"]);
    assert_eq!(booked["ledger_usd"], "0.000300000");
    let after = home.run(&["spend", "--json"]).json();
    assert_eq!(after["settled_usd"], "0.000300000");
    assert_eq!(after["at_most_usd"], "0.000000000");
    let mut shown = home.run(&["receipts", "show", id, "--json"]).json();
    assert_eq!(shown["reconciled_usd"], "0.000300000");
    shown
        .as_object_mut()
        .expect("an object")
        .remove("reconciled_usd");
    assert_eq!(shown, receipt, "the receipt is as it was");
    assert_eq!(home.run(&["receipts", "verify"]).code, 0);
    assert_eq!(home.run(&["spend", "reconcile", id, "-1"]).code, 2);
    assert_eq!(home.run(&["spend", "cap", "-3"]).code, 2);
}
