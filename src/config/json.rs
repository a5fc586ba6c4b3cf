//! JSON as tables: `serde_json` says whether it is JSON, and where not; then it is walked through
//! for the places of its words.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{
    format::{DEEPEST, Fault, the_table},
    reader::Value,
    yaml::number,
};

/// Reads the one object of a file; an empty file is an empty one.
pub(super) fn document(text: &str) -> Result<Spanned<DeTable<'_>>, Fault> {
    if text.trim().is_empty() {
        return Ok(Spanned::new(0..text.len(), DeTable::new()));
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        let said = error.to_string();
        let words = said.split(" at line ").next().unwrap_or_default();
        let at = place(text, error.line(), error.column());
        return Err(Fault::at(at, format!("this is not JSON: {words}.")));
    }
    let mut walk = Walk { text, at: 0 };
    let document = walk.value(0)?;
    the_table(document, "an object")
}

/// Returns the byte of a line and a column, both from 1; the column counts bytes and is the last
/// one that was read.
fn place(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (before + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A place in a text that is known to be JSON.
struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Walk<'t> {
    /// Reads the value that comes next.
    fn value(&mut self, depth: usize) -> Result<Value<'t>, Fault> {
        if depth > DEEPEST {
            return Err(Fault::at(
                self.at,
                "objects lie too deep in one another here.",
            ));
        }
        let next = self.next();
        let start = self.at;
        let value = match next {
            Some('{') => self.table(depth)?,
            Some('[') => self.list(depth)?,
            Some('"') => DeValue::String(self.string()?),
            Some(_) | None => self.bare()?,
        };
        Ok(Spanned::new(start..self.at, value))
    }

    fn table(&mut self, depth: usize) -> Result<DeValue<'t>, Fault> {
        let mut table = DeTable::new();
        self.at += 1;
        while self.next() != Some('}') {
            let start = self.at;
            let name = self.string()?;
            let span = start..self.at;
            if table.contains_key(name.as_ref()) {
                return Err(Fault::at(start, "this name stands twice in its object."));
            }
            self.pass(':');
            let value = self.value(depth + 1)?;
            table.insert(Spanned::new(span, name), value);
            self.pass(',');
        }
        self.at += 1;
        Ok(DeValue::Table(table))
    }

    fn list(&mut self, depth: usize) -> Result<DeValue<'t>, Fault> {
        let mut list = DeArray::new();
        self.at += 1;
        while self.next() != Some(']') {
            list.push(self.value(depth + 1)?);
            self.pass(',');
        }
        self.at += 1;
        Ok(DeValue::Array(list))
    }

    fn string(&mut self) -> Result<Cow<'t, str>, Fault> {
        let rest = self.rest();
        let mut is_escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let is_end = *c == '"' && !is_escaped;
            is_escaped = *c == '\\' && !is_escaped;
            is_end
        });
        let written = end.and_then(|(end, _)| rest.get(..=end));
        let inner = written.and_then(|written| written.get(1..written.len() - 1));
        let (Some(written), Some(inner)) = (written, inner) else {
            return Err(self.lost());
        };
        let text = if inner.contains('\\') {
            Cow::Owned(serde_json::from_str(written).map_err(|_| self.lost())?)
        } else {
            Cow::Borrowed(inner)
        };
        self.at += written.len();
        Ok(text)
    }

    /// Reads what is neither text, list nor table.
    fn bare(&mut self) -> Result<DeValue<'t>, Fault> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let value = match word {
            // As in YAML: nothing is a table with nothing in it.
            "null" => DeValue::Table(DeTable::new()),
            "true" => DeValue::Boolean(true),
            "false" => DeValue::Boolean(false),
            "" => return Err(self.lost()),
            _ => number(word).unwrap_or(DeValue::String(Cow::Borrowed(word))),
        };
        self.at += end;
        Ok(value)
    }

    /// Passes white space; returns what comes then.
    fn next(&mut self) -> Option<char> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        self.at += blank;
        self.rest().chars().next()
    }

    /// Passes a sign, if it comes next.
    fn pass(&mut self, sign: char) {
        if self.next() == Some(sign) {
            self.at += sign.len_utf8();
        }
        self.next();
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Says that the walk does not know where it is, which valid JSON never lets happen.
    fn lost(&self) -> Fault {
        Fault::at(self.at, "this is not JSON.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (usize, String) {
        let fault = document(text).unwrap_err();
        (fault.span.start, fault.message)
    }

    #[test]
    fn an_object_is_a_table_with_places() {
        let text = " {\n\t\"a\\\"b\": [1, \"\\ud83d\\ude00\", -1.5e3],\"c\":{\"d\" : null},\n\"é\": true}\n";
        let document = document(text).unwrap();

        let table = document.get_ref();
        let list = table.get("a\"b").unwrap().get_ref().as_array().unwrap();
        assert_eq!(list[0].get_ref().as_integer().unwrap().as_str(), "1");
        assert_eq!(list[1].get_ref().as_str(), Some("😀"));
        assert_eq!(list[2].get_ref().as_float().unwrap().as_str(), "-1.5e3");
        let c = table.get("c").unwrap();
        assert_eq!(&text[c.span()], "{\"d\" : null}");
        let d = c.get_ref().as_table().unwrap().get("d").unwrap();
        assert_eq!(d.get_ref().as_table().map(DeTable::len), Some(0));
        let (name, value) = table.get_key_value("é").unwrap();
        assert_eq!(&text[name.span()], "\"é\"");
        assert_eq!(
            (&text[value.span()], value.get_ref().as_bool()),
            ("true", Some(true))
        );
        assert_eq!(super::document("").unwrap().get_ref().len(), 0);
        assert_eq!(super::document("{}").unwrap().get_ref().len(), 0);
    }

    #[test]
    fn what_is_wrong_says_where_and_repeats_nothing() {
        assert_eq!(
            said("{\"a\": 1,}"),
            (8, "this is not JSON: key must be a string.".to_owned())
        );
        assert_eq!(said("{\n  \"ä\": 1 \"b\": 2}").0, "{\n  \"ä\": 1 ".len());
        assert_eq!(
            said("{\"a\": 1, \"a\": 2}"),
            (9, "this name stands twice in its object.".to_owned())
        );
        assert_eq!(
            said("[1]"),
            (
                0,
                "a config is an object of settings, and this is none.".to_owned()
            )
        );
        let deep = "{\"a\":".repeat(50) + "1" + &"}".repeat(50);
        assert!(said(&deep).1.contains("too deep"));
        assert!(said(&"[".repeat(100_000)).1.contains("not JSON"));
        for text in [
            "{\"a\": sk-ant-api03-4711}",
            "{\"sk-ant-api03-4711\" 1}",
            "sk-ant-4711",
        ] {
            assert!(!said(text).1.contains("4711"), "{text}");
        }
    }

    #[test]
    fn no_text_makes_it_fall() {
        let whole = "{\"a\\\\\": [1, true, {\"b\": \"c\\n\"}], \"é\": null}";
        for (end, _) in whole.char_indices() {
            drop(document(&whole[..end]));
            let rest: String = whole[end..].chars().skip(1).collect();
            drop(document(&[&whole[..end], &rest].concat()));
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
