//! The two pages whose products `serve` learns from, word for word: read where they lie, beside the
//! corpus.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::PathBuf,
    process::Command,
};

use serde_json::{Value, json};

use super::{
    bench::{Bench, Config, Serve, until},
    http::{Answer, Request, ask},
    program::corpus,
    words::{FORMS, Form, Words},
};
use deskhand::sim::{Family, Fault};

/// Returns a page, or says that it is not here.
pub(crate) fn page(name: &str) -> Option<String> {
    let file = corpus()?.join("../recipes").join(name);
    let page = fs::read_to_string(&file);
    if page.is_err() {
        println!("corpus absent: 1 test not run");
    }
    page.ok()
}

/// Returns what stands between two marks of a page.
pub(crate) fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    let (_, behind) = page
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    let (found, _) = behind.split_once(to).unwrap_or_else(|| panic!("no {to:?}"));
    found
}

/// Every provider that the pages name, under the names they give them.
pub(crate) fn ofox() -> Bench {
    let bench = Bench::new();
    let urls = bench.sim.addresses().base_urls;
    let mut text = "[spend]\ncap_month_usd = 20\nallow_unknown_prices = true\n\
                    [serve]\nany_bearer = true\n\
                    [chains.default]\nlinks = [\"anthropic/claude-haiku-4-5\"]\n"
        .to_owned();
    for (name, url) in [
        ("openai", urls.openai.clone()),
        ("anthropic", urls.anthropic),
        ("gemini", urls.gemini),
        ("deepseek", format!("{}/v1", urls.openai)),
    ] {
        text.push_str(&format!(
            "[providers.{name}]\nbase_url = \"{url}\"\napi_key = \"${{CHAT_KEY}}\"\n"
        ));
    }
    bench.home.config(&text);
    bench
}

fn hello(model: &str, provider: &Value) -> Request {
    let said = json!([{"role": "user", "content": "Hello"}]);
    Request::post(
        "/v1/chat/completions",
        &json!({"model": model, "messages": said, "provider": provider}),
    )
    .bearing("test")
}

fn link(answer: &Answer) -> &str {
    answer
        .header("x-deskhand-link")
        .unwrap_or_else(|| panic!("nobody answered: {}", answer.text()))
}

#[test]
fn every_model_that_the_pages_name_is_answered_by_it() {
    let Some(page) = page("ofoxai-fallback.txt") else {
        return;
    };
    let bench = ofox();
    let serve = bench.serve();
    let names: BTreeSet<&str> = page
        .split(['"', '\''])
        .filter(|word| {
            let family = word.split('/').next().unwrap_or_default();
            word.contains('/') && ["openai", "anthropic", "google", "deepseek"].contains(&family)
        })
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        let answer = ask(serve.at, &hello(name, &json!({})));
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        let (family, model) = name.split_once('/').expect("a slash");
        let (answered_by, answered) = link(&answer).split_once('/').expect("a link");
        let wanted = if family == "google" { "gemini" } else { family };
        assert_eq!(answered_by, wanted, "{name}");
        assert_eq!(answered.replace('.', "-"), model.replace('.', "-"));
        assert_eq!(answer.json()["model"], answered, "{name}");
    }
}

#[test]
fn a_request_names_its_own_fallbacks() {
    let bench = ofox();
    let serve = bench.serve();
    let fallback = json!({"fallback": [
        "anthropic/claude-sonnet-4.5", "google/gemini-3-flash-preview"]});
    let wake = || {
        for link in ["openai/gpt-4o", "anthropic/claude-sonnet-4-5"] {
            bench.cli(&["providers", "wake", link]);
        }
    };
    for fault in [
        Fault::ServerError,
        Fault::Unavailable,
        Fault::RateLimit(1),
        Fault::NoModel,
        Fault::Quota,
    ] {
        wake();
        bench.fails(Family::OpenAi, fault);
        let answer = ask(serve.at, &hello("openai/gpt-4o", &fallback));
        assert_eq!(answer.status, 200, "{fault:?}: {}", answer.text());
        assert_eq!(link(&answer), "anthropic/claude-sonnet-4-5", "{fault:?}");
        assert_eq!(answer.json()["model"], "claude-sonnet-4-5");
    }
}

#[test]
fn every_fallback_of_a_request_is_asked_in_turn_and_none_where_it_says_so() {
    let bench = ofox();
    let serve = bench.serve();
    let fallback = json!({"fallback": [
        "anthropic/claude-sonnet-4.5", "google/gemini-3-flash-preview"]});
    bench.fails(Family::OpenAi, Fault::ServerError);
    bench.fails(Family::Anthropic, Fault::Overloaded);
    let third = ask(serve.at, &hello("openai/gpt-4o", &fallback));
    assert_eq!(link(&third), "gemini/gemini-3-flash-preview");
    assert_eq!(third.header("x-deskhand-attempts"), Some("3"));
    let why = third.header("x-deskhand-fallback").expect("why");
    assert!(
        why.contains("openai/gpt-4o") && why.contains("anthropic/"),
        "{why}"
    );

    let calls = bench.served(3).len();
    for _ in 0..3 {
        bench.fails(Family::OpenAi, Fault::ServerError);
    }
    let none = ask(serve.at, &hello("openai/gpt-4o", &json!({"fallback": []})));
    assert_eq!(none.status, 502, "{}", none.text());
    let asked = bench.served(calls + 1);
    let asked = &asked[calls..];
    assert!(asked.iter().all(|served| served.family == Family::OpenAi));
}

#[test]
fn a_callers_fault_and_a_refusal_are_not_sent_on() {
    let bench = ofox();
    let serve = bench.serve();
    // A model with a larger window would be asked where a prompt is too long for the first.
    let fallback = json!({"fallback": ["openai/gpt-4o-mini"]});
    for (fault, status) in [
        (Fault::BadRequest, 400),
        (Fault::TooLong, 400),
        (Fault::Refusal, 200),
    ] {
        let calls = bench.sim.served().len();
        bench.fails(Family::OpenAi, fault);
        let answer = ask(serve.at, &hello("openai/gpt-4o", &fallback));
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.text());
        let asked = bench.served(calls + 1);
        assert_eq!(asked.len(), calls + 1, "{fault:?}");
        assert!(answer.header("x-deskhand-receipt").is_some(), "{fault:?}");
        if fault == Fault::Refusal {
            let choice = &answer.json()["choices"][0];
            let is_told = choice["message"]["refusal"].is_string()
                || choice["finish_reason"] == "content_filter";
            assert!(is_told, "{choice}");
            let body = answer.json();
            let id = body["id"].as_str().unwrap_or_default();
            assert!(
                id.starts_with("chatcmpl-sim"),
                "the provider's own body: {id}"
            );
            assert_eq!(answer.header("x-deskhand-attempts"), Some("1"));
        }
    }
}

#[test]
fn routing_and_auto_choose_among_the_models_of_the_request() {
    let bench = ofox();
    let serve = bench.serve();
    let models = ["openai/gpt-4o", "anthropic/claude-sonnet-4.5"];
    // What is fast is known from what came before, when enough came.
    let by_latency = json!({"routing": "latency", "fallback": [models[1]]});
    until(|| {
        bench.sim.clear_script();
        bench.fails(Family::OpenAi, Fault::Slow(60));
        for model in models {
            let one = hello(model, &json!({"fallback": []}));
            assert_eq!(ask(serve.at, &one).status, 200);
        }
        let answer = ask(serve.at, &hello(models[0], &by_latency));
        link(&answer) == "anthropic/claude-sonnet-4-5"
    });
    let as_written = json!({"routing": "priority", "fallback": [models[1]]});
    let answer = ask(serve.at, &hello(models[0], &as_written));
    assert_eq!(link(&answer), "openai/gpt-4o");
    let wrong = ask(
        serve.at,
        &hello(models[0], &json!({"routing": "fastest", "fallback": []})),
    );
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert!(wrong.text().contains("priority, cost, latency or balanced"));

    let said = json!([{"role": "user", "content": "Hello"}]);
    let auto = |config: &Value| {
        let body = json!({"model": "auto", "messages": said, "model_routing_config": config});
        ask(
            serve.at,
            &Request::post("/v1/chat/completions", &body).bearing("test"),
        )
    };
    let among = json!({"models": ["google/gemini-3-flash-preview", "openai/gpt-4o"]});
    assert_eq!(link(&auto(&among)), "gemini/gemini-3-flash-preview");
    let plain = json!({"model": "auto", "messages": said});
    let plain = Request::post("/v1/chat/completions", &plain).bearing("test");
    assert_eq!(link(&ask(serve.at, &plain)), "anthropic/claude-haiku-4-5");
}

#[test]
fn without_fallbacks_of_its_own_a_request_takes_those_of_the_config() {
    let bench = Bench::with(&Config {
        serve: "fallback = [\"google/quick\"]",
        ..Config::default()
    });
    let serve = bench.serve();
    for form in FORMS {
        bench.cli(&["providers", "wake", "responses/newer"]);
        bench.fails(Family::OpenAiResponses, Fault::ServerError);
        let answer = serve.ask(Words::Chat.ask("responses/newer", "Hello", form));
        assert_eq!(link(&answer), "google/quick");
    }
    bench.cli(&["providers", "wake", "responses/newer"]);
    bench.fails(Family::OpenAiResponses, Fault::ServerError);
    let own = json!({"fallback": ["claude/big"]});
    let own = serve.ask(hello_of("responses/newer", &own));
    assert_eq!(link(&own), "claude/big");
}

fn hello_of(model: &str, provider: &Value) -> Request {
    let said = json!([{"role": "user", "content": "Hello"}]);
    Request::post(
        "/v1/chat/completions",
        &json!({"model": model, "messages": said, "provider": provider}),
    )
}

/// Port 8000 stands in the recipe: whoever holds this file has it.
fn port_of_the_recipe() -> (File, u16) {
    let path: PathBuf = std::env::temp_dir().join("deskhand-tests-port-8000");
    let file = File::create(path).expect("a file");
    file.lock().expect("a lock");
    let is_free = TcpListener::bind(("127.0.0.1", 8000)).is_ok();
    if is_free {
        return (file, 8000);
    }
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = free.local_addr().expect("an address").port();
    println!("port 8000 is taken by another program: the recipe is played at {port}");
    (file, port)
}

/// Starts the page's own command in its own words, at the port where it has to be.
fn proxy(bench: &Bench, key: &str, openai: &str, port: u16) -> Serve {
    let mut command = bench.home.command();
    command
        .env_remove("DESKHAND_CONFIG")
        .args(["proxy", "--config", "config.yaml", "--json"])
        .env("OPENAI_API_KEY", key)
        .env("ANTHROPIC_API_KEY", "sk-ant-real-key")
        .env("OPENAI_BASE_URL", openai)
        .env(
            "ANTHROPIC_BASE_URL",
            bench.sim.addresses().base_urls.anthropic,
        );
    if port != 8000 {
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
    }
    let serve = Serve::start(command, "test".to_owned());
    assert_eq!(serve.at.port(), port);
    serve
}

/// Checks that the server told the page's three lines, with the reason there was.
fn told(serve: &Serve, expected: &str, reason: &str) {
    let lines: Vec<String> = expected
        .lines()
        .map(|line| line.replace("connection refused", reason))
        .collect();
    assert_eq!(lines.len(), 3, "{expected}");
    until(|| serve.said().contains(&lines[2]));
    let said = serve.said();
    let spoken: Vec<&str> = said.lines().collect();
    let first = spoken.iter().position(|line| *line == lines[0]);
    let first = first.unwrap_or_else(|| panic!("{lines:?}: {said}"));
    assert_eq!(spoken[first..first + 3], lines[..]);
    for aloud in [
        "no cap",
        "Any bearer",
        "without a price",
        "refused moves on",
    ] {
        assert!(said.contains(aloud), "{aloud}: {said}");
    }
}

#[test]
#[ignore = "needs curl and port 8000"]
fn the_recipe_runs_as_it_is_written() {
    let Some(page) = page("tokenpak-fallback.txt") else {
        return;
    };
    let config = between(&page, "# config.yaml\n", "Test & Verify");
    let curl = between(&page, "# In another terminal:\n", "\n\nExpected output:");
    assert!(
        curl.starts_with("curl ") && curl.contains("grep -q '\"content\"'"),
        "{curl}"
    );
    let expected = between(&page, "Expected output:\n\n", "\n\nWhat Just Happened");
    let key = between(&page, "export OPENAI_API_KEY=\"", "\"");
    for (is_refusing, reason) in [(true, "connection refused"), (false, "key refused")] {
        let (_lock, port) = port_of_the_recipe();
        let bench = Bench::new();
        let at = bench.sim.addresses();
        fs::write(bench.home.path("config.yaml"), config).expect("a file");
        let openai = if is_refusing {
            at.refused
        } else {
            at.base_urls.openai
        };
        let serve = proxy(&bench, key, &openai, port);

        let curl = curl.replace("localhost:8000", &format!("localhost:{port}"));
        let ran = Command::new("sh").arg("-c").arg(&curl).status();

        assert!(ran.expect("sh").success(), "{curl}: {}", serve.said());
        told(&serve, expected, reason);
        let whole = Request::post(
            "/v1/messages",
            &json!({"model": "gpt-4", "messages": [{"role": "user", "content": "Say OK"}]}),
        );
        let answer = serve.ask(whole.clone());
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["model"], "claude-3-sonnet-20240229");
        // Who speaks Anthropic's own way says how long an answer may be.
        let strict = whole.with("anthropic-version", "2023-06-01");
        assert_eq!(serve.ask(strict).status, 400);
        serve.stop();
    }
}

#[test]
fn every_model_of_the_recipe_is_answered() {
    let Some(page) = page("tokenpak-fallback.txt") else {
        return;
    };
    let bench = Bench::new();
    let urls = bench.sim.addresses().base_urls;
    let config = between(&page, "# config.yaml\n", "Test & Verify");
    fs::write(bench.home.path("config.yaml"), config).expect("a file");
    let mut command = bench.home.command();
    command
        .env_remove("DESKHAND_CONFIG")
        .args([
            "serve",
            "--config",
            "config.yaml",
            "--json",
            "--listen",
            "127.0.0.1:0",
        ])
        .env("OPENAI_API_KEY", "sk-any")
        .env("ANTHROPIC_API_KEY", "sk-any")
        .env("OPENAI_BASE_URL", format!("{}/v1", urls.openai))
        .env("ANTHROPIC_BASE_URL", urls.anthropic);
    let serve = Serve::start(command, "test".to_owned());
    for (model, wanted) in [
        ("gpt-4", "openai/gpt-4"),
        ("gpt-3.5-turbo", "openai/gpt-3.5-turbo"),
        ("claude-3-sonnet", "anthropic/claude-3-sonnet-20240229"),
        ("claude-3-opus", "anthropic/claude-3-opus-20240229"),
    ] {
        for words in [Words::Chat, Words::Messages] {
            for form in [Form::Whole, Form::Streamed] {
                let answer = serve.ask(words.ask(model, "Say OK", form));
                assert_eq!(answer.status, 200, "{model}: {}", answer.text());
                assert_eq!(link(&answer), wanted);
            }
        }
    }
}
