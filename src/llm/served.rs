//! Which connections served a request before: only one of those can be stale.
//!
//! Whether a connection was made for a request does not tell which one it went out on: while one is
//! being made, another may become free and take it. So each is known by its two addresses.

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hyper::http::Extensions;
use hyper_util::client::legacy::{self, connect::HttpInfo};
use tokio::time::Instant;

/// A connection: our address and the server's.
type Ends = (SocketAddr, SocketAddr);

/// Longer than this no connection lies idle, so an older one is closed.
const KEPT: Duration = Duration::from_mins(10);
/// With more than these the old ones are looked for.
const MANY: usize = 256;

/// When each connection last served a request.
#[derive(Debug, Default)]
pub(super) struct Served(Mutex<Times>);

#[derive(Debug, Default)]
struct Times {
    /// When a connection served last.
    of: HashMap<Ends, Instant>,
    /// With more than so many, the old ones are looked for.
    many: usize,
}

impl Served {
    /// Notes on which connection an answer came, by what stands beside it.
    pub(super) fn note(&self, beside: &Extensions) {
        if let Some(ends) = beside.get().map(ends_of) {
            self.note_ends(ends, Instant::now());
        }
    }

    /// Tells whether a request was lost on a connection that served before, and forgets it: it is
    /// dead. None where the error does not say which one it was.
    pub(super) fn lost(&self, error: &(dyn Error + 'static)) -> Option<bool> {
        let ends = lost_on(error)?;
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(times.of.remove(&ends).is_some())
    }

    fn note_ends(&self, ends: Ends, now: Instant) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.of.insert(ends, now);
        if times.of.len() > times.many.max(MANY) {
            times.of.retain(|_, then| now.duration_since(*then) < KEPT);
            // Until they have doubled, none is looked at again.
            times.many = times.of.len() * 2;
        }
    }
}

fn ends_of(info: &HttpInfo) -> Ends {
    (info.local_addr(), info.remote_addr())
}

fn lost_on(error: &(dyn Error + 'static)) -> Option<Ends> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<legacy::Error>() {
            let mut extras = Extensions::new();
            error.connect_info()?.get_extras(&mut extras);
            return extras.get().map(ends_of);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use hyper::Method;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::llm::{
        client::{Clients, Pool, spelled},
        wire::Call,
    };

    /// Answers `answers` requests on each of two connections, then closes it on the next.
    async fn serve(listener: TcpListener, answers: [usize; 2]) {
        for answers in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            for _ in 0..answers {
                assert_ne!(socket.read(&mut bytes).await.unwrap(), 0);
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                socket.write_all(answer).await.unwrap();
            }
            assert_ne!(socket.read(&mut bytes).await.unwrap(), 0);
        }
    }

    #[tokio::test]
    async fn a_lost_request_is_known_by_its_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = Served::default();
        let clients = Clients::default();
        let ask = async {
            let call = Call {
                url: url.clone(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            let target = clients.target(&url, true).unwrap();
            let client = clients.client(&target, Pool::Shared).unwrap();
            let mut lost = Vec::new();
            for _ in 0..3 {
                let request = spelled(&call, Method::GET, &target).unwrap();
                match client.execute(request).await {
                    Ok(response) => served.note(response.extensions()),
                    Err(error) => lost.push(served.lost(&error)),
                }
            }
            lost
        };

        let (lost, ()) = tokio::join!(ask, serve(listener, [1, 0]));

        assert_eq!(lost, [Some(true), Some(false)], "used before, then fresh");
        assert!(
            served.0.lock().unwrap().of.is_empty(),
            "the dead are forgotten"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_must_be_closed_by_now_is_forgotten() {
        let served = Served::default();
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        for port in 1..=514 {
            served.note_ends((at(port), at(80)), Instant::now());
        }
        tokio::time::advance(KEPT).await;
        assert_eq!(served.0.lock().unwrap().of.len(), 514, "none is old yet");
        served.note_ends((at(515), at(80)), Instant::now());

        assert_eq!(served.0.lock().unwrap().of.len(), 1);
    }
}
