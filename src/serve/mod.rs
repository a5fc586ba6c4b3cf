//! The engine for other programs, in the words they already speak: HTTP in three dialects.

pub mod dialect;
