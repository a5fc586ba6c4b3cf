//! What can go wrong at the desk, and what a person can do about it.

use super::{drill::DrillError, import::ImportError};
use crate::{
    config::{Finding, edit::EditError, paths::PathsError},
    domain::{LinkName, ProviderName, receipt_query::ReceiptQueryError, ticket::IllegalMove},
    engine::chain::ChainError,
    llm::catalog,
    secrets::VaultError,
    source::mail::{imap::ImapError, oauth::OAuthError, smtp::SmtpError},
    store::StoreError,
};

/// One failed act. Its text says what happened and why; [`DeskError::advice`] says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The database did not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The config is wrong; every finding.
    #[error("{}", first_finding(.0))]
    Findings(Vec<Finding>),
    /// The config could not be written.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A folder of ours could not be used.
    #[error(transparent)]
    Paths(#[from] PathsError),
    /// An import stopped; what was filed before stays.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A key could not be read or kept.
    #[error("The key of {provider} is out of reach: {error}.")]
    Vault {
        /// Whose key.
        provider: ProviderName,
        /// Why.
        error: VaultError,
    },
    /// The note that a provider has a key could not be written.
    #[error("The key is kept, but that cannot be noted in the data folder: {0}")]
    Noting(#[source] std::io::Error),
    /// An export could not be written.
    #[error("{} cannot be written: {why}.", file.display())]
    Export {
        /// The file.
        file: std::path::PathBuf,
        /// Why.
        #[source]
        why: std::io::Error,
    },
    /// A file is no table.
    #[error("{path} cannot be read as a table: {why}.")]
    NoTable {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// A ticket could not be put into words for an export.
    #[error("Ticket #{number} cannot be written: {why}.")]
    NotWritten {
        /// Which.
        number: i64,
        /// Why.
        #[source]
        why: serde_json::Error,
    },
    /// A status cannot follow another.
    #[error(transparent)]
    Move(#[from] IllegalMove),
    /// No ticket has that number or identity.
    #[error("There is no ticket {0}.")]
    NoTicket(String),
    /// No receipt has that id.
    #[error("There is no receipt `{0}`, or more than one begins so.")]
    NoReceipt(String),
    /// No provider of that name is known.
    #[error("There is no provider `{0}`.")]
    NoProvider(String),
    /// The config says that the key comes from somewhere else.
    #[error("The config takes the key of {0} from the environment or a command, not the keyring.")]
    KeyElsewhere(ProviderName),
    /// The chain that was asked for cannot be used.
    #[error("This chain cannot be used: {0}.")]
    Chain(#[from] ChainError),
    /// A query for receipts cannot be read.
    #[error("This query cannot be read: {0}.")]
    Query(#[from] ReceiptQueryError),
    /// What a drill should do cannot be done.
    #[error("This drill cannot be played: {0}.")]
    Drill(#[from] DrillError),
    /// Nothing knows a model of that name.
    #[error("Nothing here knows the model {link}.")]
    NoModel {
        /// What was named.
        link: LinkName,
        /// The known model whose name is nearest.
        near: Option<String>,
    },
    /// No chain has that name.
    #[error("`{named}` is neither a chain nor links; chains are: {}", if known.is_empty() { "none yet" } else { known })]
    NoChain {
        /// What was named.
        named: String,
        /// The chains there are.
        known: String,
    },
    /// The program broke while it drafted; what the call cost is counted at its most.
    #[error("The draft ended by a fault of deskhand itself. Its cost is counted at its most (~).")]
    Broken,
    /// There is nothing to send, discard or bring back.
    #[error("{0}")]
    Nothing(&'static str),
    /// A cap must be chosen before the first paid call.
    #[error("No monthly cap is chosen yet, and nothing is spent before it is.")]
    CapNotChosen,
    /// A provider refused a key, or could not be asked about it. One that was to be stored was not.
    #[error("The key of `{provider}` {}: {why}", if *.refused { "was refused" } else { "could not be checked" })]
    KeyNotAccepted {
        /// Whose key.
        provider: ProviderName,
        /// Its words.
        why: String,
        /// Whether the provider said no; else it could not be asked.
        refused: bool,
        /// Whether it was to be stored; else it is kept already.
        is_new: bool,
    },
    /// There is no key where the config says it is.
    #[error("There is no key of `{0}` in your keyring.")]
    NoKey(ProviderName),
    /// The password of a mailbox could not be read or kept.
    #[error("The password of {address} could not be read or kept: {error}")]
    Password {
        /// Whose.
        address: String,
        /// Why not.
        error: VaultError,
    },
    /// No password is kept for a mailbox.
    #[error("There is no password of {0} in your keyring.")]
    NoPassword(String),
    /// The config has no account of that name or address.
    #[error("There is no account `{named}`; {}", if known.is_empty() { "none is set up yet".to_owned() } else { format!("there are: {known}") })]
    NoAccount {
        /// What was named.
        named: String,
        /// The accounts there are.
        known: String,
    },
    /// A sign-in with a token did not work.
    #[error("The sign-in of {address} failed: {error}.")]
    SignIn {
        /// Whose.
        address: String,
        /// Why.
        error: OAuthError,
    },
    /// Nobody has signed in to an account yet.
    #[error("Nobody has signed in to {0} on this machine.")]
    NotSignedIn(String),
    /// Nobody knows the mail servers of an address.
    #[error("No server with the mail of {address} was found. Asked: {asked}.")]
    NoServers {
        /// Whose.
        address: String,
        /// The places that were asked, and what came of it.
        asked: String,
    },
    /// A mailbox could not be read. What was filed before stays.
    #[error("The mail of {address} could not be read: {error}.")]
    Mail {
        /// Whose.
        address: String,
        /// Why not.
        error: ImapError,
    },
    /// A mail server could not be used for sending.
    #[error("Mail of {address} cannot be sent: {error}.")]
    Smtp {
        /// Whose.
        address: String,
        /// Why not.
        error: SmtpError,
    },
    /// The account that a person names has no server to send by.
    #[error("The account {0} cannot send.")]
    CannotSend(String),
    /// No reply of the outbox has that id.
    #[error("There is no reply `{0}` in the outbox, or more than one begins so.")]
    NoReply(String),
    /// A file that was to go with a reply is not kept any more.
    #[error("The file {0} is not here any more.")]
    NoFile(String),
    /// A file that was to go with a reply cannot be read.
    #[error("{} cannot be attached: {why}.", file.display())]
    Unreadable {
        /// Which file.
        file: std::path::PathBuf,
        /// Why not.
        #[source]
        why: std::io::Error,
    },
    /// Nothing here opens files.
    #[error("`{opener}` could not be started: {why}.")]
    NoOpener {
        /// What was tried.
        opener: &'static str,
        /// Why not.
        #[source]
        why: std::io::Error,
    },
    /// A reply carries more than the config allows.
    #[error("The files have {} MB together; a reply may carry {} MB.", bytes.div_ceil(1 << 20), limit >> 20)]
    TooMuch {
        /// What they have.
        bytes: u64,
        /// What they may have.
        limit: u64,
    },
    /// Somebody wrote after the person looked.
    #[error("A new message came while you were writing. Nothing was sent.")]
    Stale,
    /// No account can send.
    #[error("No account can send mail yet, so the reply waits.")]
    NoWayOut,
    /// Another desk does this work.
    #[error("{holder} does this already ({name}).")]
    Leased {
        /// Which work.
        name: String,
        /// Who.
        holder: String,
    },
    /// The simulator could not be started.
    #[error("The provider simulator could not be started on loopback: {0}")]
    Simulator(#[source] std::io::Error),
}

impl DeskError {
    /// Tells whether a newer text of a draft was in the way; both are kept.
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict(_)))
    }

    /// Tells whether a person must sign in to an account again; other accounts go on.
    pub const fn is_signed_out(&self) -> bool {
        matches!(
            self,
            Self::NotSignedIn(_)
                | Self::SignIn {
                    error: OAuthError::Refused { .. },
                    ..
                }
        )
    }

    /// Notes that the key was to be stored, and was not.
    pub(super) fn of_a_new_key(mut self) -> Self {
        if let Self::KeyNotAccepted { is_new, .. } = &mut self {
            *is_new = true;
        }
        self
    }

    /// Returns what to do next, where there is something to do.
    #[expect(
        clippy::too_many_lines,
        reason = "the list of all errors, a line or two each"
    )]
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::NoTicket(_) => "`deskhand tickets` lists the tickets there are.".to_owned(),
            Self::Export { .. } => {
                "Name a file that does not exist yet, in a folder you may write to.".to_owned()
            }
            Self::NoTable { .. } => {
                "`deskhand import --help` says how to name its encoding and separator.".to_owned()
            }
            Self::NotWritten { .. } => "Leave it out with a query, and report this.".to_owned(),
            Self::NoReceipt(_) => "`deskhand receipts` lists them with their ids.".to_owned(),
            Self::NoProvider(name) if catalog::preset(name).is_some() => format!(
                "Only you know where: add [providers.{name}] to the config; `deskhand config check` \
                 says what belongs there."
            ),
            Self::NoProvider(_) => {
                "`deskhand keys list` names the known ones; another is set up as \
                 [providers.NAME] in the config."
                    .to_owned()
            }
            Self::Findings(_) => "`deskhand config check` names every finding.".to_owned(),
            Self::CapNotChosen => "Choose one with `deskhand spend cap 20`, or declare it absent \
                                   with `deskhand spend cap none`."
                .to_owned(),
            Self::KeyNotAccepted {
                provider,
                refused,
                is_new,
                ..
            } => key_advice(provider, *refused, *is_new),
            Self::Password { .. }
            | Self::NoPassword(_)
            | Self::NoAccount { .. }
            | Self::NoServers { .. }
            | Self::SignIn { .. }
            | Self::NotSignedIn(_)
            | Self::CannotSend(_)
            | Self::NoReply(_)
            | Self::NoFile(_)
            | Self::Unreadable { .. }
            | Self::TooMuch { .. }
            | Self::Stale
            | Self::NoWayOut
            | Self::NoOpener { .. }
            | Self::Leased { .. }
            | Self::Smtp { .. }
            | Self::Mail { .. } => self.mail_advice(),
            Self::NoKey(name) => format!("Set one: `deskhand keys set {name}`."),
            Self::KeyElsewhere(name) => {
                format!("Change it there, or remove the line under [providers.{name}].")
            }
            Self::Vault { provider, error } => error.advice(&provider.0),
            Self::NoModel { link, near } => near_model(link, near.as_deref()),
            Self::NoChain { .. } => {
                "Write provider/model,provider/model, or the name of a chain in the config."
                    .to_owned()
            }
            Self::Chain(_) => "`deskhand models` lists what can be asked.".to_owned(),
            Self::Store(_)
            | Self::Drill(_)
            | Self::Query(_)
            | Self::Broken
            | Self::Edit(_)
            | Self::Paths(_)
            | Self::Import(_)
            | Self::Move(_)
            | Self::Nothing(_)
            | Self::Noting(_)
            | Self::Simulator(_) => return None,
        })
    }

    /// Returns what to do about a mailbox.
    fn mail_advice(&self) -> String {
        if let Self::Mail { address, error } = self {
            return mail_advice(address, error);
        }
        if let Self::Smtp { address, error } = self {
            return smtp_advice(address, error);
        }
        if let Self::NotSignedIn(address) = self {
            return format!("Sign in: deskhand account login {address}");
        }
        if let Self::SignIn { address, error } = self {
            return sign_in_advice(address, error);
        }
        if let Self::NoServers { address, .. } = self {
            let domain = address.rsplit('@').next().unwrap_or("example.com");
            return format!(
                "Name them, as your provider does: deskhand account add {address} --imap \
                 imaps://imap.{domain}:993 --smtp smtps://smtp.{domain}:465"
            );
        }
        if let Self::NoPassword(address) = self {
            return format!(
                "Give it again with `deskhand account add {address}`; it asks for the password."
            );
        }
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the caller has sorted the errors"
        )]
        let words = match self {
            Self::NoAccount { .. } => "Add one: deskhand account add support@example.com",
            Self::CannotSend(_) => {
                "Name its server in the config: smtp = \"smtps://smtp.example.com:465\" under it."
            }
            Self::NoReply(_) => "`deskhand outbox` lists them.",
            Self::NoFile(_) => "Attach it again.",
            Self::Unreadable { .. } => "Check the path: nothing was attached.",
            Self::TooMuch { .. } => {
                "Leave some out, or raise `attachments_mb` under [outbox] if your server takes more."
            }
            Self::Stale => "Read it, then send the reply again or change it.",
            Self::NoWayOut => {
                "Name the server in the config: smtp = \"smtps://smtp.example.com:465\" under the \
                 account. Where several accounts can send, say which one does for people who wrote to \
                 none: account = \"NAME\" under [outbox]; or say it of one reply, with --account NAME or, \
                 at the desk, `from: NAME` behind the recipients."
            }
            Self::NoOpener { .. } => "Save it, and open it yourself.",
            Self::Leased { .. } => "Close it, or let it do its work: it sees the same tickets.",
            _ => {
                "Unlock the keyring, or name a command in the config that writes the password: \
                 password_command."
            }
        };
        words.to_owned()
    }
}

/// Says what to do about a key that was not accepted.
fn key_advice(provider: &ProviderName, refused: bool, is_new: bool) -> String {
    match (is_new, refused) {
        (true, true) => {
            format!("Nothing was stored. Check the key and run `deskhand keys set {provider}`.")
        }
        (true, false) => "Nothing was stored. Add --no-verify to store it unchecked.".to_owned(),
        (false, true) => format!("Set another: `deskhand keys set {provider}`."),
        (false, false) => {
            "The key stays as it is. Check the network and base_url, then try again.".to_owned()
        }
    }
}

fn first_finding(findings: &[Finding]) -> String {
    match findings {
        [] => "The config is wrong.".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}
/// Names the model that may have been meant, or where those of a provider are listed.
fn near_model(link: &LinkName, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("Did you mean {}/{near}?", link.provider),
        None => format!("`deskhand models` lists those of {}.", link.provider),
    }
}

/// Says what to do about a server that could not be used for sending.
fn smtp_advice(address: &str, error: &SmtpError) -> String {
    match error {
        SmtpError::Unreachable { .. } => {
            "Check the network and `smtp` in the config. A reply that waits is tried again."
        }
        SmtpError::NotPrivate { .. } => {
            "If the server has a certificate of your own, name its CA file: `ca` in the config, or \
             --ca."
        }
        SmtpError::Refused { .. } => {
            return format!(
                "Check `user` and the password of {address}; many providers want an app password \
                 here. `deskhand account add` stores a new one."
            );
        }
        SmtpError::NoToken { .. } => {
            "Name another server in `smtp` of the config, or sign in with a password: `deskhand \
             account add` stores one."
        }
        SmtpError::Failed { .. } => "A reply that waits is tried again.",
    }
    .to_owned()
}

/// Says what to do about a sign-in that did not work.
fn sign_in_advice(address: &str, error: &OAuthError) -> String {
    match error {
        OAuthError::Refused { .. } | OAuthError::Declined { .. } | OAuthError::TooLate => {
            format!("Sign in again: deskhand account login {address}")
        }
        OAuthError::Unreachable { .. } => "Check the network, then try again.".to_owned(),
        OAuthError::Odd { .. } => {
            "Check `login`, `client_id` and what goes with them in the config.".to_owned()
        }
        OAuthError::NoPort(_) => "Try again; a firewall may be in the way.".to_owned(),
    }
}

/// Says what to do about a mailbox that could not be read.
fn mail_advice(address: &str, error: &ImapError) -> String {
    match error {
        ImapError::Unreachable { .. } | ImapError::Silent { .. } => {
            "Check the network and `imap` in the config, then try again: nothing was lost."
        }
        ImapError::NotPrivate { .. } => {
            "If the server has a certificate of your own, name its CA file: `ca` in the config, or \
             --ca."
        }
        ImapError::Refused { .. } => {
            return format!(
                "Check `user` and the password of {address}; many providers want an app password \
                 here. `deskhand account add` stores a new one."
            );
        }
        ImapError::Failed { .. } => "Try again: what was read is kept, the rest is read then.",
    }
    .to_owned()
}
