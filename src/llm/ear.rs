//! Listens to the body of one answer: bytes in, what was heard out. No socket, no clock.

use std::collections::VecDeque;

use super::{
    body::ended,
    heard::Heard,
    sse::{Event, Frame, Parser},
    wire::{Delta, Finish, Reader, Stop, Wire},
};
use crate::{
    domain::{Billed, Fault, FaultClass, Usage},
    engine::answer::Verbatim,
};

/// The most bytes of an answer in one piece.
const WHOLE_CAP_BYTES: usize = 16 << 20;

/// What a body turned out to be.
#[derive(Debug)]
enum Shape {
    /// Nothing but white space came so far.
    Unknown,
    /// Events.
    Events(Parser),
    /// One JSON body, or a page of HTML that is none.
    Whole(Vec<u8>),
}

/// What is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Words, or calls of the tools that were offered.
    TextOrCalls,
    /// Words alone, and whether some came.
    Text { came: bool },
}

/// What an answer without words is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wordless {
    /// A failure: the model said nothing.
    Fails,
    /// An answer: what it brought is passed on as it was written.
    Answers,
}

/// Listens to one body of a good status, whatever its shape: one JSON body as the answer to a
/// streamed request is understood too.
pub struct Ear {
    wire: &'static dyn Wire,
    reader: Option<Box<dyn Reader>>,
    shape: Shape,
    expects_events: bool,
    heard: VecDeque<Heard>,
    is_over: bool,
    passes_on: bool,
    wordless: Wordless,
    wanted: Wanted,
    /// The protocol's own end mark, which is passed on only once the answer is known to be whole.
    mark: Option<Verbatim>,
}

impl std::fmt::Debug for Ear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ear, over: {}", self.is_over)
    }
}

impl Ear {
    /// Makes an ear for an answer; `expects_events` tells what to take doubtful bytes for.
    pub fn new(wire: &'static dyn Wire, expects_events: bool) -> Self {
        Self {
            wire,
            reader: Some(wire.reader()),
            shape: Shape::Unknown,
            expects_events,
            heard: VecDeque::new(),
            is_over: false,
            passes_on: false,
            wordless: Wordless::Fails,
            wanted: Wanted::TextOrCalls,
            mark: None,
        }
    }

    /// Lets what the provider wrote be heard too, after what it brought: for a caller who speaks
    /// its wire format.
    #[must_use]
    pub fn passing_on(mut self) -> Self {
        self.passes_on = true;
        self
    }

    /// Tells whether what the provider writes is heard as it was written too.
    pub const fn passes_on(&self) -> bool {
        self.passes_on
    }

    /// Takes calls for nothing: no tool was offered, and a model that asks for one all the same
    /// has not answered.
    #[must_use]
    pub fn without_tools(mut self) -> Self {
        self.wanted = Wanted::Text { came: false };
        self
    }

    /// Takes an answer that ended properly for one whatever is in it, where it is passed on.
    #[must_use]
    pub const fn taking_wordless(mut self, takes: bool) -> Self {
        if takes && self.passes_on {
            self.wordless = Wordless::Answers;
        }
        self
    }

    /// Says that one body comes, whatever was asked for: it is no stream to pass on.
    pub fn expects_one_body(&mut self) {
        self.passes_on &= !self.expects_events;
    }

    /// Reads the next bytes of the body.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        match &mut self.shape {
            Shape::Unknown => self.begin(bytes),
            Shape::Events(parser) => match parser.push(bytes) {
                Ok(frames) => self.take(frames),
                Err(large) => {
                    let mut fault = Fault::new(FaultClass::ServerError).saying(large.to_string());
                    fault.billed = Billed::Maybe;
                    self.fail(fault);
                }
            },
            Shape::Whole(body) => {
                body.extend_from_slice(bytes);
                if body.len() > WHOLE_CAP_BYTES {
                    let said = "the answer is larger than 16 MiB";
                    let mut fault = Fault::new(FaultClass::ServerError).saying(said);
                    fault.billed = Billed::Maybe;
                    self.fail(fault);
                }
            }
        }
    }

    /// The body is over, in its own way.
    pub fn finish(&mut self) {
        if self.is_over {
            return;
        }
        match std::mem::replace(&mut self.shape, Shape::Unknown) {
            Shape::Whole(body) => {
                let whole = self.wire.whole(&body);
                self.is_over = true;
                self.hear(whole.deltas);
                let end = self.or_wordless(whole.end, &whole.usage);
                // A refusal is an answer as well.
                let is_answer = match &end {
                    Ok(_) => true,
                    Err(fault) => fault.class == FaultClass::Refused,
                };
                if self.passes_on && is_answer {
                    self.pass_on(Some(Verbatim::Body(body)));
                }
                self.close(end, whole.usage);
            }
            Shape::Events(parser) => {
                // Half an event is no event: what it cut off is found out by the reader.
                if let Some(event) = parser.finish().filter(is_readable) {
                    self.take(vec![Frame::Event(event)]);
                }
                self.end();
            }
            Shape::Unknown => self.end(),
        }
    }

    /// It failed from outside: a clock, a broken connection.
    pub fn fail(&mut self, fault: Fault) {
        if !self.is_over {
            self.is_over = true;
            let usage = self.usage();
            self.heard.push_back(Heard::failed(fault, usage));
        }
    }

    /// Returns the next thing heard, if there is one by now.
    pub fn heard(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Tells whether the end was heard (it may still wait to be fetched).
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Tells whether the protocol's own end was read: nothing more need be waited for, but what
    /// comes at once is read (recorded streams hold several turns, of which the last counts).
    pub fn has_whole(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| reader.is_over())
    }

    /// Decides by the first byte that is not white space: no stream begins like JSON or HTML.
    fn begin(&mut self, bytes: &[u8]) {
        let bare = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let Some(first) = bare.iter().find(|byte| !byte.is_ascii_whitespace()) else {
            return;
        };
        self.shape = match first {
            b'{' | b'[' | b'<' => Shape::Whole(Vec::new()),
            _ if self.expects_events => Shape::Events(Parser::default()),
            _ => Shape::Whole(Vec::new()),
        };
        // Not every server says in its headers that it gives one body in answer to a stream.
        if self.passes_on && self.expects_events && matches!(self.shape, Shape::Whole(_)) {
            self.passes_on = false;
            self.heard.push_back(Heard::Delta(Delta::InOnePiece));
        }
        self.push(if matches!(self.shape, Shape::Whole(_)) {
            bare
        } else {
            bytes
        });
    }

    fn take(&mut self, frames: Vec<Frame>) {
        for frame in frames {
            let event = match frame {
                Frame::Comment => {
                    self.heard.push_back(Heard::Delta(Delta::Alive));
                    continue;
                }
                Frame::Event(event) => event,
            };
            let Some(reader) = self.reader.as_mut().filter(|_| !self.is_over) else {
                return;
            };
            let was_whole = reader.is_over();
            match reader.read(&event) {
                Ok(deltas) => {
                    let is_mark = reader.is_over();
                    let before = self.mark.take();
                    self.pass_on(before);
                    self.hear(deltas);
                    if self.passes_on {
                        let Event { name, data } = event;
                        let verbatim = Some(Verbatim::Event { name, data });
                        if is_mark {
                            self.mark = verbatim;
                        } else {
                            self.pass_on(verbatim);
                        }
                    }
                }
                // The answer is whole: what is said after its end takes nothing from it.
                Err(_) if was_whole => return,
                Err(fault) => return self.fail(fault),
            }
        }
    }

    fn end(&mut self) {
        let usage = self.usage();
        if let Some(reader) = self.reader.take().filter(|_| !self.is_over) {
            self.is_over = true;
            let end = self.or_wordless(reader.end(), &usage);
            // A refusal is an answer as well; a cut is none, whatever mark stands behind it.
            let is_answer = match &end {
                Ok(_) => true,
                Err(fault) => fault.class == FaultClass::Refused,
            };
            let mark = self.mark.take().filter(|_| is_answer);
            self.pass_on(mark);
            self.close(end, usage);
        }
    }

    /// An answer that ended as its protocol has it, without words: taken where that may be.
    fn or_wordless(&mut self, end: Result<Finish, Fault>, usage: &Usage) -> Result<Finish, Fault> {
        let fault = match end {
            Err(fault)
                if self.wordless == Wordless::Answers && fault.class == FaultClass::Empty =>
            {
                fault
            }
            end => return end,
        };
        // The word with which the model stopped; without one nothing ended.
        let Some(said) = fault.code.clone() else {
            return Err(fault);
        };
        self.heard.push_back(Heard::Delta(Delta::Other));
        let limits = ["length", "max_tokens", "max_output_tokens"];
        let is_limit = limits.iter().any(|limit| said.eq_ignore_ascii_case(limit));
        Ok(Finish {
            stop: if is_limit { Stop::Limit } else { Stop::End },
            usage: usage.clone(),
            model: None,
            said: Some(said),
            sequence: None,
        })
    }

    fn hear(&mut self, deltas: Vec<Delta>) {
        for mut delta in deltas {
            if let Wanted::Text { came } = &mut self.wanted {
                *came |= matches!(delta, Delta::Text(_));
                if matches!(delta, Delta::Call(_)) {
                    delta = Delta::Alive;
                }
            }
            self.heard.push_back(Heard::Delta(delta));
        }
    }

    fn close(&mut self, end: Result<Finish, Fault>, usage: Usage) {
        self.heard.push_back(match end {
            Ok(finish) if self.wanted == (Wanted::Text { came: false }) => {
                let said = finish.said.unwrap_or_default();
                let why = "the model asks for a tool, and none was offered";
                let fault = ended(FaultClass::Empty, &finish.usage, why, &said);
                Heard::failed(fault, finish.usage)
            }
            Ok(finish) => Heard::ended(finish),
            Err(fault) => Heard::failed(fault, usage),
        });
    }

    fn pass_on(&mut self, verbatim: Option<Verbatim>) {
        let heard = verbatim.map(|verbatim| Heard::Delta(Delta::Verbatim(verbatim)));
        self.heard.extend(heard);
    }

    fn usage(&self) -> Usage {
        self.reader
            .as_ref()
            .map(|reader| reader.usage())
            .unwrap_or_default()
    }
}

fn is_readable(event: &Event) -> bool {
    let data = event.data.trim();
    data == "[DONE]" || serde_json::from_str::<serde::de::IgnoredAny>(data).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::ProviderKind,
        llm::{rows::unreadable, wire},
    };

    #[test]
    fn a_page_with_a_good_status_is_a_server_error() {
        let page = b"<html><title>Welcome to nginx</title></html>";
        let mut ear = Ear::new(wire(ProviderKind::OpenAi), true);

        ear.push(page);
        ear.finish();

        let Some(Heard::Failed(fault, _)) = ear.heard() else {
            panic!("no failure");
        };
        assert_eq!(*fault, unreadable(page));
        assert_eq!(
            fault.said.unwrap(),
            "Welcome to nginx (a web page, not an answer)"
        );
    }

    #[test]
    fn a_call_of_a_tool_that_nobody_offered_is_no_answer() {
        let call = b"{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"a\",\"function\":\
            {\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}";
        let heard = |mut ear: Ear| {
            ear.push(call);
            ear.finish();
            std::iter::from_fn(move || ear.heard()).collect::<Vec<_>>()
        };
        let new = || Ear::new(wire(ProviderKind::OpenAi), false);

        let offered = heard(new());
        let not = heard(new().without_tools());

        assert!(matches!(
            offered[..],
            [Heard::Delta(Delta::Call(_)), .., Heard::Ended(_)]
        ));
        let [Heard::Delta(Delta::Alive), .., Heard::Failed(fault, _)] = &not[..] else {
            panic!("{not:?}");
        };
        assert_eq!(fault.class, FaultClass::Empty);
    }

    #[test]
    fn one_body_that_no_header_foretold_is_told_before_its_words() {
        let answer = r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        let refusal =
            r#"{"choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#;
        let error = r#"{"error":{"message":"no","type":"server_error"}}"#;
        for body in [answer, refusal, error] {
            let mut ear = Ear::new(wire(ProviderKind::OpenAi), true).passing_on();
            ear.push(b"\n");
            ear.push(body.as_bytes());
            ear.finish();

            let heard: Vec<Heard> = std::iter::from_fn(|| ear.heard()).collect();

            assert!(
                matches!(heard.first(), Some(Heard::Delta(Delta::InOnePiece))),
                "{heard:?}"
            );
            let is_verbatim = |heard: &Heard| matches!(heard, Heard::Delta(Delta::Verbatim(_)));
            assert!(!heard.iter().any(is_verbatim), "{heard:?}");
        }
    }

    #[test]
    fn one_body_in_answer_to_a_stream_is_not_passed_on() {
        let body = br#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#;
        for (expects_events, verbatim) in [(true, 0), (false, 1)] {
            let mut ear = Ear::new(wire(ProviderKind::OpenAi), expects_events).passing_on();
            ear.expects_one_body();
            ear.push(body);
            ear.finish();

            let heard: Vec<Heard> = std::iter::from_fn(|| ear.heard()).collect();

            let is_verbatim = |heard: &&Heard| matches!(heard, Heard::Delta(Delta::Verbatim(_)));
            assert_eq!(heard.iter().filter(is_verbatim).count(), verbatim);
            assert!(matches!(heard.last(), Some(Heard::Ended(_))));
        }
    }

    #[test]
    fn a_refusal_in_one_piece_is_passed_on_as_it_was_written() {
        let body = br#"{"x": 1, "choices":[{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}]}"#;
        for passes_on in [true, false] {
            let ear = Ear::new(wire(ProviderKind::OpenAi), false);
            let mut ear = if passes_on { ear.passing_on() } else { ear };
            ear.push(body);
            ear.finish();

            let heard: Vec<Heard> = std::iter::from_fn(|| ear.heard()).collect();

            let is_body = |heard: &Heard| matches!(heard, Heard::Delta(Delta::Verbatim(Verbatim::Body(own))) if own == body);
            assert_eq!(heard.iter().any(is_body), passes_on, "{heard:?}");
            let Some(Heard::Failed(fault, _)) = heard.last() else {
                panic!("{heard:?}");
            };
            assert_eq!(fault.class, FaultClass::Refused);
        }
    }

    #[test]
    fn an_answer_without_words_is_taken_where_it_may_be() {
        let picture = br#"{"model":"m","choices":[{"index":0,"message":{"content":null,"audio":{"id":"a"}},"finish_reason":"stop"}]}"#;
        for (takes, is_answer) in [(true, true), (false, false)] {
            let ear = Ear::new(wire(ProviderKind::OpenAi), false);
            let mut ear = ear.passing_on().taking_wordless(takes);
            ear.push(picture);
            ear.finish();
            let heard: Vec<Heard> = std::iter::from_fn(|| ear.heard()).collect();
            let ends = heard.iter().any(|heard| matches!(heard, Heard::Ended(_)));
            assert_eq!(ends, is_answer, "{heard:?}");
        }
    }

    #[test]
    fn an_end_is_heard_once() {
        let mut ear = Ear::new(wire(ProviderKind::OpenAi), true);
        ear.push(b"data: [DONE]\n\n");
        ear.finish();
        ear.fail(Fault::new(FaultClass::TimedOut));

        assert!(matches!(ear.heard(), Some(Heard::Delta(Delta::Alive))));
        assert!(matches!(ear.heard(), Some(Heard::Failed(_, _))));
        assert!(ear.heard().is_none());
    }
}
