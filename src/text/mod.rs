//! Text: HTML to plain, quotes and signatures folded, lines wrapped, hostile characters gone.
//!
//! Sees nothing of ours. Customer text enters the program here: pure functions that properties
//! and fuzzers can hold.

pub mod clean;
pub mod wrap;
