//! The last resort for typed text: a file of its own when the desk is left and the text could not
//! be saved. What an earlier desk left so is named at the next start.

use std::{
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::strays::Typed;

/// How many names are tried before a folder is given up.
const NAMES: u32 = 100;

/// Writes a text to a private file that was not there before: in `folder`, else in the folder for
/// temporary files. Returns a sentence for the person.
pub fn rescue(typed: &Typed, folder: &Path) -> String {
    let (number, what) = (typed.number, typed.writing.word());
    let temporary = std::env::temp_dir();
    let mut why = None;
    for folder in [folder, &temporary] {
        match write_new(folder, &format!("unsaved-{number}"), &typed.text) {
            Ok(file) => {
                return format!(
                    "The {what} to #{number} could not be saved; its text is in {}.",
                    file.display()
                );
            }
            Err(error) => why = Some(error),
        }
    }
    let why = why.map_or_else(String::new, |error| format!(" ({error})"));
    format!("The {what} to #{number} could not be saved, nor written to a file{why}.")
}

/// Returns a sentence that names the texts an earlier desk left in `folder`, if there are some:
/// rescued ones, and those of an editor whose desk died.
pub fn left_behind(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| is_left_behind(name))
        .collect();
    names.sort_unstable();
    let (first, others) = names.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "Typed text that was not saved lies in {}{more}; look at it, then remove it.",
        folder.join(first).display()
    ))
}

fn is_left_behind(name: &str) -> bool {
    if name.starts_with("unsaved-") {
        return true;
    }
    // `reply-NUMBER-PROCESS.txt`: that process may be a desk whose editor is open. At the start of
    // this one no editor of its own is: a file with our number is of a desk before us.
    let process = name
        .strip_prefix("reply-")
        .and_then(|rest| rest.strip_suffix(".txt"))
        .and_then(|rest| rest.rsplit_once('-'))
        .and_then(|(_, process)| process.parse::<i32>().ok())
        .and_then(rustix::process::Pid::from_raw);
    process.is_some_and(|process| {
        process == rustix::process::getpid() || rustix::process::test_kill_process(process).is_err()
    })
}

/// Makes a folder that only its owner can look into.
pub fn make_private(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

fn write_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    make_private(folder)?;
    for again in 0..NAMES {
        let file = folder.join(format!("{name}-{}-{again}.txt", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        match options.write(true).create_new(true).mode(0o600).open(&file) {
            Ok(mut opened) => {
                let written = opened
                    .write_all(text.as_bytes())
                    .and_then(|()| opened.sync_all());
                if let Err(error) = written {
                    drop(std::fs::remove_file(&file));
                    return Err(error);
                }
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::TicketId;

    fn typed(text: &str) -> Typed {
        Typed {
            writing: crate::tui::strays::Writing::Reply,
            ticket: TicketId::new(Uuid::from_u128(1)),
            number: 12,
            text: text.to_owned(),
            seen: None,
        }
    }

    #[test]
    fn a_rescued_text_is_whole_private_and_named_at_the_next_start() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(left_behind(folder.path()), None);

        let said = rescue(&typed("Hi Maya,\nyes."), folder.path());
        rescue(&typed("second"), folder.path());

        let file = folder
            .path()
            .join(format!("unsaved-12-{}-0.txt", std::process::id()));
        assert!(said.contains(&file.display().to_string()), "{said}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "Hi Maya,\nyes.");
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let next = left_behind(folder.path()).unwrap();
        assert!(
            next.contains("unsaved-12-") && next.contains("1 more"),
            "{next}"
        );
    }

    #[test]
    fn a_text_whose_folder_cannot_be_written_goes_to_the_temporary_one() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        std::fs::write(&blocked, "in the way").unwrap();

        let said = rescue(&typed("kept"), &blocked);

        let file = said.split(" is in ").nth(1).unwrap().trim_end_matches('.');
        assert_eq!(std::fs::read_to_string(file).unwrap(), "kept");
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn the_file_of_an_open_editor_is_not_called_left_behind() {
        let other = std::os::unix::process::parent_id();
        assert!(!is_left_behind(&format!("reply-7-{other}.txt")));
        let before_us = format!("reply-7-{}.txt", std::process::id());
        assert!(is_left_behind(&before_us), "we have opened none yet");
        assert!(is_left_behind("reply-7-2147483647.txt"));
        assert!(!is_left_behind("notes.txt"));
    }
}
