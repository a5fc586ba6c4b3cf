//! The feed of receipts as scripts use it: queries, exports, and what they say together.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "the feed needs a part of it")]
mod program;

use program::{Home, Server};
use serde_json::Value;

/// A desk with three receipts: clean, by the backup, refused.
fn desk() -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let base = at["base_urls"]["openai"].as_str().expect("an address");
    let provider = |name: &str| {
        format!("[providers.{name}]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n")
    };
    home.config(&format!(
        "[agent]\nname = \"=Noor\"\n[spend]\ncap_month_usd = 5\nallow_unknown_prices = true\n{}{}",
        provider("one"),
        provider("two")
    ));
    let number = home.file("Refund", "Maya", "Where is my refund for order 1182?");
    for chain in [
        "one/gpt-4o-mini",
        "one/sim-529,two/gpt-4o-mini",
        "two/sim-refusal",
    ] {
        home.run(&["draft", &number.to_string(), "--chain", chain, "--json"]);
    }
    (home, server, number)
}

fn endings(home: &Home, query: &[&str]) -> Vec<Value> {
    let mut args = vec!["receipts", "list", "--json"];
    args.extend(query);
    let ran = home.run(&args);
    assert_eq!(ran.code, 0, "{query:?}: {}", ran.stderr);
    let lines = ran.lines();
    lines.iter().map(|line| line["ending"].clone()).collect()
}

#[test]
fn a_query_narrows_the_list() {
    let (home, _server, number) = desk();
    let ticket = number.to_string();
    for (query, wanted) in [
        (&[][..], &["refused", "answered", "answered"][..]),
        (&["is:fallback"], &["answered"]),
        (&["-is:fallback"], &["refused", "answered"]),
        (&["class:overloaded", "first:one"], &["answered"]),
        (&["provider:two", "ending:refused"], &["refused"]),
        (
            &["--ticket", &ticket, "--limit", "2"],
            &["refused", "answered"],
        ),
        (&["since:1h", "until:30m"], &[]),
        (&["--since", "1h"], &["refused", "answered", "answered"]),
        (&["tag:vip"], &[]),
        (&["model:gpt-4o-mini -class:overloaded"], &["answered"]),
    ] {
        assert_eq!(endings(&home, query), wanted, "{query:?}");
    }
    let wrong = home.run(&["receipts", "list", "ending:nice"]);
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.stderr.contains("answered, truncated"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn receipts_are_exported_whole_and_never_over_a_file() {
    let (home, _server, _) = desk();

    let csv = home.run(&["receipts", "export"]);
    let lines: Vec<&str> = csv.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{}", csv.stdout);
    assert!(lines[0].starts_with("id,began,ended,ticket"));
    assert!(lines[1].contains(",'=Noor,refused,"), "{}", lines[1]);
    assert!(
        lines[2].contains(",true,one/sim-529,two/gpt-4o-mini,2,"),
        "{}",
        lines[2]
    );

    let listed = home
        .run(&["receipts", "list", "--json", "is:fallback"])
        .lines();
    let args = [
        "receipts",
        "export",
        "--format",
        "jsonl",
        "is:fallback",
        "--out",
        "out.jsonl",
    ];
    assert_eq!(home.run(&args).code, 0);
    let written = std::fs::read_to_string(home.path("out.jsonl")).expect("the file");
    let exported: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(exported, listed);
    let again = home.run(&args);
    assert_eq!(again.code, 1);
    assert!(
        again.stderr.contains("out.jsonl cannot be written"),
        "{}",
        again.stderr
    );
    let kept = std::fs::read_to_string(home.path("out.jsonl")).expect("the file");
    assert_eq!(kept, written);
}

#[test]
fn the_overview_agrees_with_the_receipts_and_the_meter() {
    let (home, _server, _) = desk();

    let view = home.run(&["overview", "--json"]).json();

    let whole = &view["whole"];
    assert_eq!(
        (&whole["asked"], &whole["answered"]),
        (&3.into(), &2.into())
    );
    assert_eq!(whole["fallback_percent"], "50.00");
    assert_eq!(view["days"].as_array().map(Vec::len), Some(1));
    let spend = home.run(&["spend", "--json"]).json();
    assert_eq!(view["month_settled_usd"], spend["settled_usd"]);
    assert_eq!(whole["cost_usd"], spend["settled_usd"]);
    let failures = view["failures"].as_array().expect("a list");
    let named: Vec<_> = failures
        .iter()
        .map(|row| (&row["provider"], &row["class"]))
        .collect();
    assert_eq!(
        named,
        [
            (&"one".into(), &"overloaded".into()),
            (&"two".into(), &"refused".into())
        ]
    );
    assert_eq!(view["advice"], Value::Null, "too few to advise");
    let words = home.run(&["overview"]).stdout;
    assert!(words.contains("by a backup 1 (50.00 %)"), "{words}");
    assert_eq!(home.run(&["overview", "--since", "monday"]).code, 2);
}
