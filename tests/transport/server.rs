//! A server that does what its script says, one script per connection.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, sleep},
};

/// What the server does on one connection, in order; then it closes.
#[derive(Clone)]
pub(super) enum Act {
    /// Reads one whole request.
    Read,
    Send(String),
    /// Sends byte by byte.
    Drip(String),
    Wait(u64),
    Reset,
    /// Waits for the other side to close, and says how long that took.
    Closed,
}

pub(super) struct Server {
    pub(super) url: String,
    pub(super) requests: Arc<Mutex<Vec<String>>>,
    pub(super) closed: mpsc::Receiver<Duration>,
}

/// Serves one script per connection.
pub(super) async fn server(scripts: Vec<Vec<Act>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (tell, closed) = mpsc::channel(8);
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        for script in scripts {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            tokio::spawn(play(socket, script, Arc::clone(&seen), tell.clone()));
        }
    });
    Server {
        url,
        requests,
        closed,
    }
}

async fn play(
    mut socket: TcpStream,
    script: Vec<Act>,
    seen: Arc<Mutex<Vec<String>>>,
    tell: mpsc::Sender<Duration>,
) {
    for act in script {
        match act {
            Act::Read => {
                let request = read_request(&mut socket).await;
                seen.lock().unwrap().push(request);
            }
            Act::Send(text) => socket.write_all(text.as_bytes()).await.unwrap(),
            Act::Drip(text) => {
                for byte in text.as_bytes() {
                    socket.write_all(&[*byte]).await.unwrap();
                }
            }
            Act::Wait(millis) => sleep(Duration::from_millis(millis)).await,
            Act::Reset => {
                socket.set_zero_linger().unwrap();
                return;
            }
            Act::Closed => {
                let began = Instant::now();
                let mut rest = [0; 64];
                while matches!(socket.read(&mut rest).await, Ok(1..)) {}
                tell.send(began.elapsed()).await.unwrap();
            }
        }
    }
}

async fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = socket.read(&mut piece).await.unwrap();
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let length = text
            .to_lowercase()
            .find("content-length: ")
            .map_or(0, |at| {
                let digits = text[at + 16..].split("\r\n").next().unwrap();
                digits.parse().unwrap()
            });
        if read == 0
            || text
                .find("\r\n\r\n")
                .is_some_and(|at| bytes.len() >= at + 4 + length)
        {
            return text;
        }
    }
}

pub(super) const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-id: req_7\r\ntransfer-encoding: chunked\r\n\r\n";

pub(super) fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

pub(super) fn said(text: &str) -> String {
    chunk(&format!(
        "data: {{\"model\":\"m-1\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    ))
}

pub(super) fn good_end() -> String {
    let stop = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}\n\n";
    format!(
        "{}0\r\n\r\n",
        chunk(&format!("{stop}{usage}data: [DONE]\n\n"))
    )
}

pub(super) fn good_answer() -> String {
    format!("{HEAD}{}{}", said("Hello."), good_end())
}

pub(super) fn with_length(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        body.len()
    )
}
