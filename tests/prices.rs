//! Models and prices on the command line, and a server whose window is smaller than the mail.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod program;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use program::Home;
use serde_json::{Value, json};

const LIST: &str = include_str!("fixtures/prices/litellm.json");

fn with_chain(links: &str) -> Home {
    let home = Home::new();
    home.config(&format!("[chains.default]\nlinks = [{links}]\n"));
    home
}

#[test]
fn models_are_listed_with_where_their_price_was_read() {
    let home = with_chain("\"google/gemini-3-flash-preview\", \"anthropic/claude-haiku-4.5\"");

    let ran = home.run(&["models", "--json"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let cards = ran.lines();
    let used: Vec<_> = cards.iter().filter(|card| card["in_use"] == true).collect();
    let names: Vec<_> = used.iter().map(|card| &card["model"]).collect();
    assert_eq!(
        names,
        [&json!("claude-haiku-4-5"), &json!("gemini-3-flash-preview")]
    );
    let haiku = used[0];
    assert_eq!(haiku["price_in_usd_per_million"], "1.000000000");
    assert_eq!(haiku["context_tokens"], 200_000);
    assert_eq!(haiku["price_seen"], "2026-09-01");
    assert!(
        haiku["price_source"]
            .as_str()
            .expect("a source")
            .starts_with("https://")
    );
    let dated = cards
        .iter()
        .find(|card| card["model"] == "claude-3-sonnet-20240229");
    let dated = dated.expect("it is listed");
    assert_eq!(dated["retired_on"], "2025-07-21");
    assert!(
        dated["aliases"]
            .as_array()
            .expect("names")
            .contains(&json!("claude-3-sonnet"))
    );
}

#[test]
fn prices_that_need_a_look_end_the_check_with_one() {
    let home = with_chain("\"openai/quite-new\", \"anthropic/claude-3-opus\"");

    let ran = home.run(&["prices", "check", "--json"]);

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let answer = ran.json();
    let faults: Vec<(&Value, &Value)> = answer["faults"]
        .as_array()
        .expect("faults")
        .iter()
        .map(|fault| (&fault["link"], &fault["fault"]))
        .collect();
    assert!(
        faults.contains(&(&json!("openai/quite-new"), &json!("unknown"))),
        "{answer}"
    );
    let opus = json!("anthropic/claude-3-opus-20240229");
    assert!(faults.contains(&(&opus, &json!("retired"))), "{answer}");
    assert_eq!(answer["in_use"], 2);
}

#[test]
fn an_imported_price_is_in_force_and_a_wrong_list_changes_nothing() {
    let home = with_chain("\"anthropic/claude-invented-9\", \"openai/gpt-4o\"");
    let (list, own) = (home.path("list.json"), home.data().join("prices.toml"));
    fs::write(&list, LIST).expect("a list");
    let import = |more: &[&str]| {
        let mut args = vec!["prices", "import", "list.json", "--json"];
        args.extend(more);
        home.run(&args)
    };

    let shown = import(&["--dry-run"]);
    assert_eq!((shown.code, own.exists()), (0, false), "{}", shown.stderr);
    let done = import(&[]).json();
    assert_eq!((&done["written"], &done["same"]), (&json!(true), &json!(2)));
    assert_eq!(done["changes"].as_array().expect("changes").len(), 2);
    let written = fs::read_to_string(&own).expect("the file is there");
    let models = home.run(&["models", "--json"]).lines();
    let invented = models
        .iter()
        .find(|card| card["model"] == "claude-invented-9");
    assert_eq!(
        invented.expect("it is listed")["price_in_usd_per_million"],
        "0.300000000"
    );

    fs::write(&list, LIST.split_at(300).0).expect("a list");
    assert_eq!(import(&[]).code, 2);
    assert_eq!(
        fs::read_to_string(&own).expect("the file is there"),
        written
    );
}

#[test]
fn prices_of_ones_own_are_in_force_without_a_config() {
    let home = Home::new();
    fs::write(home.path("list.json"), LIST).expect("a list");
    let run = |args: &[&str]| {
        let mut command = home.command();
        command
            .env_remove("DESKHAND_CONFIG")
            .args(args)
            .arg("--json");
        let output = command.output().expect("the program ends");
        String::from_utf8(output.stdout).expect("stdout is UTF-8")
    };

    run(&["prices", "import", "list.json"]);

    let models = run(&["models"]);
    assert!(models.contains("claude-invented-9"), "{models}");
}

/// Plays an Ollama that gives its model 2,048 tokens; tells how long each prompt was.
fn ollama() -> (String, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let tell = tell.clone();
            thread::spawn(move || serve(socket, &tell));
        }
    });
    (url, told)
}

fn serve(mut socket: TcpStream, tell: &mpsc::Sender<usize>) {
    let (head, body) = request(&mut socket);
    let answer = if head.starts_with("GET /api/ps ") {
        r#"{"models":[{"name":"llama:latest","context_length":2048}]}"#.to_owned()
    } else {
        let asked: Value = serde_json::from_str(&body).expect("a body");
        let texts = asked["messages"].as_array().expect("messages");
        let bytes: usize = texts
            .iter()
            .map(|turn| turn["content"].as_str().expect("a text").len())
            .sum();
        tell.send(bytes).ok();
        let tokens = bytes / 4;
        format!(
            r#"{{"choices":[{{"message":{{"content":"Your parcel is on its way."}},
                "finish_reason":"stop"}}],"usage":{{"prompt_tokens":{tokens},"completion_tokens":6}}}}"#
        )
    };
    let length = answer.len();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    drop(write!(
        socket,
        "{head}\r\ncontent-length: {length}\r\n\r\n{answer}"
    ));
}

fn request(socket: &mut TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lines = head.lines().map(str::to_lowercase);
            let mut lengths = lines.filter_map(|line| {
                line.strip_prefix("content-length: ")
                    .and_then(|length| length.parse::<usize>().ok())
            });
            if body.len() >= lengths.next().unwrap_or(0) {
                return (head.to_owned(), body.to_owned());
            }
        }
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).expect("a request");
        assert!(count > 0, "the request broke off: {text}");
        bytes.extend_from_slice(&piece[..count]);
    }
}

#[test]
fn mail_is_shortened_to_what_an_ollama_says_that_fits() {
    let home = Home::new();
    let (url, told) = ollama();
    home.config(&format!(
        "[spend]\ncap_month_usd = 5\n[engine]\noutput_limit = 512\n\
         [providers.ollama]\nbase_url = \"{url}\"\nmodels = [\"llama\"]\nstream = false\n\
         [models.\"ollama/llama\"]\nprice_in_usd_per_million = 0\nprice_out_usd_per_million = 0\n\
         [chains.default]\nlinks = [\"ollama/llama\"]\n"
    ));
    let body = "The parcel of order 1182 has not come yet, and nobody answers. ".repeat(300);
    let number = home.file("Parcel not received", "Maya", &body);

    let ran = home.run(&["draft", &number.to_string(), "--json"]);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let asked = told.recv().expect("it was asked");
    // 2,048 tokens less 512 for the answer and a reserve of 256, at three bytes each.
    assert!(asked <= (2_048 - 512 - 256) * 3, "{asked} bytes were sent");
    assert!(asked > 1_500, "{asked} bytes were sent");
}
