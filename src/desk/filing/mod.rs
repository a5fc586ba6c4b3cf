//! The filing of mail: from the bytes of a folder or a file to a message on the right ticket.
//!
//! `fetch` brings a batch, `letters` reads it, `importer` files it: `ours` says whose a
//! letter is, `judge`, `known` and `thread` which ticket it belongs to and why, `standing` what
//! that ticket becomes, `hints` what a person should know of it. `giants` brings in what was too large at first, `kept_back`
//! notes what a server does not give. When mail is
//! read, and from where, is the business of `sync` and `import`; this room sends nothing and
//! never decides alone what a person may undo.

#[cfg(test)]
mod arrival_tests;
#[cfg(test)]
mod doubt_tests;
pub(super) mod fetch;
mod giants;
mod hints;
#[cfg(test)]
mod history_tests;
pub(super) mod importer;
mod judge;
mod kept_back;
mod known;
pub(super) mod letters;
pub(super) mod ours;
#[cfg(test)]
mod reply_tests;
mod standing;
#[cfg(test)]
mod tests;
pub mod thread;
