//! A client of its own on a bare socket: what a library would smooth over is seen here.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longer than this no answer is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone)]
pub(crate) struct Request {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    pub(crate) fn get(path: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::post_bytes(path, body.to_string().into_bytes())
    }

    pub(crate) fn post_bytes(path: &str, body: Vec<u8>) -> Self {
        Self {
            method: "POST",
            body,
            ..Self::get(path)
        }
    }

    /// Adds a header; `host` takes the place of the usual one.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn bearing(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    fn head(&self, at: SocketAddr) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !self.headers.iter().any(|(name, _)| name == "host") {
            head.push_str(&format!("host: {at}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        head
    }
}

/// An answer, as far as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it ended as HTTP says, and not with the connection.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Returns the JSON of every `data:` line.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }
}

/// A connection with an answer under way.
pub(crate) struct Line(BufReader<TcpStream>);

impl Line {
    /// Sends a request.
    pub(crate) fn send(at: SocketAddr, request: &Request) -> io::Result<Self> {
        let mut line = Self::open(at)?;
        line.ask(at, request)?;
        Ok(line)
    }

    pub(crate) fn open(at: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(at)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(LIMIT))?;
        socket.set_write_timeout(Some(LIMIT))?;
        Ok(Self(BufReader::new(socket)))
    }

    pub(crate) fn ask(&mut self, at: SocketAddr, request: &Request) -> io::Result<()> {
        let mut bytes = request.head(at).into_bytes();
        bytes.extend_from_slice(&request.body);
        self.write(&bytes)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Reads status and headers.
    pub(crate) fn head(&mut self) -> io::Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').expect("a header");
            headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        Ok(Answer {
            status,
            headers,
            body: Vec::new(),
            is_whole: false,
        })
    }

    /// Reads the next piece of a body in pieces; none at its end.
    pub(crate) fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = self.line()?;
        let size = usize::from_str_radix(size.trim(), 16)
            .map_err(|_| io::Error::other(format!("no size: {size:?}")))?;
        let mut piece = vec![0; size + 2];
        self.0.read_exact(&mut piece)?;
        piece.truncate(size);
        Ok((size > 0).then_some(piece))
    }

    /// Reads what is left of an answer.
    pub(crate) fn rest(&mut self, mut answer: Answer) -> Answer {
        let read = (|| -> io::Result<()> {
            if let Some(length) = answer.header("content-length") {
                answer.body = vec![0; length.parse().expect("a length")];
                return self.0.read_exact(&mut answer.body);
            }
            while let Some(piece) = self.piece()? {
                answer.body.extend(piece);
            }
            Ok(())
        })();
        answer.is_whole = read.is_ok();
        answer
    }

    /// Reads an answer.
    pub(crate) fn answer(&mut self) -> io::Result<Answer> {
        let head = self.head()?;
        Ok(self.rest(head))
    }

    /// Reads until the other side closes; tells what came.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        drop(self.0.read_to_end(&mut rest));
        rest
    }

    /// Waits for the other side's end; an error if it comes as a reset.
    pub(crate) fn ended(&mut self) -> io::Result<usize> {
        self.0.read_to_end(&mut Vec::new())
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// Sends a request and reads the answer.
pub(crate) fn ask(at: SocketAddr, request: &Request) -> Answer {
    let answered = Line::send(at, request).and_then(|mut line| line.answer());
    answered.expect("an answer")
}
