//! The one place that opens a socket to a model: one attempt, its clocks, its end.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::{Stream, StreamExt as _, stream};
use reqwest::{
    Client, Method, Request, Response,
    header::{HeaderName, HeaderValue},
    redirect::Policy,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    clocks::Clocks,
    connect::{Connecting, TooSlow, WATCHED, Watch},
    ear::Ear,
    heard::{Heard, Limits, Opening},
    url,
    wire::{Call, Delta, Endpoint, Headers, Wire},
    words::{self, clean},
};
use crate::{
    domain::{Billed, Fault, FaultClass, ProviderKind, Usage, fault::ClockName},
    engine::ask::Ask,
};

/// The most bytes of the body of a refusal that are read.
const REFUSAL_CAP_BYTES: usize = 64 << 10;
/// How long the body of a refusal is waited for: its status says enough.
const REFUSAL_LIMIT: Duration = Duration::from_secs(2);
/// How long the end of a body is waited for after the protocol's own end, so that the connection
/// can be used again.
const DRAIN_LIMIT: Duration = Duration::from_millis(10);
/// How long a connection is kept for the next draft (CRATES section E).
const IDLE_LIMIT: Duration = Duration::from_secs(300);
/// How long the check of a key may take.
const CHECK_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes of a list of models.
const MODELS_CAP_BYTES: usize = 4 << 20;

/// Speaks to models. Cheap to clone; its connections are shared.
#[derive(Clone, Default)]
pub struct Transport {
    clients: Arc<Clients>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}

impl Transport {
    /// Makes a transport. Nothing is opened or loaded before the first call.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins one attempt. Waits for nothing: what goes wrong is heard.
    pub fn speak(&self, to: &Endpoint, ask: &Ask, limits: Limits) -> Conversation {
        let wire = super::wire(to.kind);
        let talk = Talk {
            transport: self.clone(),
            wire,
            call: wire.call(ask, to),
            key: to.key.clone(),
            plain: to.allow_plain_http,
            limits,
            clocks: Clocks::new(limits, Instant::now()),
            ear: Ear::new(wire, to.stream),
            phase: Phase::Unsent,
        };
        let heard = stream::unfold(Box::new(talk), |mut talk| async move {
            let heard = talk.next().await?;
            Some((heard, talk))
        });
        Conversation {
            heard: Box::pin(heard),
        }
    }

    /// Asks the provider cheaply whether it accepts the key, and which models it has.
    pub async fn check_key(&self, to: &Endpoint) -> Result<KeyCheck, Fault> {
        let wire = super::wire(to.kind);
        let asked = async {
            let mut check = KeyCheck::default();
            for call in wire.probes(to) {
                check = self.probe(to, wire, &call).await?;
            }
            Ok(check)
        };
        let checked = timeout(CHECK_LIMIT, asked).await;
        checked
            .unwrap_or_else(|_| Err(ran_out(ClockName::Total, Billed::No)))
            .map_err(|fault| masked(fault, to.key.as_ref()))
    }

    async fn probe(&self, to: &Endpoint, wire: &dyn Wire, call: &Call) -> Result<KeyCheck, Fault> {
        let connecting = Connecting::new(CHECK_LIMIT);
        let request = self.request(call, Method::GET, to.allow_plain_http)?;
        let client = self.clients.client(&call.url, Pool::Shared)?;
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let mut response = sent.await.map_err(|error| broken(&error, &connecting))?;
        let status = response.status();
        let headers = headers_of(&response);
        if status.is_success() {
            let body = read_some(&mut response, MODELS_CAP_BYTES).await;
            return Ok(KeyCheck {
                models: models_in(&body),
                is_certain: true,
            });
        }
        let body = read_some(&mut response, REFUSAL_CAP_BYTES).await;
        let is_compatible = to.kind == ProviderKind::OpenAiCompatible;
        if is_compatible && matches!(status.as_u16(), 404 | 405 | 501) {
            return Ok(KeyCheck::default());
        }
        let mut fault = wire.fault(status.as_u16(), &headers, &body);
        if matches!(status.as_u16(), 401 | 403) {
            fault.class = FaultClass::KeyRefused;
        }
        Err(fault)
    }

    fn request(&self, call: &Call, method: Method, plain: bool) -> Result<Request, Fault> {
        let target = allowed(&call.url, plain)?;
        let mut request = Request::new(method, target);
        for (name, value) in &call.headers {
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
                Fault::new(FaultClass::KeyRefused)
                    .saying("the key holds characters that cannot be sent; set it anew")
            })?;
            value.set_sensitive(true);
            request
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
        if !call.body.is_empty() {
            *request.body_mut() = Some(call.body.clone().into());
        }
        Ok(request)
    }
}

/// What a check of a key brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCheck {
    /// The models the provider names, in its order.
    pub models: Vec<String>,
    /// Whether the key was looked at; some compatible servers have nothing to ask it with.
    pub is_certain: bool,
}

/// One attempt under way. Dropping it closes its socket.
pub struct Conversation {
    heard: Pin<Box<dyn Stream<Item = Heard> + Send>>,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conversation")
    }
}

impl Conversation {
    /// Returns the next thing heard: `Opened`, `Delta`s, then `Ended` or `Failed` once. A call that
    /// is dropped while it waits loses nothing; after the end it says `Failed` again.
    pub async fn next(&mut self) -> Heard {
        let heard = self.heard.next().await;
        heard.unwrap_or_else(|| {
            let over = Fault::new(FaultClass::Cut).saying("the call is over");
            Heard::Failed(over, Usage::default())
        })
    }
}

/// How far an attempt is.
enum Phase {
    Unsent,
    Reading(Box<Response>, Seen),
    Over,
}

/// What the head of the answer said.
#[derive(Clone)]
struct Seen {
    status: u16,
    request: Option<String>,
}

struct Talk {
    transport: Transport,
    wire: &'static dyn Wire,
    call: Call,
    key: Option<SecretString>,
    plain: bool,
    limits: Limits,
    clocks: Clocks,
    ear: Ear,
    phase: Phase,
}

impl Talk {
    async fn next(&mut self) -> Option<Heard> {
        loop {
            if let Some(heard) = self.ear.heard() {
                match self.tell(heard) {
                    Some(heard) => return Some(heard),
                    None => continue,
                }
            }
            match &mut self.phase {
                Phase::Unsent => match self.open().await {
                    Ok(opening) => return Some(Heard::Opened(opening)),
                    Err(fault) => self.ear.fail(fault),
                },
                Phase::Reading(..) if self.ear.is_over() => self.phase = Phase::Over,
                Phase::Reading(response, _) => {
                    let (at, clock) = self.clocks.next();
                    match timeout_at(at, response.chunk()).await {
                        Ok(Ok(Some(bytes))) => self.listen(&bytes).await,
                        Ok(Ok(None)) => self.ear.finish(),
                        Ok(Err(error)) => self.ear.fail(torn(&error)),
                        Err(_) => self.ear.fail(ran_out(clock, Billed::Maybe)),
                    }
                }
                Phase::Over => return None,
            }
        }
    }

    async fn listen(&mut self, bytes: &[u8]) {
        self.ear.push(bytes);
        let Phase::Reading(response, _) = &mut self.phase else {
            return;
        };
        if !self.ear.has_whole() {
            return;
        }
        let ear = &mut self.ear;
        let drained = async {
            while let Ok(Some(bytes)) = response.chunk().await {
                ear.push(&bytes);
            }
        };
        // Nothing is lost when the body does not end: the connection is closed then.
        timeout(DRAIN_LIMIT, drained).await.ok();
        self.ear.finish();
    }

    /// Adds what only this side knows; the header's id for a request wins over the body's.
    fn tell(&mut self, heard: Heard) -> Option<Heard> {
        let seen = match &self.phase {
            Phase::Reading(_, seen) => Some(seen.clone()),
            Phase::Unsent | Phase::Over => None,
        };
        match heard {
            Heard::Delta(delta) => {
                self.clocks.note(&delta, Instant::now());
                let has_id = seen.is_some_and(|seen| seen.request.is_some());
                let is_second = has_id && matches!(delta, Delta::Request(_));
                (!is_second).then_some(Heard::Delta(delta))
            }
            Heard::Failed(mut fault, usage) => {
                if let Some(seen) = seen {
                    fault.status.get_or_insert(seen.status);
                    fault.request = fault.request.or(seen.request);
                }
                self.phase = Phase::Over;
                Some(Heard::Failed(masked(fault, self.key.as_ref()), usage))
            }
            Heard::Ended(finish) => {
                self.phase = Phase::Over;
                Some(Heard::Ended(finish))
            }
            Heard::Opened(opening) => Some(Heard::Opened(opening)),
        }
    }

    /// Sends the request. A pooled connection that died with no byte back is replaced once.
    async fn open(&mut self) -> Result<Opening, Fault> {
        let (mut response, connect) = match self.send(Pool::Shared).await {
            Ok(sent) => sent,
            Err(Unsent::Stale) => self.send(Pool::Fresh).await.map_err(Unsent::into_fault)?,
            Err(Unsent::Failed(fault)) => return Err(*fault),
        };
        let status = response.status();
        let headers = headers_of(&response);
        if !status.is_success() {
            let limit = self.clocks.next().0.min(Instant::now() + REFUSAL_LIMIT);
            let read = timeout_at(limit, read_some(&mut response, REFUSAL_CAP_BYTES));
            let body = read.await.unwrap_or_default();
            return Err(self.wire.fault(status.as_u16(), &headers, &body));
        }
        let seen = Seen {
            status: status.as_u16(),
            request: words::request_id(&headers),
        };
        let opening = Opening {
            status: seen.status,
            request: seen.request.clone(),
            connect,
        };
        self.phase = Phase::Reading(Box::new(response), seen);
        Ok(opening)
    }

    async fn send(&self, pool: Pool) -> Result<(Response, Option<Duration>), Unsent> {
        let request = self
            .transport
            .request(&self.call, Method::POST, self.plain)?;
        let client = self.transport.clients.client(&self.call.url, pool)?;
        let connecting = Connecting::new(self.limits.connect);
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let (at, clock) = self.clocks.next();
        match timeout_at(at, sent).await {
            Ok(Ok(response)) => Ok((response, connecting.took())),
            Ok(Err(error)) => {
                let was_pooled =
                    !error.is_connect() && !error.is_builder() && connecting.took().is_none();
                if was_pooled && pool == Pool::Shared {
                    return Err(Unsent::Stale);
                }
                Err(broken(&error, &connecting).into())
            }
            Err(_) if connecting.is_under_way() => Err(ran_out(clock, Billed::No).into()),
            Err(_) => Err(ran_out(clock, Billed::Maybe).into()),
        }
    }
}

/// Why there is no answer to a request.
enum Unsent {
    /// A pooled connection was dead.
    Stale,
    Failed(Box<Fault>),
}

impl Unsent {
    fn into_fault(self) -> Fault {
        match self {
            Self::Stale => Fault::new(FaultClass::Unreachable).saying("the connection was dead"),
            Self::Failed(fault) => *fault,
        }
    }
}

impl From<Fault> for Unsent {
    fn from(fault: Fault) -> Self {
        Self::Failed(Box::new(fault))
    }
}

/// Whether a connection of before may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pool {
    Shared,
    Fresh,
}

/// The HTTP clients, each built when it is first needed: building loads the system's certificates.
#[derive(Default)]
struct Clients {
    wide: OnceLock<Client>,
    wide_fresh: OnceLock<Client>,
    local: OnceLock<Client>,
    local_fresh: OnceLock<Client>,
}

impl Clients {
    fn client(&self, to: &str, pool: Pool) -> Result<&Client, Fault> {
        let is_local = url::is_loopback(&url::host(to));
        let slot = match (is_local, pool) {
            (true, Pool::Shared) => &self.local,
            (true, Pool::Fresh) => &self.local_fresh,
            (false, Pool::Shared) => &self.wide,
            (false, Pool::Fresh) => &self.wide_fresh,
        };
        if let Some(client) = slot.get() {
            return Ok(client);
        }
        let client = build(is_local, pool).map_err(|error| {
            let why = clean(&deepest(&error));
            Fault::new(FaultClass::Unreachable).saying(format!("no secure connections here: {why}"))
        })?;
        Ok(slot.get_or_init(|| client))
    }
}

fn build(is_local: bool, pool: Pool) -> Result<Client, reqwest::Error> {
    // `main` installs it; tests and whoever comes first may not have.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let idle = match pool {
        Pool::Shared => usize::MAX,
        Pool::Fresh => 0,
    };
    let builder = Client::builder()
        .user_agent(concat!("deskhand/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(idle)
        .connector_layer(Watch);
    if is_local {
        builder.no_proxy()
    } else {
        builder
    }
    .build()
}

/// Refuses what would carry a key or a customer's words in the clear.
fn allowed(target: &str, plain: bool) -> Result<reqwest::Url, Fault> {
    let bad = |said: String| Fault::new(FaultClass::BadInput).saying(said);
    let shown = url::for_people(target);
    let parsed: reqwest::Url = target.parse().map_err(|_| {
        bad(format!(
            "`{}` is not an address; set base_url",
            clean(&shown)
        ))
    })?;
    let host = parsed
        .host_str()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if plain || url::is_loopback(host) => Ok(parsed),
        "http" => Err(bad(format!(
            "{} would carry the key and the mail in the clear; use https, or set allow_plain_http = true",
            clean(&shown)
        ))),
        _ => Err(bad(format!(
            "`{}` is neither https nor http",
            clean(&shown)
        ))),
    }
}

/// Makes the fault of a clock that ran out.
fn ran_out(clock: ClockName, billed: Billed) -> Fault {
    let mut fault = Fault::new(FaultClass::TimedOut).saying(clock.words());
    fault.clock = Some(clock);
    fault.billed = billed;
    fault
}

/// Makes the fault of a request without an answer.
fn broken(error: &reqwest::Error, connecting: &Connecting) -> Fault {
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
fn torn(error: &reqwest::Error) -> Fault {
    let why = clean(&deepest(error));
    let mut fault = Fault::new(FaultClass::Cut).saying(format!("the answer broke off: {why}"));
    fault.billed = Billed::Maybe;
    fault
}

fn is_too_slow(error: &reqwest::Error) -> bool {
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
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

fn masked(fault: Fault, key: Option<&SecretString>) -> Fault {
    match key {
        Some(key) => words::without_key(fault, key.expose_secret()),
        None => fault,
    }
}

fn headers_of(response: &Response) -> Headers {
    let headers = response.headers().iter();
    headers
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect()
}

async fn read_some(response: &mut Response, cap: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        let room = cap.saturating_sub(body.len());
        body.extend(bytes.iter().take(room));
        if bytes.len() >= room {
            break;
        }
    }
    body
}

/// Reads the names from a list of models: `data[].id`, or Gemini's `models[].name`.
fn models_in(body: &[u8]) -> Vec<String> {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else {
        return Vec::new();
    };
    let list = value.get("data").or_else(|| value.get("models"));
    let rows = list.unwrap_or(&value).as_array();
    let writes = |row: &serde_json::Value| {
        let methods = row
            .get("supportedGenerationMethods")
            .and_then(|list| list.as_array());
        methods.is_none_or(|list| list.iter().any(|method| method == "generateContent"))
    };
    let names = rows
        .into_iter()
        .flatten()
        .filter(|row| writes(row))
        .filter_map(|row| {
            let name = row.get("id").or_else(|| row.get("name"))?.as_str()?;
            Some(clean(name.strip_prefix("models/").unwrap_or(name)))
        });
    names.collect()
}
