//! What can be written on the command line about mailboxes.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use crate::{
    config::{LONGEST_UNDO, Since, login::command_words},
    domain::{MailServer, NotAServer, Status, sign_in::Service},
};

#[derive(Debug, ClapArgs)]
pub(super) struct AccountArgs {
    #[command(subcommand)]
    pub(super) command: AccountCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// Find the servers of an address, sign in, keep the password in the OS keyring, and note the
    /// mailbox in the config.
    Add(Box<AddAccount>),
    /// List the mailboxes of the config.
    List,
    /// Sign in at Microsoft, Google or a service of your own: with a code or in the browser. What
    /// renews the sign-in is kept in the OS keyring.
    Login {
        /// The account: its address or its name in the config.
        account: String,
    },
    /// Sign in both ways with what is kept; read nothing and send nothing.
    Test {
        /// The account: its address or its name in the config.
        account: String,
    },
    /// Take a mailbox out of the config and its secret out of the keyring; its tickets stay.
    Remove {
        /// The account: its address or its name in the config.
        account: String,
        /// Do so though replies wait to leave by it; they stay in the outbox.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct AddAccount {
    /// The address customers write to.
    #[arg(value_parser = address)]
    pub(super) address: String,
    /// Its server: `imaps://HOST:993` (TLS), or `imap://HOST:143` (STARTTLS; plain on loopback).
    /// Without it the servers are looked for.
    #[arg(long, value_name = "URL", value_parser = imap)]
    pub(super) imap: Option<MailServer>,
    /// The server replies leave by: `smtps://HOST:465` (TLS), or `smtp://HOST:587` (STARTTLS;
    /// plain on loopback). With --imap and without it replies wait.
    #[arg(long, value_name = "URL", value_parser = smtp)]
    pub(super) smtp: Option<MailServer>,
    /// The name to sign in with, where it is not the address.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// Read the password from the first line of stdin.
    #[arg(long, conflicts_with = "password_command")]
    pub(super) password_stdin: bool,
    /// A command that writes the password, such as `pass show mail/support`.
    #[arg(long, value_name = "CMD", value_parser = words)]
    pub(super) password_command: Option<Words>,
    /// Sign in with a token instead of a password.
    #[arg(long, value_name = "SERVICE", requires = "client_id",
          conflicts_with_all = ["password_stdin", "password_command"])]
    pub(super) login: Option<LoginService>,
    /// The id under which the service knows deskhand; you register it there.
    #[arg(long, value_name = "ID", requires = "login")]
    pub(super) client_id: Option<String>,
    /// A command that writes the secret that goes with the id, where the service wants one.
    #[arg(long, value_name = "CMD", requires = "login", value_parser = words)]
    pub(super) client_secret_command: Option<Words>,
    /// A file of certificates (PEM) that are trusted beside the system's.
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// How far back mail is read: 30d, 8w, or all. Asked for on a terminal; else 30d.
    #[arg(long, value_name = "SPAN", value_parser = since)]
    pub(super) since: Option<Since>,
    /// Take servers outside the address's domain without asking.
    #[arg(long)]
    pub(super) yes: bool,
    /// Keep the account without signing in first.
    #[arg(long)]
    pub(super) no_test: bool,
}

/// A service that grants tokens.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LoginService {
    /// Microsoft 365 and Outlook: with a code.
    Microsoft,
    /// Google Workspace and Gmail: in the browser.
    Google,
}

impl From<LoginService> for Service {
    fn from(service: LoginService) -> Self {
        match service {
            LoginService::Microsoft => Self::Microsoft,
            LoginService::Google => Self::Google,
        }
    }
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

#[derive(Debug, ClapArgs)]
pub(super) struct ReplyArgs {
    /// The ticket's number.
    pub(super) number: i64,
    /// A file with the text, or `-` for stdin.
    #[arg(long, value_name = "FILE")]
    pub(super) text: PathBuf,
    /// A file that goes with it; may be given several times.
    #[arg(long, value_name = "FILE")]
    pub(super) attach: Vec<PathBuf>,
    /// Who gets it instead of the writer of the last message.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) to: Vec<String>,
    /// Who gets a copy beside those of the last message.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) cc: Vec<String>,
    /// Who gets a copy that nobody is told of.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) bcc: Vec<String>,
    /// What the ticket is when the reply has left.
    #[arg(long)]
    pub(super) status: Option<ReplyStatus>,
    /// How long it can be taken back, 60 at most; without it as the config says.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=LONGEST_UNDO))]
    pub(super) hold: Option<u64>,
    /// The account it leaves by, where several can send.
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
}

/// What a ticket can be after a reply.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ReplyStatus {
    /// The requester must act.
    Pending,
    /// Answered.
    Solved,
    /// A third party must act.
    Hold,
    /// The desk must still act.
    Open,
}

impl From<ReplyStatus> for Status {
    fn from(status: ReplyStatus) -> Self {
        match status {
            ReplyStatus::Pending => Self::Pending,
            ReplyStatus::Solved => Self::Solved,
            ReplyStatus::Hold => Self::Hold,
            ReplyStatus::Open => Self::Open,
        }
    }
}

#[derive(Debug, ClapArgs)]
pub(super) struct NoteArgs {
    /// The ticket's number.
    pub(super) number: i64,
    /// A file with the text, or `-` for stdin.
    #[arg(long, value_name = "FILE")]
    pub(super) text: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(super) struct MergeArgs {
    /// The ticket that goes over, or went over.
    pub(super) number: i64,
    /// The ticket it goes on in.
    #[arg(long, value_name = "NUMBER", required_unless_present = "undo")]
    pub(super) into: Option<i64>,
    /// Undo the merge of NUMBER: its messages come back, and it stands as it did.
    #[arg(long, conflicts_with = "into")]
    pub(super) undo: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SplitArgs {
    /// The ticket's number.
    pub(super) number: i64,
    /// The message that is taken out; without it the newest from outside.
    #[arg(long, value_name = "ID")]
    pub(super) message: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct NewArgs {
    /// For whom it is.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) to: String,
    /// What it is about.
    #[arg(long)]
    pub(super) subject: String,
    /// The account that writes to them, where several can send.
    #[arg(long, value_name = "NAME")]
    pub(super) account: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ForwardArgs {
    /// The ticket's number.
    pub(super) number: i64,
    /// To whom.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) to: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct FilesArgs {
    /// The ticket's number.
    pub(super) number: i64,
    /// Save the file of this place in the list; may be given several times.
    #[arg(long, value_name = "PLACE")]
    pub(super) save: Vec<usize>,
    /// Where to save it.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(super) to: PathBuf,
    /// Open the file of this place with the system's program; never one that could run.
    #[arg(long, value_name = "PLACE", conflicts_with = "save")]
    pub(super) open: Option<usize>,
    /// First fetch messages whose bodies were left on the mail server, for their size.
    #[arg(long)]
    pub(super) fetch: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct OutboxArgs {
    #[command(subcommand)]
    pub(super) command: Option<OutboxCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum OutboxCommand {
    /// List the replies that have not left.
    List,
    /// Send what is due now.
    Send,
    /// Take a reply back: it is the draft it was.
    Undo {
        /// The reply: its id, or how it begins.
        id: String,
    },
    /// Let a reply that was refused, or that nobody knows of, leave again.
    Retry {
        /// The reply: its id, or how it begins.
        id: String,
        /// Also where somebody wrote after it was approved.
        #[arg(long)]
        anyway: bool,
    },
    /// Say that a reply nobody knows of has left after all.
    Sent {
        /// The reply: its id, or how it begins.
        id: String,
    },
    /// Let an address be written to again at which a report said that nobody is.
    Allow {
        /// The address; without one, those of which a report said so are listed.
        address: Option<String>,
    },
}

fn address(text: &str) -> Result<String, &'static str> {
    let is_one = crate::config::accounts::is_address(text);
    is_one
        .then(|| text.to_owned())
        .ok_or("it is no address such as support@example.com")
}

fn smtp(text: &str) -> Result<MailServer, NotAServer> {
    MailServer::smtp(text)
}

fn imap(text: &str) -> Result<MailServer, NotAServer> {
    MailServer::imap(text)
}

fn since(text: &str) -> Result<Since, &'static str> {
    Since::parse(text).ok_or("write 30d, 8w or all")
}

fn words(text: &str) -> Result<Words, &'static str> {
    command_words(text).map(Words)
}
