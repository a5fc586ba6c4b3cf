//! What is set up, what is wrong with it, and where it is.

use serde_json::json;

use crate::program::Home;

#[test]
fn what_is_wrong_is_said_on_stderr_with_an_exit_code() {
    let home = Home::new();
    let number = home.file("Hello", "Maya", "Hello");
    let number = number.to_string();
    for (args, code, says) in [
        (vec!["nonsense"], 2, "Usage"),
        (vec!["show", "999999"], 1, "deskhand tickets"),
        (vec!["tickets", "status:opne"], 2, "open"),
        (vec!["set", &number, "status=merged"], 1, "merg"),
        (vec!["set", &number, "colour=red"], 2, "status=open"),
        (vec!["spend", "cap", "twenty"], 2, "20"),
        (vec!["receipts", "show", "zzz"], 1, "receipts"),
        (vec!["keys", "set", "nobody"], 2, "nobody"),
        (
            vec!["--config", "/nowhere/c.toml", "config", "check"],
            2,
            "",
        ),
    ] {
        let ran = home.run(&args);
        assert_eq!(ran.code, code, "{args:?}: {} {}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains(says) && (ran.stdout.is_empty() || says.is_empty()),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_wrong_config_stops_with_every_finding() {
    let home = Home::new();
    home.config("[spend]\ncap_mnth_usd = 20\n[providers.anthropic]\napi_key = \"sk-ant-secret-0123456789\"\n");

    let check = home.run(&["config", "check", "--json"]);
    let spend = home.run(&["spend"]);

    assert_eq!((check.code, spend.code), (2, 2));
    let findings = check.json()["findings"]
        .as_array()
        .expect("findings")
        .clone();
    assert!(findings.len() >= 2, "{findings:?}");
    assert_eq!(
        (&findings[0]["line"], &findings[0]["column"]),
        (&json!(2), &json!(1))
    );
    assert!(spend.stderr.contains("cap_month_usd"), "{}", spend.stderr);
    for said in [check.stdout, check.stderr, spend.stderr] {
        assert!(!said.contains("secret-0123456789"));
    }
}

#[test]
fn a_provider_that_is_set_up_wrongly_is_not_called_absent() {
    let home = Home::new();
    home.config(
        "[providers.mine]\ntype = \"openai\"\nbase_url = \"nonsense\"\n\
         [chains.default]\nlinks = [\"mine/gpt-4o-mini\", \"absent/gpt-4o-mini\"]\n",
    );

    let said = home.run(&["config", "check"]);

    assert_eq!(said.code, 2);
    let said = said.stdout + &said.stderr;
    assert!(
        said.contains("absent/gpt-4o-mini names no provider"),
        "{said}"
    );
    assert!(
        !said.contains("mine/gpt-4o-mini names no provider"),
        "{said}"
    );
}

#[test]
fn places_settings_and_models_are_told() {
    let home = Home::new();
    home.config("[spend]\ncap_month_usd = 7.5\n[store]\nurl = \"postgres://u:hunter2@db/x\"\n");

    let path = home.run(&["config", "path", "--json"]).json();
    let show = home.run(&["config", "show", "--json"]);

    assert_eq!(path["data"], home.data().display().to_string());
    assert!(
        show.code == 0 && !show.stdout.contains("hunter2"),
        "{}",
        show.stdout
    );
    home.config("");
    let keys = home.run(&["keys", "list", "--json"]).lines();
    assert!(
        keys.iter()
            .any(|key| key["provider"] == "anthropic" && key["origin"] == "missing")
    );
    let models = home.run(&["models", "--json"]).lines();
    assert!(
        models
            .iter()
            .any(|model| model["price_in_usd_per_million"].is_string())
    );
}

#[test]
fn a_key_is_never_printed_and_never_kept_without_a_keyring() {
    let home = Home::new();
    let key = "sk-test-0123456789abcdef";

    let ran = home.run_with(
        &["keys", "set", "anthropic", "--no-verify"],
        &format!("{key}\n"),
    );

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("api_key"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(key) && !ran.stdout.contains(key));
}
