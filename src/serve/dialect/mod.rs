//! The dialects that `serve` speaks: how a caller's request is read, and how the answer is spelled.
//!
//! A request becomes an [`Ask`](crate::engine::ask::Ask), whichever model is to answer it; what
//! only some families of models could answer is [`Bound`] to them. An answer is told piece by piece
//! to an [`Encoder`], or spelled whole. `docs/serve.md` has the table of what becomes of what. All
//! of it is pure: no socket, no clock, no ids of its own.

mod answer;
mod chat;
mod gemini;
mod messages;
mod read;
mod refusal;
mod request;
mod responses;
mod spot;

pub use self::{
    answer::{Answer, Encoder, Head, Stopped},
    refusal::{Refusal, RefusalKind},
    request::{Bill, Bound, Framing, PathWords, ProviderWishes, Purpose, Request, USUAL_LIMIT},
};
use crate::domain::ProviderKind;

/// One wire format, from the server's side.
pub trait Dialect: Send + Sync {
    /// Returns the wire format.
    fn kind(&self) -> ProviderKind;

    /// Reads a request. `headers` are those of [`Dialect::headers`] that came, by the names given
    /// there; `path` is what the path says, which is something in Gemini's dialect only.
    ///
    /// # Errors
    ///
    /// A refusal that names the member at fault.
    fn request(
        &self,
        body: &str,
        headers: &[(&'static str, String)],
        path: &PathWords,
    ) -> Result<Request, Refusal>;

    /// Returns the names of the headers that belong to the wire format; they are passed on to a
    /// provider of the same family.
    fn headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Spells an answer in one piece.
    fn whole(&self, head: &Head, answer: &Answer) -> Vec<u8>;

    /// Makes what spells an answer that is streamed.
    fn encoder(&self, head: Head) -> Box<dyn Encoder>;

    /// Returns the HTTP status of a refusal.
    fn status(&self, refusal: &Refusal) -> u16 {
        refusal.status
    }

    /// Spells a refusal; `request` is the id under which this server knows the request.
    fn error(&self, refusal: &Refusal, request: &str) -> Vec<u8>;
}

/// Returns the dialect of a wire format; OpenAI's chat is one, whoever serves it.
pub fn dialect(kind: ProviderKind) -> &'static dyn Dialect {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiCompatible => &chat::Chat,
        ProviderKind::OpenAiResponses => &responses::Responses,
        ProviderKind::Anthropic => &messages::Messages,
        ProviderKind::Gemini => &gemini::Gemini,
    }
}

/// Spells how many tokens a request has, as the answer to Anthropic's `count_tokens`.
pub fn token_count(tokens: u64) -> Vec<u8> {
    messages::token_count(tokens)
}
