//! In which language a config is written. Each becomes the tables that TOML would be, every word
//! with its place, so that all the rest reads one thing.

use std::{ffi::OsStr, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{json, reader::Span, yaml};

/// How deep tables and lists may lie in one another; the config itself needs five.
pub(super) const DEEPEST: usize = 32;

/// The language of a config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML, the only one that deskhand changes itself.
    Toml,
    /// YAML 1.2.
    Yaml,
    /// JSON.
    Json,
}

/// Takes a document for the table that every config is, in its language `what`.
pub(super) fn the_table<'t>(
    document: Spanned<DeValue<'t>>,
    what: &str,
) -> Result<Spanned<DeTable<'t>>, Fault> {
    let span = document.span();
    match document.into_inner() {
        DeValue::Table(table) => Ok(Spanned::new(span, table)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_) => {
            let words = format!("a config is {what} of settings, and this is none.");
            Err(Fault::at(span.start, words))
        }
    }
}

impl Format {
    /// Tells the language of a file by the end of its name; without a known one it is TOML.
    pub fn of(file: &Path) -> Self {
        let ending = file
            .extension()
            .and_then(OsStr::to_str)
            .map(str::to_ascii_lowercase);
        match ending.as_deref() {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some(_) | None => Self::Toml,
        }
    }

    /// Returns its name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
        }
    }

    /// Reads a document; what is wrong with it stops the reading there.
    pub(super) fn document(self, text: &str) -> (Spanned<DeTable<'_>>, Vec<Fault>) {
        let read = match self {
            Self::Toml => return toml(text),
            Self::Yaml => yaml::document(text),
            Self::Json => json::document(text),
        };
        match read {
            Ok(document) => (document, Vec::new()),
            Err(fault) => (Spanned::new(0..text.len(), DeTable::new()), vec![fault]),
        }
    }
}

/// What is wrong with a text before its settings are looked at. It holds no word of the file, so
/// no key either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where.
    pub(super) span: Span,
    /// What.
    pub(super) message: String,
}

impl Fault {
    /// Makes a fault of one place.
    pub(super) fn at(at: usize, message: impl Into<String>) -> Self {
        Self {
            span: at..at,
            message: message.into(),
        }
    }
}

fn toml(text: &str) -> (Spanned<DeTable<'_>>, Vec<Fault>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let faults = errors.into_iter().map(|error| Fault {
        span: error.span().unwrap_or(0..0),
        message: format!("this is not TOML: {}.", error.message()),
    });
    (document, faults.collect())
}
