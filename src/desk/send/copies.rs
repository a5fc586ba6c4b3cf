//! Copies of sent replies, put into the folder of sent mail. A mailbox that fails keeps none of
//! another waiting, and is left alone for a while.

use std::{collections::BTreeMap, time::Duration};

use futures::TryFutureExt as _;

use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError, sync::wrong, watching::is_final},
    domain::{OutboxRow, Timestamp},
    source::mail::imap::{ImapError, Mailbox},
};

/// A mailbox that failed is left alone for so long; after each further failure for twice as long,
const FIRST_REST: Duration = Duration::from_secs(30);
/// but never for longer.
const LONGEST_REST: Duration = Duration::from_mins(15);

/// The accounts that are left alone, by their addresses.
#[derive(Debug, Default)]
pub(super) struct Resting(BTreeMap<String, Rest>);

#[derive(Clone, Copy, Debug)]
struct Rest {
    pause: Duration,
    /// None: trying again mends nothing while config and password stay as they are.
    until: Option<Timestamp>,
}

impl Resting {
    /// Forgets all failures: the config or a password is another one.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    fn rests(&self, address: &str, now: Timestamp) -> bool {
        let rest = self.0.get(address);
        rest.is_some_and(|rest| rest.until.is_none_or(|until| until > now))
    }

    fn worked(&mut self, address: &str) {
        self.0.remove(address);
    }

    fn failed(&mut self, address: &str, now: Timestamp) {
        let before = self.0.get(address).map(|rest| rest.pause);
        let pause = before.map_or(FIRST_REST, |pause| (pause * 2).min(LONGEST_REST));
        let until = Some(now.checked_add(pause).unwrap_or(Timestamp::MAX));
        self.0.insert(address.to_owned(), Rest { pause, until });
    }

    fn failed_for_good(&mut self, address: &str) {
        let rest = Rest {
            pause: FIRST_REST,
            until: None,
        };
        self.0.insert(address.to_owned(), rest);
    }

    /// Returns when the next of them is tried again.
    fn next(&self) -> Option<Timestamp> {
        self.0.values().filter_map(|rest| rest.until).min()
    }
}

impl Desk {
    /// Puts copies of sent replies into the folders of sent mail. Returns when to try again what
    /// failed; none when nothing did, or trying again mends nothing.
    pub(super) async fn keep_copies(
        &self,
        resting: &mut Resting,
    ) -> Result<Option<Timestamp>, DeskError> {
        let mut due: BTreeMap<String, (AccountConfig, Vec<OutboxRow>)> = BTreeMap::new();
        for row in self.store.copies_due().await? {
            if let Some(account) = self.account_of(&row) {
                let rows = due.entry(account.address.clone());
                rows.or_insert_with(|| (account, Vec::new())).1.push(row);
            }
        }
        resting.0.retain(|address, _| due.contains_key(address));
        for (address, (account, rows)) in due {
            if resting.rests(&address, self.clock.now()) {
                continue;
            }
            let Err(error) = self.keep_copies_of(&account, rows).await else {
                resting.worked(&address);
                continue;
            };
            tracing::warn!(%error, "copies of sent replies were not kept");
            if is_final(&error, &account) {
                resting.failed_for_good(&address);
            } else {
                resting.failed(&address, self.clock.now());
            }
        }
        Ok(resting.next())
    }

    /// Keeps what it can of one account; one copy that fails keeps no other from its place, unless
    /// the server has fallen silent: no other is waited for then.
    async fn keep_copies_of(
        &self,
        account: &AccountConfig,
        rows: Vec<OutboxRow>,
    ) -> Result<(), DeskError> {
        let mut mailbox = self.mailbox(account).await?;
        let mut kept = Ok(());
        for row in rows {
            if let Err(error) = self.keep_copy(&mut mailbox, account, &row).await {
                if is_silent(&error) {
                    return Err(error);
                }
                kept = Err(error);
            }
        }
        mailbox.close().await;
        kept
    }

    async fn keep_copy(
        &self,
        mailbox: &mut Mailbox,
        account: &AccountConfig,
        row: &OutboxRow,
    ) -> Result<(), DeskError> {
        if let Some(mime) = self.store.sent_mime(row.id).await?
            && let Some(post) = &row.post
        {
            let copying = async {
                let Some(folder) = mailbox.sent_folder().await? else {
                    return Ok(());
                };
                if mailbox.has_message(&folder, &post.rfc_message_id).await? {
                    return Ok(());
                }
                mailbox.append_seen(&folder, &mime).await
            };
            copying.map_err(wrong(account)).await?;
        }
        Ok(self.store.copy_done(row.id).await?)
    }
}

/// Tells whether a server does not answer any more.
const fn is_silent(error: &DeskError) -> bool {
    matches!(
        error,
        DeskError::Mail {
            error: ImapError::Silent { .. } | ImapError::Unreachable { .. },
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_that_fails_is_tried_ever_less_often_and_others_as_before() {
        let mut resting = Resting::default();
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();

        let mut pauses = Vec::new();
        for _ in 0..7 {
            resting.failed("a@acme.test", at(0));
            pauses.push(resting.next().unwrap().as_second());
        }

        assert_eq!(pauses, [30, 60, 120, 240, 480, 900, 900]);
        assert!(resting.rests("a@acme.test", at(899)));
        assert!(!resting.rests("a@acme.test", at(900)));
        assert!(!resting.rests("b@acme.test", at(0)));
        resting.worked("a@acme.test");
        assert_eq!(resting.next(), None);
    }

    #[test]
    fn a_refused_password_is_not_tried_again_before_the_config_changes() {
        let mut resting = Resting::default();

        resting.failed_for_good("a@acme.test");

        assert_eq!(resting.next(), None);
        assert!(resting.rests("a@acme.test", Timestamp::MAX));
        resting.forget();
        assert!(!resting.rests("a@acme.test", Timestamp::UNIX_EPOCH));
    }
}
