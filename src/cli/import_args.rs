//! What can be written on the command line about imports and exports.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::source::import::Kind;

#[derive(Debug, ClapArgs)]
pub(super) struct ImportArgs {
    /// Files and folders; folders are walked, links are not followed.
    #[arg(required = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
    /// What they hold, where their content must not decide.
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<ImportFormat>,
    /// Say what would come of it, and file nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The name under which tickets of an export are known again; two systems want two names.
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// Messages, Maildirs and mboxes.
    Mail,
    /// What `deskhand export` writes, or lines made like it.
    Jsonl,
}

impl From<ImportFormat> for Kind {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Mail => Self::Mail,
            ImportFormat::Jsonl => Self::Jsonl,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// Which tickets, as for `tickets`; without it, every one.
    #[arg(value_name = "QUERY")]
    pub(super) query: Vec<String>,
    /// How they are written.
    #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
    pub(super) format: TicketsFormat,
    /// The file to write; one that exists is left alone. Without it, stdout.
    #[arg(long, short, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// How tickets are written for another desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TicketsFormat {
    /// One ticket per line, with its messages, notes and their bytes.
    Jsonl,
}
