//! The same bytes asked for by bare hyper: nothing but the wire.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A bare client.
pub(crate) struct Bare(Client<HttpConnector, Full<Bytes>>);

impl Bare {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    /// Asks once; returns when the first piece of the answer came, and when all of it had.
    pub(crate) async fn call(&self, base: &str, body: &[u8]) -> (Duration, Duration) {
        let request = hyper::Request::post(format!("{base}/v1/chat/completions"))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::copy_from_slice(body)))
            .expect("a request");
        let began = Instant::now();
        let mut answer = self
            .0
            .request(request)
            .await
            .expect("an answer")
            .into_body();
        let (mut first, mut bytes) = (None, 0);
        while let Some(frame) = answer.frame().await {
            let frame = frame.expect("a frame").into_data();
            bytes += frame.map_or(0, |data| data.len());
            first.get_or_insert_with(|| began.elapsed());
        }
        assert!(bytes > 300, "a whole answer");
        (first.expect("a piece"), began.elapsed())
    }
}

/// The HTTP client that the engine speaks through, and nothing of the engine.
pub(crate) struct Through(reqwest::Client);

impl Through {
    pub(crate) fn new() -> Self {
        let builder = reqwest::Client::builder().no_proxy().tcp_nodelay(true);
        Self(builder.build().expect("a client"))
    }

    /// Posts a body and reads the answer; returns how long it took.
    pub(crate) async fn call(&self, base: &str, body: &[u8]) -> Duration {
        let url = format!("{base}/v1/chat/completions");
        let began = Instant::now();
        let posted = self.0.post(url).header("content-type", "application/json");
        let answer = posted.body(body.to_vec()).send().await.expect("an answer");
        let bytes = answer.bytes().await.expect("its body");
        let took = began.elapsed();
        assert!(!bytes.is_empty());
        took
    }
}
