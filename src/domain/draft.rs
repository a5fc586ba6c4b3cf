//! Drafts: replies that are being written.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{DraftId, Envelope, MessageId, ReceiptId, TicketId, Timestamp};

/// What stands between a draft and a reply that did not leave and came back to it.
pub const CAME_BACK: &str = "---- This reply was not sent, and came back here: ----";

/// What a draft says of whose words nobody knows whether they have left.
pub const MAY_HAVE_LEFT: &str = "it may have left already: the customer may get it twice";

/// A reply that is being written. One lives per ticket and author; every save adds a revision.
#[derive(Clone, PartialEq, Eq)]
pub struct Draft {
    /// The inner identity.
    pub id: DraftId,
    /// The ticket it answers.
    pub ticket: TicketId,
    /// The agent whose draft it is.
    pub author: String,
    /// The message it answers, when it began.
    pub answers: Option<MessageId>,
    /// The text as it stands.
    pub text: String,
    /// Counts the saves; a save names the revision it builds on.
    pub revision: i64,
    /// Where its words came from.
    pub origin: DraftOrigin,
    /// Where it stands.
    pub state: DraftState,
    /// The AI runs that made it, oldest first.
    pub receipts: Vec<ReceiptId>,
    /// What to know before sending: `stopped at the limit`, `fallback`.
    pub flags: Vec<String>,
    /// To whom it goes and what goes with it, where a person has changed that.
    pub envelope: Option<Envelope>,
    /// When it was last saved.
    pub saved_at: Timestamp,
}

impl Draft {
    /// Tells whether its words may have left: a reply of which nobody knows was taken back.
    pub fn may_have_left(&self) -> bool {
        self.flags.iter().any(|flag| flag == MAY_HAVE_LEFT)
    }
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Draft {} rev {} of {} bytes",
            self.id,
            self.revision,
            self.text.len()
        )
    }
}

/// Where a draft's words came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftOrigin {
    /// A person wrote it.
    Human,
    /// A model wrote it and nobody has changed it.
    Ai,
    /// A model began it and a person changed it.
    Mixed,
}

/// Where a draft stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DraftState {
    /// A model or a person is writing.
    Writing,
    /// Whole.
    Ready,
    /// The customer wrote again after it was begun.
    Stale,
    /// Thrown away; undo brings it back.
    Discarded,
}
