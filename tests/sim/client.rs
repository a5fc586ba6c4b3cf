//! A client of its own: one connection, one request, every byte of the answer and how it ended.

use std::{collections::BTreeMap, io::ErrorKind, time::Duration};

use deskhand::sim::{Family, Sim};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// Longer than this nothing comes from a simulator that still has something to say.
const SILENCE: Duration = Duration::from_millis(250);

/// A request.
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: Value,
    pub(crate) framing: Sent,
}

/// How a request is written.
#[derive(PartialEq, Eq)]
pub(crate) enum Sent {
    Plain,
    /// In chunks, as a client does that does not know its length.
    Chunked,
    /// Once, and again on the same connection when the answer is whole.
    Twice,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// As its length or its last chunk says.
    Whole,
    /// The connection was closed before.
    Fin,
    /// The connection was reset.
    Reset,
    /// Nothing more came, the connection open.
    Silent,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: Ended,
}

/// A plain request for a reply.
pub(crate) fn ask(family: Family, streamed: bool) -> Request {
    let system = "You write replies.";
    let text = "Subject: Refund\nI returned order 88213 and still have no refund.";
    let (path, body) = match family {
        Family::Anthropic => (
            "/anthropic/v1/messages",
            json!({"model": "claude-sonnet-4-5", "max_tokens": 500, "system": system,
                "messages": [{"role": "user", "content": text}], "stream": streamed}),
        ),
        Family::OpenAi => (
            "/openai/v1/chat/completions",
            json!({"model": "gpt-4o", "stream": streamed,
                "stream_options": {"include_usage": true},
                "messages": [{"role": "system", "content": system},
                    {"role": "user", "content": text}]}),
        ),
        Family::OpenAiResponses => (
            "/openai-responses/v1/responses",
            json!({"model": "gpt-4o", "stream": streamed, "instructions": system, "input": text}),
        ),
        Family::Gemini => (
            if streamed {
                "/gemini/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
            } else {
                "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
            },
            json!({"systemInstruction": {"parts": [{"text": system}]},
                "contents": [{"role": "user", "parts": [{"text": text}]}]}),
        ),
    };
    Request {
        method: "POST",
        path: path.to_owned(),
        body,
        framing: Sent::Plain,
    }
}

pub(crate) async fn get(sim: &Sim, path: &str) -> Answer {
    let request = Request {
        method: "GET",
        path: path.to_owned(),
        body: Value::Null,
        framing: Sent::Plain,
    };
    send(sim, &request, &[]).await
}

pub(crate) async fn post(sim: &Sim, path: &str, body: &Value) -> Answer {
    let request = Request {
        method: "POST",
        path: path.to_owned(),
        body: body.clone(),
        framing: Sent::Plain,
    };
    send(sim, &request, &[]).await
}

/// Sends a request and reads what comes.
pub(crate) async fn send(sim: &Sim, request: &Request, headers: &[(&str, &str)]) -> Answer {
    let control = sim.addresses().control;
    let host = control.strip_prefix("http://").unwrap();
    let host = host.split('/').next().unwrap().to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let body = request.body.to_string();
    let mut head = format!(
        "{} {} HTTP/1.1\r\nhost: {host}\r\n",
        request.method, request.path
    );
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    let whole = if request.framing == Sent::Chunked {
        let length = body.len();
        format!("{head}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n")
    } else {
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    };
    socket.write_all(whole.as_bytes()).await.unwrap();
    let first = read(&mut socket).await;
    if request.framing != Sent::Twice {
        return first;
    }
    socket.write_all(whole.as_bytes()).await.unwrap();
    read(&mut socket).await
}

async fn read(socket: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let ended = loop {
        if Answer::of(&bytes, Ended::Whole).is_some_and(|answer| answer.is_whole()) {
            break Ended::Whole;
        }
        let mut piece = [0; 4 * 1024];
        match timeout(SILENCE, socket.read(&mut piece)).await {
            Err(_) => break Ended::Silent,
            Ok(Ok(0)) => break Ended::Fin,
            Ok(Ok(read)) => bytes.extend_from_slice(&piece[..read]),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => break Ended::Reset,
            Ok(Err(error)) => panic!("{error}"),
        }
    };
    Answer::of(&bytes, ended).unwrap_or(Answer {
        bytes,
        status: 0,
        headers: BTreeMap::new(),
        body: Vec::new(),
        ended,
    })
}

impl Answer {
    /// Takes an answer apart; none as long as its head is not there.
    fn of(bytes: &[u8], ended: Ended) -> Option<Self> {
        let at = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes[..at].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let rest = &bytes[at + 4..];
        let body = if headers.contains_key("transfer-encoding") {
            unchunked(rest)
        } else {
            rest.to_vec()
        };
        Some(Self {
            bytes: bytes.to_vec(),
            status,
            headers,
            body,
            ended,
        })
    }

    fn is_whole(&self) -> bool {
        match self.header("content-length") {
            Some(length) => self.body.len() >= length.parse().unwrap(),
            None => self.bytes.ends_with(b"\r\n0\r\n\r\n"),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The data of each event of a stream; the body where it is none.
    pub(crate) fn data(&self) -> Vec<&str> {
        let body = std::str::from_utf8(&self.body).unwrap();
        if self.header("content-type") != Some("text/event-stream") {
            return vec![body];
        }
        body.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .collect()
    }

    /// Everything in it that is JSON.
    pub(crate) fn values(&self) -> Vec<Value> {
        self.data()
            .iter()
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    /// The words of the answer, read by the family's documentation.
    pub(crate) fn text(&self, family: Family) -> String {
        let places: &[&str] = match family {
            Family::Anthropic => &["/delta/text", "/content/0/text"],
            Family::OpenAi => &[
                "/choices/0/delta/content",
                "/choices/0/message/content",
                "/choices/0/message/refusal",
            ],
            Family::OpenAiResponses => &["/delta", "/output/0/content/0/text"],
            Family::Gemini => &["/candidates/0/content/parts/0/text"],
        };
        let values = self.values();
        let texts = values
            .iter()
            .flat_map(|value| places.iter().map(|place| value.pointer(place)));
        texts.flatten().filter_map(Value::as_str).collect()
    }

    /// Input and output tokens as the answer says last.
    pub(crate) fn usage(&self, family: Family) -> (Option<u64>, Option<u64>) {
        let (tokens_in, tokens_out) = match family {
            Family::Anthropic | Family::OpenAiResponses => {
                ("/usage/input_tokens", "/usage/output_tokens")
            }
            Family::OpenAi => ("/usage/prompt_tokens", "/usage/completion_tokens"),
            Family::Gemini => (
                "/usageMetadata/promptTokenCount",
                "/usageMetadata/candidatesTokenCount",
            ),
        };
        let values = self.values();
        let last = |place: &str| {
            let inner = format!("/response{place}");
            let found = values
                .iter()
                .filter_map(|v| v.pointer(place).or(v.pointer(&inner))?.as_u64());
            found.reduce(|_, last| last)
        };
        (last(tokens_in), last(tokens_out))
    }
}

/// Joins chunks, as far as they came.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(at) = rest.windows(2).position(|window| window == b"\r\n") {
        let size = std::str::from_utf8(&rest[..at]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        rest = &rest[at + 2..];
        let have = size.min(rest.len());
        body.extend_from_slice(&rest[..have]);
        rest = rest.get(size + 2..).unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    body
}
