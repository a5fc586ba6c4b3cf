//! What one call comes to, whatever the provider: opened, words, and one end.

use std::time::Duration;

use super::wire::{Delta, Finish};
use crate::domain::{Fault, RateLeft, Usage};
pub use crate::engine::policy::Limits;

/// The next thing heard of a call. After `Ended` or `Failed` there is nothing more.
#[derive(Debug)]
pub enum Heard {
    /// A good status came; the body begins.
    Opened(Box<Opening>),
    /// A piece of the answer, a sign of life, or a name.
    Delta(Delta),
    /// A whole answer is over.
    Ended(Box<Finish>),
    /// It failed. The usage is what the provider had reported until then.
    Failed(Box<Fault>, Box<Usage>),
}

/// What is seldom heard is boxed: a piece of an answer is passed on many times for each of those.
impl Heard {
    /// A call begins.
    pub fn opened(opening: Opening) -> Self {
        Self::Opened(Box::new(opening))
    }

    /// A whole answer is over.
    pub fn ended(finish: Finish) -> Self {
        Self::Ended(Box::new(finish))
    }

    /// It failed, and so much was reported.
    pub fn failed(fault: Fault, usage: Usage) -> Self {
        Self::Failed(Box::new(fault), Box::new(usage))
    }
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
