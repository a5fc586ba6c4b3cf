//! Who may ask: tokens, and the pages and names that may not.
//!
//! Loopback is not enough: any page in a browser may post to `localhost`, and a name that resolves
//! to it makes that page's own origin of it. So a foreign `Origin` and a foreign `Host` are refused
//! before a token is looked at.

use std::net::SocketAddr;

use hyper::http::{request::Parts, uri::Authority};

use super::dialect::{Refusal, RefusalKind};
use crate::desk::tokens::Callers;

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Who shows a token.
    Token,
    /// Who shows any bearer at all; only on loopback.
    AnyBearer,
    /// Everybody; only on loopback.
    Everybody,
}

/// The name of a caller who needs no token of his own.
pub(super) const ANYBODY: &str = "anybody";

/// What of a request is looked at before anything else.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown<'a> {
    pub host: Option<&'a str>,
    /// Whether the request names more than one host: whoever stands before this server may have
    /// looked at the other.
    pub is_ambiguous: bool,
    pub origin: Option<&'a str>,
    pub authorization: Option<&'a str>,
    pub api_key: Option<&'a str>,
    pub goog_key: Option<&'a str>,
    /// `key=` of the query, as Gemini's older clients write it.
    pub query_key: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// Returns what the head of a request shows.
    pub(super) fn of(head: &'a Parts) -> Self {
        let header = |name: &str| head.headers.get(name)?.to_str().ok();
        let query = head.uri.query().unwrap_or_default();
        let mut hosts = head.headers.get_all("host").iter();
        let named = hosts.next().and_then(|host| host.to_str().ok());
        let in_line = head.uri.authority().map(Authority::as_str);
        let differs = |(one, other): (&str, &str)| !one.eq_ignore_ascii_case(other);
        let mut origins = head.headers.get_all("origin").iter();
        // One that cannot be read, or a second one, is nobody's: it is refused as foreign.
        let origin = origins.next().map(|origin| {
            let only = origin.to_str().ok().filter(|_| origins.next().is_none());
            only.unwrap_or_default()
        });
        Self {
            host: in_line.or(named),
            is_ambiguous: hosts.next().is_some() || in_line.zip(named).is_some_and(differs),
            origin,
            authorization: header("authorization"),
            api_key: header("x-api-key"),
            goog_key: header("x-goog-api-key"),
            query_key: query.split('&').find_map(|pair| pair.strip_prefix("key=")),
        }
    }

    /// Returns every token that is shown, wherever it stands: a proxy may add one of its own.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &'a str> {
        let bearer = self.authorization.and_then(|header| {
            let (scheme, token) = header.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let all = [bearer, self.api_key, self.goog_key, self.query_key];
        all.into_iter().flatten().filter(|token| !token.is_empty())
    }
}

/// Refuses names and pages that are not this server's own.
pub(super) fn check_names(shown: &Shown<'_>, listens: SocketAddr) -> Result<(), Refusal> {
    if shown.is_ambiguous {
        let message = "The request names more than one host.";
        return Err(Refusal::new(RefusalKind::BadInput, message));
    }
    if !listens.ip().is_loopback() {
        // Who listens elsewhere is known by names that nobody here knows; there a token is needed.
        return check_origin(shown);
    }
    let host = shown.host.unwrap_or_default();
    if !is_loopback_name(host_of(host)) {
        let message = "This server answers as localhost alone: the request's Host is another name. \
                       Ask for http://localhost or http://127.0.0.1.";
        return Err(Refusal::new(RefusalKind::Forbidden, message));
    }
    check_origin(shown)
}

fn check_origin(shown: &Shown<'_>) -> Result<(), Refusal> {
    let Some(origin) = shown.origin else {
        return Ok(());
    };
    let authority = origin.split_once("://").map(|(_, rest)| rest);
    let is_own = authority.is_some_and(|authority| {
        is_loopback_name(host_of(authority)) || shown.host == Some(authority)
    });
    if is_own {
        return Ok(());
    }
    let message = "A page of another site may not ask this server.";
    Err(Refusal::new(RefusalKind::Forbidden, message))
}

/// Returns who asks.
pub(super) fn admit<'c>(
    shown: &Shown<'_>,
    admission: Admission,
    callers: &'c Callers,
) -> Result<&'c str, Refusal> {
    let known = shown.tokens().find_map(|token| callers.find(token));
    let token = shown.tokens().next();
    match (known, admission, token) {
        (Some(name), ..) => Ok(name),
        (None, Admission::Everybody, _) | (None, Admission::AnyBearer, Some(_)) => Ok(ANYBODY),
        (None, Admission::AnyBearer, None) => {
            let message =
                "No token came with the request. Any will do here: Authorization: Bearer test.";
            Err(Refusal::new(RefusalKind::Auth, message))
        }
        (None, Admission::Token, None) => {
            let message = "No token came with the request. `deskhand serve token new --name NAME` \
                           makes one; send it as Authorization: Bearer TOKEN or x-api-key: TOKEN.";
            Err(Refusal::new(RefusalKind::Auth, message))
        }
        (None, Admission::Token, Some(_)) => {
            let message = "The token is not known here. `deskhand serve token new --name NAME` \
                           makes one.";
            Err(Refusal {
                code: Some("invalid_api_key".to_owned()),
                ..Refusal::new(RefusalKind::Auth, message)
            })
        }
    }
}

/// Returns the name in `name:port`.
fn host_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split_once(']').map_or(rest, |(host, _)| host);
    }
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) | None => authority,
    }
}

fn is_loopback_name(host: &str) -> bool {
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let ip: Result<std::net::IpAddr, _> = host.parse();
    ip.is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 8000))
    }

    #[test]
    fn only_this_machines_own_names_are_answered_on_loopback() {
        for (host, is_ours) in [
            ("localhost:8000", true),
            ("LOCALHOST", true),
            ("127.0.0.1:8000", true),
            ("127.9.9.9", true),
            ("[::1]:8000", true),
            ("evil.example", false),
            ("localhost.evil.example:8000", false),
            ("127.0.0.1.evil.example", false),
            ("localhost:8000@evil.example", false),
            ("", false),
        ] {
            let shown = Shown {
                host: Some(host),
                ..Shown::default()
            };
            assert_eq!(check_names(&shown, here()).is_ok(), is_ours, "{host}");
        }
        assert!(check_names(&Shown::default(), here()).is_err(), "no host");
    }

    #[test]
    fn a_foreign_page_is_refused() {
        let asks = |origin: &'static str| {
            let shown = Shown {
                host: Some("localhost:8000"),
                origin: Some(origin),
                ..Shown::default()
            };
            check_names(&shown, here()).is_ok()
        };
        assert!(asks("http://localhost:3000"));
        assert!(asks("http://127.0.0.1"));
        for foreign in [
            "https://evil.example",
            "null",
            "",
            "http://localhost.evil.example",
        ] {
            assert!(!asks(foreign), "{foreign}");
        }
        let outside = SocketAddr::from(([0, 0, 0, 0], 8000));
        let own_name = Shown {
            host: Some("desk.example:8000"),
            origin: Some("https://desk.example:8000"),
            ..Shown::default()
        };
        assert!(check_names(&own_name, outside).is_ok());
        let foreign = Shown {
            origin: Some("https://evil.example"),
            ..own_name
        };
        assert!(check_names(&foreign, outside).is_err());
    }

    #[test]
    fn a_request_names_one_host_and_one_page() {
        let checked = |uri: &str, headers: &[(&str, &[u8])]| {
            let mut request = hyper::Request::builder().uri(uri);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            check_names(&Shown::of(&head), here()).map_err(|refusal| refusal.status)
        };
        let host: (&str, &[u8]) = ("host", b"localhost:8000");
        let evil: (&str, &[u8]) = ("host", b"evil.example");
        assert_eq!(checked("/x", &[host]), Ok(()));
        assert_eq!(checked("http://localhost:8000/x", &[host]), Ok(()));
        assert_eq!(checked("/x", &[host, evil]), Err(400));
        assert_eq!(checked("/x", &[host, host]), Err(400));
        assert_eq!(checked("http://evil.example/x", &[host]), Err(400));
        assert_eq!(checked("http://localhost:8000/x", &[evil]), Err(400));
        assert_eq!(checked("http://evil.example/x", &[evil]), Err(403));
        assert_eq!(checked("http://x@evil.example/x", &[]), Err(403));
        let own: (&str, &[u8]) = ("origin", b"http://localhost");
        assert_eq!(checked("/x", &[host, own]), Ok(()));
        assert_eq!(checked("/x", &[host, own, ("origin", b"null")]), Err(403));
        assert_eq!(checked("/x", &[host, ("origin", b"http://\xff")]), Err(403));
    }

    #[test]
    fn a_token_is_found_wherever_a_client_puts_it() {
        let shown = Shown {
            authorization: Some("bearer  dh-1"),
            ..Shown::default()
        };
        assert_eq!(shown.tokens().next(), Some("dh-1"));
        let shown = Shown {
            authorization: Some("Basic abc"),
            api_key: Some("dh-2"),
            ..Shown::default()
        };
        assert_eq!(shown.tokens().next(), Some("dh-2"));
        assert_eq!(Shown::default().tokens().next(), None);
    }

    #[test]
    fn who_needs_a_token_shows_one() {
        let callers = Callers::default();
        let bearer = Shown {
            authorization: Some("Bearer test"),
            ..Shown::default()
        };
        assert!(admit(&bearer, Admission::Token, &callers).is_err());
        assert_eq!(admit(&bearer, Admission::AnyBearer, &callers), Ok(ANYBODY));
        assert!(admit(&Shown::default(), Admission::AnyBearer, &callers).is_err());
        let everybody = admit(&Shown::default(), Admission::Everybody, &callers);
        assert_eq!(everybody, Ok(ANYBODY));
    }
}
