//! Mboxes in their four flavours, read message by message: `mboxo` and `mboxrd` put `>` before
//! lines that begin with `From `, `mboxcl` does so too and counts bytes, `mboxcl2` only counts.
//!
//! A `Content-Length` is believed only where it lands on the next `From ` line or the end of the
//! file: it is wrong in too many files to be trusted further.

use std::io::{self, BufRead, Read as _, Seek, SeekFrom};

use super::{Marks, look::is_from_line};

/// The most bytes of one message; a longer one is named and passed over.
pub(super) const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

/// As much of a line tells whether it is a separator.
const LOOK_AHEAD: u64 = 1024;

/// One message of an mbox.
pub(super) struct Part {
    /// 1 for the first.
    pub(super) no: u64,
    /// Its bytes; none when it is over the limit.
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) marks: Marks,
}

/// Reads an mbox as a stream.
pub(super) struct Mbox<R> {
    reader: R,
    /// A separator that was read ahead of its message.
    has_separator: bool,
    no: u64,
    is_over: bool,
}

impl<R: BufRead + Seek> Mbox<R> {
    pub(super) const fn new(reader: R) -> Self {
        Self {
            reader,
            has_separator: false,
            no: 0,
            is_over: false,
        }
    }

    /// Reads the next message; none at the end.
    pub(super) fn next_part(&mut self) -> io::Result<Option<Part>> {
        if self.is_over || !self.find_separator()? {
            return Ok(None);
        }
        self.no += 1;
        let mut message = Message::default();
        loop {
            let mut line = Vec::new();
            if self.read_line(&mut line)? == 0 {
                self.is_over = true;
                break;
            }
            if message.may_end_here() && is_from_line(&line) {
                self.has_separator = true;
                break;
            }
            let was_header = message.body_at.is_none();
            message.add(&line);
            if was_header
                && message.body_at.is_some()
                && let Some(length) = message.content_length
                && !self.lands(length)?
            {
                message.content_length = None;
            }
        }
        Ok(Some(message.into_part(self.no)))
    }

    /// Reads nothing more: the file failed.
    pub(super) const fn stop(&mut self) {
        self.is_over = true;
    }

    /// Passes over what stands before the first separator.
    fn find_separator(&mut self) -> io::Result<bool> {
        while !self.has_separator {
            let mut line = Vec::new();
            if self.read_line(&mut line)? == 0 {
                self.is_over = true;
                return Ok(false);
            }
            // Some editors put a byte order mark before the first.
            self.has_separator = is_from_line(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line));
        }
        self.has_separator = false;
        Ok(true)
    }

    /// Tells whether a message ends `length` bytes from here: at a separator or at the end of the
    /// file, with or without the blank line between.
    fn lands(&mut self, length: usize) -> io::Result<bool> {
        let here = self.reader.stream_position()?;
        let end = self.reader.seek(SeekFrom::End(0))?;
        let there = here.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        let mut lands = false;
        if there <= end {
            self.reader.seek(SeekFrom::Start(there))?;
            for _ in 0..3 {
                let mut line = Vec::new();
                (&mut self.reader)
                    .take(LOOK_AHEAD)
                    .read_until(b'\n', &mut line)?;
                lands = line.is_empty() || is_from_line(&line);
                if lands || !trimmed(&line).is_empty() {
                    break;
                }
            }
        }
        self.reader.seek(SeekFrom::Start(here))?;
        Ok(lands)
    }

    /// Reads a line with its end, at most as long as a whole message may be.
    fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<usize> {
        let limit = u64::try_from(MESSAGE_LIMIT).unwrap_or(u64::MAX);
        (&mut self.reader).take(limit).read_until(b'\n', line)
    }
}

/// A message being gathered.
#[derive(Default)]
struct Message {
    /// In one piece: a list of its lines would take many times the room.
    bytes: Vec<u8>,
    /// Where its body begins; none while its headers are read.
    body_at: Option<usize>,
    body_bytes: usize,
    content_length: Option<usize>,
    is_too_long: bool,
    ends_blank: bool,
}

impl Message {
    /// Tells whether a separator here ends the message: after a blank line, as the formats say,
    /// and where a believable count of bytes says that it is over.
    fn may_end_here(&self) -> bool {
        match self.content_length {
            // The count reaches beyond this line: inside an mboxcl2 the line is text.
            Some(length) if self.body_at.is_some() => self.body_bytes >= length,
            Some(_) | None => self.bytes.is_empty() || self.ends_blank || self.is_too_long,
        }
    }

    fn add(&mut self, line: &[u8]) {
        let text = trimmed(line);
        self.ends_blank = text.is_empty();
        if self.body_at.is_some() {
            self.body_bytes += line.len();
        } else if text.is_empty() {
            self.body_at = Some(self.bytes.len() + line.len());
        } else if let Some(value) = value_of(text, b"content-length") {
            self.content_length = value.parse().ok();
        }
        if self.is_too_long {
            return;
        }
        self.bytes.extend_from_slice(line);
        if self.bytes.len() > MESSAGE_LIMIT {
            self.is_too_long = true;
            self.bytes = Vec::new();
        }
    }

    fn into_part(mut self, no: u64) -> Part {
        let marks = self.marks();
        if self.is_too_long {
            return Part {
                no,
                bytes: None,
                marks,
            };
        }
        let body_at = self.body_at.unwrap_or(self.bytes.len());
        self.drop_last_blank_line(body_at);
        let is_counted = self.content_length.is_some();
        let (head, body) = self.bytes.split_at(body_at.min(self.bytes.len()));
        let lines = || body.split_inclusive(|byte| *byte == b'\n');
        let has_rd = lines().any(|line| line.starts_with(b">>From "));
        let mut bytes = Vec::with_capacity(self.bytes.len());
        bytes.extend_from_slice(head);
        for line in lines() {
            // In mboxcl2 nothing is quoted; a count with quoted lines is mboxcl.
            let unquote =
                is_quoted_from(line) && (has_rd || !is_counted || line.starts_with(b">From "));
            let line = if unquote {
                line.get(1..).unwrap_or_default()
            } else {
                line
            };
            bytes.extend_from_slice(line);
        }
        Part {
            no,
            bytes: Some(bytes),
            marks,
        }
    }

    /// The blank line before a separator belongs to the mbox.
    fn drop_last_blank_line(&mut self, body_at: usize) {
        let body = self.bytes.get(body_at..).unwrap_or_default();
        let last = body.split_inclusive(|byte| *byte == b'\n').next_back();
        if let Some(last) = last.filter(|line| trimmed(line).is_empty()) {
            self.bytes.truncate(self.bytes.len() - last.len());
        }
    }

    /// Reads what mail programs note in `Status` and `X-Status`.
    fn marks(&self) -> Marks {
        let head = self.body_at.and_then(|at| self.bytes.get(..at));
        let head = head.unwrap_or(&self.bytes);
        let mut marks = Marks::default();
        for line in head.split(|byte| *byte == b'\n') {
            let text = trimmed(line);
            if let Some(value) = value_of(text, b"status") {
                marks.was_seen |= value.contains('R');
            } else if let Some(value) = value_of(text, b"x-status") {
                marks.was_answered |= value.contains('A');
            }
        }
        marks
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Returns the value of a header line with this lower-case name.
fn value_of(line: &[u8], name: &[u8]) -> Option<String> {
    let (found, value) = line.split_at_checked(name.len())?;
    let value = value.strip_prefix(b":")?;
    found
        .eq_ignore_ascii_case(name)
        .then(|| String::from_utf8_lossy(value).trim().to_owned())
}

/// Tells whether a line is `From ` behind one or more `>`.
fn is_quoted_from(line: &[u8]) -> bool {
    let bare = line.iter().position(|byte| *byte != b'>').unwrap_or(0);
    bare > 0
        && line
            .get(bare..)
            .is_some_and(|rest| rest.starts_with(b"From "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEPARATOR: &str = "From a@x.test Mon Sep  1 12:00:00 2025\n";

    fn parts(text: &str) -> Vec<String> {
        let mut mbox = Mbox::new(io::Cursor::new(text.as_bytes()));
        let mut parts = Vec::new();
        while let Some(part) = mbox.next_part().unwrap() {
            parts.push(String::from_utf8(part.bytes.unwrap()).unwrap());
        }
        parts
    }

    #[test]
    fn messages_are_split_at_separators_after_a_blank_line() {
        let text = format!("{SEPARATOR}Subject: 1\n\none\n\n{SEPARATOR}Subject: 2\n\ntwo\n");

        assert_eq!(parts(&text), ["Subject: 1\n\none\n", "Subject: 2\n\ntwo\n"]);
    }

    #[test]
    fn quoting_is_taken_off_once() {
        let rd = format!("{SEPARATOR}Subject: 1\n\n>From x\n>>From y\n> From z\n\n");

        assert_eq!(parts(&rd), ["Subject: 1\n\nFrom x\n>From y\n> From z\n"]);
    }

    #[test]
    fn a_counted_body_may_hold_a_separator() {
        let body = format!("before\n\n{SEPARATOR}after\n");
        let text = format!(
            "{SEPARATOR}Subject: 1\nContent-Length: {}\n\n{body}\n{SEPARATOR}Subject: 2\n\ntwo\n",
            body.len()
        );

        assert_eq!(parts(&text).len(), 2);
        assert!(parts(&text)[0].ends_with(&body));
    }

    #[test]
    fn a_count_that_is_wrong_is_not_believed() {
        for count in ["3", "50", "9999999", "-1"] {
            let text = format!(
                "{SEPARATOR}Content-Length: {count}\n\none\n\n{SEPARATOR}Subject: 2\n\ntwo\n"
            );

            assert_eq!(parts(&text).len(), 2, "{count}");
        }
    }

    #[test]
    fn a_message_of_short_lines_keeps_every_byte() {
        let text = format!("{SEPARATOR}Subject: 1\n\n{}end\n", "\n".repeat(3_000_000));

        assert_eq!(parts(&text)[0].len(), text.len() - SEPARATOR.len());
    }

    #[test]
    fn a_message_over_the_limit_is_passed_over_alone() {
        let long = "x".repeat(1_023) + "\n";
        let text = format!(
            "{SEPARATOR}Subject: 1\n\n{}\n{SEPARATOR}Subject: 2\n\ntwo\n",
            long.repeat(64 * 1_024 + 1)
        );
        let mut mbox = Mbox::new(io::Cursor::new(text.as_bytes()));

        assert!(mbox.next_part().unwrap().unwrap().bytes.is_none());
        assert!(mbox.next_part().unwrap().unwrap().bytes.is_some());
        assert!(mbox.next_part().unwrap().is_none());
    }

    #[test]
    fn flags_are_read_from_the_headers() {
        let text = format!("{SEPARATOR}Status: RO\nX-Status: A\n\nStatus: none\n");
        let part = Mbox::new(io::Cursor::new(text.as_bytes()))
            .next_part()
            .unwrap()
            .unwrap();

        assert_eq!(
            part.marks,
            Marks {
                was_seen: true,
                was_answered: true,
                left_there_mb: None
            }
        );
    }
}
