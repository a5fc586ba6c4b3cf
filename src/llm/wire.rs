//! The pure contract of a codec: an ask in, a call out; events in, words and a finish out.

use std::fmt;

use secrecy::SecretString;

use super::renew::Renew;
use crate::{
    domain::{Fault, Manner, ModelName, ProviderKind, Usage},
    engine::{
        answer::{CallPiece, Verbatim},
        ask::Ask,
    },
};

/// Where a call goes and how it must be spelled there.
#[derive(Clone)]
pub struct Endpoint {
    /// The wire format.
    pub kind: ProviderKind,
    /// The base URL from the config, its own path kept.
    pub base_url: String,
    /// The key; none where the config says `auth = "none"`.
    pub key: Option<SecretString>,
    /// The way to a fresh key when this one is refused; none where it would be the same.
    pub renew: Option<Renew>,
    /// The model, as the provider spells it.
    pub model: ModelName,
    /// Whether to ask for a stream. One JSON body in answer to that is understood too.
    pub stream: bool,
    /// In what the server departs from the wire format.
    pub manner: Manner,
    /// What this link was found not to accept.
    pub quirks: Quirks,
    /// Whether `http://` may be spoken to a host that is not this machine.
    pub allow_plain_http: bool,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint {} {}", self.kind.word(), self.model)
    }
}

/// Parameters that a link refused once and is asked without from then on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Names as the provider named them: `max_tokens`, `stream_options`, `temperature`.
    pub without: Vec<String>,
}

/// An HTTP request, ready to be sent. `Debug` shows neither headers nor body.
pub struct Call {
    /// The whole URL; never holds a key.
    pub url: String,
    /// Header names in lower case; some values are keys.
    pub headers: Vec<(&'static str, SecretString)>,
    /// JSON to post; empty for a question that is only got.
    pub body: Vec<u8>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call of {} bytes", self.body.len())
    }
}

/// Response headers, names in lower case.
pub type Headers = Vec<(String, String)>;

/// The wire format of one provider. Pure: no socket, no clock.
pub trait Wire: Send + Sync {
    /// Spells the ask.
    fn call(&self, ask: &Ask, to: &Endpoint) -> Call;
    /// Spells the cheap questions that tell whether a key is accepted, the list of models last.
    fn probes(&self, to: &Endpoint) -> Vec<Call>;
    /// Makes a reader for the events of one streamed answer.
    fn reader(&self) -> Box<dyn Reader>;
    /// Reads an answer that came in one piece with a good status.
    fn whole(&self, body: &[u8]) -> Whole;
    /// Reads an answer with a bad status.
    fn fault(&self, status: u16, headers: &Headers, body: &[u8]) -> Fault;
}

/// Reads one streamed answer, event by event.
pub trait Reader: Send + Sync {
    /// Reads the next event; an error event inside a good answer is a fault too.
    fn read(&mut self, event: &super::sse::Event) -> Result<Vec<Delta>, Fault>;
    /// Tells whether the protocol's own end was read, so that nothing more is waited for.
    fn is_over(&self) -> bool;
    /// Says how it ended when the body is over. Without the protocol's own end it is a `Cut`.
    fn end(self: Box<Self>) -> Result<Finish, Fault>;
    /// Returns the usage seen so far: what a cut answer is counted at.
    fn usage(&self) -> Usage;
}

/// An answer that came in one piece.
#[derive(Debug)]
pub struct Whole {
    /// What it brought, in order.
    pub deltas: Vec<Delta>,
    /// What the provider counted, however it ended.
    pub usage: Usage,
    /// How it ended.
    pub end: Result<Finish, Fault>,
}

/// What one event brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// The next piece of the answer.
    Text(String),
    /// The model thinks; satisfies the first-content clock but does not commit.
    Thinking,
    /// The stream is alive but brought nothing: pings, role chunks, `message_start`.
    Alive,
    /// The model that answers names itself.
    Model(String),
    /// The provider's id for the request, when it is in the body.
    Request(String),
    /// A piece of a tool call.
    Call(CallPiece),
    /// Something that is neither words nor a call, in an answer that is passed on as it is written.
    Other,
    /// The model said why it stops: from here on, nothing is the answer's own text any more.
    Stopping,
    /// It comes in one piece, though a stream was asked for: nothing of it is passed on as it was
    /// written.
    InOnePiece,
    /// What the provider wrote, where the caller speaks its wire format; comes after what it brought.
    Verbatim(Verbatim),
}

/// How a whole answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Why the model stopped.
    pub stop: Stop,
    /// What the provider counted.
    pub usage: Usage,
    /// The model that answered, as it named itself.
    pub model: Option<String>,
    /// The provider's own word for the stop: `end_turn`, `stop`.
    pub said: Option<String>,
    /// The stop sequence that it met, where the provider names it.
    pub sequence: Option<String>,
}

/// Why a model stopped writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was done.
    End,
    /// It reached the output limit (`pause_turn` and `queued` count as this).
    Limit,
    /// It asks for tools.
    Calls,
    /// It met one of the caller's stop sequences, and its provider says so.
    Sequence,
}
