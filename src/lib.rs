//! deskhand: a terminal inbox for support agents, with AI drafts through a fallback engine whose
//! every step leaves a receipt.
//!
//! ```text
//!     main ── cli ─────────┬───────────┐              faces: what people and scripts touch
//!             │           │           │
//!            tui       (serve)     (print)
//!             └─────┬─────┘
//!                  desk                              the desk: use cases, where the doors meet
//!      ┌────────┬───┴────┬─────────┬────────┐
//!    store   source     llm    secrets   config      doors: each opens on one outside thing
//!      └────────┴───┬────┴─────────┴────────┘
//!                engine                              thought: what to do next, without doing it
//!               ┌───┴────┐
//!            domain     text                         ground: what a ticket is; what text is
//! ```
//!
//! Imports go down only; `tests/layering.rs` keeps it so. `docs/architecture.md` says why.

pub mod cli;
pub mod config;
pub mod desk;
pub mod domain;
pub mod engine;
pub mod llm;
pub mod secrets;
pub mod serve;
pub mod sim;
pub mod source;
pub mod store;
pub mod text;
pub mod tui;
