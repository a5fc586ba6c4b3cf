//! Chat Completions: what OpenAI itself and the many compatible servers share.

use serde_json::Value;

use super::{
    body::{Builder, cut, ended, key_header},
    chunk,
    rows::{Row, at, count, in_band, text, unreadable},
    spell,
    sse::Event,
    wire::{Delta, Endpoint, Finish, Reader, Stop, Whole},
    words::clean,
};
use crate::{
    domain::{Counting, Fault, FaultClass, Usage, Usd},
    engine::{
        answer::CallPiece,
        ask::{Ask, json::Json},
    },
};

/// In what OpenAI and compatible servers differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    /// The table of refusals.
    pub(super) tables: &'static [&'static [Row]],
    /// Whether a stream must end with `[DONE]`; some compatible servers never send it.
    pub(super) needs_done: bool,
}

/// Spells the ask; `limits` are the names of the output limit, the preferred one first.
pub(super) fn spell<'a>(ask: &Ask, to: &'a Endpoint, limits: [&str; 2]) -> Builder<'a> {
    let mut body = Builder::new(to);
    body.put("model", to.model.0.as_str());
    body.put("messages", spell::chat::messages(ask));
    body.put_limit(limits, ask.output_limit);
    body.put("stream", to.stream);
    if to.stream {
        let options = [("include_usage", true.into())];
        body.put("stream_options", Json::object(options));
    }
    spell::chat::wishes(&ask.wishes, &mut body);
    body
}

/// Returns the headers with the key as a bearer.
pub(super) fn headers(to: &Endpoint) -> Vec<(&'static str, secrecy::SecretString)> {
    let mut headers = vec![("content-type", "application/json".into())];
    headers.extend(key_header(to, ("authorization", "Bearer ")));
    headers
}

/// Reads an answer that came in one piece.
pub(super) fn whole(dialect: Dialect, body: &[u8]) -> Whole {
    let mut answer = Answer::new(dialect);
    let mut deltas = Vec::new();
    let read = match chunk::whole(body) {
        Some(plain) => {
            answer.take_plain(&plain, &mut deltas);
            Ok(())
        }
        None => match serde_json::from_slice::<Value>(body) {
            Ok(value) => answer.take(&value, "message", &mut deltas),
            Err(_) => Err(unreadable(body)),
        },
    };
    // A whole JSON body is its own end; some servers give no `finish_reason` in it.
    answer.is_done = true;
    if answer.has_choice {
        answer.stop.get_or_insert_with(|| "stop".to_owned());
    }
    Whole {
        deltas,
        usage: answer.usage.clone(),
        end: read.and_then(|()| Box::new(answer).end()),
    }
}

/// One answer, as far as it was read.
#[derive(Debug)]
pub(super) struct Answer {
    dialect: Dialect,
    usage: Usage,
    model: Option<String>,
    id: Option<String>,
    stop: Option<String>,
    refusal: String,
    /// The stop sequence that it met, where the server says so.
    sequence: Option<String>,
    /// The calls by the server's number for them, and their ids.
    calls: Vec<(u64, Option<String>)>,
    has_text: bool,
    has_choice: bool,
    is_done: bool,
}

impl Answer {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            usage: Usage::default(),
            model: None,
            id: None,
            stop: None,
            refusal: String::new(),
            sequence: None,
            calls: Vec::new(),
            has_text: false,
            has_choice: false,
            is_done: false,
        }
    }

    /// Reads a chunk (its content under `delta`) or a whole answer (`message`).
    fn take(&mut self, value: &Value, holder: &str, out: &mut Vec<Delta>) -> Result<(), Fault> {
        if value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(in_band(self.dialect.tables, value));
        }
        self.take_names((text(value, "/model"), text(value, "/id")), out);
        self.take_counts(value.get("usage").filter(|usage| usage.is_object()));
        let choices = value.get("choices").and_then(Value::as_array);
        let first = choices
            .into_iter()
            .flatten()
            .find(|choice| count(choice, "/index").unwrap_or(0) == 0);
        if let Some(choice) = first {
            self.take_choice(choice, holder, out)?;
        } else if choices.is_none() && text(value, "/object") == Some("error") {
            return Err(in_band(self.dialect.tables, value));
        }
        Ok(())
    }

    /// Reads what holds text and nothing else.
    fn take_plain(&mut self, plain: &chunk::Plain<'_>, out: &mut Vec<Delta>) {
        self.take_names((plain.model, plain.id), out);
        self.take_counts(plain.usage.as_ref());
        self.has_choice = true;
        self.write(&plain.text, out);
        if let Some(stop) = plain.stop {
            self.stop = Some(stop.to_owned());
            out.push(Delta::Stopping);
        }
    }

    /// Reads who answers, and the provider's number of the request.
    fn take_names(&mut self, (model, id): (Option<&str>, Option<&str>), out: &mut Vec<Delta>) {
        if let Some(model) = model.filter(|model| self.model.as_deref() != Some(*model)) {
            self.model = Some(model.to_owned());
            out.push(Delta::Model(model.to_owned()));
        }
        if let Some(id) = id.filter(|_| self.id.is_none()) {
            self.id = Some(id.to_owned());
            out.push(Delta::Request(clean(id)));
        }
    }

    fn take_choice(
        &mut self,
        choice: &Value,
        holder: &str,
        out: &mut Vec<Delta>,
    ) -> Result<(), Fault> {
        if choice.get("error").is_some_and(|error| !error.is_null()) {
            return Err(in_band(self.dialect.tables, choice));
        }
        self.has_choice = true;
        let none = Value::Null;
        let said = choice
            .get(holder)
            .or_else(|| choice.get("message"))
            .unwrap_or(&none);
        let thinks = ["/reasoning_content", "/reasoning"];
        if thinks.iter().any(|place| text(said, place).is_some()) {
            out.push(Delta::Thinking);
        }
        match said.get("content") {
            Some(Value::String(piece)) => self.write(piece, out),
            Some(Value::Array(parts)) => {
                for part in parts {
                    self.take_part(part, out);
                }
            }
            Some(_) | None => {}
        }
        if let Some(refusal) = text(said, "/refusal") {
            self.refusal.push_str(refusal);
        }
        self.take_calls(said, out);
        if let Some(stop) = text(choice, "/finish_reason") {
            self.stop = Some(stop.to_owned());
            // vLLM names the sequence.
            // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
            self.sequence = text(choice, "/stop_reason").map(str::to_owned);
            out.push(Delta::Stopping);
        }
        Ok(())
    }

    /// Reads the calls of a chunk, by their number, or of a whole answer, one after the other.
    fn take_calls(&mut self, said: &Value, out: &mut Vec<Delta>) {
        let calls = said.get("tool_calls").and_then(Value::as_array);
        for (place, call) in (0..).zip(calls.into_iter().flatten()) {
            let id = text(call, "/id");
            let index = self.index(count(call, "/index").unwrap_or(place), id);
            let arguments = match at(call, "/function/arguments") {
                Some(Value::String(piece)) => piece.clone(),
                // Some servers give an object.
                Some(object @ Value::Object(_)) => object.to_string(),
                Some(_) | None => String::new(),
            };
            out.push(Delta::Call(CallPiece {
                index,
                id: id.map(str::to_owned),
                name: text(call, "/function/name").map(str::to_owned),
                arguments,
            }));
        }
    }

    /// Returns which of the calls a piece belongs to. Some servers give every call the number 0:
    /// another id is another call.
    fn index(&mut self, number: u64, id: Option<&str>) -> u32 {
        let is_it = |(own, named): &(u64, Option<String>)| {
            let same = named.as_deref().zip(id).is_none_or(|(a, b)| a == b);
            *own == number && same
        };
        let at = self.calls.iter().rposition(is_it).unwrap_or_else(|| {
            self.calls.push((number, id.map(str::to_owned)));
            self.calls.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// Reads one typed part: Mistral's thinking models answer in parts.
    fn take_part(&mut self, part: &Value, out: &mut Vec<Delta>) {
        match text(part, "/type") {
            Some("text") => self.write(text(part, "/text").unwrap_or_default(), out),
            Some("thinking") => out.push(Delta::Thinking),
            Some(_) | None => {}
        }
    }

    fn write(&mut self, piece: &str, out: &mut Vec<Delta>) {
        if !piece.is_empty() {
            self.has_text = true;
            out.push(Delta::Text(piece.to_owned()));
        }
    }

    /// Reads the counts; later ones win (Perplexity counts along in every chunk).
    fn take_counts(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage else {
            return;
        };
        let own = &mut self.usage;
        let cached = count(usage, "/prompt_tokens_details/cached_tokens")
            .or_else(|| count(usage, "/prompt_cache_hit_tokens"));
        own.tokens_in = count(usage, "/prompt_tokens").or(own.tokens_in);
        own.tokens_out = count(usage, "/completion_tokens").or(own.tokens_out);
        own.tokens_cached = cached.or(own.tokens_cached);
        own.tokens_thinking =
            count(usage, "/completion_tokens_details/reasoning_tokens").or(own.tokens_thinking);
        own.cost = whole_cost(usage).or(own.cost);
        let sides = own
            .tokens_in
            .zip(own.tokens_out)
            .map(|(a, b)| a.saturating_add(b));
        let with_thinking = sides
            .zip(own.tokens_thinking)
            .map(|(a, b)| a.saturating_add(b));
        let total = count(usage, "/total_tokens");
        // xAI counts thinking beside the completion: recorded, 12 + 2 + 340 = 354.
        if own.tokens_thinking > Some(0) && total.is_some() && total == with_thinking {
            own.thinking = Counting::Outside;
        }
    }

    fn refused(&self) -> Option<Fault> {
        let by_stop = matches!(self.stop.as_deref(), Some("content_filter" | "refusal"));
        if self.refusal.is_empty() && !by_stop {
            return None;
        }
        let said = if self.refusal.is_empty() {
            "the provider's content filter stopped the answer"
        } else {
            &self.refusal
        };
        let said = clean(said);
        let code = self.stop.as_deref().unwrap_or("refusal");
        Some(ended(FaultClass::Refused, &self.usage, &said, code))
    }
}

impl Reader for Answer {
    fn read(&mut self, event: &Event) -> Result<Vec<Delta>, Fault> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(vec![Delta::Alive]);
        }
        let mut out = Vec::new();
        let plain = event.name.is_none().then(|| chunk::piece(data)).flatten();
        if let Some(chunk) = plain {
            self.take_plain(&chunk, &mut out);
        } else if !data.is_empty() {
            let Ok(value) = serde_json::from_str::<Value>(data) else {
                return Err(unreadable(data.as_bytes()));
            };
            if event.name.as_deref() == Some("error") {
                return Err(in_band(self.dialect.tables, &value));
            }
            self.take(&value, "delta", &mut out)?;
        }
        if out.is_empty() {
            out.push(Delta::Alive);
        }
        Ok(out)
    }

    fn is_over(&self) -> bool {
        self.is_done
    }

    fn end(self: Box<Self>) -> Result<Finish, Fault> {
        if let Some(fault) = self.refused() {
            return Err(fault);
        }
        let is_whole = self.is_done || !self.dialect.needs_done;
        let Some(stop) = self.stop.as_deref().filter(|_| is_whole) else {
            return Err(cut());
        };
        let kind = match stop {
            "length" | "max_tokens" | "model_length" => Stop::Limit,
            // https://api-docs.deepseek.com/api/create-chat-completion
            "insufficient_system_resource" => {
                let said = "the provider ran out of room in mid-answer";
                return Err(ended(FaultClass::Overloaded, &self.usage, said, stop));
            }
            // https://openrouter.ai/docs/api-reference/overview
            "error" => {
                let said = "the provider failed in mid-answer";
                return Err(ended(FaultClass::ServerError, &self.usage, said, stop));
            }
            "tool_calls" | "function_call" => Stop::Calls,
            // Some servers stop, and mean the calls.
            _ if !self.calls.is_empty() => Stop::Calls,
            _ if self.sequence.is_some() => Stop::Sequence,
            _ => Stop::End,
        };
        if !self.has_text && self.calls.is_empty() {
            let said = "the answer has no text";
            return Err(ended(FaultClass::Empty, &self.usage, said, stop));
        }
        Ok(Finish {
            stop: kind,
            usage: self.usage,
            model: self.model,
            said: self.stop,
            sequence: self.sequence,
        })
    }

    fn usage(&self) -> Usage {
        self.usage.clone()
    }
}

/// Returns what a router says a call cost. With a key of ours for the model's maker
/// (`is_byok`) it takes its fee, and the maker bills the rest to us.
/// <https://openrouter.ai/docs/use-cases/usage-accounting>, read on 2026-11-26.
fn whole_cost(usage: &Value) -> Option<Usd> {
    let cost = usage.get("cost").and_then(dollars);
    let is_byok = usage.get("is_byok").and_then(Value::as_bool) == Some(true);
    let makers = usage.pointer("/cost_details/upstream_inference_cost");
    let makers = makers.and_then(dollars).filter(|_| is_byok);
    match (cost, makers) {
        (Some(fee), Some(makers)) => Some(fee.plus(makers)),
        // A fee alone is not what it cost.
        (Some(_), None) if is_byok => None,
        (cost, makers) => cost.or(makers),
    }
}

/// Reads a price in dollars, a JSON number, to the nano-dollar.
fn dollars(value: &Value) -> Option<Usd> {
    let number = value
        .as_f64()
        .filter(|number| number.is_finite() && *number >= 0.0)?;
    format!("{number:.9}").parse().ok()
}
