//! The queue: only the rows near the window are ever loaded.

mod state;
pub mod view;

pub use state::{Queue, View};
