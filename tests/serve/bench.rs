//! What the tests of `serve` stand on: the built program in a folder of its own, before it
//! simulated providers over real HTTP, behind it callers on bare sockets.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use deskhand::sim::{Family, Fault, Served, Sim, SimOptions, Step};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{
    http::{self, Answer, Line, Request},
    program::{Home, Ran},
};

/// Nothing here takes longer.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// The keys of the providers: to be found in no file.
pub(crate) const KEYS: [(&str, &str); 4] = [
    ("CHAT_KEY", "sk-key-of-chat-that-is-in-no-file"),
    ("RESPONSES_KEY", "sk-key-of-responses-that-is-in-no-file"),
    ("CLAUDE_KEY", "sk-ant-key-that-is-in-no-file"),
    ("GEMINI_KEY", "AIza-key-that-is-in-no-file"),
];

/// Simulated providers and a folder; servers are started on them.
pub(crate) struct Bench {
    pub(crate) sim: Sim,
    pub(crate) home: Home,
    pub(crate) runtime: Runtime,
}

/// What of the config tests change.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) cap: &'static str,
    /// The default chain, as it stands in the file.
    pub(crate) links: &'static str,
    /// More lines, tables included.
    pub(crate) more: String,
    /// Lines of `[serve]`.
    pub(crate) serve: &'static str,
    pub(crate) clocks: &'static str,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            cap: "20",
            links: "\"chat/small\", \"claude/big\"",
            more: String::new(),
            serve: "",
            clocks: "",
        }
    }
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(&Config::default())
    }

    pub(crate) fn with(config: &Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let sim = runtime.block_on(Sim::start(SimOptions::default()));
        let bench = Self {
            sim: sim.expect("a simulator"),
            home: Home::new(),
            runtime,
        };
        bench.configure(config);
        bench
    }

    /// Four providers, one of each kind. Prices are round: 0.50 and 2.50 dollars a million tokens.
    pub(crate) fn configure(&self, config: &Config) {
        let urls = self.sim.addresses().base_urls;
        // Another name is another server to whoever keeps connections: real providers share none.
        let elsewhere = |url: &str| url.replace("127.0.0.1", "localhost");
        let (claude, google) = (elsewhere(&urls.anthropic), elsewhere(&urls.gemini));
        let mut text = format!(
            "[agent]\nname = \"maya\"\n[spend]\ncap_month_usd = {}\n\
             [engine.clocks]\nconnect = \"1s\"\n{}\n[serve]\n{}\n",
            config.cap, config.clocks, config.serve
        );
        for (name, kind, url, key, model) in [
            ("chat", "openai", &urls.openai, "CHAT_KEY", "small"),
            (
                "responses",
                "openai-responses",
                &urls.openai_responses,
                "RESPONSES_KEY",
                "newer",
            ),
            ("claude", "anthropic", &claude, "CLAUDE_KEY", "big"),
            ("google", "gemini", &google, "GEMINI_KEY", "quick"),
        ] {
            text.push_str(&format!(
                "[providers.{name}]\ntype = \"{kind}\"\nbase_url = \"{url}\"\n\
                 api_key = \"${{{key}}}\"\ndefault_model = \"{model}\"\n\
                 [models.\"{name}/{model}\"]\nprice_in_usd_per_million = \"0.50\"\n\
                 price_out_usd_per_million = \"2.50\"\n"
            ));
        }
        text.push_str(&format!(
            "[chains.default]\nlinks = [{}]\n{}\n",
            config.links, config.more
        ));
        self.home.config(&text);
    }

    pub(crate) fn serve(&self) -> Serve {
        self.serve_at("127.0.0.1:0", &[])
    }

    /// Starts a server; its token is made before, under the name `tests`.
    pub(crate) fn serve_at(&self, listen: &str, args: &[&str]) -> Serve {
        let mut command = self.home.command();
        command
            .args(["serve", "--json", "--listen", listen])
            .args(args)
            .envs(KEYS);
        let token = self.token("tests");
        Serve::start(command, token)
    }

    /// Makes a token, or returns the one that was made before.
    pub(crate) fn token(&self, name: &str) -> String {
        let kept = self.home.path(&format!("token-{name}"));
        if let Ok(token) = fs::read_to_string(&kept) {
            return token;
        }
        let made = self.cli(&["serve", "token", "new", "--name", name, "--json"]);
        let token = made.json()["token"].as_str().expect("a token").to_owned();
        fs::write(kept, &token).expect("a file");
        token
    }

    /// Runs a command with the providers' keys, as a person does beside the server.
    pub(crate) fn cli(&self, args: &[&str]) -> Ran {
        let mut command = self.home.command();
        let output = command.args(args).envs(KEYS).output().expect("it runs");
        Ran {
            code: output.status.code().expect("it ends"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    pub(crate) fn spend(&self) -> Value {
        self.cli(&["spend", "--json"]).json()
    }

    /// Says what goes wrong with the next request of a family.
    pub(crate) fn fails(&self, family: Family, fault: Fault) {
        self.sim.script([Step {
            family,
            fault: Some(fault),
        }]);
    }

    /// Returns what the providers served, when there are at least so many.
    pub(crate) fn served(&self, at_least: usize) -> Vec<Served> {
        until(|| self.sim.served().len() >= at_least);
        self.sim.served()
    }

    /// Lets the simulator forget its script and what it served.
    pub(crate) fn forget(&self) {
        let control = self.sim.addresses().control;
        let rest = control.strip_prefix("http://").expect("http");
        let (at, _) = rest.split_once('/').expect("a path");
        let at = at.parse().expect("an address");
        let forgetting = Request::post("/control/reset", &serde_json::json!({}));
        assert_eq!(http::ask(at, &forgetting).status, 200);
    }

    /// Returns a receipt, which has to be there within a second.
    pub(crate) fn receipt(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let ran = self.cli(&["receipts", "show", id, "--json"]);
            if ran.code == 0 {
                return ran.json();
            }
            assert!(began.elapsed() < LIMIT, "no receipt {id}: {}", ran.stderr);
        }
    }

    /// Checks that the receipts are a whole chain; returns how many there are.
    pub(crate) fn verified(&self) -> u64 {
        let verdict = self.cli(&["receipts", "verify", "--json"]).json();
        assert_eq!(verdict["broken"], Value::Null, "{verdict}");
        verdict["entries"].as_u64().expect("a count")
    }
}

/// A server that runs.
pub(crate) struct Serve {
    child: Child,
    pub(crate) at: SocketAddr,
    pub(crate) token: String,
    said: Arc<Mutex<String>>,
    _stdout: BufReader<ChildStdout>,
}

impl Serve {
    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(mut command: Command, token: String) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let said = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().expect("stderr"));
        let hearing = Arc::clone(&said);
        drop(thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                hearing.lock().expect("a lock").push_str(&line);
                line.clear();
            }
        }));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout"));
        let mut first = String::new();
        stdout.read_line(&mut first).expect("a line");
        let told: Value = serde_json::from_str(&first).unwrap_or_else(|_| {
            drop(child.wait());
            panic!("{first} {}", said.lock().expect("a lock"))
        });
        let url = told["listening"].as_str().expect("an address");
        let at = url.strip_prefix("http://").expect("http");
        Self {
            at: at.parse().expect("an address"),
            child,
            token,
            said,
            _stdout: stdout,
        }
    }

    /// Asks with the token.
    pub(crate) fn ask(&self, request: Request) -> Answer {
        http::ask(self.at, &request.bearing(&self.token))
    }

    /// Sends a request with the token.
    pub(crate) fn send(&self, request: Request) -> Line {
        Line::send(self.at, &request.bearing(&self.token)).expect("it is sent")
    }

    /// Returns what it has said at its terminal so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().expect("a lock").clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.pid().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for its end; returns its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.ended_within(LIMIT)
    }

    /// Waits so long for its end.
    pub(crate) fn ended_within(&mut self, limit: Duration) -> Option<i32> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(began.elapsed() < limit, "it did not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it as a service manager does, and waits for its end.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.ended(), Some(0), "{}", self.said());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until something is so.
pub(crate) fn until(is_so: impl FnMut() -> bool) {
    assert!(within(LIMIT, is_so), "it never came to be so");
}

/// Waits so long for something to be so, and tells whether it is.
pub(crate) fn within(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while !is_so() {
        if began.elapsed() >= limit {
            return false;
        }
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// Returns the contents of every file below a folder.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let mut bytes = Vec::new();
            let mut file = fs::File::open(&path).expect("a file");
            file.read_to_end(&mut bytes).expect("its bytes");
            found.push((path, bytes));
        }
    }
    found
}
