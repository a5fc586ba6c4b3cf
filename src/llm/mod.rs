//! The door to the models: five codecs, one transport.
//!
//! A codec spells an [`Ask`](crate::engine::ask::Ask) in a provider's words and reads its answer
//! back; it is pure and tested from recorded bytes. The transport is the one place that opens a
//! socket to a model. [`heard`] is what a call comes to, provider's differences gone.
//! This room decides nothing: whether to go on is the engine's.

pub(crate) mod alarm;
mod anthropic;
mod body;
pub mod catalog;
mod chat;
pub mod check;
mod check_window;
mod chunk;
mod client;
mod clocks;
mod compat;
mod connect;
pub mod ear;
mod gemini;
pub mod heard;
mod http;
mod ollama;
mod openai;
pub mod renew;
mod responses;
mod rows;
mod served;
mod spell;
pub mod sse;
pub mod transport;
mod url;
mod warm;
pub mod wire;
mod words;

use self::wire::Wire;
pub use self::{
    check::KeyCheck,
    transport::{Conversation, Transport},
};
use crate::domain::ProviderKind;

/// Returns the codec for a wire format.
pub fn wire(kind: ProviderKind) -> &'static dyn Wire {
    match kind {
        ProviderKind::Anthropic => &anthropic::Anthropic,
        ProviderKind::OpenAi => &openai::OpenAi,
        ProviderKind::OpenAiResponses => &responses::Responses,
        ProviderKind::Gemini => &gemini::Gemini,
        ProviderKind::OpenAiCompatible => &compat::Compatible,
    }
}
