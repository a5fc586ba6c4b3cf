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

#[test]
fn a_sign_in_is_read_and_shown_and_what_is_wrong_with_it_is_told() {
    let home = Home::new();
    home.config(
        "[accounts.\"help@acme.invalid\"]\nlogin = \"google\"\nclient_id = \"id-1\"\n\
         [accounts.own]\naddress = \"own@acme.invalid\"\nimap = \"imaps://imap.acme.invalid\"\n\
         client_id = \"id-2\"\n\
         login = { device = \"https://id.acme.invalid/d\", token = \"https://id.acme.invalid/t\", \
         scope = \"mail\" }\n",
    );
    let listed = home.run(&["account", "list", "--json"]).lines();
    assert_eq!(listed[0]["imap"], "imaps://imap.gmail.com:993");
    assert_eq!(listed[0]["smtp"], "smtps://smtp.gmail.com:465");
    assert_eq!(listed[0]["password"], "sign_in");
    let shown = home.run(&["config", "show", "--json"]).json();
    assert_eq!(shown["accounts"]["help@acme.invalid"]["login"], "google");
    assert_eq!(
        shown["accounts"]["own"]["login"]["token"],
        "https://id.acme.invalid/t"
    );

    for (wrong, words) in [
        ("login = \"yahoo\"", "`yahoo` is no way to sign in"),
        ("login = \"google\"", "needs a client_id"),
        (
            "login = \"google\"\nclient_id = \"x\"\npassword_command = \"pass\"",
            "`password_command` is not used beside `login`",
        ),
        ("client_id = \"x\"", "`client_id` goes with a `login`"),
        (
            "client_id = \"x\"\nlogin = { device = \"http://acme.invalid/d\" }",
            "`device` is no place for secrets",
        ),
        (
            "client_id = \"x\"\nlogin = { token = \"https://acme.invalid/t\", scope = \"m\" }",
            "does not say where to sign in",
        ),
    ] {
        home.config(&format!(
            "[accounts.\"a@acme.invalid\"]\nimap = \"imaps://acme.invalid\"\n{wrong}\n"
        ));
        let checked = home.run(&["config", "check"]);
        assert_eq!(checked.code, 2, "{wrong}");
        let told = format!("{}{}", checked.stdout, checked.stderr);
        assert!(told.contains(words), "{words} is not in: {told}");
    }
}

#[test]
fn the_doctor_says_how_each_account_stands_without_asking_its_servers() {
    let home = Home::new();
    home.config(
        "[accounts.\"a@acme.invalid\"]\nimap = \"imaps://acme.invalid\"\n\
         smtp = \"smtps://acme.invalid\"\npassword_command = \"printf secret\"\n\
         [accounts.\"b@acme.invalid\"]\nimap = \"imaps://acme.invalid\"\n\
         password_command = \"false\"\n",
    );

    let lines = home.run(&["doctor", "--json"]).lines();

    let of = |address: &str| {
        let what = format!("account {address}");
        let line = lines.iter().find(|line| line["what"] == what.as_str());
        line.unwrap_or_else(|| panic!("no line about {address}"))
            .clone()
    };
    assert_eq!(of("a@acme.invalid")["state"], "ok");
    assert_eq!(
        of("a@acme.invalid")["seen"],
        "reads from imaps://acme.invalid:993, sends by smtps://acme.invalid:465; a command writes \
         its password"
    );
    assert_eq!(of("b@acme.invalid")["state"], "broken");
}

#[test]
fn an_account_with_a_token_is_written_with_the_servers_of_its_service() {
    let home = Home::new();

    let ran = home.run(&[
        "account",
        "add",
        "support@acme.invalid",
        "--login",
        "microsoft",
        "--client-id",
        "id-1",
        "--client-secret-command",
        "pass show id",
        "--no-test",
    ]);
    let tested = home.run(&["account", "login", "other@acme.invalid"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("`deskhand account login`"),
        "{}",
        ran.stdout
    );
    let config = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert_eq!(
        config,
        "[accounts.\"support@acme.invalid\"]\nimap = \"imaps://outlook.office365.com:993\"\n\
         smtp = \"smtp://smtp.office365.com:587\"\nlogin = \"microsoft\"\nclient_id = \"id-1\"\n\
         client_secret_command = [\"pass\", \"show\", \"id\"]\n"
    );
    assert_eq!(tested.code, 2, "{}", tested.stderr);
    let with_password = home.run(&[
        "account",
        "add",
        "support@acme.invalid",
        "--imap",
        "imaps://imap.acme.invalid",
        "--password-command",
        "printf secret",
        "--no-test",
    ]);
    assert_eq!(with_password.code, 0, "{}", with_password.stderr);
    let config = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert!(
        !config.contains("client") && !config.contains("login"),
        "{config}"
    );
    let refused = home.run(&["account", "login", "support@acme.invalid"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("has a password"),
        "{}",
        refused.stderr
    );
}
