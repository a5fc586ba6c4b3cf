//! The ticket under the cursor: its conversation, and its draft below.

pub mod draft;
pub mod hops;
pub mod news;
mod state;
pub mod view;

pub use state::{Talk, TalkLine, Voice};
