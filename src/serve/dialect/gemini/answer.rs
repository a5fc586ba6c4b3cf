//! Spells an answer.

use crate::{
    domain::{Usage, usage::Counting},
    engine::{
        answer::{CallPiece, Verbatim},
        ask::{json::Json, tools::ToolCall},
    },
    serve::dialect::{
        Answer, Encoder, Framing, Head, Refusal, Stopped,
        answer::{event_of, quoted, tokens_in, tokens_out},
    },
};

/// Spells an answer in one piece.
pub(super) fn whole(head: &Head, answer: &Answer) -> Vec<u8> {
    let mut parts = Vec::new();
    if !answer.text.is_empty() {
        parts.push(Json::object([("text", answer.text.as_str().into())]));
    }
    parts.extend(answer.calls.iter().map(call));
    let body = last(head, parts, &answer.stop, &answer.usage);
    body.to_string().into_bytes()
}

fn call(call: &ToolCall) -> Json {
    let read = Json::read(&call.arguments).ok().filter(Json::is_object);
    let function = Json::object([
        ("id", call.id.as_str().into()),
        ("name", call.name.as_str().into()),
        ("args", read.unwrap_or_else(|| Json::Object(Vec::new()))),
    ]);
    Json::object([("functionCall", function)])
}

/// Spells what ends an answer, or is the whole of it.
fn last(head: &Head, parts: Vec<Json>, stop: &Stopped, counted: &Usage) -> Json {
    let reason = match stop {
        Stopped::End | Stopped::Calls | Stopped::Sequence(_) => "STOP",
        Stopped::Limit => "MAX_TOKENS",
        Stopped::Refused(_) => "SAFETY",
    };
    let content = Json::object([("parts", parts.into()), ("role", "model".into())]);
    let mut candidate = Json::object([
        ("content", content),
        ("finishReason", reason.into()),
        ("index", 0_u32.into()),
    ]);
    if let Stopped::Refused(said) = stop {
        candidate.put("finishMessage", said.as_str());
    }
    let mut body = Json::object([("candidates", vec![candidate].into())]);
    body.put_some("usageMetadata", usage(counted));
    body.put("modelVersion", head.model.as_str());
    body.put("responseId", head.id.as_str());
    body
}

/// Spells the counts that are known: cached tokens are part of the prompt, thinking stands beside
/// the candidates.
fn usage(usage: &Usage) -> Option<Json> {
    let (all_in, all_out) = (tokens_in(usage), tokens_out(usage));
    let written = match usage.thinking {
        Counting::Outside => usage.tokens_out,
        Counting::Inside => {
            all_out.map(|all| all.saturating_sub(usage.tokens_thinking.unwrap_or(0)))
        }
    };
    let mut body = Json::Object(Vec::new());
    body.put_some("promptTokenCount", all_in);
    body.put_some("candidatesTokenCount", written);
    let total = all_in.zip(all_out).map(|(a, b)| a.saturating_add(b));
    body.put_some("totalTokenCount", total);
    body.put_some("cachedContentTokenCount", usage.tokens_cached);
    body.put_some("thoughtsTokenCount", usage.tokens_thinking);
    (body != Json::Object(Vec::new())).then_some(body)
}

/// Spells a stream of chunks: events, or the items of a list.
pub(super) struct Chunks {
    head: Head,
    /// What stands behind the words of a piece: the same in every chunk.
    after: String,
    /// The calls so far. A call is told whole, at the end: the wire format has no pieces of it.
    calls: Vec<(u32, ToolCall)>,
    has_begun: bool,
}

impl Chunks {
    pub(super) fn new(head: Head) -> Self {
        let after = format!(
            "}}],\"role\":\"model\"}},\"index\":0}}],\"modelVersion\":{},\"responseId\":{}}}",
            quoted(&head.model),
            quoted(&head.id),
        );
        Self {
            head,
            after,
            calls: Vec::new(),
            has_begun: false,
        }
    }

    /// Puts a chunk where the framing wants it.
    fn framed(&mut self, data: &str) -> Vec<u8> {
        match self.head.framing {
            Framing::Events | Framing::Whole => event_of(None, data),
            Framing::List => {
                let before = if self.has_begun { ",\n" } else { "[" };
                self.has_begun = true;
                format!("{before}{data}").into_bytes()
            }
        }
    }

    fn close(&self) -> &'static [u8] {
        match self.head.framing {
            Framing::Events | Framing::Whole => b"",
            Framing::List if self.has_begun => b"]\n",
            Framing::List => b"[]\n",
        }
    }
}

impl Encoder for Chunks {
    /// There is nothing to say before the first words.
    fn begin(&mut self) -> Vec<u8> {
        Vec::new()
    }

    fn text(&mut self, piece: &str) -> Vec<u8> {
        let piece = quoted(piece);
        let after = &self.after;
        let data =
            format!("{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":{piece}{after}");
        self.framed(&data)
    }

    fn call(&mut self, piece: &CallPiece) -> Vec<u8> {
        let found = self
            .calls
            .iter_mut()
            .find(|(index, _)| *index == piece.index);
        if let Some((_, call)) = found {
            call.arguments.push_str(&piece.arguments);
        } else {
            let id = piece.id.clone();
            let call = ToolCall {
                id: id.unwrap_or_else(|| format!("call_{}", piece.index)),
                name: piece.name.clone().unwrap_or_default(),
                arguments: piece.arguments.clone(),
            };
            self.calls.push((piece.index, call));
        }
        Vec::new()
    }

    fn end(&mut self, stop: &Stopped, counted: &Usage) -> Vec<u8> {
        let calls = std::mem::take(&mut self.calls);
        let parts: Vec<Json> = calls.iter().map(|(_, told)| call(told)).collect();
        let data = last(&self.head, parts, stop, counted).to_string();
        let mut out = self.framed(&data);
        out.extend_from_slice(self.close());
        out
    }

    fn fault(&mut self, refusal: &Refusal) -> Vec<u8> {
        self.framed(&super::error(refusal).to_string())
    }

    /// Google's kit takes every line for JSON: only an empty one says nothing.
    fn comment(&self) -> &'static [u8] {
        b"\n"
    }

    fn verbatim(&mut self, event: &Verbatim) -> Vec<u8> {
        match event {
            Verbatim::Event { data, .. } => self.framed(data),
            Verbatim::Body(body) => body.clone(),
        }
    }

    fn passed_on(&mut self) -> Vec<u8> {
        self.close().to_vec()
    }
}
