//! `deskhand account add`: the servers found or named, the password asked for, both tried, and
//! only then written down. Nothing is sent.

use std::io::{self, IsTerminal as _};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{login, smtp_of};
use crate::{
    cli::{
        Call,
        mail_args::{AddAccount, Words},
        out::note,
        secret,
        stop::{Exit, Stop},
    },
    config::{
        AccountConfig, Since,
        accounts::USUAL_SINCE,
        login::{known, known_servers},
    },
    desk::{
        Desk,
        servers::{self, Origin, Places},
    },
    domain::{FolderMark, KeySource, Login, MailServer, sign_in::Service},
};

/// Where the mail of the new account is.
struct Chosen {
    imap: MailServer,
    smtp: Option<MailServer>,
    user: Option<String>,
    /// Who named the server for reading; none for a person.
    origin: Option<Origin>,
}

/// Adds a mailbox.
pub(super) async fn run(call: &Call, args: &AddAccount) -> Result<Exit, Stop> {
    let chosen = choose(args).await?;
    let since = since(args).await?;
    let origin = chosen.origin;
    let account = account(args, chosen, since);
    let password = match account.login {
        Login::Password(KeySource::Keyring) => Some(password(&account, args.password_stdin).await?),
        Login::Password(KeySource::Command(_) | KeySource::Env(_) | KeySource::NotNeeded)
        | Login::SignIn(_) => None,
    };
    let found = call.at_desk(async |desk| {
        refuse_twin(desk, &account)?;
        let found = if args.no_test {
            None
        } else {
            Some(try_it(desk, &account, password.as_ref()).await?)
        };
        desk.add_account(&account, password.as_ref()).await?;
        Ok(found)
    });
    let found = found.await?;
    call.out.answer(
        || {
            json!({
                "account": account.address,
                "imap": account.imap.to_string(),
                "smtp": smtp_of(&account),
                "found_by": origin.map(Origin::words),
                "tested": found.is_some(),
                "messages": found.map(|mark| mark.messages),
            })
        },
        || added(&account, found),
    );
    Ok(Exit::OK)
}

/// Signs in both ways; with a token a person says yes first.
async fn try_it(
    desk: &Desk,
    account: &AccountConfig,
    password: Option<&SecretString>,
) -> Result<FolderMark, Stop> {
    match (&account.login, password) {
        (Login::SignIn(_), _) => login::sign_in(desk, account).await,
        (Login::Password(_), Some(password)) => Ok(desk.try_account(account, password).await?),
        (Login::Password(_), None) => Ok(desk.test_account(account).await?),
    }
}

/// Takes the servers that are named, or looks for them.
async fn choose(args: &AddAccount) -> Result<Chosen, Stop> {
    if let Some(imap) = &args.imap {
        return Ok(Chosen {
            imap: imap.clone(),
            smtp: args.smtp.clone(),
            user: None,
            origin: None,
        });
    }
    let known = args.login.and_then(|service| known_servers(service.into()));
    if let Some((imap, smtp)) = known {
        return Ok(Chosen {
            imap,
            smtp: args.smtp.clone().or(Some(smtp)),
            user: None,
            origin: None,
        });
    }
    let places = Places {
        ca: args.ca.clone(),
        ..Places::default()
    };
    let mut found = servers::find(&args.address, &places).await?;
    if args.smtp.is_some() {
        found.smtp = None;
    }
    for offer in [Some(&found.imap), found.smtp.as_ref()]
        .into_iter()
        .flatten()
    {
        note(&format!(
            "Found {} by {}.",
            offer.server,
            offer.origin.words()
        ));
    }
    let service = Service::of_host(&found.imap.server.host);
    if let Some(word) = service.and_then(Service::word) {
        note(&format!(
            "This is {word}'s, where a password may be refused: --login {word} --client-id ID \
             signs in with a token instead."
        ));
    }
    agree(args, &found.outside(&args.address)).await?;
    Ok(Chosen {
        smtp: args
            .smtp
            .clone()
            .or_else(|| found.smtp.map(|offer| offer.server)),
        imap: found.imap.server,
        user: found.imap.user,
        origin: Some(found.imap.origin),
    })
}

/// A password goes outside the address's domain only when a person has said so.
async fn agree(args: &AddAccount, outside: &[&str]) -> Result<(), Stop> {
    if outside.is_empty() || args.yes {
        return Ok(());
    }
    let hosts = outside.join(" and ");
    let domain = args.address.rsplit('@').next().unwrap_or_default();
    let verb = if outside.len() == 1 { "is" } else { "are" };
    if io::stdin().is_terminal() {
        let question =
            format!("{hosts} {verb} outside {domain}. May the password go there? [y/N] ");
        let answer = secret::line(&question).await?.to_lowercase();
        if answer == "y" || answer == "yes" {
            return Ok(());
        }
        return Err(Stop::usage("No server was agreed on; nothing was stored.")
            .advising("Name the right ones with --imap and --smtp."));
    }
    Err(Stop::usage(format!(
        "{hosts} {verb} outside {domain}, so the password was sent nowhere."
    ))
    .advising("If that is right, say so with --yes, or name the servers with --imap and --smtp."))
}

/// Returns how far back mail is read: as named, as a person says, or as usual.
async fn since(args: &AddAccount) -> Result<Since, Stop> {
    if let Some(since) = args.since {
        return Ok(since);
    }
    if !io::stdin().is_terminal() {
        return Ok(USUAL_SINCE);
    }
    let mut question = format!("How far back? [{}] ", USUAL_SINCE.word());
    loop {
        let answer = secret::line(&question).await?;
        if answer.is_empty() {
            return Ok(USUAL_SINCE);
        }
        if let Some(since) = Since::parse(&answer) {
            return Ok(since);
        }
        question = format!(
            "Write 30d, 8w or all. How far back? [{}] ",
            USUAL_SINCE.word()
        );
    }
}

fn account(args: &AddAccount, chosen: Chosen, since: Since) -> AccountConfig {
    let words = |given: &Option<Words>| given.clone().map(|words| words.0);
    let login = if let (Some(service), Some(id)) = (args.login, &args.client_id) {
        let secret = words(&args.client_secret_command);
        Login::SignIn(known(service.into(), id.clone(), secret))
    } else {
        let command = words(&args.password_command);
        Login::Password(command.map_or(KeySource::Keyring, KeySource::Command))
    };
    let mut account = AccountConfig::of(&args.address, chosen.imap, login);
    if let Some(user) = args.user.clone().or(chosen.user) {
        account.user = user;
    }
    account.ca = args
        .ca
        .as_ref()
        .map(|file| std::path::absolute(file).unwrap_or_else(|_| file.clone()));
    account.since = since;
    account.sending.smtp = chosen.smtp;
    account
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
    let kept = match (&account.login, found) {
        (Login::Password(KeySource::Keyring), _) => " Its password is in your keyring.",
        (Login::SignIn(_), Some(_)) => " What renews its sign-in is in your keyring.",
        (Login::SignIn(_), None) => " Sign in with `deskhand account login` next.",
        (Login::Password(_), _) => "",
    };
    let tested = match found {
        Some(mark) => format!(
            "Signed in to {}: {} in the inbox.",
            account.imap,
            mark.messages_in_words()
        ),
        None => format!("{} was not asked.", account.imap),
    };
    let sending = match (smtp_of(account), found) {
        (Some(smtp), Some(_)) => format!(" {smtp} lets us send; nothing was sent."),
        (Some(smtp), None) => format!(" {smtp} was not asked."),
        (None, _) => " No server for sending is named, so replies wait (--smtp).".to_owned(),
    };
    format!(
        "{tested}{sending} {} is set up.{kept}\n`deskhand sync` reads its mail. On the server nothing changes but marks: read and answered here is\nread and answered there (`mark_seen = false` leaves the first alone).",
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
