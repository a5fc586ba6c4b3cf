//! The editor outside: a private file, a child that has the terminal, and what it left behind.

use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::{
    event::Trouble,
    rescue::make_private,
    run::{Leave, Signals},
};

/// How long an editor that is told to end may take.
const ENDING: Duration = Duration::from_secs(2);

/// The person's own editor.
#[derive(Debug)]
pub(super) struct OutsideEditor {
    /// The program and its arguments; none when none is set.
    pub command: Option<Vec<String>>,
    /// Where its files are.
    pub scratch: PathBuf,
}

/// What came of an edit.
#[derive(Debug)]
pub(super) struct Edited {
    /// The text, where it was changed.
    pub text: Result<Option<String>, Trouble>,
    /// Why the desk must be left now, if it must: a signal came meanwhile.
    pub leave: Option<Leave>,
}

impl From<Trouble> for Edited {
    fn from(trouble: Trouble) -> Self {
        Self {
            text: Err(trouble),
            leave: None,
        }
    }
}

impl OutsideEditor {
    /// Runs the editor on a private file in our own folder. The file is gone afterwards, unless
    /// it could not be read.
    pub(super) async fn edit(&self, number: i64, text: &str, signals: &mut Signals) -> Edited {
        let Some((program, arguments)) = self.command.as_deref().and_then(<[String]>::split_first)
        else {
            let mut trouble = Trouble::new("No editor is set.");
            trouble.advice = Some("Set $EDITOR, or `editor` under [ui] in the config.".to_owned());
            return trouble.into();
        };
        let file = self
            .scratch
            .join(format!("reply-{number}-{}.txt", std::process::id()));
        // A file of text ends its last line; what is added below is a line of its own.
        let whole = format!("{}\n", text.trim_end_matches('\n'));
        if let Err(error) = self.write(&file, &whole) {
            return cannot("The editor's file could not be written", &error).into();
        }
        let (ran, leave) = match Command::new(program).args(arguments).arg(&file).spawn() {
            Ok(child) => attend(child, signals).await,
            Err(error) => (Err(error), None),
        };
        let is_good = leave.is_some() || ran.as_ref().is_ok_and(ExitStatus::success);
        if !is_good && is_changed(&file, text) {
            // What was written may be all there is of it: the file stays, and is named.
            return kept(&file).into();
        }
        let left = left_in(&file, text);
        let text = match (ran, leave) {
            // Told to end, an editor seldom ends well: what it wrote counts all the same.
            (Ok(_), Some(_)) => left,
            (Ok(status), None) if status.success() => left,
            (Ok(status), None) => Err(Trouble::new(format!(
                "The editor ended with {status}; the text here is unchanged."
            ))),
            (Err(error), _) => Err(cannot(
                &format!("The editor `{program}` could not be run"),
                &error,
            )),
        };
        Edited { text, leave }
    }

    fn write(&self, file: &Path, text: &str) -> io::Result<()> {
        make_private(&self.scratch)?;
        if file.try_exists()? {
            set_aside(file)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        file.write_all(text.as_bytes())
    }
}

fn cannot(what: &str, error: &io::Error) -> Trouble {
    Trouble::new(format!("{what}: {error}. The text here is unchanged."))
}

/// Waits for the editor. Ctrl+C is the editor's own while it has the terminal; Ctrl+Z stops us
/// with it; the signals that end us end it first.
async fn attend(
    mut child: Child,
    signals: &mut Signals,
) -> (io::Result<ExitStatus>, Option<Leave>) {
    let leave = loop {
        tokio::select! {
            biased;
            ran = child.wait() => return (ran, None),
            _ = signals.term.recv() => break Leave::Terminated,
            _ = signals.hang_up.recv() => break Leave::HungUp,
            _ = signals.interrupt.recv() => {}
            _ = signals.stop.recv() => stop_here(),
        }
    };
    let told = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    if let Some(pid) = told {
        // One that has ended already needs no telling.
        kill_process(pid, Signal::TERM).ok();
    }
    if let Ok(ran) = tokio::time::timeout(ENDING, child.wait()).await {
        return (ran, Some(leave));
    }
    let killed = child.kill().await;
    let ran = match killed {
        Ok(()) => child.wait().await,
        Err(error) => Err(error),
    };
    (ran, Some(leave))
}

/// Stops this process alone: the editor was stopped by the same key. The shell continues both.
fn stop_here() {
    let stopped = kill_process(rustix::process::getpid(), Signal::STOP);
    if let Err(error) = stopped {
        tracing::warn!(%error, "could not stop beside the editor");
    }
}

/// Tells whether a file holds another text than was put into it.
fn is_changed(file: &Path, before: &str) -> bool {
    std::fs::read(file).is_ok_and(|bytes| {
        let new = String::from_utf8_lossy(&bytes);
        new.trim_end_matches('\n') != before.trim_end_matches('\n')
    })
}

/// Says where the text of an editor is that did not end well. The file gets a name that the next
/// start knows.
fn kept(file: &Path) -> Trouble {
    let place = set_aside(file).unwrap_or_else(|_| file.to_owned());
    let place = place.display();
    Trouble::new(format!(
        "The editor did not end well; the text here is unchanged, what it wrote is in {place}."
    ))
}

/// Gives a file with typed text a name that was not there before, one the next start names. A desk
/// in a container often has the process number of the one before it.
fn set_aside(file: &Path) -> io::Result<PathBuf> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.replacen("reply-", "unsaved-", 1);
    for again in 0_u32.. {
        let to = file.with_file_name(format!("{stem}-{again}.txt"));
        if !to.try_exists()? {
            std::fs::rename(file, &to)?;
            return Ok(to);
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Reads what the editor left and removes the file; none where nothing was changed.
fn left_in(file: &Path, before: &str) -> Result<Option<String>, Trouble> {
    let bytes = std::fs::read(file).map_err(|error| {
        let what = format!("The editor's file {} could not be read", file.display());
        cannot(&what, &error)
    })?;
    drop(std::fs::remove_file(file));
    let new = String::from_utf8_lossy(&bytes);
    let new = new.trim_end_matches('\n');
    Ok((new != before.trim_end_matches('\n')).then(|| new.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_desk_of_the_same_number_left_is_set_aside_and_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let editor = OutsideEditor {
            command: None,
            scratch: folder.path().to_owned(),
        };
        let file = folder.path().join("reply-12-7.txt");

        for text in ["first", "second", "third"] {
            editor.write(&file, text).unwrap();
        }

        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("unsaved-12-7-0.txt"), "first");
        assert_eq!(read("unsaved-12-7-1.txt"), "second");
        assert_eq!(read("reply-12-7.txt"), "third");
    }
}
