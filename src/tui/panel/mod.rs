//! The side pane: who was asked and what it cost, and who the customer is.

mod receipt;
mod state;
pub mod view;

pub use state::{Feed, Panel};
