//! Why there is no key: in sentences, with the lines to paste, and never with a key in them.

/// Says why a key could not be read, stored or removed. Holds no key and no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Nothing on this machine keeps secrets: no session bus, or no service on it.
    #[error("this machine has no keyring that answers ({said})")]
    NoKeyring {
        /// The system's words.
        said: String,
    },
    /// It wants its password first.
    #[error("your keyring is locked")]
    Locked,
    /// It has no collection that a key could be put into.
    #[error("your keyring has no collection yet that a key could be put into")]
    NoCollection,
    /// It may be asking for its password on another screen.
    #[error("your keyring did not answer in time; it may be asking for its password")]
    NoAnswer,
    /// It failed in another way.
    #[error("your keyring failed: {said}")]
    Failed {
        /// The system's words.
        said: String,
    },
    /// The variable is not set.
    #[error("the environment has no `{name}`")]
    NotInEnvironment {
        /// Which.
        name: String,
    },
    /// What was found cannot be a key.
    #[error("{from} {why}, so it is no key")]
    NotAKey {
        /// Where it was found.
        from: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What was found cannot be a password.
    #[error("{from} {why}, so it is no password")]
    NotAPassword {
        /// Where it was found.
        from: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The program of `api_key_command` cannot be started.
    #[error("the command `{program}` for the key cannot be started: {said}")]
    CommandNotStarted {
        /// Its name, without its arguments.
        program: String,
        /// The system's words.
        said: String,
    },
    /// It ended badly.
    #[error("the command `{program}` for the key failed ({ending})")]
    CommandFailed {
        /// Its name, without its arguments.
        program: String,
        /// `exit status: 1`, `signal: 9`.
        ending: String,
    },
    /// It did not end in time.
    #[error("the command `{program}` for the key did not end within {seconds} s and was stopped")]
    CommandTooSlow {
        /// Its name, without its arguments.
        program: String,
        /// How long it was given.
        seconds: u64,
    },
}

impl VaultError {
    /// Returns what the person can do, with lines to paste.
    pub fn advice(&self, provider: &str) -> String {
        let around = || {
            let name = variable(provider);
            format!(
                "Or keep the key elsewhere and name the place in the config:\n\n    \
                 [providers.{provider}]\n    api_key = \"${{{name}}}\"\n\n\
                 or\n\n    [providers.{provider}]\n    \
                 api_key_command = [\"pass\", \"show\", \"{provider}\"]"
            )
        };
        match self {
            Self::NoKeyring { .. } => format!(
                "Start one, for example on a machine without a desktop:\n\n    \
                 sudo apt install gnome-keyring dbus\n    dbus-run-session -- bash\n    \
                 gnome-keyring-daemon --unlock --components=secrets\n\n{}",
                around()
            ),
            Self::Locked => format!(
                "Unlock it where you sign in, or here (it reads the password from you):\n\n    \
                 gnome-keyring-daemon --unlock --components=secrets\n\n{}",
                around()
            ),
            Self::NoCollection => format!(
                "Make one: this reads its new password from you and unlocks it:\n\n    \
                 gnome-keyring-daemon --unlock --components=secrets\n\n{}",
                around()
            ),
            Self::NoAnswer => format!(
                "Look for a window that asks for the keyring's password, then try again.\n{}",
                around()
            ),
            Self::Failed { .. } => around(),
            Self::NotInEnvironment { name } => format!(
                "Set it before you start deskhand:\n\n    export {name}=...\n\nOr remove the line \
                 `api_key` under [providers.{provider}] and store the key in the keyring:\n\n    \
                 deskhand keys set {provider}"
            ),
            Self::NotAKey { from, .. } if from.contains('`') => {
                "Look at what stands there: it must be the key and nothing else.".to_owned()
            }
            Self::NotAPassword { .. } => {
                "Look at what stands there: it must be the password and nothing else.".to_owned()
            }
            Self::NotAKey { .. } => {
                format!("Copy the key once more and run:\n\n    deskhand keys set {provider}")
            }
            Self::CommandNotStarted { .. }
            | Self::CommandFailed { .. }
            | Self::CommandTooSlow { .. } => {
                "Run the api_key_command of the config by hand: it must write the key as its first \
                 line, ask nothing, and end well."
                    .to_owned()
            }
        }
    }
}

/// Returns the usual name of the variable that holds a provider's key.
fn variable(provider: &str) -> String {
    let name: String = provider
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("{name}_API_KEY")
}
