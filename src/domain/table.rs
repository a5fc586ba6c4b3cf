//! Tables on their way in: what a column may hold, and what a look at a file found.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// What the ticket is called: the only field that must be there.
    TicketId,
    /// The number people say, where that is not its id.
    Number,
    /// The subject.
    Subject,
    /// The status, in any system's words.
    Status,
    /// The priority, in any system's words.
    Priority,
    /// The agent who has it.
    Assignee,
    /// Tags, between commas, semicolons or spaces.
    Tags,
    /// The requester's name.
    RequesterName,
    /// The requester's address.
    RequesterEmail,
    /// When the ticket began.
    CreatedAt,
    /// When it last changed.
    UpdatedAt,
    /// What a message is called, or its Message-ID.
    MessageId,
    /// The place of a message in its ticket.
    MessageNo,
    /// The name of who wrote a message.
    AuthorName,
    /// The address of who wrote a message.
    AuthorEmail,
    /// `in` or `out`.
    Direction,
    /// `public` or `internal`.
    Kind,
    /// Yes or no: may everybody read it?
    Public,
    /// Yes or no: is it a note?
    Private,
    /// When a message was sent.
    SentAt,
    /// What a message says.
    Body,
}

/// Every field and its word, in the order people read them.
const FIELDS: [(Field, &str); 21] = [
    (Field::TicketId, "ticket_id"),
    (Field::Number, "number"),
    (Field::Subject, "subject"),
    (Field::Status, "status"),
    (Field::Priority, "priority"),
    (Field::Assignee, "assignee"),
    (Field::Tags, "tags"),
    (Field::RequesterName, "requester_name"),
    (Field::RequesterEmail, "requester_email"),
    (Field::CreatedAt, "created_at"),
    (Field::UpdatedAt, "updated_at"),
    (Field::MessageId, "message_id"),
    (Field::MessageNo, "message_no"),
    (Field::AuthorName, "author_name"),
    (Field::AuthorEmail, "author_email"),
    (Field::Direction, "direction"),
    (Field::Kind, "kind"),
    (Field::Public, "public"),
    (Field::Private, "private"),
    (Field::SentAt, "sent_at"),
    (Field::Body, "body"),
];

/// Says that a word names no field, and which there are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field `{word}`; there are {known}, and ignore")]
pub struct UnknownField {
    word: String,
    known: String,
}

impl Field {
    /// Returns every field, in the order people read them.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        FIELDS.into_iter().map(|(field, _)| field)
    }

    /// Returns its word.
    pub fn word(self) -> &'static str {
        FIELDS
            .into_iter()
            .find(|(field, _)| *field == self)
            .map_or("", |(_, word)| word)
    }
}

impl FromStr for Field {
    type Err = UnknownField;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = FIELDS.into_iter().find(|(_, known)| *known == word);
        known.map(|(field, _)| field).ok_or_else(|| UnknownField {
            word: word.chars().filter(|c| !c.is_control()).take(40).collect(),
            known: FIELDS.map(|(_, word)| word).join(", "),
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name in the first row.
    pub name: String,
    /// What it holds; nothing that a ticket has, where it is none.
    pub field: Option<Field>,
    /// Who says so.
    pub because: Because,
}

/// Who says what a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Its name.
    Name,
    /// What stands in it.
    Content,
    /// A person.
    Said,
    /// Nobody: it is left out.
    Unknown,
}

/// What a look at a table found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableLook {
    /// The file.
    pub path: String,
    /// How its letters are written.
    pub encoding: String,
    /// Whether a person said so.
    pub is_encoding_said: bool,
    /// A place at which a wrong encoding would be seen; none in plain ASCII.
    pub sample: Option<String>,
    /// What stands between fields.
    pub separator: char,
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The first rows, whole ones and broken ones alike.
    pub rows: Vec<Vec<String>>,
}
