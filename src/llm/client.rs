//! The HTTP clients, requests made for them, and what their errors mean.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
    time::Duration,
};

use hyper::{
    Method, Uri,
    body::Bytes,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    runtime::{Handle, Id},
    time::{Instant, timeout_at},
};

use super::{
    connect::{Connecting, TooSlow},
    http::{self, Client, Error, Proxies, Request, Response, Url},
    served::Served,
    url,
    warm::Spoken,
    wire::{Call, Headers},
    words::{self, clean},
};
use crate::domain::{Billed, Fault, FaultClass, fault::ClockName};

/// The most bytes of the body of a refusal that are read.
pub(super) const REFUSAL_CAP_BYTES: usize = 64 << 10;
/// How long a connection is kept for the next draft (CRATES section E).
pub(super) const IDLE_LIMIT: Duration = Duration::from_mins(5);

/// Whether a connection of before may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    Shared,
    Fresh,
}

impl Pool {
    /// Returns how many connections to one server are kept.
    pub(super) const fn most_idle(self) -> usize {
        match self {
            Self::Shared => usize::MAX,
            Self::Fresh => 0,
        }
    }
}

/// The HTTP clients of all runtimes. A connection is driven by the runtime that opened it, so each has
/// clients of its own: an answer is not passed from thread to thread.
#[derive(Default)]
pub(super) struct Clients {
    of: RwLock<Vec<(Option<Id>, Arc<Own>)>>,
    /// Which connections were used before.
    pub(super) served: Served,
    targets: Targets,
}

/// Addresses that were read before: reading one takes as long as spelling the request.
#[derive(Default)]
struct Targets(Mutex<HashMap<String, Target>>);

/// So many addresses are kept; then they are read anew.
const MOST_TARGETS: usize = 256;

/// An address that was read.
#[derive(Clone)]
pub(super) struct Target {
    url: Url,
    reach: Reach,
}

/// How far away a server is.
#[derive(Clone)]
enum Reach {
    /// Somewhere.
    Wide,
    /// On this machine, behind TLS.
    Local,
    /// On this machine, in the clear; what is sent to it as its address.
    Near(Uri),
}

impl Targets {
    /// Reads an address; none where it is none.
    fn read(&self, text: &str) -> Option<Target> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = known.get(text) {
            return Some(target.clone());
        }
        let url: Url = text.parse().ok()?;
        let reach = if !url::is_loopback(&url::host(text)) {
            Reach::Wide
        } else if url.scheme() == "http" {
            Reach::Near(url.as_str().parse().ok()?)
        } else {
            Reach::Local
        };
        let target = Target { url, reach };
        if known.len() >= MOST_TARGETS {
            known.clear();
        }
        known.insert(text.to_owned(), target.clone());
        Some(target)
    }
}

/// The clients of one runtime, each built when it is first needed: building loads the system's
/// certificates.
#[derive(Default)]
pub(super) struct Own {
    /// Who was spoken to lately.
    pub(super) spoken: Spoken,
    wide: OnceLock<Client>,
    wide_fresh: OnceLock<Client>,
    local: OnceLock<Client>,
    local_fresh: OnceLock<Client>,
    near: OnceLock<Client>,
    near_fresh: OnceLock<Client>,
}

impl Clients {
    /// Returns where a call goes to, unless that would carry a key or a customer's words in the clear.
    pub(super) fn target(&self, to: &str, plain: bool) -> Result<Target, Fault> {
        let bad = |said: String| Fault::new(FaultClass::BadInput).saying(said);
        // Only an error needs it.
        let shown = || clean(&url::for_people(to));
        let target = self
            .targets
            .read(to)
            .ok_or_else(|| bad(format!("`{}` is not an address; set base_url", shown())))?;
        let host = target.url.host_str().unwrap_or_default();
        match target.url.scheme() {
            "https" => Ok(target),
            "http" if plain || url::is_loopback(host.trim_matches(['[', ']'])) => Ok(target),
            "http" => Err(bad(format!(
                "{} would carry the key and the mail in the clear; use https, or set allow_plain_http = true",
                shown()
            ))),
            _ => Err(bad(format!("`{}` is neither https nor http", shown()))),
        }
    }

    /// Returns the client for an address.
    pub(super) fn client(&self, to: &Target, pool: Pool) -> Result<Client, Fault> {
        let own = self.own();
        let slot = match (&to.reach, pool) {
            (Reach::Near(_), Pool::Shared) => &own.near,
            (Reach::Near(_), Pool::Fresh) => &own.near_fresh,
            (Reach::Local, Pool::Shared) => &own.local,
            (Reach::Local, Pool::Fresh) => &own.local_fresh,
            (Reach::Wide, Pool::Shared) => &own.wide,
            (Reach::Wide, Pool::Fresh) => &own.wide_fresh,
        };
        if let Some(client) = slot.get() {
            return Ok(client.clone());
        }
        let client = build(&to.reach, pool).map_err(|error| {
            let why = clean(&deepest(&error));
            Fault::new(FaultClass::Unreachable).saying(format!("no secure connections here: {why}"))
        })?;
        Ok(slot.get_or_init(|| client).clone())
    }

    /// Returns the clients of this runtime.
    pub(super) fn own(&self) -> Arc<Own> {
        let id = Handle::try_current().ok().map(|runtime| runtime.id());
        let find = |of: &[(Option<Id>, Arc<Own>)]| {
            let mut all = of.iter();
            all.find_map(|(of, own)| (*of == id).then(|| Arc::clone(own)))
        };
        if let Some(own) = find(&self.of.read().unwrap_or_else(PoisonError::into_inner)) {
            return own;
        }
        let mut of = self.of.write().unwrap_or_else(PoisonError::into_inner);
        find(&of).unwrap_or_else(|| {
            let own = Arc::<Own>::default();
            of.push((id, Arc::clone(&own)));
            own
        })
    }
}

fn build(reach: &Reach, pool: Pool) -> Result<Client, Error> {
    match reach {
        Reach::Near(_) => Ok(http::near(pool)),
        Reach::Local => http::wide(pool, Proxies::Never),
        Reach::Wide => http::wide(pool, Proxies::AsTheSystemSays),
    }
}

/// Makes the request; the values of its headers are marked as secret.
pub(super) fn spelled(call: &Call, method: Method, to: &Target) -> Result<Request, Fault> {
    let mut headers = HeaderMap::with_capacity(call.headers.len() + 4);
    for (name, value) in &call.headers {
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
            Fault::new(FaultClass::KeyRefused)
                .saying("the key holds characters that cannot be sent; set it anew")
        })?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(Request {
        method,
        url: to.url.clone(),
        uri: match &to.reach {
            Reach::Near(uri) => Some(uri.clone()),
            Reach::Local | Reach::Wide => None,
        },
        headers,
        body: Bytes::copy_from_slice(&call.body),
    })
}

/// Returns the headers, names in lower case.
pub(super) fn headers_of(response: &Response) -> Headers {
    let headers = response.headers().iter();
    headers
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

/// Reads what comes of a body until `at`, up to `cap`; a part is better than nothing.
pub(super) async fn read_some(response: &mut Response, cap: usize, at: Instant) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Ok(Some(bytes))) = timeout_at(at, response.chunk()).await {
        let room = cap.saturating_sub(body.len());
        body.extend(bytes.iter().take(room));
        if bytes.len() >= room {
            break;
        }
    }
    body
}

/// Makes the fault of a clock that ran out.
pub(super) fn ran_out(clock: ClockName, billed: Billed) -> Fault {
    let mut fault = Fault::new(FaultClass::TimedOut).saying(clock.words());
    fault.clock = Some(clock);
    fault.billed = billed;
    fault
}

/// Makes the fault of a request without an answer.
pub(super) fn broken(error: &Error, connecting: &Connecting) -> Fault {
    if is_too_slow(error) {
        return ran_out(ClockName::Connect, Billed::No);
    }
    let why = clean(&deepest(error));
    if error.is_connect() || connecting.is_under_way() {
        return Fault::new(FaultClass::Unreachable).saying(why);
    }
    let said = format!("the connection broke before the answer: {why}");
    let mut fault = Fault::new(FaultClass::Unreachable).saying(said);
    fault.billed = Billed::Maybe;
    fault
}

/// Makes the fault of a body that broke off.
pub(super) fn torn(error: &Error) -> Fault {
    let why = clean(&deepest(error));
    let mut fault = Fault::new(FaultClass::Cut).saying(format!("the answer broke off: {why}"));
    fault.billed = Billed::Maybe;
    fault
}

fn is_too_slow(error: &Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<TooSlow>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Returns the words of the innermost cause: the outer ones only say that there was one.
fn deepest(error: &dyn std::error::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Masks the key, should the provider have said it.
pub(super) fn masked(fault: Fault, key: Option<&SecretString>) -> Fault {
    match key {
        Some(key) => words::without_key(fault, key.expose_secret()),
        None => fault,
    }
}
