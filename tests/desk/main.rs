//! The desk with real parts: a database file, a config file, providers over real HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::disallowed_methods,
    unreachable_pub,
    missing_docs,
    reason = "a test may panic"
)]

mod bench;
mod chains;
mod copies;
mod drafting;
mod forwarding;
mod keys;
mod leaving;
mod money;
mod outage;
mod policies;
mod recipients;
#[path = "../common/smtp.rs"]
#[expect(dead_code, reason = "the desk needs a part of it")]
mod smtp;
mod stale;
mod texts;
