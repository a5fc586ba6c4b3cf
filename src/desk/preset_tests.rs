//! Every preset, from its few lines of config to the request that it makes.

use std::path::Path;

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::{Settings, providers::endpoint, settings::known};
use crate::{
    config::{self, Around, Finding, Missing},
    domain::LinkName,
    engine::ask::{Ask, Role, Turn},
    llm::{self, catalog::PRESETS, wire::Call},
};

const DAY: jiff::civil::Date = jiff::civil::date(2026, 11, 25);

const VERTEX: &str = "project = \"desk-1\"\nlocation = \"europe-west1\"\n\
                      api_key_command = [\"token\"]\n";

fn read(text: &str) -> Result<Settings, Vec<Finding>> {
    let around = Around {
        known: &known(),
        env: &|_| None,
        missing: Missing::Fine,
        today: DAY,
        prices: &[],
    };
    config::read(Path::new("c.toml"), text, &around)
        .map(|(config, findings)| Settings::of(config, findings))
}

fn ask() -> Ask {
    Ask {
        system: "Be kind.".to_owned(),
        turns: vec![Turn::says(Role::User, "Where is it?".to_owned())],
        output_limit: 300,
        ..Ask::default()
    }
}

/// Returns the request that a link makes under this config.
fn call(text: &str, link: &str) -> Call {
    let settings = read(text).unwrap_or_else(|findings| panic!("{findings:?}"));
    let link: LinkName = link.parse().unwrap();
    let provider = settings.provider(&link.provider).unwrap();
    let to = endpoint(&link, &provider, Some("THE-KEY".into()), Vec::new());
    llm::wire(provider.kind).call(&ask(), &to)
}

/// Returns the header that holds the key, and asserts that it is the only one that does.
fn key_header(call: &Call) -> String {
    let with_key: Vec<String> = call
        .headers
        .iter()
        .filter(|(_, value)| value.expose_secret().contains("THE-KEY"))
        .map(|(name, value)| format!("{name}: {}", value.expose_secret()))
        .collect();
    assert_eq!(with_key.len(), 1, "{with_key:?}");
    with_key[0].clone()
}

/// Returns the members of the body besides the conversation.
fn members(call: &Call) -> String {
    let Ok(Value::Object(body)) = serde_json::from_slice(&call.body) else {
        panic!("no object");
    };
    let told = [
        "messages",
        "contents",
        "input",
        "system",
        "systemInstruction",
        "instructions",
    ];
    let rest = body
        .into_iter()
        .filter(|(name, _)| !told.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={value}"));
    rest.collect::<Vec<_>>().join(" ")
}

struct Case {
    link: &'static str,
    config: String,
    url: &'static str,
    header: &'static str,
    members: &'static str,
}

fn case(
    link: &'static str,
    url: &'static str,
    header: &'static str,
    members: &'static str,
) -> Case {
    Case {
        link,
        config: String::new(),
        url,
        header,
        members,
    }
}

impl Case {
    fn with(self, lines: &str) -> Self {
        let (name, _) = self.link.split_once('/').unwrap();
        Self {
            config: format!("[providers.{name}]\n{lines}"),
            ..self
        }
    }
}

const BEARER: &str = "authorization: Bearer THE-KEY";
const USAGE: &str = r#"stream_options={"include_usage":true}"#;

fn cases() -> Vec<Case> {
    let mut cases = makers();
    cases.extend(own_places_and_servers());
    cases
}

fn makers() -> Vec<Case> {
    vec![
        case(
            "anthropic/m",
            "https://api.anthropic.com/v1/messages",
            "x-api-key: THE-KEY",
            r#"max_tokens=300 model="m" stream=true"#,
        ),
        case(
            "openai/m",
            "https://api.openai.com/v1/chat/completions",
            BEARER,
            r#"max_completion_tokens=300 model="m" store=false stream=true USAGE"#,
        ),
        case(
            "openai-responses/m",
            "https://api.openai.com/v1/responses",
            BEARER,
            r#"max_output_tokens=300 model="m" store=false stream=true"#,
        ),
        case(
            "gemini/m",
            "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
            "x-goog-api-key: THE-KEY",
            r#"generationConfig={"maxOutputTokens":300}"#,
        ),
        case(
            "deepseek/m",
            "https://api.deepseek.com/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true USAGE"#,
        ),
        case(
            "mistral/m",
            "https://api.mistral.ai/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true"#,
        ),
        case(
            "groq/openai/m",
            "https://api.groq.com/openai/v1/chat/completions",
            BEARER,
            r#"max_completion_tokens=300 model="openai/m" stream=true USAGE"#,
        ),
        case(
            "openrouter/a/m",
            "https://openrouter.ai/api/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="a/m" stream=true"#,
        ),
    ]
}

fn own_places_and_servers() -> Vec<Case> {
    vec![
        case(
            "xai/m",
            "https://api.x.ai/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true USAGE"#,
        ),
        case(
            "azure/my-4o",
            "https://desk.openai.azure.com/openai/v1/chat/completions",
            "api-key: THE-KEY",
            r#"max_completion_tokens=300 model="my-4o" store=false stream=true USAGE"#,
        )
        .with("resource = \"desk\""),
        case(
            "eu/my-4o",
            "https://desk.openai.azure.com/openai/deployments/my-4o/chat/completions?api-version=2024-10-21",
            "api-key: THE-KEY",
            r#"max_completion_tokens=300 model="my-4o" stream=true USAGE"#,
        )
        .with("preset = \"azure\"\nresource = \"desk\"\napi_version = \"2024-10-21\""),
        case(
            "vertex-gemini/m",
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/desk-1/locations/europe-west1/publishers/google/models/m:streamGenerateContent?alt=sse",
            BEARER,
            r#"generationConfig={"maxOutputTokens":300}"#,
        )
        .with(VERTEX),
        case(
            "vertex-claude/m@20250929",
            "https://europe-west1-aiplatform.googleapis.com/v1/projects/desk-1/locations/europe-west1/publishers/anthropic/models/m@20250929:streamRawPredict",
            BEARER,
            r#"anthropic_version="vertex-2023-10-16" max_tokens=300 stream=true"#,
        )
        .with(VERTEX),
        case(
            "ollama/m",
            "http://127.0.0.1:11434/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true USAGE"#,
        ),
        case(
            "llamacpp/m",
            "http://127.0.0.1:8080/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true USAGE"#,
        ),
        case(
            "lab/m",
            "http://127.0.0.1:9000/v1/chat/completions",
            BEARER,
            r#"max_tokens=300 model="m" stream=true USAGE"#,
        )
        .with("preset = \"vllm\"\nbase_url = \"http://127.0.0.1:9000/v1\""),
    ]
}

#[test]
fn every_preset_makes_the_request_its_server_documents() {
    for case in cases() {
        let call = call(&case.config, case.link);

        assert_eq!(call.url, case.url);
        assert_eq!(key_header(&call), case.header, "{}", case.link);
        assert_eq!(
            members(&call),
            case.members.replace("USAGE", USAGE),
            "{}",
            case.link
        );
        assert!(!call.url.contains("THE-KEY"));
        assert!(!String::from_utf8_lossy(&call.body).contains("THE-KEY"));
    }
}

#[test]
fn no_preset_is_left_out_of_the_table() {
    let lines = cases().into_iter();
    let lines = lines.map(|case| format!("{} {}", case.link, case.config));
    let tried = lines.collect::<Vec<_>>().join("\n");

    for preset in PRESETS {
        let by_name = format!("{}/", preset.name);
        let by_preset = format!("preset = \"{}\"", preset.name);
        assert!(
            tried.contains(&by_name) || tried.contains(&by_preset),
            "{}",
            preset.name
        );
    }
}

#[test]
fn an_answer_in_one_piece_is_asked_for_elsewhere_at_google() {
    let lines = format!("[providers.vertex-claude]\nstream = false\n{VERTEX}");
    let claude = call(&lines.replace("europe-west1", "global"), "vertex-claude/m");
    let gemini = call("[providers.gemini]\nstream = false", "gemini/m");

    assert_eq!(
        claude.url,
        "https://aiplatform.googleapis.com/v1/projects/desk-1/locations/global/publishers/anthropic/models/m:rawPredict"
    );
    assert!(gemini.url.ends_with("/m:generateContent"), "{}", gemini.url);
}

#[test]
fn a_local_preset_wants_no_key_and_costs_nothing_only_if_the_config_says_so() {
    let settings = read("[providers.lab]\npreset = \"vllm\"").unwrap();
    let lab = "lab/m".parse::<LinkName>().unwrap();
    let provider = settings.provider(&lab.provider).unwrap();

    assert_eq!(provider.key, crate::domain::KeySource::NotNeeded);
    assert!(settings.prices.row(&lab, DAY).is_none());
    let said = "[models.\"lab/m\"]\nprice_in_usd_per_million = 0\nprice_out_usd_per_million = 0";
    let settings = read(&format!("[providers.lab]\npreset = \"vllm\"\n{said}")).unwrap();
    assert!(settings.prices.row(&lab, DAY).is_some());
}

#[test]
fn what_a_place_needs_is_asked_for_by_name() {
    for (text, wanted) in [
        ("[providers.azure]", "which resource at Azure"),
        (
            "[providers.azure]\nresource = \"a/b\"",
            "cannot be a resource",
        ),
        (
            "[providers.vertex-claude]\nlocation = \"global\"\napi_key_command = [\"t\"]",
            "does not say its project",
        ),
        (
            "[providers.vertex-gemini]\nproject = \"p\"\napi_key_command = [\"t\"]",
            "does not say its location",
        ),
        (
            "[providers.vertex-gemini]\nproject = \"p\"\nlocation = \"us\"",
            "no way to an access token",
        ),
        (
            "[providers.groq]\nproject = \"p\"",
            "`project` means nothing",
        ),
        (
            "[providers.x]\npreset = \"grok\"",
            "there is no preset `grok`",
        ),
    ] {
        let findings = read(text).unwrap_err();
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains(wanted), "{said:?}");
    }
}

#[test]
fn a_region_of_google_is_counted_dearer_than_the_world() {
    let price = |location: &str| {
        let text = format!("[providers.vertex-claude]\n{VERTEX}");
        let settings = read(&text.replace("europe-west1", location)).unwrap();
        let link = "vertex-claude/claude-haiku-4-5@20251001".parse().unwrap();
        settings.prices.row(&link, DAY).unwrap().base.input
    };

    assert_eq!(price("global"), "1".parse().unwrap());
    assert_eq!(price("europe-west1"), "1.1".parse().unwrap());
}
