//! `deskhand account login`: a person says yes in a browser, here or elsewhere; we keep what renews
//! the token, and renew it from then on.

use serde_json::json;

use super::{one, smtp_of};
use crate::{
    cli::{
        Call,
        draft::told_to_stop,
        out::note,
        stop::{Exit, Stop},
    },
    config::AccountConfig,
    desk::{Desk, sign_in::Step},
    domain::{Ending, FolderMark},
};

/// Signs in to an account of the config.
pub(super) async fn run(call: &Call, named: &str) -> Result<Exit, Stop> {
    let signed_in = call.at_desk(async |desk| {
        let account = one(desk, named)?;
        let mark = sign_in(desk, &account).await?;
        Ok((account, mark))
    });
    let (account, mark) = signed_in.await?;
    call.out.answer(
        || {
            json!({
                "account": account.address,
                "imap": account.imap.to_string(),
                "smtp": smtp_of(&account),
                "signed_in": true,
                "messages": mark.messages,
            })
        },
        || {
            format!(
                "Signed in to {}: {} in the inbox of {}. What renews it is in your \
                 keyring.",
                account.imap,
                mark.messages_in_words(),
                account.address
            )
        },
    );
    Ok(Exit::OK)
}

/// Leads a person through signing in, until they say yes or stop it.
pub(super) async fn sign_in(desk: &Desk, account: &AccountConfig) -> Result<FolderMark, Stop> {
    let mut tell = |step: Step<'_>| match step {
        Step::Code { url, code } => note(&format!(
            "Open {url} on any machine, enter the code {code} and say yes for {}. Ctrl+C gives up.",
            account.address
        )),
        Step::Page(url) => note(&format!(
            "Say yes for {} in your browser. If no page came up, open this one on this machine; \
             Ctrl+C gives up.\n{url}",
            account.address
        )),
    };
    tokio::select! {
        biased;
        () = told_to_stop() => Err(Stop {
            exit: Exit::after(Ending::Cancelled),
            words: "Cancelled. Nothing was stored.".to_owned(),
            advice: None,
        }),
        signed_in = Box::pin(desk.sign_in(account, &mut tell)) => Ok(signed_in?),
    }
}
