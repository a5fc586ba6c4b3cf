//! `deskhand account`: mailboxes that tickets come from. A password is read without echo, from
//! stdin or by a command, never from an argument, and is never printed. A token is granted by a person in a browser.

mod add;
mod login;

use std::io::{self, IsTerminal as _};

use serde_json::json;

use super::{
    Call,
    mail_args::AccountCommand,
    secret,
    stop::{Exit, Stop},
};
use crate::{
    config::AccountConfig,
    desk::Desk,
    domain::{Login, Ticket},
};

/// Does what is asked of the accounts.
pub(super) async fn run(call: &Call, command: AccountCommand) -> Result<Exit, Stop> {
    match command {
        AccountCommand::Add(args) => add::run(call, &args).await,
        AccountCommand::List => list(call).await,
        AccountCommand::Login { account } => login::run(call, &account).await,
        AccountCommand::Test { account } => test(call, &account).await,
        AccountCommand::Remove { account, yes } => remove(call, &account, yes).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let accounts = call.at_desk(async |desk| Ok(desk.accounts(None)?)).await?;
    if accounts.is_empty() && !call.out.is_json() {
        call.out
            .line("No mailbox is set up. Add one: deskhand account add support@example.com");
    }
    for account in &accounts {
        let password = account.login.word();
        if call.out.is_json() {
            call.out.json(&json!({
                "name": account.name,
                "address": account.address,
                "imap": account.imap.to_string(),
                "smtp": smtp_of(account),
                "user": account.user,
                "password": password,
                "since": account.since.word(),
            }));
        } else {
            call.out.line(&format!(
                "{:<32} {}  password: {password}  since: {}",
                account.address,
                account.imap,
                account.since.word()
            ));
        }
    }
    Ok(Exit::OK)
}

async fn test(call: &Call, named: &str) -> Result<Exit, Stop> {
    let found = call.at_desk(async |desk| {
        let account = one(desk, named)?;
        let mark = desk.test_account(&account).await?;
        Ok((account, mark))
    });
    let (account, mark) = found.await?;
    call.out.answer(
        || json!({ "account": account.address, "imap": account.imap.to_string(), "smtp": smtp_of(&account), "messages": mark.messages }),
        || {
            let sending = smtp_of(&account).map_or_else(
                || "No server for sending is named: replies wait.".to_owned(),
                |smtp| format!("{smtp} lets us send; nothing was sent."),
            );
            format!(
                "{} answers: {} in the inbox of {}.\n{sending}",
                account.imap,
                mark.messages_in_words(),
                account.address
            )
        },
    );
    Ok(Exit::OK)
}

async fn remove(call: &Call, named: &str, is_agreed: bool) -> Result<Exit, Stop> {
    let removed = call.at_desk(async |desk| {
        let account = one(desk, named)?;
        let waiting = desk.waiting_for(&account).await?;
        if !is_agreed {
            agree(&account, &waiting).await?;
        }
        let had_password = desk.remove_account(&account).await?;
        Ok((account, had_password, waiting.len()))
    });
    let (account, had_password, waiting) = removed.await?;
    call.out.answer(
        || {
            json!({
                "account": account.address,
                "removed": true,
                "password_removed": had_password,
                "replies_waiting": waiting,
            })
        },
        || {
            let password = match (had_password, &account.login) {
                (false, _) => "",
                (true, Login::Password(_)) => " Its password is gone from your keyring.",
                (true, Login::SignIn(_)) => " Its sign-in is gone from your keyring.",
            };
            let waiting = match waiting {
                0 => String::new(),
                1 => " 1 reply stays in the outbox (`deskhand outbox`).".to_owned(),
                many => format!(" {many} replies stay in the outbox (`deskhand outbox`)."),
            };
            format!(
                "{} is out of the config; its tickets stay.{password}{waiting}",
                account.address
            )
        },
    );
    Ok(Exit::OK)
}

/// An account goes without the replies that were to leave by it only when a person has said so.
async fn agree(account: &AccountConfig, waiting: &[Ticket]) -> Result<(), Stop> {
    if waiting.is_empty() {
        return Ok(());
    }
    let numbers: Vec<String> = waiting
        .iter()
        .map(|ticket| format!("#{}", ticket.number))
        .collect();
    let replies = if waiting.len() == 1 {
        "1 reply waits".to_owned()
    } else {
        format!("{} replies wait", waiting.len())
    };
    let words = format!(
        "{replies} in the outbox to leave by {}: to {}.",
        account.address,
        numbers.join(", ")
    );
    if io::stdin().is_terminal() {
        let question = format!("{words} Remove the account all the same? [y/N] ");
        let answer = secret::line(&question).await?.to_lowercase();
        if answer == "y" || answer == "yes" {
            return Ok(());
        }
    }
    Err(
        Stop::usage(format!("{words} The account was not removed.")).advising(
            "Let them leave with `deskhand outbox send`, or take them back with `deskhand outbox \
             undo ID`. With --yes the account goes without them: they stay in the outbox and \
             ask before they leave.",
        ),
    )
}

fn smtp_of(account: &AccountConfig) -> Option<String> {
    let smtp = account.sending.smtp.as_ref();
    smtp.map(ToString::to_string)
}

fn one(desk: &Desk, named: &str) -> Result<AccountConfig, Stop> {
    let found = desk.accounts(Some(named))?.into_iter().next();
    found.ok_or_else(|| Stop::failed("There is no such account."))
}
