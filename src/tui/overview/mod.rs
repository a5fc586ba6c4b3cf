//! The Overview screen: what the receipts say together, as bars; each leads to its receipts.

mod bars;
mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use state::{After, OverviewScreen};
