//! How a refusal is judged: the provider's own code first, the status second, the words last.
//!
//! Each codec keeps a small table of rows with its sources; the first row that fits decides. This
//! file holds what they share: reading the body, the rows by status, and making the fault.

use std::time::Duration;

use serde_json::Value;

use super::{
    wire::Headers,
    words::{clean, header, pairs, request_id, span, with_wait},
};
use crate::domain::{Billed, Fault, FaultClass};

/// One row of a table.
pub(super) type Row = (When, FaultClass);

/// When a row fits. Codes and words are compared in lower case; words need only be part.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// The provider's code, type, status word or reason.
    Code(&'static str),
    /// A code that is too general by itself, with words.
    CodeSays(&'static str, &'static str),
    /// A status, with words.
    StatusSays(u16, &'static str),
    /// Words, whatever the status.
    Says(&'static str),
    /// The HTTP status.
    Status(u16),
}

/// The rows by status, read after the codec's own. RFC 9110 section 15, and where named otherwise.
pub(super) const BY_STATUS: &[Row] = &[
    (When::Status(400), FaultClass::BadInput),
    (When::Status(401), FaultClass::KeyRefused),
    (When::Status(402), FaultClass::OutOfCredit),
    // An unexplained 403 speaks of this model for this key: Anthropic's and Gemini's error pages
    // (permission to a resource), or of the region.
    (When::Status(403), FaultClass::ModelGone),
    (When::Status(404), FaultClass::ModelGone),
    (When::Status(408), FaultClass::ServerError),
    // Provider kits retry a conflict: anthropic-sdk-python `_should_retry`.
    (When::Status(409), FaultClass::ServerError),
    (When::Status(410), FaultClass::ModelGone),
    (When::Status(413), FaultClass::TooLong),
    (When::Status(425), FaultClass::ServerError),
    (When::Status(429), FaultClass::RateLimited),
    (When::Status(503), FaultClass::Overloaded),
    // https://platform.claude.com/docs/en/api/errors
    (When::Status(529), FaultClass::Overloaded),
];

/// Parameters that we send of our own accord and can do without.
const OURS: [&str; 6] = [
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "stream_options",
    "temperature",
    "store",
];

/// Words by which a parameter is refused as such, rather than its value.
const NOT_TAKEN: [&str; 9] = [
    "unsupported",
    "not support",
    "unknown",
    "unrecognized",
    "unexpected",
    "extra",
    "not permitted",
    "not allowed",
    "deprecated",
];

/// The code that is put for a violation of a quota per day; Gemini names it in the quota's id.
pub(super) const PER_DAY: &str = "quota_per_day";

/// What the body of a refusal says.
#[derive(Debug, Default)]
pub(super) struct Refusal {
    /// Every code it gives, the most particular first, in lower case.
    codes: Vec<String>,
    /// The code as it is shown.
    code: Option<String>,
    message: Option<String>,
    /// The whole body in lower case: some name the parameter far from the message.
    everything: String,
    parameter: Option<String>,
    request: Option<String>,
    wait: Option<Duration>,
    /// A status inside the body: an error in a stream has no other.
    status: Option<u16>,
    is_page: bool,
}

/// Makes the fault for an answer with a bad status.
pub(super) fn fault(tables: &[&[Row]], status: u16, headers: &Headers, body: &[u8]) -> Fault {
    let refusal = Refusal::read(body);
    let mut fault = match status {
        300..400 => redirected(headers),
        _ => refusal.judge(tables, status),
    };
    fault.status = Some(status);
    fault.request = request_id(pairs(headers)).or(fault.request);
    with_wait(fault, headers)
}

/// Makes the fault for an error that came inside a good answer. Once the model may have begun,
/// nobody can tell whether it is billed.
pub(super) fn in_band(tables: &[&[Row]], error: &Value) -> Fault {
    let refusal = Refusal::of(error);
    let status = refusal.status.unwrap_or(500);
    let mut fault = refusal.judge(tables, status);
    fault.billed = if began(fault.class) {
        Billed::Maybe
    } else {
        Billed::No
    };
    with_wait(fault, &Headers::new())
}

/// Makes the fault for bytes that are no protocol at all.
pub(super) fn unreadable(body: &[u8]) -> Fault {
    let refusal = Refusal::read(body);
    let mut fault = Fault::new(FaultClass::ServerError).saying(if refusal.is_page {
        refusal.message.unwrap_or_default()
    } else {
        "the answer could not be read".to_owned()
    });
    fault.billed = Billed::Maybe;
    fault
}

/// Returns a text member, if it is one and is not empty.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    at(value, pointer)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// Returns what stands at a place such as `/choices/0/text`. Not `Value::pointer`, which makes two
/// texts of each part of the place: this is done some twenty times for each event of a stream.
pub(super) fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let (mut value, mut rest) = (value, pointer.strip_prefix('/')?);
    loop {
        // A loop over bytes: the parts are short, and a search for a `char` is made for long texts.
        let end = rest.bytes().position(|byte| byte == b'/');
        let part = rest.get(..end.unwrap_or(rest.len()))?;
        value = match value {
            Value::Object(fields) => fields.get(part)?,
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        let Some(end) = end else { return Some(value) };
        rest = rest.get(end + 1..)?;
    }
}

/// Returns a count.
pub(super) fn count(value: &Value, pointer: &str) -> Option<u64> {
    at(value, pointer).and_then(Value::as_u64)
}

/// Tells whether the model may have been at work when a fault of this class came.
fn began(class: FaultClass) -> bool {
    !matches!(
        class,
        FaultClass::RateLimited
            | FaultClass::OutOfCredit
            | FaultClass::KeyRefused
            | FaultClass::BadInput
            | FaultClass::TooLong
            | FaultClass::ModelGone
    )
}

fn redirected(headers: &Headers) -> Fault {
    let target = header(headers, "location").unwrap_or("another address");
    Fault::new(FaultClass::BadInput).saying(format!(
        "the address redirects to {}; set base_url to where it is",
        clean(&super::url::for_people(target))
    ))
}

impl Refusal {
    fn read(body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let body = body.trim().trim_start_matches('\u{feff}');
        if let Ok(value) = serde_json::from_str::<Value>(body) {
            return Self::of(&value);
        }
        let is_page = body.starts_with('<');
        let message = if is_page {
            let title = between(body, "<title>", "</title>").unwrap_or("a web page");
            format!("{title} (a web page, not an answer)")
        } else {
            body.chars().take(2_000).collect()
        };
        Self {
            everything: body.to_lowercase(),
            message: Some(message).filter(|text| !text.is_empty()),
            is_page,
            ..Self::default()
        }
    }

    /// Reads every shape seen: wrapped, bare, in a list, a plain string, encoded twice.
    fn of(value: &Value) -> Self {
        let value = value
            .as_array()
            .and_then(|list| list.first())
            .unwrap_or(value);
        let error = value
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(value);
        let message = error
            .as_str()
            .or_else(|| text(error, "/message"))
            .or_else(|| text(value, "/message"))
            .or_else(|| text(value, "/detail"))
            .or_else(|| text(error, "/message/detail"));
        let inner = text(error, "/metadata/raw")
            .or(message)
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .filter(Value::is_object)
            .map(|value| Self::of(&value));
        let mut own = Self {
            codes: Vec::new(),
            code: None,
            message: message.map(str::to_owned),
            everything: value.to_string().to_lowercase(),
            parameter: text(error, "/param").map(str::to_owned),
            request: text(value, "/request_id").map(str::to_owned),
            wait: None,
            status: status_in(error).or_else(|| status_in(value)),
            is_page: false,
        };
        own.read_codes(error);
        own.read_details(error);
        match inner {
            Some(inner) => own.around(inner),
            None => own,
        }
    }

    fn read_codes(&mut self, error: &Value) {
        let places = [
            "/details/error_code",
            "/innererror/code",
            "/code",
            "/type",
            "/status",
        ];
        for place in places {
            if let Some(code) = text(error, place).filter(|code| *code != "error") {
                self.codes.push(code.to_lowercase());
                self.code.get_or_insert_with(|| clean(code));
            }
        }
        if error.pointer("/metadata/reasons").is_some() {
            self.codes.push("moderation".to_owned());
        }
    }

    /// Reads Google's `details`: a reason, the quotas passed, how long to wait.
    fn read_details(&mut self, error: &Value) {
        let details = error.get("details").and_then(Value::as_array);
        for detail in details.into_iter().flatten() {
            if let Some(reason) = text(detail, "/reason") {
                self.codes.insert(0, reason.to_lowercase());
                self.code = Some(clean(reason));
            }
            self.wait = self.wait.or_else(|| span(text(detail, "/retryDelay")?));
            let violations = detail.get("violations").and_then(Value::as_array);
            for id in violations.into_iter().flatten() {
                if let Some(quota) = text(id, "/quotaId").filter(|quota| quota.contains("PerDay")) {
                    self.codes.insert(0, PER_DAY.to_owned());
                    self.code = Some(clean(quota));
                }
            }
        }
        // The delay beside a spent daily quota is short and wrong: it comes back at midnight.
        if self.codes.iter().any(|code| code == PER_DAY) {
            self.wait = None;
        }
    }

    /// Puts a refusal around the one it passes on: the inner one knows better.
    fn around(self, inner: Self) -> Self {
        Self {
            codes: inner.codes.into_iter().chain(self.codes).collect(),
            code: inner.code.or(self.code),
            message: inner.message.or(self.message),
            everything: self.everything,
            parameter: inner.parameter.or(self.parameter),
            request: self.request.or(inner.request),
            wait: inner.wait.or(self.wait),
            status: self.status.or(inner.status),
            is_page: false,
        }
    }

    fn judge(self, tables: &[&[Row]], status: u16) -> Fault {
        let said = self.message.as_deref().unwrap_or_default().to_lowercase();
        let fits = |when: &When| match *when {
            When::Code(code) => self.codes.iter().any(|own| own == code),
            When::CodeSays(code, words) => {
                self.codes.iter().any(|own| own == code) && said.contains(words)
            }
            When::StatusSays(own, words) => status == own && said.contains(words),
            When::Says(words) => said.contains(words),
            When::Status(own) => status == own,
        };
        let row = tables
            .iter()
            .flat_map(|table| table.iter())
            .find(|(when, _)| fits(when));
        let class = match row {
            Some((_, FaultClass::BadInput)) if self.is_page => FaultClass::ServerError,
            Some((_, class)) => *class,
            None if (400..500).contains(&status) => FaultClass::BadInput,
            None => FaultClass::ServerError,
        };
        let parameter = (class == FaultClass::BadInput)
            .then(|| self.refused_parameter())
            .flatten();
        let mut fault = Fault::new(class);
        fault.said = self.message.as_deref().map(clean);
        fault.is_of_model =
            class == FaultClass::OutOfCredit && self.codes.iter().any(|code| code == PER_DAY);
        fault.code = self.code;
        fault.request = self.request.as_deref().map(clean);
        fault.wait = self.wait;
        fault.parameter = parameter;
        fault
    }

    fn refused_parameter(&self) -> Option<String> {
        let is_refused = NOT_TAKEN
            .iter()
            .any(|words| self.everything.contains(words));
        if !is_refused {
            return None;
        }
        self.parameter.as_deref().map(clean).or_else(|| {
            let places = OURS.iter().filter_map(|name| {
                let at = self.everything.find(name)?;
                Some((at, *name))
            });
            places.min().map(|(_, name)| name.to_owned())
        })
    }
}

fn status_in(error: &Value) -> Option<u16> {
    let code = ["/code", "/status_code", "/status"]
        .iter()
        .find_map(|place| count(error, place));
    u16::try_from(code?)
        .ok()
        .filter(|code| (400..600).contains(code))
}

fn between<'a>(body: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(start)?;
    rest.split_once(end).map(|(text, _)| text)
}
