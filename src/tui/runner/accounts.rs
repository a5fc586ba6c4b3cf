//! Setting up a mailbox.

use tokio_util::sync::CancellationToken;

use super::trouble;
use crate::{
    config::AccountConfig,
    desk::{
        Desk, DeskError,
        servers::{self, Places},
    },
    domain::{FolderMark, Login},
    tui::{
        effect::Effect,
        event::{Done, Trouble},
        paint::safe,
    },
};

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the caller has sorted the effects"
)]
pub(super) async fn accounts(desk: &Desk, effect: Effect) -> Option<Done> {
    Some(match effect {
        Effect::FindServers(address) => {
            let known = desk.accounts(Some(&address)).unwrap_or_default();
            let signs_in = |account: &AccountConfig| matches!(account.login, Login::SignIn(_));
            if let Some(known) = known.into_iter().find(signs_in) {
                return Some(Done::KnownAccount(Box::new(known)));
            }
            let found = servers::find(&address, &Places::default()).await;
            Done::Servers(address, found.map_err(trouble))
        }
        Effect::AddAccount(account, password) => {
            let added = desk.set_up_account(&account, &password).await;
            Done::AccountAdded(words(&account, added))
        }
        _ => return None,
    })
}

/// Signs in to an account with a token; none where the person gave up before.
pub(super) async fn sign_in(
    desk: &Desk,
    account: &AccountConfig,
    stop: &CancellationToken,
) -> Option<Done> {
    let signed_in = desk.set_up_sign_in(account, stop).await.transpose()?;
    Some(Done::AccountAdded(words(account, signed_in)))
}

fn words(account: &AccountConfig, added: Result<FolderMark, DeskError>) -> Result<String, Trouble> {
    let words = added.map(|mark| {
        format!(
            "{} is set up: {} in the inbox, nothing was sent. Its mail is read now.",
            safe(&account.address),
            mark.messages_in_words()
        )
    });
    words.map_err(trouble)
}
