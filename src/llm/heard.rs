//! What one call comes to, whatever the provider: opened, words, and one end.

use std::time::Duration;

use super::wire::{Delta, Finish};
use crate::domain::{Fault, RateLeft, Usage};
pub use crate::engine::policy::Limits;

/// The next thing heard of a call. After `Ended` or `Failed` there is nothing more.
#[derive(Debug)]
pub enum Heard {
    /// A good status came; the body begins.
    Opened(Opening),
    /// A piece of the answer, a sign of life, or a name.
    Delta(Delta),
    /// A whole answer is over.
    Ended(Finish),
    /// It failed. The usage is what the provider had reported until then.
    Failed(Fault, Usage),
}

/// How a call began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Whether what the provider writes comes as it was written too.
    pub verbatim: bool,
    /// The HTTP status.
    pub status: u16,
    /// The provider's id for the request, from the headers.
    pub request: Option<String>,
    /// Time to a new connection with TLS; none when a pooled one was used.
    pub connect: Option<Duration>,
    /// What is left of the rate limit, from the headers.
    pub left: Option<RateLeft>,
}
