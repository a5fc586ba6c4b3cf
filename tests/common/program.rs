//! Drives the built program as a script does: temp folders, no keyring, no network but loopback.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use deskhand::{
    domain::{
        AutoClass, Body, Contact, Direction, Message, MessageId, MessageKind, Status, Ticket,
        TicketId, Timestamp,
    },
    store::{Filing, Letter, Place, Store, StoreUrl},
};
use serde_json::Value;

/// A config, a data folder and a home of their own.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// What a command did.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Returns the one JSON object it printed.
    pub(crate) fn json(&self) -> Value {
        let lines = self.lines();
        assert_eq!(
            lines.len(),
            1,
            "one line was expected: {:?} {:?}",
            self.stdout,
            self.stderr
        );
        lines[0].clone()
    }

    /// Returns the JSON lines it printed.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temp folder"),
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self, text: &str) {
        fs::write(self.path("config.toml"), text).expect("a config");
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deskhand"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("USER", "noor")
            .env("DESKHAND_CONFIG", self.path("config.toml"))
            .env("DESKHAND_DATA", self.data())
            .current_dir(self.dir.path());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &str) -> Ran {
        let mut command = self.command();
        command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut pipe = child.stdin.take().expect("stdin is a pipe");
        // A command that reads nothing may be gone already.
        drop(pipe.write_all(stdin.as_bytes()));
        drop(pipe);
        let output = child.wait_with_output().expect("the program ends");
        Ran {
            code: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }

    /// Files a ticket of one message and returns its number.
    pub(crate) fn file(&self, subject: &str, from: &str, body: &str) -> i64 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        fs::create_dir_all(self.data()).expect("a data folder");
        let url = StoreUrl::Sqlite(self.data().join("deskhand.db"));
        runtime.block_on(async {
            let store = Store::open(&url).await.expect("the store opens");
            let letter = letter(subject, from, body);
            let id = letter.message.ticket;
            let filing = Filing {
                source: "import".into(),
                letters: vec![letter],
                ..Filing::default()
            };
            store
                .file(&filing, Timestamp::UNIX_EPOCH)
                .await
                .expect("the letter is filed");
            let ticket = store
                .ticket(id)
                .await
                .expect("a ticket is read")
                .expect("it is there");
            store.close().await;
            ticket.number
        })
    }
}

fn letter(subject: &str, from: &str, body: &str) -> Letter {
    let now: Timestamp = "2026-11-02T09:30:00Z".parse().expect("a time");
    let unique = uuid::Uuid::now_v7();
    let contact = Contact {
        name: Some(from.to_owned()),
        address: "maya@example.com".to_owned(),
    };
    let ticket = Ticket {
        id: TicketId::new(unique),
        number: 0,
        source: "import".into(),
        subject: subject.to_owned(),
        requester: contact.clone(),
        status: Status::New,
        priority: None,
        assignee: None,
        tags: Vec::new(),
        quarantined_because: None,
        messages: 0,
        created_at: now,
        updated_at: now,
        last_customer_message_at: Some(now),
        version: 1,
    };
    let message = Message {
        id: MessageId::new(uuid::Uuid::now_v7()),
        ticket: ticket.id,
        kind: MessageKind::Public,
        direction: Direction::In,
        from: contact,
        reply_to: None,
        to: Vec::new(),
        cc: Vec::new(),
        subject: subject.to_owned(),
        body: Body {
            text: body.to_owned(),
            clean: body.to_owned(),
            ..Body::default()
        },
        attachments: Vec::new(),
        rfc_message_id: format!("{unique}@example.com"),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: now,
        raw_sha256: unique.simple().to_string(),
        thread_reason: "new ticket".into(),
        hints: Vec::new(),
        was_seen: false,
    };
    Letter {
        message,
        place: Place::New(Box::new(ticket)),
        reopen: None,
        note_path: None,
        topic: None,
        original: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
    }
}

/// A server of its own that ends with the test.
pub(crate) struct Server {
    child: Child,
    /// The first line it printed.
    pub(crate) first_line: String,
}

impl Server {
    /// Starts a server and waits for its first line.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let mut first_line = String::new();
        stdout
            .read_line(&mut first_line)
            .expect("the server says where it is");
        // What it prints later is read, so that it never waits for us.
        drop(thread::spawn(move || {
            drop(stdout.read_to_string(&mut String::new()));
        }));
        Self { child, first_line }
    }

    /// Starts the provider simulator and returns it with its addresses.
    pub(crate) fn sim(home: &Home) -> (Self, Value) {
        let mut command = home.command();
        command.args(["sim", "--json", "--port", "0"]);
        let server = Self::start(command);
        let addresses = serde_json::from_str(&server.first_line).expect("the addresses are JSON");
        (server, addresses)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns the corpus, or none where there is none.
pub(crate) fn corpus() -> Option<PathBuf> {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    let corpus = std::env::var_os("DESKHAND_CORPUS").map_or(usual, PathBuf::from);
    corpus.is_dir().then_some(corpus)
}
