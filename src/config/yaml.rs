//! YAML 1.2 as tables: its core schema, without aliases and tags of one's own.

use std::borrow::Cow;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, StrInput, Tag};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    format::{DEEPEST, Fault, the_table},
    reader::{Span, Value},
};

/// Reads the one document of a file.
pub(super) fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Fault> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        text,
        starts: text.char_indices().map(|(at, _)| at).collect(),
    };
    let mut document = None;
    loop {
        let (event, span) = builder.event()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if document.is_some() => {
                return Err(Fault::at(
                    span.start,
                    "a second document begins here, and a config is one.",
                ));
            }
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => document = Some(builder.value(event, span, 0)?),
        }
    }
    let Some(document) = document else {
        return Ok(Spanned::new(0..text.len(), DeTable::new()));
    };
    the_table(document, "a table")
}

/// Builds values of the events of a parser.
struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: &'t str,
    /// Where each character begins: the parser counts characters.
    starts: Vec<usize>,
}

impl<'t> Builder<'t> {
    /// Returns the next event with its place in bytes.
    fn event(&mut self) -> Result<(Event<'t>, Span), Fault> {
        match self.parser.next_event() {
            Some(Ok((event, marks))) => {
                let span = self.span(marks);
                Ok((event, span))
            }
            Some(Err(error)) => {
                let at = self.byte(error.marker().index());
                let message = format!("this is not YAML: {}.", error.info());
                Err(Fault::at(at, message))
            }
            None => Err(Fault::at(self.text.len(), "the file breaks off.")),
        }
    }

    /// Builds the value that begins with an event, at some depth.
    fn value(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Value<'t>, Fault> {
        if depth > DEEPEST {
            return Err(Fault::at(
                span.start,
                "tables lie too deep in one another here.",
            ));
        }
        match event {
            Event::Scalar(text, style, _, tag) => self.scalar(text, style, tag.as_deref(), span),
            Event::SequenceStart(_, tag) => {
                refuse(tag.as_deref(), &span)?;
                self.list(span, depth)
            }
            Event::MappingStart(_, tag) => {
                refuse(tag.as_deref(), &span)?;
                self.table(span, depth)
            }
            Event::Alias(_) => Err(Fault::at(
                span.start,
                "a `*name` repeats another part of the file; write that part out here.",
            )),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Err(Fault::at(span.start, "a value is missing here.")),
        }
    }

    fn list(&mut self, start: Span, depth: usize) -> Result<Value<'t>, Fault> {
        let mut list = DeArray::new();
        loop {
            let (event, span) = self.event()?;
            if event == Event::SequenceEnd {
                let whole = start.start..span.end.max(start.end);
                return Ok(Spanned::new(whole, DeValue::Array(list)));
            }
            list.push(self.value(event, span, depth + 1)?);
        }
    }

    fn table(&mut self, start: Span, depth: usize) -> Result<Value<'t>, Fault> {
        let mut table = DeTable::new();
        loop {
            let (event, span) = self.event()?;
            let name = match event {
                Event::MappingEnd => {
                    let whole = start.start..span.end.max(start.end);
                    return Ok(Spanned::new(whole, DeValue::Table(table)));
                }
                Event::Scalar(name, ..) => name,
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Alias(_)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..) => {
                    return Err(Fault::at(
                        span.start,
                        "the name of a setting must be a word.",
                    ));
                }
            };
            if table.contains_key(name.as_ref()) {
                return Err(Fault::at(
                    span.start,
                    "this name stands twice in its table.",
                ));
            }
            let (event, place) = self.event()?;
            let value = self.value(event, place, depth + 1)?;
            table.insert(Spanned::new(span, name), value);
        }
    }

    /// Reads one word: what is quoted is a text, all else what the core schema says.
    fn scalar(
        &self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<Value<'t>, Fault> {
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        if !is_text {
            refuse(tag, &span)?;
        }
        if is_text || style != ScalarStyle::Plain {
            return Ok(Spanned::new(span, DeValue::String(text)));
        }
        let value = match text.as_ref() {
            // Nothing is a table with nothing in it: `gpt-4:` lists a model of which no more is
            // said, and a setting that must have a value says so.
            "" | "~" | "null" | "Null" | "NULL" => DeValue::Table(DeTable::new()),
            "true" | "True" | "TRUE" => DeValue::Boolean(true),
            "false" | "False" | "FALSE" => DeValue::Boolean(false),
            _ => {
                let written = self.text.get(span.clone()).filter(|own| *own == text);
                let number = written.and_then(number);
                number.unwrap_or(DeValue::String(text))
            }
        };
        Ok(Spanned::new(span, value))
    }

    fn span(&self, marks: Marks) -> Span {
        let start = self.byte(marks.start.index());
        start..self.byte(marks.end.index()).max(start)
    }

    fn byte(&self, character: usize) -> usize {
        let at = self.starts.get(character).copied();
        at.unwrap_or(self.text.len())
    }
}

/// Reads a number as it is written; none where it is a word.
pub(super) fn number(written: &str) -> Option<DeValue<'_>> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.' | 'e' | 'E');
    let begins = written.strip_prefix(['+', '-']).unwrap_or(written);
    if !begins.starts_with(|c: char| c.is_ascii_digit()) || !written.chars().all(is_part) {
        return None;
    }
    let value = DeValue::parse(written).ok()?.into_inner();
    (value.is_integer() || value.is_float()).then_some(value)
}

/// Refuses a tag: nothing here has a type of its own.
fn refuse(tag: Option<&Tag>, span: &Span) -> Result<(), Fault> {
    match tag {
        None => Ok(()),
        Some(_) => Err(Fault::at(
            span.start,
            "a tag such as `!name` means nothing in a config; leave it out.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &DeValue<'_>) -> String {
        match value {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.as_str().to_owned(),
            DeValue::Float(number) => number.as_str().to_owned(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(day) => day.to_string(),
            DeValue::Array(list) => {
                let items: Vec<String> = list.iter().map(|item| shown(item.get_ref())).collect();
                format!("[{}]", items.join(" "))
            }
            DeValue::Table(table) => {
                let items: Vec<String> = table
                    .iter()
                    .map(|(name, value)| format!("{}={}", name.get_ref(), shown(value.get_ref())))
                    .collect();
                format!("{{{}}}", items.join(" "))
            }
        }
    }

    fn read(text: &str) -> String {
        match document(text) {
            Ok(document) => shown(&DeValue::Table(document.into_inner())),
            Err(fault) => format!("{}: {}", fault.span.start, fault.message),
        }
    }

    #[test]
    fn the_core_schema_is_read() {
        for (text, wanted) in [
            ("", "{}"),
            ("# nothing\n", "{}"),
            ("---\n", "{}"),
            ("--- {a: 1}\n...\n", "{a=1}"),
            (
                "a: b c\nd: 'e'\nf: \"g\\n\"",
                "{a=\"b c\" d=\"e\" f=\"g\\n\"}",
            ),
            ("a: ${NAME}\n", "{a=\"${NAME}\"}"),
            (
                "a: 12\nb: -1.5\nc: 1e3\nd: '12'",
                "{a=12 b=-1.5 c=1e3 d=\"12\"}",
            ),
            (
                "a: 1.2.3\nb: 1_000\nc: 2026-11-25\nd: 007",
                "{a=\"1.2.3\" b=\"1_000\" c=\"2026-11-25\" d=\"007\"}",
            ),
            ("a: true\nb: False\nc: yes", "{a=true b=false c=\"yes\"}"),
            ("a:\nb: ~\nc: {}", "{a={} b={} c={}}"),
            ("a: !!str 12", "{a=\"12\"}"),
            (
                "a: [1, x]\nb:\n  - y\n  - z: 1",
                "{a=[1 \"x\"] b=[\"y\" {z=1}]}",
            ),
            (
                "gpt-3.5-turbo: {}\ngpt-4:\n  x: y",
                "{gpt-3.5-turbo={} gpt-4={x=\"y\"}}",
            ),
            ("a: |\n  one\n  two\n", "{a=\"one\\ntwo\\n\"}"),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_a_config_cannot_use_is_refused_with_its_place() {
        for (text, wanted) in [
            (
                "a: &x 1\nb: *x",
                "11: a `*name` repeats another part of the file; write that part out here.",
            ),
            ("a: 1\na: 2", "5: this name stands twice in its table."),
            (
                "a: !secret x",
                "3: a tag such as `!name` means nothing in a config; leave it out.",
            ),
            (
                "- a",
                "0: a config is a table of settings, and this is none.",
            ),
            (
                "word",
                "0: a config is a table of settings, and this is none.",
            ),
            ("? [a]\n: b", "2: the name of a setting must be a word."),
            (
                "a: 1\n---\nb: 2",
                "5: a second document begins here, and a config is one.",
            ),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
        let deep = "{a: ".repeat(50) + "1" + &"}".repeat(50);
        assert!(read(&deep).ends_with("tables lie too deep in one another here."));
    }

    #[test]
    fn what_is_not_yaml_says_where_and_repeats_nothing() {
        for text in [
            "a: [1",
            "a: 'x",
            "a: b: c",
            "a:\n\t- b",
            "a: \"\\q\"",
            "a: {b",
            "%",
        ] {
            let said = read(text);
            assert!(said.contains("this is not YAML"), "{text}: {said}");
        }
        let said = read("key: \"sk-ant-api03-4711\\q\"");
        assert!(!said.contains("4711"), "{said}");
    }

    #[test]
    fn places_are_bytes_whatever_the_line_ends_and_the_alphabet() {
        let text = "ä: ö\r\nb: # ß\r\n  c: ü x\r\nd: 12\r\n";
        let document = document(text).unwrap();

        let table = document.get_ref();
        let b = table.get("b").unwrap();
        let c = b.get_ref().as_table().unwrap().get("c").unwrap();
        assert_eq!(&text[c.span()], "ü x");
        let (d, twelve) = table.get_key_value("d").unwrap();
        assert_eq!((&text[d.span()], &text[twelve.span()]), ("d", "12"));
    }

    #[test]
    fn no_text_makes_it_fall() {
        // Every beginning of a text that uses most of the language, and each with a byte dropped.
        let whole =
            "%YAML 1.2\n---\na: &x [1, {b: 'c'}]\nd: !t \"e\\u00e9\"\nf: >-\n  g\n? h\n: *x\n...\n";
        for end in 0..=whole.len() {
            drop(document(&whole[..end]));
            if end < whole.len() {
                drop(document(&[&whole[..end], &whole[end + 1..]].concat()));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"[ab{}:,\[\]"'|>&*!%#?\\~<. \n\t\r0-9é-]{0,48}"#) {
            if let Err(fault) = document(&text) {
                proptest::prop_assert!(fault.span.end <= text.len());
            }
        }
    }
}
