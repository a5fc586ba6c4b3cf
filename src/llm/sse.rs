//! Server-sent events: bytes to events, split anywhere, with limits.
//!
//! Our own because the ready ones panic on a byte order mark, are quadratic on long lines or know
//! no limit. Every byte is looked at once. The rules are those of the HTML standard, with one
//! exception: an event whose last blank line is missing is still delivered at the end of the body,
//! because several providers leave it out.

/// The most bytes one event may have.
pub const EVENT_CAP_BYTES: usize = 1 << 20;

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field, if there was one.
    pub name: Option<String>,
    /// The `data:` lines, joined by newlines.
    pub data: String,
}

/// What the bytes brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A whole event.
    Event(Event),
    /// A comment: a sign of life without content.
    Comment,
}

/// Says that one event is larger than [`EVENT_CAP_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one event of the stream is larger than 1 MiB")]
pub struct EventTooLarge;

/// Reads a stream of events from pieces of any size.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    name: Option<String>,
    data: String,
    has_data: bool,
    /// The last byte was a carriage return: a newline right after it belongs to it.
    after_return: bool,
    /// The first line was read: a byte order mark is no longer expected.
    begun: bool,
}

impl Parser {
    /// Reads the next piece and returns what it completed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, EventTooLarge> {
        let mut frames = Vec::new();
        let mut rest = bytes;
        if self.after_return && !rest.is_empty() {
            self.after_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
            let (line, tail) = rest.split_at(at);
            self.extend(line)?;
            frames.extend(self.end_line());
            rest = tail
                .strip_prefix(b"\r\n")
                .or_else(|| tail.get(1..))
                .unwrap_or_default();
            self.after_return = tail == b"\r";
        }
        self.extend(rest)?;
        Ok(frames)
    }

    /// Returns the event that the end of the body completed, if there is one.
    pub fn finish(mut self) -> Option<Event> {
        if !self.line.is_empty() {
            drop(self.end_line());
        }
        self.dispatch()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), EventTooLarge> {
        if self.line.len() + self.data.len() + bytes.len() > EVENT_CAP_BYTES {
            return Err(EventTooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) -> Option<Frame> {
        let raw = std::mem::take(&mut self.line);
        let mut line: &[u8] = &raw;
        if !self.begun {
            self.begun = true;
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        let frame = if line.is_empty() {
            self.dispatch().map(Frame::Event)
        } else if line.starts_with(b":") {
            Some(Frame::Comment)
        } else {
            self.field(line);
            None
        };
        // The buffer is kept: one allocation serves the whole stream.
        self.line = raw;
        self.line.clear();
        frame
    }

    fn field(&mut self, line: &[u8]) {
        let at = memchr::memchr(b':', line);
        let (name, value) = line.split_at(at.unwrap_or(line.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push('\n');
                }
                self.has_data = true;
                push_text(&mut self.data, value);
            }
            b"event" => push_text(self.name.insert(String::new()), value),
            // `id` and `retry` are for reconnecting, which a paid request never does.
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Event> {
        let name = self.name.take();
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then_some(Event { name, data })
    }
}

/// Adds bytes to a text; what is no UTF-8 becomes replacement characters.
fn push_text(text: &mut String, bytes: &[u8]) {
    // Looked at as a whole it is read several times as fast.
    match std::str::from_utf8(bytes) {
        Ok(whole) => text.push_str(whole),
        Err(_) => text.push_str(&String::from_utf8_lossy(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<Frame>, Option<Event>) {
        let mut parser = Parser::default();
        let frames = pieces
            .iter()
            .flat_map(|piece| parser.push(piece).unwrap())
            .collect();
        (frames, parser.finish())
    }

    fn event(name: Option<&str>, data: &str) -> Frame {
        Frame::Event(Event {
            name: name.map(str::to_owned),
            data: data.to_owned(),
        })
    }

    #[test]
    fn a_byte_order_mark_comments_and_unknown_fields_are_no_data() {
        let bytes = "\u{feff}event: a\nid: 7\ndata: x\ndata:y\ndata\n\n: hello\n\nevent: b\n\n";

        let (frames, tail) = read(&[bytes.as_bytes()]);

        assert_eq!(frames, [event(Some("a"), "x\ny\n"), Frame::Comment]);
        assert_eq!(tail, None);
    }

    #[test]
    fn the_three_line_ends_read_alike() {
        for end in ["\n", "\r", "\r\n"] {
            let text = format!("event: a{end}data: 1{end}{end}data: 2{end}{end}");

            let (frames, tail) = read(&[text.as_bytes()]);

            assert_eq!(frames, [event(Some("a"), "1"), event(None, "2")], "{end:?}");
            assert_eq!(tail, None);
        }
    }

    #[test]
    fn the_last_blank_line_may_be_missing() {
        for text in ["data: 1", "data: 1\n", "data: 1\r\n"] {
            let (frames, tail) = read(&[text.as_bytes()]);

            assert_eq!(frames, []);
            assert_eq!(tail.unwrap().data, "1");
        }
    }

    #[test]
    fn an_event_over_the_cap_is_refused_and_one_below_is_not() {
        let below = vec![b'x'; EVENT_CAP_BYTES - 6];
        let over = vec![b'x'; EVENT_CAP_BYTES];

        assert_eq!(Parser::default().push(&below), Ok(vec![]));
        let mut parser = Parser::default();
        assert_eq!(parser.push(b"data: "), Ok(vec![]));
        assert_eq!(parser.push(&over), Err(EventTooLarge));
        let mut parser = Parser::default();
        let many = "data: 0123456789\n".repeat(EVENT_CAP_BYTES / 10 + 1);
        assert_eq!(parser.push(many.as_bytes()), Err(EventTooLarge));
    }

    fn lines() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            Just("data: {\"a\":1}".to_owned()),
            Just("data: äöü€🎈".to_owned()),
            Just("event: ping".to_owned()),
            Just(": comment".to_owned()),
            Just("\u{feff}data: x".to_owned()),
            Just(String::new()),
            "[ -~]{0,12}",
        ];
        let end = prop_oneof![Just("\n"), Just("\r"), Just("\r\n"), Just("\n\n")];
        proptest::collection::vec((word, end), 0..30).prop_map(|lines| {
            let texts = lines.iter().flat_map(|(line, end)| [line.as_str(), end]);
            texts.collect::<String>().into_bytes()
        })
    }

    proptest! {
        #[test]
        fn pieces_of_one_byte_read_as_the_whole(bytes in lines()) {
            let ones: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&ones), read(&[&bytes]));
        }

        #[test]
        fn any_split_reads_as_the_whole(bytes in lines(), at in 0_usize..400, len in 1_usize..9) {
            let (head, tail) = bytes.split_at(at.min(bytes.len()));
            let mut pieces: Vec<&[u8]> = vec![head];
            pieces.extend(tail.chunks(len));
            prop_assert_eq!(read(&pieces), read(&[&bytes]));
        }

        #[test]
        fn bytes_of_any_kind_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let ones: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&ones), read(&[&bytes]));
        }
    }
}
