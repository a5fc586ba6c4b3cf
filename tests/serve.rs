//! `deskhand serve` as other programs meet it: the built program, real HTTP, simulated providers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::format_push_string,
    reason = "a test may panic and wait, and says what it could not read"
)]

#[path = "serve/bench.rs"]
mod bench;
#[path = "serve/ceilings.rs"]
mod ceilings;
#[path = "serve/http.rs"]
mod http;
#[path = "serve/killed.rs"]
mod killed;
#[path = "serve/ledger.rs"]
mod ledger;
#[path = "serve/limits.rs"]
mod limits;
#[path = "serve/pages.rs"]
mod pages;
#[path = "common/program.rs"]
#[expect(dead_code, reason = "the bench needs a part of it")]
mod program;
#[path = "serve/sdks.rs"]
mod sdks;
#[path = "serve/security.rs"]
mod security;
#[path = "serve/silence.rs"]
mod silence;
#[path = "serve/soak.rs"]
mod soak;
#[path = "serve/streaming.rs"]
mod streaming;
#[path = "serve/told.rs"]
mod told;
#[path = "serve/words.rs"]
mod words;
