//! The drafts that could not be made: a list that offers them again, with what they would cost.
//! Nothing is drafted before a person says so.

mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use state::{After, CatchUpScreen};
