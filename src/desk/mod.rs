//! The desk: what a person or a script can do here, where the doors meet.
//!
//! Every face (screen, command line, later `serve`) does the same acts through [`Desk`], so none
//! re-implements drafting, filing or spending. This room knows no terminal.

pub mod drive;
pub mod face;
pub mod ledger;
pub mod live;
