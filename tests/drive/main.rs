//! Runs driven from end to end against a scripted ledger and scripted models, in time that is wound
//! forward: what is asked, shown, held and settled when models hang, stall, break off or refuse,
//! and when a person or the cap stops them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

mod answers;
mod beside;
mod faults;
mod links;
mod money;
mod stage;
