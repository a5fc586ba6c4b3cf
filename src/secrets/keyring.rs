//! The OS keyring: service `deskhand`, account = the provider's name.
//!
//! The one file that names the keyring crate. Its calls block, some until a person has typed a
//! password; [`super::Vault::ask`] is the only caller and makes them on a thread of their own.

use std::{collections::BTreeMap, sync::Mutex};

use keyring_core::Error;
use secrecy::{ExposeSecret as _, SecretString};

use super::{SecretStore, VaultError};

const SERVICE: &str = "deskhand";

/// The keyring of the system: Secret Service, Keychain or Credential Manager.
pub(super) struct OsKeyring;

impl SecretStore for OsKeyring {
    fn get(&self, account: &str) -> Result<Option<SecretString>, VaultError> {
        match entry(account)?.get_password() {
            Ok(key) => Ok(Some(SecretString::from(key))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(&error)),
        }
    }

    fn set(&self, account: &str, key: &SecretString) -> Result<(), VaultError> {
        entry(account)?
            .set_password(key.expose_secret())
            .map_err(|error| translate(&error))
    }

    fn remove(&self, account: &str) -> Result<bool, VaultError> {
        match entry(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(error) => Err(translate(&error)),
        }
    }
}

fn entry(account: &str) -> Result<keyring::Entry, VaultError> {
    if let Err(error) = keyring::Entry::store_status() {
        return Err(VaultError::NoKeyring { said: words(error) });
    }
    keyring::Entry::new(SERVICE, account).map_err(|error| translate(&error))
}

/// Turns the crate's error into ours. Some of its errors hold the bytes of the key: they are
/// named by what they are, never printed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the crate's errors are not exhaustive and may grow"
)]
pub(super) fn translate(error: &Error) -> VaultError {
    match error {
        Error::NoDefaultStore => VaultError::NoKeyring {
            said: "no store for this system".to_owned(),
        },
        Error::NoStorageAccess(_) => {
            let said = words(error).to_lowercase();
            if said.contains("result not returned") {
                VaultError::NoCollection
            } else {
                // Locked, or a prompt that was dismissed or could not be shown.
                VaultError::Locked
            }
        }
        Error::BadEncoding(_) | Error::BadDataFormat(..) => VaultError::NotAKey {
            from: "what the keyring holds".to_owned(),
            why: "is not text",
        },
        _ => VaultError::Failed { said: words(error) },
    }
}

/// Returns the words of an error that holds no key, on one short line.
fn words(error: &Error) -> String {
    error
        .to_string()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(200)
        .collect()
}

/// Keys in memory: for the demo and for tests.
#[derive(Default)]
pub(super) struct MemoryKeyring {
    keys: Mutex<BTreeMap<String, SecretString>>,
}

impl MemoryKeyring {
    fn with<T>(
        &self,
        act: impl FnOnce(&mut BTreeMap<String, SecretString>) -> T,
    ) -> Result<T, VaultError> {
        match self.keys.lock() {
            Ok(mut keys) => Ok(act(&mut keys)),
            Err(_) => Err(VaultError::Failed {
                said: "a call before this one broke off".to_owned(),
            }),
        }
    }
}

impl SecretStore for MemoryKeyring {
    fn get(&self, account: &str) -> Result<Option<SecretString>, VaultError> {
        self.with(|keys| keys.get(account).cloned())
    }

    fn set(&self, account: &str, key: &SecretString) -> Result<(), VaultError> {
        self.with(|keys| keys.insert(account.to_owned(), key.clone()))
            .map(|_| ())
    }

    fn remove(&self, account: &str) -> Result<bool, VaultError> {
        self.with(|keys| keys.remove(account).is_some())
    }
}
