//! What the screen is told of a run: who is asked, who writes, what no longer counts.

use std::time::Duration;

use crate::{
    desk::{
        face::{Phase, Running, VoidText},
        live::Teller,
    },
    domain::{Attempt, Clock, FaultClass, LinkName, Mono},
};

/// Tells the screen.
#[derive(Clone, Copy)]
pub(super) struct Screen<'a> {
    pub(super) teller: Option<&'a Teller>,
    pub(super) clock: &'a dyn Clock,
    pub(super) began: Mono,
}

impl Screen<'_> {
    fn tell(&self, change: impl FnOnce(&mut Running)) {
        if let Some(teller) = self.teller {
            teller.tell(change);
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.mono().since(self.began)
    }

    pub(super) fn phase(&self, phase: Phase, link: Option<LinkName>) {
        let elapsed = self.elapsed();
        self.tell(|running| {
            running.phase = phase;
            running.link = link;
            running.elapsed = elapsed;
        });
    }

    /// Adds the next words; `link` is named when its first ones come.
    pub(super) fn show(&self, piece: &str, link: Option<&LinkName>) {
        let elapsed = self.elapsed();
        self.tell(|running| {
            running.phase = Phase::Writing;
            if link.is_some() {
                running.link = link.cloned();
            }
            running.text.push_str(piece);
            running.elapsed = elapsed;
        });
    }

    /// Clears what no longer counts: new words come.
    pub(super) fn replace(&self) {
        self.tell(|running| {
            running.void = None;
            running.text.clear();
        });
    }

    /// Dims what was shown: it no longer counts, but stays until the next words come.
    pub(super) fn void(&self, because: FaultClass) {
        self.tell(|running| {
            let Some(link) = running.link.clone() else {
                return;
            };
            if !running.text.is_empty() {
                running.void = Some(VoidText {
                    text: std::mem::take(&mut running.text),
                    link,
                    because,
                });
            }
        });
    }

    /// Tells which attempts are over, when that changed.
    pub(super) fn attempts<'r>(&self, over: impl Iterator<Item = &'r Attempt> + Clone) {
        let elapsed = self.elapsed();
        self.tell(|running| {
            running.elapsed = elapsed;
            if running.attempts.len() != over.clone().count() {
                running.attempts = over.cloned().collect();
            }
        });
    }
}
