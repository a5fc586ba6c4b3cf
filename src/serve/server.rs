//! Sockets and limits: who connects, how long, how much.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hyper::{
    Request, Response,
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore, broadcast::error::RecvError},
    time::Instant,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    arrive::{Arriving, Room},
    body::Leaving,
    files,
    gate::Admission,
    log::Line,
    metrics::Metrics,
    peer::Peer,
    road::{Road, Unread},
    shards::Shards,
    socket::Socket,
};
use crate::desk::{face::DeskEvent, serving::Serving, tokens::Callers};

/// How large the head of a request may be.
const HEAD_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;
/// So many requests are answered at once, and so many connections are open.
const REQUESTS: usize = 512;
const CONNECTIONS: usize = 1_024;
/// How long requests under way may go on when the server is stopped.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The tokens are read for unknown ones no more often, however many are shown: whoever guesses
/// shall not keep the database busy, and a new token waits no longer.
const LOOK_PAUSE: Duration = Duration::from_millis(250);

/// How a server is set up.
pub struct Options {
    /// Where it listens.
    pub listens: SocketAddr,
    /// Who is let in.
    pub admission: Admission,
    /// The threads that answer.
    pub shards: Shards,
    /// Who hears what happens, a line at a time.
    pub log: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Options at {}, {:?}", self.listens, self.admission)
    }
}

/// A server.
pub struct Server {
    pub(super) serving: Arc<Serving>,
    pub(super) options: Options,
    pub(super) metrics: Metrics,
    pub(super) slots: Arc<Semaphore>,
    pub(super) room: Room,
    /// Requests whose callers have left, until they are counted.
    pub(super) leaving: TaskTracker,
    looked: Looked,
    pace: Pace,
    callers: RwLock<Arc<Callers>>,
}

impl Server {
    /// Sets a server up.
    pub fn new(serving: Arc<Serving>, options: Options, callers: Callers) -> Arc<Self> {
        Arc::new(Self {
            serving,
            options,
            metrics: Metrics::default(),
            slots: Arc::new(Semaphore::new(REQUESTS)),
            room: Room::default(),
            leaving: TaskTracker::new(),
            looked: Looked::default(),
            pace: Pace::default(),
            callers: RwLock::new(Arc::new(callers)),
        })
    }

    /// Answers until it is told to stop; then those under way are ended and settled. Returns whether
    /// all they cost was written.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) -> bool {
        files::raise_limit();
        let connections = TaskTracker::new();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.accept(listener, &connections, &stop) => {}
            () = self.follow_desk() => {}
        }
        connections.close();
        let is_whole = self.serving.stop(PATIENCE).await;
        // What is left has nobody to answer it.
        let left = async {
            connections.wait().await;
            self.leaving.close();
            self.leaving.wait().await;
        };
        tokio::time::timeout(PATIENCE, left).await.ok();
        is_whole
    }

    async fn accept(
        self: &Arc<Self>,
        listener: TcpListener,
        connections: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            match listener.accept().await {
                Ok((socket, _)) => self.take(socket, &places, (connections, stop)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Gives a connection to one of the threads, if there is a place for it.
    fn take(
        self: &Arc<Self>,
        socket: TcpStream,
        places: &Arc<Semaphore>,
        (connections, stop): (&TaskTracker, &CancellationToken),
    ) {
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            tracing::warn!("too many connections: one was closed");
            return;
        };
        let (server, stop) = (Arc::clone(self), stop.clone());
        let road = Road::new(Arc::clone(places));
        let serve = |socket| async move {
            server.connection((socket, road), &stop).await;
            drop(place);
        };
        if let Err(error) = self.options.shards.take(socket, connections, serve) {
            tracing::warn!(%error, "a connection could not be taken over");
        }
    }

    async fn connection(
        self: Arc<Self>,
        (socket, road): (TcpStream, Arc<Road>),
        stop: &CancellationToken,
    ) {
        // Without it every first token on a kept connection waits for the other side's sign.
        socket.set_nodelay(true).ok();
        let peer = Peer::of(&socket);
        let service = service_fn(|request: Request<Incoming>| {
            let (server, road) = (Arc::clone(&self), Arc::clone(&road));
            async move { Ok::<_, Infallible>(server.serve_one(request, road).await) }
        });
        let connection = http1::Builder::new()
            // The socket knows better since when it waits.
            .header_read_timeout(None)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .serve_connection(
                TokioIo::new(Socket::new(socket, Arc::clone(&road))),
                service,
            );
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = peer.left(&road) => Ok(()),
            // Hyper would wait for the first request of a connection that never asked anything.
            () = stop.cancelled() => if road.is_fresh() { Ok(()) } else {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    ended = connection.as_mut() => ended,
                    () = peer.left(&road) => Ok(()),
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
        if road.is_stalled() {
            let words = "A client took nothing of its answer for 30 seconds: it was left.";
            (self.options.log)(words);
        }
    }

    async fn serve_one(
        self: Arc<Self>,
        request: Request<Incoming>,
        road: Arc<Road>,
    ) -> Response<Leaving> {
        let unread = if request.body().is_end_stream() {
            Unread::Nothing
        } else {
            Unread::Some
        };
        let turn = road.begin(unread);
        let request = request.map(|body| Arriving::new(body, road));
        let answer = self.answer(request).await;
        answer.map(|body| Leaving { body, _turn: turn })
    }

    /// Returns how many requests are being answered.
    pub(super) fn in_flight(&self) -> usize {
        REQUESTS.saturating_sub(self.slots.available_permits())
    }

    /// Returns who may ask.
    pub(super) fn callers(&self) -> Arc<Callers> {
        Arc::clone(&self.callers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads anew who may ask, for one whose token is not known.
    pub(super) async fn look_for_callers(&self) {
        self.looked.again(self.read_callers()).await;
    }

    /// Reads anew who may ask.
    async fn read_callers(&self) {
        match self.serving.desk().callers().await {
            Ok(callers) => {
                *self.callers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(callers);
            }
            Err(error) => tracing::warn!(%error, "the tokens could not be read"),
        }
    }

    /// Tells a line of what happened.
    pub(super) fn say(&self, line: &Line<'_>) {
        if line.is_old_news() && !self.pace.allows() {
            return;
        }
        for words in line.words() {
            (self.options.log)(&words);
        }
    }

    /// Tokens are made and taken away by other programs while this one runs; and what the desk has
    /// to say is said at the server's terminal.
    async fn follow_desk(&self) {
        let mut events = self.serving.desk().events();
        loop {
            match events.recv().await {
                Ok(DeskEvent::Configured) | Err(RecvError::Lagged(_)) => self.read_callers().await,
                Ok(DeskEvent::Note(words)) => (self.options.log)(&words),
                Ok(_) => {}
                // The desk is closing; whoever asks then is refused by it.
                Err(RecvError::Closed) => return std::future::pending().await,
            }
        }
    }
}

/// How often old news is told in a second.
const OLD_NEWS: u32 = 5;

/// Counts what was told in this second.
#[derive(Default)]
struct Pace(std::sync::Mutex<Option<(Instant, u32)>>);

impl Pace {
    fn allows(&self) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (since, told) = kept
            .filter(|(since, _)| now.duration_since(*since) < Duration::from_secs(1))
            .unwrap_or((now, 0));
        let allowed = told < OLD_NEWS;
        *kept = Some((since, told.saturating_add(u32::from(allowed))));
        allowed
    }
}

/// When the tokens were last read for one that was not known.
#[derive(Default)]
struct Looked(Mutex<Option<Instant>>);

impl Looked {
    /// Reads, unless that was done a moment ago. Those who come meanwhile wait for what is found.
    async fn again(&self, reading: impl Future<Output = ()>) {
        let mut last = self.0.lock().await;
        if last.is_some_and(|last| last.elapsed() < LOOK_PAUSE) {
            return;
        }
        reading.await;
        *last = Some(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn unknown_tokens_read_the_table_four_times_a_second_at_most() {
        let (looked, reads) = (Looked::default(), AtomicUsize::new(0));
        let read = async || {
            reads.fetch_add(1, Ordering::Relaxed);
        };
        for _ in 0..1_000 {
            looked.again(read()).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(reads.load(Ordering::Relaxed), 4);
    }
}
