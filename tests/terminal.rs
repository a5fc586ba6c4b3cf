//! The built program on a real pseudo-terminal: however it ends, the terminal is whole again.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and waits for a real terminal"
)]

use std::{
    io::{Read as _, Write},
    num::NonZero,
    process::Stdio,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::{
    process::{Pid, Signal, kill_process},
    termios::LocalModes,
};

#[path = "common/smtp.rs"]
#[expect(
    dead_code,
    clippy::expect_used,
    reason = "the screen needs a part of it, and a test may panic"
)]
mod smtp;

/// Every wait ends after this long, as a failure.
const LIMIT: Duration = Duration::from_mins(1);

struct Seat {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    reader: std::thread::JoinHandle<()>,
    _data: Arc<tempfile::TempDir>,
}

fn seat(size: (u16, u16), env: &[(&str, &str)]) -> Seat {
    seat_of(size, env, &["demo"])
}

fn seat_of(size: (u16, u16), env: &[(&str, &str)], args: &[&str]) -> Seat {
    seat_on(&Arc::new(tempfile::tempdir().unwrap()), size, env, args)
}

fn seat_on(
    data: &Arc<tempfile::TempDir>,
    (rows, cols): (u16, u16),
    env: &[(&str, &str)],
    args: &[&str],
) -> Seat {
    let size = PtySize {
        rows,
        cols,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_deskhand"));
    command.args(["--data", data.path().to_str().unwrap()]);
    command.args(args);
    command.env("TERM", "xterm-256color");
    command.env("HOME", data.path());
    command.env_remove("NO_COLOR");
    for (name, value) in env {
        command.env(name, value);
    }
    let child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let parser = vt100::Parser::new(NonZero::new(rows).unwrap(), NonZero::new(cols).unwrap(), 0);
    let screen = Arc::new(Mutex::new(parser));
    let mut output = pair.master.try_clone_reader().unwrap();
    let seen = Arc::clone(&screen);
    let reader = std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            seen.lock()
                .unwrap()
                .process(bytes.get(..count).unwrap_or_default());
        }
    });
    let writer = pair.master.take_writer().unwrap();
    Seat {
        master: pair.master,
        writer,
        child,
        screen,
        reader,
        _data: Arc::clone(data),
    }
}

impl Seat {
    fn shown(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn wait_for(&self, words: &str) {
        self.wait_until(words, |screen| screen.contains(words));
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let began = Instant::now();
        while !is_so(&self.shown()) {
            assert!(
                began.elapsed() < LIMIT,
                "not `{what}` on:\n{}",
                self.shown()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for the end; the terminal must be as it was, and the exit code is returned.
    fn end(mut self) -> (u32, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(began.elapsed() < LIMIT, "does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(20));
        };
        let modes = self.master.get_termios().unwrap();
        let cooked = (LocalModes::ICANON | LocalModes::ECHO).bits();
        assert_eq!(
            modes.local_flags.bits() & cooked,
            cooked,
            "still in raw mode"
        );
        drop(self.writer);
        drop(self.master);
        self.reader.join().unwrap();
        let parser = self.screen.lock().unwrap();
        let screen = parser.screen();
        assert!(!screen.alternate_screen(), "still in the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are still bracketed");
        (status.exit_code(), screen.contents())
    }
}

const USUAL: (u16, u16) = (36, 120);
const OPEN: &str = "deskhand  DEMO";

#[test]
fn a_key_is_asked_for_without_echo_and_echo_comes_back() {
    for stopped_by_key in [true, false] {
        let mut seat = seat_of(USUAL, &[], &["keys", "set", "anthropic"]);
        seat.wait_for("Key for anthropic");
        seat.press("sk-half-typed");

        if stopped_by_key {
            seat.press("\u{3}");
        } else {
            // What is typed passes through the kernel by itself; a signal could overtake it.
            std::thread::sleep(Duration::from_millis(100));
            seat.signal(Signal::TERM);
        }

        let (code, shown) = seat.end();
        assert_eq!(code, 130, "{shown}");
        assert!(shown.contains("Nothing was stored"), "{shown}");
        assert!(!shown.contains("half-typed"), "{shown}");
    }
}

#[test]
fn quitting_gives_the_terminal_back() {
    let mut seat = seat(USUAL, &[]);
    seat.wait_for(OPEN);
    assert!(seat.screen.lock().unwrap().screen().alternate_screen());

    seat.press("q");

    assert_eq!(seat.end().0, 0);
}

#[test]
fn sigterm_gives_the_terminal_back() {
    let seat = seat(USUAL, &[]);
    seat.wait_for(OPEN);

    seat.signal(Signal::TERM);

    assert_eq!(seat.end().0, 143);
}

#[test]
fn sighup_gives_the_terminal_back() {
    let seat = seat(USUAL, &[]);
    seat.wait_for(OPEN);

    seat.signal(Signal::HUP);

    assert_eq!(seat.end().0, 129);
}

#[test]
fn a_panic_of_the_screen_gives_the_terminal_back_and_then_speaks() {
    let seat = seat(USUAL, &[("DESKHAND_TEST_PANIC", "ui")]);

    let (code, left) = seat.end();

    assert_eq!(code, 101);
    assert!(left.contains("fault of its own"), "{left}");
}

#[test]
fn a_panic_of_a_task_is_a_note_and_the_desk_goes_on() {
    let mut seat = seat(USUAL, &[("DESKHAND_TEST_PANIC", "task")]);
    seat.wait_for("Something in the background broke");
    assert!(seat.screen.lock().unwrap().screen().alternate_screen());

    seat.press("?");
    seat.wait_for("HELP");
    // Together the two would be one key with Alt.
    seat.press("\x1b");
    seat.wait_until("help is closed", |screen| !screen.contains("HELP"));
    seat.press("\x11");

    assert_eq!(seat.end().0, 0);
}

/// Runs the program on the data of a seat and returns what it printed.
fn run(data: &tempfile::TempDir, args: &[&str]) -> serde_json::Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_deskhand"))
        .args(["--data", data.path().to_str().unwrap(), "--json"])
        .args(args)
        .env("HOME", data.path())
        .env("DESKHAND_CONFIG", data.path().join("config.toml"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.stdout.is_empty(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The server has the text and does not say so: nobody knows whether the reply leaves.
#[test]
fn who_leaves_while_a_reply_is_sent_is_told_so_and_need_not_wait() {
    let server = smtp::Smtp::start(smtp::Manner::TakesAndKeepsSilent);
    let data = Arc::new(tempfile::tempdir().unwrap());
    let config = data.path().join("config.toml");
    let account = format!(
        "[accounts.\"support@acme.test\"]\nimap = \"imap://127.0.0.1:1\"\n\
         smtp = \"smtp://127.0.0.1:{}\"\npassword_command = [\"printf\", \"x\"]\n",
        server.port
    );
    std::fs::write(&config, account).unwrap();
    let new = ["new", "--to", "maya@northbend.test", "--subject", "Parcel"];
    let number = run(&data, &new)["number"].to_string();
    let env = [("DESKHAND_CONFIG", config.to_str().unwrap())];
    let mut seat = seat_on(&data, USUAL, &env, &[]);
    seat.wait_for("Parcel");
    let text = data.path().join("reply.txt");
    std::fs::write(&text, "It left.").unwrap();
    let text = text.to_str().unwrap();
    let reply = ["reply", &number, "--text", text, "--hold", "2"];
    let id = run(&data, &reply)["outbox"].clone();
    let began = Instant::now();
    while server.count() == 0 {
        assert!(began.elapsed() < LIMIT, "not sent:\n{}", seat.shown());
        std::thread::sleep(Duration::from_millis(20));
    }

    seat.press("q");
    seat.wait_for("A reply is being sent; leaving waits up to 20 s");
    seat.press("q");
    seat.wait_for("A reply is being sent; deskhand waits up to 20 s");
    let began = Instant::now();
    seat.press("\u{3}");

    let (code, shown) = seat.end();
    assert_eq!(code, 130, "{shown}");
    assert!(began.elapsed() < Duration::from_secs(10), "{shown}");
    let told = run(&data, &["outbox", "send"]);
    assert_eq!(told["unsure"], serde_json::json!([id]));
    assert_eq!(server.count(), 1);
}

/// An editor that writes a text, says that it has, and goes on until it is told to end.
fn slow_editor(folder: &std::path::Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let script = folder.join("editor.sh");
    let text = "#!/bin/sh\necho 'written outside' > \"$1\"\n: > \"$0.ready\"\nexec sleep 600\n";
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    script
}

#[test]
fn a_signal_while_the_editor_runs_ends_it_and_keeps_what_it_wrote() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let data = Arc::new(tempfile::tempdir().unwrap());
        let editor = slow_editor(data.path());
        let ready = data.path().join("editor.sh.ready");
        let env = [("EDITOR", editor.to_str().unwrap()), ("VISUAL", "")];
        let mut seat = seat_on(&data, USUAL, &env, &["demo"]);
        seat.wait_for("I am sorry");
        seat.press("\x05");
        let began = Instant::now();
        while !ready.exists() {
            assert!(began.elapsed() < LIMIT, "no editor:\n{}", seat.shown());
            std::thread::sleep(Duration::from_millis(20));
        }

        seat.signal(signal);

        assert_eq!(seat.end().0, code);
        let mut again = seat_on(&data, USUAL, &[], &["demo"]);
        again.wait_for("written outside");
        again.press("q");
        assert_eq!(again.end().0, 0);
        assert_eq!(
            std::fs::read_dir(data.path().join("demo/editing"))
                .unwrap()
                .count(),
            0
        );
    }
}

#[test]
fn what_an_editor_wrote_that_ends_badly_is_kept_and_named() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    let editor = slow_editor(data.path());
    let script = std::fs::read_to_string(&editor).unwrap();
    std::fs::write(&editor, script.replace("exec sleep 600", "exit 3")).unwrap();
    let env = [("EDITOR", editor.to_str().unwrap()), ("VISUAL", "")];
    let mut seat = seat_on(&data, USUAL, &env, &["demo"]);
    seat.wait_for("I am sorry");

    seat.press("\x05");

    seat.wait_for("did not end well");
    let folder = data.path().join("demo/editing");
    let kept: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(kept.len(), 1);
    let file = kept.into_iter().next().unwrap().unwrap().path();
    assert!(
        file.file_name()
            .unwrap()
            .to_string_lossy()
            .starts_with("unsaved-")
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "written outside\n");
    seat.signal(Signal::TERM);
    assert_eq!(seat.end().0, 143);
}

#[test]
fn a_poor_terminal_gets_one_sentence_and_exit_code_2() {
    for (size, env, words) in [
        ((36, 120), ("TERM", "dumb"), "TERM=dumb"),
        ((10, 40), ("TERM", "xterm"), "at least 60x16, this one is"),
    ] {
        let (code, said) = seat(size, &[env]).end();
        assert_eq!(code, 2);
        assert!(said.replace('\n', "").contains(words), "{said}");
    }
}

#[test]
fn without_a_terminal_there_is_one_sentence_and_exit_code_2() {
    let data = tempfile::tempdir().unwrap();

    let output = std::process::Command::new(env!("CARGO_BIN_EXE_deskhand"))
        .args(["--data", data.path().to_str().unwrap(), "demo"])
        .stdin(Stdio::null())
        .output()
        .unwrap();

    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("needs a terminal"), "{said}");
    assert!(output.stdout.is_empty());
}
