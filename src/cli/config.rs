//! `deskhand config`: every finding at once, where things are, and what is in force.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{
    Call,
    args::{ConfigArgs, ConfigCommand},
    stop::{Exit, Stop},
};
use crate::{
    config::{Finding, Missing, Severity, paths::Paths},
    desk::settings,
};

/// Checks, locates or shows.
pub(super) fn run(call: &Call, args: ConfigArgs) -> Result<Exit, Stop> {
    match args.command {
        ConfigCommand::Check { file } => Ok(check(call, file)),
        ConfigCommand::Path => {
            path(call);
            Ok(Exit::OK)
        }
        ConfigCommand::Show => show(call),
    }
}

fn check(call: &Call, file: Option<PathBuf>) -> Exit {
    let paths = match file {
        Some(file) => Paths {
            config_file: file,
            missing: Missing::Wrong,
            ..call.paths.clone()
        },
        None => call.paths.clone(),
    };
    let (findings, is_usable) = match settings::load(&paths) {
        Ok((_, warnings)) => (warnings, true),
        Err(findings) => (findings, false),
    };
    if call.out.is_json() {
        call.out.json(&json!({
            "file": paths.config_file.display().to_string(),
            "ok": is_usable,
            "findings": findings.iter().map(to_json).collect::<Vec<_>>(),
        }));
    } else {
        for finding in &findings {
            call.out.text(&finding.to_string());
        }
        let file = paths.config_file.display();
        let errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count();
        call.out
            .line(&match (is_usable, paths.config_file.exists()) {
                (true, true) => format!("{file} can be used."),
                (true, false) => format!("There is no {file}, and none is needed."),
                (false, _) => format!("{file} cannot be used: {errors} to put right."),
            });
    }
    if is_usable { Exit::OK } else { Exit::USAGE }
}

fn to_json(finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.word(),
        "file": finding.file.display().to_string(),
        "line": finding.line,
        "column": finding.column,
        "message": finding.message,
        "suggestion": finding.suggestion,
    })
}

fn path(call: &Call) {
    let Paths {
        config_file,
        data_dir,
        state_dir,
        ..
    } = &call.paths;
    call.out.answer(
        || {
            json!({
                "config": config_file.display().to_string(),
                "data": data_dir.display().to_string(),
                "state": state_dir.display().to_string(),
            })
        },
        || {
            format!(
                "config  {}\ndata    {}\nlogs    {}",
                config_file.display(),
                data_dir.display(),
                state_dir.display()
            )
        },
    );
}

fn show(call: &Call) -> Result<Exit, Stop> {
    let (config, _) = settings::load(&call.paths).map_err(|findings| Stop::findings(&findings))?;
    call.out.answer(|| config.to_json(), || config.to_toml());
    Ok(Exit::OK)
}
