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
            message.add(line);
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
    lines: Vec<Vec<u8>>,
    bytes: usize,
    /// Where its body begins, in lines; none while its headers are read.
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
            Some(_) | None => self.lines.is_empty() || self.ends_blank || self.is_too_long,
        }
    }

    fn add(&mut self, line: Vec<u8>) {
        let text = trimmed(&line);
        self.ends_blank = text.is_empty();
        if self.body_at.is_some() {
            self.body_bytes += line.len();
        } else if text.is_empty() {
            self.body_at = Some(self.lines.len() + 1);
        } else if let Some(value) = value_of(text, b"content-length") {
            self.content_length = value.parse().ok();
        }
        self.bytes += line.len();
        if self.bytes > MESSAGE_LIMIT {
            self.is_too_long = true;
            self.lines = vec![Vec::new()];
        } else {
            self.lines.push(line);
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
        // The blank line before a separator belongs to the mbox.
        if self
            .lines
            .last()
            .is_some_and(|line| trimmed(line).is_empty())
            && self.body_at.is_some_and(|at| self.lines.len() > at)
        {
            self.lines.pop();
        }
        let is_counted = self.content_length.is_some();
        let body_at = self.body_at.unwrap_or(usize::MAX);
        let has_rd = self
            .lines
            .iter()
            .skip(body_at)
            .any(|line| line.starts_with(b">>From "));
        let mut bytes = Vec::with_capacity(self.bytes);
        for (at, line) in self.lines.iter().enumerate() {
            let is_quoted = at >= body_at && is_quoted_from(line);
            // In mboxcl2 nothing is quoted; a count with quoted lines is mboxcl.
            let unquote = is_quoted && (has_rd || !is_counted || line.starts_with(b">From "));
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

    /// Reads what mail programs note in `Status` and `X-Status`.
    fn marks(&self) -> Marks {
        let headers = self.lines.iter().take(self.body_at.unwrap_or(usize::MAX));
        let mut marks = Marks::default();
        for line in headers {
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
                was_answered: true
            }
        );
    }
}
