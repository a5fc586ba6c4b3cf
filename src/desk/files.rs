//! Received files: saved where a person says, opened only when it is safe to.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use super::{Desk, DeskError};
use crate::{
    domain::{MessageId, TicketId},
    source::mail::{
        files::{File, files_of, safe_name},
        kind::is_risky,
    },
};

/// Another name is tried so often when one is taken.
const NAMES: u32 = 1000;

/// A file that came with a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its place among the files of the ticket, from 1.
    pub place: usize,
    /// With which message.
    pub message: MessageId,
    /// The name its sender gave it: foreign text.
    pub name: String,
    /// Its media type, judged by what is in it.
    pub kind: &'static str,
    /// How many bytes it has.
    pub size_bytes: usize,
    /// Whether it could run, or show something that runs: it is only saved, never opened.
    pub is_risky: bool,
}

impl Desk {
    /// Returns the files that came with a ticket, oldest first.
    pub async fn files(&self, ticket: TicketId) -> Result<Vec<Received>, DeskError> {
        let all = self.contents(ticket).await?;
        Ok(all
            .into_iter()
            .zip(1..)
            .map(|((message, file), place)| Received {
                place,
                message,
                is_risky: is_risky(&file.bytes, &file.name),
                size_bytes: file.bytes.len(),
                kind: file.kind,
                name: file.name,
            })
            .collect())
    }

    async fn contents(&self, ticket: TicketId) -> Result<Vec<(MessageId, File)>, DeskError> {
        let mut all = Vec::new();
        for message in self.store.messages(ticket).await? {
            if message.attachments.is_empty() {
                continue;
            }
            let original = self.store.original(&message.raw_sha256).await?;
            let files = original.map_or_else(Vec::new, |bytes| files_of(&bytes));
            all.extend(files.into_iter().map(|file| (message.id, file)));
        }
        Ok(all)
    }

    async fn content(&self, ticket: TicketId, place: usize) -> Result<File, DeskError> {
        let mut all = self.contents(ticket).await?;
        let at = place.checked_sub(1).filter(|at| *at < all.len());
        let at = at.ok_or(DeskError::Nothing("The ticket has no file of that number."))?;
        Ok(all.swap_remove(at).1)
    }

    /// Saves a file into a folder under a tame form of its name: never over another file, never
    /// through a link, for its owner alone. Returns where it is.
    pub async fn save_file(
        &self,
        ticket: TicketId,
        place: usize,
        folder: &Path,
    ) -> Result<PathBuf, DeskError> {
        let file = self.content(ticket, place).await?;
        save(&file, folder).map_err(|why| DeskError::Export {
            file: folder.join(safe_name(&file.name)),
            why,
        })
    }

    /// Opens a file with the program the system has for it, from a private copy. What could run is
    /// refused: it is only ever saved.
    pub async fn open_file(&self, ticket: TicketId, place: usize) -> Result<PathBuf, DeskError> {
        let file = self.content(ticket, place).await?;
        if is_risky(&file.bytes, &file.name) {
            return Err(DeskError::Nothing(
                "This file could run, or show something that runs. It is only saved: look at it \
                 with care.",
            ));
        }
        let folder = self.paths.data_dir.join("opened");
        crate::config::paths::make_private(&folder)?;
        let path = save(&file, &folder).map_err(|why| DeskError::Export {
            file: folder.join(safe_name(&file.name)),
            why,
        })?;
        open_outside(path.as_os_str())?;
        Ok(path)
    }

    /// Opens a link in the system's browser: only the web, by its words alone, never by a shell.
    pub fn open_link(&self, link: &str) -> Result<(), DeskError> {
        let is_web = link.starts_with("https://") || link.starts_with("http://");
        let is_clean = !link.contains(|c: char| c.is_control() || c.is_whitespace());
        if !is_web || !is_clean {
            return Err(DeskError::Nothing("Only links to the web are opened."));
        }
        open_outside(link.as_ref())
    }
}

fn open_outside(what: &std::ffi::OsStr) -> Result<(), DeskError> {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    let started = std::process::Command::new(opener)
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started
        .map(drop)
        .map_err(|why| DeskError::NoOpener { opener, why })
}

fn save(file: &File, folder: &Path) -> std::io::Result<PathBuf> {
    let name = safe_name(&file.name);
    let (stem, ending) = name
        .rsplit_once('.')
        .map_or((name.as_str(), String::new()), |(stem, ending)| {
            (stem, format!(".{ending}"))
        });
    for number in 1..=NAMES {
        let tried = if number == 1 {
            name.clone()
        } else {
            format!("{stem} ({number}){ending}")
        };
        // Where the program was started, its plain name says where it is.
        let path = if folder == Path::new(".") {
            PathBuf::from(tried)
        } else {
            folder.join(tried)
        };
        let mut options = std::fs::OpenOptions::new();
        // `create_new` refuses what is there already, a link that leads nowhere too.
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(mut opened) => {
                opened.write_all(&file.bytes)?;
                opened.sync_all()?;
                return Ok(path);
            }
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(why) => return Err(why),
        }
    }
    Err(std::io::Error::other(
        "a thousand files have that name already",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_is_saved_beside_what_is_there_and_for_its_owner_alone() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        symlink(&victim, folder.path().join("a.txt")).unwrap();
        let file = File {
            name: "../a.txt".into(),
            kind: "text/plain",
            bytes: b"words".to_vec(),
        };

        let saved = save(&file, folder.path()).unwrap();

        assert_eq!(saved, folder.path().join("a (2).txt"));
        assert!(!victim.exists(), "it went through a link");
        let mode = std::fs::metadata(&saved).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(saved).unwrap(), b"words");
    }
}
