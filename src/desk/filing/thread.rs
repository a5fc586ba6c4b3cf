//! Which ticket does a letter belong to? Decided from ids alone, never from a subject: people
//! answer old mail with new matters, and "Invoice" is everybody's subject.

use std::collections::HashMap;

use uuid::Uuid;

use crate::{
    domain::{Contact, TicketId},
    store::Known,
};

/// What is known of Message-IDs: which ticket has them, or has messages that refer to them.
#[derive(Clone, Debug, Default)]
pub struct Index {
    messages: HashMap<String, Message>,
    referred: HashMap<String, TicketId>,
    /// Letters still to come that belong to a ticket through others of their batch.
    foreseen: HashMap<String, TicketId>,
    /// Conversations that Outlook names, with who wrote in them.
    topics: HashMap<String, (TicketId, Vec<Contact>)>,
}

#[derive(Clone, Debug)]
struct Message {
    ticket: TicketId,
    digests: Vec<String>,
}

/// A letter as far as threading looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    /// Its own id.
    pub own: &'a str,
    /// SHA-256 of its bytes, in hex.
    pub raw_sha256: &'a str,
    /// The ids it answers, nearest parent first.
    pub answers: &'a [String],
}

/// Where a letter goes, and why, in words for the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The ticket it belongs to; none starts a new one.
    pub ticket: Option<TicketId>,
    /// The step that decided.
    pub reason: String,
    /// Whether exactly these bytes were seen before.
    pub is_duplicate: bool,
    /// Whether all that joins it is an id that no message here has: two who never heard of each
    /// other may cite one.
    pub is_loose: bool,
}

impl Index {
    /// Adds what the store knows. Rows come oldest first, so the first ticket of an id stays.
    pub fn add_known(&mut self, known: &[Known]) {
        for row in known {
            if row.is_message {
                self.add_message(&row.rfc_id, row.ticket, &row.raw_sha256);
            } else {
                self.referred
                    .entry(row.rfc_id.clone())
                    .or_insert(row.ticket);
            }
        }
    }

    /// Adds a letter that goes to a ticket.
    pub fn add_letter(&mut self, ids: Ids<'_>, ticket: TicketId) {
        self.add_message(ids.own, ticket, ids.raw_sha256);
        for id in ids.answers {
            self.referred.entry(id.clone()).or_insert(ticket);
        }
    }

    /// Looks through old letters that are filed next, oldest first: where one of a thread goes into a
    /// ticket, the beginning of the thread does, too. A mailbox comes newest first, and a thread may
    /// come in parts.
    pub(in crate::desk) fn foresee<'l>(&mut self, letters: impl Iterator<Item = Ids<'l>>) {
        let mut alone = Self::default();
        let mut threads: HashMap<TicketId, (Vec<&'l str>, Option<TicketId>)> = HashMap::new();
        for ids in letters {
            let thread = alone.decide(ids).ticket;
            let thread = thread.unwrap_or_else(|| TicketId::new(Uuid::now_v7()));
            alone.add_letter(ids, thread);
            let (members, goes) = threads.entry(thread).or_default();
            members.push(ids.own);
            if goes.is_none() {
                *goes = self.decide(ids).ticket;
            }
        }
        for (members, goes) in threads.into_values() {
            if let Some(ticket) = goes {
                let members = members.into_iter().map(|own| (own.to_owned(), ticket));
                self.foreseen.extend(members);
            }
        }
    }

    /// Adds that somebody wrote in a conversation that Outlook names; it goes on in the ticket that
    /// had it first, and who wrote to another is no part of it.
    pub(super) fn add_topic(&mut self, topic: Option<&str>, writer: &Contact, ticket: TicketId) {
        if let Some(topic) = topic {
            let known = self.topics.entry(topic.to_owned());
            let (first, writers) = known.or_insert_with(|| (ticket, Vec::new()));
            if *first == ticket {
                writers.push(writer.clone());
            }
        }
    }

    /// Decides by the conversation that Outlook names, if its writer wrote in it before.
    pub(super) fn by_topic(&self, topic: Option<&str>, writer: &Contact) -> Option<Decision> {
        let (ticket, writers) = self.topics.get(topic?)?;
        let wrote = writers.iter().any(|known| known.is_same_mailbox(writer));
        let reason = "Outlook names it as part of this conversation (Thread-Index)";
        wrote.then(|| joined(*ticket, reason.to_owned()))
    }

    /// Tells whether a message with this id is known.
    pub fn has(&self, id: &str) -> bool {
        self.messages.contains_key(id)
    }

    fn add_message(&mut self, id: &str, ticket: TicketId, digest: &str) {
        let message = self
            .messages
            .entry(id.to_owned())
            .or_insert_with(|| Message {
                ticket,
                digests: Vec::new(),
            });
        message.digests.push(digest.to_owned());
    }

    /// Decides for one letter (DOMAIN section 4, steps 0 and 4).
    pub fn decide(&self, letter: Ids<'_>) -> Decision {
        if let Some(twin) = self.messages.get(letter.own) {
            let is_duplicate = twin
                .digests
                .iter()
                .any(|digest| digest == letter.raw_sha256);
            let reason = if is_duplicate {
                "seen before"
            } else {
                "same Message-ID as another message, but other bytes: both are kept"
            };
            return Decision {
                ticket: Some(twin.ticket),
                reason: reason.to_owned(),
                is_duplicate,
                is_loose: false,
            };
        }
        let parent = letter
            .answers
            .iter()
            .find_map(|id| Some((id, self.messages.get(id)?.ticket)));
        if let Some((id, ticket)) = parent {
            return joined(ticket, format!("it answers <{id}>"));
        }
        if let Some(ticket) = self.referred.get(letter.own) {
            return joined(*ticket, "a message of this ticket answers it".to_owned());
        }
        let sibling = letter
            .answers
            .iter()
            .find_map(|id| Some((id, self.referred.get(id)?)));
        if let Some((id, ticket)) = sibling {
            let reason = format!("it answers <{id}>, as another message here does");
            return Decision {
                is_loose: true,
                ..joined(*ticket, reason)
            };
        }
        if let Some(ticket) = self.foreseen.get(letter.own) {
            let reason = "a message of this ticket goes back to it";
            return joined(*ticket, reason.to_owned());
        }
        Decision {
            ticket: None,
            reason: "it answers no message of this desk".to_owned(),
            is_duplicate: false,
            is_loose: false,
        }
    }
}

const fn joined(ticket: TicketId, reason: String) -> Decision {
    Decision {
        ticket: Some(ticket),
        reason,
        is_duplicate: false,
        is_loose: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(n: u128) -> TicketId {
        TicketId::new(Uuid::from_u128(n))
    }

    fn ids<'a>(own: &'a str, answers: &'a [String]) -> Ids<'a> {
        Ids {
            own,
            raw_sha256: own,
            answers,
        }
    }

    #[test]
    fn a_reply_joins_its_nearest_known_parent() {
        let mut index = Index::default();
        index.add_letter(ids("a@x", &[]), ticket(1));
        index.add_letter(ids("b@x", &[]), ticket(2));
        let answers = ["unknown@x".to_owned(), "b@x".to_owned(), "a@x".to_owned()];

        assert_eq!(index.decide(ids("c@x", &answers)).ticket, Some(ticket(2)));
    }

    #[test]
    fn who_wrote_to_another_ticket_joins_no_conversation_of_the_first() {
        let contact = |address: &str| Contact {
            name: None,
            address: address.to_owned(),
        };
        let (maya, eve) = (contact("maya@x"), contact("eve@x"));
        let mut index = Index::default();
        index.add_topic(Some("topic"), &maya, ticket(1));
        index.add_topic(Some("topic"), &eve, ticket(2));

        let joined = |writer: &Contact| index.by_topic(Some("topic"), writer)?.ticket;

        assert_eq!(joined(&maya), Some(ticket(1)));
        assert_eq!(joined(&eve), None);
    }

    #[test]
    fn a_parent_that_comes_late_joins_its_reply() {
        let mut index = Index::default();
        let answers = ["late@x".to_owned()];
        index.add_letter(ids("reply@x", &answers), ticket(1));

        assert_eq!(index.decide(ids("late@x", &[])).ticket, Some(ticket(1)));
    }

    #[test]
    fn two_replies_to_a_missing_message_belong_together() {
        let mut index = Index::default();
        let answers = ["gone@x".to_owned()];
        index.add_letter(ids("one@x", &answers), ticket(1));

        assert_eq!(index.decide(ids("two@x", &answers)).ticket, Some(ticket(1)));
    }

    #[test]
    fn the_same_id_with_other_bytes_is_kept_and_said() {
        let mut index = Index::default();
        index.add_letter(ids("a@x", &[]), ticket(1));

        let twin = index.decide(Ids {
            own: "a@x",
            raw_sha256: "other",
            answers: &[],
        });

        assert_eq!((twin.ticket, twin.is_duplicate), (Some(ticket(1)), false));
        assert!(index.decide(ids("a@x", &[])).is_duplicate);
    }

    #[test]
    fn a_letter_without_known_ids_starts_a_ticket() {
        assert_eq!(
            Index::default()
                .decide(ids("a@x", &["b@x".to_owned()]))
                .ticket,
            None
        );
    }
}
