//! `deskhand config check`: every finding of a file at once, and what it sets up.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Call, stop::Exit};
use crate::{
    config::{Config, Finding, Missing, Origin, Severity, paths::Paths},
    desk::settings,
};

/// Checks the file in use, or another one.
pub(super) fn check(call: &Call, file: Option<PathBuf>) -> Exit {
    let paths = match file {
        Some(file) => Paths {
            config_file: file,
            missing: Missing::Wrong,
            ..call.paths.clone()
        },
        None => call.paths.clone(),
    };
    let (config, findings) = match settings::load(&paths) {
        Ok((config, warnings)) => (Some(config), warnings),
        Err(findings) => (None, findings),
    };
    if call.out.is_json() {
        call.out.json(&to_json(&paths, config.as_ref(), &findings));
    } else {
        print(call, &paths, config.as_ref(), &findings);
    }
    if config.is_some() {
        Exit::OK
    } else {
        Exit::USAGE
    }
}

fn print(call: &Call, paths: &Paths, config: Option<&Config>, findings: &[Finding]) {
    let recipe = config.filter(|config| config.serve.origin == Origin::Recipe);
    if let Some(recipe) = recipe {
        for line in ticks(recipe) {
            call.out.line(&format!("✓ {line}"));
        }
    }
    for finding in findings {
        call.out.text(&finding.to_string());
    }
    if let Some(recipe) = recipe {
        for implied in &recipe.serve.implied {
            call.out.line(&format!("note: {}", implied.words()));
        }
        return;
    }
    let file = paths.config_file.display();
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let is_usable = config.is_some();
    call.out
        .line(&match (is_usable, paths.config_file.exists()) {
            (true, true) => format!("{file} can be used."),
            (true, false) => format!("There is no {file}, and none is needed."),
            (false, _) => format!("{file} cannot be used: {errors} to put right."),
        });
}

/// Returns what is right about a file in the recipe's shape, in the recipe's words.
fn ticks(config: &Config) -> Vec<String> {
    let models = &config.serve.models;
    let providers: Vec<&str> = config
        .provider_order
        .iter()
        .map(|name| name.0.as_str())
        .collect();
    let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
    let mut ticks = vec![
        "Config valid".to_owned(),
        format!("Providers: {}", providers.join(", ")),
        format!("Models: {}", names.join(", ")),
    ];
    if models.iter().any(|model| model.links.len() > 1) {
        ticks.push("Fallback chains verified".to_owned());
    }
    ticks
}

fn to_json(paths: &Paths, config: Option<&Config>, findings: &[Finding]) -> Value {
    let models = config.map(|config| {
        let models = config.serve.models.iter();
        let shown = models
            .map(|model| json!({ "name": model.name, "link": model.link, "chain": model.links }));
        shown.collect::<Vec<_>>()
    });
    json!({
        "file": paths.config_file.display().to_string(),
        "ok": config.is_some(),
        "findings": findings.iter().map(finding_json).collect::<Vec<_>>(),
        "shape": config.map(|config| config.serve.origin.word()),
        "providers": config.map(|config| &config.provider_order),
        "models": models,
        "implied": config.map(|config| {
            config.serve.implied.iter().map(|implied| implied.word()).collect::<Vec<_>>()
        }),
    })
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.word(),
        "file": finding.file.display().to_string(),
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "suggestion": finding.suggestion,
    })
}
