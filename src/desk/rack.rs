//! The keys as the desk uses them: read once, kept in memory, noted by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::watch, time::Instant};

use super::DeskError;
use crate::{
    domain::{KeySource, ProviderName},
    secrets::{Noted, Patience, Vault, VaultError, mask},
    source::mail::oauth::HeldTokens,
};

/// A key that a command wrote this recently is no better when the command is asked again.
const FRESH: Duration = Duration::from_mins(5);

/// Keys that were read, the vault behind them, and the names of those that have one. Cheap to
/// clone: all clones read alike.
#[derive(Clone)]
pub(super) struct Rack {
    vault: Vault,
    noted: Noted,
    patience: Patience,
    read: watch::Sender<BTreeMap<ProviderName, Kept>>,
    tokens: HeldTokens,
}

/// A key that was read: where from, and when.
#[derive(Clone)]
struct Kept {
    source: KeySource,
    key: SecretString,
    at: Instant,
}

impl Kept {
    fn new(source: KeySource, key: SecretString) -> Self {
        Self {
            source,
            key,
            at: Instant::now(),
        }
    }
}

fn of_password(address: &str, error: VaultError) -> DeskError {
    DeskError::Password {
        address: address.to_owned(),
        error,
    }
}

impl Rack {
    /// Makes the rack over a vault.
    pub(super) fn new(vault: Vault, noted: Noted, patience: Patience) -> Self {
        Self {
            vault,
            noted,
            patience,
            read: watch::Sender::default(),
            tokens: HeldTokens::default(),
        }
    }

    /// Returns the key of a provider; none where none is needed or none is kept.
    pub(super) async fn key(
        &self,
        name: &ProviderName,
        source: &KeySource,
    ) -> Result<Option<SecretString>, VaultError> {
        let known = self.read.borrow().get(name).cloned();
        if let Some(kept) = known.filter(|kept| kept.source == *source) {
            return Ok(Some(kept.key));
        }
        let key = self.vault.get(name, source, &self.patience).await?;
        if let Some(key) = &key {
            let entry = Kept::new(source.clone(), key.clone());
            self.read
                .send_modify(|read| drop(read.insert(name.clone(), entry)));
        }
        Ok(key)
    }

    /// Asks the command of a key again when the key was refused: an access token may only be over.
    /// None when the last answer is fresh, or the same comes again.
    pub(super) async fn renewed(
        &self,
        name: &ProviderName,
        source: &KeySource,
    ) -> Option<SecretString> {
        self.renewed_after(FRESH, name, source).await
    }

    async fn renewed_after(
        &self,
        fresh: Duration,
        name: &ProviderName,
        source: &KeySource,
    ) -> Option<SecretString> {
        if !matches!(source, KeySource::Command(_)) {
            return None;
        }
        let old = self.read.borrow().get(name).cloned();
        if old.as_ref().is_some_and(|old| old.at.elapsed() < fresh) {
            return None;
        }
        self.forget(name);
        let key = self.key(name, source).await.ok().flatten()?;
        let is_same = old.is_some_and(|old| old.key.expose_secret() == key.expose_secret());
        (!is_same).then_some(key)
    }

    /// Returns the password of a mailbox; none where none is kept.
    pub(super) async fn password(
        &self,
        address: &str,
        source: &KeySource,
    ) -> Result<Option<SecretString>, DeskError> {
        let read = self.vault.password(address, source, &self.patience).await;
        read.map_err(|error| of_password(address, error))
    }

    /// Keeps the password of a mailbox in the keyring.
    pub(super) async fn set_password(
        &self,
        address: &str,
        password: &SecretString,
    ) -> Result<(), DeskError> {
        let kept = self
            .vault
            .set_password(address, password, &self.patience)
            .await;
        kept.map_err(|error| of_password(address, error))
    }

    /// Removes the password of a mailbox; says whether there was one.
    pub(super) async fn remove_password(&self, address: &str) -> Result<bool, DeskError> {
        let removed = self.vault.remove_password(address, &self.patience).await;
        removed.map_err(|error| of_password(address, error))
    }

    /// Returns what renews the sign-in of a mailbox; none where none is kept.
    pub(super) async fn sign_in(&self, address: &str) -> Result<Option<SecretString>, DeskError> {
        let read = self.vault.sign_in(address, &self.patience).await;
        read.map_err(|error| of_password(address, error))
    }

    /// Keeps what renews the sign-in of a mailbox in the keyring.
    pub(super) async fn set_sign_in(
        &self,
        address: &str,
        refresh: &SecretString,
    ) -> Result<(), DeskError> {
        let kept = self.vault.set_sign_in(address, refresh, &self.patience);
        kept.await.map_err(|error| of_password(address, error))
    }

    /// Removes what renews the sign-in of a mailbox; says whether there was one.
    pub(super) async fn remove_sign_in(&self, address: &str) -> Result<bool, DeskError> {
        self.tokens.of(address).await.forget();
        let removed = self.vault.remove_sign_in(address, &self.patience).await;
        removed.map_err(|error| of_password(address, error))
    }

    /// Returns the access tokens that are good for a while yet.
    pub(super) const fn tokens(&self) -> &HeldTokens {
        &self.tokens
    }

    /// Returns the names of providers whose key is in the keyring, without asking it.
    pub(super) fn noted(&self) -> BTreeSet<ProviderName> {
        self.noted.names()
    }

    /// Returns a key's last characters, if it was read already.
    pub(super) fn masked(&self, name: &ProviderName) -> Option<String> {
        self.read.borrow().get(name).map(|kept| mask(&kept.key))
    }

    /// Keeps a key in the keyring and notes that there is one.
    pub(super) async fn set(
        &self,
        name: &ProviderName,
        key: SecretString,
    ) -> Result<(), DeskError> {
        let wrong = |error| DeskError::Vault {
            provider: name.clone(),
            error,
        };
        self.vault
            .set(name, key.clone(), &self.patience)
            .await
            .map_err(wrong)?;
        self.noted.add(name).map_err(DeskError::Noting)?;
        let entry = Kept::new(KeySource::Keyring, key);
        self.read
            .send_modify(|read| drop(read.insert(name.clone(), entry)));
        Ok(())
    }

    /// Removes a key; says whether there was one.
    pub(super) async fn remove(&self, name: &ProviderName) -> Result<bool, DeskError> {
        let wrong = |error| DeskError::Vault {
            provider: name.clone(),
            error,
        };
        let removed = self
            .vault
            .remove(name, &self.patience)
            .await
            .map_err(wrong)?;
        self.noted.remove(name).map_err(DeskError::Noting)?;
        self.forget(name);
        Ok(removed)
    }

    /// Forgets what was read of one key, so that it is read anew.
    pub(super) fn forget(&self, name: &ProviderName) {
        self.read.send_modify(|read| drop(read.remove(name)));
    }

    /// Forgets every key that was read.
    pub(super) fn forget_all(&self) {
        self.read.send_modify(BTreeMap::clear);
        self.tokens.forget_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_is_asked_again_when_its_answer_is_old_and_brings_another() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::in_memory(|_| None);
        let rack = Rack::new(vault, Noted::at(dir.path()), Patience::of_a_command());
        let name = ProviderName("vertex".to_owned());
        let count = dir.path().join("count");
        let script = format!("echo x >> {0}; wc -l < {0}", count.display());
        let command =
            |script: &str| KeySource::Command(["sh", "-c", script].map(str::to_owned).to_vec());
        let counts = command(&script);
        let read = |key: Option<SecretString>| key.map(|key| key.expose_secret().trim().to_owned());

        assert_eq!(
            read(rack.key(&name, &counts).await.unwrap()).as_deref(),
            Some("1")
        );
        assert_eq!(
            read(rack.renewed(&name, &counts).await),
            None,
            "it is fresh"
        );
        let again = rack.renewed_after(Duration::ZERO, &name, &counts).await;
        assert_eq!(read(again).as_deref(), Some("2"));
        assert_eq!(
            read(rack.key(&name, &counts).await.unwrap()).as_deref(),
            Some("2")
        );

        let same = command("echo one");
        rack.key(&name, &same).await.unwrap();
        assert_eq!(
            read(rack.renewed_after(Duration::ZERO, &name, &same).await),
            None
        );
        assert_eq!(
            read(
                rack.renewed_after(Duration::ZERO, &name, &KeySource::Keyring)
                    .await
            ),
            None
        );
    }
}
