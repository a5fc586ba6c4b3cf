//! The built program as scripts use it: each command, its JSON, its exit codes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "cli/drafting.rs"]
mod drafting;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "common/program.rs"]
mod program;
#[path = "cli/settings.rs"]
mod settings;
#[path = "cli/tickets.rs"]
mod tickets;
