//! Watches a connection being made: how long it took, whether there was one, and its limit.

use std::{
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// The request that is being sent by this task.
    pub(super) static WATCHED: Arc<Connecting>;
}

/// What is known of the connection of one request.
#[derive(Debug)]
pub(super) struct Connecting {
    limit: Duration,
    began: OnceLock<Instant>,
    took: OnceLock<Duration>,
}

impl Connecting {
    pub(super) fn new(limit: Duration) -> Arc<Self> {
        Arc::new(Self {
            limit,
            began: OnceLock::new(),
            took: OnceLock::new(),
        })
    }

    /// Returns the time to a new connection with TLS; none when a pooled one was used.
    pub(super) fn took(&self) -> Option<Duration> {
        self.took.get().copied()
    }

    /// Tells whether no byte of the request can have been sent.
    pub(super) fn is_under_way(&self) -> bool {
        self.began.get().is_some() && self.took.get().is_none()
    }
}

/// Says that connecting took too long.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {0:?}")]
pub(super) struct TooSlow(Duration);

/// Puts the watch around the connector of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch;

impl<S> Layer<S> for Watch {
    type Service = Watched<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Watched(inner)
    }
}

/// A connector that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched<S>(S);

impl<S, R> Service<R> for Watched<S>
where
    S: Service<R, Error: Into<BoxError>>,
    S::Future: Send + 'static,
    S::Response: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: R) -> Self::Future {
        let watched = WATCHED.try_with(Arc::clone).ok();
        let connect = self.0.call(to);
        Box::pin(async move {
            let Some(watched) = watched else {
                return connect.await.map_err(Into::into);
            };
            let began = *watched.began.get_or_init(Instant::now);
            let connection = timeout(watched.limit, connect)
                .await
                .map_err(|_| TooSlow(watched.limit))?
                .map_err(Into::into)?;
            watched.took.get_or_init(|| began.elapsed());
            Ok(connection)
        })
    }
}
