//! The one place that opens a socket to a model: one attempt, its clocks, its end.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt as _, Stream, StreamExt as _, stream};
use hyper::{Method, header::CONTENT_TYPE};
use secrecy::SecretString;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    alarm::Alarm,
    client::{
        Clients, Pool, REFUSAL_CAP_BYTES, broken, headers_of, masked, ran_out, read_some, spelled,
        torn,
    },
    clocks::Clocks,
    connect::{Connecting, WATCHED},
    ear::Ear,
    heard::{Heard, Limits, Opening},
    http::Response,
    ollama, spell, warm,
    wire::{Call, Delta, Endpoint, Wire},
    words,
};
use crate::{
    domain::{Billed, Fault, FaultClass, Usage, manner::WindowFrom},
    engine::ask::Ask,
};

/// How long the body of a refusal is waited for: its status says enough.
const REFUSAL_LIMIT: Duration = Duration::from_secs(2);
/// How long the end of a body is waited for after the protocol's own end, so that the connection
/// can be used again.
const DRAIN_LIMIT: Duration = Duration::from_millis(10);
/// Speaks to models. Cheap to clone; its connections are shared.
#[derive(Clone, Default)]
pub struct Transport {
    pub(super) clients: Arc<Clients>,
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
        let began = Instant::now();
        let talk = Talk {
            transport: self.clone(),
            wire,
            call: wire.call(ask, to),
            key: to.key.clone(),
            plain: to.allow_plain_http,
            limits,
            clocks: Clocks::new(limits, began),
            came: began,
            alarm: Alarm::default(),
            ear: ear(wire, ask, to),
            phase: Phase::Unsent,
            again: to
                .renew
                .is_some()
                .then(|| Box::new((to.clone(), ask.clone()))),
            prompt_bytes: (to.manner.habits.window == WindowFrom::Ollama).then(|| ask.bytes()),
        };
        let heard = stream::unfold(Box::new(talk), |mut talk| async move {
            let heard = talk.next().await?;
            Some((heard, talk))
        });
        Conversation {
            heard: Mutex::new(Box::pin(heard)),
        }
    }
}

fn ear(wire: &'static dyn Wire, ask: &Ask, to: &Endpoint) -> Ear {
    let mut ear = Ear::new(wire, to.stream);
    if ask.wishes.tools.is_empty() && ask.raw.is_none() {
        ear = ear.without_tools();
    }
    match spell::raw::of(ask, to) {
        Some(_) => ear.passing_on().taking_wordless(ask.wishes.wordless),
        None => ear,
    }
}

/// One attempt under way. Dropping it closes its socket.
pub struct Conversation {
    /// Never locked: it only lets a task that holds a conversation move between threads.
    heard: Mutex<Pin<Box<dyn Stream<Item = Heard> + Send>>>,
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
        let stream = self.heard.get_mut().unwrap_or_else(PoisonError::into_inner);
        let heard = stream.next().await;
        heard.unwrap_or_else(|| {
            let over = Fault::new(FaultClass::Cut).saying("the call is over");
            Heard::failed(over, Usage::default())
        })
    }
}

/// How far an attempt is.
enum Phase {
    Unsent,
    Reading(Response, Seen),
    Over,
}

/// What the head of the answer said.
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
    /// When the last piece of the body came.
    came: Instant,
    /// Goes off when a clock runs out while the answer is read.
    alarm: Alarm,
    ear: Ear,
    phase: Phase,
    /// What is asked again with a fresh key, once.
    again: Option<Box<(Endpoint, Ask)>>,
    /// How long the prompt is, where the server may cut it without a word.
    prompt_bytes: Option<u64>,
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
                    Ok(opening) => return Some(Heard::opened(opening)),
                    Err(fault) => self.ear.fail(fault),
                },
                Phase::Reading(..) if self.ear.is_over() => self.phase = Phase::Over,
                Phase::Reading(response, _) => {
                    let (at, clock) = self.clocks.next();
                    let chunk = tokio::select! {
                        biased;
                        chunk = response.chunk() => Some(chunk),
                        () = self.alarm.wait_until(at) => None,
                    };
                    let chunk = match chunk {
                        // Something may have kept this thread from reading what has come.
                        None => {
                            tokio::task::yield_now().await;
                            response.chunk().now_or_never()
                        }
                        chunk => chunk,
                    };
                    match chunk {
                        Some(Ok(Some(bytes))) => self.listen(&bytes).await,
                        Some(Ok(None)) => self.ear.finish(),
                        Some(Err(error)) => self.ear.fail(torn(&error)),
                        None => self.ear.fail(ran_out(clock, Billed::Maybe)),
                    }
                }
                Phase::Over => return None,
            }
        }
    }

    async fn listen(&mut self, bytes: &[u8]) {
        self.came = Instant::now();
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
            Phase::Reading(_, seen) => Some(seen),
            Phase::Unsent | Phase::Over => None,
        };
        match heard {
            Heard::Delta(delta) => {
                let has_id = seen.is_some_and(|seen| seen.request.is_some());
                self.clocks.note(&delta, self.came);
                let is_second = has_id && matches!(delta, Delta::Request(_));
                (!is_second).then_some(Heard::Delta(delta))
            }
            Heard::Failed(mut fault, usage) => {
                if let Some(seen) = seen {
                    fault.status.get_or_insert(seen.status);
                    fault.request = fault.request.or_else(|| seen.request.clone());
                }
                self.phase = Phase::Over;
                *fault = masked(*fault, self.key.as_ref());
                Some(Heard::Failed(fault, usage))
            }
            Heard::Ended(finish) => {
                self.phase = Phase::Over;
                let bytes = self.prompt_bytes.unwrap_or(0);
                if ollama::is_cut(finish.usage.tokens_in, bytes) {
                    let mut fault = Fault::new(FaultClass::TooLong).saying(
                        "the server read only a part of the prompt: its window is too small",
                    );
                    fault.billed = Billed::Yes;
                    return Some(Heard::failed(fault, finish.usage));
                }
                Some(Heard::Ended(finish))
            }
            Heard::Opened(opening) => Some(Heard::Opened(opening)),
        }
    }

    /// Spells the request anew with a fresh key, if there is one: the refused one was only over.
    async fn renew(&mut self) -> bool {
        let Some(again) = self.again.take() else {
            return false;
        };
        let (mut to, ask) = *again;
        let Some(renew) = to.renew.take() else {
            return false;
        };
        let Ok(Some(key)) = timeout_at(self.clocks.next().0, renew.ask()).await else {
            return false;
        };
        self.key = Some(key.clone());
        to.key = Some(key);
        self.call = self.wire.call(&ask, &to);
        true
    }

    /// Sends the request. A pooled connection that died with no byte back is replaced once.
    async fn open(&mut self) -> Result<Opening, Fault> {
        let (mut response, connect) = match self.send(Pool::Shared).await {
            Ok(sent) => sent,
            Err(Unsent::Stale) => self.send(Pool::Fresh).await.map_err(Unsent::into_fault)?,
            Err(Unsent::Failed(fault)) => return Err(*fault),
        };
        let status = response.status();
        if !status.is_success() {
            let headers = headers_of(&response);
            let limit = self.clocks.next().0.min(Instant::now() + REFUSAL_LIMIT);
            let body = read_some(&mut response, REFUSAL_CAP_BYTES, limit).await;
            if status == 401 && self.renew().await {
                return Box::pin(self.open()).await;
            }
            let mut fault = self.wire.fault(status.as_u16(), &headers, &body);
            fault.left = words::rate_left(words::pairs(&headers));
            return Err(fault);
        }
        let headers = response.headers();
        let texts = || {
            let all = headers.iter();
            all.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        };
        let left = words::rate_left(texts());
        // Asked for a stream, some servers give one JSON body: that is told in pieces of our own.
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let is_json = kind.is_some_and(|kind| kind.contains("json"));
        if is_json {
            self.ear.expects_one_body();
        }
        let seen = Seen {
            status: status.as_u16(),
            request: words::request_id(texts()),
        };
        let opening = Opening {
            verbatim: self.ear.passes_on(),
            status: seen.status,
            request: seen.request.clone(),
            connect,
            left,
        };
        self.phase = Phase::Reading(response, seen);
        Ok(opening)
    }

    async fn send(&self, pool: Pool) -> Result<(Response, Option<Duration>), Unsent> {
        let clients = &self.transport.clients;
        let target = clients.target(&self.call.url, self.plain)?;
        let request = spelled(&self.call, Method::POST, &target)?;
        let client = clients.client(&target, pool)?;
        let connecting = Connecting::new(self.limits.connect);
        let sent = WATCHED.scope(Arc::clone(&connecting), client.execute(request));
        let (at, clock) = self.clocks.next();
        match timeout_at(at, sent).await {
            Ok(Ok(response)) => {
                self.transport.clients.served.note(response.extensions());
                if let Some(origin) = warm::origin(&self.call.url) {
                    self.transport.clients.own().spoken.note(origin);
                }
                Ok((response, connecting.took()))
            }
            Ok(Err(error)) => {
                let was_sent = !error.is_connect() && !error.is_builder();
                let served = self.transport.clients.served.lost(&error);
                let was_pooled = was_sent && served.unwrap_or_else(|| connecting.took().is_none());
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
