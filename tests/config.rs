//! Config files, good and bad: every finding at once, each with its line and column, and never a
//! word of a key. `docs/config.md` and `docs/keys.md` are kept true here, too.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::format_push_string, reason = "a page is small")]

use std::path::Path;

use deskhand::{
    config::{
        Around, Config, Finding, Known, Missing, Severity,
        action::{ACTIONS, Action, GROUPS, SCOPES, Scope},
        keymap::{Meaning, PRESETS, Preset},
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

#[test]
fn every_finding_comes_at_once_with_its_place() {
    let text = "\
[agnet]
name = 3
[spend]
cap_month_usd = \"much\"
alrets = [50]
pause_at_cap = \"yes\"
  time_zone = \"Europe/Berlni\"
[engine]
on_auth_error = \"bnech\"
parallel_drafts = 99
[engine.clocks]
gap = \"soon\"
";

    assert_eq!(
        found(text),
        [
            "1:2: error: the config has no setting `agnet`. Did you mean `agent`?",
            "4:17: error: `cap_month_usd` must be an amount in dollars such as 20 or \"0.50\".",
            "5:1: error: [spend] has no setting `alrets`. Did you mean `alerts`?",
            "6:16: error: `pause_at_cap` must be true or false.",
            "7:15: error: there is no time zone `Europe/Berlni`. Did you mean \"Europe/Berlin\"?",
            "9:17: error: `on_auth_error` cannot be `bnech`. Did you mean \"bench\"?",
            "10:19: error: `parallel_drafts` must be a whole number from 1 to 16.",
            "12:7: error: `gap` must be a time such as \"1.5s\", \"300ms\" or \"2m\", at most an hour.",
        ]
    );
}

#[test]
fn providers_are_checked() {
    let text = "\
[providers.antropic]
[providers.Mine]
[providers.mine]
type = \"openai-compatable\"
[providers.far]
type = \"openai-compatible\"
base_url = \"http://example.com/v1\"
[providers.nowhere]
type = \"openai-compatible\"
[providers.openai]
base_url = \"https://me:pw@example.com\"
auth = \"none\"
api_key = \"${SET}\"
[providers.two]
type = \"gemini\"
";

    assert_eq!(
        found(text),
        [
            "1:12: error: [providers.antropic] does not say its type. Did you mean \
             [providers.anthropic]? Else add type = \"anthropic\" or \"openai\" or \
             \"openai-responses\" or \"gemini\" or \"openai-compatible\".",
            "2:12: error: `Mine` cannot be the name of a provider. Use small letters, digits, `-`, \
             `_` and `.`, at most 40.",
            "4:8: error: `type` cannot be `openai-compatable`. Did you mean \"openai-compatible\"?",
            "7:12: error: http:// would show the key and the mail to the network. Use https://, or \
             add allow_plain_http = true if the network is yours.",
            "8:12: error: [providers.nowhere] needs a base_url. For example base_url = \
             \"http://127.0.0.1:11434/v1\".",
            "11:12: error: `base_url` must hold neither name nor password. Run `deskhand keys set` \
             for the key.",
            "13:11: error: auth = \"none\" says that no key is wanted, but one is named. Remove \
             one of the two.",
            "14:12: error: [providers.two] needs a base_url. For example base_url = \
             \"http://127.0.0.1:11434/v1\".",
        ]
    );
}

#[test]
fn a_key_in_the_file_is_refused_and_no_part_of_it_is_repeated() {
    let key = "sk-ant-api03-4711abcdef0815";
    for text in [
        format!("[providers.anthropic]\napi_key = \"{key}\""),
        format!("[providers.anthropic]\napi_key = \"${{{key}}}\""),
        format!("[providers.anthropic]\napi_key = \"${key}\""),
        format!("[providers.anthropic]\napi_key = {key}"),
        format!("[providers.anthropic]\napi_key = [\"{key}\"]"),
        format!("[providers.anthropic]\napi_key = '''{key}"),
        format!("[providers.anthropic]\nkey = \"{key}\""),
        format!("[providers.anthropic]\n{key} = 1"),
        format!("[providers.anthropic]\ntype = \"{key}\""),
        format!("[providers.anthropic]\nauth = \"{key}\""),
        format!("[providers.anthropic]\ndefault_model = \"{key}\""),
        format!("[providers.anthropic]\napi_key_command = \"{key}\""),
        format!("[providers.anthropic]\napi_key_command = [\"echo\", \"{key}\"]"),
        format!("[providers.anthropic]\nbase_url = \"https://{key}@x.com\""),
        format!("[providers.{key}]"),
        format!("[chains.default]\nlinks = [\"{key}\"]"),
        format!("[chains.default]\nlinks = [\"{key}/x\"]"),
        format!("[chains.{key}]"),
        format!("[models.\"{key}/x\"]\nfallback_to = \"{key}/y\""),
        format!("[ui.colours]\ntext = \"{key}\""),
        format!("[keys]\n{key} = \"{key}\"\ndraft = \"{key}\""),
        format!("[spend]\ntime_zone = \"{key}\"\ncap_month_usd = \"{key}\""),
        key.to_owned(),
    ] {
        let findings = look(&text).unwrap_err();
        let shown = format!("{findings:?} {findings:#?}");
        for part in ["4711", "0815", "abcdef", "api03"] {
            assert!(!shown.contains(part), "{text}\n{shown}");
        }
    }
    assert_eq!(
        found(&format!("[providers.anthropic]\napi_key = \"{key}\"")),
        [
            "2:11: error: a key must not stand in the config; api_key of anthropic may only name a \
             variable of the environment, as \"${NAME}\". Run `deskhand keys set anthropic` and \
             remove this line."
        ]
    );
}

#[test]
fn an_unset_variable_is_a_warning() {
    assert_eq!(
        found("[providers.openai]\napi_key = \"${AWAY}\""),
        [
            "2:11: warning: the environment has no `AWAY`, so openai has no key. Set it, or run \
             `deskhand keys set openai` and remove this line."
        ]
    );
}

#[test]
fn chains_are_checked() {
    let text = "\
[providers.local]
type = \"openai-compatible\"
base_url = \"http://localhost:1/v1\"
models = [\"llama\"]
[chains.default]
links = [\"antropic/x\", \"gpt-4x\", \"openai/gpt-4o\", \"openai/gpt-4o\", \"local/lama\"]
[chains.empty]
links = []
[chains.none]
[chains.one]
links = [\"openai/gpt-4o\"]
[chains.same]
links = [\"openai/gpt-4o\", \"openai/gpt-4o-mini\"]
[chains.unheard]
links = [\"openai/gpt-99\", \"anthropic/claude-haiku-4-5\"]
";

    assert_eq!(
        found(text),
        [
            "6:10: error: antropic/x names no provider of this config. Did you mean anthropic/x?",
            "6:24: error: `gpt-4x` is no model. Write provider/model, for example \
             openai/gpt-4o-mini.",
            "6:51: error: [chains.default] asks openai/gpt-4o twice. Remove one of the two.",
            "6:68: error: local lists no model `lama`. Did you mean local/llama?",
            "7:9: error: [chains.empty] has no links. Give it at least one.",
            "9:9: error: [chains.none] has no links. Add links = [\"provider/model\", \
             \"provider/model\"].",
            "11:10: warning: The chain has only openai/gpt-4o: when it fails, no other model takes \
             over.",
            "13:10: warning: All links of the chain are at openai: when it is down, none answers.",
            "15:10: warning: no price is known for openai/gpt-99, so it is not asked. Add \
             [models.\"openai/gpt-99\"] with price_in_usd_per_million and \
             price_out_usd_per_million (0 for a local one), or allow_unknown_prices = true below \
             [spend].",
        ]
    );
}

#[test]
fn fallback_to_is_the_other_spelling_of_a_chain() {
    let config = good(
        "[models.\"anthropic/claude-haiku-4-5\"]\nfallback_to = \"openai/gpt-4o-mini\"\n\
         [models.\"openai/gpt-4o-mini\"]\nfallback_to = \"openai/gpt-4o\"\n",
    );

    assert_eq!(
        config.default_chain().unwrap(),
        [
            link("anthropic/claude-haiku-4-5"),
            link("openai/gpt-4o-mini"),
            link("openai/gpt-4o")
        ]
    );
}

#[test]
fn a_dearer_or_smaller_backup_is_advised_of() {
    let said =
        found("[chains.default]\nlinks = [\"anthropic/claude-haiku-4-5\", \"openai/gpt-4o\"]\n");

    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[0].starts_with("2:10: warning: The backup openai/gpt-4o is dearer"),
        "{said:?}"
    );
    assert!(said[1].contains("takes 128000 tokens"), "{said:?}");
}

#[test]
fn a_circle_is_found_once() {
    let text = "\
[models.\"anthropic/claude-haiku-4-5\"]
fallback_to = \"openai/gpt-4o\"
[models.\"openai/gpt-4o\"]
fallback_to = \"anthropic/claude-haiku-4-5\"
[models.\"openai/gpt-4o-mini\"]
fallback_to = \"openai/gpt-4o-mini\"
";

    assert_eq!(
        found(text),
        [
            "2:15: error: fallback_to leads in a circle: anthropic/claude-haiku-4-5, then \
             openai/gpt-4o, then anthropic/claude-haiku-4-5. Remove one of these lines.",
            "6:15: error: fallback_to leads in a circle: openai/gpt-4o-mini, then \
             openai/gpt-4o-mini. Remove one of these lines.",
        ]
    );
}

#[test]
fn keys_are_checked() {
    let text = "\
[keys]
drfat = \"d\"
undo = \"d\"
redraft = [\"d d\", \"entr\"]
spam = \"gg\"
[keys.editor]
save = \"s\"
[keys.pickr]
";

    assert_eq!(
        found(text),
        [
            "2:1: error: there is no action `drfat`. Did you mean `draft`?",
            "4:12: error: `dd` for redraft is in the way of `d` for undo in line 3. Change one of \
             the two.",
            "4:19: error: `entr` is no key. Did you mean \"enter\"?",
            "5:8: error: `gg` is no key. Did you mean \"g g\"?",
            "7:8: error: `s` is text in the editor. Use a chord with Ctrl or Alt, or a named key.",
            "8:7: error: there is no action `pickr`. docs/keys.md lists them all.",
        ]
    );
    assert_eq!(
        found("[keys]\nundo = \"d\""),
        [
            "2:8: warning: `d` for undo takes `d` from draft, which has no key now. Bind draft to \
             another key; the palette has it too."
        ]
    );
    assert_eq!(
        found("[keys]\nundo = \"d\"\ndraft = \"u\""),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_not_toml_says_where() {
    for (text, place) in [
        ("[spend\n", "1:"),
        ("a = \n", "1:"),
        ("\n\nx = 'y\n", "3:"),
        ("[spend]\n[spend]\n", "2:"),
        ("= 3", "1:"),
    ] {
        let findings = look(text).unwrap_err();
        let first = findings.first().unwrap();
        assert_eq!(first.severity, Severity::Error);
        assert!(
            first
                .to_string()
                .starts_with(&format!("config.toml:{place}")),
            "{text:?}: {first}"
        );
    }
}

#[test]
fn a_file_is_loaded_or_said_to_be_missing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.toml");
    let load = |missing| {
        let around = Around {
            missing,
            ..around()
        };
        deskhand::config::load(&file, &around)
    };

    assert!(load(Missing::Fine).is_ok());
    assert!(load(Missing::Wrong).is_err());
    std::fs::write(&file, b"# ok\n\xff").unwrap();
    let findings = load(Missing::Fine).unwrap_err();
    assert!(findings[0].message.contains("line 2"), "{}", findings[0]);
    std::fs::write(&file, "\u{feff}[spend]\ncap_month_usd = 5").unwrap();
    assert_eq!(
        load(Missing::Wrong).unwrap().0.spend.cap,
        Cap::Month("5".parse().unwrap())
    );
}

/// Compares a page with the committed one; `DESKHAND_BLESS=1` writes it.
fn compare(page: &str, written: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    if deskhand::config::env::var("DESKHAND_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, written).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == written,
        "docs/{page} is not what the program says: DESKHAND_BLESS=1 cargo test --test config"
    );
}

#[test]
fn docs_keys_is_true() {
    let mut page = String::from(
        "# Keys\n\nWritten by a test out of `src/config/action.rs` and `assets/keymaps`; do not \
         edit.\n\nThe preset is chosen by `keymap` below `[ui]`; single actions are bound by their \
         name below `[keys]`, in the editor below `[keys.editor]`, and in palette, menus and input \
         lines below `[keys.picker]`:\n\n```toml\n[ui]\nkeymap = \"vim\"\n\n[keys]\ndraft = \
         [\"d\", \"ctrl+g\"]\ntop = \"g g\"          # one after the other\nspam = []            \
         # no key\n\n[keys.editor]\nsave = \"ctrl+x\"\n```\n\nWithin the editor and the picker \
         letters are text: bind chords with Ctrl or Alt, or named keys.\n",
    );
    let maps = PRESETS.map(Preset::keymap);
    for group in GROUPS {
        page += &format!("\n## {}\n\n", group.title());
        page += "| Action | What it does | desk | vim | plain |\n|---|---|---|---|---|\n";
        for &action in ACTIONS.iter().filter(|action| action.group() == group) {
            page += &format!("| `{action}` | {} |", action.help());
            for map in &maps {
                let places: Vec<String> = SCOPES
                    .into_iter()
                    .filter_map(|scope| {
                        let keys: Vec<String> = map
                            .keys(scope, action)
                            .iter()
                            .map(|keys| format!("`{keys}`"))
                            .collect();
                        let place = if scope == Scope::Desk {
                            String::new()
                        } else {
                            format!("{}: ", scope.word())
                        };
                        (!keys.is_empty()).then(|| format!("{place}{}", keys.join(" ")))
                    })
                    .collect();
                page += &format!(" {} |", places.join("; "));
            }
            page.push('\n');
        }
    }
    compare("keys.md", &page);
}

#[test]
fn docs_config_is_true() {
    let text = deskhand::config::EXAMPLE;
    // Every line that is switched off is a setting, too.
    let whole: String = text
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .fold(String::new(), |whole, line| whole + line + "\n");

    let presets = deskhand::desk::settings::known();
    let around = Around {
        env: &|name| (!name.ends_with("_BASE_URL")).then(|| "set".to_owned()),
        known: &presets,
        ..around()
    };
    let findings = match read(Path::new("config.toml"), &whole, &around) {
        Ok((_, findings)) => findings,
        Err(findings) => panic!("{findings:#?}"),
    };
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.count(), 0);
    assert!(read(Path::new("config.toml"), text, &around).is_ok());
    for key in deskhand::config::settings_known() {
        assert!(
            whole.contains(key),
            "assets/config.toml does not show `{key}`"
        );
    }
    compare(
        "config.md",
        &format!(
            "# The config\n\nWritten by a test out of `assets/config.toml`; do not edit.\n\nOne \
             TOML file; `deskhand config path` says where, `deskhand config check` what is wrong \
             with it, `deskhand config show` what is in force. No setting is needed to begin. A \
             line that begins with `#:` shows a setting with its default or an example. A file \
             that `--config` names may be YAML (`.yaml`, `.yml`) or JSON (`.json`) with the same \
             settings, or in the shape of TokenPak's recipe (`docs/serve.md`); only TOML is \
             changed by commands.\n\n\
             ```toml\n{text}```\n"
        ),
    );
}
