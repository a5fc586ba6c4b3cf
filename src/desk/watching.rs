//! A desk that stays open hears of new mail as it comes: one connection an account, waiting in
//! IDLE, made anew when it breaks.
//!
//! A server that cannot be reached is tried again, ever less often. A password that is refused or
//! cannot be read is tried once until the config changes: trying on would lock the account, or ask
//! the person for the keyring's password for ever.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};

use super::{
    Desk, DeskError,
    face::DeskEvent,
    sync::{Progress, Synced, lease_of},
};
use crate::{
    config::AccountConfig,
    domain::{Login, Mono},
    source::{
        import::Reject,
        mail::imap::{ImapError, Mailbox},
    },
};

/// The first wait after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No wait after a failure is longer.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How often is looked whether somebody has signed in again.
const LOOK_FOR_SIGN_IN: Duration = Duration::from_secs(15);
/// How long the server may keep silent before everything is looked at anew: IDLE tells of the inbox
/// alone, and what a colleague wrote lies in the folder of sent mail. A look at folders that stand
/// as they did costs two small questions.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// From so many messages on the screen says how far the reading has come,
const MANY: u64 = 300;
/// so often.
const TELL_EACH: Duration = Duration::from_secs(1);

/// What a watch tells while it goes on.
pub enum Watched<'w> {
    /// How far a sync has come.
    Progress(&'w AccountConfig, Progress),
    /// A sync has ended; nothing new is told too.
    Synced(Synced),
    /// The mailbox could not be read; it is tried again after so long, or not before the config
    /// changes.
    Failed(&'w DeskError, Option<Duration>),
    /// After failures the mailbox was read again.
    Back(&'w AccountConfig),
}

impl Desk {
    /// Reads a mailbox and then what comes, until the future is dropped or the failure is one
    /// that trying again does not mend.
    pub async fn watch_account(
        &self,
        account: &AccountConfig,
        tell: &mut (dyn for<'w> FnMut(Watched<'w>) + Send),
    ) -> DeskError {
        let mut pause = FIRST_PAUSE;
        let mut has_failed = false;
        let mut is_signed_out = false;
        let name = lease_of(account);
        let mut lease = self.lease_for_good(&name).await;
        loop {
            let mut works = || {
                pause = FIRST_PAUSE;
                std::mem::take(&mut has_failed)
            };
            let watching = Box::pin(self.watch_once(account, tell, &mut works));
            let Some(error) = self.while_leased(&lease, watching).await else {
                // Another desk reads this mailbox now; this one does again when that one is gone.
                lease = self.lease_for_good(&name).await;
                continue;
            };
            if is_final(&error, account) {
                self.let_go(lease).await;
                tell(Watched::Failed(&error, None));
                return error;
            }
            has_failed = true;
            if error.is_signed_out() {
                // Told once; then the keyring alone is looked at.
                if !std::mem::replace(&mut is_signed_out, true) {
                    tell(Watched::Failed(&error, Some(LOOK_FOR_SIGN_IN)));
                }
                sleep(LOOK_FOR_SIGN_IN).await;
                continue;
            }
            is_signed_out = false;
            tell(Watched::Failed(&error, Some(pause)));
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Watches over one connection until it fails. `works` hears of each sync that went well and
    /// says whether the one before it did not.
    async fn watch_once(
        &self,
        account: &AccountConfig,
        tell: &mut (dyn for<'w> FnMut(Watched<'w>) + Send),
        works: &mut (dyn FnMut() -> bool + Send),
    ) -> DeskError {
        let mut mailbox = match self.mailbox(account).await {
            Ok(mailbox) => mailbox,
            Err(error) => return error,
        };
        let mut is_in_haste = false;
        loop {
            let mut progress = |progress| tell(Watched::Progress(account, progress));
            match self.sync_on(&mut mailbox, account, &mut progress).await {
                Ok(synced) => {
                    if works() {
                        tell(Watched::Back(account));
                    }
                    tell(Watched::Synced(synced));
                }
                Err(error) => return error,
            }
            mailbox = match self.wait_for_mail(mailbox, account, &mut is_in_haste).await {
                Ok(mailbox) => mailbox,
                Err(error) => return error,
            };
        }
    }

    /// Returns when there may be something new. What came since the sync is not slept over: the
    /// inbox is opened anew before the wait and compared with how the sync left it. A sync that
    /// mends nothing of that is not followed by the next at once.
    async fn wait_for_mail(
        &self,
        mut mailbox: Mailbox,
        account: &AccountConfig,
        is_in_haste: &mut bool,
    ) -> Result<Mailbox, DeskError> {
        use crate::source::mail::imap::INBOX;
        let failed = |error: ImapError| DeskError::Mail {
            address: account.address.clone(),
            error,
        };
        let now = mailbox.select(INBOX).await.map_err(failed)?;
        let read = self.store.folder(&account.address, INBOX).await?;
        let is_due = self.is_due(account, (INBOX, now.uid_validity)).await?;
        let is_behind = is_due || read.is_none_or(|(mark, _)| mark != now);
        let was_in_haste = std::mem::replace(is_in_haste, is_behind);
        if is_behind {
            if was_in_haste {
                sleep(FIRST_PAUSE).await;
            }
            return Ok(mailbox);
        }
        mailbox.wait(LOOK_AGAIN).await.map_err(failed)
    }

    /// Watches every account of the config, also as the config changes, until the desk is closed.
    pub(super) async fn watch_accounts(self: Arc<Self>) {
        let mut settings = self.settings.subscribe();
        loop {
            let accounts: BTreeMap<String, AccountConfig> =
                settings.borrow_and_update().config.accounts.clone();
            let mut watches = JoinSet::new();
            for account in accounts.clone().into_values() {
                let desk = Arc::clone(&self);
                watches.spawn(async move { desk.watch_and_say(&account).await });
            }
            // Dropped with its watches when the accounts are others.
            loop {
                if settings.changed().await.is_err() {
                    return;
                }
                // A password may be another one though the config says the same as before.
                let has_ended = watches.try_join_next().is_some();
                if has_ended || settings.borrow().config.accounts != accounts {
                    break;
                }
            }
        }
    }

    /// Watches an account and says on the screen when it fails and when it is back: once each, as
    /// what of it cannot be taken.
    async fn watch_and_say(&self, account: &AccountConfig) {
        let mut said = false;
        let mut told_at: Option<Mono> = None;
        let mut named = HashSet::new();
        let mut tell = |watched: Watched<'_>| match watched {
            Watched::Failed(error, again) if !said => {
                said = true;
                tracing::warn!(%error, "a mailbox could not be read");
                let next = again.filter(|_| !error.is_signed_out()).map_or_else(
                    || error.advice().unwrap_or_default(),
                    |_| "It is tried again.".to_owned(),
                );
                self.remark(format!("{error} {next}"));
            }
            Watched::Back(account) => {
                said = false;
                self.tell(DeskEvent::Note(format!(
                    "{} is read again.",
                    account.address
                )));
            }
            Watched::Progress(account, progress) if progress.of >= MANY => {
                let now = self.clock.mono();
                if told_at.is_none_or(|last| now.since(last) >= TELL_EACH) {
                    told_at = Some(now);
                    self.tell(DeskEvent::Note(format!(
                        "Reading {}: {} of {}, newest first. You can work now.",
                        account.address, progress.done, progress.of
                    )));
                }
            }
            Watched::Synced(synced) => {
                for sentence in told_once(&mut named, &synced.rejected) {
                    self.remark(sentence);
                }
            }
            Watched::Failed(..) | Watched::Progress(..) => {}
        };
        self.watch_account(account, &mut tell).await;
    }
}

/// Says what could not be taken, each once.
fn told_once(named: &mut HashSet<String>, rejected: &[Reject]) -> Vec<String> {
    rejected
        .iter()
        .filter(|reject| named.insert(reject.path.clone()))
        .map(|reject| {
            let reason = reject.reason.trim_end_matches('.');
            format!("{} is not here: {reason}.", reject.path)
        })
        .collect()
}

/// Tells whether trying again mends nothing. A good token may be refused for a while: a service in
/// trouble says so too.
pub(super) const fn is_final(error: &DeskError, account: &AccountConfig) -> bool {
    if matches!(account.login, Login::SignIn(_))
        && matches!(
            error,
            DeskError::Mail {
                error: ImapError::Refused { .. },
                ..
            }
        )
    {
        return false;
    }
    matches!(
        error,
        DeskError::Mail {
            error: ImapError::Refused { .. } | ImapError::NotPrivate { .. },
            ..
        } | DeskError::Password { .. }
            | DeskError::NoPassword(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_taken_is_told_once() {
        let rejects = ["INBOX/3", "INBOX/4", "INBOX/3"].map(|path| Reject {
            path: path.to_owned(),
            reason: "its server keeps it".to_owned(),
        });
        let mut named = HashSet::new();

        let told = [&rejects[..1], &rejects[..]].map(|some| told_once(&mut named, some));

        assert_eq!(
            told,
            [
                vec!["INBOX/3 is not here: its server keeps it."],
                vec!["INBOX/4 is not here: its server keeps it."]
            ]
        );
    }
}
