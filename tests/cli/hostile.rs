//! Strings of strangers, and readers that leave: nothing reaches a terminal that should not.

use serde_json::{Value, json};

use crate::program::{Home, corpus};

#[test]
fn a_reader_that_leaves_ends_the_printing_quietly() {
    let home = Home::new();
    for at in 0..3 {
        home.file(&format!("Ticket {at}"), "Maya", "Hello");
    }
    let mut command = home.command();
    command
        .arg("tickets")
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);

    let output = command.stdout(writer).output().expect("the program ends");

    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn no_hostile_string_reaches_a_terminal() {
    let Some(corpus) = corpus() else {
        println!("corpus absent: 1 test not run");
        return;
    };
    let file = corpus.join("hostile/shared/hostile_strings.json");
    let text = std::fs::read_to_string(file).expect("the hostile strings");
    let all: Value = serde_json::from_str(&text).expect("JSON");
    let all = all
        .as_array()
        .or_else(|| all["items"].as_array())
        .expect("a list")
        .clone();
    assert!(all.len() > 200, "{}", all.len());
    let home = Home::new();
    for string in all {
        let bytes = decode(string["bytes_b64"].as_str().expect("bytes"));
        let hostile = String::from_utf8_lossy(&bytes);
        let hostile: String = hostile.chars().take(2_000).filter(|c| *c != '\0').collect();
        home.file(&hostile, &hostile, &hostile);
    }
    let rows = home.run(&["tickets", "--json"]);
    let mut outputs = vec![rows.stdout.clone(), home.run(&["tickets"]).stdout];
    for row in rows.lines().iter().step_by(9) {
        let number = row["number"].to_string();
        for args in [
            vec!["show", &number],
            vec!["show", &number, "--json"],
            vec!["set", &number, "+x"],
        ] {
            let ran = home.run(&args);
            outputs.extend([ran.stdout, ran.stderr]);
        }
    }
    for output in outputs {
        let found = output.chars().find(|&c| is_hostile(c));
        assert_eq!(
            found,
            None,
            "U+{:04x} was printed",
            found.map_or(0, u32::from)
        );
    }
}

#[test]
fn no_hostile_answer_of_a_model_reaches_a_terminal() {
    let hostile = "Dear \u{1b}]0;owned\u{7}Maya,\u{1b}[2J \u{9b}31m your \u{202e}refund\u{2066}\u{2028}is \u{7f}due\r\nBye";
    let body = json!({
        "id": "x", "object": "chat.completion", "created": 1, "model": hostile,
        "choices": [{ "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": hostile } }],
        "usage": { "prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12 },
    });
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(std::thread::spawn(move || {
        for stream in listener.incoming() {
            drop(stream.and_then(|stream| answer_once(stream, &body.to_string())));
        }
    }));
    let home = Home::new();
    home.config(&format!(
        "[spend]\ncap_month_usd = 20\nallow_unknown_prices = true\n[providers.odd]\ntype = \"openai\"\n\
         base_url = \"http://127.0.0.1:{port}\"\nauth = \"none\"\n[chains.default]\nlinks = [\"odd/m\"]\n"
    ));
    let number = home.file("Refund", "Maya", "Where is it?").to_string();

    for args in [
        vec!["draft", &number],
        vec!["draft", &number, "--stream"],
        vec!["draft", &number, "--json"],
        vec!["show", &number],
        vec!["receipts"],
        vec!["receipts", "--json"],
    ] {
        let ran = home.run(&args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.stderr.escape_debug());
        assert!(ran.stdout.len() > 10, "{args:?}");
        let found = ran
            .stdout
            .chars()
            .chain(ran.stderr.chars())
            .find(|&c| is_hostile(c));
        assert_eq!(
            found,
            None,
            "{args:?}: U+{:04x} was printed",
            found.map_or(0, u32::from)
        );
    }
}

/// Reads one request and answers it with a JSON body.
fn answer_once(mut stream: std::net::TcpStream, body: &str) -> std::io::Result<()> {
    use std::io::{BufRead as _, Read as _, Write as _};
    let mut reader = std::io::BufReader::new(stream.try_clone()?);
    let (mut line, mut length) = (String::new(), 0);
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn is_hostile(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Reads base64, which no dependency of ours does.
fn decode(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text
        .bytes()
        .filter_map(|byte| alphabet.iter().position(|&known| known == byte));
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits {
        held = (held << 6 | u32::try_from(digit).expect("below 64")) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).expect("one byte"));
        }
    }
    bytes
}
