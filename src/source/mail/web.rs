//! Asking web servers about mail: private connections only, short answers only.

use std::{net::IpAddr, path::Path};

use reqwest::{Client, Response, Url, redirect::Policy};

use super::tls;
use crate::text::clean::clean_line;

/// More than any answer about mail servers or tokens has.
const ANSWER_BYTES: usize = 256 << 10;

/// So often a server may send us on.
const MOST_REDIRECTS: usize = 3;

/// What a web server says.
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Its text.
    pub(super) text: String,
}

/// Makes a client for an address to which secrets are sent: it goes nowhere else, and in the clear
/// on loopback only.
pub(super) fn secret_client(ca: Option<&Path>, url: &Url) -> Result<Client, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
    let builder = Client::builder()
        .user_agent(concat!("deskhand/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls::trusting(ca)?)
        .referer(false)
        .redirect(Policy::none());
    if is_loopback {
        builder.no_proxy()
    } else {
        builder.https_only(true)
    }
    .build()
    .map_err(|error| words(&error))
}

/// Makes the client that asks. It trusts the system's certificates and those in the file `ca`.
pub(super) fn client(ca: Option<&Path>) -> Result<Client, String> {
    Client::builder()
        .user_agent(concat!("deskhand/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls::trusting(ca)?)
        .referer(false)
        .https_only(true)
        .redirect(Policy::limited(MOST_REDIRECTS))
        .build()
        .map_err(|error| words(&error))
}

/// Reads an answer, as far as an honest one goes.
pub(super) async fn read(mut response: Response) -> Result<Answer, String> {
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| words(&error))? {
        if bytes.len() + chunk.len() > ANSWER_BYTES {
            return Err("its answer is too long".to_owned());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        text: String::from_utf8_lossy(&bytes).into_owned(),
    })
}

/// Says why a server could not be asked: the innermost reason, on one clean line.
pub(super) fn words(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    clean_line(&reason.to_string()).chars().take(200).collect()
}
