//! Walks files and folders, in the order of their names. No link is followed, and nothing is read
//! but regular files.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;

use super::{
    Found, Item, Marks, Reject,
    look::{Kind, look, starts_with_header},
    mbox::{MESSAGE_LIMIT, Mbox},
};

/// So much of a file is looked at to judge it.
const LOOK_BYTES: u64 = 8 * 1024;

/// Finds every message below the paths, one after the other, as it is asked for.
pub fn walk(paths: &[PathBuf]) -> impl Iterator<Item = Item> + Send + use<> {
    let mut named: Vec<PathBuf> = paths.to_vec();
    named.reverse();
    Walk {
        waiting: named.into_iter().map(|path| (path, true)).collect(),
        open: None,
    }
}

struct Walk {
    /// Paths still to visit, the next one last; and whether a person named them.
    waiting: Vec<(PathBuf, bool)>,
    open: Option<OpenMbox>,
}

struct OpenMbox {
    path: PathBuf,
    modified: Option<Timestamp>,
    mbox: Mbox<BufReader<File>>,
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(open) = &mut self.open {
                match open.next_item() {
                    Some(item) => return Some(item),
                    None => self.open = None,
                }
            }
            let (path, was_named) = self.waiting.pop()?;
            match self.visit(&path, was_named) {
                Ok(Some(item)) => return Some(item),
                Ok(None) => {}
                Err(error) => return Some(reject(&path, &error_words(&error))),
            }
        }
    }
}

impl Walk {
    /// Visits one path: a folder's entries are put before what waits.
    fn visit(&mut self, path: &Path, was_named: bool) -> io::Result<Option<Item>> {
        let about = fs::symlink_metadata(path)?;
        let kind = about.file_type();
        if kind.is_symlink() {
            return Ok(named_only(
                path,
                was_named,
                "it is a link, and links are not followed",
            ));
        }
        if kind.is_dir() {
            let mut entries = fs::read_dir(path)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<Vec<_>>>()?;
            if entries.iter().any(|entry| entry.ends_with("cur")) {
                // A Maildir: what is still being delivered is left alone.
                entries.retain(|entry| !entry.ends_with("tmp"));
            }
            entries.sort();
            self.waiting
                .extend(entries.into_iter().rev().map(|entry| (entry, false)));
            return Ok(None);
        }
        if !kind.is_file() {
            return Ok(named_only(path, was_named, "it is not a regular file"));
        }
        let modified = about
            .modified()
            .ok()
            .and_then(|time| Timestamp::try_from(time).ok());
        self.open_file(path, about.len(), modified)
    }

    fn open_file(
        &mut self,
        path: &Path,
        length: u64,
        modified: Option<Timestamp>,
    ) -> io::Result<Option<Item>> {
        let mut file = open_itself(path)?;
        // Between the look and the opening it may have become something else.
        if !file.metadata()?.is_file() {
            return Ok(Some(reject(path, "it is not a regular file")));
        }
        let mut beginning = Vec::new();
        (&mut file).take(LOOK_BYTES).read_to_end(&mut beginning)?;
        match look(&beginning) {
            Kind::Empty => Ok(Some(reject(path, "it is empty"))),
            Kind::Other(what) => Ok(Some(reject(path, what))),
            Kind::Mbox => {
                file.rewind()?;
                let mbox = Mbox::new(BufReader::with_capacity(1 << 16, file));
                self.open = Some(OpenMbox {
                    path: path.to_owned(),
                    modified,
                    mbox,
                });
                Ok(None)
            }
            Kind::Message if is_called_mbox(path) && !starts_with_header(&beginning) => {
                let why = "it is called an mbox, but its first line neither begins a message (`From ...`) \
                           nor is a header";
                Ok(Some(reject(path, why)))
            }
            Kind::Message if length > u64::try_from(MESSAGE_LIMIT).unwrap_or(u64::MAX) => {
                Ok(Some(reject(path, "it is longer than 64 MiB")))
            }
            Kind::Message => {
                let mut bytes = beginning;
                // It may grow while it is read, and some files say that they are empty.
                let limit = u64::try_from(MESSAGE_LIMIT).unwrap_or(u64::MAX);
                file.take(limit).read_to_end(&mut bytes)?;
                if bytes.len() > MESSAGE_LIMIT {
                    return Ok(Some(reject(path, "it is longer than 64 MiB")));
                }
                Ok(Some(Item::Letter(Found {
                    path: path.to_owned(),
                    part: None,
                    bytes,
                    marks: maildir_marks(path),
                    modified,
                })))
            }
        }
    }
}

impl OpenMbox {
    fn next_item(&mut self) -> Option<Item> {
        match self.mbox.next_part() {
            Ok(part) => {
                let part = part?;
                let name = format!("{}#{}", self.path.display(), part.no);
                Some(match part.bytes {
                    None => Item::Reject(Reject {
                        path: name,
                        reason: "it is longer than 64 MiB".to_owned(),
                    }),
                    Some(bytes) if bytes.iter().all(u8::is_ascii_whitespace) => {
                        Item::Reject(Reject {
                            path: name,
                            reason: "it is empty".to_owned(),
                        })
                    }
                    Some(bytes) => Item::Letter(Found {
                        path: self.path.clone(),
                        part: Some(part.no),
                        bytes,
                        marks: part.marks,
                        modified: self.modified,
                    }),
                })
            }
            Err(error) => {
                let item = reject(&self.path, &error_words(&error));
                self.mbox.stop();
                Some(item)
            }
        }
    }
}

/// Opens a file, and not what a link or a pipe in its place would lead to by now.
#[cfg(unix)]
pub(super) fn open_itself(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags, open};
    let how = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(open(path, how, Mode::empty())?))
}

/// Opens a file.
#[cfg(not(unix))]
pub(super) fn open_itself(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Links and devices are named when a person pointed at them, and passed over in folders.
fn named_only(path: &Path, was_named: bool, reason: &str) -> Option<Item> {
    was_named.then(|| reject(path, reason))
}

/// A file that its owner calls an mbox is no message without headers, whatever stands in it.
fn is_called_mbox(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("mbox") || end.eq_ignore_ascii_case("mbx"))
}

fn reject(path: &Path, reason: &str) -> Item {
    Item::Reject(Reject {
        path: path.display().to_string(),
        reason: reason.to_owned(),
    })
}

pub(super) fn error_words(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound {
        "there is no such file or folder".to_owned()
    } else if kind == io::ErrorKind::PermissionDenied {
        "it may not be read by you".to_owned()
    } else {
        format!("it cannot be read: {error}")
    }
}

/// Reads the flags in a Maildir's file names: `name:2,RS`, with `;` on shares of Windows.
fn maildir_marks(path: &Path) -> Marks {
    let in_maildir = path
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|folder| folder == "cur" || folder == "new");
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let flags = name
        .rsplit_once([':', ';'])
        .and_then(|(_, info)| info.strip_prefix("2,"));
    match flags.filter(|_| in_maildir) {
        Some(flags) => Marks {
            was_seen: flags.contains('S'),
            was_answered: flags.contains('R'),
            left_there_mb: None,
        },
        None => Marks::default(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_became_a_link_or_a_pipe_after_the_look_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let (secret, link, pipe) = (
            dir.path().join("secret"),
            dir.path().join("link"),
            dir.path().join("pipe"),
        );
        fs::write(&secret, "Subject: x\n\nhidden").unwrap();
        std::os::unix::fs::symlink(&secret, &link).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let mut walk = Walk {
            waiting: Vec::new(),
            open: None,
        };

        assert!(walk.open_file(&link, 0, None).is_err());
        let Ok(Some(Item::Reject(reject))) = walk.open_file(&pipe, 0, None) else {
            panic!("a pipe was read");
        };
        assert_eq!(reject.reason, "it is not a regular file");
    }

    #[test]
    fn what_is_called_an_mbox_and_holds_no_message_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, is_mail) in [
            ("bad.mbox", "x", false),
            ("one.MBOX", "Subject: x\n\nhi", true),
            ("marked.mbox", "\u{feff}Subject: x\n\nhi", true),
            ("late.mbox", "\nSubject: x\n\nhi", true),
            ("body", "x", true),
        ] {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();

            let item = walk(&[path]).next();

            let is_letter = matches!(item, Some(Item::Letter(_)));
            assert_eq!(is_letter, is_mail, "{name}");
        }
    }

    #[test]
    fn a_file_that_grew_past_the_limit_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        fs::write(&path, "Subject: x\n\n").unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(70 << 20).unwrap();
        let mut walk = Walk {
            waiting: Vec::new(),
            open: None,
        };

        let item = walk.open_file(&path, 0, None).unwrap();

        assert!(matches!(item, Some(Item::Reject(_))));
    }
}
