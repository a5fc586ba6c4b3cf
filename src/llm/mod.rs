//! The door to the models: four codecs, one transport.
//!
//! A codec spells an [`Ask`](crate::engine::ask::Ask) in a provider's words and reads its answer
//! back; it is pure and tested from recorded bytes. The transport is the one place that opens a
//! socket to a model. [`heard`] is what a call comes to, provider's differences gone.
//! This room decides nothing: whether to go on is the engine's.

pub mod heard;
pub mod sse;
pub mod wire;
