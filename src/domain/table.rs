//! Tables on their way in: what a column may hold, and what a look at a file found.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer, ser::SerializeStruct as _};

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

/// Which number comes first in a date such as `01/02/2024`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayOrder {
    /// The day, then the month.
    DayFirst,
    /// The month, then the day.
    MonthFirst,
}

impl DayOrder {
    /// Returns its word, as on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
        }
    }
}

/// How a table writes dates such as `01/02/2024`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Days {
    /// Which number comes first; nothing where no date needs it, or none tells it.
    pub order: Option<DayOrder>,
    /// Whether a person said so; else a date such as `31/02/2024` did.
    pub is_said: bool,
}

/// What a person should know before a table is filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableWarning {
    /// Dates of this column could be two days each: rows that have one are refused.
    TwoDays {
        /// The column.
        column: String,
        /// One of its dates.
        sample: String,
    },
    /// No column holds a date.
    NoDate,
}

impl TableWarning {
    /// Returns what settles it, on the command line.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::TwoDays { .. } => "Say which with --dates day-first or --dates month-first.",
            Self::NoDate => "If one does, say which with --map COLUMN=created_at.",
        }
    }
}

impl fmt::Display for TableWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TwoDays { column, sample } => write!(
                f,
                "`{sample}` in {column} could be two days, and no date here tells which; rows \
                 with such dates are refused."
            ),
            Self::NoDate => f.write_str(
                "No column is known to hold a date: every message gets the time of the import.",
            ),
        }
    }
}

impl Serialize for TableWarning {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (kind, column, sample) = match self {
            Self::TwoDays { column, sample } => ("two_days", Some(column), Some(sample)),
            Self::NoDate => ("no_date", None, None),
        };
        let mut map = serializer.serialize_struct("TableWarning", 4)?;
        map.serialize_field("kind", kind)?;
        map.serialize_field("column", &column)?;
        map.serialize_field("sample", &sample)?;
        map.serialize_field("says", &format!("{self} {}", self.remedy()))?;
        map.end()
    }
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
    /// How dates are written whose days and months look alike.
    pub days: Days,
    /// What a person should know before it is filed.
    pub warnings: Vec<TableWarning>,
    /// The first rows, whole ones and broken ones alike.
    pub rows: Vec<Vec<String>>,
}
