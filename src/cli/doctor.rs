//! `deskhand doctor`: each problem with the command that fixes it.

use serde_json::json;

use super::{
    Call,
    stop::{Exit, Stop},
};
use crate::desk::doctor::{Check, Health, look};

/// Looks at everything a desk needs; fails when something is broken.
pub(super) async fn run(call: &Call) -> Result<Exit, Stop> {
    let mut checks = look(&call.paths).await;
    if checks.iter().all(|check| check.state != Health::Broken) {
        checks.extend(call.at_desk(async |desk| Ok(desk.examine().await)).await?);
    }
    for check in &checks {
        if call.out.is_json() {
            call.out.json(&json!({
                "what": check.what,
                "state": check.state.word(),
                "seen": check.seen,
                "fix": check.mend,
            }));
        } else {
            print(call, check);
        }
    }
    let is_broken = checks.iter().any(|check| check.state == Health::Broken);
    Ok(if is_broken { Exit::FAILED } else { Exit::OK })
}

fn print(call: &Call, check: &Check) {
    call.out.line(&format!(
        "{:<7} {}: {}",
        check.state.word(),
        check.what,
        check.seen.trim_end_matches('.')
    ));
    if let Some(mend) = &check.mend {
        for line in mend.lines() {
            call.out.line(&format!("        -> {line}"));
        }
    }
}
