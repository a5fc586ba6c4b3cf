//! How a command ends: its exit code, and the words when it did not do what was asked.

use std::process::ExitCode;

use crate::{
    config::{finding::Finding, paths::PathsError},
    desk::DeskError,
    domain::{Ending, link::NotALink, money::NotAnAmount, query::QueryError, ticket::UnknownWord},
    source::mail::{imap::ImapError, oauth::OAuthError, smtp::SmtpError},
    tui::{Leave, ScreenError},
};

/// An exit code that others script against; a run's own codes come from its ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exit(u8);

impl Exit {
    /// Done.
    pub(super) const OK: Self = Self(0);
    /// It failed.
    pub(super) const FAILED: Self = Self(1);
    /// The command line or the config is wrong.
    pub(super) const USAGE: Self = Self(2);
    /// No provider answered.
    pub(super) const NO_ANSWER: Self = Self(4);
    /// A fault that does not fall back: key refused, bad input, refusal.
    pub(super) const FAULT: Self = Self(5);

    /// Returns how the program ends when its screen was left so.
    pub(super) const fn left(leave: Leave) -> Self {
        Self(leave.exit_code())
    }

    /// Returns how a command ends whose run ended so.
    pub(super) const fn after(ending: Ending) -> Self {
        Self(ending.exit_code())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// A command that did not do what was asked: what happened and why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) exit: Exit,
    pub(super) words: String,
    pub(super) advice: Option<String>,
}

impl Stop {
    /// Makes a failure.
    pub(super) fn failed(words: impl Into<String>) -> Self {
        Self {
            exit: Exit::FAILED,
            words: words.into(),
            advice: None,
        }
    }

    /// Makes a fault of the command line or the config.
    pub(super) fn usage(words: impl Into<String>) -> Self {
        Self {
            exit: Exit::USAGE,
            words: words.into(),
            advice: None,
        }
    }

    /// Adds what to do.
    pub(super) fn advising(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Makes the stop of a config that is wrong: every finding on its line.
    pub(super) fn findings(findings: &[Finding]) -> Self {
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        Self::usage(lines.join("\n"))
            .advising("Nothing was done. Put the config right and run it again.")
    }
}

impl From<ScreenError> for Stop {
    fn from(error: ScreenError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<DeskError> for Stop {
    fn from(error: DeskError) -> Self {
        if let DeskError::Findings(findings) = &error {
            return Self::findings(findings);
        }
        let exit = exit_of(&error);
        let words = sentence(&error.to_string());
        Self {
            exit,
            words,
            advice: error.advice(),
        }
    }
}

/// Returns the exit code of an act that failed.
const fn exit_of(error: &DeskError) -> Exit {
    match error {
        DeskError::Findings(_)
        | DeskError::Edit(_)
        | DeskError::Paths(_)
        | DeskError::CapNotChosen
        | DeskError::NoProvider(_)
        | DeskError::Chain(_)
        | DeskError::Drill(_)
        | DeskError::NoChain { .. }
        | DeskError::NoModel { .. }
        | DeskError::Query(_)
        | DeskError::NoAccount { .. }
        | DeskError::CannotSend(_)
        | DeskError::NoReply(_)
        | DeskError::Unreadable { .. }
        | DeskError::TooMuch { .. }
        | DeskError::KeyElsewhere(_) => Exit::USAGE,

        DeskError::KeyNotAccepted { refused: true, .. }
        | DeskError::Mail {
            error: ImapError::Refused { .. },
            ..
        }
        | DeskError::Smtp {
            error: SmtpError::Refused { .. },
            ..
        }
        | DeskError::SignIn {
            error: OAuthError::Refused { .. } | OAuthError::Declined { .. },
            ..
        } => Exit::FAULT,
        DeskError::KeyNotAccepted { refused: false, .. } => Exit::NO_ANSWER,
        DeskError::Store(_)
        | DeskError::Import(_)
        | DeskError::Broken
        | DeskError::Vault { .. }
        | DeskError::Password { .. }
        | DeskError::NoPassword(_)
        | DeskError::NoServers { .. }
        | DeskError::SignIn { .. }
        | DeskError::NotSignedIn(_)
        | DeskError::Mail { .. }
        | DeskError::Smtp { .. }
        | DeskError::NoFile(_)
        | DeskError::Stale
        | DeskError::NoWayOut
        | DeskError::NoOpener { .. }
        | DeskError::Leased { .. }
        | DeskError::NoKey(_)
        | DeskError::Noting(_)
        | DeskError::Export { .. }
        | DeskError::NotWritten { .. }
        | DeskError::NoTable { .. }
        | DeskError::Move(_)
        | DeskError::NoTicket(_)
        | DeskError::NoReceipt(_)
        | DeskError::Nothing(_)
        | DeskError::Simulator(_) => Exit::FAILED,
    }
}

impl From<PathsError> for Stop {
    fn from(error: PathsError) -> Self {
        Self::usage(sentence(&error.to_string()))
    }
}

macro_rules! usage {
    ($($error:ty),+) => {$(
        impl From<$error> for Stop {
            fn from(error: $error) -> Self {
                Self::usage(sentence(&error.to_string()))
            }
        }
    )+};
}

usage!(NotALink, NotAnAmount, QueryError, UnknownWord);

/// Makes a sentence of an error's words.
pub(super) fn sentence(words: &str) -> String {
    // A file keeps its name.
    let is_name = words
        .split_whitespace()
        .next()
        .is_some_and(|word| word.trim_end_matches(['.', ':', ',']).contains(['.', '/']));
    if is_name {
        return words.to_owned() + end_of(words);
    }
    let mut chars = words.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}{}", chars.as_str(), end_of(words))
}

fn end_of(words: &str) -> &'static str {
    if words.ends_with(['.', '!', '?', '\n']) {
        ""
    } else {
        "."
    }
}
