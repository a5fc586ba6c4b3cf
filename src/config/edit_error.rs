//! Why the config file was not changed.

use std::{io, path::PathBuf};

use super::format::Format;

/// Says why the file was not changed, and what to put there by hand.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not TOML, so that no setting can be changed in it.
    #[error("{} is not TOML; `deskhand config check` says where", file.display())]
    NotToml {
        /// Which file.
        file: PathBuf,
    },
    /// It is in a language that deskhand reads and does not write.
    #[error(
        "{} is {}, which deskhand reads and does not change. Put there by hand what in TOML \
         is:\n{lines}",
        file.display(),
        format.word()
    )]
    Foreign {
        /// Which file.
        file: PathBuf,
        /// In which language.
        format: Format,
        /// What was to be written.
        lines: String,
    },
    /// A name of the setting is taken by something that is no table.
    #[error("in {}, `{name}` is not a table; `deskhand config check` says more", file.display())]
    NotATable {
        /// Which file.
        file: PathBuf,
        /// Which name.
        name: String,
    },
    /// It cannot be written.
    #[error("{} cannot be written: {source}. Put this into it by hand:\n{lines}", file.display())]
    Write {
        /// Which file.
        file: PathBuf,
        /// What was to be written.
        lines: String,
        /// Why not.
        source: io::Error,
    },
}
