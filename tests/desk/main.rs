//! The desk with real parts: a database file, a config file, providers over real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a test may panic"
)]

mod bench;
mod drafting;
mod keys;
mod money;
mod texts;
