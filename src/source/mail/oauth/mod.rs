//! Signing in with tokens (OAuth 2): a person says yes once, we renew what they granted.
//!
//! Secrets go to the token endpoint of the config alone, over HTTPS (plain on loopback), and are
//! in no error. Nothing is kept here: the desk keeps the refresh token in the keyring.

mod browser;
mod device;
mod held;
pub(super) mod sasl;
mod token;

use std::{path::Path, time::Duration};

use reqwest::{Client, Url};
use secrecy::SecretString;

pub use self::{
    browser::Browser,
    device::{Device, device},
    held::{Held, HeldTokens, Unkept, is_same},
    sasl::Credential,
    token::renew,
};
use super::web;
use crate::domain::sign_in::SignIn;

/// How long a service may take over one answer.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a person may take to say yes in the browser.
const PERSON: Duration = Duration::from_mins(10);

/// Says why no token came.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// The service could not be asked.
    #[error("{host} cannot be reached: {why}")]
    Unreachable {
        /// Which service.
        host: String,
        /// Why not.
        why: String,
    },
    /// The service says no.
    #[error("{host} refused it: {said}")]
    Refused {
        /// Which service.
        host: String,
        /// Its words.
        said: String,
    },
    /// The person said no.
    #[error("it was declined at {host}")]
    Declined {
        /// Which service.
        host: String,
    },
    /// The person took too long.
    #[error("nobody said yes in time")]
    TooLate,
    /// The service answered something that cannot be used.
    #[error("{host} gave an answer that cannot be used: {why}")]
    Odd {
        /// Which service.
        host: String,
        /// Why not.
        why: String,
    },
    /// No port of this machine can be listened on for the browser.
    #[error("no port of this machine can be listened on: {0}")]
    NoPort(#[source] std::io::Error),
}

/// Who asks whom for tokens.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// The service and who we are there.
    pub sign_in: &'a SignIn,
    /// The secret that goes with our name, where the service wants one.
    pub secret: Option<&'a SecretString>,
    /// Whose mailbox it is.
    pub address: &'a str,
    /// A file of certificates that are trusted beside the system's.
    pub ca: Option<&'a Path>,
}

/// What a service grants.
pub struct Tokens {
    /// Opens the mailbox for a while.
    pub access: SecretString,
    /// Renews the other; none when the old one goes on.
    pub refresh: Option<SecretString>,
    /// How long the access lasts.
    pub lasts: Duration,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tokens for {} s", self.lasts.as_secs())
    }
}

/// An address of the service and the client that may ask it.
struct Place {
    client: Client,
    url: Url,
    host: String,
}

impl Place {
    fn of(asking: Asking<'_>, url: &str) -> Result<Self, OAuthError> {
        let odd = |host: &str, why: String| OAuthError::Odd {
            host: host.to_owned(),
            why,
        };
        let parsed: Url = url
            .parse()
            .map_err(|_| odd(url, "it is no address".to_owned()))?;
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let client = web::secret_client(asking.ca, &parsed).map_err(|why| odd(&host, why))?;
        Ok(Self {
            client,
            url: parsed,
            host,
        })
    }

    fn odd(&self, why: impl Into<String>) -> OAuthError {
        OAuthError::Odd {
            host: self.host.clone(),
            why: why.into(),
        }
    }

    /// Posts a form and returns the status and the JSON that comes back.
    async fn post(&self, form: &[(&str, &str)]) -> Result<(u16, serde_json::Value), OAuthError> {
        let unreachable = |why: String| OAuthError::Unreachable {
            host: self.host.clone(),
            why,
        };
        let request = self.client.post(self.url.clone()).form(form);
        let asked = request
            .header("accept", "application/json")
            .timeout(ANSWER)
            .send();
        let response = asked
            .await
            .map_err(|error| unreachable(web::words(&error)))?;
        let answer = web::read(response).await.map_err(unreachable)?;
        if answer.status >= 500 {
            return Err(OAuthError::Unreachable {
                host: self.host.clone(),
                why: format!("it answered {}", answer.status),
            });
        }
        let value = serde_json::from_str(&answer.text)
            .map_err(|_| self.odd(format!("it answered {} and no JSON", answer.status)))?;
        Ok((answer.status, value))
    }
}
