//! The schema `deskhand/1`: one ticket, one line. `docs/import.md` tells it to people.
//!
//! What is written is always whole; what is read may leave out all but the id, so that a line is
//! easily made by hand or by a script.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{
    AttachmentId, AutoClass, Contact, Direction, MessageId, MessageKind, TicketId,
};

/// The only schema so far.
pub(super) const SCHEMA: &str = "deskhand/1";

/// A ticket. `M` is what its messages are: values, so that one bad message costs itself only.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
pub(super) struct Line<M> {
    #[serde(default = "this_schema")]
    pub(super) schema: String,
    pub(super) id: Id,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uuid: Option<TicketId>,
    #[serde(default)]
    pub(super) number: Option<i64>,
    #[serde(default)]
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default)]
    pub(super) requester: Option<Person>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default)]
    pub(super) source_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) status_before: Option<String>,
    #[serde(default)]
    pub(super) priority: Option<String>,
    #[serde(default)]
    pub(super) assignee: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) system_because: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) merged_into: Option<TicketId>,
    #[serde(default)]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) updated_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) last_customer_message_at: Option<Timestamp>,
    #[serde(default = "Vec::new")]
    pub(super) messages: Vec<M>,
}

fn this_schema() -> String {
    SCHEMA.to_owned()
}

/// A message.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct MessageLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Id>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uuid: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) kind: Option<MessageKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) public: Option<bool>,
    #[serde(default)]
    pub(super) direction: Option<Direction>,
    #[serde(default)]
    pub(super) from: Option<Person>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) author_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<Person>,
    #[serde(default)]
    pub(super) to: Vec<Person>,
    #[serde(default)]
    pub(super) cc: Vec<Person>,
    #[serde(default)]
    pub(super) subject: Option<String>,
    #[serde(default, alias = "created_at")]
    pub(super) sent_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filed_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) message_id: Option<String>,
    #[serde(default)]
    pub(super) answers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) automatic: Option<AutoClass>,
    #[serde(default)]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) html: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from_html: Option<bool>,
    /// Only where reading the text again would take it apart in another way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Parts>,
    #[serde(default)]
    pub(super) attachments: Vec<File>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) in_this_ticket_because: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) was_seen: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    /// The bytes as they came, in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) original: Option<String>,
}

/// What a text was taken apart into.
#[derive(Serialize, Deserialize)]
pub(super) struct Parts {
    pub(super) new_text: String,
    #[serde(default)]
    pub(super) quoted: Option<String>,
    #[serde(default)]
    pub(super) signature: Option<String>,
}

/// An id: other systems write numbers or words.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Id {
    Number(i64),
    Word(String),
}

impl Id {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word,
        }
    }
}

/// A person: `{"name", "address"}`, or `Name <address>` in one text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Person {
    Line(String),
    Whole {
        #[serde(default)]
        name: Option<String>,
        #[serde(default, alias = "email")]
        address: String,
    },
}

impl From<&Contact> for Person {
    fn from(contact: &Contact) -> Self {
        Self::Whole {
            name: contact.name.clone(),
            address: contact.address.clone(),
        }
    }
}

/// A file that came with a message; its bytes are in the message's own.
#[derive(Serialize, Deserialize)]
pub(super) struct File {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uuid: Option<AttachmentId>,
    #[serde(default, alias = "file_name")]
    pub(super) name: String,
    #[serde(default, alias = "content_type")]
    pub(super) media_type: String,
    #[serde(default, alias = "size")]
    pub(super) size_bytes: i64,
}

/// A line as it is read.
pub(super) type Told = Line<Value>;
/// A line as it is written.
pub(super) type Written = Line<MessageLine>;
