//! Replies: approved, held, and handed to the mail server once.
//!
//! The reply is written with its Message-ID and its bytes before any socket is opened. It is
//! claimed by one sender, noted before its text goes out, and brought to one end: sent, refused
//! (it is a draft again), or unsure (asked about, never sent again blindly).

pub mod ack;
mod begin;
mod copies;
mod deliver;
mod enclose;
pub mod guard;
pub mod letter;
mod note;
mod queue;
mod suppressed;
mod unsure;
mod worker;

pub use deliver::Delivered;
pub use queue::{Approval, ReplyAsk};
pub use worker::SentNow;

use uuid::Uuid;

use super::{Desk, DeskError, stamp::Stamp};
use crate::{
    config::AccountConfig,
    domain::{OutboxId, OutboxRow, Ticket},
};

impl Desk {
    /// Returns by what this desk knows its own mail.
    pub(super) async fn stamp(&self) -> Result<Stamp, DeskError> {
        let fresh = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let secret = self.store.mail_secret(&fresh).await?;
        Ok(Stamp::new(secret, &self.own_addresses()))
    }

    /// Returns the account by which a reply to a ticket leaves: the one a person chose, else the
    /// one it came to, else the one the config names, else the only one. None: there is no way of
    /// sending yet.
    pub(super) fn account_for(
        &self,
        ticket: &Ticket,
        chosen: Option<&str>,
    ) -> Option<AccountConfig> {
        let settings = self.settings();
        let can_send = |account: &&AccountConfig| account.sending.smtp.is_some();
        let accounts = &settings.config.accounts;
        if let Some(chosen) = chosen {
            let fits = |account: &&AccountConfig| account.address.eq_ignore_ascii_case(chosen);
            return accounts.values().find(fits).filter(can_send).cloned();
        }
        if let Some(address) = ticket.source.strip_prefix("imap:") {
            let came_to = accounts
                .values()
                .find(|account| account.address.eq_ignore_ascii_case(address));
            if let Some(account) = came_to {
                return Some(account).filter(can_send).cloned();
            }
        }
        if let Some(named) = &settings.config.outbox.account {
            return accounts.get(named).filter(can_send).cloned();
        }
        let mut able = accounts.values().filter(can_send);
        match (able.next(), able.next()) {
            (Some(only), None) => Some(only.clone()),
            (Some(_) | None, _) => None,
        }
    }

    /// Returns the account that a person names, by its name or address; refuses one that cannot
    /// send.
    pub(super) fn account_chosen(&self, named: &str) -> Result<AccountConfig, DeskError> {
        let found = self.accounts(Some(named))?.into_iter().next();
        found
            .filter(|account| account.sending.smtp.is_some())
            .ok_or_else(|| DeskError::CannotSend(named.to_owned()))
    }

    /// Returns the account that a reply leaves by.
    fn account_of(&self, row: &OutboxRow) -> Option<AccountConfig> {
        let post = row.post.as_ref()?;
        let settings = self.settings();
        let fits = |account: &&AccountConfig| {
            account.address.eq_ignore_ascii_case(&post.account) && account.sending.smtp.is_some()
        };
        settings.config.accounts.values().find(fits).cloned()
    }

    /// Returns one reply of the outbox by its id, or by the beginning of it.
    pub async fn outbox_by_id(&self, named: &str) -> Result<OutboxRow, DeskError> {
        if let Ok(id) = named.parse::<OutboxId>() {
            return Ok(self.store.outbox_row(id).await?);
        }
        let rows = self.store.outbox(None).await?;
        let mut found = rows
            .into_iter()
            .filter(|row| named.len() >= 4 && row.id.to_string().starts_with(named));
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some(_) | None, _) => Err(DeskError::NoReply(named.to_owned())),
        }
    }
}
