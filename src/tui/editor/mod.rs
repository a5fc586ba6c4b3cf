//! Writing a reply in place. The only room that names the editor's crate.

mod state;
pub mod view;

pub use state::{Editor, Start};
