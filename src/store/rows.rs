//! From rows to values and back.

use std::{fmt, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use sqlx::{Row, any::AnyRow};

use super::error::Trouble;
use crate::domain::{Contact, Priority, Status, Ticket, Timestamp, query_match::searched};

/// Longer Message-IDs stand in indexes as their digest: PostgreSQL refuses long index rows.
const LONGEST_KEY: usize = 200;

/// Returns the text of a column that is never empty of a value.
pub(super) fn text(row: &AnyRow, column: &str) -> Result<String, Trouble> {
    Ok(row.try_get(column)?)
}

/// Returns the text of a column, if there is one.
pub(super) fn text_or_none(row: &AnyRow, column: &str) -> Result<Option<String>, Trouble> {
    Ok(row.try_get(column)?)
}

/// Returns the number of a column.
pub(super) fn int(row: &AnyRow, column: &str) -> Result<i64, Trouble> {
    Ok(row.try_get(column)?)
}

/// Returns a number that cannot be below zero.
pub(super) fn count(row: &AnyRow, column: &str) -> Result<u64, Trouble> {
    u64::try_from(int(row, column)?).map_err(|why| Trouble::damaged(column, &why))
}

/// Returns the yes or no of a column.
pub(super) fn yes(row: &AnyRow, column: &str) -> Result<bool, Trouble> {
    Ok(int(row, column)? != 0)
}

/// Returns the instant of a column.
pub(super) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, Trouble> {
    Timestamp::from_microsecond(int(row, column)?).map_err(|why| Trouble::damaged(column, &why))
}

/// Returns the instant of a column, if there is one.
pub(super) fn time_or_none(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, Trouble> {
    row.try_get::<Option<i64>, _>(column)?
        .map(|micros| {
            Timestamp::from_microsecond(micros).map_err(|why| Trouble::damaged(column, &why))
        })
        .transpose()
}

/// Returns what the text of a column spells: an id, a link.
pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(
    row: &AnyRow,
    column: &str,
) -> Result<T, Trouble> {
    text(row, column)?
        .parse()
        .map_err(|why| Trouble::damaged(column, &why))
}

/// Returns what the text of a column spells, if there is one.
pub(super) fn parsed_or_none<T: FromStr<Err: fmt::Display>>(
    row: &AnyRow,
    column: &str,
) -> Result<Option<T>, Trouble> {
    text_or_none(row, column)?
        .map(|text| text.parse().map_err(|why| Trouble::damaged(column, &why)))
        .transpose()
}

/// Returns the value whose `snake_case` word stands in a column.
pub(super) fn worded<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, Trouble> {
    from_word(text(row, column)?, column)
}

/// Returns the value whose `snake_case` word stands in a column, if there is one.
pub(super) fn worded_or_none<T: DeserializeOwned>(
    row: &AnyRow,
    column: &str,
) -> Result<Option<T>, Trouble> {
    text_or_none(row, column)?
        .map(|word| from_word(word, column))
        .transpose()
}

fn from_word<T: DeserializeOwned>(word: String, column: &str) -> Result<T, Trouble> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|why| Trouble::damaged(column, &why))
}

/// Returns the `snake_case` word of a value, as serde spells it.
pub(super) fn word<T: Serialize>(value: T) -> Result<String, Trouble> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(Trouble::damaged("a word to write", &other)),
        Err(why) => Err(Trouble::damaged("a word to write", &why)),
    }
}

/// Returns the value whose JSON stands in a column.
pub(super) fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, Trouble> {
    serde_json::from_str(&text(row, column)?).map_err(|why| Trouble::damaged(column, &why))
}

/// Writes a value as JSON.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|why| Trouble::damaged("a value to write", &why))
}

/// Takes NUL out of foreign text: PostgreSQL refuses it.
pub(super) fn plain(text: &str) -> String {
    text.replace('\0', "")
}

/// Returns a text as it is searched: lower case, without NUL.
pub(super) fn lower(text: &str) -> String {
    searched(text)
}

/// Returns how a Message-ID stands in indexes.
pub(super) fn id_key(id: &str) -> String {
    if id.len() <= LONGEST_KEY {
        plain(id)
    } else {
        format!("sha256:{:x}", Sha256::digest(id))
    }
}

/// Writes tags as they stand in the database: each between spaces, sorted, without doubles.
pub(super) fn tags_to_text(tags: &[String]) -> String {
    let mut tags: Vec<String> = tags
        .iter()
        .map(|tag| lower(tag).split_whitespace().collect::<Vec<_>>().join("-"))
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    if tags.is_empty() {
        String::new()
    } else {
        format!(" {} ", tags.join(" "))
    }
}

/// Reads tags.
pub(super) fn tags(row: &AnyRow) -> Result<Vec<String>, Trouble> {
    Ok(text(row, "tags")?
        .split_whitespace()
        .map(str::to_owned)
        .collect())
}

/// The columns of a ticket.
pub(super) const TICKET: &str = "id, number, source, subject, requester_name, requester_address, \
     status, status_before, priority, assignee, tags, quarantined_because, messages, created_at, \
     updated_at, last_customer_message_at, version";

/// Reads a ticket from the columns of [`TICKET`].
pub(super) fn ticket(row: &AnyRow) -> Result<Ticket, Trouble> {
    Ok(Ticket {
        id: parsed(row, "id")?,
        number: int(row, "number")?,
        source: text(row, "source")?,
        subject: text(row, "subject")?,
        requester: requester(row)?,
        status: worded::<Status>(row, "status")?,
        priority: worded_or_none::<Priority>(row, "priority")?,
        assignee: text_or_none(row, "assignee")?,
        tags: tags(row)?,
        quarantined_because: text_or_none(row, "quarantined_because")?,
        messages: int(row, "messages")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        last_customer_message_at: time_or_none(row, "last_customer_message_at")?,
        version: int(row, "version")?,
    })
}

/// Reads who asked.
pub(super) fn requester(row: &AnyRow) -> Result<Contact, Trouble> {
    Ok(Contact {
        name: text_or_none(row, "requester_name")?,
        address: text(row, "requester_address")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_stand_between_spaces() {
        let tags = ["VIP", "late parcel", "vip", " "].map(str::to_owned);

        assert_eq!(tags_to_text(&tags), " late-parcel vip ");
        assert_eq!(tags_to_text(&[]), "");
    }

    #[test]
    fn a_long_message_id_is_digested_for_the_index() {
        assert_eq!(id_key("a@b"), "a@b");
        assert_eq!(id_key(&"x".repeat(5000)).len(), 71);
    }
}
