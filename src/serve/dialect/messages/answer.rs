//! Spells an answer.

use crate::{
    domain::{Usage, usage::Counting},
    engine::{
        answer::CallPiece,
        ask::{json::Json, tools::ToolCall},
    },
    serve::dialect::{
        Answer, Encoder, Head, Refusal, Stopped,
        answer::{event_of, quoted, tokens_out},
    },
};

/// Spells an answer in one piece.
pub(super) fn whole(head: &Head, answer: &Answer) -> Vec<u8> {
    let mut content = Vec::new();
    if !answer.text.is_empty() {
        content.push(Json::object([
            ("type", "text".into()),
            ("text", answer.text.as_str().into()),
        ]));
    }
    content.extend(answer.calls.iter().map(|call| {
        Json::object([
            ("type", "tool_use".into()),
            ("id", call.id.as_str().into()),
            ("name", call.name.as_str().into()),
            ("input", input(call)),
        ])
    }));
    let mut body = message(head, content);
    stopped(&answer.stop, &mut body);
    body.put("usage", usage(&answer.usage));
    body.to_string().into_bytes()
}

/// Returns the arguments of a call; the wire format has an object in their place.
fn input(call: &ToolCall) -> Json {
    let read = Json::read(&call.arguments).ok().filter(Json::is_object);
    read.unwrap_or_else(|| Json::Object(Vec::new()))
}

fn message(head: &Head, content: Vec<Json>) -> Json {
    Json::object([
        ("id", format!("msg_{}", head.id).into()),
        ("type", "message".into()),
        ("role", "assistant".into()),
        ("model", head.model.as_str().into()),
        ("content", content.into()),
    ])
}

/// Puts why it stopped.
fn stopped(stop: &Stopped, into: &mut Json) {
    let (reason, sequence) = match stop {
        Stopped::End => ("end_turn", None),
        Stopped::Limit => ("max_tokens", None),
        Stopped::Calls => ("tool_use", None),
        Stopped::Sequence(sequence) => ("stop_sequence", sequence.as_deref()),
        Stopped::Refused(_) => ("refusal", None),
    };
    into.put("stop_reason", reason);
    into.put("stop_sequence", sequence.map_or(Json::Null, Json::from));
    if let Stopped::Refused(said) = stop {
        let details = [
            ("type", "refusal".into()),
            ("explanation", said.as_str().into()),
        ];
        into.put("stop_details", Json::object(details));
    }
}

/// Spells the counts: cached tokens stand beside the input, thinking is part of the output. Both
/// sides are numbers here whatever is known: the kits that check types refuse an answer without
/// them, and a 0 is what Anthropic itself says where nothing was counted. The receipt knows better.
fn usage(usage: &Usage) -> Json {
    let beside = [
        usage.tokens_cached,
        usage.tokens_cache_write,
        usage.tokens_cache_write_long,
    ];
    let beside = beside.into_iter().flatten().fold(0, u64::saturating_add);
    let tokens_in = match usage.cached {
        Counting::Inside => usage.tokens_in.map(|all| all.saturating_sub(beside)),
        Counting::Outside => usage.tokens_in,
    };
    let mut body = Json::object([("input_tokens", tokens_in.unwrap_or(0).into())]);
    let written = match (usage.tokens_cache_write, usage.tokens_cache_write_long) {
        (None, None) => None,
        (short, long) => Some(short.unwrap_or(0).saturating_add(long.unwrap_or(0))),
    };
    body.put_some("cache_creation_input_tokens", written);
    body.put_some("cache_read_input_tokens", usage.tokens_cached);
    body.put("output_tokens", tokens_out(usage).unwrap_or(0));
    body
}

/// Spells a stream of events.
pub(super) struct Events {
    head: Head,
    /// How many blocks have begun.
    blocks: u32,
    /// The block of words that is open.
    words: Option<u32>,
    /// The blocks of calls, by the number of the call. They stay open until the end: a provider
    /// may go back to one.
    calls: Vec<(u32, u32)>,
}

impl Events {
    pub(super) const fn new(head: Head) -> Self {
        Self {
            head,
            blocks: 0,
            words: None,
            calls: Vec::new(),
        }
    }

    fn start(&mut self, block: Json, out: &mut Vec<u8>) -> u32 {
        let at = self.blocks;
        self.blocks += 1;
        let data = Json::object([
            ("type", "content_block_start".into()),
            ("index", at.into()),
            ("content_block", block),
        ]);
        out.extend(event(&data));
        at
    }

    fn close_words(&mut self, out: &mut Vec<u8>) {
        if let Some(at) = self.words.take() {
            out.extend(block_stop(at));
        }
    }
}

fn block_stop(at: u32) -> Vec<u8> {
    let data = [("type", "content_block_stop".into()), ("index", at.into())];
    event(&Json::object(data))
}

/// Spells an event, which is named as its type.
fn event(data: &Json) -> Vec<u8> {
    let name = data.get("type").and_then(Json::as_text);
    event_of(name, &data.to_string())
}

impl Encoder for Events {
    fn begin(&mut self) -> Vec<u8> {
        let mut message = message(&self.head, Vec::new());
        message.put("stop_reason", Json::Null);
        message.put("stop_sequence", Json::Null);
        // Other families count at the end: the last event says it.
        message.put("usage", usage(&Usage::default()));
        event(&Json::object([
            ("type", "message_start".into()),
            ("message", message),
        ]))
    }

    fn text(&mut self, piece: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let at = if let Some(at) = self.words {
            at
        } else {
            let block = Json::object([("type", "text".into()), ("text", "".into())]);
            let at = self.start(block, &mut out);
            self.words = Some(at);
            at
        };
        let piece = quoted(piece);
        let data = format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":{at},\
             \"delta\":{{\"type\":\"text_delta\",\"text\":{piece}}}}}\n\n"
        );
        out.extend_from_slice(data.as_bytes());
        out
    }

    fn call(&mut self, piece: &CallPiece) -> Vec<u8> {
        let mut out = Vec::new();
        let found = self.calls.iter().find(|(index, _)| *index == piece.index);
        let at = if let Some((_, at)) = found {
            *at
        } else {
            self.close_words(&mut out);
            let id = piece.id.clone();
            let block = Json::object([
                ("type", "tool_use".into()),
                (
                    "id",
                    id.unwrap_or_else(|| format!("call_{}", piece.index)).into(),
                ),
                ("name", piece.name.as_deref().unwrap_or_default().into()),
                ("input", Json::Object(Vec::new())),
            ]);
            let at = self.start(block, &mut out);
            self.calls.push((piece.index, at));
            at
        };
        if !piece.arguments.is_empty() {
            let delta = Json::object([
                ("type", "input_json_delta".into()),
                ("partial_json", piece.arguments.as_str().into()),
            ]);
            out.extend(event(&Json::object([
                ("type", "content_block_delta".into()),
                ("index", at.into()),
                ("delta", delta),
            ])));
        }
        out
    }

    fn end(&mut self, stop: &Stopped, counted: &Usage) -> Vec<u8> {
        let mut out = Vec::new();
        self.close_words(&mut out);
        for (_, at) in std::mem::take(&mut self.calls) {
            out.extend(block_stop(at));
        }
        let mut delta = Json::Object(Vec::new());
        stopped(stop, &mut delta);
        out.extend(event(&Json::object([
            ("type", "message_delta".into()),
            ("delta", delta),
            ("usage", usage(counted)),
        ])));
        out.extend(event(&Json::object([("type", "message_stop".into())])));
        out
    }

    fn fault(&mut self, refusal: &Refusal) -> Vec<u8> {
        event(&super::error(refusal))
    }
}
