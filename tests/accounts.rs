//! Accounts on the command line, without a server.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "accounts need a part of it")]
mod program;

use std::fs;

use program::Home;

#[test]
fn when_no_server_is_found_the_way_to_name_it_is_told_and_nothing_is_kept() {
    let home = Home::new();

    let ran = home.run_with(
        &["account", "add", "support@acme.invalid", "--password-stdin"],
        "never-sent\n",
    );

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    for words in [
        "No server with the mail of support@acme.invalid was found",
        "acme.invalid (no such domain exists)",
        "--imap imaps://imap.acme.invalid:993 --smtp smtps://smtp.acme.invalid:465",
    ] {
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(!home.path("config.toml").exists());
}

#[test]
fn an_account_that_is_named_whole_is_written_beside_what_is_there() {
    let home = Home::new();
    let before = "# mine\n[spend]\ncap_month_usd = 5 # enough\n";
    home.config(before);

    let ran = home.run(&[
        "account",
        "add",
        "support@acme.invalid",
        "--imap",
        "imaps://imap.acme.invalid",
        "--smtp",
        "smtps://smtp.acme.invalid",
        "--password-command",
        "printf secret",
        "--since",
        "8w",
        "--no-test",
        "--json",
    ]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.json()["found_by"], serde_json::Value::Null);
    let config = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert_eq!(
        config,
        format!(
            "{before}\n[accounts.\"support@acme.invalid\"]\n\
             imap = \"imaps://imap.acme.invalid:993\"\nsmtp = \"smtps://smtp.acme.invalid:465\"\n\
             password_command = [\"printf\", \"secret\"]\nsince = \"56d\"\n"
        )
    );
}
