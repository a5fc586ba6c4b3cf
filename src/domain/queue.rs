//! The queue: a row per ticket, and the changes a person makes to tickets.

use super::{Contact, Delivery, DraftOrigin, DraftState, Priority, Status, TicketId, Timestamp};

/// What the queue shows of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueRow {
    /// The inner identity.
    pub id: TicketId,
    /// What people say.
    pub number: i64,
    /// Where it stands.
    pub status: Status,
    /// How urgent.
    pub priority: Option<Priority>,
    /// Without prefixes.
    pub subject: String,
    /// Who asked.
    pub requester: Contact,
    /// The agent who has it.
    pub assignee: Option<String>,
    /// Sorted.
    pub tags: Vec<String>,
    /// Why it is out of the queue, if it is.
    pub quarantined_because: Option<String>,
    /// How many messages it has.
    pub messages: i64,
    /// When its first message was sent.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When its requester last wrote: what the desk's queue is ordered by, so that an agent's own
    /// changes move no row.
    pub asked_at: Timestamp,
    /// Its live draft, whoever's it is.
    pub draft: Option<DraftMark>,
    /// How far a reply in the outbox has come that has not come to an end, if there is one.
    pub open_reply: Option<Delivery>,
}

/// What the queue shows of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftMark {
    /// Where it stands.
    pub state: DraftState,
    /// Where its words came from.
    pub origin: DraftOrigin,
    /// Whether they came from a later link than the first.
    pub is_fallback: bool,
    /// When it was last saved.
    pub saved_at: Timestamp,
}

/// The order of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// Last mail of a requester first: what the desk shows.
    #[default]
    Newest,
    /// By number, lowest first: what the command line prints.
    Number,
}

/// A part of a long list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows at most.
    pub limit: u64,
}

/// What a person changes about a ticket; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// A new status.
    pub status: Option<Status>,
    /// A new priority; `Some(None)` takes it away.
    pub priority: Option<Option<Priority>>,
    /// A new assignee; `Some(None)` takes it away.
    pub assignee: Option<Option<String>>,
    /// Tags to add, lower case, without spaces.
    pub add_tags: Vec<String>,
    /// Tags to take away.
    pub remove_tags: Vec<String>,
    /// Whether it comes out of quarantine.
    pub release: bool,
}
