//! One mail: bytes to what a desk needs of it.

mod auto;
mod bounce;
pub mod parse;
mod subject;

pub use bounce::Bounce;
