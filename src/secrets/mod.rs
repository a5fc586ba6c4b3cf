//! Keys of providers: out of the OS keyring, the environment or a command, and nowhere else.
//!
//! A key lives in `SecretString`, is written to no file, log, error or debug print, and leaves this
//! room only as the value that was asked for. No file of keys is kept; `noted` keeps names alone.
//! What the environment says is handed in: this room does not read it.

mod command;
mod environment;
mod error;
mod fingerprint;
mod keyring;
mod noted;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

pub use error::VaultError;
pub use fingerprint::{fingerprint, mask};
pub use noted::Noted;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::oneshot, time::timeout};

use crate::domain::{KeySource, ProviderName};

/// After this long the person is told that the keyring is being waited for.
pub const WAITING_AFTER: Duration = Duration::from_secs(3);

/// A command without a terminal gives up after this long.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(10);

/// More calls than this never wait for a keyring that does not answer.
const CALLS_AT_ONCE: usize = 8;

/// Reads the environment on behalf of this room.
type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The way to every key.
#[derive(Clone)]
pub struct Vault {
    keyring: Arc<dyn SecretStore>,
    environment: Arc<Environment>,
    calls: Arc<AtomicUsize>,
}

/// Where keys are stored: the OS keyring, or a test's memory. Its calls block.
trait SecretStore: Send + Sync {
    fn get(&self, account: &str) -> Result<Option<SecretString>, VaultError>;
    fn set(&self, account: &str, key: &SecretString) -> Result<(), VaultError>;
    /// Tells whether there was one.
    fn remove(&self, account: &str) -> Result<bool, VaultError>;
}

/// How long to wait for the keyring, which may be asking the person for a password.
#[derive(Clone)]
pub struct Patience {
    waiting_after: Duration,
    limit: Option<Duration>,
    on_waiting: Arc<dyn Fn() + Send + Sync>,
}

impl Patience {
    /// For commands: gives up after [`GIVE_UP_AFTER`].
    pub fn of_a_command() -> Self {
        Self {
            waiting_after: WAITING_AFTER,
            limit: Some(GIVE_UP_AFTER),
            on_waiting: Arc::new(|| {}),
        }
    }

    /// For the screen: calls `on_waiting` once after [`WAITING_AFTER`] and waits on. To give up,
    /// drop the future.
    pub fn of_the_screen(on_waiting: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            waiting_after: WAITING_AFTER,
            limit: None,
            on_waiting: Arc::new(on_waiting),
        }
    }

    /// Calls `on_waiting` after [`WAITING_AFTER`], too.
    #[must_use]
    pub fn telling(mut self, on_waiting: impl Fn() + Send + Sync + 'static) -> Self {
        self.on_waiting = Arc::new(on_waiting);
        self
    }
}

impl Vault {
    /// Makes the vault over the OS keyring. Nothing is asked of it before the first call.
    pub fn new(environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::over(Arc::new(keyring::OsKeyring), Arc::new(environment))
    }

    /// Makes a vault that keeps its keys in memory: for the demo and for tests.
    pub fn in_memory(environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::over(
            Arc::new(keyring::MemoryKeyring::default()),
            Arc::new(environment),
        )
    }

    fn over(keyring: Arc<dyn SecretStore>, environment: Arc<Environment>) -> Self {
        Self {
            keyring,
            environment,
            calls: Arc::default(),
        }
    }

    /// Returns a provider's key from where the config says it is; none when the keyring has none
    /// or the provider wants none.
    pub async fn get(
        &self,
        provider: &ProviderName,
        source: &KeySource,
        patience: &Patience,
    ) -> Result<Option<SecretString>, VaultError> {
        no_core_files();
        match source {
            KeySource::NotNeeded => Ok(None),
            KeySource::Env(name) => environment::key(name, &*self.environment).map(Some),
            KeySource::Command(words) => command::key(words, command::LIMIT).await.map(Some),
            KeySource::Keyring => {
                let account = provider.0.clone();
                self.ask(patience, move |keyring| keyring.get(&account))
                    .await
            }
        }
    }

    /// Stores a provider's key in the keyring, in the place of an older one.
    pub async fn set(
        &self,
        provider: &ProviderName,
        key: SecretString,
        patience: &Patience,
    ) -> Result<(), VaultError> {
        no_core_files();
        let key = checked(key.expose_secret(), "what was given")?;
        let account = provider.0.clone();
        self.ask(patience, move |keyring| keyring.set(&account, &key))
            .await
    }

    /// Takes a provider's key out of the keyring; tells whether there was one.
    pub async fn remove(
        &self,
        provider: &ProviderName,
        patience: &Patience,
    ) -> Result<bool, VaultError> {
        let account = provider.0.clone();
        self.ask(patience, move |keyring| keyring.remove(&account))
            .await
    }

    /// Returns the password of a mailbox from where the config says it is; none when the keyring
    /// has none.
    pub async fn password(
        &self,
        address: &str,
        source: &KeySource,
        patience: &Patience,
    ) -> Result<Option<SecretString>, VaultError> {
        no_core_files();
        match source {
            KeySource::NotNeeded => Ok(None),
            KeySource::Env(name) => environment::key(name, &*self.environment).map(Some),
            KeySource::Command(words) => command::password(words, command::LIMIT).await.map(Some),
            KeySource::Keyring => {
                let account = mail_account(address);
                self.ask(patience, move |keyring| keyring.get(&account))
                    .await
            }
        }
    }

    /// Stores the password of a mailbox in the keyring, in the place of an older one.
    pub async fn set_password(
        &self,
        address: &str,
        password: &SecretString,
        patience: &Patience,
    ) -> Result<(), VaultError> {
        no_core_files();
        let password = checked_password(password.expose_secret(), "what was given")?;
        let account = mail_account(address);
        self.ask(patience, move |keyring| keyring.set(&account, &password))
            .await
    }

    /// Takes the password of a mailbox out of the keyring; tells whether there was one.
    pub async fn remove_password(
        &self,
        address: &str,
        patience: &Patience,
    ) -> Result<bool, VaultError> {
        let account = mail_account(address);
        self.ask(patience, move |keyring| keyring.remove(&account))
            .await
    }

    /// Returns what renews the sign-in of a mailbox; none when the keyring has none.
    pub async fn sign_in(
        &self,
        address: &str,
        patience: &Patience,
    ) -> Result<Option<SecretString>, VaultError> {
        no_core_files();
        let account = sign_in_account(address);
        self.ask(patience, move |keyring| keyring.get(&account))
            .await
    }

    /// Stores what renews the sign-in of a mailbox, in the place of an older one.
    pub async fn set_sign_in(
        &self,
        address: &str,
        refresh: &SecretString,
        patience: &Patience,
    ) -> Result<(), VaultError> {
        no_core_files();
        let refresh = checked_password(refresh.expose_secret(), "what the service granted")?;
        let account = sign_in_account(address);
        self.ask(patience, move |keyring| keyring.set(&account, &refresh))
            .await
    }

    /// Takes what renews the sign-in of a mailbox out of the keyring; tells whether it was there.
    pub async fn remove_sign_in(
        &self,
        address: &str,
        patience: &Patience,
    ) -> Result<bool, VaultError> {
        let account = sign_in_account(address);
        self.ask(patience, move |keyring| keyring.remove(&account))
            .await
    }

    /// Makes one call of the keyring on a thread of its own.
    ///
    /// Not on the runtime's threads: leaving would wait for ever for a call that waits for a
    /// password. The thread is left alone when nobody waits for it any more.
    async fn ask<T: Send + 'static>(
        &self,
        patience: &Patience,
        call: impl FnOnce(&dyn SecretStore) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        if self.calls.fetch_add(1, Ordering::AcqRel) >= CALLS_AT_ONCE {
            self.calls.fetch_sub(1, Ordering::AcqRel);
            return Err(VaultError::NoAnswer);
        }
        let (answer, mut answered) = oneshot::channel();
        let (keyring, calls) = (Arc::clone(&self.keyring), Arc::clone(&self.calls));
        let thread = std::thread::Builder::new().name("keyring".to_owned());
        let started = thread.spawn(move || {
            let result = call(&*keyring);
            calls.fetch_sub(1, Ordering::AcqRel);
            // Nobody may be waiting any more.
            drop(answer.send(result));
        });
        if let Err(error) = started {
            self.calls.fetch_sub(1, Ordering::AcqRel);
            return Err(VaultError::Failed {
                said: error.to_string(),
            });
        }
        let broke = |_| {
            Err(VaultError::Failed {
                said: "the call of the keyring broke off".to_owned(),
            })
        };
        if let Ok(early) = timeout(patience.waiting_after, &mut answered).await {
            return early.unwrap_or_else(broke);
        }
        (patience.on_waiting)();
        match patience.limit {
            None => answered.await.unwrap_or_else(broke),
            Some(limit) => timeout(limit.saturating_sub(patience.waiting_after), answered)
                .await
                .map_or(Err(VaultError::NoAnswer), |late| late.unwrap_or_else(broke)),
        }
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

/// Sets the limit of core files to 0, so that no crash writes a key to a disk. Once is enough.
///
/// Called before every key that is read; `keys set` calls it before it reads one from a person.
pub fn no_core_files() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        #[cfg(unix)]
        {
            use rustix::process::{Resource, Rlimit, setrlimit};
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            // Lowering one's own limit is always allowed.
            setrlimit(Resource::Core, none).unwrap_or(());
        }
    });
}

/// Returns the name under which the keyring has the password of a mailbox: no provider's, for
/// those hold no blank.
fn mail_account(address: &str) -> String {
    format!("mail {}", address.to_lowercase())
}

/// Returns the name under which the keyring has what renews the sign-in of a mailbox.
fn sign_in_account(address: &str) -> String {
    format!("sign-in {}", address.to_lowercase())
}

/// Refuses what cannot be a password. Blanks inside are a password's own.
fn checked_password(text: &str, from: &str) -> Result<SecretString, VaultError> {
    let password = text.trim_end_matches(['\r', '\n']);
    let why = if password.is_empty() {
        "is empty"
    } else if password.len() > 4096 {
        "is longer than any password"
    } else if password.chars().any(char::is_control) {
        "holds control characters"
    } else {
        return Ok(SecretString::from(password));
    };
    Err(VaultError::NotAPassword {
        from: from.to_owned(),
        why,
    })
}

/// Trims a key and refuses what cannot be one; `from` says where it came from.
fn checked(text: &str, from: &str) -> Result<SecretString, VaultError> {
    let key = text.trim();
    let why = if key.is_empty() {
        "is empty"
    } else if key.len() > 4096 {
        "is longer than any key"
    } else if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        "holds blanks or letters that no key has"
    } else {
        return Ok(SecretString::from(key));
    };
    Err(VaultError::NotAKey {
        from: from.to_owned(),
        why,
    })
}

#[cfg(test)]
mod tests;
