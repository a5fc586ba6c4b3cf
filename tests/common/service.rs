//! A service that grants tokens (OAuth 2), on loopback: it says yes when the test does, turns its
//! refresh tokens over, and tells a mail server which tokens are good.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The name the service knows us by.
pub(crate) const CLIENT: &str = "deskhand-test";

/// The service; what it remembers can be looked at and changed.
pub(crate) struct Service {
    pub(crate) port: u16,
    pub(crate) memory: Arc<Mutex<Memory>>,
}

/// What the service remembers.
#[derive(Default)]
pub(crate) struct Memory {
    /// Whether the person has said yes to the code.
    pub(crate) approved: bool,
    /// How often the code was asked for in vain.
    pub(crate) pending: u32,
    /// The word and the way back of each page that was opened, by the code it was given.
    pages: BTreeMap<String, (String, String)>,
    /// The refresh tokens that are good.
    pub(crate) refresh: BTreeSet<String>,
    /// The access tokens that are good.
    pub(crate) access: BTreeSet<String>,
    /// How often a token was renewed.
    pub(crate) renewals: u32,
    /// So many access tokens are dead when they are granted.
    pub(crate) stillborn: u32,
    /// So many seconds a token lasts; an hour where it is 0.
    pub(crate) seconds: u64,
    /// How often a refresh token was shown that was good no more.
    pub(crate) stale: u32,
    /// So long the service takes over a token.
    pub(crate) pause: Duration,
    /// The service answers 503.
    pub(crate) is_away: bool,
    /// The secret that must come with our name, if any.
    pub(crate) secret: Option<String>,
    granted: u32,
}

impl Service {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let memory = Arc::new(Mutex::new(Memory::default()));
        let shared = Arc::clone(&memory);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let memory = Arc::clone(&shared);
                thread::spawn(move || drop(talk(&stream, &memory)));
            }
        });
        Self { port, memory }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Memory) -> T) -> T {
        act(&mut self.memory.lock().expect("no panic"))
    }
}

/// Does what a browser does with a page on which the person says yes: returns where it leads.
pub(crate) fn say_yes(page: &str) -> String {
    let answer = get(page);
    let line = answer
        .lines()
        .find(|line| line.to_lowercase().starts_with("location: "))
        .expect("it leads back");
    line["location: ".len()..].trim().to_owned()
}

/// Reads a page.
pub(crate) fn get(url: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a plain address");
    let (place, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(place).expect("it listens");
    let request = format!("GET /{path} HTTP/1.1\r\nhost: {place}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

type Form = BTreeMap<String, String>;

#[expect(
    clippy::disallowed_methods,
    reason = "a service that takes its time, on a thread of its own"
)]
fn talk(stream: &TcpStream, memory: &Mutex<Memory>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let text = String::from_utf8_lossy(&body).into_owned();
    let form = form(if body.is_empty() { query } else { &text });
    let pause = memory.lock().expect("no panic").pause;
    if path == "/token" {
        thread::sleep(pause);
    }
    let mut memory = memory.lock().expect("no panic");
    let answer = match path {
        _ if memory.is_away => {
            "HTTP/1.1 503 Away\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        "/authorize" => authorize(&form, &mut memory),
        "/device" => reply(200, &device(&form)),
        "/token" => match token(&form, &mut memory) {
            Ok(granted) => reply(200, &granted),
            Err(error) => reply(
                400,
                &json!({ "error": error, "error_description": "says the test\nmore" }),
            ),
        },
        "/introspect" => {
            let is_good = form
                .get("token")
                .is_some_and(|token| memory.access.contains(token));
            reply(
                200,
                &json!({ "active": is_good, "username": "support@acme.test" }),
            )
        }
        _ => reply(404, &json!({})),
    };
    drop(memory);
    let mut writer = stream;
    writer.write_all(answer.as_bytes())
}

fn reply(status: u16, value: &Value) -> String {
    let text = value.to_string();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{text}",
        text.len()
    )
}

/// A page on which the person has said yes already.
fn authorize(form: &Form, memory: &mut Memory) -> String {
    let value = |name: &str| form.get(name).cloned().unwrap_or_default();
    assert_eq!(value("client_id"), CLIENT);
    assert_eq!(value("code_challenge_method"), "S256");
    let code = format!("code/{}", memory.pages.len());
    let back = value("redirect_uri");
    let page = (value("code_challenge"), back.clone());
    memory.pages.insert(code.clone(), page);
    let (code, state) = (code.replace('/', "%2F"), value("state"));
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {back}?code={code}&state={state}\r\nconnection: close\r\n\
         content-length: 0\r\n\r\n"
    )
}

fn device(form: &Form) -> Value {
    if form.get("client_id").map(String::as_str) != Some(CLIENT) {
        return json!({ "error": "invalid_client" });
    }
    json!({
        "device_code": "secret-device-code",
        "user_code": "ABCD-EFGH",
        "verification_uri": "http://127.0.0.1/activate",
        "expires_in": 60,
        "interval": 1,
    })
}

fn token(form: &Form, memory: &mut Memory) -> Result<Value, &'static str> {
    let value = |name: &str| form.get(name).map_or("", String::as_str);
    if value("client_id") != CLIENT {
        return Err("invalid_client");
    }
    if memory
        .secret
        .as_deref()
        .is_some_and(|secret| secret != value("client_secret"))
    {
        return Err("invalid_client");
    }
    match value("grant_type") {
        "urn:ietf:params:oauth:grant-type:device_code" => {
            if value("device_code") != "secret-device-code" {
                return Err("invalid_grant");
            }
            if !memory.approved {
                memory.pending += 1;
                return Err("authorization_pending");
            }
        }
        "authorization_code" => {
            let page = memory.pages.remove(value("code")).ok_or("invalid_grant")?;
            let word = URL_SAFE_NO_PAD.encode(Sha256::digest(value("code_verifier")));
            if page != (word, value("redirect_uri").to_owned()) {
                return Err("invalid_grant");
            }
        }
        "refresh_token" => {
            if !memory.refresh.remove(value("refresh_token")) {
                memory.stale += 1;
                return Err("invalid_grant");
            }
            memory.renewals += 1;
        }
        _ => return Err("unsupported_grant_type"),
    }
    memory.granted += 1;
    let (access, refresh) = (
        format!("access-{}", memory.granted),
        format!("refresh-{}", memory.granted),
    );
    if memory.stillborn > 0 {
        memory.stillborn -= 1;
    } else {
        memory.access.insert(access.clone());
    }
    memory.refresh.insert(refresh.clone());
    let seconds = if memory.seconds == 0 {
        "3600".to_owned()
    } else {
        memory.seconds.to_string()
    };
    Ok(
        json!({ "access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": seconds }),
    )
}

fn form(text: &str) -> Form {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

/// Undoes what a form does to its values.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let digits = String::from_utf8_lossy(&digits).into_owned();
                bytes.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
