//! Every action by name, found by a few letters; each row shows its key, so the palette teaches.

mod state;
pub mod view;

pub use state::{Palette, Row};
