//! What is around the file: the environment, the commands that write, the doctor.

use super::*;

#[test]
fn the_environment_says_where_the_two_are_asked_unless_the_file_does() {
    let env = |name: &str| match name {
        "OPENAI_BASE_URL" => Some(" http://127.0.0.1:9/v1/ ".to_owned()),
        "ANTHROPIC_BASE_URL" => Some("https://gateway.example/anthropic".to_owned()),
        _ => None,
    };
    let text = "[providers.openai]\n[providers.own]\ntype = \"openai\"\n\
                base_url = \"https://api.openai.com\"\n[providers.second]\ntype = \"anthropic\"\n";

    let (config, findings) = look("c.toml", text, &env).expect("a config");

    assert_eq!(findings, Vec::new());
    let asked = |name: &str| {
        config.providers[&ProviderName(name.to_owned())]
            .base_url
            .as_str()
    };
    assert_eq!(asked("openai"), "http://127.0.0.1:9/v1");
    assert_eq!(asked("own"), "https://api.openai.com");
    assert_eq!(asked("second"), "https://gateway.example/anthropic");
    let shown = config.to_json();
    // Of the others only their address is known.
    assert_eq!(
        shown["providers"]["openai-responses"],
        json!({"base_url": "http://127.0.0.1:9/v1"})
    );

    // What cannot be used is an error where the file wants it, and else keeps one from being asked.
    let bad = |name: &str| (name == "OPENAI_BASE_URL").then(|| "http://far.example/v1".to_owned());
    let errors = look("c.toml", "[providers.openai]\n", &bad).expect_err("an error");
    assert_eq!(errors[0].severity, Severity::Error);
    assert!(errors[0].message.contains("OPENAI_BASE_URL"), "{errors:?}");
    let (config, findings) = look("c.toml", "", &bad).expect("a warning");
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let openai = &config.addresses[&ProviderName("openai".to_owned())];
    assert_eq!(openai.base_url, None);
    assert!(
        look(
            "c.toml",
            "[providers.openai]\nallow_plain_http = true\n",
            &bad
        )
        .is_ok()
    );
}

#[test]
fn a_file_that_is_not_toml_is_read_and_never_written() {
    let home = Home::new();
    let file = home.path("c.yaml");
    let text = "spend:\n  cap_month_usd: 20 # enough\n";
    fs::write(&file, text).expect("a file");

    let ran = home.run(&["--config", "c.yaml", "spend", "cap", "30"]);

    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("is YAML"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cap_month_usd = \"30\""),
        "{}",
        ran.stderr
    );
    assert_eq!(fs::read_to_string(&file).expect("a file"), text);
    let shown = home.run(&["--config", "c.yaml", "config", "show", "--json"]);
    assert_eq!(shown.json()["spend"]["cap_month_usd"], "20");
}

#[test]
fn the_doctor_names_a_missing_key_and_another_address() {
    let home = Home::new();
    fs::write(home.path("c.yaml"), OWN).expect("a file");
    let mut command = home.command();
    let output = command
        .args(["--config", "c.yaml", "doctor", "--json"])
        .env("FIRST_KEY", "x")
        .env("OPENAI_BASE_URL", "http://127.0.0.1:9")
        .output()
        .expect("it runs");

    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let checks: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let check = |what: &str| {
        let found = checks.iter().find(|check| check["what"] == what);
        found.unwrap_or_else(|| panic!("{what}: {stdout}"))
    };
    assert_eq!(check("key of second")["state"], "broken");
    assert_eq!(check("key of second")["fix"], "export SECOND_KEY=...");
    assert_eq!(
        check("address of first")["seen"],
        "http://127.0.0.1:9, out of OPENAI_BASE_URL"
    );
}
