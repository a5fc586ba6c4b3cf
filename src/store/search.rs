//! Queries of people turned into SQL: numbered parameters, nothing of theirs in the text.

use std::fmt::Write as _;

use sqlx::{Any, AssertSqlSafe, any::AnyArguments, query::Query as Statement};

use super::{dialect::Dialect, error::Trouble, rows};
use crate::domain::{
    Query, Status,
    query::{Term, Test},
};

/// Parts rows into lots for statements of many rows, of four sizes alone: a statement that was
/// prepared before is not prepared again.
pub(super) fn lots<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = [64, 16, 4, 1]
            .into_iter()
            .find(|size| *size <= rows.len())?;
        let (lot, rest) = rows.split_at(size);
        rows = rest;
        Some(lot)
    })
}

/// A statement under construction.
pub(super) struct Sql {
    pub(super) text: String,
    values: Vec<Value>,
    /// Whether rows name their values.
    is_named: bool,
}

/// A value of a statement.
pub(super) enum Value {
    /// A word of ours that stands in the statement itself.
    Word(&'static str),
    Text(String),
    TextOrNone(Option<String>),
    Bytes(Vec<u8>),
    Int(i64),
    IntOrNone(Option<i64>),
}

impl Sql {
    pub(super) const fn new() -> Self {
        Self {
            text: String::new(),
            values: Vec::new(),
            is_named: true,
        }
    }

    /// Begins a statement that all values of come in rows. SQLite would look each named one up among
    /// those before it.
    pub(super) const fn rows_in(dialect: Dialect) -> Self {
        let mut sql = Self::new();
        sql.is_named = matches!(dialect, Dialect::Postgres);
        sql
    }

    /// Adds to the statement; `text` is ours, never a person's.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a row of values to a statement that has `rows` of them already.
    pub(super) fn push_row(&mut self, rows: usize, values: impl IntoIterator<Item = Value>) {
        self.text.push_str(if rows == 0 { "(" } else { ", (" });
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            if let Value::Word(word) = value {
                self.text.push_str(word);
                continue;
            }
            self.values.push(value);
            if self.is_named {
                // Writing to a String cannot fail.
                write!(self.text, "${}", self.values.len()).unwrap_or_default();
            } else {
                self.text.push('?');
            }
        }
        self.text.push(')');
    }

    /// Takes a text in and returns how the statement names it.
    pub(super) fn text_value(&mut self, text: String) -> String {
        self.values.push(Value::Text(text));
        format!("${}", self.values.len())
    }

    /// Takes a number in and returns how the statement names it.
    pub(super) fn int_value(&mut self, int: i64) -> String {
        self.values.push(Value::Int(int));
        format!("${}", self.values.len())
    }

    /// Makes a statement with very many values ready to run. SQLite looks a value that is named
    /// (`$12`) up among all the others, each time it is bound: unnamed ones spare filing mail a
    /// twelfth of its work.
    pub(super) fn ready_in(mut self, dialect: Dialect) -> Statement<'static, Any, AnyArguments> {
        if dialect == Dialect::Sqlite
            && let Some(unnamed) = unnamed(&self.text, self.values.len())
        {
            self.text = unnamed;
        }
        self.ready()
    }

    /// Makes the statement ready to run.
    pub(super) fn ready(self) -> Statement<'static, Any, AnyArguments> {
        // Safe: built of our own words, with numbers for every value.
        let statement = sqlx::query(AssertSqlSafe(self.text));
        self.values
            .into_iter()
            .fold(statement, |statement, value| match value {
                // It stands in the statement.
                Value::Word(_) => statement,
                Value::Text(text) => statement.bind(text),
                Value::TextOrNone(text) => statement.bind(text),
                Value::Bytes(bytes) => statement.bind(bytes),
                Value::Int(int) => statement.bind(int),
                Value::IntOrNone(int) => statement.bind(int),
            })
    }
}

/// Returns a statement with `?` for its values, where each stands in it once and in order.
fn unnamed(text: &str, values: usize) -> Option<String> {
    let mut parts = text.split('$');
    let mut unnamed = String::with_capacity(text.len());
    unnamed.push_str(parts.next()?);
    let mut found = 0;
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit());
        let (number, rest) = part.split_at(end.unwrap_or(part.len()));
        found += 1;
        if number.parse() != Ok(found) {
            return None;
        }
        unnamed.push('?');
        unnamed.push_str(rest);
    }
    (found == values).then_some(unnamed)
}

/// Adds `WHERE ...` for a query over `tickets t`; nothing for an empty one.
pub(super) fn push_where(sql: &mut Sql, query: &Query, dialect: Dialect) -> Result<(), Trouble> {
    for (index, term) in query.terms.iter().enumerate() {
        sql.push(if index == 0 { " WHERE " } else { " AND " });
        push_term(sql, term, dialect)?;
    }
    Ok(())
}

fn push_term(sql: &mut Sql, term: &Term, dialect: Dialect) -> Result<(), Trouble> {
    let condition = condition(sql, &term.test, dialect)?;
    sql.push(if term.negated { "NOT (" } else { "(" })
        .push(&condition)
        .push(")");
    Ok(())
}

fn condition(sql: &mut Sql, test: &Test, dialect: Dialect) -> Result<String, Trouble> {
    Ok(match test {
        Test::Word(word) => {
            let value = sql.text_value(rows::lower(word));
            format!(
                "{} OR {} OR t.id IN (SELECT w.ticket FROM message_words w WHERE {})",
                dialect.contains("t.subject_words", &value),
                dialect.contains("t.requester_words", &value),
                dialect.contains("w.words", &value),
            )
        }
        Test::Number(number) => format!("t.number = {}", sql.int_value(*number)),
        Test::Status(status) => format!("t.status = {}", status_value(sql, *status)?),
        Test::Tag(tag) => {
            let value = sql.text_value(format!(" {} ", rows::lower(tag)));
            dialect.contains("t.tags", &value)
        }
        Test::From(who) => {
            let value = sql.text_value(rows::lower(who));
            dialect.contains("t.requester_words", &value)
        }
        Test::Assignee(who) => {
            let value = sql.text_value(rows::lower(who));
            dialect.contains("t.assignee_words", &value)
        }
        Test::Fallback => "t.id IN (SELECT f.ticket FROM drafts f
             JOIN receipts r ON r.id = f.last_receipt
             WHERE f.standing IN ('live', 'queued') AND r.is_fallback = 1)"
            .to_owned(),
        Test::Unsolved => "t.in_queue = 1".to_owned(),
        Test::System => "t.quarantined_because IS NOT NULL".to_owned(),
        Test::Source(source) => {
            let source = rows::plain(source);
            let length = source.chars().count() + 1;
            let before = sql.text_value(format!("{source}:"));
            let whole = sql.text_value(source);
            format!("t.source = {whole} OR substr(t.source, 1, {length}) = {before}")
        }
        Test::HasDraft => {
            "t.id IN (SELECT f.ticket FROM drafts f WHERE f.standing = 'live')".to_owned()
        }
    })
}

fn status_value(sql: &mut Sql, status: Status) -> Result<String, Trouble> {
    Ok(sql.text_value(rows::word(status)?))
}

#[cfg(test)]
mod tests {
    use super::unnamed;

    #[test]
    fn values_lose_their_names_only_where_each_stands_once_and_in_order() {
        for (text, values, expected) in [
            (
                "INSERT INTO x VALUES ($1, $2), ($3, $4)",
                4,
                Some("INSERT INTO x VALUES (?, ?), (?, ?)"),
            ),
            ("SELECT 1", 0, Some("SELECT 1")),
            ("a = $2 AND b = $1", 2, None),
            ("a = $1 AND b = $1", 1, None),
            ("a = $1", 2, None),
            ("a = '$'", 1, None),
        ] {
            assert_eq!(unnamed(text, values).as_deref(), expected, "{text}");
        }
    }
}
