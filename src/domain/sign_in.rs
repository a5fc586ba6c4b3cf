//! Signing in to a mailbox: with a password, or with a token that its owner granted (OAuth 2).

use super::KeySource;

/// How a mailbox is signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// With a password, and where it is.
    Password(KeySource),
    /// With a token.
    SignIn(SignIn),
}

impl Login {
    /// Returns the word for where the secret is: `keyring`, `command`, `env`, `not_needed`, or
    /// `sign_in` for a token.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Password(KeySource::Keyring) => "keyring",
            Self::Password(KeySource::Command(_)) => "command",
            Self::Password(KeySource::Env(_)) => "env",
            Self::Password(KeySource::NotNeeded) => "not_needed",
            Self::SignIn(_) => "sign_in",
        }
    }
}

/// How a person grants us tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Who grants them.
    pub service: Service,
    /// How the person is asked.
    pub way: Way,
    /// Where tokens are handed out.
    pub token: String,
    /// What is asked for.
    pub scope: String,
    /// The name under which the service knows us; the person registers it there.
    pub client_id: String,
    /// A command that writes the secret that goes with it, where the service wants one.
    pub client_secret: Option<Vec<String>>,
}

/// Who grants tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Microsoft 365 and Outlook.
    Microsoft,
    /// Google Workspace and Gmail.
    Google,
    /// A service whose places stand in the config.
    Own,
}

impl Service {
    /// Returns its word in the config; a service of one's own has a table instead.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Microsoft => Some("microsoft"),
            Self::Google => Some("google"),
            Self::Own => None,
        }
    }

    /// Returns the service that a mail server of this name belongs to, if it is a known one.
    pub fn of_host(host: &str) -> Option<Self> {
        match host {
            "imap.gmail.com" | "smtp.gmail.com" => Some(Self::Google),
            "outlook.office365.com"
            | "smtp.office365.com"
            | "imap-mail.outlook.com"
            | "smtp-mail.outlook.com" => Some(Self::Microsoft),
            _ => None,
        }
    }
}

/// How a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a code to type on any machine (RFC 8628); where the code is handed out.
    Device(String),
    /// In a browser on this machine, which comes back to a port of ours (RFC 8252); the page.
    Browser(String),
}
