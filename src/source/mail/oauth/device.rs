//! The flow with a code (RFC 8628): the person types it on whatever machine has a browser.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::{
    Asking, OAuthError, Place, Tokens,
    token::{self, Said},
};
use crate::text::clean::clean_line;

/// How often is asked where the service does not say (RFC 8628, 3.2).
const USUAL_INTERVAL: u64 = 5;
/// So many seconds longer when the service says that we ask too often (RFC 8628, 3.5).
const SLOWER: u64 = 5;
/// A longer pause would look like nothing happening.
const LONGEST_INTERVAL: u64 = 60;
/// How long a code is good where the service does not say.
const USUAL_LIFE: u64 = 900;

/// A code that waits for a person.
pub struct Device {
    /// What the person types.
    pub code: String,
    /// Where.
    pub url: String,
    secret: SecretString,
    interval: u64,
    lasts: Duration,
}

/// Asks the service for a code.
pub async fn device(asking: Asking<'_>, url: &str) -> Result<Device, OAuthError> {
    let place = Place::of(asking, url)?;
    let form = [
        ("client_id", asking.sign_in.client_id.as_str()),
        ("scope", asking.sign_in.scope.as_str()),
    ];
    let (_, value) = place.post(&form).await?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(error) = text("error") {
        let said = text("error_description").unwrap_or_default();
        return Err(token::refused(&place, error, said));
    }
    let number = |key: &str| value.get(key).and_then(token::whole);
    // RFC 8628 says `verification_uri`; some say `verification_url`.
    let page = text("verification_uri").or_else(|| text("verification_url"));
    let (Some(secret), Some(code), Some(page)) = (text("device_code"), text("user_code"), page)
    else {
        return Err(place.odd("it gave no code"));
    };
    Ok(Device {
        code: clean_line(code),
        url: clean_line(page),
        secret: SecretString::from(secret),
        interval: number("interval").unwrap_or(USUAL_INTERVAL),
        lasts: Duration::from_secs(number("expires_in").unwrap_or(USUAL_LIFE)),
    })
}

impl Device {
    /// Waits until the person has said yes.
    pub async fn tokens(&self, asking: Asking<'_>) -> Result<Tokens, OAuthError> {
        let asked = timeout(self.lasts, self.ask_until(asking));
        asked.await.unwrap_or(Err(OAuthError::TooLate))
    }

    async fn ask_until(&self, asking: Asking<'_>) -> Result<Tokens, OAuthError> {
        let place = Place::of(asking, &asking.sign_in.token)?;
        let grant = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", self.secret.expose_secret()),
        ];
        let mut interval = self.interval.clamp(1, LONGEST_INTERVAL);
        loop {
            sleep(Duration::from_secs(interval)).await;
            match token::ask(asking, &place, &grant).await {
                Ok(Said::Tokens(tokens)) => return Ok(tokens),
                Ok(Said::Error(error, said)) => match error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval = (interval + SLOWER).min(LONGEST_INTERVAL),
                    "expired_token" => return Err(OAuthError::TooLate),
                    _ => return Err(token::refused(&place, &error, &said)),
                },
                // A service that is away for a moment is asked again (RFC 8628, 3.5).
                Err(OAuthError::Unreachable { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
