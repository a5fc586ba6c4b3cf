//! Text: HTML to plain, quotes and signatures folded, lines wrapped, hostile characters gone.
//!
//! Sees nothing of ours. Customer text enters the program here: pure functions that properties
//! and fuzzers can hold. None may panic, and none may take long, whatever it is given.

pub mod clean;
pub mod compare;
pub mod html;
pub mod json;
pub mod language;
mod marks;
pub mod quote;
pub mod redact;
pub mod wrap;
