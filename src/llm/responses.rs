//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.
//!
//! Refusals are judged by the rows of [`super::openai`]: the two speak the same codes.

use serde_json::Value;

use super::{
    body::{Builder, cut, ended},
    chat,
    openai::TABLES,
    rows::{count, fault, in_band, text, unreadable},
    spell,
    sse::Event,
    url,
    wire::{Call, Delta, Endpoint, Finish, Headers, Reader, Stop, Whole, Wire},
    words::clean,
};
use crate::{
    domain::{Fault, FaultClass, Usage},
    engine::{answer::CallPiece, ask::Ask},
};

/// The codec.
#[derive(Debug)]
pub(super) struct Responses;

impl Wire for Responses {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        Call {
            url: url::versioned(&to.base_url, "v1", "responses"),
            headers: chat::headers(to),
            body: spell::raw::body(ask, to).unwrap_or_else(|| spelled(ask, to)),
        }
    }

    fn probes(&self, to: &Endpoint) -> Vec<Call> {
        super::openai::OpenAi.probes(to)
    }

    fn reader(&self) -> Box<dyn Reader> {
        Box::new(Answer::default())
    }

    fn whole(&self, body: &[u8]) -> Whole {
        let mut answer = Answer::default();
        let mut deltas = Vec::new();
        let read = match serde_json::from_slice::<Value>(body) {
            Ok(value) => answer.take_last(&value, &mut deltas),
            Err(_) => Err(unreadable(body)),
        };
        Whole {
            deltas,
            usage: answer.usage.clone(),
            end: read.and_then(|()| Box::new(answer).end()),
        }
    }

    fn fault(&self, status: u16, headers: &Headers, body: &[u8]) -> Fault {
        fault(TABLES, status, headers, body)
    }
}

fn spelled(ask: &Ask, to: &Endpoint) -> Vec<u8> {
    let mut body = Builder::new(to);
    body.put("model", to.model.0.as_str());
    if !ask.system.is_empty() {
        body.put("instructions", ask.system.as_str());
    }
    body.put("input", spell::responses::input(ask));
    body.put("max_output_tokens", ask.output_limit);
    body.put("stream", to.stream);
    body.put("store", false);
    spell::responses::wishes(&ask.wishes, &mut body);
    body.bytes()
}

/// One answer, as far as it was read.
#[derive(Debug, Default)]
struct Answer {
    usage: Usage,
    model: Option<String>,
    /// The last status: `completed`, `incomplete`, `queued`.
    status: Option<String>,
    /// Why it is incomplete.
    reason: Option<String>,
    refusal: String,
    /// The calls by the number of their item, and whether their arguments came.
    calls: Vec<(u64, bool)>,
    has_text: bool,
}

impl Answer {
    fn take_model(&mut self, response: &Value, out: &mut Vec<Delta>) {
        if let Some(model) =
            text(response, "/model").filter(|model| self.model.as_deref() != Some(*model))
        {
            self.model = Some(model.to_owned());
            out.push(Delta::Model(model.to_owned()));
        }
    }

    /// Reads the last word: a whole answer, or the `response` of a closing event.
    fn take_last(&mut self, response: &Value, out: &mut Vec<Delta>) -> Result<(), Fault> {
        self.take_model(response, out);
        self.take_usage(response);
        if response.get("error").is_some_and(|error| !error.is_null()) {
            return Err(in_band(TABLES, response));
        }
        self.status = text(response, "/status").map(str::to_owned);
        self.reason = text(response, "/incomplete_details/reason").map(str::to_owned);
        // After deltas the words are here once more; without, only here.
        if !self.has_text {
            self.take_output(response, out);
        }
        if self.calls.is_empty() {
            let items = response.get("output").and_then(Value::as_array);
            for (at, item) in (0..).zip(items.into_iter().flatten()) {
                self.take_item(at, item, out);
            }
        }
        out.push(Delta::Stopping);
        Ok(())
    }

    fn take_output(&mut self, response: &Value, out: &mut Vec<Delta>) {
        let items = response.get("output").and_then(Value::as_array);
        let messages = items
            .into_iter()
            .flatten()
            .filter(|item| text(item, "/type") == Some("message"));
        let parts = messages.filter_map(|item| item.get("content")?.as_array());
        for part in parts.flatten() {
            if text(part, "/type") == Some("output_text") {
                self.write(text(part, "/text").unwrap_or_default(), out);
            }
            if let Some(refusal) = text(part, "/refusal").filter(|_| self.refusal.is_empty()) {
                self.refusal = refusal.to_owned();
            }
        }
    }

    /// Reads an item, as it begins or whole: a call is one.
    fn take_item(&mut self, at: u64, item: &Value, out: &mut Vec<Delta>) {
        if text(item, "/type") != Some("function_call") {
            return;
        }
        let arguments = text(item, "/arguments").unwrap_or_default();
        if self.calls.iter().any(|(own, _)| *own == at) {
            // The end of a call that was told piece by piece, or all at once now.
            return self.take_rest(at, arguments, out);
        }
        self.calls.push((at, !arguments.is_empty()));
        out.push(Delta::Call(CallPiece {
            index: u32::try_from(self.calls.len() - 1).unwrap_or(u32::MAX),
            id: text(item, "/call_id").map(str::to_owned),
            name: text(item, "/name").map(str::to_owned),
            arguments: arguments.to_owned(),
        }));
    }

    /// Reads the next piece of the arguments of a call.
    fn take_arguments(&mut self, at: u64, piece: &str, out: &mut Vec<Delta>) {
        let found = self.calls.iter().rposition(|(own, _)| *own == at);
        let Some(index) = found.filter(|_| !piece.is_empty()) else {
            return;
        };
        if let Some((_, came)) = self.calls.get_mut(index) {
            *came = true;
        }
        out.push(Delta::Call(CallPiece {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            arguments: piece.to_owned(),
            ..CallPiece::default()
        }));
    }

    /// Reads the whole arguments, where they did not come in pieces.
    fn take_rest(&mut self, at: u64, arguments: &str, out: &mut Vec<Delta>) {
        let came = self.calls.iter().rfind(|(own, _)| *own == at);
        if came.is_some_and(|(_, came)| !came) {
            self.take_arguments(at, arguments, out);
        }
    }

    fn take_usage(&mut self, response: &Value) {
        let Some(usage) = response.get("usage").filter(|usage| usage.is_object()) else {
            return;
        };
        self.usage.tokens_in = count(usage, "/input_tokens");
        self.usage.tokens_out = count(usage, "/output_tokens");
        self.usage.tokens_cached = count(usage, "/input_tokens_details/cached_tokens");
        self.usage.tokens_cache_write = count(usage, "/input_tokens_details/cache_write_tokens");
        self.usage.tokens_thinking = count(usage, "/output_tokens_details/reasoning_tokens");
    }

    fn write(&mut self, piece: &str, out: &mut Vec<Delta>) {
        if !piece.is_empty() {
            self.has_text = true;
            out.push(Delta::Text(piece.to_owned()));
        }
    }
}

impl Reader for Answer {
    fn read(&mut self, event: &Event) -> Result<Vec<Delta>, Fault> {
        let mut out = Vec::new();
        let data = event.data.trim();
        if data == "[DONE]" || data.is_empty() {
            return Ok(vec![Delta::Alive]);
        }
        let Ok(value) = serde_json::from_str::<Value>(data) else {
            return Err(unreadable(data.as_bytes()));
        };
        let none = Value::Null;
        let response = value.get("response").unwrap_or(&none);
        let at = count(&value, "/output_index").unwrap_or_default();
        match text(&value, "/type").or(event.name.as_deref()) {
            Some("response.created" | "response.in_progress" | "response.queued") => {
                self.status = None;
                self.take_model(response, &mut out);
            }
            Some("response.output_text.delta") => {
                self.write(text(&value, "/delta").unwrap_or_default(), &mut out);
            }
            Some("response.refusal.delta") => {
                self.refusal
                    .push_str(text(&value, "/delta").unwrap_or_default());
            }
            Some("response.output_item.added" | "response.output_item.done") => {
                self.take_item(at, value.get("item").unwrap_or(&none), &mut out);
            }
            Some("response.function_call_arguments.delta") => {
                let piece = text(&value, "/delta").unwrap_or_default();
                self.take_arguments(at, piece, &mut out);
            }
            Some("response.function_call_arguments.done") => {
                let arguments = text(&value, "/arguments").unwrap_or_default();
                self.take_rest(at, arguments, &mut out);
            }
            Some("response.completed" | "response.incomplete" | "response.failed") => {
                self.take_last(response, &mut out)?;
            }
            // Flat, or with an `error` of its own: ogx-ai/ogx#5224.
            Some("error") => return Err(in_band(TABLES, &value)),
            Some(
                "response.reasoning_text.delta"
                | "response.reasoning_summary_text.delta"
                | "response.reasoning.delta"
                | "response.reasoning_summary.delta",
            ) => out.push(Delta::Thinking),
            None if value.get("error").is_some() => return Err(in_band(TABLES, &value)),
            Some(_) | None => {}
        }
        if out.is_empty() {
            out.push(Delta::Alive);
        }
        Ok(out)
    }

    fn is_over(&self) -> bool {
        self.status.is_some()
    }

    fn end(self: Box<Self>) -> Result<Finish, Fault> {
        let Some(status) = self.status else {
            return Err(cut());
        };
        let by_filter = self.reason.as_deref() == Some("content_filter");
        if by_filter || !self.refusal.is_empty() {
            let said = if self.refusal.is_empty() {
                "the provider's content filter stopped the answer".to_owned()
            } else {
                clean(&self.refusal)
            };
            let code = self.reason.unwrap_or_else(|| "refusal".to_owned());
            return Err(ended(FaultClass::Refused, &self.usage, &said, &code));
        }
        let stop = match status.as_str() {
            "incomplete" | "queued" | "in_progress" => Stop::Limit,
            "cancelled" | "failed" => {
                let said = format!("the provider says {status}");
                return Err(ended(FaultClass::ServerError, &self.usage, &said, &status));
            }
            _ if !self.calls.is_empty() => Stop::Calls,
            _ => Stop::End,
        };
        let said = self.reason.unwrap_or(status);
        if !self.has_text && self.calls.is_empty() {
            return Err(ended(
                FaultClass::Empty,
                &self.usage,
                "the answer has no text",
                &said,
            ));
        }
        Ok(Finish {
            stop,
            usage: self.usage,
            model: self.model,
            said: Some(said),
            sequence: None,
        })
    }

    fn usage(&self) -> Usage {
        self.usage.clone()
    }
}
