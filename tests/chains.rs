//! Chains as scripts use them: rules, routing, the cheaper link first, and the decision before any
//! call.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "chains need a part of it")]
mod program;

use program::{Home, Server};
use serde_json::Value;

/// Two providers of one simulator: `dear` and `cheap`.
fn desk(more: &str) -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let base = at["base_urls"]["openai"].as_str().expect("an address");
    let provider = |name: &str, price: u32| {
        format!(
            "[providers.{name}]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n\
             [models.\"{name}/m\"]\nprice_in_usd_per_million = {price}\n\
             price_out_usd_per_million = {price}\n"
        )
    };
    home.config(&format!(
        "{}{}{more}\n[chains.default]\nlinks = [\"dear/m\", \"cheap/m\"]\n",
        provider("dear", 20),
        provider("cheap", 1),
    ));
    let number = home.file("Refund", "maya@northbend.co", "Where is my refund?");
    (home, server, number)
}

fn receipt(home: &Home, number: i64) -> Value {
    let ran = home.run(&["draft", &number.to_string(), "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json()["receipt"].clone()
}

fn order(receipt: &Value) -> Vec<String> {
    let chain = receipt["chain"].as_array().expect("a chain");
    let name = |link: &Value| link.as_str().expect("a link").to_owned();
    chain.iter().map(name).collect()
}

const CAP: &str = "[spend]\ncap_month_usd = 5\n";

#[test]
fn the_first_rule_that_fits_chooses_the_chain() {
    let rules = format!(
        "{CAP}[[rules]]\nwhen = \"tag:vip\"\nchain = \"strong\"\n\
         [[rules]]\nwhen = \"from:@northbend.co status:new\"\nchain = \"house\"\n\
         [chains.strong]\nlinks = [\"dear/m\"]\n[chains.house]\nlinks = [\"cheap/m\"]\n"
    );
    let (home, _server, number) = desk(&rules);
    let other = home.file("Refund", "maya@elsewhere.co", "Where is my refund?");

    let by_requester = receipt(&home, number);
    assert_eq!(order(&by_requester), ["cheap/m"]);
    let from = &by_requester["chain_from"];
    assert_eq!(
        from,
        "chain house, by rule 2 `from:@northbend.co status:new`"
    );
    assert_eq!(order(&receipt(&home, other)), ["dear/m", "cheap/m"]);
    home.run(&["set", &number.to_string(), "+vip"]);
    assert_eq!(order(&receipt(&home, number)), ["dear/m"]);
}

#[test]
fn a_rule_that_cannot_be_right_is_named_with_its_place() {
    let home = Home::new();
    home.config(
        "[[rules]]\nwhen = \"is:nice\"\nchain = \"strong\"\n[[rules]]\nchain = \"defalt\"\n\
         [chains.default]\nlinks = [\"openai/gpt-4o\", \"anthropic/claude-haiku-4-5\"]\n",
    );

    let said = home.run(&["config", "check"]);

    assert_eq!(said.code, 2);
    let all = format!("{}{}", said.stdout, said.stderr);
    for words in [
        ":2:",
        "`is:nice` means nothing",
        ":3:",
        "there is no chain `strong`",
        "does not say when it fits",
        "Did you mean default?",
    ] {
        assert!(all.contains(words), "{words}: {all}");
    }
}

#[test]
fn routing_puts_links_in_order() {
    let (home, _server, number) = desk(CAP);
    let config = std::fs::read_to_string(home.path("config.toml")).expect("the config");
    for (routing, first) in [("priority", "dear/m"), ("cost", "cheap/m")] {
        home.config(&format!("{config}routing = \"{routing}\"\n"));
        let made = receipt(&home, number);
        assert_eq!(order(&made)[0], first, "{routing}");
    }
    // The slower one has answered already, the other never: what is known goes first.
    home.config(&format!("{config}routing = \"latency\"\n"));
    assert_eq!(order(&receipt(&home, number)).len(), 2);
    home.config(&format!("{config}routing = \"balanced\"\n"));
    let firsts: Vec<String> = (0..12)
        .map(|_| order(&receipt(&home, number)).swap_remove(0))
        .collect();
    assert!(firsts.iter().any(|link| link == "dear/m"), "{firsts:?}");
    assert!(firsts.iter().any(|link| link == "cheap/m"), "{firsts:?}");
}

#[test]
fn from_a_percentage_on_the_cheaper_link_goes_first() {
    let (home, _server, number) = desk("[spend]\ncap_month_usd = 5\ndowngrade_at = 1\n");

    let before = receipt(&home, number);
    assert_eq!(order(&before)[0], "dear/m");
    home.run(&["spend", "cap", "0.05"]);
    let after = receipt(&home, number);

    assert_eq!(order(&after)[0], "cheap/m");
    let from = after["chain_from"].as_str().expect("words");
    assert!(
        from.contains("cheapest first from 1 % of the cap on"),
        "{from}"
    );
}

#[test]
fn the_decision_is_explained_without_a_call() {
    let (home, _server, number) = desk(CAP);
    let ticket = number.to_string();

    let ran = home.run(&["chain", "explain", "--ticket", &ticket, "--json"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let view = ran.json();
    assert_eq!(view["asked_now"], "dear/m");
    let links = view["links"].as_array().expect("links");
    assert_eq!(links[1]["verdict"], "backup");
    assert_eq!(links[0]["key"], "needs none");
    assert_eq!(links[0]["window_because"], "not known");
    assert!(links[0]["estimate_at_most_usd"].as_str() > links[1]["estimate_at_most_usd"].as_str());
    assert!(
        home.run(&["receipts", "--json"]).lines().is_empty(),
        "nothing was asked"
    );
    let nobody = home.run(&["chain", "explain", "--chain", "openai/gpt-4o", "--json"]);
    assert_eq!(nobody.code, 4);
    assert_eq!(nobody.json()["asked_now"], Value::Null);
    let words = home.run(&["chain", "explain"]).stdout;
    assert!(words.contains("> 1  dear/m"), "{words}");
    let doctor = home.run(&["doctor"]).stdout;
    assert!(doctor.contains("key of dear: none is needed"), "{doctor}");
}

#[test]
fn ready_chains_are_written_with_names_that_hold_today() {
    let home = Home::new();
    home.config("# mine\n[spend]\ncap_month_usd = 5 # enough\n");

    let added = home
        .run(&["chain", "add", "--preset", "general", "--json"])
        .json();

    assert_eq!(added["links"].as_array().map(Vec::len), Some(3));
    let written = std::fs::read_to_string(home.path("config.toml")).expect("the config");
    assert!(
        written.starts_with("# mine\n[spend]\ncap_month_usd = 5 # enough\n"),
        "{written}"
    );
    assert!(written.contains("[chains.default]"), "{written}");
    assert!(
        !written.contains("google/"),
        "aliases are followed: {written}"
    );
    let again = home.run(&["chain", "add", "--preset", "cost"]);
    assert_eq!(again.code, 1);
    assert_eq!(
        home.run(&["chain", "add", "--preset", "cost", "cheap"])
            .code,
        0
    );
    assert_eq!(
        home.run(&["chain", "add", "--preset", "code", "code"]).code,
        0
    );
    let check = home.run(&["config", "check"]);
    assert_eq!(check.code, 0, "{}{}", check.stdout, check.stderr);
    let listed = home.run(&["chain", "list", "--json"]).lines();
    assert_eq!(listed.len(), 3);
    let by_name = home
        .run(&["chain", "explain", "--chain", "cheap", "--json"])
        .json();
    assert_eq!(by_name["chain"].as_array().map(Vec::len), Some(3));
    let unknown = home.run(&["chain", "explain", "--chain", "dear"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("chains are: cheap, code, default"),
        "{}",
        unknown.stderr
    );
}
