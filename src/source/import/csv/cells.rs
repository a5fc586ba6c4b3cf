//! A row of a table to a ticket with one message.

use jiff::Timestamp;

use super::super::{
    case::{Case, Said, Words, person},
    dates,
    entry::Sieve,
    words::plain,
};
use super::names::usual;
use crate::domain::{Because, Column, Contact, DayOrder, Direction, Field, MessageKind};

/// A row whose fields are texts, under their columns.
pub(super) struct Cells<'a> {
    pub(super) days: Option<DayOrder>,
    pub(super) columns: &'a [Column],
    /// Of each column, whether its cells tell rows apart (`lasting`).
    pub(super) lasting: &'a [bool],
    pub(super) texts: Vec<String>,
}

impl Cells<'_> {
    /// Returns what stands under a field, without spaces around it; nothing for an empty cell.
    fn get(&self, field: Field) -> Option<&str> {
        let text = self.raw(field)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn raw(&self, field: Field) -> Option<&str> {
        let is_it = |column: &Column| column.field == Some(field);
        let place = self.columns.iter().position(is_it)?;
        self.texts.get(place).map(String::as_str)
    }

    fn date(&self, field: Field, sieve: &mut Sieve) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.get(field) else {
            return Ok(None);
        };
        if let Some(date) = dates::date(text, self.days) {
            return Ok(Some(date));
        }
        let short: String = text.chars().take(40).collect();
        let is_two = dates::Slashed::read(text).is_some_and(dates::Slashed::is_two_days);
        // No message has its date from the last change, and a column that only looked like dates
        // may hold other things: a row is not lost for either.
        if field == Field::UpdatedAt || (!is_two && self.is_guessed(field)) {
            sieve.unmapped("date", field.word(), "left empty where it is none");
            return Ok(None);
        }
        Err(if is_two {
            format!(
                "its {field} `{short}` could be two days; say which with --dates day-first or \
                 --dates month-first"
            )
        } else {
            format!("its {field} `{short}` is no date")
        })
    }

    /// Tells whether a field is taken from a column for what stands in it, not for its name.
    fn is_guessed(&self, field: Field) -> bool {
        let mut columns = self.columns.iter();
        columns.any(|column| column.field == Some(field) && column.because == Because::Content)
    }

    /// Makes a ticket of it, or says why it is none.
    pub(super) fn case(&self, source: &str, sieve: &mut Sieve) -> Result<Case, String> {
        let id = self.get(Field::TicketId).ok_or("it has no ticket_id")?;
        let text = |field| self.get(field).map(str::to_owned);
        let requester = self.person(Field::RequesterName, Field::RequesterEmail);
        let created_at = self.date(Field::CreatedAt, sieve)?;
        let updated_at = self.date(Field::UpdatedAt, sieve)?;
        let sent_at = self.date(Field::SentAt, sieve)?.or(created_at);
        let said = self.said(&requester, sent_at, sieve);
        let status = self.get(Field::Status);
        let tags = self.get(Field::Tags).unwrap_or_default();
        let tags = tags.split([',', ';', '|', ' ']);
        Ok(Case {
            source: source.to_owned(),
            id: id.to_owned(),
            number: self.get(Field::Number).and_then(number),
            subject: text(Field::Subject).unwrap_or_default(),
            requester,
            status: status.and_then(|word| sieve.status(word)),
            source_status: status.map(str::to_owned),
            priority: self
                .get(Field::Priority)
                .and_then(|word| sieve.priority(word)),
            assignee: text(Field::Assignee),
            tags: tags
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect(),
            created_at,
            updated_at,
            said: said.into_iter().collect(),
        })
    }

    /// Returns what the row says; nothing where no column holds that.
    fn said(
        &self,
        requester: &Contact,
        sent_at: Option<Timestamp>,
        sieve: &mut Sieve,
    ) -> Option<Said> {
        let body = self.raw(Field::Body)?;
        let author = self.person(Field::AuthorName, Field::AuthorEmail);
        let is_named = author != Contact::default();
        let from = if is_named { author } else { requester.clone() };
        let id = self.get(Field::MessageId);
        let mail_id = id.filter(|id| id.contains('@'));
        let id = id.or_else(|| self.get(Field::MessageNo));
        Some(Said {
            id: id.unwrap_or_default().to_owned(),
            kind: self.kind(),
            direction: self.direction(&from, requester, sieve),
            from,
            words: Words::Text(body.to_owned()),
            message_id: mail_id.map(str::to_owned),
            sent_at,
            row: self.lasting(),
            ..Said::default()
        })
    }

    /// Returns the cells that stay as they are in the next export.
    fn lasting(&self) -> Vec<String> {
        let cells = self.lasting.iter().zip(&self.texts);
        cells
            .filter(|(is_lasting, _)| **is_lasting)
            .map(|(_, text)| text.clone())
            .collect()
    }

    fn kind(&self) -> MessageKind {
        let word = |field| self.get(field).map(plain).unwrap_or_default();
        let is_note = matches!(word(Field::Kind).as_str(), "internal" | "note" | "private")
            || is_no(&word(Field::Public))
            || is_yes(&word(Field::Private));
        if is_note {
            MessageKind::Internal
        } else {
            MessageKind::Public
        }
    }

    fn direction(&self, from: &Contact, requester: &Contact, sieve: &mut Sieve) -> Direction {
        let word = self.get(Field::Direction).unwrap_or_default();
        match plain(word).as_str() {
            "in" | "incoming" | "inbound" | "customer" | "received" | "yes" | "true" => {
                return Direction::In;
            }
            "out" | "outgoing" | "outbound" | "agent" | "sent" | "no" | "false" => {
                return Direction::Out;
            }
            "" => {}
            _ => sieve.unmapped("direction", word, "told by who wrote it"),
        }
        if from == requester || from.is_same_mailbox(requester) {
            Direction::In
        } else {
            Direction::Out
        }
    }

    fn person(&self, name: Field, address: Field) -> Contact {
        let mut found = self.get(address).map(person).unwrap_or_default();
        if let Some(name) = self.get(name) {
            found.name = Some(name.to_owned());
        }
        found
    }
}

/// Tells of each column whether its cells stay as they are in the next export, whatever a person
/// says of their columns.
pub(super) fn lasting(columns: &[Column]) -> Vec<bool> {
    // What is taken for something else by a person tells rows apart.
    let is_lasting = |column: &Column| {
        let is_usual = usual(&column.name).is_some_and(may_change);
        !is_usual || !column.field.is_none_or(may_change)
    };
    columns.iter().map(is_lasting).collect()
}

/// Tells whether a field of a message that was written may be another in a later export.
const fn may_change(field: Field) -> bool {
    matches!(
        field,
        Field::Subject
            | Field::Status
            | Field::Priority
            | Field::Assignee
            | Field::Tags
            | Field::UpdatedAt
            | Field::RequesterName
            | Field::AuthorName
    )
}

/// Reads `4812`, `#4812` or `T-4812`.
fn number(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().ok()
}

fn is_yes(word: &str) -> bool {
    matches!(word, "yes" | "true" | "1" | "y" | "ja")
}

fn is_no(word: &str) -> bool {
    matches!(word, "no" | "false" | "0" | "n" | "nein")
}
