//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>.
//!
//! Refusals are judged by the rows of [`super::openai`]: the two speak the same codes.

use serde_json::{Value, json};

use super::{
    body::{Builder, cut, ended, told},
    chat,
    openai::TABLES,
    rows::{count, fault, in_band, text, unreadable},
    sse::Event,
    url,
    wire::{Call, Delta, Endpoint, Finish, Headers, Reader, Stop, Whole, Wire},
    words::clean,
};
use crate::{
    domain::{Fault, FaultClass, Usage},
    engine::ask::Ask,
};

/// The codec.
#[derive(Debug)]
pub(super) struct Responses;

impl Wire for Responses {
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call {
        let turns: Vec<Value> = told(ask)
            .map(|(role, text)| json!({"role": role, "content": text}))
            .collect();
        let mut body = Builder::new(to);
        body.put("model", to.model.0.as_str());
        if !ask.system.is_empty() {
            body.put("instructions", ask.system.as_str());
        }
        body.put("input", turns);
        body.put("max_output_tokens", ask.output_limit);
        body.put("stream", to.stream);
        body.put("store", false);
        Call {
            url: url::versioned(&to.base_url, "v1", "responses"),
            headers: chat::headers(to),
            body: body.bytes(),
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
            _ => Stop::End,
        };
        let said = self.reason.unwrap_or(status);
        if !self.has_text {
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
