//! The Routing screen: the links of each chain ordered, added and removed, and its routing chosen.

pub mod state;
pub mod view;

pub use state::{After, RoutingScreen};

#[cfg(test)]
mod tests;
