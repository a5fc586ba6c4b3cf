//! Drafts from the command line: text, receipt, exit code.

use serde_json::{Value, json};

use crate::program::{Home, Ran, Server};

/// A home with one ticket and a chain of these links at the simulator.
fn desk(links: &[&str], spend: &str) -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let url = |name: &str| {
        at["base_urls"][name]
            .as_str()
            .expect("an address")
            .to_owned()
    };
    let links: Vec<_> = links.iter().map(|link| format!("\"{link}\"")).collect();
    let refused = at["refused"].as_str().expect("an address");
    home.config(&format!(
        "[spend]\n{spend}\nallow_unknown_prices = true\n[engine.clocks]\nfirst_text = \"2s\"\n\
         gap = \"2s\"\n[providers.anthropic]\ntype = \"anthropic\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.openai]\ntype = \"openai\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.responses]\ntype = \"openai-responses\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.away]\ntype = \"openai\"\nbase_url = \"{refused}\"\nauth = \"none\"\n\
         [chains.default]\nlinks = [{}]\n",
        url("anthropic"),
        url("openai"),
        url("openai-responses"),
        links.join(", "),
    ));
    let number = home.file(
        "Refund not received",
        "Maya",
        "Where is my refund for order 1182?",
    );
    (home, server, number)
}

fn draft(home: &Home, number: i64) -> Ran {
    home.run(&["draft", &number.to_string(), "--json"])
}

fn classes(receipt: &Value) -> Vec<Value> {
    let attempts = receipt["attempts"].as_array().expect("attempts");
    attempts
        .iter()
        .map(|attempt| attempt["class"].clone())
        .collect()
}

fn moment(value: &Value) -> deskhand::domain::Timestamp {
    let text = value.as_str().expect("a time");
    text.parse().expect("a time")
}

#[test]
fn receipts_are_found_without_the_word_list() {
    let (home, _server, number) = desk(&["anthropic/claude-haiku-4-5"], "cap_month_usd = 20");

    let ran = draft(&home, number);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for (query, count) in [("ending:answered", 1), ("ending:refused", 0)] {
        let found = home.run(&["receipts", query, "--json"]);
        assert_eq!((found.code, found.stdout.lines().count()), (0, count));
        assert_eq!(
            found.stdout,
            home.run(&["receipts", "list", query, "--json"]).stdout
        );
    }
    let mixed = home.run(&["receipts", "--limit", "1", "list"]);
    assert_eq!(mixed.code, 2, "{}", mixed.stderr);
}

#[test]
fn a_draft_comes_with_its_receipt() {
    let (home, _server, number) = desk(&["anthropic/claude-haiku-4-5"], "cap_month_usd = 20");

    let ran = draft(&home, number);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer = ran.json();
    let receipt = &answer["receipt"];
    assert!(answer["draft"]["text"].as_str().expect("a text").len() > 40);
    assert_eq!(receipt["ending"], "answered");
    assert_eq!(receipt["ticket"], number);
    assert_eq!(receipt["fallback_used"], false);
    assert_eq!(receipt["chain"], json!(["anthropic/claude-haiku-4-5"]));
    let attempt = &receipt["attempts"][0];
    assert_eq!(
        (&attempt["no"], &attempt["status"]),
        (&json!(1), &json!(200))
    );
    assert!(moment(&receipt["began"]) <= moment(&attempt["began"]));
    assert!(moment(&attempt["began"]) <= moment(&receipt["ended"]));
    assert_eq!(attempt["class_because"], "nothing went wrong");
    assert!(attempt["tokens_in"].as_u64().is_some_and(|count| count > 0));
    for field in [
        "provider",
        "model",
        "answered_by",
        "said",
        "request_id",
        "retry_after_s",
        "connect_ms",
        "first_text_ms",
        "took_ms",
        "tokens_out",
        "tokens_cached",
        "tokens_thinking",
        "cost_usd",
        "cost_at_most",
        "billed",
        "moved_on_because",
    ] {
        let is_told = !attempt[field].is_null() || attempt[format!("{field}_because")].is_string();
        assert!(
            attempt.get(field).is_some() && is_told,
            "{field}: {attempt}"
        );
    }
    let spent = home.run(&["spend", "--json"]).json();
    assert_eq!(spent["settled_usd"], receipt["cost_usd"]);
    assert_eq!(
        home.run(&["receipts", "--json"]).json()["id"],
        receipt["id"]
    );
    assert_eq!(
        home.run(&["receipts", "verify", "--json"]).json()["whole"],
        true
    );
    let id = receipt["id"].as_str().expect("an id");
    assert_eq!(
        home.run(&["receipts", "show", id, "--json"]).json(),
        *receipt
    );
}

#[test]
fn the_next_link_answers_where_the_first_fails() {
    for (fault, class) in [
        ("sim-429-1", "rate_limited"),
        ("sim-529", "overloaded"),
        ("sim-500", "server_error"),
        ("sim-502", "server_error"),
        ("sim-quota", "out_of_credit"),
        ("sim-404", "model_gone"),
        ("sim-empty", "empty"),
        ("sim-cut-9", "cut"),
        ("sim-reset-9", "cut"),
        ("sim-stall-9", "timed_out"),
        ("sim-hang", "timed_out"),
    ] {
        let first = format!("anthropic/{fault}");
        let (home, _server, number) = desk(&[&first, "openai/gpt-4o-mini"], "cap_month_usd = 20");

        let ran = draft(&home, number);

        let receipt = ran.json()["receipt"].clone();
        assert_eq!(
            (ran.code, &receipt["ending"]),
            (0, &json!("answered")),
            "{fault}: {receipt}"
        );
        assert_eq!(receipt["fallback_used"], true, "{fault}");
        let classes = classes(&receipt);
        assert_eq!(classes.first(), Some(&json!(class)), "{fault}: {receipt}");
        assert_eq!(classes.last(), Some(&Value::Null), "{fault}");
        assert!(
            receipt["attempts"][0]["moved_on_because"].is_string(),
            "{fault}"
        );
        assert_eq!(
            home.run(&["tickets", "is:fallback", "--json"]).json()["number"],
            number
        );
    }
}

#[test]
fn exit_codes_tell_why_there_is_no_draft() {
    let cap = "cap_month_usd = 20";
    for (links, spend, code, ending) in [
        (vec!["anthropic/sim-400"], cap, 5, "bad_input"),
        (vec!["anthropic/sim-401"], cap, 5, "key_refused"),
        (vec!["anthropic/sim-refusal"], cap, 5, "refused"),
        (
            vec!["anthropic/sim-529", "openai/sim-500"],
            cap,
            4,
            "failed",
        ),
        (vec!["away/gpt-4o-mini"], cap, 4, "offline"),
        (
            vec!["anthropic/claude-haiku-4-5"],
            "cap_month_usd = \"0.000001\"",
            3,
            "over_cap",
        ),
    ] {
        let (home, _server, number) = desk(&links, spend);

        let ran = draft(&home, number);

        let answer = ran.json();
        let ended = answer["receipt"]["ending"].as_str();
        assert_eq!(
            (ran.code, ended),
            (code, Some(ending)),
            "{links:?}: {answer}"
        );
        assert_eq!(answer["draft"], Value::Null);
        assert!(
            ran.stderr.contains("untouched"),
            "{links:?}: {}",
            ran.stderr
        );
        assert_eq!(home.run(&["receipts", "--json"]).json()["ending"], ending);
    }
}

#[test]
fn a_paused_desk_resumes_when_the_cap_is_raised() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "cap_month_usd = \"0.000001\"");
    assert_eq!(home.run(&["spend", "--json"]).json()["paused"], true);

    let raised = home.run(&["spend", "cap", "20", "--json"]).json();

    assert_eq!(
        (&raised["cap_usd"], &raised["paused"]),
        (&json!("20.000000000"), &json!(false))
    );
    assert_eq!(draft(&home, number).code, 0);
}

#[test]
fn nothing_is_drafted_before_a_cap_is_chosen() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "");

    let ran = draft(&home, number);

    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("deskhand spend cap"), "{}", ran.stderr);
}

#[test]
fn a_stream_ends_in_the_whole_text_of_one_model() {
    let (home, _server, number) = desk(
        &["anthropic/sim-cut-9", "openai/gpt-4o-mini"],
        "cap_month_usd = 20",
    );

    let ran = home.run(&["draft", &number.to_string(), "--stream", "--json"]);

    let lines = ran.lines();
    let last = lines.last().expect("an answer");
    let void = lines
        .iter()
        .rposition(|line| line.get("void").is_some())
        .map_or(0, |at| at + 1);
    let pieces = lines[void..]
        .iter()
        .filter_map(|line| line["text"].as_str());
    assert_eq!(
        Value::from(pieces.collect::<String>()),
        last["draft"]["text"]
    );
}

#[test]
fn the_doctor_says_where_the_drafts_of_a_name_before_a_change_are() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "cap_month_usd = 5");
    assert_eq!(draft(&home, number).code, 0);
    assert!(!home.run(&["doctor"]).stdout.contains("kept under the name"));
    let file = home.path("config.toml");
    let config = std::fs::read_to_string(&file).expect("the config");
    home.config(&format!("{config}\n[agent]\nname = \"Someone New\"\n"));

    let doctor = home.run(&["doctor"]).stdout;

    assert!(
        doctor.contains("1 draft is kept under the name"),
        "{doctor}"
    );
}

#[test]
fn the_chain_of_the_command_line_wins() {
    let (home, _server, number) = desk(&["anthropic/claude-haiku-4-5"], "cap_month_usd = 20");
    let number = number.to_string();

    let ran = home.run(&[
        "draft",
        &number,
        "--json",
        "--chain",
        "responses/gpt-4o-mini,openai/gpt-4o",
    ]);

    let receipt = ran.json()["receipt"].clone();
    assert_eq!(
        receipt["chain"],
        json!(["responses/gpt-4o-mini", "openai/gpt-4o"])
    );
    assert_eq!(receipt["attempts"][0]["provider"], "responses");
    assert_eq!(receipt["skipped"][0]["because"], "not needed");
}
