//! Which system is an export from? Judged by what is in it; a table that is too small to tell, by
//! its name.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{sniff, walk::open_itself};

/// So much of a file is looked at to judge it.
const LOOK_BYTES: u64 = 64 * 1024;
/// So many files of a folder are looked at.
const LOOK_FILES: usize = 20;

/// What an import is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Mail: messages, Maildirs and mboxes.
    Mail,
    /// Lines of `deskhand export`, or made like them.
    Jsonl,
    /// A table: CSV with any separator and encoding.
    Csv,
    /// Tickets of Zendesk, with the folder of their comments beside them.
    Zendesk,
    /// Conversations of Chatwoot, with the folder of their messages beside them.
    Chatwoot,
    /// Tickets of Request Tracker, each with its transactions and attachments.
    Rt,
}

impl Kind {
    /// Returns its word, as on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Zendesk => "zendesk",
            Self::Chatwoot => "chatwoot",
            Self::Rt => "rt",
        }
    }
}

/// Judges what a path holds. What is no export is left to those who read mail: they say what
/// speaks against it.
pub fn judge(path: &Path) -> Kind {
    let Ok(about) = fs::symlink_metadata(path) else {
        return Kind::Mail;
    };
    if about.is_file() {
        let kind = beginning(path).map_or(Kind::Mail, |bytes| sniff::kind(&bytes));
        let is_table = kind == Kind::Mail && is_called_table(path);
        return if is_table { Kind::Csv } else { kind };
    }
    if !about.is_dir() {
        return Kind::Mail;
    }
    let files = json_files(path).unwrap_or_default();
    files
        .iter()
        .take(LOOK_FILES)
        .filter_map(|file| beginning(file).ok())
        .map(|bytes| sniff::kind(&bytes))
        .find(|kind| matches!(kind, Kind::Zendesk | Kind::Chatwoot | Kind::Rt))
        .unwrap_or(Kind::Mail)
}

/// A file that its owner calls a table is no mail, whatever little stands in it.
fn is_called_table(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("csv") || end.eq_ignore_ascii_case("tsv"))
}

/// Returns the files of an export of one kind, and the folder they are in.
pub(super) fn files_of(path: &Path, kind: Kind) -> (Vec<PathBuf>, PathBuf) {
    if !path.is_dir() {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        return (vec![path.to_owned()], folder.to_owned());
    }
    let mut files = json_files(path).unwrap_or_default();
    files.retain(|file| beginning(file).is_ok_and(|bytes| sniff::kind(&bytes) == kind));
    (files, path.to_owned())
}

/// Returns the JSON files of a folder, by name.
fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_json = entry.path().extension().is_some_and(|end| {
            ["json", "ndjson", "jsonl"]
                .iter()
                .any(|known| end.eq_ignore_ascii_case(known))
        });
        if is_json && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Opens a file that is one, and not what a link in its place leads to.
pub(super) fn regular(path: &Path) -> io::Result<File> {
    let file = open_itself(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    let why = "it is not a regular file";
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular(path)?.take(LOOK_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_table_is_known_by_its_name_and_is_no_mail() {
        let dir = tempfile::tempdir().unwrap();
        for (name, kind) in [
            ("a.csv", Kind::Csv),
            ("a.TSV", Kind::Csv),
            ("a.eml", Kind::Mail),
        ] {
            let path = dir.path().join(name);
            fs::write(&path, "a,b\n1,2\n").unwrap();
            assert_eq!(judge(&path), kind, "{name}");
        }
    }
}
