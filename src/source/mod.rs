//! The door to where tickets come from: files today; mailboxes and helpdesks behind the same
//! types.
//!
//! Whatever comes in leaves this room as plain data. Which ticket it belongs to is the desk's to
//! decide: that needs the store, which this room does not know.

pub mod import;
pub mod mail;
