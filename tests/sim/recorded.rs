//! Recorded answers of the corpus, and what is compared with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
};

use deskhand::sim::Family;
use serde_json::Value;

use super::client::Answer;

/// Every path in a JSON value with its type: `error.message string`, `choices[].index number`.
pub(crate) type Shape = BTreeSet<String>;

/// A recorded answer.
pub(crate) struct Recorded {
    pub(crate) file: String,
    status: u16,
    headers: BTreeMap<String, String>,
    /// One shape for a body, one per kind of event for a stream.
    shapes: BTreeMap<String, Shape>,
    /// Written by hand from the documentation of a good answer: fields the writer did not need
    /// are left out, so that only what it has is compared.
    is_thin: bool,
    /// The answer breaks off: not every kind of event comes.
    is_broken: bool,
    /// It shows the error alone: what comes before is compared with a good answer.
    is_error_alone: bool,
}

/// Where the corpus is, if it is there.
pub(crate) fn corpus() -> Option<PathBuf> {
    let place = env::var_os("DESKHAND_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    place
        .join("wire/shared/manifest.jsonl")
        .exists()
        .then_some(place)
}

/// Fields of models that think aloud: the simulated ones do not, and the documentation marks both
/// as optional.
const THINKING: [&str; 2] = ["thoughtSignature", "thoughtsTokenCount"];

/// Which recording shows what: family, fault, whether streamed (none is both), file.
type Row = (Family, &'static [&'static str], Option<bool>, &'static str);

const ROWS: [Row; 58] = {
    use Family::{Anthropic as A, Gemini as G, OpenAi as O, OpenAiResponses as R};
    const GOOD: &[&str] = &["none", "slow", "truncated"];
    const BROKEN: &[&str] = &["stall", "cut", "malformed"];
    const YES: Option<bool> = Some(true);
    const NO: Option<bool> = Some(false);
    [
        (A, GOOD, NO, "anthropic/anthropic-text.json"),
        (A, GOOD, YES, "anthropic/anthropic-text.stream.json"),
        (A, BROKEN, YES, "anthropic/anthropic-text.stream.json"),
        (A, &["refusal"], NO, "anthropic/anthropic-refusal.json"),
        (
            A,
            &["refusal"],
            YES,
            "anthropic/anthropic-refusal.stream.json",
        ),
        (
            A,
            &["error-event"],
            YES,
            "anthropic/doc-stream-error-mid-text.json",
        ),
        (A, &["error-event"], NO, "anthropic/doc-529-overloaded.json"),
        (A, &["429"], None, "anthropic/doc-429-rate-limit.json"),
        (A, &["quota"], None, "anthropic/doc-400-spend-limit.json"),
        (A, &["500"], None, "anthropic/doc-500-api-error.json"),
        (A, &["529"], None, "anthropic/doc-529-overloaded.json"),
        (A, &["401"], None, "anthropic/doc-401-authentication.json"),
        (A, &["403"], None, "anthropic/doc-403-permission.json"),
        (A, &["404"], None, "anthropic/doc-404-model.json"),
        (A, &["400"], None, "anthropic/doc-400-invalid-request.json"),
        (O, GOOD, NO, "openai-chat/openai-text.json"),
        (O, GOOD, YES, "openai-chat/openai-text.stream.json"),
        (O, BROKEN, YES, "openai-chat/openai-text.stream.json"),
        (O, &["refusal"], NO, "openai-chat/doc-refusal-message.json"),
        (
            O,
            &["refusal"],
            YES,
            "openai-chat/doc-stream-content-filter.json",
        ),
        (
            O,
            &["error-event"],
            YES,
            "openai-chat/doc-stream-error-mid-text.json",
        ),
        (O, &["429"], None, "openai-chat/doc-429-rate-limit.json"),
        (
            O,
            &["quota"],
            None,
            "openai-chat/doc-429-insufficient-quota.json",
        ),
        (O, &["500"], None, "openai-chat/doc-500-server-error.json"),
        (O, &["502"], None, "openai-chat/doc-502-html.json"),
        (
            O,
            &["503", "529"],
            None,
            "openai-chat/doc-503-overloaded.json",
        ),
        (O, &["401"], None, "openai-chat/doc-401-key.json"),
        (O, &["403"], None, "openai-chat/doc-403-region.json"),
        (O, &["404"], None, "openai-chat/doc-404-model.json"),
        (O, &["400"], None, "openai-chat/doc-400-service-tier.json"),
        (
            O,
            &["too-long"],
            None,
            "openai-chat/doc-400-context-length.json",
        ),
        (
            R,
            &["none", "slow"],
            NO,
            "openai-responses/openai-pdf-input-file.1.json",
        ),
        (
            R,
            &["truncated"],
            NO,
            "openai-responses/doc-incomplete-max-tokens.json",
        ),
        (
            R,
            &["none", "slow"],
            YES,
            "openai-responses/openai-pdf-input-file.1.stream.json",
        ),
        (
            R,
            BROKEN,
            YES,
            "openai-responses/openai-pdf-input-file.1.stream.json",
        ),
        (
            R,
            &["refusal"],
            NO,
            "openai-responses/doc-incomplete-content-filter.json",
        ),
        (
            R,
            &["error-event"],
            YES,
            "openai-responses/openai-error.1.stream.json",
        ),
        // Both interfaces of OpenAI share their errors.
        (R, &["429"], None, "openai-chat/doc-429-rate-limit.json"),
        (R, &["quota"], None, "openai-responses/openai-error.1.json"),
        (R, &["500"], None, "openai-chat/doc-500-server-error.json"),
        (
            R,
            &["503", "529"],
            None,
            "openai-chat/doc-503-overloaded.json",
        ),
        (R, &["401"], None, "openai-chat/doc-401-key.json"),
        (R, &["403"], None, "openai-chat/doc-403-region.json"),
        (R, &["404"], None, "openai-chat/doc-404-model.json"),
        (G, GOOD, NO, "gemini/google-text.json"),
        (G, GOOD, YES, "gemini/google-text.stream.json"),
        (G, BROKEN, YES, "gemini/google-text.stream.json"),
        (G, &["refusal"], NO, "gemini/doc-candidate-safety.json"),
        (
            G,
            &["error-event"],
            YES,
            "gemini/doc-stream-error-mid-text.json",
        ),
        (G, &["error-event"], NO, "gemini/doc-503-unavailable.json"),
        (G, &["429"], None, "gemini/doc-429-rpm.json"),
        (G, &["quota"], None, "gemini/doc-429-per-day.json"),
        (G, &["500"], None, "gemini/doc-500-internal.json"),
        (G, &["503", "529"], None, "gemini/doc-503-unavailable.json"),
        (G, &["401"], None, "gemini/doc-400-api-key.json"),
        (G, &["403"], None, "gemini/doc-403-permission.json"),
        (G, &["404"], None, "gemini/doc-404-model.json"),
        (G, &["400"], None, "gemini/doc-400-invalid-argument.json"),
    ]
};

impl Recorded {
    /// Finds what shows how a family says this.
    pub(crate) fn find(family: Family, fault: &str, streamed: bool) -> Option<Self> {
        let row = ROWS.iter().find(|(of, faults, when, _)| {
            *of == family && faults.contains(&fault) && when.is_none_or(|when| when == streamed)
        })?;
        Some(Self::read(row.3, fault))
    }

    fn read(file: &str, fault: &str) -> Self {
        let folder = corpus().unwrap().join("wire/shared");
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let whole: Value = serde_json::from_str(&text).unwrap();
        let response = &whole["response"];
        let values: Vec<Value> = match response["body_file"].as_str() {
            Some(name) => {
                let stream = folder.join(file).with_file_name(name);
                let stream = fs::read_to_string(stream).unwrap();
                let data = stream
                    .lines()
                    .filter_map(|line| line.strip_prefix("data: "));
                data.filter_map(|data| serde_json::from_str(data).ok())
                    .collect()
            }
            None => vec![response["body"].clone()],
        };
        let is_error = response["status"] != 200;
        Self {
            file: file.to_owned(),
            status: response["status"].as_u64().unwrap().try_into().unwrap(),
            headers: serde_json::from_value(response["headers"].clone()).unwrap(),
            shapes: by_kind(&values),
            is_thin: file.contains("/doc-") && !is_error,
            is_broken: matches!(fault, "stall" | "cut" | "malformed" | "error-event"),
            is_error_alone: fault == "error-event",
        }
    }

    /// Says in what an answer is not like this one.
    pub(crate) fn differences(&self, answer: &Answer) -> Vec<String> {
        let mut wrong = Vec::new();
        // An error inside a 200 has the shape of the error, not its status.
        let inside = self.is_broken && answer.status == 200 && self.status != 200;
        if self.status != answer.status && !inside {
            wrong.push(format!("status {} is {}", self.status, answer.status));
        }
        if self.file.ends_with("-html.json") {
            if !answer.body.starts_with(b"<html>") {
                wrong.push("the body is not HTML".to_owned());
            }
            return wrong;
        }
        for (name, value) in self.headers.iter().filter(|_| !inside) {
            match answer.header(name) {
                None => wrong.push(format!("header {name} is missing")),
                Some(own)
                    if matches!(name.as_str(), "content-type" | "x-should-retry")
                        && own != value =>
                {
                    wrong.push(format!("header {name} is {own}, not {value}"));
                }
                Some(_) => {}
            }
        }
        let mut shapes = by_kind(&answer.values());
        if self.is_error_alone {
            shapes.retain(|kind, _| kind == "error");
        }
        for (kind, shape) in &shapes {
            match self.shapes.get(kind) {
                None if self.is_thin => {}
                None => wrong.push(format!("{kind} is never sent")),
                Some(recorded) => self.compare(kind, recorded, shape, &mut wrong),
            }
        }
        if !self.is_broken {
            let left_out = self
                .shapes
                .keys()
                .filter(|kind| !shapes.contains_key(*kind));
            wrong.extend(left_out.map(|kind| format!("{kind} is left out")));
        } else if self.shapes.contains_key("error") && !shapes.contains_key("error") {
            wrong.push("no error event came".to_owned());
        }
        wrong
    }

    fn compare(&self, kind: &str, recorded: &Shape, own: &Shape, wrong: &mut Vec<String>) {
        for path in missing(recorded, own) {
            wrong.push(format!("{kind} lacks {path}"));
        }
        if !self.is_thin {
            for path in missing(own, recorded) {
                wrong.push(format!("{kind} has {path}, the recorded one has not"));
            }
        }
    }
}

/// Returns the shapes of a body or of each kind of event; events of one kind are laid together,
/// but for the last of those that have no name.
fn by_kind(values: &[Value]) -> BTreeMap<String, Shape> {
    let mut shapes: BTreeMap<String, Shape> = BTreeMap::new();
    for value in values {
        let kind = if value.get("error").is_some_and(Value::is_object) && value.get("id").is_none()
        {
            "error"
        } else if let Some(kind) = value.get("type").and_then(Value::as_str) {
            kind
        } else {
            match (
                value.pointer("/choices/0/finish_reason"),
                value.pointer("/candidates/0/finishReason"),
                value.pointer("/choices"),
            ) {
                (Some(Value::String(_)), ..) | (_, Some(_), _) => "last chunk",
                (None, _, Some(Value::Array(none))) if none.is_empty() => "usage chunk",
                _ => "body",
            }
        };
        shapes
            .entry(kind.to_owned())
            .or_default()
            .extend(shape(value));
    }
    shapes
}

/// Returns every path with its type.
pub(crate) fn shape(value: &Value) -> Shape {
    let mut shape = Shape::new();
    walk(value, "", &mut shape);
    shape
}

fn walk(value: &Value, path: &str, shape: &mut Shape) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) => {
            shape.insert(format!("{path} array"));
            for item in items {
                walk(item, &format!("{path}[]"), shape);
            }
            return;
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if THINKING.contains(&name.as_str()) {
                    continue;
                }
                let dot = if path.is_empty() { "" } else { "." };
                walk(field, &format!("{path}{dot}{name}"), shape);
            }
            return;
        }
    };
    shape.insert(format!("{path} {kind}"));
}

/// Returns what of a shape another does not have.
pub(crate) fn missing(of: &Shape, in_other: &Shape) -> Vec<String> {
    of.difference(in_other).cloned().collect()
}
