//! Setting up a mailbox: the address, the servers found for it, how far back, the password. Nothing
//! is kept before both servers have taken it, and nothing is sent.

mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use state::{After, MailboxScreen, Stage};
