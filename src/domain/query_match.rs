//! Whether one ticket is meant by a query: the same meaning as the search in the database, for
//! rules that look at a ticket in memory.

use super::{Message, Query, Status, Ticket, query::Test};

/// A ticket with what a query can ask about.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// Its messages.
    pub messages: &'a [Message],
    /// Whether a draft waits, and whether it came from a later link.
    pub draft: Option<bool>,
}

impl Query {
    /// Tells whether a ticket is meant.
    pub fn means(&self, seen: Seen<'_>) -> bool {
        self.terms
            .iter()
            .all(|term| seen.meets(&term.test) != term.negated)
    }
}

impl Seen<'_> {
    fn meets(self, test: &Test) -> bool {
        let ticket = self.ticket;
        match test {
            Test::Word(word) => {
                let word = word.to_lowercase();
                let in_message =
                    |message: &Message| message.body.text.to_lowercase().contains(&word);
                ticket.subject.to_lowercase().contains(&word)
                    || self.requester().contains(&word)
                    || self.messages.iter().any(in_message)
            }
            Test::Status(status) => ticket.status == *status,
            Test::Tag(tag) => {
                let tag = tag.to_lowercase();
                ticket.tags.iter().any(|own| own.to_lowercase() == tag)
            }
            Test::From(who) => self.requester().contains(&who.to_lowercase()),
            Test::Assignee(who) => {
                let assignee = ticket.assignee.as_deref().unwrap_or_default();
                assignee.to_lowercase().contains(&who.to_lowercase())
            }
            Test::Fallback => self.draft == Some(true),
            Test::Unsolved => {
                ticket.quarantined_because.is_none()
                    && matches!(
                        ticket.status,
                        Status::New | Status::Open | Status::Pending | Status::Hold
                    )
            }
            Test::System => ticket.quarantined_because.is_some(),
            Test::HasDraft => self.draft.is_some(),
            Test::Source(source) => ticket.source.to_lowercase() == *source,
        }
    }

    fn requester(self) -> String {
        let requester = &self.ticket.requester;
        let name = requester.name.as_deref().unwrap_or_default();
        format!("{name} {}", requester.address).to_lowercase()
    }
}
