//! What can be written on the command line about mailboxes.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use crate::{
    config::Since,
    domain::{MailServer, NotAServer},
};

#[derive(Debug, ClapArgs)]
pub(super) struct AccountArgs {
    #[command(subcommand)]
    pub(super) command: AccountCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Sign in to a mailbox, keep its password in the OS keyring, and note it in the config.
    Add(AddAccount),
    /// List the mailboxes of the config.
    List,
    /// Sign in with the password that is kept, and read nothing.
    Test {
        /// The account: its address or its name in the config.
        account: String,
    },
    /// Take a mailbox out of the config and its password out of the keyring; its tickets stay.
    Remove {
        /// The account: its address or its name in the config.
        account: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct AddAccount {
    /// The address customers write to.
    #[arg(value_parser = address)]
    pub(super) address: String,
    /// Its server: `imaps://HOST:993` (TLS), or `imap://HOST:143` (STARTTLS; plain on loopback).
    #[arg(long, value_name = "URL", value_parser = imap)]
    pub(super) imap: MailServer,
    /// The name to sign in with, where it is not the address.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// Read the password from the first line of stdin.
    #[arg(long, conflicts_with = "password_command")]
    pub(super) password_stdin: bool,
    /// A command that writes the password, such as `pass show mail/support`.
    #[arg(long, value_name = "CMD", value_parser = words)]
    pub(super) password_command: Option<Words>,
    /// A file of certificates (PEM) that are trusted beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// How far back mail is read: 30d, 8w, or all.
    #[arg(long, value_name = "SPAN", default_value = "30d", value_parser = since)]
    pub(super) since: Since,
    /// Keep the account without signing in first.
    #[arg(long)]
    pub(super) no_test: bool,
}

/// A command with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Words(pub(super) Vec<String>);

#[derive(Debug, ClapArgs)]
pub(super) struct SyncArgs {
    /// Only this account: its address or its name in the config.
    pub(super) account: Option<String>,
    /// Go on: read what comes as it comes, until stopped.
    #[arg(long)]
    pub(super) watch: bool,
}

fn address(text: &str) -> Result<String, &'static str> {
    let is_one = crate::config::accounts::is_address(text);
    is_one
        .then(|| text.to_owned())
        .ok_or("it is no address such as support@example.com")
}

fn imap(text: &str) -> Result<MailServer, NotAServer> {
    MailServer::imap(text)
}

fn since(text: &str) -> Result<Since, &'static str> {
    Since::parse(text).ok_or("write 30d, 8w or all")
}

fn words(text: &str) -> Result<Words, &'static str> {
    shlex::split(text)
        .filter(|words| words.first().is_some_and(|program| !program.is_empty()))
        .map(Words)
        .ok_or("it is no command")
}
