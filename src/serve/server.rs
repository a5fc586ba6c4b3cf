//! Sockets and limits: who connects, how long, how much.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, broadcast::error::RecvError},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{body::AnswerBody, files, gate::Admission, log::Line, metrics::Metrics};
use crate::desk::{face::DeskEvent, serving::Serving, tokens::Callers};

/// The largest body of a request: pictures are in it. OpenAI takes 50 MB, Anthropic 32 MB.
pub(super) const BODY_LIMIT: usize = 32 << 20;
/// How long the body of a request may take to come.
pub(super) const BODY_TIME: Duration = Duration::from_mins(1);
/// How long the head of a request may take, and how large it may be.
const HEAD_TIME: Duration = Duration::from_secs(10);
const HEAD_BYTES: usize = 64 << 10;
const HEADERS: usize = 100;
/// So many requests are answered at once, and so many connections are open.
const REQUESTS: usize = 512;
const CONNECTIONS: usize = 1_024;
/// How long requests under way may go on when the server is stopped.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a server is set up.
pub struct Options {
    /// Where it listens.
    pub listens: SocketAddr,
    /// Who is let in.
    pub admission: Admission,
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
            callers: RwLock::new(Arc::new(callers)),
        })
    }

    /// Answers until it is told to stop; then those under way are ended and settled.
    pub async fn run(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        files::raise_limit();
        let connections = TaskTracker::new();
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.accept(listener, &connections, &stop) => {}
            () = self.follow_desk() => {}
        }
        connections.close();
        self.serving.stop(PATIENCE).await;
        // What is left has nobody to answer it.
        tokio::time::timeout(PATIENCE, connections.wait())
            .await
            .ok();
    }

    async fn accept(
        self: &Arc<Self>,
        listener: TcpListener,
        connections: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let socket = match listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!("too many connections: one was closed");
                continue;
            };
            let (server, stop) = (Arc::clone(self), stop.clone());
            drop(connections.spawn(async move {
                server.connection(socket, &stop).await;
                drop(place);
            }));
        }
    }

    async fn connection(self: Arc<Self>, socket: TcpStream, stop: &CancellationToken) {
        // Without it every first token on a kept connection waits for the other side's sign.
        socket.set_nodelay(true).ok();
        let service = service_fn(move |request: Request<Incoming>| {
            let server = Arc::clone(&self);
            async move { Ok::<Response<AnswerBody>, Infallible>(server.answer(request).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIME)
            .max_buf_size(HEAD_BYTES)
            .max_headers(HEADERS)
            .serve_connection(TokioIo::new(socket), service);
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended");
        }
    }

    /// Returns how many requests are being answered.
    pub(super) fn in_flight(&self) -> usize {
        REQUESTS.saturating_sub(self.slots.available_permits())
    }

    /// Returns who may ask.
    pub(super) fn callers(&self) -> Arc<Callers> {
        Arc::clone(&self.callers.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads anew who may ask.
    pub(super) async fn read_callers(&self) {
        match self.serving.desk().callers().await {
            Ok(callers) => {
                *self.callers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(callers);
            }
            Err(error) => tracing::warn!(%error, "the tokens could not be read"),
        }
    }

    /// Tells a line of what happened.
    pub(super) fn say(&self, line: &Line<'_>) {
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
