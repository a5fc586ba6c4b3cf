//! Four wire formats in, four out: what a caller asks in its own words reaches every model, and
//! every answer comes back in the caller's words.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

mod answers;
mod corpus;
mod limits;
mod pass;
mod random;
#[path = "../common/recorded.rs"]
mod recorded;
mod refusals;
mod requests;
mod stage;
mod streams;
