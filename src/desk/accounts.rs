//! Mail accounts: added with their password, listed, taken out.

use secrecy::SecretString;

use super::{Desk, DeskError, sync};
use crate::{
    config::{AccountConfig, edit},
    domain::{FolderMark, KeySource},
};

impl Desk {
    /// Signs in to a mailbox with a password that was just given, without keeping it.
    pub async fn try_account(
        &self,
        account: &AccountConfig,
        password: &SecretString,
    ) -> Result<FolderMark, DeskError> {
        sync::try_login(account, password).await
    }

    /// Writes an account into the config and its password, where one is given, into the keyring.
    /// The password first: an account without one would only fail.
    pub async fn add_account(
        &self,
        account: &AccountConfig,
        password: Option<&SecretString>,
    ) -> Result<(), DeskError> {
        if let Some(password) = password {
            self.keys.set_password(&account.address, password).await?;
        }
        edit::write_account(&self.paths.config_file, account)?;
        self.reload()
    }

    /// Takes an account out of the config and its password out of the keyring. Its tickets stay.
    /// Returns whether there was a password.
    pub async fn remove_account(&self, account: &AccountConfig) -> Result<bool, DeskError> {
        edit::remove_account(&self.paths.config_file, &account.name)?;
        self.reload()?;
        match account.password {
            KeySource::Keyring => self.keys.remove_password(&account.address).await,
            KeySource::Command(_) | KeySource::Env(_) | KeySource::NotNeeded => Ok(false),
        }
    }
}
