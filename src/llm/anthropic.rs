//! Anthropic Messages: <https://platform.claude.com/docs/en/api/messages>.

use serde_json::Value;

use super::{
    body::{Builder, cut, ended, key_header},
    rows::{BY_STATUS, Row, When, count, fault, in_band, text, unreadable},
    spell::{self, anthropic::AT_VERTEX},
    sse::Event,
    url,
    wire::{Call, Delta, Endpoint, Finish, Headers, Reader, Stop, Whole, Wire},
    words::clean,
};
use crate::{
    domain::{Counting, Fault, FaultClass, Usage, manner::Place},
    engine::{answer::CallPiece, ask::Ask},
};

/// Sources: \[E\] <https://platform.claude.com/docs/en/api/errors>,
/// \[S\] <https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>,
/// \[R\] recorded answers, \[V\] Vertex AI, where refusals before the model are Google's own:
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/api-errors>.
const ERRORS: &[Row] = &[
    // [E] An enforced spend limit: a rate limit by its type, without retry-after.
    (
        When::Code("enforced_spend_limit_reached"),
        FaultClass::OutOfCredit,
    ),
    (When::Code("authentication_error"), FaultClass::KeyRefused), // [E]
    (When::Code("billing_error"), FaultClass::OutOfCredit),       // [E]
    (When::Code("permission_error"), FaultClass::ModelGone),      // [E] not for this key
    (When::Code("not_found_error"), FaultClass::ModelGone),       // [E]
    (When::Code("request_too_large"), FaultClass::TooLong),       // [E]
    // anthropics/claude-code#33514
    (
        When::CodeSays("rate_limit_error", "long context"),
        FaultClass::TooLong,
    ),
    (When::Code("rate_limit_error"), FaultClass::RateLimited), // [E]
    (When::Code("overloaded_error"), FaultClass::Overloaded),  // [E]
    (When::Code("timeout_error"), FaultClass::ServerError),    // [E]
    (When::Code("conflict_error"), FaultClass::ServerError),   // [E]
    (When::Code("api_error"), FaultClass::ServerError),        // [E]
    (When::Code("unauthenticated"), FaultClass::KeyRefused),   // [V] the token is over
    (When::Code("resource_exhausted"), FaultClass::RateLimited), // [V]
    (When::Code("failed_precondition"), FaultClass::ModelGone), // [V] location, organisation
    (When::Code("permission_denied"), FaultClass::ModelGone),  // [V] not for this project
    (When::Code("unavailable"), FaultClass::Overloaded),       // [V]
    // `invalid_request_error` is said of many things; only the words tell them apart.
    (
        When::StatusSays(400, "prompt is too long"),
        FaultClass::TooLong,
    ), // [R]
    (
        When::StatusSays(400, "exceed context limit"),
        FaultClass::TooLong,
    ), // [S]
    // anthropics/claude-code#88711
    (
        When::StatusSays(400, "credit balance is too low"),
        FaultClass::OutOfCredit,
    ),
    (
        When::StatusSays(400, "usage limits"),
        FaultClass::OutOfCredit,
    ), // [E]
    (
        When::StatusSays(400, "spend limit"),
        FaultClass::OutOfCredit,
    ), // [E]
];

const TABLES: &[&[Row]] = &[ERRORS, BY_STATUS];

/// The codec.
#[derive(Debug)]
pub(super) struct Anthropic;

impl Wire for Anthropic {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        let verb = if to.stream {
            "streamRawPredict"
        } else {
            "rawPredict"
        };
        Call {
            url: url::vertex(to, verb)
                .unwrap_or_else(|| url::versioned(&to.base_url, "v1", "messages")),
            headers: spell::raw::with_headers(headers(to), ask, to),
            body: spell::raw::body(ask, to).unwrap_or_else(|| spelled(ask, to)),
        }
    }

    fn probes(&self, to: &Endpoint) -> Vec<Call> {
        let models = url::versioned(&to.base_url, "v1", "models");
        vec![Call {
            url: url::vertex_models(to).unwrap_or_else(|| url::with_query(&models, "limit=1000")),
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
        let end = answer.take_whole(body, &mut deltas);
        let usage = answer.usage();
        Whole {
            deltas,
            usage,
            end: end.and_then(|()| Box::new(answer).end()),
        }
    }

    fn fault(&self, status: u16, headers: &Headers, body: &[u8]) -> Fault {
        fault(TABLES, status, headers, body)
    }
}

fn spelled(ask: &Ask, to: &Endpoint) -> Vec<u8> {
    let mut body = Builder::new(to);
    if matches!(to.manner.place, Place::Vertex { .. }) {
        body.put("anthropic_version", AT_VERTEX);
    } else {
        body.put("model", to.model.0.as_str());
    }
    body.put("max_tokens", ask.output_limit);
    if !ask.system.is_empty() {
        body.put("system", ask.system.as_str());
    }
    body.put("messages", spell::anthropic::messages(ask));
    body.put("stream", to.stream);
    spell::anthropic::wishes(&ask.wishes, &mut body);
    body.bytes()
}

fn headers(to: &Endpoint) -> Vec<(&'static str, secrecy::SecretString)> {
    let mut headers = vec![("content-type", "application/json".into())];
    if !matches!(to.manner.place, Place::Vertex { .. }) {
        headers.push(("anthropic-version", "2023-06-01".into()));
    }
    headers.extend(key_header(to, ("x-api-key", "")));
    headers
}

/// One answer, as far as it was read.
#[derive(Debug, Default)]
struct Answer {
    usage: Counts,
    model: Option<String>,
    stop: Option<String>,
    why: Option<String>,
    /// The stop sequence that it met.
    sequence: Option<String>,
    /// The blocks that are calls, by their number in the answer.
    calls: Vec<u64>,
    /// The calls that have begun and have no arguments yet.
    bare: Vec<u64>,
    has_text: bool,
    is_over: bool,
}

impl Answer {
    fn take_whole(&mut self, body: &[u8], deltas: &mut Vec<Delta>) -> Result<(), Fault> {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Err(unreadable(body));
        };
        if value.get("error").is_some() {
            return Err(in_band(TABLES, &value));
        }
        self.take_start(&value, deltas);
        let blocks = value.get("content").and_then(Value::as_array);
        for (at, block) in (0..).zip(blocks.into_iter().flatten()) {
            self.take_block(at, block, deltas);
            self.end_block(at, deltas);
        }
        self.take_stop(&value, deltas);
        self.is_over = self.stop.is_some();
        Ok(())
    }

    /// Reads what `message_start` and a whole answer have in common.
    fn take_start(&mut self, message: &Value, deltas: &mut Vec<Delta>) {
        self.usage.take(message.get("usage"));
        if let Some(model) = text(message, "/model") {
            self.name(model, deltas);
        }
    }

    /// Reads a block; a `fallback` block says that another model answers, and is billed.
    fn take_block(&mut self, at: u64, block: &Value, deltas: &mut Vec<Delta>) {
        match text(block, "/type") {
            Some("tool_use") => self.call(at, block, deltas),
            Some("text") => match text(block, "/text") {
                Some(piece) => self.write(piece, deltas),
                None => deltas.push(Delta::Alive),
            },
            Some("fallback") => {
                if let Some(model) = text(block, "/to/model") {
                    self.name(model, deltas);
                }
            }
            Some(_) | None => deltas.push(Delta::Alive),
        }
    }

    fn take_delta(&mut self, at: u64, delta: &Value, deltas: &mut Vec<Delta>) {
        match text(delta, "/type") {
            Some("input_json_delta") => match self.index(at) {
                Some(index) => {
                    let arguments = text(delta, "/partial_json").unwrap_or_default();
                    if !arguments.is_empty() {
                        self.bare.retain(|bare| *bare != at);
                    }
                    deltas.push(Delta::Call(CallPiece {
                        index,
                        arguments: arguments.to_owned(),
                        ..CallPiece::default()
                    }));
                }
                // A tool of the provider's own, which it runs itself.
                None => deltas.push(Delta::Alive),
            },
            Some("text_delta") => match text(delta, "/text") {
                Some(piece) => self.write(piece, deltas),
                None => deltas.push(Delta::Alive),
            },
            Some("thinking_delta" | "signature_delta") => deltas.push(Delta::Thinking),
            Some(_) | None => deltas.push(Delta::Alive),
        }
    }

    /// Reads the stop reason from a whole answer or the `delta` of a `message_delta`.
    fn take_stop(&mut self, holder: &Value, deltas: &mut Vec<Delta>) {
        if let Some(stop) = text(holder, "/stop_reason") {
            self.stop = Some(stop.to_owned());
            deltas.push(Delta::Stopping);
        }
        self.sequence = text(holder, "/stop_sequence").map(str::to_owned);
        if let Some(why) = text(holder, "/stop_details/explanation") {
            self.why = Some(clean(why));
        }
    }

    /// Begins a call. A stream begins with empty arguments, and tells them after.
    fn call(&mut self, at: u64, block: &Value, deltas: &mut Vec<Delta>) {
        self.calls.push(at);
        let input = block.get("input").filter(|input| match input {
            Value::Object(members) => !members.is_empty(),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => false,
        });
        if input.is_none() {
            self.bare.push(at);
        }
        deltas.push(Delta::Call(CallPiece {
            index: self.index(at).unwrap_or_default(),
            id: text(block, "/id").map(str::to_owned),
            name: text(block, "/name").map(str::to_owned),
            arguments: input.map(Value::to_string).unwrap_or_default(),
        }));
    }

    /// Ends a block. A call that had no arguments has an object of none: everybody else writes one,
    /// and reads no other.
    fn end_block(&mut self, at: u64, deltas: &mut Vec<Delta>) {
        if self.bare.contains(&at) {
            self.bare.retain(|bare| *bare != at);
            deltas.push(Delta::Call(CallPiece {
                index: self.index(at).unwrap_or_default(),
                arguments: "{}".to_owned(),
                ..CallPiece::default()
            }));
        }
    }

    /// Returns which of the calls a block is.
    fn index(&self, block: u64) -> Option<u32> {
        let at = self.calls.iter().rposition(|own| *own == block)?;
        u32::try_from(at).ok()
    }

    fn name(&mut self, model: &str, deltas: &mut Vec<Delta>) {
        if self.model.as_deref() != Some(model) {
            self.model = Some(model.to_owned());
            deltas.push(Delta::Model(model.to_owned()));
        }
    }

    fn write(&mut self, piece: &str, deltas: &mut Vec<Delta>) {
        self.has_text = true;
        deltas.push(Delta::Text(piece.to_owned()));
    }
}

impl Reader for Answer {
    fn read(&mut self, event: &Event) -> Result<Vec<Delta>, Fault> {
        let Ok(value) = serde_json::from_str::<Value>(&event.data) else {
            return Err(unreadable(event.data.as_bytes()));
        };
        let none = Value::Null;
        let member = |name: &str| value.get(name).unwrap_or(&none);
        let mut deltas = Vec::new();
        let at = count(&value, "/index").unwrap_or_default();
        match text(&value, "/type").or(event.name.as_deref()) {
            Some("message_start") => {
                self.stop = None;
                self.is_over = false;
                self.take_start(member("message"), &mut deltas);
            }
            Some("content_block_start") => {
                self.take_block(at, member("content_block"), &mut deltas);
            }
            Some("content_block_stop") => self.end_block(at, &mut deltas),
            Some("content_block_delta") => self.take_delta(at, member("delta"), &mut deltas),
            Some("message_delta") => {
                self.usage.take(value.get("usage"));
                self.take_stop(member("delta"), &mut deltas);
            }
            Some("message_stop") => self.is_over = true,
            Some("error") => return Err(in_band(TABLES, &value)),
            // Pings, and whatever is invented later.
            Some(_) | None => {}
        }
        if deltas.is_empty() {
            deltas.push(Delta::Alive);
        }
        Ok(deltas)
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn end(self: Box<Self>) -> Result<Finish, Fault> {
        let usage = self.usage();
        let stop = match self.stop.as_deref() {
            Some("refusal") => {
                let why = self
                    .why
                    .unwrap_or_else(|| "the model declined to answer".to_owned());
                return Err(ended(FaultClass::Refused, &usage, &why, "refusal"));
            }
            Some("max_tokens" | "model_context_window_exceeded" | "pause_turn") => Stop::Limit,
            Some("tool_use") => Stop::Calls,
            Some("stop_sequence") => Stop::Sequence,
            Some(_) => Stop::End,
            None => return Err(cut()),
        };
        if !self.is_over {
            return Err(cut());
        }
        if !self.has_text && self.calls.is_empty() {
            let said = "the answer has no text";
            let code = self.stop.unwrap_or_default();
            return Err(ended(FaultClass::Empty, &usage, said, &code));
        }
        Ok(Finish {
            stop,
            usage,
            model: self.model,
            said: self.stop,
            sequence: self.sequence,
        })
    }

    fn usage(&self) -> Usage {
        self.usage.usage()
    }
}

/// Counts as they come: the start has some, the end has others, later ones win.
#[derive(Debug, Default)]
struct Counts {
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
    cached: Option<u64>,
    /// Both lifetimes together.
    written: Option<u64>,
    written_long: Option<u64>,
    thinking: Option<u64>,
    /// What shortening the conversation on the way took and wrote; the sums above are without it.
    /// <https://platform.claude.com/docs/en/build-with-claude/compaction>
    compacted: Option<(u64, u64)>,
}

impl Counts {
    fn take(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else { return };
        let newer = |place: &str, old: Option<u64>| count(usage, place).or(old);
        self.tokens_in = newer("/input_tokens", self.tokens_in);
        self.tokens_out = newer("/output_tokens", self.tokens_out);
        self.cached = newer("/cache_read_input_tokens", self.cached);
        self.written = newer("/cache_creation_input_tokens", self.written);
        self.written_long = newer(
            "/cache_creation/ephemeral_1h_input_tokens",
            self.written_long,
        );
        self.thinking = newer("/output_tokens_details/thinking_tokens", self.thinking);
        if let Some(passes) = usage.get("iterations").and_then(Value::as_array) {
            let of = |pass: &Value, name: &str| count(pass, name).unwrap_or(0);
            let is_other = |pass: &&Value| text(pass, "/type") == Some("compaction");
            let other = passes.iter().filter(is_other);
            let sum = other.fold((0_u64, 0_u64), |(read, written), pass| {
                (
                    read.saturating_add(of(pass, "/input_tokens")),
                    written.saturating_add(of(pass, "/output_tokens")),
                )
            });
            self.compacted = Some(sum);
        }
    }

    fn usage(&self) -> Usage {
        let long = self.written_long.unwrap_or(0);
        let (read, written) = self.compacted.unwrap_or_default();
        let with = |sum: Option<u64>, more: u64| sum.map(|sum| sum.saturating_add(more));
        Usage {
            tokens_in: with(self.tokens_in, read),
            tokens_out: with(self.tokens_out, written),
            tokens_cached: self.cached,
            tokens_cache_write: self.written.map(|all| all.saturating_sub(long)),
            tokens_cache_write_long: self.written_long,
            tokens_thinking: self.thinking,
            cached: Counting::Outside,
            thinking: Counting::Inside,
            cost: None,
        }
    }
}
