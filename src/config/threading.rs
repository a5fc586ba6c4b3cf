//! `[threading]`: which ticket an answer belongs to, where that is a matter of taste.

use super::reader::{Reader, Section};

/// The settings of `[threading]`.
const KEYS: [&str; 1] = ["on_subject_change"];

/// What becomes of an answer under another subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnSubjectChange {
    /// It stays in its ticket, with a hint that splits it off.
    #[default]
    Ask,
    /// It starts a ticket of its own.
    Split,
    /// It stays in its ticket, and nothing is said.
    Join,
}

impl OnSubjectChange {
    /// Returns it as written in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Split => "split",
            Self::Join => "join",
        }
    }
}

/// Reads `[threading]`.
pub(super) fn on_subject_change(reader: &mut Reader<'_>, root: &Section<'_>) -> OnSubjectChange {
    let choices = [
        OnSubjectChange::Ask,
        OnSubjectChange::Split,
        OnSubjectChange::Join,
    ]
    .map(|choice| (choice.word(), choice));
    root.open(reader, "threading", &KEYS)
        .and_then(|table| table.word(reader, "on_subject_change", &choices))
        .unwrap_or_default()
}
