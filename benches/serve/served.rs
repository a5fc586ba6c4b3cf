//! The built program, serving: started, asked, weighed.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;

use super::faults;

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Whole,
    Streamed,
}

/// What stands behind the server. Peers are measured with a short list of models, and given a long
/// one for the faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    OneLink,
    EveryFault,
}

/// The server; ended when dropped.
pub(crate) struct Served {
    child: Child,
    pub(crate) url: String,
    pub(crate) token: String,
    home: tempfile::TempDir,
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Served {
    /// Starts it with one link that answers behind it, or with every fault of the harness.
    pub(crate) fn start(mock: &str, behind: Behind) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        std::fs::write(home.path().join("config.toml"), config(mock, behind)).expect("a config");
        let mut child = program(home.path())
            .args(["serve", "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("a pipe");
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        let text = |field: &str| told[field].as_str().expect("a text").to_owned();
        Self {
            child,
            url: text("listening"),
            token: text("token"),
            home,
        }
    }

    /// Ends it as a person would, and says how its books stand.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        drop(Command::new("kill").args(["-TERM", &pid]).status());
        drop(self.child.wait());
        for args in [&["spend"][..], &["receipts", "verify"]] {
            let said = program(self.home.path())
                .args(args)
                .output()
                .expect("it runs");
            print!("{}", String::from_utf8_lossy(&said.stdout));
        }
    }

    /// Plays so many requests, at most so many seconds, at the server or straight at what is like
    /// the mock.
    pub(crate) fn load(
        &self,
        like_mock: Option<&str>,
        kind: Kind,
        (connections, requests, seconds): (u32, u32, u32),
    ) -> Value {
        let url = match like_mock {
            Some(base) => format!("{base}/p/ok/v1/chat/completions"),
            None => format!("{}/v1/chat/completions", self.url),
        };
        let body = self.body("plain", kind == Kind::Streamed, "openai");
        let said = Command::new(harness())
            .args([
                "bench", "--name", "x", "--mode", "x", "--url", &url, "--body",
            ])
            .arg(body)
            .args([
                "--c",
                &connections.to_string(),
                "--n",
                &requests.to_string(),
            ])
            .args(["--warm", "64", "--max-seconds", &seconds.to_string()])
            .args(["--header", &format!("authorization: Bearer {}", self.token)])
            .output()
            .expect("the harness runs");
        serde_json::from_slice(&said.stdout).expect("its figures")
    }

    /// Writes a request into a file and returns its path.
    pub(crate) fn body(&self, model: &str, stream: bool, wire: &str) -> PathBuf {
        let limit = if wire == "openai" {
            ""
        } else {
            ",\"max_tokens\":64"
        };
        let text = format!(
            "{{\"model\":\"{model}\",\"stream\":{stream}{limit},\"messages\":[{{\"role\":\"user\",\"content\":\"Hello\"}}]}}"
        );
        let path = self.home.path().join("body.json");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// Returns the memory in use.
    pub(crate) fn rss_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("its status");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .expect("its memory");
        let kib: f64 = line
            .split_whitespace()
            .nth(1)
            .expect("a number")
            .parse()
            .expect("one");
        kib / 1_024.0
    }

    /// Returns the processor time it has used, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        cpu_us(self.child.id())
    }
}

/// Returns the processor time that a process has used, in microseconds.
pub(crate) fn cpu_us(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("its times");
    let after = stat.rsplit_once(')').expect("a name").1;
    let ticks = after.split_whitespace().skip(11).take(2);
    // Linux counts in hundredths of a second.
    ticks
        .map(|ticks| ticks.parse::<f64>().expect("a number") * 10_000.0)
        .sum()
}

/// Returns the load generator and probe, built by [`super::mock`].
pub(crate) fn harness() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/gwbench/target/release/gwbench")
}

fn program(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deskhand"));
    command
        .env_clear()
        .env("HOME", home)
        .env("USER", "noor")
        .env("BENCH_KEY", "sk-bench")
        .env("DESKHAND_CONFIG", home.join("config.toml"))
        .env("DESKHAND_DATA", home.join("data"));
    command
}

/// A provider per fault and wire, and a chain for each: one that fails must not open the breaker of
/// another.
fn config(mock: &str, behind: Behind) -> String {
    let mut text = String::from(
        "[spend]\ncap_month_usd = 1000\n\
         [engine]\non_auth_error = \"failover\"\n\
         [engine.clocks]\nfirst_text = \"2s\"\ngap = \"2s\"\n",
    );
    let mut provider = |name: &str, wire: &str, base: &str| {
        // A prompt that is too long goes on to a window that is known to be larger.
        let window = if name.starts_with("backup") {
            200_000
        } else {
            8_192
        };
        let base = if wire == "openai" {
            format!("{base}/v1")
        } else {
            base.to_owned()
        };
        write!(
            text,
            "[providers.{name}]\ntype = \"{wire}\"\nbase_url = \"{base}\"\n\
             api_key = \"${{BENCH_KEY}}\"\nmodels = [\"mock\"]\n\
             [models.\"{name}/mock\"]\nprice_in_usd_per_million = 1\n\
             price_out_usd_per_million = 5\ncontext_tokens = {window}\n"
        )
        .expect("a String takes all");
    };
    let backup = format!("{mock}/b/ok,ttft=50,gap=5");
    provider("plain", "openai", &format!("{mock}/p/ok"));
    provider("backup-openai", "openai", &backup);
    provider("backup-anthropic", "anthropic", &backup);
    let mut chains = String::from("[chains.plain]\nlinks = [\"plain/mock\"]\n");
    let cases = match behind {
        Behind::OneLink => Vec::new(),
        Behind::EveryFault => faults::cases(),
    };
    for case in cases {
        let base = if case.fault == "refused" {
            "http://127.0.0.1:9".to_owned()
        } else {
            format!("{mock}/p/{},gap=5", case.fault)
        };
        let name = case.name();
        provider(&name, case.wire, &base);
        let other = if case.wire == "openai" {
            "anthropic"
        } else {
            "openai"
        };
        write!(
            chains,
            "[chains.{name}]\nlinks = [\"{name}/mock\", \"backup-{other}/mock\"]\n"
        )
        .expect("a String takes all");
    }
    text + &chains
}
