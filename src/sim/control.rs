//! The control endpoint: faults are set and the log is read over HTTP too.
//!
//! `POST /control/faults` takes `{"family": "anthropic", "fault": "cut=12", "times": 1}` (without
//! a fault the request passes), `GET /control/log` returns every request served, `POST
//! /control/reset` forgets both.

use serde_json::{Value, json};

use super::{Family, Fault, Step, http::Request, state::State};

/// So often a fault may be queued by one request.
const TIMES_AT_MOST: u64 = 10_000;

/// Answers a control request.
pub(super) fn answer(state: &State, request: &Request, path: &str) -> (u16, Value) {
    match (request.method.as_str(), path) {
        ("GET", "log") => (200, json!({"served": state.served()})),
        ("POST", "reset") => {
            state.reset();
            (200, json!({"ok": true}))
        }
        ("POST", "faults") => match steps(&request.body) {
            Ok(steps) => {
                let queued = steps.len();
                state.script(steps);
                (200, json!({"queued": queued}))
            }
            Err(why) => (400, json!({"error": why})),
        },
        _ => (
            404,
            json!({"error": "there are GET log, POST faults and POST reset"}),
        ),
    }
}

fn steps(body: &[u8]) -> Result<Vec<Step>, String> {
    let wanted: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let word = wanted
        .get("family")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let family = Family::named(word).ok_or_else(|| {
        format!(
            "there is no family `{word}`; there are anthropic, openai, openai-responses, gemini"
        )
    })?;
    let fault = match wanted.get("fault").and_then(Value::as_str) {
        Some(name) => Some(name.parse::<Fault>().map_err(|error| error.to_string())?),
        None => None,
    };
    let times = wanted
        .get("times")
        .and_then(Value::as_u64)
        .unwrap_or(1)
        .min(TIMES_AT_MOST);
    Ok((0..times).map(|_| Step { family, fault }).collect())
}
