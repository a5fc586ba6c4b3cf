//! Spells an answer.

use crate::{
    domain::Usage,
    engine::{
        answer::{CallPiece, Verbatim},
        ask::{json::Json, tools::ToolCall},
    },
    serve::dialect::{
        Answer, Encoder, Head, Refusal, Stopped,
        answer::{as_written, event_of, quoted, tokens_in, tokens_out},
    },
};

/// Spells an answer in one piece.
pub(super) fn whole(head: &Head, answer: &Answer) -> Vec<u8> {
    let refusal = match &answer.stop {
        Stopped::Refused(said) => Json::from(said.as_str()),
        Stopped::End | Stopped::Limit | Stopped::Calls | Stopped::Sequence(_) => Json::Null,
    };
    // An answer of calls alone has no content, rather than an empty one.
    let content = if answer.text.is_empty() && !answer.calls.is_empty() {
        Json::Null
    } else {
        answer.text.as_str().into()
    };
    let mut message = Json::object([
        ("role", "assistant".into()),
        ("content", content),
        ("refusal", refusal),
    ]);
    if !answer.calls.is_empty() {
        let calls: Vec<Json> = answer.calls.iter().map(call).collect();
        message.put("tool_calls", calls);
    }
    let choice = Json::object([
        ("index", 0_u32.into()),
        ("message", message),
        ("logprobs", Json::Null),
        ("finish_reason", reason(&answer.stop).into()),
    ]);
    let mut body = Json::object([
        ("id", format!("chatcmpl-{}", head.id).into()),
        ("object", "chat.completion".into()),
        ("created", head.created.into()),
        ("model", head.model.as_str().into()),
        ("choices", vec![choice].into()),
    ]);
    body.put_some("usage", usage(&answer.usage));
    body.to_string().into_bytes()
}

fn call(call: &ToolCall) -> Json {
    Json::object([
        ("id", call.id.as_str().into()),
        ("type", "function".into()),
        (
            "function",
            Json::object([
                ("name", call.name.as_str().into()),
                ("arguments", call.arguments.as_str().into()),
            ]),
        ),
    ])
}

const fn reason(stop: &Stopped) -> &'static str {
    match stop {
        Stopped::End | Stopped::Sequence(_) => "stop",
        Stopped::Limit => "length",
        Stopped::Calls => "tool_calls",
        Stopped::Refused(_) => "content_filter",
    }
}

/// Spells the counts: cached tokens are part of the prompt, thinking is part of the completion.
/// None where a side is unknown: the kits take both numbers for granted once `usage` is there.
fn usage(usage: &Usage) -> Option<Json> {
    let (tokens_in, tokens_out) = (tokens_in(usage)?, tokens_out(usage)?);
    let mut body = Json::object([
        ("prompt_tokens", tokens_in.into()),
        ("completion_tokens", tokens_out.into()),
        ("total_tokens", tokens_in.saturating_add(tokens_out).into()),
    ]);
    if let Some(cached) = usage.tokens_cached {
        let details = Json::object([("cached_tokens", cached.into())]);
        body.put("prompt_tokens_details", details);
    }
    if let Some(thinking) = usage.tokens_thinking {
        let details = Json::object([("reasoning_tokens", thinking.into())]);
        body.put("completion_tokens_details", details);
    }
    Some(body)
}

/// Spells a stream of chunks.
pub(super) struct Chunks {
    head: Head,
    /// What stands before and after the words of a piece: the same in every chunk.
    before: String,
    /// How many calls have begun.
    calls: Vec<u32>,
}

const AFTER_TEXT: &str = "},\"logprobs\":null,\"finish_reason\":null}]}\n\n";

impl Chunks {
    pub(super) fn new(head: Head) -> Self {
        let before = format!(
            "data: {{\"id\":{},\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":{},\
             \"choices\":[",
            quoted(&format!("chatcmpl-{}", head.id)),
            head.created,
            quoted(&head.model),
        );
        Self {
            head,
            before,
            calls: Vec::new(),
        }
    }

    fn delta(&self, delta: &str) -> Vec<u8> {
        let before = &self.before;
        format!("{before}{{\"index\":0,\"delta\":{{{delta}{AFTER_TEXT}").into_bytes()
    }
}

impl Encoder for Chunks {
    fn begin(&mut self) -> Vec<u8> {
        self.delta("\"role\":\"assistant\",\"content\":\"\"")
    }

    fn text(&mut self, piece: &str) -> Vec<u8> {
        self.delta(&format!("\"content\":{}", quoted(piece)))
    }

    fn call(&mut self, piece: &CallPiece) -> Vec<u8> {
        let arguments = Json::from(piece.arguments.as_str());
        let mut call = Json::object([("index", piece.index.into())]);
        if self.calls.contains(&piece.index) {
            call.put("function", Json::object([("arguments", arguments)]));
        } else {
            self.calls.push(piece.index);
            let id = piece.id.clone();
            call.put("id", id.unwrap_or_else(|| format!("call_{}", piece.index)));
            call.put("type", "function");
            let name = piece.name.as_deref().unwrap_or_default();
            let function = Json::object([("name", name.into()), ("arguments", arguments)]);
            call.put("function", function);
        }
        self.delta(&format!("\"tool_calls\":[{call}]"))
    }

    fn end(&mut self, stop: &Stopped, counted: &Usage) -> Vec<u8> {
        let delta = match stop {
            Stopped::Refused(said) => format!("\"refusal\":{}", quoted(said)),
            Stopped::End | Stopped::Limit | Stopped::Calls | Stopped::Sequence(_) => String::new(),
        };
        let before = &self.before;
        let mut out = format!(
            "{before}{{\"index\":0,\"delta\":{{{delta}}},\"logprobs\":null,\
             \"finish_reason\":\"{}\"}}]}}\n\n",
            reason(stop)
        );
        if self.head.wants_usage
            && let Some(usage) = usage(counted)
        {
            let chunk = format!("{before}],\"usage\":{usage}}}\n\n");
            out.push_str(&chunk);
        }
        out.push_str("data: [DONE]\n\n");
        out.into_bytes()
    }

    fn fault(&mut self, refusal: &Refusal) -> Vec<u8> {
        event_of(None, &super::error(refusal).to_string())
    }

    /// The usage is always asked for; who did not ask for it does not see its chunk.
    fn verbatim(&mut self, event: &Verbatim) -> Vec<u8> {
        let is_unwanted = match event {
            Verbatim::Event { data, .. } => !self.head.wants_usage && is_usage_alone(data),
            Verbatim::Body(_) => false,
        };
        if is_unwanted {
            Vec::new()
        } else {
            as_written(event)
        }
    }
}

/// Tells whether a chunk brings the usage and no choice. Looks closely only at what may be one.
fn is_usage_alone(data: &str) -> bool {
    if !data.contains("\"prompt_tokens\"") {
        return false;
    }
    Json::read(data).is_ok_and(|chunk| {
        let has_usage = chunk.get("usage").is_some_and(Json::is_object);
        has_usage && chunk.get("choices") == Some(&Json::List(Vec::new()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::usage::Counting, serve::dialect::Framing};

    fn head(wants_usage: bool) -> Head {
        Head {
            id: "7".to_owned(),
            model: "gpt-4o".to_owned(),
            created: 5,
            framing: Framing::Events,
            wants_usage,
        }
    }

    fn counted() -> Usage {
        Usage {
            tokens_in: Some(9),
            tokens_out: Some(4),
            tokens_cached: Some(3),
            cached: Counting::Outside,
            ..Usage::default()
        }
    }

    fn told(wants_usage: bool) -> String {
        let mut chunks = Chunks::new(head(wants_usage));
        let mut out = chunks.begin();
        out.extend(chunks.text("a \"b\"\n"));
        out.extend(chunks.end(&Stopped::Limit, &counted()));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_stream_is_chunks_with_one_finish_and_an_end_mark() {
        let text = told(true);
        let data: Vec<&str> = text.split("\n\n").filter(|data| !data.is_empty()).collect();
        let chunk = |at: usize| Json::read(data[at].strip_prefix("data: ").unwrap()).unwrap();

        let start = r#"data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":5,"model":"gpt-4o","choices":["#;
        assert_eq!(
            data[1],
            format!(
                "{start}{}]}}",
                r#"{"index":0,"delta":{"content":"a \"b\"\n"},"logprobs":null,"finish_reason":null}"#
            )
        );
        assert!(data[2].ends_with(r#""delta":{},"logprobs":null,"finish_reason":"length"}]}"#));
        assert_eq!(chunk(3).get("choices"), Some(&Json::List(Vec::new())));
        assert_eq!(
            chunk(3).get("usage").unwrap().to_string(),
            r#"{"prompt_tokens":12,"completion_tokens":4,"total_tokens":16,"prompt_tokens_details":{"cached_tokens":3}}"#
        );
        assert_eq!(data[4..], ["data: [DONE]"]);
    }

    #[test]
    fn usage_that_nobody_asked_for_is_not_told() {
        assert!(!told(false).contains("usage"));
        let data = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
        let event = Verbatim::Event {
            name: None,
            data: data.to_owned(),
        };

        assert_eq!(Chunks::new(head(false)).verbatim(&event), b"");
        assert_eq!(
            Chunks::new(head(true)).verbatim(&event),
            format!("data: {data}\n\n").into_bytes()
        );
    }

    #[test]
    fn unknown_counts_are_left_out() {
        let answer = Answer {
            text: "Hi".to_owned(),
            calls: Vec::new(),
            stop: Stopped::End,
            usage: Usage {
                tokens_out: Some(3),
                ..Usage::default()
            },
        };

        let body = Json::read(&String::from_utf8(whole(&head(false), &answer)).unwrap()).unwrap();

        assert_eq!(body.get("usage"), None);
    }

    #[test]
    fn a_fault_has_no_finish_and_no_end_mark() {
        let mut chunks = Chunks::new(head(true));
        let refusal = Refusal::new(
            crate::serve::dialect::RefusalKind::Upstream,
            "The answer broke off.",
        );

        let text = String::from_utf8(chunks.fault(&refusal)).unwrap();

        assert_eq!(
            text,
            "data: {\"error\":{\"message\":\"The answer broke off.\",\"type\":\"server_error\",\
             \"param\":null,\"code\":\"upstream_error\"}}\n\n"
        );
    }
}
