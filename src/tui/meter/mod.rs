//! The spend meter: what is left of the month's money, always as a number too.

mod state;
pub mod view;

pub use state::{MeterRoom, Resumed};
