//! Who may ask, how much, how slowly; and what is written down nowhere.

use std::{
    io::Write as _,
    net::TcpStream,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};

use super::{
    bench::{Bench, Config, KEYS, LIMIT, Serve, files},
    http::{Line, Request, ask},
    words::{ALL, Form, Words},
};
use deskhand::sim::{Family, Fault};

/// Words of a request that are to be found in no file.
const SECRET_WORDS: &str = "The passphrase of the customer is xylophone-4711.";

fn a_request() -> Request {
    Words::Chat.ask("auto", "hello", Form::Whole)
}

#[test]
fn foreign_names_and_pages_are_refused_before_any_token_is_looked_at() {
    let bench = Bench::new();
    let serve = bench.serve();
    for words in ALL {
        let request = || words.ask("auto", "hello", Form::Whole);
        for (header, value) in [
            ("host", "evil.example"),
            ("host", "localhost.evil.example:8000"),
            ("host", "127.0.0.1.nip.example"),
            ("host", ""),
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://localhost.evil.example"),
        ] {
            let place = format!("{words:?} {header}: {value}");
            let with_token = serve.ask(request().with(header, value));
            assert_eq!(with_token.status, 403, "{place}: {}", with_token.text());
            let (_, said) = words.error(&with_token);
            assert!(!said.is_empty(), "{place}");
            let without = ask(serve.at, &request().with(header, value));
            assert_eq!(without.status, 403, "{place}");
        }
    }
    for path in ["/health", "/metrics", "/v1/models", "/nothing"] {
        let foreign = serve.ask(Request::get(path).with("host", "evil.example"));
        assert_eq!(foreign.status, 403, "{path}");
    }
    assert!(bench.sim.served().is_empty());
    let port = serve.at.port();
    for (header, value) in [
        ("host", format!("localhost:{port}")),
        ("host", "127.0.0.1".to_owned()),
        ("origin", "http://localhost:3000".to_owned()),
    ] {
        let own = serve.ask(a_request().with(header, &value));
        assert_eq!(own.status, 200, "{header}: {value}: {}", own.text());
    }
}

#[test]
fn a_token_lets_in_wherever_a_client_puts_it() {
    let bench = Bench::new();
    let serve = bench.serve();
    for words in ALL {
        let without = ask(serve.at, &words.ask("auto", "hello", Form::Whole));
        assert_eq!(without.status, 401, "{words:?}");
        let (_, said) = words.error(&without);
        assert!(said.contains("deskhand serve token new"), "{said}");
        let wrong = words.ask("auto", "hello", Form::Whole).bearing("dh-wrong");
        assert_eq!(ask(serve.at, &wrong).status, 401, "{words:?}");
    }
    assert!(bench.sim.served().is_empty());

    let token = &serve.token;
    for (header, value) in [
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("bearer {token}")),
        ("x-api-key", token.clone()),
        ("x-goog-api-key", token.clone()),
    ] {
        for words in ALL {
            let request = words.ask("auto", "hello", Form::Whole);
            let answer = ask(serve.at, &request.with(header, &value));
            assert_eq!(answer.status, 200, "{words:?} {header}: {}", answer.text());
        }
    }
    let in_query = Request::get(&format!("/v1beta/models?key={token}"));
    assert_eq!(ask(serve.at, &in_query).status, 200);
    assert_eq!(ask(serve.at, &Request::get("/health")).status, 200);
    assert_eq!(ask(serve.at, &Request::get("/metrics")).status, 401);
}

#[test]
fn a_token_that_is_made_or_taken_away_counts_at_once() {
    let bench = Bench::new();
    let serve = bench.serve();

    let made = bench.cli(&["serve", "token", "new", "--name", "cron", "--json"]);
    let made = made.json();
    let members: Vec<&String> = made.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["name", "token"]);
    let token = made["token"].as_str().expect("a token");
    assert!(token.starts_with("dh-") && token.len() == 67, "{token}");
    let answer = ask(serve.at, &a_request().bearing(token));
    assert_eq!(answer.status, 200, "{}", answer.text());

    let removed = bench.cli(&["serve", "token", "remove", "cron", "--json"]);
    let removed_at = Instant::now();
    assert_eq!(removed.json(), serde_json::json!({"removed": "cron"}));
    let refused_after = loop {
        if ask(serve.at, &Request::get("/v1/models").bearing(token)).status == 401 {
            break removed_at.elapsed();
        }
        assert!(removed_at.elapsed() < LIMIT, "it still lets in");
    };
    assert!(refused_after < Duration::from_secs(1), "{refused_after:?}");
    assert_eq!(serve.ask(a_request()).status, 200, "the other one stays");

    let twice = bench.cli(&["serve", "token", "new", "--name", "tests"]);
    assert_eq!(twice.code, 1, "{}", twice.stdout);
    let nobody = bench.cli(&["serve", "token", "remove", "cron"]);
    assert_eq!(nobody.code, 1, "{}", nobody.stdout);
    let listed = bench.cli(&["serve", "token", "list", "--json"]);
    assert_eq!(listed.json()["name"], "tests");
    assert!(!listed.stdout.contains(&serve.token));
}

#[test]
fn no_key_token_or_word_of_a_request_is_in_any_file() {
    let bench = Bench::new();
    let token = bench.token("tests");
    let mut command = bench.home.command();
    command
        .args(["serve", "--json", "--listen", "127.0.0.1:0"])
        .envs(KEYS)
        .env("DESKHAND_LOG", "trace");
    let serve = Serve::start(command, token.clone());
    let leaked = "a-wrong-token-that-is-in-no-file";

    for words in ALL {
        for form in [Form::Whole, Form::Streamed] {
            let answer = serve.ask(words.ask("auto", SECRET_WORDS, form));
            assert_eq!(answer.status, 200, "{words:?} {}", answer.text());
        }
        bench.fails(Family::OpenAi, Fault::ServerError);
        serve.ask(words.ask("auto", SECRET_WORDS, Form::Whole));
        bench.fails(Family::OpenAi, Fault::BadRequest);
        serve.ask(words.ask("auto", SECRET_WORDS, Form::Whole));
        let wrong = words.ask("auto", SECRET_WORDS, Form::Whole);
        ask(serve.at, &wrong.bearing(leaked));
    }
    let query = Request::get(&format!("/v1beta/models?key={token}"));
    assert_eq!(ask(serve.at, &query).status, 200);
    let broken = format!("{{\"model\": \"auto\", \"messages\": \"{SECRET_WORDS}\", ");
    let broken = Request::post_bytes("/v1/chat/completions", broken.into_bytes());
    assert_eq!(serve.ask(broken).status, 400);
    let said = serve.said();
    serve.stop();

    std::fs::remove_file(bench.home.path("token-tests")).expect("the bench's own copy");
    let mut all = files(&bench.home.path(""));
    all.push(("its terminal".into(), said.into_bytes()));
    let digest = format!("{:x}", Sha256::digest(token.as_bytes()));
    let has = |bytes: &[u8], word: &str| {
        let word = word.as_bytes();
        bytes.windows(word.len()).any(|window| window == word)
    };
    let is_kept = all.iter().any(|(_, bytes)| has(bytes, &digest));
    assert!(is_kept, "the digest is kept");
    let logs = all.iter().filter(|(path, _)| {
        let name = path.display().to_string();
        name.contains("/state/")
    });
    assert!(logs.count() > 0, "there is a log");
    let keys = KEYS.map(|(_, key)| key);
    for word in keys.into_iter().chain([&*token, leaked, "xylophone-4711"]) {
        for (path, bytes) in &all {
            assert!(!has(bytes, word), "{word} is in {}", path.display());
        }
    }
}

#[test]
fn without_a_token_nobody_is_let_in_from_outside() {
    let bench = Bench::with(&Config {
        serve: "any_bearer = true",
        ..Config::default()
    });
    let refused = bench.cli(&["serve", "--no-auth", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, 2, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("loopback alone"),
        "{}",
        refused.stderr
    );

    let at_home = bench.serve();
    let any = a_request().bearing("test");
    assert_eq!(ask(at_home.at, &any).status, 200);
    assert_eq!(ask(at_home.at, &a_request()).status, 401);
    drop(at_home);
    let open = bench.serve_at("127.0.0.1:0", &["--no-auth"]);
    assert_eq!(ask(open.at, &a_request()).status, 200);
    assert!(
        open.said().contains("may spend your money"),
        "{}",
        open.said()
    );
    drop(open);

    let calls = bench.served(2).len();
    let mut outside = bench.serve_at("0.0.0.0:0", &[]);
    assert!(
        outside.said().contains("put TLS in front"),
        "{}",
        outside.said()
    );
    outside.at.set_ip([127, 0, 0, 1].into());
    for bearer in ["test", "", "dh-"] {
        let answer = ask(outside.at, &a_request().bearing(bearer));
        assert_eq!(answer.status, 401, "{bearer}: {}", answer.text());
    }
    assert_eq!(ask(outside.at, &a_request()).status, 401);
    let page = a_request().with("origin", "https://evil.example");
    assert_eq!(outside.ask(page).status, 403);
    assert_eq!(bench.sim.served().len(), calls);
    let name = a_request().with("host", "desk.example");
    assert_eq!(outside.ask(name).status, 200);
}

#[test]
fn the_first_start_shows_a_token_once() {
    let bench = Bench::new();
    let start = || {
        let mut command = bench.home.command();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .envs(KEYS)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let mut said = String::new();
        let stdout = child.stdout.take().expect("stdout");
        for line in std::io::BufRead::lines(std::io::BufReader::new(stdout)) {
            let line = line.expect("a line");
            said.push_str(&format!("{line}\n"));
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        let stopped = Command::new("kill").arg(child.id().to_string()).status();
        assert!(stopped.expect("kill").success());
        assert!(child.wait().expect("it ends").success());
        said
    };

    let first = start();
    assert!(
        first.contains("dh-") && first.contains("shown once"),
        "{first}"
    );
    let second = start();
    assert!(!second.contains("dh-"), "{second}");
    assert!(second.contains("deskhand serve token list"), "{second}");
}

#[test]
fn what_is_too_large_is_refused_in_the_callers_words() {
    let bench = Bench::new();
    let serve = bench.serve();
    let large = vec![b' '; (32 << 20) + 1];
    for words in [Words::Chat, Words::Messages] {
        let path = match words {
            Words::Messages => "/v1/messages",
            Words::Chat | Words::Responses | Words::Gemini => "/v1/chat/completions",
        };
        let answer = serve.ask(Request::post_bytes(path, large.clone()));
        assert_eq!(answer.status, 413, "{}", answer.text());
        let (_, said) = words.error(&answer);
        assert!(said.contains("32 MiB"), "{said}");
    }
    let long = a_request().with("x-filler", &"x".repeat(256 << 10));
    let many = (0..120).fold(a_request(), |request, place| {
        request.with(&format!("x-filler-{place}"), "x")
    });
    for head in [long, many] {
        assert_eq!(serve.ask(head).status, 431);
    }
    assert!(bench.sim.served().is_empty());
    assert_eq!(serve.ask(a_request()).status, 200, "it serves on");
}

#[test]
#[cfg(target_os = "linux")]
fn it_may_open_as_many_files_as_its_requests_need() {
    let bench = Bench::new();
    let token = bench.token("tests");
    let few = bench.home.command();
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -Sn 200; exec \"$0\" serve --json --listen 127.0.0.1:0",
        ])
        .arg(few.get_program())
        .env_clear()
        .envs(
            few.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .envs(KEYS);
    let serve = Serve::start(command, token);
    assert_eq!(serve.ask(a_request()).status, 200);

    let limits = std::fs::read_to_string(format!("/proc/{}/limits", serve.pid()));
    let limits = limits.expect("the limits");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let figures: Vec<u64> = files
        .expect("a line")
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let (soft, hard) = (figures[0], figures[1]);
    // A connection and a call for each of 512 requests, and those who wait.
    assert!(soft >= hard.min(4_096), "{limits}");
}

#[test]
#[ignore = "waits for ten seconds"]
fn a_head_that_does_not_come_is_waited_for_ten_seconds() {
    let bench = Bench::new();
    let serve = bench.serve();
    let began = Instant::now();
    let mut slow = Line::open(serve.at).expect("a connection");
    slow.write(b"POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n")
        .expect("a part");
    let at = serve.at;
    // A few bytes now and then do not lengthen it.
    let dripping = thread::spawn(move || {
        let mut socket = TcpStream::connect(at).expect("a connection");
        let mut sent = 0;
        while socket.write_all(b"x").is_ok() && sent < 60 {
            sent += 1;
            thread::sleep(Duration::from_millis(500));
        }
        began.elapsed()
    });

    slow.until_closed();
    let silent = began.elapsed();
    let dripped = dripping.join().expect("it ends");

    for took in [silent, dripped] {
        let in_time = Duration::from_secs(9)..Duration::from_secs(14);
        assert!(in_time.contains(&took), "{took:?}");
    }
    assert_eq!(serve.ask(a_request()).status, 200);
}
