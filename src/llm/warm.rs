//! Connections made ahead: TCP and TLS are over before the first call is.
//!
//! The HTTP client hands over no handshake without a request, so the smallest one is sent: `HEAD /`
//! to the server's own root, without a key and without a word of anybody's. What it answers is of
//! no interest; the connection stays open for the call.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::Method;
use tokio::time::{Instant, timeout};

use super::{
    Transport,
    client::{Pool, spelled},
    connect::{Connecting, WATCHED},
    wire::Call,
};

/// A connection used this recently is still open: servers keep an idle one for a minute and more.
const STILL_WARM: Duration = Duration::from_secs(45);
/// How long making a connection may take, per address.
const CONNECT_LIMIT: Duration = Duration::from_millis(1_500);
/// How long the answer is waited for: only then the connection is free for the call.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// When each server was last spoken to.
#[derive(Debug, Default)]
pub(super) struct Spoken(Mutex<BTreeMap<String, Instant>>);

impl Spoken {
    /// Notes that a server is spoken to now; returns whether that was so lately too.
    pub(super) fn note(&self, origin: &str) -> bool {
        let now = Instant::now();
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match times.get_mut(origin) {
            Some(time) => Some(std::mem::replace(time, now)),
            None => times.insert(origin.to_owned(), now),
        };
        before.is_some_and(|before| now.duration_since(before) < STILL_WARM)
    }
}

/// Returns scheme, host and port of an address, as they are written there; none where it has none,
/// or holds a name and a password.
pub(super) fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?;
    if host.is_empty() || host.contains('@') {
        return None;
    }
    url.get(..scheme.len() + "://".len() + host.len())
}

impl Transport {
    /// Makes a connection to the server of a base URL, unless there was one a moment ago. An
    /// address that may not be spoken to, or nobody there, is left for the call to tell.
    pub async fn warm(&self, base_url: &str, allow_plain_http: bool) {
        let Some(origin) = origin(base_url) else {
            return;
        };
        let call = Call {
            url: format!("{origin}/"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let Ok(target) = self.clients.target(&call.url, allow_plain_http) else {
            return;
        };
        if self.clients.own().spoken.note(origin) {
            return;
        }
        let Ok(request) = spelled(&call, Method::HEAD, &target) else {
            return;
        };
        let Ok(client) = self.clients.client(&target, Pool::Shared) else {
            return;
        };
        let connecting = Connecting::new(CONNECT_LIMIT);
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let answer = timeout(ANSWER_LIMIT, sent).await;
        let is_there = matches!(answer, Ok(Ok(_)));
        if let Ok(Ok(response)) = answer {
            self.clients.served.note(response.extensions());
        }
        tracing::debug!(is_there, took = ?connecting.took(), "connected ahead");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_scheme_host_and_port() {
        for (url, wanted) in [
            ("https://api.openai.com/v1", Some("https://api.openai.com")),
            ("http://127.0.0.1:8080/a/b?c", Some("http://127.0.0.1:8080")),
            ("https://user:word@x.example/", None),
            ("mailto:noor@acme.example", None),
            ("nothing", None),
        ] {
            assert_eq!(origin(url), wanted, "{url}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_cools_down_again() {
        let spoken = Spoken::default();
        let note = |name: &str| spoken.note(name);

        assert!(!note("a"));
        assert!(!note("b"));
        assert!(note("a"));
        tokio::time::advance(STILL_WARM).await;
        assert!(!note("a"));
    }
}
