//! The built program as scripts use it: each command, its JSON, its exit codes.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "common/program.rs"]
mod program;

use program::{Home, Ran, Server, corpus};
use serde_json::{Value, json};

/// A home with one ticket and a chain of these links at the simulator.
fn desk(links: &[&str], spend: &str) -> (Home, Server, i64) {
    let home = Home::new();
    let (server, at) = Server::sim(&home);
    let url = |name: &str| {
        at["base_urls"][name]
            .as_str()
            .expect("an address")
            .to_owned()
    };
    let links: Vec<_> = links.iter().map(|link| format!("\"{link}\"")).collect();
    let refused = at["refused"].as_str().expect("an address");
    home.config(&format!(
        "[spend]\n{spend}\nallow_unknown_prices = true\n[engine.clocks]\nfirst_text = \"2s\"\n\
         gap = \"2s\"\n[providers.anthropic]\ntype = \"anthropic\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.openai]\ntype = \"openai\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.responses]\ntype = \"openai-responses\"\nbase_url = \"{}\"\nauth = \"none\"\n\
         [providers.away]\ntype = \"openai\"\nbase_url = \"{refused}\"\nauth = \"none\"\n\
         [chains.default]\nlinks = [{}]\n",
        url("anthropic"),
        url("openai"),
        url("openai-responses"),
        links.join(", "),
    ));
    let number = home.file(
        "Refund not received",
        "Maya",
        "Where is my refund for order 1182?",
    );
    (home, server, number)
}

fn draft(home: &Home, number: i64) -> Ran {
    home.run(&["draft", &number.to_string(), "--json"])
}

fn classes(receipt: &Value) -> Vec<Value> {
    let attempts = receipt["attempts"].as_array().expect("attempts");
    attempts
        .iter()
        .map(|attempt| attempt["class"].clone())
        .collect()
}

fn moment(value: &Value) -> deskhand::domain::Timestamp {
    let text = value.as_str().expect("a time");
    text.parse().expect("a time")
}

#[test]
fn a_draft_comes_with_its_receipt() {
    let (home, _server, number) = desk(&["anthropic/claude-haiku-4-5"], "cap_month_usd = 20");

    let ran = draft(&home, number);

    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let answer = ran.json();
    let receipt = &answer["receipt"];
    assert!(answer["draft"]["text"].as_str().expect("a text").len() > 40);
    assert_eq!(receipt["ending"], "answered");
    assert_eq!(receipt["ticket"], number);
    assert_eq!(receipt["fallback_used"], false);
    assert_eq!(receipt["chain"], json!(["anthropic/claude-haiku-4-5"]));
    let attempt = &receipt["attempts"][0];
    assert_eq!(
        (&attempt["no"], &attempt["status"]),
        (&json!(1), &json!(200))
    );
    assert!(moment(&receipt["began"]) <= moment(&attempt["began"]));
    assert!(moment(&attempt["began"]) <= moment(&receipt["ended"]));
    assert_eq!(attempt["class_because"], "nothing went wrong");
    assert!(attempt["tokens_in"].as_u64().is_some_and(|count| count > 0));
    for field in [
        "provider",
        "model",
        "answered_by",
        "said",
        "request_id",
        "retry_after_s",
        "connect_ms",
        "first_text_ms",
        "took_ms",
        "tokens_out",
        "tokens_cached",
        "tokens_thinking",
        "cost_usd",
        "cost_at_most",
        "billed",
        "moved_on_because",
    ] {
        let is_told = !attempt[field].is_null() || attempt[format!("{field}_because")].is_string();
        assert!(
            attempt.get(field).is_some() && is_told,
            "{field}: {attempt}"
        );
    }
    let spent = home.run(&["spend", "--json"]).json();
    assert_eq!(spent["settled_usd"], receipt["cost_usd"]);
    assert_eq!(
        home.run(&["receipts", "--json"]).json()["id"],
        receipt["id"]
    );
    assert_eq!(
        home.run(&["receipts", "verify", "--json"]).json()["whole"],
        true
    );
    let id = receipt["id"].as_str().expect("an id");
    assert_eq!(
        home.run(&["receipts", "show", id, "--json"]).json(),
        *receipt
    );
}

#[test]
fn the_next_link_answers_where_the_first_fails() {
    for (fault, class) in [
        ("sim-429-1", "rate_limited"),
        ("sim-529", "overloaded"),
        ("sim-500", "server_error"),
        ("sim-502", "server_error"),
        ("sim-quota", "out_of_credit"),
        ("sim-404", "model_gone"),
        ("sim-empty", "empty"),
        ("sim-cut-9", "cut"),
        ("sim-reset-9", "cut"),
        ("sim-stall-9", "timed_out"),
        ("sim-hang", "timed_out"),
    ] {
        let first = format!("anthropic/{fault}");
        let (home, _server, number) = desk(&[&first, "openai/gpt-4o-mini"], "cap_month_usd = 20");

        let ran = draft(&home, number);

        let receipt = ran.json()["receipt"].clone();
        assert_eq!(
            (ran.code, &receipt["ending"]),
            (0, &json!("answered")),
            "{fault}: {receipt}"
        );
        assert_eq!(receipt["fallback_used"], true, "{fault}");
        let classes = classes(&receipt);
        assert_eq!(classes.first(), Some(&json!(class)), "{fault}: {receipt}");
        assert_eq!(classes.last(), Some(&Value::Null), "{fault}");
        assert!(
            receipt["attempts"][0]["moved_on_because"].is_string(),
            "{fault}"
        );
        assert_eq!(
            home.run(&["tickets", "is:fallback", "--json"]).json()["number"],
            number
        );
    }
}

#[test]
fn exit_codes_tell_why_there_is_no_draft() {
    let cap = "cap_month_usd = 20";
    for (links, spend, code, ending) in [
        (vec!["anthropic/sim-400"], cap, 5, "bad_input"),
        (vec!["anthropic/sim-401"], cap, 5, "key_refused"),
        (vec!["anthropic/sim-refusal"], cap, 5, "refused"),
        (
            vec!["anthropic/sim-529", "openai/sim-500"],
            cap,
            4,
            "failed",
        ),
        (vec!["away/gpt-4o-mini"], cap, 4, "offline"),
        (
            vec!["anthropic/claude-haiku-4-5"],
            "cap_month_usd = \"0.000001\"",
            3,
            "over_cap",
        ),
    ] {
        let (home, _server, number) = desk(&links, spend);

        let ran = draft(&home, number);

        let answer = ran.json();
        let ended = answer["receipt"]["ending"].as_str();
        assert_eq!(
            (ran.code, ended),
            (code, Some(ending)),
            "{links:?}: {answer}"
        );
        assert_eq!(answer["draft"], Value::Null);
        assert!(
            ran.stderr.contains("untouched"),
            "{links:?}: {}",
            ran.stderr
        );
        assert_eq!(home.run(&["receipts", "--json"]).json()["ending"], ending);
    }
}

#[test]
fn a_paused_desk_resumes_when_the_cap_is_raised() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "cap_month_usd = \"0.000001\"");
    assert_eq!(home.run(&["spend", "--json"]).json()["paused"], true);

    let raised = home.run(&["spend", "cap", "20", "--json"]).json();

    assert_eq!(
        (&raised["cap_usd"], &raised["paused"]),
        (&json!("20.000000000"), &json!(false))
    );
    assert_eq!(draft(&home, number).code, 0);
}

#[test]
fn nothing_is_drafted_before_a_cap_is_chosen() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "");

    let ran = draft(&home, number);

    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("deskhand spend cap"), "{}", ran.stderr);
}

#[test]
fn a_stream_ends_in_the_whole_text_of_one_model() {
    let (home, _server, number) = desk(
        &["anthropic/sim-cut-9", "openai/gpt-4o-mini"],
        "cap_month_usd = 20",
    );

    let ran = home.run(&["draft", &number.to_string(), "--stream", "--json"]);

    let lines = ran.lines();
    let last = lines.last().expect("an answer");
    let void = lines
        .iter()
        .rposition(|line| line.get("void").is_some())
        .map_or(0, |at| at + 1);
    let pieces = lines[void..]
        .iter()
        .filter_map(|line| line["text"].as_str());
    assert_eq!(
        Value::from(pieces.collect::<String>()),
        last["draft"]["text"]
    );
}

#[test]
fn the_doctor_says_where_the_drafts_of_a_name_before_a_change_are() {
    let (home, _server, number) = desk(&["openai/gpt-4o-mini"], "cap_month_usd = 5");
    assert_eq!(draft(&home, number).code, 0);
    assert!(!home.run(&["doctor"]).stdout.contains("kept under the name"));
    let file = home.path("config.toml");
    let config = std::fs::read_to_string(&file).expect("the config");
    home.config(&format!("{config}\n[agent]\nname = \"Someone New\"\n"));

    let doctor = home.run(&["doctor"]).stdout;

    assert!(
        doctor.contains("1 draft is kept under the name"),
        "{doctor}"
    );
}

#[test]
fn the_chain_of_the_command_line_wins() {
    let (home, _server, number) = desk(&["anthropic/claude-haiku-4-5"], "cap_month_usd = 20");
    let number = number.to_string();

    let ran = home.run(&[
        "draft",
        &number,
        "--json",
        "--chain",
        "responses/gpt-4o-mini,openai/gpt-4o",
    ]);

    let receipt = ran.json()["receipt"].clone();
    assert_eq!(
        receipt["chain"],
        json!(["responses/gpt-4o-mini", "openai/gpt-4o"])
    );
    assert_eq!(receipt["attempts"][0]["provider"], "responses");
    assert_eq!(receipt["skipped"][0]["because"], "not needed");
}

#[test]
fn tickets_are_listed_shown_and_changed() {
    let home = Home::new();
    let first = home.file("Refund not received", "Maya", "Where is it?");
    home.file("Broken zip", "Ben", "It tore.");

    let rows = home.run(&["tickets", "--json"]).lines();
    let set = home.run(&[
        "set",
        &first.to_string(),
        "status=open",
        "+VIP",
        "+late",
        "--json",
    ]);
    let untagged = home.run(&[
        "set",
        &first.to_string(),
        "-late",
        "priority=high",
        "--json",
    ]);
    let found = home.run(&[
        "tickets",
        "tag:vip",
        "-status:closed",
        "--json",
        "--limit",
        "5",
    ]);
    let shown = home.run(&["show", &first.to_string(), "--json"]).json();

    assert_eq!(rows.len(), 2);
    for field in [
        "number",
        "subject",
        "status",
        "priority",
        "requester",
        "assignee",
        "tags",
        "messages",
        "created_at",
        "updated_at",
        "draft",
    ] {
        assert!(rows[0].get(field).is_some(), "{field}");
    }
    assert_eq!(set.json()["tags"], json!(["late", "vip"]), "{}", set.stderr);
    assert_eq!(untagged.json()["tags"], json!(["vip"]));
    assert_eq!(found.json()["number"], first);
    assert_eq!(
        (&shown["ticket"]["status"], &shown["ticket"]["priority"]),
        (&json!("open"), &json!("high"))
    );
    assert_eq!(shown["messages"][0]["text"], "Where is it?");
}

#[test]
fn mail_is_filed_once_whatever_its_file_is_called() {
    let home = Home::new();
    let folder = home.path("mail");
    std::fs::create_dir(&folder).expect("a folder");
    let letter = |id: &str, more: &str, text: &str| {
        format!(
            "From: Maya <maya@example.com>\r\nTo: help@example.com\r\nSubject: Order 1182\r\n\
             Date: Mon, 2 Nov 2026 09:30:00 +0000\r\nMessage-ID: <{id}@example.com>\r\n{more}\r\n{text}\r\n"
        )
    };
    let answer = "In-Reply-To: <first@example.com>\r\n";
    for (name, text) in [
        ("a.bin", letter("first", "", "Where is it?")),
        ("b", letter("second", answer, "Hello again?")),
        ("c.eml", "\u{0}\u{1}\u{2} no mail at all".to_owned()),
    ] {
        std::fs::write(folder.join(name), text).expect("a file");
    }
    let folder = folder.display().to_string();

    let once = home.run(&["import", &folder, "--json"]).json();
    let twice = home.run(&["import", &folder, "--json"]).json();

    let count = |answer: &Value, field: &str| answer[field].as_u64().expect("a count");
    for (answer, imported, new) in [(&once, 2, 1), (&twice, 0, 0)] {
        let rejected = answer["rejected"].as_array().expect("a list");
        assert_eq!(rejected.len(), 1, "{answer}");
        assert!(rejected[0]["reason"].is_string() && rejected[0]["path"].is_string());
        assert_eq!(
            (count(answer, "imported"), count(answer, "tickets_new")),
            (imported, new),
            "{answer}"
        );
        assert_eq!(
            count(answer, "seen"),
            imported + count(answer, "duplicates") + 1,
            "{answer}"
        );
    }
    let row = home.run(&["tickets", "--json"]).json();
    assert_eq!(
        (&row["subject"], &row["messages"]),
        (&json!("Order 1182"), &json!(2))
    );
    assert_eq!(home.run(&["import", "/nowhere/at/all", "--json"]).code, 1);
}

#[test]
fn what_is_wrong_is_said_on_stderr_with_an_exit_code() {
    let home = Home::new();
    let number = home.file("Hello", "Maya", "Hello");
    let number = number.to_string();
    for (args, code, says) in [
        (vec!["nonsense"], 2, "Usage"),
        (vec!["show", "999999"], 1, "deskhand tickets"),
        (vec!["tickets", "status:opne"], 2, "open"),
        (vec!["set", &number, "status=merged"], 1, "merg"),
        (vec!["set", &number, "colour=red"], 2, "status=open"),
        (vec!["spend", "cap", "twenty"], 2, "20"),
        (vec!["receipts", "show", "zzz"], 1, "receipts"),
        (vec!["keys", "set", "nobody"], 2, "nobody"),
        (
            vec!["--config", "/nowhere/c.toml", "config", "check"],
            2,
            "",
        ),
    ] {
        let ran = home.run(&args);
        assert_eq!(ran.code, code, "{args:?}: {} {}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains(says) && (ran.stdout.is_empty() || says.is_empty()),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_wrong_config_stops_with_every_finding() {
    let home = Home::new();
    home.config("[spend]\ncap_mnth_usd = 20\n[providers.anthropic]\napi_key = \"sk-ant-secret-0123456789\"\n");

    let check = home.run(&["config", "check", "--json"]);
    let spend = home.run(&["spend"]);

    assert_eq!((check.code, spend.code), (2, 2));
    let findings = check.json()["findings"]
        .as_array()
        .expect("findings")
        .clone();
    assert!(findings.len() >= 2, "{findings:?}");
    assert_eq!(
        (&findings[0]["line"], &findings[0]["column"]),
        (&json!(2), &json!(1))
    );
    assert!(spend.stderr.contains("cap_month_usd"), "{}", spend.stderr);
    for said in [check.stdout, check.stderr, spend.stderr] {
        assert!(!said.contains("secret-0123456789"));
    }
}

#[test]
fn a_provider_that_is_set_up_wrongly_is_not_called_absent() {
    let home = Home::new();
    home.config(
        "[providers.mine]\ntype = \"openai\"\nbase_url = \"nonsense\"\n\
         [chains.default]\nlinks = [\"mine/gpt-4o-mini\", \"absent/gpt-4o-mini\"]\n",
    );

    let said = home.run(&["config", "check"]);

    assert_eq!(said.code, 2);
    let said = said.stdout + &said.stderr;
    assert!(
        said.contains("absent/gpt-4o-mini names no provider"),
        "{said}"
    );
    assert!(
        !said.contains("mine/gpt-4o-mini names no provider"),
        "{said}"
    );
}

#[test]
fn places_settings_and_models_are_told() {
    let home = Home::new();
    home.config("[spend]\ncap_month_usd = 7.5\n[store]\nurl = \"postgres://u:hunter2@db/x\"\n");

    let path = home.run(&["config", "path", "--json"]).json();
    let show = home.run(&["config", "show", "--json"]);

    assert_eq!(path["data"], home.data().display().to_string());
    assert!(
        show.code == 0 && !show.stdout.contains("hunter2"),
        "{}",
        show.stdout
    );
    home.config("");
    let keys = home.run(&["keys", "list", "--json"]).lines();
    assert!(
        keys.iter()
            .any(|key| key["provider"] == "anthropic" && key["origin"] == "missing")
    );
    let models = home.run(&["models", "--json"]).lines();
    assert!(
        models
            .iter()
            .any(|model| model["price_in_usd_per_million"].is_string())
    );
}

#[test]
fn a_key_is_never_printed_and_never_kept_without_a_keyring() {
    let home = Home::new();
    let key = "sk-test-0123456789abcdef";

    let ran = home.run_with(
        &["keys", "set", "anthropic", "--no-verify"],
        &format!("{key}\n"),
    );

    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("api_key"), "{}", ran.stderr);
    assert!(!ran.stderr.contains(key) && !ran.stdout.contains(key));
}

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
