//! As much HTTP/1.1 as providers need: read a request, write an answer, break it off on demand.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// A request.
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Returns a header by its lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A connection with what was read of it and not yet used.
pub(super) struct Line {
    pub(super) stream: TcpStream,
    rest: Vec<u8>,
    pub(super) sent: u64,
}

impl Line {
    pub(super) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            rest: Vec::new(),
            sent: 0,
        }
    }

    /// Reads the next request; none when the client is done.
    pub(super) async fn request(&mut self) -> io::Result<Option<Request>> {
        let head_end = loop {
            if let Some(at) = find(&self.rest, b"\r\n\r\n") {
                break at;
            }
            if self.rest.len() > HEAD_LIMIT {
                return Err(io::Error::other("the request's head is too long"));
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(self.rest.get(..head_end).unwrap_or_default());
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap_or_default().split(' ');
        let method = first.next().unwrap_or_default().to_owned();
        let path = first.next().unwrap_or_default().to_owned();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
            .collect();
        self.rest.drain(..head_end + 4);
        let mut request = Request {
            method,
            path,
            headers,
            body: Vec::new(),
        };
        self.read_body(&mut request).await?;
        Ok(Some(request))
    }

    async fn read_body(&mut self, request: &mut Request) -> io::Result<()> {
        if request.header("transfer-encoding").is_some() {
            let said =
                b"HTTP/1.1 411 Length Required\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            self.stream.write_all(said).await?;
            return Err(io::Error::other("the request's body has no length"));
        }
        let length: usize = request
            .header("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        if length > BODY_LIMIT {
            return Err(io::Error::other("the request's body is too long"));
        }
        if request
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            self.stream
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")
                .await?;
        }
        while self.rest.len() < length {
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        request.body = self.rest.drain(..length).collect();
        Ok(())
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let mut piece = vec![0_u8; 16 * 1024];
        let read = self.stream.read(&mut piece).await?;
        self.rest
            .extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(read)
    }

    /// Writes a whole answer.
    pub(super) async fn answer(
        &mut self,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<()> {
        let head = head(status, headers) + &format!("content-length: {}\r\n\r\n", body.len());
        self.stream.write_all(head.as_bytes()).await?;
        self.stream.write_all(body).await?;
        self.sent += u64::try_from(body.len()).unwrap_or(0);
        self.stream.flush().await
    }

    /// Begins an answer in pieces.
    pub(super) async fn begin(&mut self, headers: &[(String, String)]) -> io::Result<()> {
        let mut head = head(200, headers);
        head.push_str("transfer-encoding: chunked\r\n\r\n");
        self.stream.write_all(head.as_bytes()).await
    }

    /// Writes the next piece.
    pub(super) async fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.stream.write_all(&chunk).await?;
        self.sent += u64::try_from(bytes.len()).unwrap_or(0);
        self.stream.flush().await
    }

    /// Ends an answer in pieces.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.stream.write_all(b"0\r\n\r\n").await?;
        self.stream.flush().await
    }

    /// Says nothing more until the client leaves, or for so long; tells whether it left.
    pub(super) async fn wait_for_leaving(&mut self, at_most: Duration) -> bool {
        let leaving = async {
            loop {
                match self.fill().await {
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(at_most, leaving).await.is_ok()
    }
}

fn head(status: u16, headers: &[(String, String)]) -> String {
    let reason = match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Payload Too Large",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        529 => "Site Overloaded",
        _ => "Status",
    };
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"));
    [format!("HTTP/1.1 {status} {reason}\r\n")]
        .into_iter()
        .chain(lines)
        .collect()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}
