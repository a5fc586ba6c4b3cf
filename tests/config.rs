//! Config files, good and bad: every finding at once, each with its line and column, and never a
//! word of a key. `docs/config.md` and `docs/keys.md` are kept true here, too.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::format_push_string, reason = "a page is small")]

#[path = "config/chains.rs"]
mod chains;
#[path = "config/docs.rs"]
mod docs;
#[path = "config/findings.rs"]
mod findings;

use std::path::Path;

use deskhand::{
    config::{
        Around, Config, Finding, Known, Missing,
        action::{Action, Scope},
        keymap::Meaning,
        read,
    },
    domain::{
        Cap, KeySource, LinkName, ProviderKind, ProviderName,
        manner::{Auth, Habits, Site, WindowFrom},
    },
    engine::policy::{Hedging, OnAuthError, OnFault, Policy},
};
use secrecy::ExposeSecret as _;

const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 25);

const PLAIN: Habits = Habits {
    auth: Auth::Usual,
    without: &[],
    site: Site::Address,
    window: WindowFrom::Book,
};

const KNOWN: [Known; 3] = [
    Known {
        name: "anthropic",
        kind: ProviderKind::Anthropic,
        base_url: "https://api.anthropic.com",
        default_model: Some("claude-haiku-4-5"),
        wants_key: true,
        priced_like: Some("anthropic"),
        habits: PLAIN,
    },
    Known {
        name: "openai",
        kind: ProviderKind::OpenAi,
        base_url: "https://api.openai.com",
        default_model: Some("gpt-4o-mini"),
        wants_key: true,
        priced_like: Some("openai"),
        habits: PLAIN,
    },
    Known {
        name: "ollama",
        kind: ProviderKind::OpenAiCompatible,
        base_url: "http://127.0.0.1:11434/v1",
        default_model: None,
        wants_key: false,
        priced_like: None,
        habits: PLAIN,
    },
];

fn environment(name: &str) -> Option<String> {
    (name == "SET").then(|| "value-of-set".to_owned())
}

fn around() -> Around<'static> {
    Around {
        known: &KNOWN,
        env: &environment,
        missing: Missing::Fine,
        today: TODAY,
        prices: &[],
    }
}

fn look(text: &str) -> Result<(Config, Vec<Finding>), Vec<Finding>> {
    read(Path::new("config.toml"), text, &around())
}

/// Returns every finding as one line, without the file's name.
fn found(text: &str) -> Vec<String> {
    let findings = match look(text) {
        Ok((_, findings)) | Err(findings) => findings,
    };
    findings
        .iter()
        .map(|finding| finding.to_string().replacen("config.toml:", "", 1))
        .collect()
}

fn good(text: &str) -> Config {
    match look(text) {
        Ok((config, findings)) => {
            // What is said of a backup is advice: the file is right.
            let wrong: Vec<&Finding> = findings
                .iter()
                .filter(|finding| !finding.message.starts_with("The backup "))
                .collect();
            assert_eq!(wrong, Vec::<&Finding>::new(), "{text}");
            config
        }
        Err(findings) => panic!("{findings:#?}"),
    }
}

fn link(text: &str) -> LinkName {
    text.parse().unwrap()
}

const WHOLE: &str = r#"
[agent]
name = "Noor"
email = "noor@example.com"
signature = """
Noor
Support"""

[store]
url = "postgres://desk:${SET}@db/desk"

[providers.anthropic]
api_key = "${SET}"

[providers.local]
type = "openai-compatible"
base_url = "http://127.0.0.1:8080/v1/"
auth = "none"
models = ["llama"]
stream = false

[providers.openai]
api_key_command = "pass show 'my key'"

[models."local/llama"]
price_in_usd_per_million = 0
price_out_usd_per_million = 0
context_tokens = 8192
temper = "local"

[chains.default]
links = ["anthropic/claude-haiku-4-5", "openai/gpt-4o-mini", "local/llama"]

[spend]
cap_month_usd = 20
alerts = [90, 50]
pause_at_cap = false
time_zone = "europe/berlin"

[engine]
on_auth_error = "failover"
on_refusal = "failover"
on_model_gone = "stop"
on_no_credit = "stop"
hedge = true
parallel_drafts = 2
[engine.clocks]
first_text = "4s"

[ui]
keymap = "vim"
theme = "mono"

[keys]
draft = ["d", "ctrl+g"]
editor.save = "ctrl+x"
"#;

#[test]
fn an_empty_file_is_the_default_config() {
    let config = good("");

    assert_eq!(config.spend.cap, Cap::NotChosen);
    assert_eq!(config.spend.alerts, [50, 75, 100]);
    assert_eq!(config.engine.parallel_drafts, 3);
    assert_eq!(config.engine.output_limit, 1024);
    assert_eq!(config.engine.policy, Policy::default());
    assert!(config.default_chain().is_none());
}

#[test]
fn a_whole_file_is_read() {
    let config = good(WHOLE);

    assert_eq!(config.agent.signature.as_deref(), Some("Noor\nSupport"));
    let url = config.store.url.as_ref().unwrap().expose_secret();
    assert_eq!(url, "postgres://desk:value-of-set@db/desk");
    assert!(!format!("{config:?}").contains("value-of-set"));
    assert!(!config.to_toml().contains("value-of-set"));
    let provider = |name: &str| &config.providers[&ProviderName(name.to_owned())];
    assert_eq!(provider("anthropic").key, KeySource::Env("SET".into()));
    assert_eq!(provider("local").key, KeySource::NotNeeded);
    assert_eq!(provider("local").base_url, "http://127.0.0.1:8080/v1");
    let words = ["pass", "show", "my key"].map(str::to_owned).to_vec();
    assert_eq!(provider("openai").key, KeySource::Command(words));
    assert_eq!(config.default_chain().unwrap().len(), 3);
    assert_eq!(config.spend.cap, Cap::Month("20".parse().unwrap()));
    assert_eq!(config.spend.alerts, [50, 90]);
    assert_eq!(config.spend.time_zone, "Europe/Berlin");
    let policy = Policy {
        on_auth_error: OnAuthError::Failover,
        on_refusal: OnFault::Failover,
        on_model_gone: OnFault::Stop,
        on_no_credit: OnFault::Stop,
        hedge: Hedging::On,
        clocks: config.engine.policy.clocks.clone(),
        ..Policy::default()
    };
    assert_eq!(config.engine.policy, policy);
    let keymap = &config.ui.keymap;
    let press = |scope, keys: &str| {
        let keys: deskhand::config::chord::Sequence = keys.parse().unwrap();
        keymap.meaning(scope, &keys.0)
    };
    assert_eq!(press(Scope::Desk, "ctrl+g"), Meaning::Act(Action::Draft));
    assert_eq!(press(Scope::Editor, "ctrl+x"), Meaning::Act(Action::Save));
    assert_eq!(press(Scope::Editor, "ctrl+s"), Meaning::Nothing);
    assert_eq!(press(Scope::Desk, "Z Z"), Meaning::Act(Action::Quit));
}

#[test]
fn what_is_shown_can_be_read_again() {
    let config = good(
        "[providers.openai]\napi_key_command = [\"pass\"]\n[spend]\ncap_month_usd = \"none\"\n\
         [chains.x]\nlinks = [\"openai/gpt-4o\", \"anthropic/claude-haiku-4-5\"]\n",
    );

    let again = good(&config.to_toml());

    assert_eq!(again.spend, config.spend);
    assert_eq!(again.chains, config.chains);
    assert_eq!(again.providers, config.providers);
    assert_eq!(again.engine, config.engine);
}
