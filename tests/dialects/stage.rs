//! What the tests share: links, requests read, answers heard.

use deskhand::{
    domain::{Fault, Manner, ModelName, ProviderKind, Usage, usage::Counting},
    engine::{
        answer::{CallPiece, Verbatim},
        ask::{Ask, tools::ToolCall},
    },
    llm::{
        self,
        ear::Ear,
        heard::Heard,
        wire::{Delta, Endpoint, Finish, Quirks, Stop},
    },
    serve::dialect::{Answer, Framing, Head, PathWords, Refusal, Request, Stopped, dialect},
};
use serde_json::Value;

/// The wire formats of callers.
pub(crate) const DIALECTS: [ProviderKind; 4] = [
    ProviderKind::OpenAi,
    ProviderKind::OpenAiResponses,
    ProviderKind::Anthropic,
    ProviderKind::Gemini,
];

/// The wire formats of models.
pub(crate) const WIRES: [ProviderKind; 5] = [
    ProviderKind::OpenAi,
    ProviderKind::OpenAiCompatible,
    ProviderKind::OpenAiResponses,
    ProviderKind::Anthropic,
    ProviderKind::Gemini,
];

pub(crate) fn link(kind: ProviderKind, stream: bool) -> Endpoint {
    Endpoint {
        kind,
        base_url: "https://a.example".to_owned(),
        key: None,
        renew: None,
        model: ModelName("the-model".to_owned()),
        stream,
        manner: Manner::default(),
        quirks: Quirks::default(),
        allow_plain_http: false,
    }
}

pub(crate) fn read(kind: ProviderKind, body: &str) -> Result<Request, Refusal> {
    let path = PathWords {
        model: (kind == ProviderKind::Gemini).then(|| "asked".to_owned()),
        ..PathWords::default()
    };
    dialect(kind).request(body, &[], &path)
}

/// Spells an ask for a link; the whole body.
pub(crate) fn bytes(ask: &Ask, to: &Endpoint) -> String {
    String::from_utf8(llm::wire(to.kind).call(ask, to).body).unwrap()
}

/// Spells an ask as a translation, even where the caller's own words would do.
pub(crate) fn spelled(ask: &Ask, to: &Endpoint) -> Value {
    let ask = Ask {
        raw: None,
        ..ask.clone()
    };
    serde_json::from_str(&bytes(&ask, to)).unwrap()
}

/// What an answer came to.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) verbatim: Vec<Verbatim>,
    pub(crate) deltas: Vec<Delta>,
    pub(crate) end: Option<Result<Finish, Fault>>,
}

/// Reads an answer in a wire format, in pieces of so many bytes.
pub(crate) fn hear(kind: ProviderKind, is_stream: bool, body: &[u8], piece: usize) -> Told {
    let mut ear = Ear::new(llm::wire(kind), is_stream).passing_on();
    for bytes in body.chunks(piece) {
        ear.push(bytes);
    }
    ear.finish();
    let mut told = Told::default();
    while let Some(heard) = ear.heard() {
        match heard {
            Heard::Delta(delta) => told.take(delta),
            Heard::Ended(finish) => told.end = Some(Ok(*finish)),
            Heard::Failed(fault, _) => told.end = Some(Err(*fault)),
            Heard::Opened(_) => panic!("opened twice"),
        }
    }
    told
}

impl Told {
    fn take(&mut self, delta: Delta) {
        match &delta {
            Delta::Text(piece) => self.text.push_str(piece),
            Delta::Call(piece) => add(&mut self.calls, piece),
            Delta::Verbatim(event) => self.verbatim.push(event.clone()),
            Delta::Thinking
            | Delta::Alive
            | Delta::Model(_)
            | Delta::Request(_)
            | Delta::Other
            | Delta::Stopping
            | Delta::InOnePiece => {}
        }
        self.deltas.push(delta);
    }

    pub(crate) fn finish(&self) -> &Finish {
        match &self.end {
            Some(Ok(finish)) => finish,
            other => panic!("no whole answer: {other:?}"),
        }
    }

    /// The answer, as a server tells it to its caller.
    pub(crate) fn answer(&self) -> Answer {
        let finish = self.finish();
        Answer {
            text: self.text.clone(),
            calls: self.calls.clone(),
            stop: match finish.stop {
                Stop::End => Stopped::End,
                Stop::Limit => Stopped::Limit,
                Stop::Calls => Stopped::Calls,
                Stop::Sequence => Stopped::Sequence(finish.sequence.clone()),
            },
            usage: finish.usage.clone(),
        }
    }
}

/// Adds a piece to the calls that it belongs to.
pub(crate) fn add(calls: &mut Vec<ToolCall>, piece: &CallPiece) {
    let at = usize::try_from(piece.index).unwrap();
    if at == calls.len() {
        calls.push(ToolCall {
            id: piece.id.clone().unwrap_or_default(),
            name: piece.name.clone().unwrap_or_default(),
            arguments: String::new(),
        });
    }
    calls[at].arguments.push_str(&piece.arguments);
}

pub(crate) fn head(framing: Framing) -> Head {
    Head {
        id: "0197".to_owned(),
        model: "claude-x".to_owned(),
        created: 1_790_000_000,
        framing,
        wants_usage: true,
    }
}

/// Spells a stream in a caller's words, from what was heard of a model.
pub(crate) fn streamed(kind: ProviderKind, told: &Told) -> Vec<u8> {
    let mut encoder = dialect(kind).encoder(head(Framing::Events));
    let mut out = encoder.begin();
    for delta in &told.deltas {
        match delta {
            Delta::Text(piece) => out.extend(encoder.text(piece)),
            Delta::Call(piece) => out.extend(encoder.call(piece)),
            Delta::Thinking => out.extend_from_slice(encoder.comment()),
            Delta::Alive
            | Delta::Model(_)
            | Delta::Request(_)
            | Delta::Other
            | Delta::Stopping
            | Delta::InOnePiece
            | Delta::Verbatim(_) => {}
        }
    }
    let answer = told.answer();
    out.extend(encoder.end(&answer.stop, &answer.usage));
    out
}

/// All tokens in and out, whatever the provider counts beside.
pub(crate) fn sides(usage: &Usage) -> Option<(u64, u64)> {
    let (mut all_in, mut all_out) = (usage.tokens_in?, usage.tokens_out?);
    if usage.cached == Counting::Outside {
        all_in += usage.tokens_cached.unwrap_or(0)
            + usage.tokens_cache_write.unwrap_or(0)
            + usage.tokens_cache_write_long.unwrap_or(0);
    }
    if usage.thinking == Counting::Outside {
        all_out += usage.tokens_thinking.unwrap_or(0);
    }
    Some((all_in, all_out))
}
