//! The page itself: its commands, its fallback, its models.

use super::*;

#[test]
fn the_page_is_checked_in_its_own_words() {
    let Some(page) = page() else { return };
    let home = Home::new();
    fs::write(home.path("config.yaml"), page).expect("a file");
    let ticks = [
        "✓ Config valid",
        "✓ Providers: openai, anthropic",
        "✓ Models: gpt-4, gpt-3.5-turbo, claude-3-sonnet, claude-3-opus",
        "✓ Fallback chains verified",
    ];

    for args in [
        ["config", "check", "config.yaml"].as_slice(),
        &["validate-config", "config.yaml"],
        &["--config", "config.yaml", "validate-config"],
    ] {
        let with = with_keys(&home, args);
        assert_eq!(with.code, 0, "{}{}", with.stdout, with.stderr);
        assert_eq!(with.stdout.lines().take(4).collect::<Vec<_>>(), ticks);
        assert!(
            !with.stdout.contains("the environment has no"),
            "{}",
            with.stdout
        );

        let without = home.run(args);
        assert_eq!(without.code, 0, "{}{}", without.stdout, without.stderr);
        let lines: Vec<&str> = without.stdout.lines().collect();
        assert_eq!(lines[..4], ticks);
        for (variable, _) in KEYS {
            let told = format!("warning: the environment has no `{variable}`");
            let told = lines[4..].iter().filter(|line| line.contains(&told));
            assert_eq!(told.count(), 1, "{}", without.stdout);
        }
    }
    let answer = home
        .run(&["config", "check", "config.yaml", "--json"])
        .json();
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["shape"], "recipe");
    assert_eq!(answer["providers"], json!(["openai", "anthropic"]));
    assert_eq!(
        answer["models"][0],
        json!({
            "name": "gpt-4",
            "link": "openai/gpt-4",
            "chain": ["openai/gpt-4", "anthropic/claude-3-sonnet-20240229"],
        })
    );
    assert_eq!(
        answer["implied"],
        json!(["no_cap", "unknown_prices", "any_bearer", "failover"])
    );
}

#[test]
fn the_pages_keys_and_limits_are_listed() {
    let Some(page) = page() else { return };
    let home = Home::new();
    fs::write(home.path("config.yaml"), page).expect("a file");

    let with = with_keys(&home, &["--config", "config.yaml", "keys", "list"]);
    assert_eq!(with.code, 0, "{}", with.stderr);
    for (variable, secret) in KEYS {
        assert!(
            with.stdout.contains(&format!("from ${variable}")),
            "{}",
            with.stdout
        );
        assert!(!with.stdout.contains(secret), "{}", with.stdout);
    }
    let without = home.run(&["--config", "config.yaml", "list-keys"]);
    assert_eq!(without.code, 1, "{}", without.stdout);
    assert_eq!(
        without.stderr,
        "anthropic and openai have no key, so nobody takes over there.\n\
         Give it one: export ANTHROPIC_API_KEY=...; export OPENAI_API_KEY=...\n"
    );

    let limits = home.run(&[
        "--config",
        "config.yaml",
        "show-limits",
        "--provider",
        "anthropic",
    ]);
    assert_eq!(limits.code, 0, "{}", limits.stderr);
    assert_eq!(
        limits.stdout,
        "anthropic/claude-3-opus-20240229 (claude-3-opus)\n    configured  unknown\n    last seen   \
         unknown\nanthropic/claude-3-sonnet-20240229 (claude-3-sonnet)\n    configured  unknown\n    \
         last seen   unknown\n"
    );
    let wrong = home.run(&[
        "--config",
        "config.yaml",
        "limits",
        "--provider",
        "antropic",
    ]);
    assert_eq!(wrong.code, 2, "{}", wrong.stdout);
    assert!(wrong.stderr.contains("antropic"), "{}", wrong.stderr);
}

#[test]
fn the_page_falls_back_whichever_way_its_first_provider_is_down() {
    let Some(page) = page() else { return };
    for (key, is_refusing, class) in [
        ("sk-any", true, "unreachable"),
        // The simulator refuses a key that holds `wrong`.
        ("sk-wrong-key-for-testing", false, "key_refused"),
    ] {
        let home = Home::new();
        let (_server, at) = Server::sim(&home);
        fs::write(home.path("config.yaml"), &page).expect("a file");
        let number = home
            .file("Refund", "Maya", "Where is my refund?")
            .to_string();
        let url = |value: &Value| value.as_str().expect("an address").to_owned();
        let openai = if is_refusing {
            url(&at["refused"])
        } else {
            url(&at["base_urls"]["openai"]) + "/v1"
        };
        let mut command = home.command();
        let output = command
            .args(["--config", "config.yaml", "draft", &number, "--json"])
            .env("OPENAI_API_KEY", key)
            .env("ANTHROPIC_API_KEY", "sk-ant-any")
            .env("OPENAI_BASE_URL", openai)
            .env("ANTHROPIC_BASE_URL", url(&at["base_urls"]["anthropic"]))
            .output()
            .expect("it runs");

        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{said}");
        let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let attempts: Vec<(&Value, &Value)> = answer["receipt"]["attempts"]
            .as_array()
            .expect("attempts")
            .iter()
            .map(|attempt| (&attempt["provider"], &attempt["class"]))
            .collect();
        assert_eq!(
            attempts,
            [
                (&json!("openai"), &json!(class)),
                (&json!("anthropic"), &Value::Null)
            ]
        );
    }
}

#[test]
fn the_page_becomes_the_same_config_as_any_file() {
    let Some(page) = page() else { return };

    let config = good("config.yaml", &page);

    assert_eq!(config.serve.origin, Origin::Recipe);
    let openai = &config.providers[&ProviderName("openai".to_owned())];
    assert_eq!(openai.kind, ProviderKind::OpenAi);
    assert_eq!(openai.key, KeySource::Env("OPENAI_API_KEY".to_owned()));
    assert_eq!(openai.base_url, "https://api.openai.com");
    assert_eq!(openai.models.len(), 2);
    assert_eq!(config.spend.cap, Cap::None);
    assert!(config.spend.allow_unknown_prices);
    assert_eq!(config.engine.policy.on_auth_error, OnAuthError::Failover);
    assert!(config.serve.any_bearer);
    let chain = |model: &str| {
        let links = config.chain_for_model(model).expect("a chain");
        links.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let sonnet = "anthropic/claude-3-sonnet-20240229";
    assert_eq!(chain("gpt-4"), ["openai/gpt-4", sonnet]);
    assert_eq!(chain("gpt-3.5-turbo"), ["openai/gpt-3.5-turbo", sonnet]);
    assert_eq!(chain("claude-3-sonnet"), [sonnet]);
    assert_eq!(chain("auto"), ["openai/gpt-4", sonnet]);
}

#[test]
fn every_model_of_the_other_page_can_be_asked_for() {
    let config = good("c.yaml", OWN);

    for (model, wanted) in [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4-5"),
        (
            "google/gemini-3-flash-preview",
            "gemini/gemini-3-flash-preview",
        ),
        ("deepseek/deepseek-chat", "deepseek/deepseek-chat"),
        ("openai/gpt-4o-mini", "openai/gpt-4o-mini"),
    ] {
        let links = config.chain_for_model(model).expect("a chain");
        assert_eq!(links[0].to_string(), wanted);
    }
}
