//! The story of a run, as its receipt will tell it.

use std::time::Duration;

use super::{lesson::Lesson, price};
use crate::domain::{
    Attempt, Billed, Cost, Fault, FaultClass, LinkName, Skipped, Timestamp, Usage,
};

/// How much of a replaced text the receipt keeps, in characters.
const SHOWN_CHARS: usize = 4_000;

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub struct Story {
    /// The calls in the order they began; up to two may be under way.
    pub attempts: Vec<Attempt>,
    /// Links that were not asked, and why.
    pub skipped: Vec<Skipped>,
    /// What the run taught.
    pub lessons: Vec<Lesson>,
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub took: Duration,
    pub usage: Usage,
    pub cost: Cost,
    /// Words that were shown and do not count; none when they were kept or there are none.
    pub void: Option<String>,
}

impl Story {
    /// Returns the number the next attempt will have on the receipt.
    pub fn next_no(&self) -> u32 {
        u32::try_from(self.attempts.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1)
    }

    /// Begins an attempt and returns its place.
    pub(super) fn begin(&mut self, link: &LinkName, price: &price::Price, at: Timestamp) -> usize {
        let (place, no) = (self.attempts.len(), self.next_no());
        self.attempts.push(Attempt {
            no,
            link: link.clone(),
            answered_by: None,
            began: at,
            status: None,
            class: None,
            said: None,
            request_id: None,
            retry_after: None,
            connect: None,
            first_text: None,
            took: Duration::ZERO,
            usage: Usage::default(),
            cost: Cost::FREE,
            price: Some(price.words()),
            billed: Billed::No,
            moved_on_because: None,
            shown: None,
        });
        place
    }

    /// Says why an attempt was left.
    pub(super) fn moved_on(&mut self, place: usize, because: String) {
        if let Some(attempt) = self.attempts.get_mut(place) {
            attempt.moved_on_because = Some(because);
        }
    }

    /// Ends an attempt with a fault.
    pub(super) fn failed(&mut self, place: usize, fault: &Fault, end: End) {
        let Some(attempt) = self.attempts.get_mut(place) else {
            return;
        };
        attempt.class = Some(fault.class);
        attempt.status = fault.status.or(attempt.status);
        attempt.said = fault.said.clone().or_else(|| {
            let clock = fault.clock?;
            (fault.class == FaultClass::TimedOut).then(|| clock.words().to_owned())
        });
        attempt.request_id = fault.request.clone().or_else(|| attempt.request_id.take());
        attempt.retry_after = fault.wait;
        attempt.billed = fault.billed;
        attempt.shown = end
            .void
            .map(|text| text.chars().take(SHOWN_CHARS).collect());
        attempt.took = end.took;
        attempt.usage = end.usage;
        attempt.cost = end.cost;
    }

    /// Ends an attempt with an answer that is kept.
    pub(super) fn answered(&mut self, place: usize, class: Option<FaultClass>, end: End) {
        let Some(attempt) = self.attempts.get_mut(place) else {
            return;
        };
        attempt.class = class;
        attempt.billed = Billed::Yes;
        attempt.took = end.took;
        attempt.usage = end.usage;
        attempt.cost = end.cost;
    }
}
