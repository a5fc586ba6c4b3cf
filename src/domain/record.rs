//! Records: tickets as another system, or another desk, tells them.

use super::{Message, Status, Ticket, TicketId, Timestamp};

/// Where a ticket came from, in the words of that system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The system: `zendesk`, `chatwoot`, `rt`, `csv` or a name somebody gave.
    pub source: String,
    /// What the ticket is called there; with the source it names the ticket for ever.
    pub source_id: String,
    /// The status it has there, in the system's own word.
    pub source_status: Option<String>,
}

/// A ticket with its messages on their way into a desk, or out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it came from.
    pub origin: Origin,
    /// The ticket; number 0 wants the next free one.
    pub ticket: Ticket,
    /// The status before it became spam, deleted or merged.
    pub status_before: Option<Status>,
    /// The ticket that it went on in.
    pub merged_into: Option<TicketId>,
    /// When two messages of this ticket are the same one.
    pub same_when: SameWhen,
    /// Its messages, oldest first.
    pub messages: Vec<RecordMessage>,
}

/// A message of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordMessage {
    /// The message.
    pub message: Message,
    /// The mailbox it came by, where that is not the ticket's source.
    pub source: Option<String>,
    /// When it was filed at the desk it comes from.
    pub filed_at: Option<Timestamp>,
    /// The id under which its words are here, if they were filed when its origin told of the
    /// ticket nothing but them; its own id where it is such words itself.
    pub stand_in: Option<String>,
    /// Its bytes as they came, where they are kept.
    pub original: Option<Vec<u8>>,
}

/// When two messages of one ticket are the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameWhen {
    /// They have one id: helpdesks name every message, and its text may be edited there.
    IdsAgree,
    /// They have one id, or one digest: rows of a table, which are named by what is read in them and
    /// may be read in more than one way, and whose digest is of the row as it stands there.
    IdsOrRowsAgree,
    /// They have one id and one digest: mail, where an id proves nothing.
    BytesAgree,
}

/// Something of a record that a desk has no place for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmapped {
    /// What it is: `status`, `priority`, `column`, `custom field`.
    pub what: &'static str,
    /// The word or name that stood there.
    pub word: String,
    /// What became of it.
    pub became: &'static str,
}
