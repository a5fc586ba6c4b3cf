//! What a server tells of its messages, in words of ours.

use imap_proto::{AttributeValue, MessageSection, SectionPath};
use jiff::{Timestamp, Zoned};

use super::Facts;
use crate::source::import::Marks;

/// Returns the number of a message.
fn uid(values: &[AttributeValue<'_>]) -> Option<u32> {
    values.iter().find_map(|value| {
        if let AttributeValue::Uid(uid) = value {
            Some(*uid)
        } else {
            None
        }
    })
}

/// Takes what was asked for before a message is read. Servers tell of marks unasked; without a size
/// it is no answer.
pub(super) fn facts(values: &[AttributeValue<'_>]) -> Option<(u32, Facts)> {
    let (mut size, mut arrived) = (None, None);
    for value in values {
        if let AttributeValue::Rfc822Size(bytes) = value {
            size = Some(*bytes);
        } else if let AttributeValue::InternalDate(date) = value {
            arrived = moment(date);
        }
    }
    let (uid, marks) = marks(values)?;
    let facts = Facts {
        size: size?,
        arrived,
        marks,
    };
    Some((uid, facts))
}

/// Takes what was done with a message.
pub(super) fn marks(values: &[AttributeValue<'_>]) -> Option<(u32, Marks)> {
    let flags = values.iter().find_map(|value| {
        if let AttributeValue::Flags(flags) = value {
            Some(flags)
        } else {
            None
        }
    })?;
    let has = |name: &str| flags.iter().any(|flag| flag.eq_ignore_ascii_case(name));
    let marks = Marks {
        was_seen: has("\\Seen"),
        was_answered: has("\\Answered"),
        ..Marks::default()
    };
    Some((uid(values)?, marks))
}

/// Takes a message as it is.
pub(super) fn body(values: &[AttributeValue<'_>]) -> Option<(u32, Vec<u8>)> {
    let bytes = values.iter().find_map(|value| {
        if let AttributeValue::BodySection {
            section: None,
            data,
            ..
        }
        | AttributeValue::Rfc822(data) = value
        {
            data.as_deref()
        } else {
            None
        }
    })?;
    Some((uid(values)?, bytes.to_vec()))
}

/// Takes the headers of a message.
pub(super) fn header(values: &[AttributeValue<'_>]) -> Option<(u32, Vec<u8>)> {
    let bytes = values.iter().find_map(|value| {
        if let AttributeValue::BodySection {
            section: Some(SectionPath::Full(MessageSection::Header)),
            data,
            ..
        }
        | AttributeValue::Rfc822Header(data) = value
        {
            data.as_deref()
        } else {
            None
        }
    })?;
    Some((uid(values)?, bytes.to_vec()))
}

/// Reads ` 1-Feb-2025 21:52:25 +0100`.
fn moment(date: &str) -> Option<Timestamp> {
    Zoned::strptime("%d-%b-%Y %H:%M:%S %z", date.trim_start())
        .ok()
        .map(|at| at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_with_its_zone() {
        for (date, at) in [
            (" 1-Feb-2025 21:52:25 +0100", "2025-02-01T20:52:25Z"),
            ("17-Jul-1996 02:44:25 -0700", "1996-07-17T09:44:25Z"),
        ] {
            assert_eq!(moment(date).unwrap().to_string(), at);
        }
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn marks_that_a_server_tells_unasked_are_no_answer_to_another_question() {
        let unasked = [
            AttributeValue::Uid(7),
            AttributeValue::Flags(vec!["\\seen".into(), "$Forwarded".into()]),
        ];
        let seen = Marks {
            was_seen: true,
            ..Marks::default()
        };

        assert_eq!(marks(&unasked), Some((7, seen)));
        assert_eq!(facts(&unasked), None);
        assert_eq!(body(&unasked), None);
    }
}
