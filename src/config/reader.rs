//! Reads tables by hand, so that every finding of a file comes at once and knows its place.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
    time::Duration,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    finding::{Finding, Severity, nearest},
    format::Format,
    names::Names,
    scalars::{amount, duration, whole},
};
use crate::domain::{LinkName, Usd};

/// Bytes of the file.
pub(super) type Span = Range<usize>;

/// A value with its place.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// One file being read, and what was found wrong with it so far.
pub(super) struct Reader<'a> {
    file: &'a Path,
    text: &'a str,
    findings: Vec<Finding>,
    /// Providers that stand in the file and cannot be used: what is wrong was said there.
    pub(super) faulty: BTreeSet<String>,
    /// What else models may be called.
    pub(super) names: Names,
    /// Models by the names that the file itself gives them.
    pub(super) named: BTreeMap<String, LinkName>,
}

impl<'a> Reader<'a> {
    /// Begins with a file's text.
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self {
            file,
            text,
            findings: Vec::new(),
            faulty: BTreeSet::new(),
            names: Names::default(),
            named: BTreeMap::new(),
        }
    }

    /// Returns the document; what is not in its language becomes findings.
    pub(super) fn document(&mut self) -> Spanned<DeTable<'a>> {
        let (document, faults) = Format::of(self.file).document(self.text);
        for fault in faults {
            self.error(&fault.span, fault.message, None);
        }
        document
    }

    /// Notes what makes the file unusable.
    pub(super) fn error(&mut self, at: &Span, message: impl Into<String>, hint: Option<String>) {
        self.note(Severity::Error, at, message.into(), hint);
    }

    /// Notes what is probably not meant.
    pub(super) fn warning(&mut self, at: &Span, message: impl Into<String>, hint: Option<String>) {
        self.note(Severity::Warning, at, message.into(), hint);
    }

    /// Notes what no line of the file is to blame for.
    pub(super) fn aside(&mut self, severity: Severity, message: String, hint: Option<String>) {
        self.findings.push(Finding {
            severity,
            file: self.file.to_owned(),
            line: 0,
            column: 0,
            message,
            suggestion: hint,
        });
    }

    fn note(&mut self, severity: Severity, at: &Span, message: String, hint: Option<String>) {
        let (line, column) = self.place(at.start);
        self.findings.push(Finding {
            severity,
            file: self.file.to_owned(),
            line,
            column,
            message,
            suggestion: hint,
        });
    }

    /// Returns line and column of a byte, both from 1; columns count characters.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at.min(self.text.len())).unwrap_or("");
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(start..).map_or(0, |part| part.chars().count()) + 1;
        (line, column)
    }

    /// Returns the link that a text names, under its one name; a model alone is whose the file
    /// says, else its maker's.
    pub(super) fn link(&self, text: &str) -> Option<LinkName> {
        if let Some(link) = self.named.get(text.trim()) {
            return Some(link.clone());
        }
        match text.parse::<LinkName>() {
            Ok(link) => Some(self.names.resolve(&link)),
            Err(_) => self.names.find(text.trim()),
        }
    }

    /// Returns the findings, by place, errors before warnings of the same place.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings
            .sort_by_key(|finding| (finding.line, finding.column, finding.severity));
        self.findings.dedup();
        self.findings
    }
}

/// One table of the file, by its name.
pub(super) struct Section<'v> {
    name: String,
    table: &'v DeTable<'v>,
}

impl<'v> Section<'v> {
    /// Takes the document itself and notes tables that mean nothing.
    pub(super) fn root(
        reader: &mut Reader<'_>,
        table: &'v DeTable<'v>,
        known: &[&'static str],
    ) -> Self {
        let section = Self {
            name: String::new(),
            table,
        };
        section.refuse_unknown(reader, known);
        section
    }

    /// Opens a table of this one, if it is there, and notes keys that mean nothing.
    pub(super) fn open(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        known: &[&'static str],
    ) -> Option<Self> {
        let section = self.open_any(reader, key)?;
        section.refuse_unknown(reader, known);
        Some(section)
    }

    /// Opens a table of this one whose keys are names that people choose.
    pub(super) fn open_any(&self, reader: &mut Reader<'_>, key: &str) -> Option<Self> {
        let value = self.table.get(key)?;
        Self::of(reader, &self.path(key), value)
    }

    /// Takes a value for a table.
    pub(super) fn of(reader: &mut Reader<'_>, name: &str, value: &'v Value<'v>) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            let message = match Format::of(reader.file) {
                Format::Toml => format!("`{name}` must be a table, written [{name}]."),
                Format::Yaml | Format::Json => format!("`{name}` must be a table."),
            };
            reader.error(&value.span(), message, None);
            return None;
        };
        Some(Self {
            name: name.to_owned(),
            table,
        })
    }

    /// Returns its keys with their places, in the order of the alphabet.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'v str, Span, &'v Value<'v>)> {
        let table = self.table;
        table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span(), value))
    }

    /// Returns a table of this one, if it is one; nothing is noted.
    pub(super) fn inner(&self, key: &str) -> Option<Self> {
        let table = self.table.get(key)?.get_ref().as_table()?;
        Some(Self {
            name: self.path(key),
            table,
        })
    }

    /// Returns its tables with their names' places, in the order of the alphabet; nothing is noted.
    pub(super) fn inners(&self) -> impl Iterator<Item = (&'v str, Span, Self)> {
        self.entries()
            .filter_map(|(key, span, value)| {
                let table = value.get_ref().as_table()?;
                let name = self.path(key);
                Some((key, span, Self { name, table }))
            })
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Returns a value.
    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'v>> {
        self.table.get(key)
    }

    /// Notes every key that is not among the known.
    pub(super) fn refuse_unknown(&self, reader: &mut Reader<'_>, known: &[&'static str]) {
        for (key, span, _) in self.entries().filter(|(key, _, _)| !known.contains(key)) {
            let within = if self.name.is_empty() {
                "the config".to_owned()
            } else {
                format!("[{}]", self.name)
            };
            let hint = nearest(key, known.iter().copied()).map_or_else(
                || format!("There are: {}.", known.join(", ")),
                |near| format!("Did you mean `{near}`?"),
            );
            let message = format!("{within} has no setting {}.", quoted(key));
            reader.error(&span, message, Some(hint));
        }
    }

    /// Returns a text with its place.
    pub(super) fn text(&self, reader: &mut Reader<'_>, key: &str) -> Option<(&'v str, Span)> {
        let value = self.table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) => Some((text, value.span())),
            None => self.wrong(reader, key, "a text in quotes"),
        }
    }

    /// Returns yes or no.
    pub(super) fn boolean(&self, reader: &mut Reader<'_>, key: &str) -> Option<bool> {
        let value = self.table.get(key)?;
        match value.get_ref().as_bool() {
            Some(flag) => Some(flag),
            None => self.wrong(reader, key, "true or false"),
        }
    }

    /// Returns a whole number within bounds.
    pub(super) fn whole(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        bounds: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = self.table.get(key)?;
        whole(value)
            .filter(|number| bounds.contains(number))
            .or_else(|| {
                let want = format!("a whole number from {} to {}", bounds.start(), bounds.end());
                self.wrong(reader, key, &want)
            })
    }

    /// Returns one of a few words.
    pub(super) fn word<T: Copy>(
        &self,
        reader: &mut Reader<'_>,
        key: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let (text, span) = self.text(reader, key)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let hint = nearest(text, known.iter().copied()).map_or_else(
            || format!("There are: {}.", known.join(", ")),
            |near| format!("Did you mean \"{near}\"?"),
        );
        let message = format!("`{key}` cannot be {}.", quoted(text));
        reader.error(&span, message, Some(hint));
        None
    }

    /// Returns an amount in dollars: a number, or a text that holds one.
    pub(super) fn amount(&self, reader: &mut Reader<'_>, key: &str) -> Option<Usd> {
        let value = self.table.get(key)?;
        match amount(value).filter(|usd| *usd >= Usd::ZERO) {
            Some(usd) => Some(usd),
            None => self.wrong(reader, key, "an amount in dollars such as 20 or \"0.50\""),
        }
    }

    /// Returns a time: `"1.5s"`, `"300ms"`, `"2m"`, or a number of seconds.
    pub(super) fn duration(&self, reader: &mut Reader<'_>, key: &str) -> Option<Duration> {
        let value = self.table.get(key)?;
        let longest = Duration::from_hours(1);
        match duration(value).filter(|time| !time.is_zero() && *time <= longest) {
            Some(time) => Some(time),
            None => self.wrong(
                reader,
                key,
                "a time such as \"1.5s\", \"300ms\" or \"2m\", at most an hour",
            ),
        }
    }

    /// Returns texts with their places; one text alone counts as a list of one.
    pub(super) fn texts(&self, reader: &mut Reader<'_>, key: &str) -> Option<Vec<(&'v str, Span)>> {
        texts(reader, key, self.table.get(key)?)
    }

    fn wrong<T>(&self, reader: &mut Reader<'_>, key: &str, want: &str) -> Option<T> {
        if let Some(value) = self.table.get(key) {
            let message = format!("`{key}` must be {want}.");
            reader.error(&value.span(), message, None);
        }
        None
    }

    /// Returns the whole name of a key in this table.
    pub(super) fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }
}

/// Returns a list of texts with their places; one text alone counts as a list of one.
pub(super) fn texts<'v>(
    reader: &mut Reader<'_>,
    key: &str,
    value: &'v Value<'v>,
) -> Option<Vec<(&'v str, Span)>> {
    if let Some(text) = value.get_ref().as_str() {
        return Some(vec![(text, value.span())]);
    }
    let Some(array) = value.get_ref().as_array() else {
        let message = format!("`{key}` must be a list of texts.");
        reader.error(&value.span(), message, None);
        return None;
    };
    let mut texts = Vec::new();
    for item in array {
        match item.get_ref().as_str() {
            Some(text) => texts.push((text, item.span())),
            None => reader.error(
                &item.span(),
                format!("every item of `{key}` must be a text in quotes."),
                None,
            ),
        }
    }
    Some(texts)
}

/// Writes a word of the file in quotes; what looks like a key is not repeated.
pub(super) fn quoted(word: &str) -> String {
    if looks_like_key(word) {
        return "`...` (it looks like a key and is not repeated)".to_owned();
    }
    let clean: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("`{clean}`")
}

/// Tells whether a word looks like the key of a provider.
pub(super) fn looks_like_key(word: &str) -> bool {
    const BEGINNINGS: [&str; 11] = [
        "sk-", "sk_", "pk-", "AIza", "gsk_", "xai-", "key-", "hf_", "Bearer ", "r8_", "nvapi-",
    ];
    let word = word.trim();
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_long_token = word.len() >= 28
        && word.chars().all(is_token)
        && has_digit
        && has_letter
        && word
            .bytes()
            .filter(|byte| matches!(byte, b'-' | b'.' | b'_'))
            .count()
            < 4;
    BEGINNINGS
        .iter()
        .any(|beginning| word.starts_with(beginning))
        || is_long_token
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str, ask: impl Fn(&mut Reader<'_>, &Section<'_>)) -> Vec<String> {
        let mut reader = Reader::new(Path::new("f"), text);
        let document = reader.document();
        let section = Section {
            name: String::new(),
            table: document.get_ref(),
        };
        ask(&mut reader, &section);
        reader
            .into_findings()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn columns_count_characters() {
        let reader = Reader::new(Path::new("f"), "a\nöö = x");

        assert_eq!(reader.place(0), (1, 1));
        assert_eq!(reader.place(2), (2, 1));
        assert_eq!(reader.place(7), (2, 4));
        assert_eq!(reader.place(99), (2, 7));
    }

    #[test]
    fn times_are_read_exactly() {
        for (written, millis) in [
            ("\"1.5s\"", 1_500),
            ("\"300ms\"", 300),
            ("\"2m\"", 120_000),
            ("8", 8_000),
            ("0.25", 250),
        ] {
            let found = section(&format!("t = {written}"), |reader, table| {
                assert_eq!(
                    table.duration(reader, "t"),
                    Some(Duration::from_millis(millis))
                );
            });
            assert_eq!(found, Vec::<String>::new());
        }
        for wrong in [
            "\"\"", "\"soon\"", "\"1h\"", "\"2s 3\"", "0", "-3", "\"61m\"", "true",
        ] {
            let found = section(&format!("t = {wrong}"), |reader, table| {
                assert_eq!(table.duration(reader, "t"), None);
            });
            assert_eq!(found.len(), 1, "{wrong}");
        }
    }

    #[test]
    fn amounts_are_read_as_written() {
        for (written, nanos) in [
            ("0.1", 100_000_000),
            ("20", 20_000_000_000),
            ("\"0.30\"", 300_000_000),
        ] {
            section(&format!("a = {written}"), |reader, table| {
                assert_eq!(table.amount(reader, "a"), Some(Usd::from_nanos(nanos)));
            });
        }
        for wrong in ["-1", "1e3", "nan", "\"much\"", "0x10", "[]"] {
            let found = section(&format!("a = {wrong}"), |reader, table| {
                assert_eq!(table.amount(reader, "a"), None, "{wrong}");
            });
            assert_eq!(found.len(), 1, "{wrong}");
        }
    }

    #[test]
    fn keys_look_like_keys_and_models_do_not() {
        for key in [
            "sk-ant-api03-x",
            "AIzaSyabc",
            "gsk_1",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(looks_like_key(key), "{key}");
        }
        for model in [
            "claude-opus-4-5-20251101",
            "gpt-4o-mini-2024-07-18",
            "meta-llama/llama-4-maverick-17b-128e-instruct",
            "llama-4-maverick-17b-128e-instruct",
        ] {
            assert!(!looks_like_key(model), "{model}");
        }
    }
}
