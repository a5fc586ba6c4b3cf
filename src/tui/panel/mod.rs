//! The side pane: who was asked and what it cost, and who the customer is.

pub(super) mod receipt;
mod state;
pub mod view;

pub use state::Panel;
