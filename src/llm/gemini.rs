//! Gemini `generateContent`: <https://ai.google.dev/api/generate-content>.

use serde_json::Value;

use super::{
    body::{Builder, cut, ended, key_header},
    rows::{BY_STATUS, PER_DAY, Row, When, at, count, fault, in_band, text, unreadable},
    spell,
    sse::Event,
    url,
    wire::{Call, Delta, Endpoint, Finish, Headers, Reader, Stop, Whole, Wire},
    words::clean,
};
use crate::{
    domain::{Counting, Fault, FaultClass, Usage},
    engine::{
        answer::CallPiece,
        ask::{Ask, json::Json},
    },
};

/// Sources: \[E\] <https://ai.google.dev/gemini-api/docs/generate-content/api-errors>,
/// \[T\] <https://ai.google.dev/gemini-api/docs/troubleshooting>, \[R\] recorded answers.
const ERRORS: &[Row] = &[
    (When::Code("api_key_invalid"), FaultClass::KeyRefused), // [R] behind a 400
    (
        When::Code("api_key_service_blocked"),
        FaultClass::KeyRefused,
    ), // google.api.ErrorReason
    (
        When::Code("api_key_http_referrer_blocked"),
        FaultClass::KeyRefused,
    ),
    (
        When::Code("api_key_ip_address_blocked"),
        FaultClass::KeyRefused,
    ),
    (When::Says("api key not valid"), FaultClass::KeyRefused), // [R]
    (When::Says("api key expired"), FaultClass::KeyRefused),   // [T]
    (When::Says("reported as leaked"), FaultClass::KeyRefused), // [T]
    (When::Says("unregistered callers"), FaultClass::KeyRefused), // [T] no key at all
    (When::Code("unauthenticated"), FaultClass::KeyRefused),   // [E]
    (When::Status(402), FaultClass::OutOfCredit),              // [E] prepaid credit is spent
    // [E] The retryDelay beside it is short, the quota comes back at midnight Pacific.
    (When::Code(PER_DAY), FaultClass::OutOfCredit),
    (When::Code("resource_exhausted"), FaultClass::RateLimited), // [E]
    (
        When::Says("exceeds the maximum number of tokens"),
        FaultClass::TooLong,
    ), // [R]
    (
        When::CodeSays("invalid_argument", "input token count"),
        FaultClass::TooLong,
    ), // [R]
    (When::Code("failed_precondition"), FaultClass::ModelGone),  // [E] location, free tier
    (When::Code("permission_denied"), FaultClass::ModelGone),    // [E] not for this key
    (When::Code("not_found"), FaultClass::ModelGone),            // [E]
    (When::Code("invalid_argument"), FaultClass::BadInput),      // [E]
    (When::Code("cancelled"), FaultClass::BadInput),             // [E] 499
    (When::Code("unavailable"), FaultClass::Overloaded),         // [E]
    (When::Code("deadline_exceeded"), FaultClass::ServerError),  // [E]
    (When::Code("internal"), FaultClass::ServerError),           // [E]
];

const TABLES: &[&[Row]] = &[ERRORS, BY_STATUS];

/// Stops by which Gemini declines. <https://ai.google.dev/api/generate-content#FinishReason>
const DECLINES: [&str; 7] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "LANGUAGE",
];

/// The codec.
#[derive(Debug)]
pub(super) struct Gemini;

impl Wire for Gemini {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        let model = to.model.0.strip_prefix("models/").unwrap_or(&to.model.0);
        let verb = if to.stream {
            "streamGenerateContent"
        } else {
            "generateContent"
        };
        let url = url::vertex(to, verb).unwrap_or_else(|| {
            let path = format!("models/{}:{verb}", url::segment(model));
            url::versioned(&to.base_url, "v1beta", &path)
        });
        Call {
            url: if to.stream {
                url::with_query(&url, "alt=sse")
            } else {
                url
            },
            headers: headers(to),
            body: spell::raw::body(ask, to).unwrap_or_else(|| spelled(ask, to)),
        }
    }

    fn probes(&self, to: &Endpoint) -> Vec<Call> {
        let models = url::versioned(&to.base_url, "v1beta", "models");
        vec![Call {
            url: url::vertex_models(to)
                .unwrap_or_else(|| url::with_query(&models, "pageSize=1000")),
            headers: headers(to),
            body: Vec::new(),
        }]
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }

    fn whole(&self, body: &[u8]) -> Whole {
        let mut answer = Answer::default();
        let mut deltas = Vec::new();
        let read = match serde_json::from_slice::<Value>(body) {
            // Without `alt=sse` a stream is one list of chunks.
            Ok(Value::Array(chunks)) => chunks
                .iter()
                .try_for_each(|chunk| answer.take(chunk, &mut deltas)),
            Ok(value) => answer.take(&value, &mut deltas),
            Err(_) => Err(unreadable(body)),
        };
        Whole {
            deltas,
            usage: answer.usage(),
            end: read.and_then(|()| Box::new(answer).end()),
        }
    }

    fn fault(&self, status: u16, headers: &Headers, body: &[u8]) -> Fault {
        fault(TABLES, status, headers, body)
    }
}

fn spelled(ask: &Ask, to: &Endpoint) -> Vec<u8> {
    let mut body = Builder::new(to);
    if !ask.system.is_empty() {
        let said = Json::object([("text", ask.system.as_str().into())]);
        let parts = [("parts", Json::List(vec![said]))];
        body.put("systemInstruction", Json::object(parts));
    }
    body.put("contents", spell::gemini::contents(ask, to));
    body.put("generationConfig", spell::gemini::config(ask, to));
    if let Some((tools, config)) = spell::gemini::tools(&ask.wishes) {
        body.put("tools", tools);
        body.put_some("toolConfig", config);
    }
    body.bytes()
}

/// The key goes in a header: in the URL it would stand in logs.
fn headers(to: &Endpoint) -> Vec<(&'static str, secrecy::SecretString)> {
    let mut headers = vec![("content-type", "application/json".into())];
    headers.extend(key_header(to, ("x-goog-api-key", "")));
    headers
}

/// One answer, as far as it was read.
#[derive(Debug, Default)]
struct Answer {
    usage: Usage,
    model: Option<String>,
    id: Option<String>,
    stop: Option<String>,
    /// Why the prompt was blocked.
    blocked: Option<String>,
    why: Option<String>,
    /// How many calls came.
    calls: u32,
    has_text: bool,
}

impl Answer {
    fn take(&mut self, chunk: &Value, out: &mut Vec<Delta>) -> Result<(), Fault> {
        if chunk.get("error").is_some() {
            return Err(in_band(TABLES, chunk));
        }
        if let Some(model) =
            text(chunk, "/modelVersion").filter(|model| self.model.as_deref() != Some(*model))
        {
            self.model = Some(model.to_owned());
            out.push(Delta::Model(model.to_owned()));
        }
        if let Some(id) = text(chunk, "/responseId").filter(|_| self.id.is_none()) {
            self.id = Some(id.to_owned());
            out.push(Delta::Request(clean(id)));
        }
        self.take_usage(chunk);
        if let Some(reason) = text(chunk, "/promptFeedback/blockReason") {
            self.blocked = Some(reason.to_owned());
            self.why = text(chunk, "/promptFeedback/blockReasonMessage").map(clean);
        }
        let parts = at(chunk, "/candidates/0/content/parts").and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            let thinks = part.get("thought").and_then(Value::as_bool) == Some(true);
            match text(part, "/text") {
                Some(_) if thinks => out.push(Delta::Thinking),
                Some(piece) => {
                    self.has_text = true;
                    out.push(Delta::Text(piece.to_owned()));
                }
                None => match part.get("functionCall") {
                    Some(call) => self.take_call(call, out),
                    None => out.push(Delta::Alive),
                },
            }
        }
        if let Some(stop) = text(chunk, "/candidates/0/finishReason") {
            self.stop = Some(stop.to_owned());
            self.why = text(chunk, "/candidates/0/finishMessage")
                .map(clean)
                .or(self.why.take());
            out.push(Delta::Stopping);
        }
        Ok(())
    }

    /// Reads a call, which comes whole. Its id is made where there is none, from that of the
    /// answer: it must be another in the next answer of the conversation.
    fn take_call(&mut self, call: &Value, out: &mut Vec<Delta>) {
        // Arguments that come in parts, for those who ask for that, follow without a name.
        let Some(name) = text(call, "/name") else {
            return out.push(Delta::Alive);
        };
        let index = self.calls;
        self.calls += 1;
        let id = text(call, "/id").map_or_else(
            || {
                let answer = self.id.as_deref().unwrap_or_default();
                let plain = answer.chars().filter(char::is_ascii_alphanumeric);
                format!("call_{}{index}", plain.take(24).collect::<String>())
            },
            str::to_owned,
        );
        out.push(Delta::Call(CallPiece {
            index,
            id: Some(id),
            name: Some(name.to_owned()),
            arguments: call
                .get("args")
                .map_or_else(|| "{}".to_owned(), Value::to_string),
        }));
    }

    fn take_usage(&mut self, chunk: &Value) {
        let newer =
            |name: &str, old: Option<u64>| count(chunk, &format!("/usageMetadata/{name}")).or(old);
        self.usage.tokens_in = newer("promptTokenCount", self.usage.tokens_in);
        self.usage.tokens_out = newer("candidatesTokenCount", self.usage.tokens_out);
        self.usage.tokens_cached = newer("cachedContentTokenCount", self.usage.tokens_cached);
        self.usage.tokens_thinking = newer("thoughtsTokenCount", self.usage.tokens_thinking);
    }
}

impl Reader for Answer {
    fn read(&mut self, event: &Event) -> Result<Vec<Delta>, Fault> {
        let Ok(value) = serde_json::from_str::<Value>(&event.data) else {
            return Err(unreadable(event.data.as_bytes()));
        };
        let mut out = Vec::new();
        self.take(&value, &mut out)?;
        if out.is_empty() {
            out.push(Delta::Alive);
        }
        Ok(out)
    }

    /// The last chunk is known by the end of the body alone.
    fn is_over(&self) -> bool {
        false
    }

    fn end(self: Box<Self>) -> Result<Finish, Fault> {
        let usage = self.usage();
        let declined = self
            .stop
            .clone()
            .filter(|stop| DECLINES.contains(&stop.as_str()));
        if let Some(code) = self.blocked.or(declined) {
            let said = self.why.unwrap_or_else(|| format!("declined with {code}"));
            return Err(ended(FaultClass::Refused, &usage, &said, &code));
        }
        let Some(said) = self.stop else {
            return Err(cut());
        };
        if !self.has_text && self.calls == 0 {
            return Err(ended(
                FaultClass::Empty,
                &usage,
                "the answer has no text",
                &said,
            ));
        }
        let stop = if said == "MAX_TOKENS" {
            Stop::Limit
        } else if self.calls > 0 {
            Stop::Calls
        } else {
            Stop::End
        };
        Ok(Finish {
            stop,
            usage,
            model: self.model,
            said: Some(said),
            sequence: None,
        })
    }

    fn usage(&self) -> Usage {
        Usage {
            cached: Counting::Inside,
            thinking: Counting::Outside,
            ..self.usage.clone()
        }
    }
}
