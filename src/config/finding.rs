//! What is wrong with a file, where, and what was probably meant.

use std::{fmt, path::PathBuf};

/// One thing that is wrong with a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether deskhand can go on without a change.
    pub severity: Severity,
    /// In which file.
    pub file: PathBuf,
    /// Counted from 1; 0 when no line is to blame.
    pub line: usize,
    /// In characters, counted from 1; 0 when no line is to blame.
    pub column: usize,
    /// What is wrong and why.
    pub message: String,
    /// What to do: the nearest right word, or a command.
    pub suggestion: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The config cannot be used.
    Error,
    /// The config can be used, but probably not as meant.
    Warning,
}

impl Severity {
    /// Returns the word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Finding {
    /// Writes `FILE:LINE:COLUMN: error: message suggestion`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}: {}", self.severity.word(), self.message)?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Returns the nearest of `known` to `word`, if one is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&lower, candidate), candidate))
        .filter(|&(distance, candidate)| {
            let longer = length.max(candidate.chars().count());
            distance * 5 <= longer * 2 || (length > 2 && candidate.starts_with(&lower))
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the nearest of `known` to `word`, at most `count`, the nearest first, each once.
pub fn near<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let lower = word.to_lowercase();
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .filter(|candidate| nearest(word, [*candidate]).is_some())
        .map(|candidate| (strsim::damerau_levenshtein(&lower, candidate), candidate))
        .collect();
    near.sort_unstable();
    near.dedup();
    near.truncate(count);
    near.into_iter().map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["providers", "chains", "spend", "base_url"];

        assert_eq!(nearest("provider", known), Some("providers"));
        assert_eq!(nearest("baseurl", known), Some("base_url"));
        assert_eq!(nearest("spedn", known), Some("spend"));
        assert_eq!(nearest("xyzzy", known), None);
    }
}
