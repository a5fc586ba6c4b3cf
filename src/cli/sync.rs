//! `deskhand sync`: what is new in the mailboxes becomes tickets.

use serde_json::json;

use super::{
    Call,
    draft::told_to_stop,
    mail_args::SyncArgs,
    out::{self, complain},
    stop::{Exit, Stop},
};
use crate::{
    config::AccountConfig,
    desk::{
        Desk,
        sync::{Progress, Synced},
        watching::Watched,
    },
    domain::Ending,
    text::clean::clean_line,
};

/// How many rejects the plain answer names; the file has them all.
const REJECTS_NAMED: usize = 10;

/// Reads every account, or the one that is named. One that fails does not keep the others from
/// being read; the command has failed then. Stopped, it keeps what was filed.
pub(super) async fn run(call: &Call, args: &SyncArgs) -> Result<Exit, Stop> {
    call.at_desk(async |desk| {
        tokio::select! {
            done = all(call, desk, args) => done,
            () = told_to_stop() => {
                out::progress_over();
                out::note("Stopped. What was filed stays; the next sync reads the rest.");
                Ok(Exit::after(Ending::Cancelled))
            }
        }
    })
    .await
}

async fn all(call: &Call, desk: &Desk, args: &SyncArgs) -> Result<Exit, Stop> {
    let accounts = desk.accounts(args.account.as_deref())?;
    if accounts.is_empty() {
        return Err(Stop::usage("No mailbox is set up.").advising(
            "Add one: deskhand account add support@example.com --imap \
             imaps://imap.example.com:993",
        ));
    }
    if args.watch {
        return watch(call, desk, &accounts).await;
    }
    let mut failed = None;
    for account in &accounts {
        let mut tell = |progress: Progress| {
            out::progress(&format!(
                "{}: {} of {} messages",
                account.address, progress.done, progress.of
            ));
        };
        let synced = desk.sync(account, &mut tell).await;
        out::progress_over();
        match synced {
            Ok(synced) => {
                let file = desk.rejects_file().display().to_string();
                call.out.answer(|| json!(synced), || words(&synced, &file));
            }
            Err(error) => {
                let stop = Stop::from(error);
                if let Some(earlier) = failed.replace(stop) {
                    complain(&earlier.words, earlier.advice.as_deref());
                }
            }
        }
    }
    failed.map_or(Ok(Exit::OK), Err)
}

/// Watches the accounts side by side until the program is stopped; ends by itself only when none
/// can be read.
async fn watch(call: &Call, desk: &Desk, accounts: &[AccountConfig]) -> Result<Exit, Stop> {
    let watches = accounts.iter().map(|account| async move {
        let mut tell = |watched: Watched<'_>| say(call, desk, watched);
        desk.watch_account(account, &mut tell).await
    });
    let ended = tokio::select! {
        ended = futures::future::join_all(watches) => ended,
        () = desk.keep_sending_acks() => Vec::new(),
    };
    let last = ended.into_iter().next_back();
    last.map_or(Ok(Exit::OK), |error| Err(Stop::from(error)))
}

fn say(call: &Call, desk: &Desk, watched: Watched<'_>) {
    match watched {
        Watched::Progress(account, progress) => {
            let address = &account.address;
            out::progress(&format!(
                "{address}: {} of {} messages",
                progress.done, progress.of
            ));
        }
        Watched::Synced(synced) => {
            out::progress_over();
            // What brought nothing is not worth a line.
            if synced.seen + synced.flags_changed > 0 {
                let file = desk.rejects_file().display().to_string();
                call.out.answer(|| json!(synced), || words(&synced, &file));
            }
        }
        // The end of all says it.
        Watched::Failed(_, None) => out::progress_over(),
        Watched::Failed(error, Some(again)) => {
            out::progress_over();
            let next = if error.is_signed_out() {
                error.advice().unwrap_or_default()
            } else {
                format!("Trying again in {} s.", again.as_secs())
            };
            out::note(&format!("{error} {next}"));
        }
        Watched::Back(account) => out::note(&format!("{} is read again.", account.address)),
    }
}

fn words(done: &Synced, rejects_file: &str) -> String {
    let mut text = format!(
        "{}: {} new, {} here already, {} rejected. New tickets: {}; others that got mail: {}.",
        done.account,
        done.imported,
        done.duplicates,
        done.rejected.len(),
        done.tickets_new,
        done.tickets_joined
    );
    if done.flags_changed > 0 {
        text.push_str(" Read elsewhere: ");
        text.push_str(&done.flags_changed.to_string());
        text.push('.');
    }
    for reject in done.rejected.iter().take(REJECTS_NAMED) {
        text.push_str("\n  ");
        // A name with line breaks would pose as lines of ours.
        text.push_str(&clean_line(&reject.path));
        text.push_str(": ");
        text.push_str(&clean_line(&reject.reason));
    }
    if !done.rejected.is_empty() {
        text.push_str("\nEvery reject with its reason: ");
        text.push_str(rejects_file);
    }
    text
}
