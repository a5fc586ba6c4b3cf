//! Thought: which model to ask next, when to stop, what to hold and settle.
//!
//! Pure. Nothing here opens a socket, asks a clock or holds a lock: time, money granted and words
//! heard come in as values, and commands go out as values. That is why it can be tested by the
//! thousand (`tests/promises`).
//!
//! A ticket becomes an [`ask`] in [`prompt`]; a checked [`chain`] with [`price`]s, standings (judged
//! by [`breaker`]) and a [`policy`] becomes a [`plan`]; [`run`] is the machine that follows it, with
//! [`budget`] for what to hold, [`remedy`] for what follows a fault, [`attempts`] for the receipt and
//! [`lesson`] for what is to be remembered. [`times`] say how fast links were, [`outage`] whether
//! anybody is left to ask.

pub mod answer;
pub mod ask;
pub mod attempts;
mod bill;
pub mod breaker;
pub mod budget;
pub mod chain;
pub mod figures;
pub mod hedge;
pub mod lesson;
pub mod outage;
pub mod plan;
pub mod policy;
pub mod price;
mod price_row;
pub mod prompt;
pub mod remedy;
pub mod routing;
pub mod run;
pub mod times;
