//! HTTP as calls are sent with it. `reqwest` speaks to the wide world, with its certificates and proxies.
//! A server of this machine without TLS needs neither: it is spoken to by the client that `reqwest`
//! itself is built on, which spares a request an eighth of its work (`docs/speed.md`).

use std::{error::Error as StdError, fmt, sync::Arc};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{ACCEPT, HeaderMap, HeaderValue, USER_AGENT},
    http::Extensions,
};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
pub(super) use reqwest::Url;
use reqwest::redirect::Policy;
use tower_layer::Layer as _;

use super::{
    client::{IDLE_LIMIT, Pool},
    connect::{Watch, Watched},
};

/// How this program names itself.
const AGENT: &str = concat!("deskhand/", env!("CARGO_PKG_VERSION"));

/// Who sends requests; cheap to clone, its connections are shared.
#[derive(Clone)]
pub(super) enum Client {
    /// To the wide world, or to this machine over TLS.
    Wide(reqwest::Client),
    /// To this machine, in the clear.
    Near(Arc<Near>),
}

type Near = legacy::Client<Watched<HttpConnector>, Full<Bytes>>;

/// A request that can be sent.
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    /// The same address as `url`, as it is sent to a server of this machine.
    pub uri: Option<Uri>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// An answer whose body is yet to come.
pub(super) enum Response {
    Wide(Box<reqwest::Response>),
    Near(Box<hyper::Response<Incoming>>),
}

/// Why there is no answer, or no more of it.
#[derive(Debug)]
pub(super) enum Error {
    Wide(reqwest::Error),
    /// The connection failed, or the request on it.
    Near(legacy::Error),
    /// The body of the answer broke off.
    Body(hyper::Error),
}

/// Whether the proxies of the system are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proxies {
    AsTheSystemSays,
    Never,
}

/// Makes a client for the wide world. It loads the system's certificates.
pub(super) fn wide(pool: Pool, proxies: Proxies) -> Result<Client, Error> {
    // `main` installs it; tests and whoever comes first may not have.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(pool.most_idle())
        .connector_layer(Watch);
    let builder = match proxies {
        Proxies::AsTheSystemSays => builder,
        Proxies::Never => builder.no_proxy(),
    };
    builder.build().map(Client::Wide).map_err(Error::Wide)
}

/// Makes the client for servers of this machine.
pub(super) fn near(pool: Pool) -> Client {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(pool.most_idle())
        .pool_timer(TokioTimer::new())
        .build(Watch.layer(connector));
    Client::Near(Arc::new(client))
}

impl Client {
    /// Sends a request and waits for the head of its answer.
    pub(super) async fn execute(&self, request: Request) -> Result<Response, Error> {
        match self {
            Self::Wide(client) => {
                let mut wide = reqwest::Request::new(request.method, request.url);
                *wide.headers_mut() = request.headers;
                if !request.body.is_empty() {
                    *wide.body_mut() = Some(request.body.into());
                }
                let answer = client.execute(wide).await.map_err(Error::Wide)?;
                Ok(Response::Wide(Box::new(answer)))
            }
            Self::Near(client) => {
                let mut near = hyper::Request::new(Full::new(request.body));
                *near.method_mut() = request.method;
                *near.uri_mut() = request.uri.unwrap_or_default();
                *near.headers_mut() = request.headers;
                let headers = near.headers_mut();
                headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
                headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
                let answer = client.request(near).await.map_err(Error::Near)?;
                Ok(Response::Near(Box::new(answer)))
            }
        }
    }
}

impl Response {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Wide(answer) => answer.status(),
            Self::Near(answer) => answer.status(),
        }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        match self {
            Self::Wide(answer) => answer.headers(),
            Self::Near(answer) => answer.headers(),
        }
    }

    /// Returns what is known beside it: on which connection it came.
    pub(super) fn extensions(&self) -> &Extensions {
        match self {
            Self::Wide(answer) => answer.extensions(),
            Self::Near(answer) => answer.extensions(),
        }
    }

    /// Returns the next piece of the body; none at its end. May be dropped while it waits: nothing is lost.
    pub(super) async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        match self {
            Self::Wide(answer) => answer.chunk().await.map_err(Error::Wide),
            Self::Near(answer) => loop {
                let Some(frame) = answer.body_mut().frame().await else {
                    return Ok(None);
                };
                // Trailers say nothing of interest.
                if let Ok(data) = frame.map_err(Error::Body)?.into_data() {
                    return Ok(Some(data));
                }
            },
        }
    }
}

impl Error {
    /// Tells whether there was no connection.
    pub(super) fn is_connect(&self) -> bool {
        match self {
            Self::Wide(error) => error.is_connect(),
            Self::Near(error) => error.is_connect(),
            Self::Body(_) => false,
        }
    }

    /// Tells whether the request could not be made at all.
    pub(super) fn is_builder(&self) -> bool {
        match self {
            Self::Wide(error) => error.is_builder(),
            Self::Near(_) | Self::Body(_) => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request failed")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(match self {
            Self::Wide(error) => error,
            Self::Near(error) => error,
            Self::Body(error) => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    /// Both clients: the one for the wide world, and the one for this machine.
    fn both() -> [Client; 2] {
        [
            wide(Pool::Shared, Proxies::Never).unwrap(),
            near(Pool::Shared),
        ]
    }

    fn request(port: u16) -> Request {
        let url: Url = format!("http://127.0.0.1:{port}/v1/x?a=%20b")
            .parse()
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer k"));
        Request {
            method: Method::POST,
            uri: url.as_str().parse().ok(),
            url,
            headers,
            body: Bytes::from_static(b"{}"),
        }
    }

    /// Answers one request and returns what was asked.
    async fn answer(listener: &TcpListener, answer: &[u8]) -> String {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n{}") {
            let mut piece = [0; 512];
            let came = socket.read(&mut piece).await.unwrap();
            assert_ne!(came, 0, "the whole request comes");
            asked.extend_from_slice(&piece[..came]);
        }
        socket.write_all(answer).await.unwrap();
        String::from_utf8(asked).unwrap()
    }

    async fn read(client: &Client, port: u16) -> Result<(u16, Vec<u8>), Error> {
        let mut response = client.execute(request(port)).await?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok((response.status().as_u16(), body))
    }

    #[tokio::test]
    async fn both_write_the_same_request_and_read_the_same_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let chunked = b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n\
            2\r\nab\r\n1\r\nc\r\n0\r\nx-t: 1\r\n\r\n";
        let mut asked = Vec::new();
        for client in both() {
            let (came, heard) = tokio::join!(read(&client, port), answer(&listener, chunked));
            assert_eq!(came.unwrap(), (201, b"abc".to_vec()));
            let mut lines: Vec<String> = heard.lines().map(str::to_owned).collect();
            lines.sort();
            asked.push(lines);
        }
        assert_eq!(asked[0], asked[1]);
        let agent = format!("user-agent: {AGENT}");
        assert!(asked[1].contains(&agent), "{:?}", asked[1]);
    }

    #[tokio::test]
    async fn both_tell_of_the_same_failures() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for client in both() {
            for torn in [
                &b""[..],
                b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc",
                b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
            ] {
                let (came, _) = tokio::join!(read(&client, port), answer(&listener, torn));
                let error = came.unwrap_err();
                assert!(!error.is_connect() && !error.is_builder(), "{error:?}");
            }
        }
        drop(listener);
        for client in both() {
            let error = read(&client, port).await.unwrap_err();
            assert!(error.is_connect(), "{error:?}");
        }
    }
}
