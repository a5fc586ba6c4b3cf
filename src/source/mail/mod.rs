//! One mail: bytes to what a desk needs of it.

mod auto;
mod bounce;
pub mod imap;
pub mod parse;
mod subject;
mod tls;

pub use bounce::Bounce;
