//! What a person is asked on the terminal; secrets from a person or a pipe: never shown, never an
//! argument.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};

use super::{
    draft::told_to_stop,
    out::ask,
    stop::{Exit, Stop},
};
use crate::domain::Ending;

/// No key and no password is longer; a pipe that goes on for ever is not read.
const LONGEST: u64 = 16 * 1024;

/// Reads one line: asked for without echo on a terminal, else the first line of stdin.
pub(super) async fn read(question: &str) -> Result<SecretString, Stop> {
    if io::stdin().is_terminal() {
        return typed(question, Shown::Not).await;
    }
    let mut line = String::new();
    io::stdin()
        .lock()
        .take(LONGEST)
        .read_line(&mut line)
        .map_err(|error| unread(&error))?;
    Ok(SecretString::from(line))
}

/// Asks on the terminal what may be seen, and returns the line.
pub(super) async fn line(question: &str) -> Result<String, Stop> {
    let line = typed(question, Shown::AsTyped).await?;
    Ok(line.expose_secret().trim().to_owned())
}

/// Whether the terminal shows what is typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    AsTyped,
    Not,
}

/// Asks on the terminal. The thread that reads is left alone when the person stops it;
/// the terminal shows what is typed again before the program leaves.
async fn typed(question: &str, shown: Shown) -> Result<SecretString, Stop> {
    // Before the prompt: what is pasted right after it must not show either.
    let echo = (shown == Shown::Not).then(Echo::off);
    let typed = async {
        // Polled after the signals are listened to: a key pressed at once is not lost to them.
        let (answer, answered) = tokio::sync::oneshot::channel();
        ask(question);
        let read = || {
            let mut line = String::new();
            let typed = io::stdin().lock().take(LONGEST).read_line(&mut line);
            drop(answer.send(typed.map(|_| SecretString::from(line))));
        };
        let spawned = std::thread::Builder::new().spawn(read);
        drop(spawned.map_err(|error| unread(&error))?);
        match answered.await {
            Ok(typed) => typed.map_err(|error| unread(&error)),
            Err(_) => Err(Stop::failed("What was typed could not be read.")),
        }
    };
    let typed = tokio::select! {
        biased;
        () = told_to_stop() => Err(Stop {
            exit: Exit::after(Ending::Cancelled),
            words: "Cancelled. Nothing was stored.".to_owned(),
            advice: None,
        }),
        typed = typed => typed,
    };
    if let Some(echo) = echo {
        echo.restore();
        ask("\n");
    }
    typed
}

fn unread(error: &io::Error) -> Stop {
    Stop::failed(format!("What was typed could not be read: {error}."))
}

/// How the terminal stood before it was asked.
struct Echo {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Echo {
    /// Notes how the terminal stands and lets it show nothing.
    fn off() -> Self {
        #[cfg(unix)]
        {
            use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
            let before = tcgetattr(io::stdin()).ok();
            if let Some(before) = &before {
                let mut silent = before.clone();
                silent.local_modes.remove(LocalModes::ECHO);
                // Where that fails, the reading itself says so.
                tcsetattr(io::stdin(), OptionalActions::Now, &silent).unwrap_or(());
            }
            Self { before }
        }
        #[cfg(not(unix))]
        Self {}
    }

    fn restore(&self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            use rustix::termios::{OptionalActions, tcsetattr};
            // Half a key that nobody read must not become the shell's next line. A terminal that is
            // gone needs no echo.
            tcsetattr(io::stdin(), OptionalActions::Flush, before).unwrap_or(());
        }
    }
}
