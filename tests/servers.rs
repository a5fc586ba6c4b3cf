//! What single servers need besides their wire format: tokens that run out, windows that only the
//! server knows, and its own idea of the cost.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and its server is a task of its own"
)]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use deskhand::{
    domain::{
        Fault, FaultClass, Manner, ModelName, ProviderKind, Usage,
        manner::{Auth, Habits, Place, Site, WindowFrom},
    },
    engine::ask::{Ask, Role, Turn},
    llm::{
        Transport,
        heard::{Heard, Limits},
        renew::Renew,
        wire::{Endpoint, Finish, Quirks},
    },
};
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(5);

/// Answers one request per connection, in order; keeps what was asked.
async fn server(answers: Vec<(u16, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut bytes = [0; 4096];
                let count = socket.read(&mut bytes).await.unwrap();
                assert!(count > 0, "the request broke off");
                request.extend_from_slice(&bytes[..count]);
            }
            let request = String::from_utf8(request).unwrap();
            seen.lock().unwrap().push(request);
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
            );
            socket.write_all((head + &body).as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    body.len() >= length
}

fn at_vertex(url: &str) -> Endpoint {
    Endpoint {
        kind: ProviderKind::Anthropic,
        base_url: url.to_owned(),
        key: Some("token-1".into()),
        renew: None,
        model: ModelName("claude-x".to_owned()),
        stream: false,
        manner: Manner {
            habits: Habits {
                auth: Auth::Bearer,
                site: Site::VertexClaude,
                ..Habits::default()
            },
            place: Place::Vertex {
                project: "desk".to_owned(),
                location: "global".to_owned(),
                publisher: "anthropic",
            },
        },
        quirks: Quirks::default(),
        allow_plain_http: false,
    }
}

fn at_ollama(url: &str) -> Endpoint {
    Endpoint {
        kind: ProviderKind::OpenAiCompatible,
        base_url: format!("{url}/v1"),
        key: None,
        model: ModelName("llama".to_owned()),
        manner: Manner {
            habits: Habits {
                window: WindowFrom::Ollama,
                ..Habits::default()
            },
            place: Place::Usual,
        },
        ..at_vertex(url)
    }
}

fn ask(text: &str) -> Ask {
    let turn = Turn::says(Role::User, text.to_owned());
    Ask {
        system: String::new(),
        turns: vec![turn],
        output_limit: 100,
        ..Ask::default()
    }
}

/// Asks, and hears the end.
async fn heard(to: &Endpoint, text: &str) -> Result<Finish, (Fault, Usage)> {
    let limits = Limits {
        connect: PATIENCE,
        first_text: None,
        gap: PATIENCE,
        pinged: PATIENCE,
        total: PATIENCE,
    };
    let mut talk = Transport::new().speak(to, &ask(text), limits);
    loop {
        match timeout(PATIENCE, talk.next()).await.unwrap() {
            Heard::Ended(finish) => return Ok(*finish),
            Heard::Failed(fault, usage) => return Err((*fault, *usage)),
            Heard::Opened(_) | Heard::Delta(_) => {}
        }
    }
}

fn claude() -> (u16, String) {
    let body = r#"{"type":"message","model":"claude-x","content":[{"type":"text","text":"Hi."}],
        "stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}"#;
    (200, body.to_owned())
}

fn over() -> (u16, String) {
    let body = r#"[{"error":{"code":401,"status":"UNAUTHENTICATED","message":"token-1 is over"}}]"#;
    (401, body.to_owned())
}

/// Gives these keys in turn, and counts how often it is asked.
fn renewing(keys: &'static [&'static str]) -> (Renew, Arc<AtomicU32>) {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let renew = Renew::new(move || {
        let turn = usize::try_from(count.fetch_add(1, Ordering::SeqCst)).unwrap();
        async move { keys.get(turn).map(|key| SecretString::from(*key)) }
    });
    (renew, asked)
}

#[tokio::test]
async fn a_token_that_is_over_is_asked_for_anew_once() {
    let (url, requests) = server(vec![over(), claude()]).await;
    let (renew, asked) = renewing(&["token-2"]);
    let mut to = at_vertex(&url);
    to.renew = Some(renew);

    heard(&to, "Hello?").await.unwrap();

    let requests = requests.lock().unwrap();
    let path = "/v1/projects/desk/locations/global/publishers/anthropic/models/claude-x:rawPredict";
    for (request, token) in requests.iter().zip(["token-1", "token-2"]) {
        assert!(
            request.starts_with(&format!("POST {path} HTTP/1.1\r\n")),
            "{request}"
        );
        assert!(
            request.contains(&format!("authorization: Bearer {token}\r\n")),
            "{request}"
        );
        assert!(
            request.contains(r#""anthropic_version":"vertex-2023-10-16""#),
            "{request}"
        );
    }
    assert_eq!((requests.len(), asked.load(Ordering::SeqCst)), (2, 1));
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_refused() {
    let (url, requests) = server(vec![over(), over()]).await;
    let (renew, asked) = renewing(&["token-2", "token-3"]);
    let mut to = at_vertex(&url);
    to.renew = Some(renew);

    let (fault, _) = heard(&to, "Hello?").await.unwrap_err();

    assert_eq!(fault.class, FaultClass::KeyRefused);
    assert_eq!(requests.lock().unwrap().len(), 2);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_fresh_token_nothing_is_sent_again() {
    let (url, requests) = server(vec![over()]).await;
    let (renew, _) = renewing(&[]);
    let mut to = at_vertex(&url);
    to.renew = Some(renew);

    let (fault, _) = heard(&to, "Hello?").await.unwrap_err();

    assert_eq!(fault.class, FaultClass::KeyRefused);
    assert_eq!(
        fault.said.as_deref().map(|said| said.contains("token-1")),
        Some(false)
    );
    assert_eq!(requests.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn an_ollama_says_how_much_fits() {
    let loaded = r#"{"models":[{"name":"llama:latest","context_length":8192}]}"#;
    let none = r#"{"models":[]}"#;
    let set = r#"{"parameters":"num_ctx 16384","model_info":{"llama.context_length":131072}}"#;
    let silent = r#"{"model_info":{"llama.context_length":131072}}"#;
    let good = |body: &str| (200, body.to_owned());
    for (answers, wanted) in [
        (vec![good(loaded)], Some(8_192)),
        (vec![good(none), good(set)], Some(16_384)),
        (vec![good(none), good(silent)], Some(4_096)),
        (vec![(404, String::new())], None),
    ] {
        let count = answers.len();
        let (url, requests) = server(answers).await;

        assert_eq!(Transport::new().window(&at_ollama(&url)).await, wanted);

        let requests = requests.lock().unwrap();
        assert_eq!(requests.len(), count);
        assert!(
            requests[0].starts_with("GET /api/ps HTTP/1.1\r\n"),
            "{}",
            requests[0]
        );
    }
    let nobody = Transport::new()
        .window(&at_ollama("http://127.0.0.1:9"))
        .await;
    assert_eq!(nobody, None);
}

#[tokio::test]
async fn a_prompt_that_the_server_cut_is_too_long_and_no_success() {
    let answer = |tokens: u32| {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"Hi."}},"finish_reason":"stop"}}],
                "usage":{{"prompt_tokens":{tokens},"completion_tokens":2}}}}"#
        );
        (200, body)
    };
    let prompt = "Where is my parcel? ".repeat(1_000);

    let (url, _) = server(vec![answer(2_048)]).await;
    let (fault, usage) = heard(&at_ollama(&url), &prompt).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::TooLong);
    assert_eq!(usage.tokens_in, Some(2_048));

    let (url, _) = server(vec![answer(5_003)]).await;
    assert!(heard(&at_ollama(&url), &prompt).await.is_ok());
}

#[tokio::test]
async fn what_openrouter_says_it_cost_is_what_it_cost() {
    for (said, cost) in [
        (r#""cost":0.00014"#, Some("0.00014")),
        // With a key of ours for the maker: a fee there, and the maker's own bill.
        (
            r#""cost":0.00014,"is_byok":true,"cost_details":{"upstream_inference_cost":0.0028}"#,
            Some("0.00294"),
        ),
        (r#""cost":0.00014,"is_byok":true"#, None),
        (
            r#""cost":0.00014,"is_byok":false,"cost_details":{"upstream_inference_cost":0.00014}"#,
            Some("0.00014"),
        ),
    ] {
        let body = format!(
            r#"{{"choices":[{{"message":{{"content":"Hi."}},"finish_reason":"stop"}}],
            "usage":{{"prompt_tokens":9,"completion_tokens":2,{said}}}}}"#
        );
        let (url, _) = server(vec![(200, body)]).await;
        let mut to = at_ollama(&url);
        to.manner = Manner::default();

        let finish = heard(&to, "Hello?").await.unwrap();

        let cost = cost.map(|cost| cost.parse().unwrap());
        assert_eq!(finish.usage.cost, cost, "{said}");
    }
}
