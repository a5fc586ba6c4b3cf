//! `TokenPak`'s recipe for fallback, as its page has it: its config is read unchanged, its commands
//! answer, and its pitfalls are found. The page is read where it lies, beside the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may panic and says what it could not read"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "the recipe needs a part of it")]
mod program;

use std::{fs, path::Path};

use deskhand::{
    config::{
        Around, Config, Finding, Implied, Missing, Origin, Severity, env,
        finding::Finding as Found, read,
    },
    desk::settings::known,
    domain::{Cap, KeySource, ProviderKind, ProviderName},
    engine::policy::OnAuthError,
};
use program::{Home, Ran, Server};
use serde_json::{Value, json};

const KEYS: [(&str, &str); 2] = [
    ("OPENAI_API_KEY", "sk-fake-key-for-testing"),
    ("ANTHROPIC_API_KEY", "sk-ant-real-key"),
];

/// Returns the page's config, or says that the page is not here.
fn page() -> Option<String> {
    let corpus = env::var("DESKHAND_CORPUS")
        .unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus").to_owned());
    let file = Path::new(&corpus).join("../recipes/tokenpak-fallback.txt");
    let Ok(page) = fs::read_to_string(&file) else {
        eprintln!("skipped: {} is not here", file.display());
        return None;
    };
    let (_, behind) = page.split_once("# config.yaml\n").expect("the snippet");
    let (snippet, _) = behind.split_once("Test & Verify").expect("its end");
    Some(snippet.to_owned())
}

/// The same shape in words of our own, for where the page is not.
const OWN: &str = "\
providers:
  first:
    type: openai
    api_key: ${FIRST_KEY}
    models:
      gpt-4o: {}
      gpt-4o-mini:
        limits: { requests_per_minute: 500 }
  second:
    type: anthropic
    api_key: ${SECOND_KEY}
    limits:
      requests_per_minute: 50
      tokens_per_minute: 30000
    models:
      claude-haiku-4-5:
models:
  gpt-4o-mini:
    provider: first
    fallback_to: claude-haiku-4-5
  gpt-4o:
    provider: first
    fallback_to: gpt-4o-mini
  claude-haiku-4-5:
    provider: second
";

fn look(
    file: &str,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    let around = Around {
        known: &known(),
        env,
        missing: Missing::Fine,
        prices: &[],
        today: jiff::civil::date(2026, 11, 25),
    };
    read(Path::new(file), text, &around)
}

/// Reads a variable of the recipe's keys, and no other: an address is one too.
fn keys_set(name: &str) -> Option<String> {
    name.ends_with("_KEY").then(|| "value".to_owned())
}

fn good(file: &str, text: &str) -> Config {
    let read = look(file, text, &keys_set);
    read.unwrap_or_else(|findings| panic!("{findings:#?}")).0
}

/// Returns the findings as lines, without the file's name.
fn found(text: &str) -> Vec<String> {
    let findings = match look("c.yaml", text, &keys_set) {
        Ok((_, findings)) | Err(findings) => findings,
    };
    let lines = findings.iter().map(ToString::to_string);
    lines.map(|line| line.replacen("c.yaml:", "", 1)).collect()
}

/// Runs a command with a variable for each key.
fn with_keys(home: &Home, args: &[&str]) -> Ran {
    let mut command = home.command();
    let output = command.args(args).envs(KEYS).output().expect("it runs");
    Ran {
        code: output.status.code().expect("it ends"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

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

#[test]
fn the_shape_is_the_same_in_toml_yaml_and_json() {
    let yaml = good("c.yaml", OWN);
    let toml = good(
        "c.toml",
        "[providers.first]\ntype = \"openai\"\napi_key = \"${FIRST_KEY}\"\n\
         models = { gpt-4o = {}, gpt-4o-mini = { limits = { requests_per_minute = 500 } } }\n\
         [providers.second]\ntype = \"anthropic\"\napi_key = \"${SECOND_KEY}\"\n\
         limits = { requests_per_minute = 50, tokens_per_minute = 30_000 }\n\
         models.claude-haiku-4-5 = {}\n\
         [models.gpt-4o-mini]\nprovider = \"first\"\nfallback_to = \"claude-haiku-4-5\"\n\
         [models.gpt-4o]\nprovider = \"first\"\nfallback_to = \"gpt-4o-mini\"\n\
         [models.claude-haiku-4-5]\nprovider = \"second\"\n",
    );
    let json = good(
        "c.json",
        r#"{
            "providers": {
                "first": {"type": "openai", "api_key": "${FIRST_KEY}", "models":
                    {"gpt-4o": {}, "gpt-4o-mini": {"limits": {"requests_per_minute": 500}}}},
                "second": {"type": "anthropic", "api_key": "${SECOND_KEY}", "models":
                    {"claude-haiku-4-5": null},
                    "limits": {"requests_per_minute": 50, "tokens_per_minute": 30000}}
            },
            "models": {
                "gpt-4o-mini": {"provider": "first", "fallback_to": "claude-haiku-4-5"},
                "gpt-4o": {"provider": "first", "fallback_to": "gpt-4o-mini"},
                "claude-haiku-4-5": {"provider": "second"}
            }
        }"#,
    );

    for other in [&toml, &json] {
        assert_eq!(other.to_json(), yaml.to_json());
        assert_eq!(other.serve, yaml.serve);
    }
    let names: Vec<&str> = yaml
        .serve
        .models
        .iter()
        .map(|model| model.name.as_str())
        .collect();
    assert_eq!(names, ["gpt-4o-mini", "gpt-4o", "claude-haiku-4-5"]);
    let links = yaml.chain_for_model("gpt-4o").expect("a chain");
    let links: Vec<String> = links.iter().map(ToString::to_string).collect();
    assert_eq!(
        links,
        [
            "first/gpt-4o",
            "first/gpt-4o-mini",
            "second/claude-haiku-4-5"
        ]
    );
    let limits = yaml.limits.of(&links[1].parse().expect("a link"));
    assert_eq!(
        (limits.requests_per_minute, limits.tokens_per_minute),
        (Some(500), None)
    );
}

#[test]
fn any_config_may_be_yaml_or_json() {
    let yaml = good(
        "c.yml",
        "spend:\n  cap_month_usd: 0.50\n  alerts: [50, 90]\nengine:\n  clocks: {gap: 4s}\n\
         chains:\n  default:\n    links: [openai/gpt-4o-mini, anthropic/claude-haiku-4-5]\n\
         keys:\n  draft: [d, ctrl+g]\n",
    );
    let json = good(
        "c.json",
        "{\"spend\": {\"cap_month_usd\": 0.50, \"alerts\": [50, 90]}, \"engine\": {\"clocks\": \
         {\"gap\": \"4s\"}}, \"chains\": {\"default\": {\"links\": [\"openai/gpt-4o-mini\", \
         \"anthropic/claude-haiku-4-5\"]}}, \"keys\": {\"draft\": [\"d\", \"ctrl+g\"]}}",
    );

    assert_eq!(
        yaml.spend.cap,
        Cap::Month("0.5".parse().expect("an amount"))
    );
    assert_eq!(yaml.serve.origin, Origin::Own);
    assert_eq!(yaml.serve.implied, Vec::<Implied>::new());
    assert_eq!(yaml.to_json(), json.to_json());
    assert_eq!(yaml.default_chain().map(<[_]>::len), Some(2));
}

#[test]
fn the_four_pitfalls_are_found() {
    // Too short: nobody takes over for what is asked first.
    let short = OWN.replace("    fallback_to: claude-haiku-4-5\n", "");
    assert_eq!(
        found(&short),
        [
            "22:18: warning: All links of the chain are at first: when it is down, none answers.",
            "23:3: warning: The chain has only second/claude-haiku-4-5: when it fails, no other \
             model takes over.",
        ]
    );
    // A circle, at the first line of it.
    let circle = OWN.replace(
        "    provider: second\n",
        "    provider: second\n    fallback_to: gpt-4o\n",
    );
    assert_eq!(
        found(&circle),
        [
            "20:18: error: fallback_to leads in a circle: first/gpt-4o, then first/gpt-4o-mini, then \
             second/claude-haiku-4-5, then first/gpt-4o. Remove one of these lines."
        ]
    );
    // A missing key.
    let read = look("c.yaml", OWN, &|name| {
        (name == "FIRST_KEY").then(|| "x".to_owned())
    });
    let (_, warnings) = read.expect("a warning at most");
    let missing: Vec<String> = warnings
        .iter()
        .filter(|found: &&Found| found.message.contains("environment"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        missing,
        [
            "c.yaml:11:14: warning: the environment has no `SECOND_KEY`, so second has no key. Set \
             it, or run `deskhand keys set second` and remove this line."
        ]
    );
    // A backup that takes less, in one figure or in both.
    let lower = |text: &str| -> Vec<String> {
        let limits = found(text).into_iter();
        limits.filter(|line| line.contains("a minute")).collect()
    };
    assert_eq!(
        lower(OWN),
        [
            "20:18: warning: The backup second/claude-haiku-4-5 takes only 50 requests a minute, \
             first/gpt-4o-mini takes 500: an outage may run into that limit. Have the limit raised, \
             or ask another model before it."
        ]
    );
    let both = "gpt-4o: {limits: {requests_per_minute: 60, tokens_per_minute: 40000}}";
    assert_eq!(
        lower(&OWN.replace("gpt-4o: {}", both)),
        [
            "20:18: warning: The backup second/claude-haiku-4-5 takes only 50 requests and 30000 \
             tokens a minute, first/gpt-4o takes 60 and 40000: an outage may run into that limit. \
             Have the limit raised, or ask another model before it."
        ]
    );
}

#[test]
fn what_is_wrong_has_its_line_and_repeats_no_key() {
    let key = "sk-ant-api03-4711abcdef0815";
    for (text, line) in [
        (
            OWN.replace("${FIRST_KEY}", key),
            "4:14: error: a key must not stand in the config",
        ),
        (
            OWN.replace("provider: second", "provider: secnod"),
            "25:15: error: there is no provider `secnod`. Did you mean second?",
        ),
        (
            OWN.replace("fallback_to: claude-haiku-4-5", "fallback_to: claude-hiaku"),
            "20:18: error: `claude-hiaku` is no model.",
        ),
        (
            OWN.replace("    type: openai", "    typ: openai"),
            "3:5: error: [providers.first] has no setting `typ`. Did you mean `type`?",
        ),
        (OWN.replace("    type: openai", "   type: openai"), "4:1"),
        (
            OWN.replace("      gpt-4o: {}\n", "      gpt-4o: {}\n      gpt-4o: {}\n"),
            "7:7: error: this name stands twice in its table.",
        ),
        (
            OWN.replace("      gpt-4o: {}\n", &format!("      {key}: {{}}\n")),
            "6:7: error: `...` (it looks like a key and is not repeated) is not the name of a model.",
        ),
    ] {
        let found = found(&text);
        assert!(
            found.iter().any(|said| said.starts_with(line)),
            "{line}: {found:#?}"
        );
        assert!(!found.concat().contains("4711"), "{found:#?}");
    }
}

#[test]
fn a_model_that_does_not_say_whose_it_is_is_found_at_its_provider() {
    let text = OWN.replace(
        "    provider: first\n    fallback_to: gpt-4o-mini\n",
        "    fallback_to: gpt-4o-mini\n",
    );
    let config = good("c.yaml", &text);
    assert_eq!(config.serve.models, good("c.yaml", OWN).serve.models);

    let twice = text.replace(
        "      claude-haiku-4-5:\n",
        "      claude-haiku-4-5:\n      gpt-4o:\n",
    );
    let said = found(&twice);
    assert!(
        said.contains(
            &"22:3: warning: `gpt-4o` is at first and at second. first is asked; say it with \
              `provider`."
                .to_owned()
        ),
        "{said:#?}"
    );
}

#[test]
fn what_the_file_says_goes_before_what_its_shape_implies() {
    let config = good(
        "c.yaml",
        &format!(
            "{OWN}spend: {{cap_month_usd: 20, allow_unknown_prices: false}}\n\
             engine: {{on_auth_error: bench}}\nserve: {{any_bearer: false, listen: 'localhost:9000'}}\n"
        ),
    );

    assert_eq!(
        config.spend.cap,
        Cap::Month("20".parse().expect("an amount"))
    );
    assert!(!config.spend.allow_unknown_prices);
    assert_eq!(config.engine.policy.on_auth_error, OnAuthError::Bench);
    assert!(!config.serve.any_bearer);
    assert_eq!(config.serve.listen.to_string(), "127.0.0.1:9000");
    assert_eq!(config.serve.implied, Vec::<Implied>::new());
}

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
