//! What an answer is made of, whoever gave it.

use std::fmt;

use super::Refusal;
use crate::{
    domain::{Usage, usage::Counting},
    engine::{
        answer::{CallPiece, Verbatim},
        ask::tools::ToolCall,
    },
};

/// What is known of an answer when it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Under what the answer is known, without the prefix that a dialect puts before it.
    pub id: String,
    /// The model that answers.
    pub model: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// In what form it comes.
    pub framing: super::Framing,
    /// Whether a stream ends with the usage.
    pub wants_usage: bool,
}

/// A whole answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its words.
    pub text: String,
    /// The tools it asks for.
    pub calls: Vec<ToolCall>,
    /// Why the model stopped.
    pub stop: Stopped,
    /// What the provider counted.
    pub usage: Usage,
}

impl fmt::Debug for Answer {
    /// The words are a customer's answer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, calls) = (self.text.len(), self.calls.len());
        write!(f, "Answer of {text} bytes and {calls} calls")
    }
}

/// Why a model stopped writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was done.
    End,
    /// It reached the output limit.
    Limit,
    /// It asks for tools.
    Calls,
    /// It met one of the caller's stop sequences, named where its provider names it.
    Sequence(Option<String>),
    /// It declined, in these words.
    Refused(String),
}

/// Spells a streamed answer piece by piece. Every method returns the bytes to send, maybe none.
pub trait Encoder: Send {
    /// What comes before the first piece. To be called once, before all else.
    fn begin(&mut self) -> Vec<u8>;

    /// The next words.
    fn text(&mut self, piece: &str) -> Vec<u8>;

    /// The next piece of a tool call.
    fn call(&mut self, piece: &CallPiece) -> Vec<u8>;

    /// The end of a whole answer, with the protocol's own end mark.
    fn end(&mut self, stop: &Stopped, usage: &Usage) -> Vec<u8>;

    /// An error in the midst of an answer: no finish and no end mark, so that the answer cannot be
    /// taken for a whole one. Nothing may follow.
    fn fault(&mut self, refusal: &Refusal) -> Vec<u8>;

    /// What keeps a slow line alive and says nothing.
    fn comment(&self) -> &'static [u8] {
        b": waiting\n\n"
    }

    /// An event as a provider of the same family wrote it. Such an answer is passed on by this
    /// method and [`Encoder::passed_on`] alone: `begin` and `end` are in the events themselves. A
    /// refusal is passed on whole as well, and nothing need be added to it; after any other fault
    /// the end mark was kept back, and [`Encoder::fault`] may follow. What comes of a whole body
    /// is the body.
    fn verbatim(&mut self, event: &Verbatim) -> Vec<u8> {
        as_written(event)
    }

    /// What closes an answer that was passed on by `verbatim`, once it is whole.
    fn passed_on(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// Spells an event as it came.
pub(super) fn as_written(event: &Verbatim) -> Vec<u8> {
    match event {
        Verbatim::Event { name, data } => event_of(name.as_deref(), data),
        Verbatim::Body(body) => body.clone(),
    }
}

/// Spells one server-sent event; data of several lines becomes several fields.
pub(super) fn event_of(name: Option<&str>, data: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + name.map_or(0, str::len) + 24);
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    for line in data.split('\n') {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
    out
}

/// Spells a text as JSON.
pub(super) fn quoted(text: &str) -> String {
    // A text is always JSON.
    serde_json::to_string(text).unwrap_or_default()
}

/// Returns all input tokens, whatever the provider counts beside.
pub(super) fn tokens_in(usage: &Usage) -> Option<u64> {
    let tokens_in = usage.tokens_in?;
    if usage.cached == Counting::Inside {
        return Some(tokens_in);
    }
    let beside = [
        usage.tokens_cached,
        usage.tokens_cache_write,
        usage.tokens_cache_write_long,
    ];
    let beside = beside.into_iter().flatten();
    Some(beside.fold(tokens_in, u64::saturating_add))
}

/// Returns all output tokens, thinking among them.
pub(super) fn tokens_out(usage: &Usage) -> Option<u64> {
    let tokens_out = usage.tokens_out?;
    Some(match usage.thinking {
        Counting::Inside => tokens_out,
        Counting::Outside => tokens_out.saturating_add(usage.tokens_thinking.unwrap_or(0)),
    })
}
