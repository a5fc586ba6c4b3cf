//! The Providers screen: how every link is, and what a person does about it.

mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use state::{After, ProvidersScreen};
