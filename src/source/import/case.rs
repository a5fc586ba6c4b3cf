//! A ticket as an export tells it, made into the desk's own: cleaned, with what is new told apart
//! from what is quoted, and every message under an id that stays the same at the next reading.

use jiff::Timestamp;
use uuid::Uuid;

use super::alike::Alike;
use crate::{
    domain::{
        Attachment, AttachmentId, AutoClass, Body, Contact, Direction, Message, MessageId,
        MessageKind, Origin, Priority, Record, RecordMessage, SameWhen, Status, Ticket, TicketId,
    },
    text::{clean::clean, clean::clean_line, html, quote},
};

/// An id that is longer names nothing.
const LONGEST_ID: usize = 200;
/// Larger numbers that are stated are nobody's.
const LARGEST_NUMBER: i64 = 999_999_999_999;
/// Larger ids are kept as ids, but no number is made of them: every later ticket would have one
/// as long.
const LARGEST_ID_NUMBER: i64 = 9_999_999;

/// What the words are called that a system tells of a ticket where it tells no messages.
pub(super) const OPENING: &str = "description";

/// A ticket in an export.
#[derive(Clone, Default)]
pub(super) struct Case {
    pub(super) source: String,
    /// What it is called there.
    pub(super) id: String,
    /// The number people know it by, where that is not its id.
    pub(super) number: Option<i64>,
    pub(super) subject: String,
    pub(super) requester: Contact,
    pub(super) status: Option<Status>,
    pub(super) source_status: Option<String>,
    pub(super) priority: Option<Priority>,
    pub(super) assignee: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) said: Vec<Said>,
}

/// A message in an export.
#[derive(Clone)]
pub(super) struct Said {
    /// What it is called there; empty where it has no name.
    pub(super) id: String,
    pub(super) kind: MessageKind,
    pub(super) direction: Direction,
    pub(super) from: Contact,
    pub(super) to: Vec<Contact>,
    pub(super) cc: Vec<Contact>,
    /// Its own subject; the ticket's where it has none.
    pub(super) subject: Option<String>,
    pub(super) words: Words,
    pub(super) attachments: Vec<Attachment>,
    /// Its Message-ID, where it was a mail.
    pub(super) message_id: Option<String>,
    pub(super) auto_class: AutoClass,
    pub(super) sent_at: Option<Timestamp>,
    /// Whether it says what its system tells of the ticket also where it tells no messages.
    pub(super) opens: bool,
    /// The cells that tell its row in a table from others, as they stand there; empty elsewhere.
    pub(super) row: Vec<String>,
}

/// What a message says, as it came.
#[derive(Clone)]
pub(super) enum Words {
    Text(String),
    Html(String),
}

impl Default for Said {
    fn default() -> Self {
        Self {
            id: String::new(),
            kind: MessageKind::Public,
            direction: Direction::In,
            from: Contact::default(),
            to: Vec::new(),
            cc: Vec::new(),
            subject: None,
            words: Words::Text(String::new()),
            attachments: Vec::new(),
            message_id: None,
            auto_class: AutoClass::Human,
            sent_at: None,
            opens: false,
            row: Vec::new(),
        }
    }
}

impl Case {
    /// Makes a record of it, or says why it is none. `at` is the date of what has none.
    pub(super) fn into_record(self, at: Timestamp) -> Result<Record, String> {
        self.into_record_among(&mut Alike::default(), at)
    }

    /// The same, of a ticket that may come in pieces: `alike` counts over all of them.
    pub(super) fn into_record_among(
        mut self,
        alike: &mut Alike,
        at: Timestamp,
    ) -> Result<Record, String> {
        let id = clean_line(&self.id);
        if id.is_empty() {
            return Err("it has no id".to_owned());
        }
        if id.len() > LONGEST_ID {
            return Err(format!("its id is longer than {LONGEST_ID} bytes"));
        }
        let said = std::mem::take(&mut self.said);
        let first = said.iter().filter_map(|said| said.sent_at).min();
        let last = said.iter().filter_map(|said| said.sent_at).max();
        let created_at = self.created_at.or(first).unwrap_or(at);
        let is_table = said.iter().any(|said| !said.row.is_empty());
        let ticket_id = TicketId::new(Uuid::now_v7());
        let mut messages: Vec<RecordMessage> = said
            .into_iter()
            .map(|said| self.message(&id, said, created_at, alike))
            .collect();
        messages.sort_by_key(|told| told.message.sent_at);
        let of_id = || {
            let number = id.parse().ok();
            number.filter(|number| *number <= LARGEST_ID_NUMBER)
        };
        let number = self.number.or_else(of_id).unwrap_or(0);
        let ticket = Ticket {
            id: ticket_id,
            number: if (1..=LARGEST_NUMBER).contains(&number) {
                number
            } else {
                0
            },
            source: self.source.clone(),
            // As people know it there; an answer's `Re:` is taken off when one is written.
            subject: clean_line(&self.subject),
            requester: cleaned(self.requester),
            status: self.status.unwrap_or(Status::Open),
            priority: self.priority,
            assignee: self.assignee.as_deref().map(clean_line),
            tags: self.tags.iter().map(|tag| clean_line(tag)).collect(),
            quarantined_because: None,
            messages: 0,
            created_at,
            updated_at: self.updated_at.or(last).unwrap_or(created_at),
            last_customer_message_at: None,
            version: 1,
        };
        Ok(Record {
            origin: Origin {
                source: self.source,
                source_id: id,
                source_status: self.source_status.as_deref().map(clean_line),
            },
            ticket,
            status_before: None,
            merged_into: None,
            same_when: if is_table {
                SameWhen::IdsOrRowsAgree
            } else {
                SameWhen::IdsAgree
            },
            messages,
        })
    }

    /// Makes a message of a ticket that is called `ticket` there. `created_at` is its date where it
    /// states none.
    pub(super) fn message(
        &self,
        ticket: &str,
        mut said: Said,
        created_at: Timestamp,
        alike: &mut Alike,
    ) -> RecordMessage {
        let words = std::mem::replace(&mut said.words, Words::Text(String::new()));
        let body = body(words, said.kind);
        let own = said.message_id.take().map(|id| clean_id(&id));
        said.message_id = own.filter(|id| !id.is_empty());
        let digest = alike.digest((&self.source, ticket), &said, &body.text);
        let name = if said.id.is_empty() {
            digest.get(..16).unwrap_or(&digest)
        } else {
            &said.id
        };
        let made =
            |name: &str| clean_id(&format!("{}.{ticket}.{name}@deskhand.invalid", self.source));
        let subject = said.subject.as_deref().unwrap_or(&self.subject);
        let rfc_message_id = said.message_id.unwrap_or_else(|| made(name));
        let raw_sha256 = if said.row.is_empty() {
            digest
        } else {
            alike.row((&self.source, ticket), &said.row)
        };
        RecordMessage {
            message: Message {
                id: MessageId::new(Uuid::now_v7()),
                ticket: TicketId::new(Uuid::nil()),
                kind: said.kind,
                direction: said.direction,
                from: cleaned(said.from),
                reply_to: None,
                to: said.to.into_iter().map(cleaned).collect(),
                cc: said.cc.into_iter().map(cleaned).collect(),
                subject: clean_line(subject),
                body,
                attachments: said.attachments,
                rfc_message_id,
                answers: Vec::new(),
                auto_class: said.auto_class,
                sent_at: said.sent_at.unwrap_or(created_at),
                raw_sha256,
                thread_reason: format!("imported from {} {ticket}", self.source),
                hints: Vec::new(),
                was_seen: true,
            },
            source: None,
            filed_at: None,
            stand_in: said.opens.then(|| made(OPENING)),
            original: None,
        }
    }
}

/// Makes a body of foreign words. In a note, nothing is taken for a quote.
pub(super) fn body(words: Words, kind: MessageKind) -> Body {
    let (text, from_html) = match words {
        Words::Text(text) => (clean(&text), false),
        Words::Html(html) => (clean(&html::to_text(&html)), true),
    };
    if kind != MessageKind::Public {
        return Body {
            clean: text.clone(),
            text,
            quoted: None,
            signature: None,
            from_html,
        };
    }
    let split = quote::split(&text);
    Body {
        clean: split.clean,
        quoted: split.quoted,
        signature: split.signature,
        text,
        from_html,
    }
}

/// Makes an attachment that is only named: exports give no bytes.
pub(super) fn attachment(name: &str, media_type: &str, size_bytes: i64) -> Attachment {
    let (name, media_type) = (clean_line(name), clean_line(media_type).to_lowercase());
    Attachment {
        id: AttachmentId::new(Uuid::now_v7()),
        name: if name.is_empty() {
            "unnamed".to_owned()
        } else {
            name
        },
        media_type: if media_type.is_empty() {
            "application/octet-stream".to_owned()
        } else {
            media_type
        },
        size_bytes: size_bytes.max(0),
    }
}

/// Takes the brackets off a Message-ID, and whatever a terminal would obey.
pub(super) fn clean_id(id: &str) -> String {
    clean_line(id).trim_matches(['<', '>', ' ']).to_owned()
}

/// Cleans a person's name and address.
pub(super) fn cleaned(person: Contact) -> Contact {
    let name = person.name.map(|name| clean_line(&name));
    Contact {
        name: name.filter(|name| !name.is_empty()),
        address: clean_line(&person.address),
    }
}

/// Reads `Name <a@b.c>`, or an address alone.
pub(super) fn person(text: &str) -> Contact {
    let text = clean_line(text);
    match text.split_once('<').filter(|(_, rest)| rest.ends_with('>')) {
        Some((name, rest)) => {
            let name = name.trim().trim_matches('"').trim();
            Contact {
                name: (!name.is_empty()).then(|| name.to_owned()),
                address: rest.trim_end_matches('>').trim().to_owned(),
            }
        }
        None => Contact {
            name: None,
            address: text,
        },
    }
}
