//! What is in a file? Judged by its first bytes.

use std::borrow::Cow;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Many messages, each after a `From ` line.
    Mbox,
    /// One message.
    Message,
    /// Nothing at all.
    Empty,
    /// Neither: the words say what speaks against it.
    Other(&'static str),
}

/// Files that begin so are certainly no mail.
const MAGIC: [(&[u8], &str); 12] = [
    (b"\x89PNG", "it is a picture"),
    (b"GIF8", "it is a picture"),
    (b"\xff\xd8\xff", "it is a picture"),
    (b"PK\x03\x04", "it is an archive"),
    (b"\x1f\x8b", "it is compressed"),
    (b"BZh", "it is compressed"),
    (b"\xfd7zXZ", "it is compressed"),
    (b"%PDF-", "it is a PDF"),
    (b"\x7fELF", "it is a program"),
    (b"SQLite format 3", "it is a database"),
    (b"\xd0\xcf\x11\xe0", "it is an Office or Outlook file"),
    (b"OggS", "it is sound"),
];

/// Judges a file by its beginning. Whatever has one header or a body is a message.
pub(super) fn look(beginning: &[u8]) -> Kind {
    let start = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    if start.iter().all(u8::is_ascii_whitespace) {
        return Kind::Empty;
    }
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Kind::Other(what);
    }
    // Empty lines before the first message are none of it.
    let start = start.trim_ascii_start();
    if is_from_line(start) {
        return Kind::Mbox;
    }
    if is_json(start) {
        return Kind::Other("it is JSON and no mail");
    }
    if !starts_with_header(start) && is_binary(start) {
        return Kind::Other("it is binary and has no header of a mail");
    }
    Kind::Message
}

/// Tells whether the bytes begin with a line that separates messages in an mbox: `From`, a
/// sender, and a date with a time and a year. Some programs leave out the date, or write a hyphen
/// for the sender; a line of words is neither.
pub(super) fn is_from_line(bytes: &[u8]) -> bool {
    let words = sender_and_date(bytes);
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_bare = matches!(words.as_slice(), [sender] if *sender == "-" || sender.contains('@'));
    is_bare || is_dated_from_line(bytes)
}

/// Tells whether the bytes begin with such a line that has its date.
fn is_dated_from_line(bytes: &[u8]) -> bool {
    let words = sender_and_date(bytes);
    let is_time = |word: &str| {
        let parts: Vec<&str> = word.split(':').collect();
        parts.len() >= 2
            && parts.iter().all(|part| {
                (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
            })
    };
    let is_year = |word: &str| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    words.split_whitespace().any(is_time) && words.split_whitespace().any(is_year)
}

/// Returns what follows `From ` on the first line; nothing for another line.
fn sender_and_date(bytes: &[u8]) -> Cow<'_, str> {
    let rest = bytes.strip_prefix(b"From ").unwrap_or_default();
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or(rest);
    String::from_utf8_lossy(line)
}

/// Tells whether the first line is `Name: value`; a byte order mark and empty lines before it are none.
pub(super) fn starts_with_header(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let bytes = bytes.trim_ascii_start();
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or(bytes);
    let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
    name.len() < line.len()
        && !name.is_empty()
        && name
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

/// Tells whether the bytes begin as JSON does; no header of a mail has such a name.
fn is_json(bytes: &[u8]) -> bool {
    let mut letters = bytes.iter().filter(|byte| !byte.is_ascii_whitespace());
    match letters.next() {
        Some(b'{') => matches!(letters.next(), Some(b'"' | b'}')),
        Some(b'[') => matches!(letters.next(), Some(b'{' | b'"')),
        Some(_) | None => false,
    }
}

/// Among its first bytes is a zero, or more than a tenth are controls that no text has.
fn is_binary(bytes: &[u8]) -> bool {
    let beginning = bytes.get(..bytes.len().min(4_096)).unwrap_or(bytes);
    if beginning.contains(&0) {
        return true;
    }
    let is_control = |byte: &&u8| matches!(**byte, 0..=8 | 14..=26 | 28..=31);
    beginning.iter().filter(is_control).count() * 10 > beginning.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_decides_what_a_file_is() {
        for (bytes, kind) in [
            (
                &b"From a@b.test Mon Sep  1 12:00:00 2025\nSubject: x\n\nhi"[..],
                Kind::Mbox,
            ),
            (b"From here on it is only text: 12:30", Kind::Message),
            (b"From - \nSubject: x\n\nhi", Kind::Mbox),
            (b"\n\r\nFrom - \nSubject: x\n\nhi", Kind::Mbox),
            (
                b"no header, and\x00 a zero",
                Kind::Other("it is binary and has no header of a mail"),
            ),
            (b"From a@b.test\nSubject: x\n\nhi", Kind::Mbox),
            (b"From Russia with love\n", Kind::Message),
            (b"Subject: x\n\nhi", Kind::Message),
            (b"just a body", Kind::Message),
            (b" \r\n\n", Kind::Empty),
            (
                b"{\"id\": 1, \"a\": 2}",
                Kind::Other("it is JSON and no mail"),
            ),
            (b"[\n {\"id\": 1}]", Kind::Other("it is JSON and no mail")),
            (b"[ilug] this is a body", Kind::Message),
            (b"{ this is a body", Kind::Message),
            (b"\x89PNG\r\n\x1a\n", Kind::Other("it is a picture")),
            (b"Subject: \x01\x02\x03\x04\x05\x06", Kind::Message),
        ] {
            assert_eq!(look(bytes), kind, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
