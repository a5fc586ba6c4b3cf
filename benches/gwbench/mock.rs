//! The harness' own mock: copied, built, started, and its counters.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

/// An answer of the mock has 12 tokens in and 16 out; at 1 and 5 dollars a million that is so many
/// nano-dollars.
pub(crate) const ANSWER_NANOS: i64 = 12 * 1_000 + 16 * 5_000;

/// The mock at work; ended when dropped.
pub(crate) struct Mock {
    child: Child,
    client: reqwest::Client,
    pub(crate) base: String,
}

/// What the mock served of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Side {
    pub(crate) asked: u64,
    pub(crate) done: u64,
}

/// What it served since it was reset.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) primary: Side,
    pub(crate) backup: Side,
}

impl Drop for Mock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Mock {
    /// Builds and starts it; none where the harness is absent.
    pub(crate) fn start() -> Option<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let rig = std::env::var_os("DESKHAND_GWBENCH")
            .map_or_else(|| home.join("../shared/rigs/gwbench"), PathBuf::from);
        if !rig.join("Cargo.toml").is_file() {
            return None;
        }
        let own = home.join("target/gwbench");
        std::fs::create_dir_all(own.join("src")).expect("a folder");
        for part in ["Cargo.toml", "src"] {
            copy(&rig.join(part), &own.join(part));
        }
        let built = Command::new("cargo")
            .args(["build", "--release", "--quiet", "--manifest-path"])
            .arg(own.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(own.join("target"))
            .status()
            .expect("cargo runs");
        assert!(built.success(), "the mock is built");
        let port = free_port();
        let child = Command::new(own.join("target/release/gwbench"))
            .args(["mock", "--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the mock starts");
        std::thread::sleep(Duration::from_millis(500));
        Some(Self {
            child,
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            base: format!("http://127.0.0.1:{port}"),
        })
    }

    pub(crate) async fn reset(&self) {
        let url = format!("{}/__mock/reset", self.base);
        self.client.post(url).send().await.expect("reset");
    }

    /// Returns what was served since it was reset.
    pub(crate) async fn counted(&self) -> Counted {
        // A connection that was just closed is counted a moment later.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let url = format!("{}/__mock/stats", self.base);
        let answer = self.client.get(url).send().await.expect("the counters");
        let bytes = answer.bytes().await.expect("their text");
        let stats: Value = serde_json::from_slice(&bytes).expect("JSON");
        let mut counted = Counted::default();
        for (name, of) in stats.as_object().into_iter().flatten() {
            let side = if name.starts_with("p/") {
                &mut counted.primary
            } else {
                &mut counted.backup
            };
            let number = |field: &str| of.get(field).and_then(Value::as_u64).unwrap_or(0);
            side.asked += number("n");
            side.done += number("done");
        }
        counted
    }
}

/// Returns a free port, given up at once: nobody else is likely to take it.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// Copies a file, or the files of a folder.
fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        // What is there already was copied from the same and may not be writable.
        drop(std::fs::remove_file(to));
        let text = std::fs::read(from).expect("a file of the harness");
        std::fs::write(to, text).expect("its copy");
        return;
    }
    for entry in std::fs::read_dir(from).expect("a folder of the harness") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_owned();
        copy(&path, &to.join(name));
    }
}
