//! What the doctor says of mail accounts: what can be known without calling a server.

use super::{
    Desk, DeskError,
    doctor::{Check, Health},
};
use crate::{
    config::AccountConfig,
    domain::{KeySource, Login},
};

impl Desk {
    /// Looks at each account: where it reads and sends, and whether its secret is there.
    pub(super) async fn examine_accounts(&self, checks: &mut Vec<Check>) {
        let Ok(accounts) = self.accounts(None) else {
            return;
        };
        for account in &accounts {
            checks.push(self.examine_account(account).await);
        }
    }

    async fn examine_account(&self, account: &AccountConfig) -> Check {
        let address = &account.address;
        let what = format!("account {address}");
        let secret = match self.secret_of(account).await {
            Ok(secret) => secret,
            Err(error) => {
                let mend = error.advice().unwrap_or_default();
                return Check::bad(&what, Health::Broken, error.to_string(), mend);
            }
        };
        match &account.sending.smtp {
            Some(smtp) => Check::good(
                &what,
                format!("reads from {}, sends by {smtp}; {secret}", account.imap),
            ),
            None => Check::bad(
                &what,
                Health::Unwise,
                format!("reads from {}; {secret}; replies wait", account.imap),
                "name the server that sends: smtp = \"smtps://...\" under the account",
            ),
        }
    }

    /// Tells in words that the secret of an account is there; the error says that it is not.
    async fn secret_of(&self, account: &AccountConfig) -> Result<&'static str, DeskError> {
        let address = &account.address;
        match &account.login {
            Login::Password(source) => {
                let password = self.keys.password(address, source).await?;
                let none = || DeskError::NoPassword(address.clone());
                password.ok_or_else(none)?;
                Ok(match source {
                    KeySource::Keyring => "its password is in your keyring",
                    KeySource::Command(_) => "a command writes its password",
                    KeySource::Env(_) | KeySource::NotNeeded => "its password is there",
                })
            }
            Login::SignIn(_) => {
                let refresh = self.keys.sign_in(address).await?;
                let none = || DeskError::NotSignedIn(address.clone());
                refresh.ok_or_else(none)?;
                Ok("it is signed in")
            }
        }
    }
}
