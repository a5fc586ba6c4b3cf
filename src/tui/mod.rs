//! The screen: what an agent looks at all day. Sees no door; acts through the desk.
//!
//! An event becomes an action by the keymap, `update` changes the model and names effects, the
//! runner turns effects into tasks, and their ends come back as events. `view` only reads.
//! Streams are state: the newest text of a running draft is read when the screen is drawn.

pub mod acts;
pub mod burst;
pub mod catch_up;
pub mod compare;
pub mod drill;
pub mod editor;
pub mod effect;
pub mod ended;
pub mod event;
pub mod files;
#[cfg(test)]
mod fixture;
pub mod help;
pub mod input;
pub mod keys;
pub mod layout;
pub mod line;
pub mod mailbox;
pub mod mapping;
pub mod menu;
pub mod meter;
pub mod model;
pub mod notes;
pub mod outbox;
mod outside;
pub mod over;
pub mod overview;
pub mod paint;
pub mod palette;
pub mod panel;
pub mod picture;
pub mod prompt;
pub mod providers;
pub mod queue;
pub mod receipts;
pub mod rescue;
pub mod routing;
pub mod run;
pub mod runner;
pub mod session;
pub mod setup;
pub mod strays;
pub mod talk;
pub mod terminal;
mod turns;
pub mod update;
pub mod view;
pub mod words;
pub mod work;

pub use run::{Leave, Left, Options, run};
pub use session::Session;
pub use terminal::ScreenError;

#[cfg(test)]
mod acts_tests;
#[cfg(test)]
mod screens;
