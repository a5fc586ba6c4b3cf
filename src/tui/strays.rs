//! Texts whose save failed after their editor was closed: kept here and tried again until they are
//! on disk.

use std::time::Duration;

use super::effect::Effect;
use crate::domain::{Mono, TicketId};

/// How long a save that failed waits before it is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(3);

/// What a text is to become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writing {
    /// A reply to the customer.
    #[default]
    Reply,
    /// An internal note.
    Note,
}

impl Writing {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
        }
    }
}

/// What a person typed for a ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Typed {
    /// What it is to become.
    pub writing: Writing,
    /// For which ticket.
    pub ticket: TicketId,
    /// Its number.
    pub number: i64,
    /// The whole text.
    pub text: String,
    /// How many messages of people stood on the screen when it was begun, where that is known.
    pub seen: Option<u64>,
}

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Typed for #{} […]", self.number)
    }
}

/// The texts that are here and nowhere else; one reply and one note per ticket.
#[derive(Debug, Default)]
pub struct Strays(Vec<Stray>);

#[derive(Debug)]
struct Stray {
    typed: Typed,
    /// When it is tried again; none while a save is under way.
    due: Option<Mono>,
}

impl Strays {
    /// Keeps a text and lets it be saved after a while; a newer text of the ticket replaces it.
    pub fn keep(&mut self, typed: Typed, now: Mono) {
        self.forget(typed.ticket, typed.writing);
        let due = Some(now.after(AGAIN_AFTER));
        self.0.push(Stray { typed, due });
    }

    /// Forgets the text of a ticket: it is on disk, or an editor has it.
    pub fn forget(&mut self, ticket: TicketId, writing: Writing) -> Option<Typed> {
        let is_it = |kept: &Stray| (kept.typed.ticket, kept.typed.writing) == (ticket, writing);
        let at = self.0.iter().position(is_it)?;
        Some(self.0.remove(at).typed)
    }

    /// Tells whether nothing is kept.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns when the next text is to be tried again.
    pub fn due(&self) -> Option<Mono> {
        self.0.iter().filter_map(|kept| kept.due).min()
    }

    /// Returns the saves that are due. Each builds on whatever stands on disk then, which is kept
    /// as a revision of its own.
    pub fn saves_when_due(&mut self, now: Mono) -> Vec<Effect> {
        let is_due = |kept: &&mut Stray| kept.due.is_some_and(|due| due <= now);
        let save = |kept: &mut Stray| {
            kept.due = None;
            Effect::SaveOver(kept.typed.clone())
        };
        self.0.iter_mut().filter(is_due).map(save).collect()
    }
}
