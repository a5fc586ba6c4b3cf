//! The Mapping screen: what the columns of a table hold, before anything is filed.

mod state;
#[cfg(test)]
mod tests;
pub mod view;

pub use state::{After, MappingScreen};
