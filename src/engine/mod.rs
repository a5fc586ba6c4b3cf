//! Thought: which model to ask next, when to stop, what to hold and settle.
//!
//! Pure. Nothing here opens a socket, asks a clock or holds a lock: time, money granted and words
//! heard come in as values, and commands go out as values. That is why it can be tested by the
//! thousand (`run`'s property tests).

pub mod ask;
pub mod attempts;
mod bill;
pub mod breaker;
pub mod budget;
pub mod chain;
pub mod lesson;
pub mod plan;
pub mod policy;
pub mod price;
pub mod prompt;
pub mod remedy;
pub mod run;
