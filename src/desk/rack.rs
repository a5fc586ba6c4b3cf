//! The keys as the desk uses them: read once, kept in memory, noted by name.

use std::collections::{BTreeMap, BTreeSet};

use secrecy::SecretString;
use tokio::sync::watch;

use super::DeskError;
use crate::{
    domain::{KeySource, ProviderName},
    secrets::{Noted, Patience, Vault, VaultError, mask},
};

/// Keys that were read, the vault behind them, and the names of those that have one.
pub(super) struct Rack {
    vault: Vault,
    noted: Noted,
    patience: Patience,
    read: watch::Sender<BTreeMap<ProviderName, (KeySource, SecretString)>>,
}

impl Rack {
    /// Makes the rack over a vault.
    pub(super) fn new(vault: Vault, noted: Noted, patience: Patience) -> Self {
        Self {
            vault,
            noted,
            patience,
            read: watch::Sender::default(),
        }
    }

    /// Returns the key of a provider; none where none is needed or none is kept.
    pub(super) async fn key(
        &self,
        name: &ProviderName,
        source: &KeySource,
    ) -> Result<Option<SecretString>, VaultError> {
        let known = self.read.borrow().get(name).cloned();
        if let Some((_, key)) = known.filter(|(from, _)| from == source) {
            return Ok(Some(key));
        }
        let key = self.vault.get(name, source, &self.patience).await?;
        if let Some(key) = &key {
            let entry = (source.clone(), key.clone());
            self.read
                .send_modify(|read| drop(read.insert(name.clone(), entry)));
        }
        Ok(key)
    }

    /// Returns the names of providers whose key is in the keyring, without asking it.
    pub(super) fn noted(&self) -> BTreeSet<ProviderName> {
        self.noted.names()
    }

    /// Returns a key's last characters, if it was read already.
    pub(super) fn masked(&self, name: &ProviderName) -> Option<String> {
        self.read.borrow().get(name).map(|(_, key)| mask(key))
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
        let entry = (KeySource::Keyring, key);
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
    }
}
