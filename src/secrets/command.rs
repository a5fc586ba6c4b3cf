//! A key that a command writes: `pass show x` and the like.
//!
//! Its first line is the key. Nothing it writes is logged or repeated; stdin is closed and stderr
//! thrown away, for a helper that asks would wait for ever.

use std::{process::Stdio, time::Duration};

use secrecy::{SecretString, zeroize::Zeroizing};
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

use super::{VaultError, checked, checked_password};

/// How long a command may take.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// No key is longer; what comes after is left unread.
const MOST: u64 = 64 * 1024;

/// Runs a command and returns the key it writes in its first line.
pub(super) async fn key(words: &[String], limit: Duration) -> Result<SecretString, VaultError> {
    first_line(words, limit, checked).await
}

/// Runs a command and returns the password it writes in its first line.
pub(super) async fn password(
    words: &[String],
    limit: Duration,
) -> Result<SecretString, VaultError> {
    first_line(words, limit, checked_password).await
}

async fn first_line(
    words: &[String],
    limit: Duration,
    check: fn(&str, &str) -> Result<SecretString, VaultError>,
) -> Result<SecretString, VaultError> {
    let Some((program, arguments)) = words.split_first() else {
        return Err(VaultError::CommandNotStarted {
            program: String::new(),
            said: "it is empty".to_owned(),
        });
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    // A group of its own, so that what it started ends with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| VaultError::CommandNotStarted {
            program: program.clone(),
            said: error.to_string(),
        })?;
    let mut group = Group(child.id());
    // Sized once: growing would leave copies of the key behind.
    let mut written = Zeroizing::new(Vec::with_capacity(usize::try_from(MOST).unwrap_or(0)));
    let whole = async {
        if let Some(output) = child.stdout.take() {
            output.take(MOST).read_to_end(&mut written).await?;
        }
        child.wait().await
    };
    let ended = timeout(limit, whole).await;
    if matches!(ended, Ok(Ok(_))) {
        // Its number may belong to somebody else by now.
        group.0 = None;
    }
    drop(group);
    let failed = |ending: String| VaultError::CommandFailed {
        program: program.clone(),
        ending,
    };
    match ended {
        Err(_) => {
            return Err(VaultError::CommandTooSlow {
                program: program.clone(),
                seconds: limit.as_secs(),
            });
        }
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Ok(Ok(status)) if !status.success() => return Err(failed(status.to_string())),
        Ok(Ok(_)) => {}
    }
    let first = written.split(|byte| *byte == b'\n').next().unwrap_or(&[]);
    let from = format!("the first line of the command `{program}`");
    match std::str::from_utf8(first) {
        Ok(line) => check(line, &from),
        Err(_) => Err(VaultError::NotAKey {
            from,
            why: "is not text",
        }),
    }
}

/// Ends a command with everything it started when it goes out of scope, also on cancel.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};
            let group = self
                .0
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw);
            if let Some(group) = group {
                // It may have ended by itself.
                kill_process_group(group, Signal::KILL).unwrap_or(());
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    async fn run(script: &str) -> Result<String, VaultError> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let key = key(&words, Duration::from_secs(2)).await?;
        Ok(key.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_is_the_key() {
        assert_eq!(run("echo key1; echo more").await.as_deref(), Ok("key1"));
        assert_eq!(run("printf key2").await.as_deref(), Ok("key2"));
        assert_eq!(run("printf 'key3\\r\\n'").await.as_deref(), Ok("key3"));
    }

    #[tokio::test]
    async fn stdin_is_closed_and_stderr_is_not_read() {
        assert_eq!(
            run("cat; echo noise >&2; echo key").await.as_deref(),
            Ok("key")
        );
    }

    #[tokio::test]
    async fn a_command_that_fails_gives_no_key() {
        assert!(matches!(
            run("echo key; exit 3").await,
            Err(VaultError::CommandFailed { .. })
        ));
        assert!(matches!(run(":").await, Err(VaultError::NotAKey { .. })));
        let words = ["/nowhere/at/all".to_owned()];
        assert!(matches!(
            key(&words, LIMIT).await,
            Err(VaultError::CommandNotStarted { .. })
        ));
    }

    #[tokio::test]
    async fn a_slow_command_is_stopped_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("mark");
        let script = format!("(sleep 3; touch {}) & wait", mark.display());

        let error = run(&script).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(1_500)).await;

        assert!(
            matches!(error, VaultError::CommandTooSlow { .. }),
            "{error}"
        );
        assert!(!mark.exists());
    }
}
