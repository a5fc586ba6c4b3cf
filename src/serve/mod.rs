//! The engine for other programs, in the words they already speak: HTTP on loopback in the dialects
//! of OpenAI, Anthropic and Gemini.
//!
//! A request comes through the `server` (sockets, limits), past the `gate` (who may ask), along its
//! `route` to `ask`, which reads it in its dialect, passes it to the desk and spells the answer:
//! whole (`spell`), or as a `stream`. What there is to say without an answer is decided in `outcome`. It opens
//! no door itself: keys, money, receipts and models are the desk's.

mod ask;
mod body;
pub mod dialect;
mod files;
mod gate;
mod log;
mod metrics;
mod models;
mod outcome;
mod read;
mod route;
mod server;
mod spell;
mod stream;
mod whom;

pub use self::{
    gate::Admission,
    server::{Options, Server},
};
