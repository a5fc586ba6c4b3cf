//! Setting up a mailbox.

use super::trouble;
use crate::desk::{
    Desk,
    servers::{self, Places},
};
use crate::tui::{effect::Effect, event::Done, paint::safe};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn accounts(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::FindServers(address) => {
            let found = servers::find(&address, &Places::default()).await;
            Done::Servers(address, found.map_err(trouble))
        }
        Effect::AddAccount(account, password) => {
            let added = desk.set_up_account(&account, &password).await;
            let words = added.map(|mark| {
                format!(
                    "{} is set up: {} messages in the inbox, nothing was sent. Its mail is read \
                     now.",
                    safe(&account.address),
                    mark.messages
                )
            });
            Done::AccountAdded(words.map_err(trouble))
        }
        _ => return None,
    })
}
