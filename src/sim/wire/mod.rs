//! The four wire formats, written from the providers' documentation and recorded answers.

mod anthropic;
mod chat;
mod gemini;
mod responses;

use std::time::UNIX_EPOCH;

use serde::Serialize;
use serde_json::Value;

use super::Fault;

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Anthropic Messages.
    Anthropic,
    /// OpenAI Chat Completions.
    #[serde(rename = "openai")]
    OpenAi,
    /// OpenAI Responses.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Gemini.
    Gemini,
}

/// Every family.
const FAMILIES: [Family; 4] = [
    Family::Anthropic,
    Family::OpenAi,
    Family::OpenAiResponses,
    Family::Gemini,
];

impl Family {
    /// Returns the first segment of its base URL's path.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
            Self::Gemini => "gemini",
        }
    }

    /// Finds a family by its word.
    pub fn named(word: &str) -> Option<Self> {
        FAMILIES.into_iter().find(|family| family.word() == word)
    }

    /// Tells whether it takes asks at this path below its base URL.
    pub(super) fn takes(self, path: &str) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        match self {
            Self::Anthropic => path == "v1/messages",
            Self::OpenAi => path == "v1/chat/completions",
            Self::OpenAiResponses => path == "v1/responses",
            Self::Gemini => path
                .strip_prefix("v1beta/models/")
                .and_then(|call| call.split_once(':'))
                .is_some_and(|(_, act)| matches!(act, "generateContent" | "streamGenerateContent")),
        }
    }

    /// Returns the models it lists.
    pub(super) const fn models(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["claude-sonnet-4-5", "claude-haiku-4-5", "claude-opus-4-5"],
            Self::OpenAi | Self::OpenAiResponses => &["gpt-4o", "gpt-4o-mini", "gpt-4.1-nano"],
            Self::Gemini => &["gemini-2.5-flash", "gemini-2.5-pro"],
        }
    }

    /// Returns the list of its models, in its own shape.
    pub(super) fn model_list(self) -> Value {
        match self {
            Self::Anthropic => anthropic::models(self.models()),
            Self::OpenAi | Self::OpenAiResponses => chat::models(self.models()),
            Self::Gemini => gemini::models(self.models()),
        }
    }
}

/// What was asked, as far as the answer depends on it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) no: u64,
    pub(super) model: String,
    pub(super) is_streamed: bool,
    /// All text of the request, for counting.
    pub(super) text_bytes: usize,
    /// The system prompt and the turns, oldest first.
    pub(super) prompt: Vec<String>,
    /// Whether a chat stream is to end with its usage.
    pub(super) with_usage: bool,
    /// Whether Gemini's stream is SSE; else one JSON list.
    pub(super) is_sse: bool,
    /// When, in seconds since 1970.
    pub(super) at: u64,
}

impl Asked {
    /// Reads the body of a request.
    pub(super) fn read(family: Family, path: &str, body: &Value, no: u64) -> Self {
        let mut prompt = Vec::new();
        for field in [
            "system",
            "instructions",
            "systemInstruction",
            "messages",
            "input",
            "contents",
        ] {
            collect(body.get(field), &mut prompt);
        }
        let in_path = path.rsplit('/').next().unwrap_or_default();
        let (model, action) = in_path.split_once(':').unwrap_or((in_path, ""));
        let is_gemini = family == Family::Gemini;
        let named = body
            .get("model")
            .and_then(Value::as_str)
            .unwrap_or_default();
        Self {
            no,
            model: if is_gemini {
                model.to_owned()
            } else {
                named.to_owned()
            },
            is_streamed: if is_gemini {
                action.starts_with("streamGenerateContent")
            } else {
                body.get("stream").and_then(Value::as_bool).unwrap_or(false)
            },
            text_bytes: prompt.iter().map(String::len).sum(),
            prompt,
            with_usage: body
                .pointer("/stream_options/include_usage")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            is_sse: !is_gemini || path.contains("alt=sse"),
            // The desk's clock is not the simulator's; clients look whether an answer is of today.
            at: UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        }
    }

    /// Counts the input: four bytes are a token.
    pub(super) fn tokens_in(&self) -> u64 {
        tokens(self.text_bytes)
    }
}

/// Counts the tokens of so many bytes of text.
pub(super) fn tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(0)
}

/// Collects every text in a prompt, wherever the family puts it.
fn collect(value: Option<&Value>, texts: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) => texts.push(text.clone()),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), texts)),
        Some(Value::Object(fields)) => {
            for name in ["content", "text", "parts"] {
                collect(fields.get(name), texts);
            }
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_)) | None => {}
    }
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    AtLimit,
    Refused,
}

/// A stream in three parts: what comes before the words, a frame per piece, and what comes after.
pub(super) struct Frames {
    pub(super) before: Vec<String>,
    pub(super) pieces: Vec<String>,
    pub(super) after: Vec<String>,
}

/// A refusal of the request: status, headers, body.
pub(super) struct Error {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Error {
    fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
        }
    }

    fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

/// Makes a whole answer in one piece.
pub(super) fn whole(family: Family, asked: &Asked, text: &str, end: End) -> Value {
    match family {
        Family::Anthropic => anthropic::whole(asked, text, end),
        Family::OpenAi => chat::whole(asked, text, end),
        Family::OpenAiResponses => responses::whole(asked, text, end),
        Family::Gemini => gemini::whole(asked, text, end),
    }
}

/// Makes a streamed answer.
pub(super) fn frames(family: Family, asked: &Asked, pieces: &[&str], end: End) -> Frames {
    match family {
        Family::Anthropic => anthropic::frames(asked, pieces, end),
        Family::OpenAi => chat::frames(asked, pieces, end),
        Family::OpenAiResponses => responses::frames(asked, pieces, end),
        Family::Gemini => gemini::frames(asked, pieces, end),
    }
}

/// Makes the error for a fault that is one.
pub(super) fn error(family: Family, asked: &Asked, fault: Fault) -> Option<Error> {
    match family {
        Family::Anthropic => anthropic::error(asked, fault),
        Family::OpenAi | Family::OpenAiResponses => chat::error(asked, fault),
        Family::Gemini => gemini::error(asked, fault),
    }
}

/// Makes the frame that says in mid-stream that the provider failed.
/// `pieces` are the words that were sent.
pub(super) fn error_event(family: Family, asked: &Asked, pieces: usize) -> String {
    match family {
        Family::Anthropic => anthropic::error_event(),
        Family::OpenAi => chat::error_event(),
        Family::OpenAiResponses => responses::error_event(pieces.saturating_add(4)),
        Family::Gemini => gemini::error_event(asked, pieces),
    }
}

/// Returns the headers of every good answer of a family.
pub(super) fn headers(family: Family, no: u64) -> Vec<(String, String)> {
    let id = request_id(no);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match family {
        Family::Anthropic => vec![
            pair("request-id", &id),
            pair("anthropic-ratelimit-requests-limit", "50"),
            pair("anthropic-ratelimit-requests-remaining", "49"),
        ],
        Family::OpenAi | Family::OpenAiResponses => vec![
            pair("x-request-id", &id),
            pair("x-ratelimit-limit-requests", "500"),
            pair("x-ratelimit-remaining-requests", "499"),
            pair("x-ratelimit-reset-requests", "120ms"),
        ],
        Family::Gemini => Vec::new(),
    }
}

/// Returns the id of a request.
pub(super) fn request_id(no: u64) -> String {
    format!("req_sim{no:08}")
}

/// Writes an event with a name.
fn named(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Writes an event without a name.
fn bare(data: &Value) -> String {
    format!("data: {data}\n\n")
}
