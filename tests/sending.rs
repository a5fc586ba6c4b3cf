//! Replies leave once: against a server that goes wrong on demand, and against a real Postfix that
//! delivers into a real Dovecot.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a test may panic, and waits for a server's clock"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "sending needs a part of it")]
mod program;

#[path = "common/dovecot.rs"]
#[expect(dead_code, reason = "sending needs a part of it")]
mod dovecot;

#[path = "common/imap.rs"]
#[expect(dead_code, reason = "sending needs a part of it")]
mod imap;

#[path = "common/smtp.rs"]
mod smtp;

#[path = "sending/acks.rs"]
mod acks;

#[path = "sending/copies.rs"]
mod copies;

#[path = "sending/faults.rs"]
mod faults;

#[path = "sending/race.rs"]
mod race;

#[path = "sending/real.rs"]
mod real;
#[path = "sending/real_kills.rs"]
mod real_kills;

#[path = "sending/unsure.rs"]
mod unsure;
