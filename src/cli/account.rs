//! `deskhand account`: mailboxes that tickets come from. A password is read without echo, from
//! stdin or by a command, never from an argument, and is never printed.

use std::io::{self, IsTerminal as _};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{
    Call,
    mail_args::{AccountCommand, AddAccount},
    secret,
    stop::{Exit, Stop},
};
use crate::{
    config::{AccountConfig, SendingConfig},
    desk::Desk,
    domain::{FolderMark, KeySource},
};

/// Does what is asked of the accounts.
pub(super) async fn run(call: &Call, command: AccountCommand) -> Result<Exit, Stop> {
    match command {
        AccountCommand::Add(args) => add(call, args).await,
        AccountCommand::List => list(call).await,
        AccountCommand::Test { account } => test(call, &account).await,
        AccountCommand::Remove { account } => remove(call, &account).await,
    }
}

async fn add(call: &Call, args: AddAccount) -> Result<Exit, Stop> {
    let account = AccountConfig {
        name: args.address.clone(),
        user: args.user.unwrap_or_else(|| args.address.clone()),
        imap: args.imap,
        password: args
            .password_command
            .map_or(KeySource::Keyring, |words| KeySource::Command(words.0)),
        ca: args
            .ca
            .map(|file| std::path::absolute(&file).unwrap_or(file)),
        since: args.since,
        sending: SendingConfig {
            smtp: args.smtp,
            ..SendingConfig::default()
        },
        address: args.address,
    };
    let password = match account.password {
        KeySource::Keyring => Some(password(&account, args.password_stdin).await?),
        KeySource::Command(_) | KeySource::Env(_) | KeySource::NotNeeded => None,
    };
    let found = call.at_desk(async |desk| {
        refuse_twin(desk, &account)?;
        let found = match (&password, args.no_test) {
            (_, true) => None,
            (Some(password), false) => Some(desk.try_account(&account, password).await?),
            (None, false) => Some(desk.test_account(&account).await?),
        };
        if !args.no_test {
            desk.test_sending(&account, password.as_ref()).await?;
        }
        desk.add_account(&account, password.as_ref()).await?;
        Ok(found)
    });
    let found = found.await?;
    call.out.answer(
        || json!({ "account": account.address, "imap": account.imap.to_string(), "smtp": smtp_of(&account), "tested": found.is_some(), "messages": found.map(|mark| mark.messages) }),
        || added(&account, found),
    );
    Ok(Exit::OK)
}

/// An account may be added again, under its own name, to change it.
fn refuse_twin(desk: &Desk, account: &AccountConfig) -> Result<(), Stop> {
    let twin = desk.accounts(Some(&account.address)).ok();
    match twin.as_deref() {
        Some([twin]) if twin.name != account.name => Err(Stop::usage(format!(
            "The config has {} already, as [accounts.{}].",
            twin.address, twin.name
        ))
        .advising("Change it there: `deskhand config path` says where.")),
        _ => Ok(()),
    }
}

fn added(account: &AccountConfig, found: Option<FolderMark>) -> String {
    let kept = match account.password {
        KeySource::Keyring => " Its password is in your keyring.",
        KeySource::Command(_) | KeySource::Env(_) | KeySource::NotNeeded => "",
    };
    let tested = match found {
        Some(mark) => format!(
            "Signed in to {}: {} messages in the inbox.",
            account.imap, mark.messages
        ),
        None => format!("{} was not asked.", account.imap),
    };
    let sending = match (smtp_of(account), found) {
        (Some(smtp), Some(_)) => format!(" {smtp} lets us send; nothing was sent."),
        (Some(smtp), None) => format!(" {smtp} was not asked."),
        (None, _) => " No server for sending is named, so replies wait (--smtp).".to_owned(),
    };
    format!(
        "{tested}{sending} {} is set up.{kept}\n`deskhand sync` reads its mail; nothing is changed there.",
        account.address
    )
}

async fn password(account: &AccountConfig, from_stdin: bool) -> Result<SecretString, Stop> {
    if !from_stdin && !io::stdin().is_terminal() {
        return Err(Stop::usage("No password was given.").advising(
            "Run it in a terminal to be asked for it, pipe it in with --password-stdin, or name a \
             command: --password-command \"pass show mail/support\"",
        ));
    }
    let line = secret::read(&format!("Password of {} (not shown): ", account.user)).await?;
    let password = line.expose_secret().trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(Stop::usage("No password was given.")
            .advising("Nothing was stored. Type it when asked, or pipe it in."));
    }
    Ok(SecretString::from(password))
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let accounts = call.at_desk(async |desk| Ok(desk.accounts(None)?)).await?;
    if accounts.is_empty() && !call.out.is_json() {
        call.out.line(
            "No mailbox is set up. Add one: deskhand account add support@example.com --imap \
             imaps://imap.example.com:993",
        );
    }
    for account in &accounts {
        let password = match &account.password {
            KeySource::Keyring => "keyring",
            KeySource::Command(_) => "command",
            KeySource::Env(_) => "env",
            KeySource::NotNeeded => "not_needed",
        };
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
        desk.test_sending(&account, None).await?;
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
                "{} answers: {} messages in the inbox of {}.\n{sending}",
                account.imap, mark.messages, account.address
            )
        },
    );
    Ok(Exit::OK)
}

async fn remove(call: &Call, named: &str) -> Result<Exit, Stop> {
    let removed = call.at_desk(async |desk| {
        let account = one(desk, named)?;
        let had_password = desk.remove_account(&account).await?;
        Ok((account, had_password))
    });
    let (account, had_password) = removed.await?;
    call.out.answer(
        || json!({ "account": account.address, "removed": true, "password_removed": had_password }),
        || {
            let password = if had_password {
                " Its password is gone from your keyring."
            } else {
                ""
            };
            format!(
                "{} is out of the config; its tickets stay.{password}",
                account.address
            )
        },
    );
    Ok(Exit::OK)
}

fn smtp_of(account: &AccountConfig) -> Option<String> {
    let smtp = account.sending.smtp.as_ref();
    smtp.map(ToString::to_string)
}

fn one(desk: &Desk, named: &str) -> Result<AccountConfig, Stop> {
    let found = desk.accounts(Some(named))?.into_iter().next();
    found.ok_or_else(|| Stop::failed("There is no such account."))
}
