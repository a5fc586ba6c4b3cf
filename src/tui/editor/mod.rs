//! Writing a reply or a note in place. The only room that names the editor's crate.

#[cfg(test)]
mod note_tests;
mod state;
pub mod view;

pub use state::{Editor, Start};
