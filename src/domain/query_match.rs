//! Whether one ticket is meant by a query: the same meaning as the search in the database, for
//! rules that look at a ticket in memory.

use super::{Contact, Message, Query, Ticket, query::Test};

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
                let word = searched(word);
                let in_message =
                    |message: &Message| searched(&message_words(message)).contains(&word);
                searched(&ticket.subject).contains(&word)
                    || self.requester().contains(&word)
                    || self.messages.iter().any(in_message)
            }
            Test::Number(number) => ticket.number == *number,
            Test::Status(status) => ticket.status == *status,
            Test::Tag(tag) => {
                let tags = format!(" {} ", searched(&ticket.tags.join(" ")));
                tags.contains(&format!(" {} ", searched(tag)))
            }
            Test::From(who) => self.requester().contains(&searched(who)),
            Test::Assignee(who) => {
                searched(ticket.assignee.as_deref().unwrap_or_default()).contains(&searched(who))
            }
            Test::Fallback => self.draft == Some(true),
            Test::Unsolved => ticket.status.is_unsolved() && ticket.quarantined_because.is_none(),
            Test::System => ticket.quarantined_because.is_some(),
            Test::HasDraft => self.draft.is_some(),
            Test::Source(source) => {
                let behind = ticket.source.strip_prefix(source.as_str());
                behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }
        }
    }

    fn requester(self) -> String {
        searched(&contact_words(&self.ticket.requester))
    }
}

/// Returns the words of a requester in which `from:` looks.
pub fn contact_words(contact: &Contact) -> String {
    let name = contact.name.as_deref().unwrap_or_default();
    format!("{name}\n{}", contact.address)
}

/// Returns the words of a message in which a word is looked for.
pub fn message_words(message: &Message) -> String {
    format!(
        "{}\n{} {}\n{}",
        message.subject,
        message.from.name.as_deref().unwrap_or_default(),
        message.from.address,
        message.body.text
    )
}

/// Returns a text as it is searched: lower case, without NUL.
pub fn searched(text: &str) -> String {
    text.replace('\0', "").to_lowercase()
}
