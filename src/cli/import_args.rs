//! What can be written on the command line about imports and exports.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::{
    domain::{DayOrder, Field},
    source::import::{Kind, csv::Said},
};

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
    /// What a column of a table holds, where the guess is wrong; a column is named, or counted as
    /// `#3`. The field `?` has all fields listed; `ignore` leaves the column out.
    #[arg(long = "map", value_name = "COLUMN=FIELD", value_parser = mapping)]
    pub(super) columns: Vec<Said>,
    /// How the letters of a table are written, where the guess is wrong: utf-8, latin1, ...
    #[arg(long, value_name = "NAME")]
    pub(super) encoding: Option<String>,
    /// What stands between the fields of a table, where the guess is wrong; `tab` for a tab.
    #[arg(long, value_name = "SIGN", value_parser = separator)]
    pub(super) separator: Option<char>,
    /// Which number comes first in dates of a table such as 01/02/2024, where none tells it.
    #[arg(long, value_name = "ORDER")]
    pub(super) dates: Option<DatesWritten>,
}

/// Which number comes first in a date with slashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DatesWritten {
    /// The day: 31/01/2024.
    DayFirst,
    /// The month: 01/31/2024.
    MonthFirst,
}

impl From<DatesWritten> for DayOrder {
    fn from(written: DatesWritten) -> Self {
        match written {
            DatesWritten::DayFirst => Self::DayFirst,
            DatesWritten::MonthFirst => Self::MonthFirst,
        }
    }
}

fn mapping(text: &str) -> Result<Said, String> {
    let (column, field) = text
        .rsplit_once('=')
        .ok_or("write it as COLUMN=FIELD, such as Betreff=subject")?;
    let field = match field.trim() {
        "ignore" => None,
        word => Some(word.parse::<Field>().map_err(|why| why.to_string())?),
    };
    Ok((column.trim().to_owned(), field))
}

fn separator(text: &str) -> Result<char, String> {
    if text.eq_ignore_ascii_case("tab") || text == "\\t" {
        return Ok('\t');
    }
    let mut letters = text.chars();
    match (letters.next(), letters.next()) {
        (Some(one), None) if one.is_ascii() && !one.is_alphanumeric() && one != '"' => Ok(one),
        _ => Err("it must be one sign, such as `;`, or `tab`".to_owned()),
    }
}

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// Messages, Maildirs and mboxes.
    Mail,
    /// What `deskhand export` writes, or lines made like it.
    Jsonl,
    /// A table with any separator and encoding.
    Csv,
    /// Tickets of Zendesk: a folder, a page of its export, or NDJSON.
    Zendesk,
    /// Conversations of Chatwoot: a folder, or a page of its API.
    Chatwoot,
    /// Tickets of Request Tracker with their transactions: a folder, or one file.
    Rt,
}

impl From<ImportFormat> for Kind {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Mail => Self::Mail,
            ImportFormat::Jsonl => Self::Jsonl,
            ImportFormat::Csv => Self::Csv,
            ImportFormat::Zendesk => Self::Zendesk,
            ImportFormat::Chatwoot => Self::Chatwoot,
            ImportFormat::Rt => Self::Rt,
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
