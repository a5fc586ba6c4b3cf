//! A provider that answers at once, written on bare sockets: what is measured is the client.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

/// Tokens of an answer.
pub(crate) const TOKENS: usize = 16;

/// Starts the provider in threads of its own; returns its base URL. Paths that begin with `/busy`
/// answer 429.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || drop(serve(&stream)));
        }
    });
    format!("http://{address}")
}

fn serve(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let is_busy = line.contains(" /busy");
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        let is_streamed = body.windows(13).any(|part| part == b"\"stream\":true");
        match (is_busy, is_streamed) {
            (true, _) => busy(stream)?,
            (false, true) => in_pieces(stream)?,
            (false, false) => whole(stream)?,
        }
    }
}

fn busy(mut stream: &TcpStream) -> std::io::Result<()> {
    let body = "{\"error\":{\"message\":\"Rate limit reached\",\"type\":\"rate_limit_error\"}}";
    let answer = format!(
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nretry-after: 30\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes())
}

fn whole(mut stream: &TcpStream) -> std::io::Result<()> {
    let words: Vec<String> = (0..TOKENS).map(|at| format!("word{at} ")).collect();
    let text = words.concat();
    let body = format!(
        "{{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"m\",\"choices\":[{{\"index\":0,\
         \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],\
         \"usage\":{{\"prompt_tokens\":60,\"completion_tokens\":{TOKENS},\"total_tokens\":76}}}}"
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes())
}

fn in_pieces(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    )?;
    for at in 0..TOKENS {
        let event = format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":\
             [{{\"index\":0,\"delta\":{{\"content\":\"word{at} \"}},\"finish_reason\":null}}]}}\n\n"
        );
        chunk(stream, &event)?;
    }
    chunk(
        stream,
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\
         \"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    )?;
    chunk(
        stream,
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[],\
         \"usage\":{\"prompt_tokens\":60,\"completion_tokens\":16,\"total_tokens\":76}}\n\n",
    )?;
    chunk(stream, "data: [DONE]\n\n")?;
    stream.write_all(b"0\r\n\r\n")
}

fn chunk(mut stream: &TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}
