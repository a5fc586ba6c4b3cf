//! The token endpoint: what it is asked, and what its answers mean (RFC 6749, 5).

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::{Asking, OAuthError, Place, Tokens};
use crate::text::clean::clean_line;

/// How long an access token is taken to last where the service does not say.
const USUAL_LIFE: Duration = Duration::from_mins(30);

/// What the token endpoint says.
pub(super) enum Said {
    Tokens(Tokens),
    /// An error, by its word, and what the service says beside.
    Error(String, String),
}

/// Gets a new access token for a refresh token.
pub async fn renew(asking: Asking<'_>, refresh: &SecretString) -> Result<Tokens, OAuthError> {
    let place = Place::of(asking, &asking.sign_in.token)?;
    let grant = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose_secret()),
    ];
    match ask(asking, &place, &grant).await? {
        Said::Tokens(tokens) => Ok(tokens),
        Said::Error(error, said) => Err(refused(&place, &error, &said)),
    }
}

/// Asks the token endpoint; our name and its secret go with it.
pub(super) async fn ask(
    asking: Asking<'_>,
    place: &Place,
    grant: &[(&str, &str)],
) -> Result<Said, OAuthError> {
    let mut form = vec![("client_id", asking.sign_in.client_id.as_str())];
    form.extend(
        asking
            .secret
            .map(|secret| ("client_secret", secret.expose_secret())),
    );
    form.extend(grant);
    let (status, value) = place.post(&form).await?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(error) = text("error") {
        let said = text("error_description").unwrap_or_default();
        return Ok(Said::Error(error.to_owned(), said.to_owned()));
    }
    let access = text("access_token").filter(|token| is_token(token));
    let Some(access) = access.filter(|_| (200..300).contains(&status)) else {
        return Err(place.odd(format!("it answered {status} and no access token")));
    };
    let seconds = value.get("expires_in").and_then(whole);
    Ok(Said::Tokens(Tokens {
        access: SecretString::from(access),
        refresh: text("refresh_token")
            .filter(|token| is_token(token))
            .map(SecretString::from),
        lasts: seconds.map_or(USUAL_LIFE, Duration::from_secs),
    }))
}

/// Makes the error of a service that says no: its word, and the first line of what it says.
pub(super) fn refused(place: &Place, error: &str, said: &str) -> OAuthError {
    let host = place.host.clone();
    if error == "access_denied" || error == "authorization_declined" {
        return OAuthError::Declined { host };
    }
    // A passing fault of the service, not of the sign-in: asking again later mends it.
    if [
        "temporarily_unavailable",
        "server_error",
        "slow_down",
        "rate_limit_exceeded",
    ]
    .contains(&error)
    {
        return OAuthError::Unreachable {
            host,
            why: clean_line(error),
        };
    }
    let first = said.lines().next().unwrap_or_default();
    let said = if first.is_empty() {
        clean_line(error)
    } else {
        clean_line(&format!("{error}: {first}"))
    };
    OAuthError::Refused {
        host,
        said: said.chars().take(200).collect(),
    }
}

/// Some services write seconds as text.
pub(super) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// What a mail server is shown must not end its line (RFC 6750, 2.1).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}
