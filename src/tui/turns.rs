//! Writes of the screen, one after the other: what is typed is saved before it is queued.

use tokio::sync::oneshot;

use super::effect::Effect;
use crate::domain::TicketId;

/// Gives each write its turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    last: Option<oneshot::Receiver<()>>,
}

/// A place in the line; dropped, it lets the next one go on.
#[derive(Debug)]
pub(super) struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _after: oneshot::Sender<()>,
}

impl Turns {
    /// Takes the next place.
    pub(super) fn next(&mut self) -> Turn {
        let (after, next) = oneshot::channel();
        Turn {
            before: self.last.replace(next),
            _after: after,
        }
    }
}

impl Turn {
    /// Waits until those before have ended.
    pub(super) async fn come(&mut self) {
        if let Some(before) = self.before.take() {
            // Its sender is dropped at the end, also by a panic: that is the sign.
            drop(before.await);
        }
    }
}

/// The last save of this screen: one that was begun before its end was heard builds on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OwnSave(Option<(TicketId, Option<i64>, i64)>);

impl OwnSave {
    /// Lets a save build on ours, and not collide with it.
    pub(super) fn under(self, effect: &mut Effect) {
        if let Effect::Save { typed, expected } = effect
            && let Some((saved, on, revision)) = self.0
            && (saved, on) == (typed.ticket, *expected)
        {
            *expected = Some(revision);
        }
    }

    /// Remembers that a save which wanted to build on `expected` is on disk.
    pub(super) const fn of(ticket: TicketId, expected: Option<i64>, revision: i64) -> Self {
        Self(Some((ticket, expected, revision)))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, Mutex},
        time::Duration,
    };

    use uuid::Uuid;

    use super::*;
    use crate::tui::strays::Typed;

    #[tokio::test]
    async fn a_quick_write_waits_for_a_slow_one_before_it() {
        let (mut turns, seen) = (Turns::default(), Arc::new(Mutex::new(Vec::new())));
        let mut tasks = tokio::task::JoinSet::new();
        for (name, pause) in [("save", 30), ("queue", 0)] {
            let (mut turn, seen) = (turns.next(), Arc::clone(&seen));
            tasks.spawn(async move {
                turn.come().await;
                tokio::time::sleep(Duration::from_millis(pause)).await;
                seen.lock().unwrap().push(name);
            });
        }

        tasks.join_all().await;

        assert_eq!(*seen.lock().unwrap(), ["save", "queue"]);
    }

    #[test]
    fn a_save_builds_on_our_own_whose_end_was_not_heard_yet() {
        let ticket = TicketId::new(Uuid::from_u128(1));
        let own = OwnSave::of(ticket, Some(5), 6);
        let save = |ticket, expected| Effect::Save {
            typed: Typed {
                writing: crate::tui::strays::Writing::Reply,
                ticket,
                number: 1,
                text: "typed on".to_owned(),
                seen: None,
            },
            expected,
        };
        let expects = |mut effect: Effect| {
            own.under(&mut effect);
            if let Effect::Save { expected, .. } = effect {
                expected
            } else {
                None
            }
        };

        assert_eq!(expects(save(ticket, Some(5))), Some(6));
        assert_eq!(expects(save(ticket, Some(4))), Some(4));
        let other = TicketId::new(Uuid::from_u128(2));
        assert_eq!(expects(save(other, Some(5))), Some(5));
    }
}
