//! `TokenPak`'s recipe for fallback, as its page has it: its config is read unchanged, its commands
//! answer, and its pitfalls are found. The page is read where it lies, beside the corpus.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test may panic and says what it could not read"
)]

#[path = "recipe/around.rs"]
mod around;
#[path = "recipe/page.rs"]
mod page;
#[path = "common/program.rs"]
#[expect(dead_code, reason = "the recipe needs a part of it")]
mod program;
#[path = "recipe/shape.rs"]
mod shape;

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
