//! Mail accounts: added with their password, listed, opened, taken out.

use futures::TryFutureExt as _;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    sign_in::{Pass, Step},
    sync::wrong,
};
use crate::{
    config::{AccountConfig, edit},
    domain::{FolderMark, KeySource, Login},
    source::mail::{
        imap::{self, INBOX, ImapError, Mailbox},
        smtp::{self, SmtpError, SmtpLogin, Submission},
    },
};

impl Desk {
    /// Signs in both ways with a password that was just given, without keeping it; sends nothing.
    pub async fn try_account(
        &self,
        account: &AccountConfig,
        password: &SecretString,
    ) -> Result<FolderMark, DeskError> {
        let pass = Pass::Password(password.clone());
        self.try_pass(account, &pass).await
    }

    /// Signs in both ways with what is kept; reads nothing and sends nothing.
    pub async fn test_account(&self, account: &AccountConfig) -> Result<FolderMark, DeskError> {
        let mark = look(account, self.mailbox(account).await?).await?;
        if account.sending.smtp.is_some() {
            self.submission(account).await?.close().await;
        }
        Ok(mark)
    }

    /// Signs in both ways; reads nothing and sends nothing.
    pub(super) async fn try_pass(
        &self,
        account: &AccountConfig,
        pass: &Pass,
    ) -> Result<FolderMark, DeskError> {
        let mark = look(account, open(account, pass).await?).await?;
        if account.sending.smtp.is_some() {
            open_to_send(account, pass).await?.close().await;
        }
        Ok(mark)
    }

    /// Connects to the mailbox with what is kept. A token that is refused is renewed once.
    pub(super) async fn mailbox(&self, account: &AccountConfig) -> Result<Mailbox, DeskError> {
        let pass = self.pass(account).await?;
        let opened = open(account, &pass).await;
        if let Err(DeskError::Mail {
            error: ImapError::Refused { .. },
            ..
        }) = &opened
            && let Some(another) = self.another_pass(account, &pass).await?
        {
            return open(account, &another).await;
        }
        opened
    }

    /// Connects to the server that sends with what is kept. A token that is refused is renewed
    /// once.
    pub(super) async fn submission(
        &self,
        account: &AccountConfig,
    ) -> Result<Submission, DeskError> {
        let pass = self.pass(account).await?;
        let opened = open_to_send(account, &pass).await;
        if let Err(DeskError::Smtp {
            error: SmtpError::Refused { .. },
            ..
        }) = &opened
            && let Some(another) = self.another_pass(account, &pass).await?
        {
            return open_to_send(account, &another).await;
        }
        opened
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

    /// Tries an account with a password and keeps both. One of the same address is changed.
    pub async fn set_up_account(
        &self,
        account: &AccountConfig,
        password: &SecretString,
    ) -> Result<FolderMark, DeskError> {
        let mark = self.try_account(account, password).await?;
        let mut account = account.clone();
        let known = self.accounts(Some(&account.address)).unwrap_or_default();
        if let Some(known) = known.into_iter().next() {
            account.name = known.name;
        }
        self.add_account(&account, Some(password)).await?;
        Ok(mark)
    }

    /// Signs in to an account and notes it in the config, or neither. What the person must do comes
    /// as [`DeskEvent::SignIn`]. None: it was stopped before.
    pub async fn set_up_sign_in(
        &self,
        account: &AccountConfig,
        stop: &CancellationToken,
    ) -> Result<Option<FolderMark>, DeskError> {
        let mut tell = |step: Step<'_>| {
            let (url, code) = match step {
                Step::Code { url, code } => (url, Some(code.to_owned())),
                Step::Page(url) => (url, None),
            };
            let url = url.to_owned();
            self.tell(DeskEvent::SignIn { url, code });
        };
        let note = async || {
            let known = self.accounts(Some(&account.address)).unwrap_or_default();
            let mut account = account.clone();
            if let Some(known) = known.first() {
                account.name.clone_from(&known.name);
            }
            if known.first() == Some(&account) {
                return Ok(());
            }
            self.add_account(&account, None).await
        };
        Box::pin(self.sign_in_until(account, (&mut tell, stop), note)).await
    }

    /// Takes an account out of the config and its password or sign-in out of the keyring. Its
    /// tickets stay. Returns whether there was a secret.
    pub async fn remove_account(&self, account: &AccountConfig) -> Result<bool, DeskError> {
        // The keyring first: while the account stands in the config, a failure can be tried again.
        // Both kinds: the way of signing in may have been another one before.
        let had = match &account.login {
            Login::Password(KeySource::Keyring) | Login::SignIn(_) => {
                let had_sign_in = self.keys.remove_sign_in(&account.address).await?;
                self.keys.remove_password(&account.address).await? || had_sign_in
            }
            Login::Password(KeySource::Command(_) | KeySource::Env(_) | KeySource::NotNeeded) => {
                false
            }
        };
        edit::remove_account(&self.paths.config_file, &account.name)?;
        self.reload()?;
        Ok(had)
    }
}

async fn open(account: &AccountConfig, pass: &Pass) -> Result<Mailbox, DeskError> {
    let login = imap::Login {
        server: &account.imap,
        user: &account.user,
        credential: pass.credential(),
        ca: account.ca.as_deref(),
    };
    imap::open(login).map_err(wrong(account)).await
}

async fn open_to_send(account: &AccountConfig, pass: &Pass) -> Result<Submission, DeskError> {
    let Some(server) = &account.sending.smtp else {
        return Err(DeskError::NoWayOut);
    };
    let login = SmtpLogin {
        server,
        user: &account.user,
        credential: pass.credential(),
        ca: account.ca.as_deref(),
        hello: account.address.rsplit('@').next().unwrap_or("localhost"),
    };
    let failed = |error| DeskError::Smtp {
        address: account.address.clone(),
        error,
    };
    smtp::open(login).map_err(failed).await
}

async fn look(account: &AccountConfig, mut mailbox: Mailbox) -> Result<FolderMark, DeskError> {
    let mark = mailbox.select(INBOX).map_err(wrong(account)).await;
    mailbox.close().await;
    mark
}
