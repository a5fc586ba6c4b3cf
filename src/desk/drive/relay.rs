//! Who passes an answer on as it comes, beside the screen: `serve`.
//!
//! The machine decides whose words are shown; a relay keeps what each attempt brought and passes on
//! what is shown. Once something has left this program it cannot be taken back, so the machine is
//! told.

use std::time::Duration;

use crate::{
    domain::{LinkName, Mono},
    engine::attempts::Story,
    llm::heard::Heard,
};

/// Passes an answer on.
pub(crate) trait Relay: Send {
    /// An attempt brought something, before the machine hears of it.
    fn heard(&mut self, attempt: u32, heard: &Heard);
    /// What an attempt brought so far is shown, and what it brings from now on.
    fn show(&mut self, attempt: u32, link: &LinkName, now: Mono);
    /// What was shown no longer counts; only asked for before anything left.
    fn replace(&mut self);
    /// Returns in how long something is to leave at the latest; none when nothing waits.
    fn due(&self, now: Mono) -> Option<Duration>;
    /// Lets go what is due; tells whether something has left for the first time just now.
    fn release(&mut self, now: Mono, story: &Story) -> bool;
}

/// Nobody listens but the screen.
pub(super) struct Nobody;

impl Relay for Nobody {
    fn heard(&mut self, _: u32, _: &Heard) {}
    fn show(&mut self, _: u32, _: &LinkName, _: Mono) {}
    fn replace(&mut self) {}

    fn due(&self, _: Mono) -> Option<Duration> {
        None
    }

    fn release(&mut self, _: Mono, _: &Story) -> bool {
        false
    }
}
