//! The engine for other programs, in the words they already speak: HTTP on loopback in the dialects
//! of OpenAI, Anthropic and Gemini.
//!
//! A request comes through the `server`, on one of its `shards`, and its `socket` (limits of time), past the `gate` (who may ask), along its
//! `route` to `ask`, which reads it as it `arrive`s in its dialect, passes it to the desk and spells the answer:
//! whole (`spell`), or as a `stream`. What there is to say without an answer is decided in `outcome`. It opens
//! no door itself: keys, money, receipts and models are the desk's.

mod arrive;
mod ask;
mod body;
pub mod dialect;
mod files;
mod gate;
mod leave;
mod log;
mod metrics;
mod models;
mod outcome;
mod peer;
mod read;
mod road;
mod route;
mod server;
mod shards;
mod socket;
mod spell;
mod stream;
mod whom;

pub use self::{
    gate::Admission,
    server::{Options, Server},
    shards::Shards,
};
