//! One mail: bytes to what a desk needs of it.

mod auto;
mod bounce;
pub mod compose;
pub mod discover;
pub mod files;
pub mod imap;
pub mod kind;
mod marks;
mod mime;
pub mod oauth;
pub mod parse;
pub mod smtp;
mod subject;
mod tls;
mod topic;
mod vouch;
mod web;

pub use bounce::{Bounce, Recipient};
pub use marks::OwnMarks;
pub use vouch::Results;
