//! Signing in with tokens: a person says yes once; from then on the token is renewed before it
//! runs out, and once more when a server refuses it all the same. Of several programs one renews
//! at a time: many services give each refresh token once, and take all back when one is shown twice.

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    config::{AccountConfig, edit},
    domain::{FolderMark, KeySource, Login, SignIn, sign_in::Way},
    source::mail::oauth::{
        Asking, Browser, Credential, Held, OAuthError, Tokens, Unkept, device, is_same, renew,
    },
};

/// What opens a mailbox.
#[derive(Clone)]
pub(super) enum Pass {
    /// A password.
    Password(SecretString),
    /// An access token.
    Token(SecretString),
}

impl Pass {
    /// Returns it as the mail servers want it.
    pub(super) const fn credential(&self) -> Credential<'_> {
        match self {
            Self::Password(password) => Credential::Password(password),
            Self::Token(token) => Credential::Token(token),
        }
    }
}

/// What a person must do to say yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'s> {
    /// Open a page, on any machine, and type a code there.
    Code {
        /// The page.
        url: &'s str,
        /// The code.
        code: &'s str,
    },
    /// Say yes on a page in the browser of this machine; it was opened if that was possible.
    Page(&'s str),
}

impl Desk {
    /// Signs in to an account: `tell` hears what the person must do. The token is kept when the
    /// servers have taken it; nothing is sent.
    pub async fn sign_in(
        &self,
        account: &AccountConfig,
        tell: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<FolderMark, DeskError> {
        let (mark, tokens, refresh) = Box::pin(self.say_yes(account, tell)).await?;
        self.keep_sign_in(&account.address, &refresh, &tokens)
            .await?;
        self.wake_others(account);
        Ok(mark)
    }

    /// Does the same until `stop`, and then keeps the token with what `note` writes: from the first
    /// to the last of that it is not stopped any more, for a token without its account would stay
    /// behind. Where `note` fails, a token that was not there before is taken back. None: it was
    /// stopped, and nothing was kept.
    pub(super) async fn sign_in_until<T>(
        &self,
        account: &AccountConfig,
        (tell, stop): (&mut (dyn FnMut(Step<'_>) + Send), &CancellationToken),
        note: impl AsyncFnOnce() -> Result<T, DeskError>,
    ) -> Result<Option<FolderMark>, DeskError> {
        let said = Box::pin(self.say_yes(account, tell));
        let Some(said) = stop.run_until_cancelled(said).await else {
            return Ok(None);
        };
        let (mark, tokens, refresh) = said?;
        let address = &account.address;
        let was_there = self.keys.sign_in(address).await?.is_some();
        self.keep_sign_in(address, &refresh, &tokens).await?;
        if let Err(error) = note().await {
            if !was_there && let Err(error) = self.keys.remove_sign_in(address).await {
                tracing::warn!(%error, "a sign-in stayed in the keyring");
            }
            return Err(error);
        }
        self.wake_others(account);
        Ok(Some(mark))
    }

    /// Leads a person through saying yes; the servers have taken the token, which is not kept yet.
    async fn say_yes(
        &self,
        account: &AccountConfig,
        tell: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<(FolderMark, Tokens, SecretString), DeskError> {
        let Login::SignIn(sign_in) = &account.login else {
            return Err(DeskError::Nothing(
                "This account has a password, and no `login` in the config to sign in with.",
            ));
        };
        let secret = self.client_secret(account, sign_in).await?;
        let asking = asking(account, sign_in, secret.as_ref());
        let granted = Box::pin(self.granted(asking, tell)).await;
        let tokens = granted.map_err(wrong(account))?;
        let Some(refresh) = &tokens.refresh else {
            return Err(wrong(account)(OAuthError::Odd {
                host: host_of(&sign_in.token),
                why: "it granted nothing that can be renewed; the scope may lack offline_access"
                    .to_owned(),
            }));
        };
        // The person may have said yes for another mailbox: the servers know.
        let pass = Pass::Token(tokens.access.clone());
        let mark = self.try_pass(account, &pass).await?;
        let refresh = refresh.clone();
        Ok((mark, tokens, refresh))
    }

    /// Keeps what a person said yes to, while no program renews what was there before: that one
    /// would be written over it.
    async fn keep_sign_in(
        &self,
        address: &str,
        refresh: &SecretString,
        tokens: &Tokens,
    ) -> Result<(), DeskError> {
        let mut held = self.keys.tokens().of(address).await;
        let keeping = async {
            self.keys.set_sign_in(address, refresh).await?;
            held.all_is_kept();
            held.keep(tokens, self.clock.mono());
            Ok(())
        };
        self.under_lease(address, keeping).await
    }

    /// Does what only one program at a time may do with the sign-in of an address.
    async fn under_lease<T>(
        &self,
        address: &str,
        work: impl Future<Output = Result<T, DeskError>>,
    ) -> Result<T, DeskError> {
        let leases = self.leases();
        let lease = leases.take_patiently(&format!("sign-in {address}")).await?;
        let done = leases.beside(&lease, work).await;
        leases.let_go(lease).await;
        done
    }

    /// Lets open desks look at the account again, if the config has it already.
    fn wake_others(&self, account: &AccountConfig) {
        let known = self.accounts(Some(&account.address)).unwrap_or_default();
        if let Some(known) = known.first() {
            let file = &self.paths.config_file;
            if let Err(error) = edit::rewrite_account(file, &known.name) {
                // They look by themselves a little later.
                tracing::info!(%error, "open desks were not woken");
            }
        }
        self.tell(DeskEvent::Configured);
    }

    async fn granted(
        &self,
        asking: Asking<'_>,
        tell: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Result<Tokens, OAuthError> {
        match &asking.sign_in.way {
            Way::Device(place) => {
                let device = device(asking, place).await?;
                tell(Step::Code {
                    url: &device.url,
                    code: &device.code,
                });
                device.tokens(asking).await
            }
            Way::Browser(page) => {
                let browser = Browser::open(asking, page).await?;
                if let Err(error) = self.open_link(&browser.url) {
                    tracing::info!(%error, "the browser was not opened");
                }
                tell(Step::Page(&browser.url));
                browser.tokens(asking).await
            }
        }
    }

    /// Returns what opens an account: its password, or a token that is good for a while yet.
    pub(super) async fn pass(&self, account: &AccountConfig) -> Result<Pass, DeskError> {
        match &account.login {
            Login::Password(source) => {
                let password = self.keys.password(&account.address, source).await?;
                let none = || DeskError::NoPassword(account.address.clone());
                password.map(Pass::Password).ok_or_else(none)
            }
            Login::SignIn(sign_in) => {
                let access = self.access(account, sign_in, None).await?;
                Ok(Pass::Token(access))
            }
        }
    }

    /// Returns another token in the place of one that a server refused; none for a password.
    pub(super) async fn another_pass(
        &self,
        account: &AccountConfig,
        refused: &Pass,
    ) -> Result<Option<Pass>, DeskError> {
        match (&account.login, refused) {
            (Login::SignIn(sign_in), Pass::Token(refused)) => {
                let access = self.access(account, sign_in, Some(refused)).await?;
                Ok(Some(Pass::Token(access)))
            }
            (Login::SignIn(_), Pass::Password(_)) | (Login::Password(_), _) => Ok(None),
        }
    }

    /// Returns a token that is good for a while yet, and not the one that was just refused.
    async fn access(
        &self,
        account: &AccountConfig,
        sign_in: &SignIn,
        refused: Option<&SecretString>,
    ) -> Result<SecretString, DeskError> {
        let address = &account.address;
        let mut held = self.keys.tokens().of(address).await;
        if let Some(access) = held.access(self.clock.mono(), refused) {
            return Ok(access);
        }
        // The keyring is read under the lease: another program may have just renewed.
        let renewing = Box::pin(self.renew_and_keep(account, sign_in, &mut held));
        self.under_lease(address, renewing).await
    }

    /// Renews a token and keeps what came with it.
    async fn renew_and_keep(
        &self,
        account: &AccountConfig,
        sign_in: &SignIn,
        held: &mut Held,
    ) -> Result<SecretString, DeskError> {
        let address = &account.address;
        let unkept = held.unkept();
        let kept = match (self.keys.sign_in(address).await, &unkept) {
            (Ok(kept), _) => kept,
            // A keyring that cannot be read now is as it was.
            (Err(_), Some(unkept)) => unkept.instead_of.clone(),
            (Err(error), None) => return Err(error),
        };
        // Where something else is kept by now, somebody has signed in since.
        let unkept = unkept.filter(|unkept| is_same(unkept.instead_of.as_ref(), kept.as_ref()));
        let was_unkept = unkept.is_some();
        let refresh = unkept.map(|unkept| unkept.refresh).or_else(|| kept.clone());
        let refresh = refresh.ok_or_else(|| DeskError::NotSignedIn(address.clone()))?;
        if let Some(said) = held.refused_with(&refresh) {
            let host = host_of(&sign_in.token);
            return Err(wrong(account)(OAuthError::Refused { host, said }));
        }
        let (used, renewed) = self.renewed(account, sign_in, refresh.clone()).await?;
        let is_kept_one = !was_unkept || !is_same(Some(&used), Some(&refresh));
        let kept = if is_kept_one {
            Some(used.clone())
        } else {
            kept
        };
        if let Err(OAuthError::Refused { said, .. }) = &renewed {
            held.refuse(&used, said);
        }
        let tokens = renewed.map_err(wrong(account))?;
        held.keep(&tokens, self.clock.mono());
        let fresh = tokens.refresh.unwrap_or(used);
        if is_same(Some(&fresh), kept.as_ref()) {
            held.all_is_kept();
        } else {
            // Held before it is written: a write that fails or is given up loses nothing.
            held.hold(Unkept {
                refresh: fresh.clone(),
                instead_of: kept,
            });
            match self.keys.set_sign_in(address, &fresh).await {
                Ok(()) => held.all_is_kept(),
                Err(error) => tracing::warn!(%error, "a renewed sign-in could not be kept"),
            }
        }
        Ok(tokens.access)
    }

    /// Renews a token; once more with what another program of this desk has kept meanwhile.
    /// Returns the refresh token that was used last.
    async fn renewed(
        &self,
        account: &AccountConfig,
        sign_in: &SignIn,
        refresh: SecretString,
    ) -> Result<(SecretString, Result<Tokens, OAuthError>), DeskError> {
        let secret = self.client_secret(account, sign_in).await?;
        let asking = asking(account, sign_in, secret.as_ref());
        let renewed = renew(asking, &refresh).await;
        if !matches!(renewed, Err(OAuthError::Refused { .. })) {
            return Ok((refresh, renewed));
        }
        match self.keys.sign_in(&account.address).await? {
            Some(newer) if !is_same(Some(&newer), Some(&refresh)) => {
                let renewed = renew(asking, &newer).await;
                Ok((newer, renewed))
            }
            Some(_) | None => Ok((refresh, renewed)),
        }
    }

    async fn client_secret(
        &self,
        account: &AccountConfig,
        sign_in: &SignIn,
    ) -> Result<Option<SecretString>, DeskError> {
        match &sign_in.client_secret {
            None => Ok(None),
            Some(words) => {
                let source = KeySource::Command(words.clone());
                self.keys.password(&account.address, &source).await
            }
        }
    }
}

fn asking<'a>(
    account: &'a AccountConfig,
    sign_in: &'a SignIn,
    secret: Option<&'a SecretString>,
) -> Asking<'a> {
    Asking {
        sign_in,
        secret,
        address: account.address.as_str(),
        ca: account.ca.as_deref(),
    }
}

fn wrong(account: &AccountConfig) -> impl Fn(OAuthError) -> DeskError {
    let address = account.address.clone();
    move |error| DeskError::SignIn {
        address: address.clone(),
        error,
    }
}

/// Returns the host of an address, for people.
fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', ':']).next().unwrap_or(rest).to_owned()
}
