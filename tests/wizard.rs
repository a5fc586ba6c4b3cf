//! A mailbox set up by a person at a real terminal: on the screen, and with `account add`. Beside it
//! a real keyring and a real Dovecot.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may panic, and waits for a real terminal"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "this needs a part of it")]
mod program;

#[path = "common/keyring.rs"]
mod keyring;

#[path = "common/dovecot.rs"]
#[expect(dead_code, reason = "this needs a part of it")]
mod dovecot;

#[path = "common/service.rs"]
#[expect(dead_code, reason = "this needs a part of it")]
mod service;

use std::{
    fs,
    io::{Read as _, Write},
    num::NonZero,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use dovecot::{Dovecot, mail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use program::Home;
use service::{CLIENT, Service};

const ADDRESS: &str = "support@acme.invalid";
/// Every wait ends after this long, as a failure.
const LIMIT: Duration = Duration::from_secs(30);

fn has_keyring(test: &str) -> bool {
    keyring::is_in("unlocked", test)
}

/// The program on a terminal.
struct Seat {
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that was ever written, colours and all.
    bytes: Arc<Mutex<Vec<u8>>>,
    _master: Box<dyn MasterPty + Send>,
}

impl Seat {
    fn at(home: &Home, args: &[&str]) -> Self {
        let size = PtySize {
            rows: 30,
            cols: 100,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_deskhand"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("DESKHAND_CONFIG", home.path("config.toml"));
        command.env("DESKHAND_DATA", home.data());
        let child = pair.slave.spawn_command(command).expect("it starts");
        drop(pair.slave);
        let (rows, cols) = (NonZero::new(30), NonZero::new(100));
        let parser = vt100::Parser::new(rows.expect("some"), cols.expect("some"), 0);
        let screen = Arc::new(Mutex::new(parser));
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let mut output = pair.master.try_clone_reader().expect("a reader");
        let (seen, all) = (Arc::clone(&screen), Arc::clone(&bytes));
        thread::spawn(move || {
            let mut some = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut some) {
                let part = some.get(..count).unwrap_or_default();
                seen.lock().expect("no panic").process(part);
                all.lock().expect("no panic").extend(part);
            }
        });
        Self {
            writer: pair.master.take_writer().expect("a writer"),
            child,
            screen,
            bytes,
            _master: pair.master,
        }
    }

    fn wait_for(&self, words: &str) {
        let began = Instant::now();
        loop {
            let shown = self.screen.lock().expect("no panic").screen().contents();
            if shown.contains(words) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "not `{words}` on:\n{shown}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("typed");
        self.writer.flush().expect("typed");
    }

    fn end(mut self) -> u32 {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                return status.exit_code();
            }
            assert!(began.elapsed() < LIMIT, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Returns the password that the keyring has for the mailbox.
fn kept_password() -> String {
    let looked = Command::new("secret-tool")
        .args(["lookup", "service", "deskhand", "username"])
        .arg(format!("mail {ADDRESS}"))
        .output()
        .expect("secret-tool is there");
    String::from_utf8_lossy(&looked.stdout).into_owned()
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn the_steps_lead_from_an_address_to_tickets() {
    if !has_keyring("the_steps_lead_from_an_address_to_tickets") {
        return;
    }
    let dovecot = Dovecot::start();
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let home = Home::new();
    home.config("# mine\n[spend]\ncap_month_usd = 5\n");
    let mut seat = Seat::at(&home, &[]);
    seat.wait_for("QUEUE");

    seat.press("\u{b}");
    seat.wait_for("PALETTE");
    seat.press("set up my");
    seat.wait_for("Set up my desk");
    seat.press("\r");
    seat.wait_for("1. Your mailbox");
    seat.press("\r");
    seat.wait_for("The address your customers write to");
    seat.press(ADDRESS);
    seat.press("\r");
    seat.wait_for("The server mail is read from");
    seat.wait_for("was found. Asked: acme.invalid");
    seat.press(&format!("imap://127.0.0.1:{}", dovecot.plain));
    seat.press("\r");
    seat.wait_for("The server replies leave by");
    seat.press("\u{15}\r");
    seat.wait_for("How far back");
    seat.press("\r");
    seat.wait_for("The password of");
    seat.press("wrong\r");
    seat.wait_for("[AUTHENTICATIONFAILED]");
    seat.press("rig-password");
    seat.wait_for("> ************");
    seat.press("\r");
    seat.wait_for("1 message in the inbox");
    seat.wait_for("ok 1. Your mailbox");
    seat.press("\u{1b}");
    // The open desk reads it by itself.
    seat.wait_for("Parcel 1");
    let written = String::from_utf8_lossy(&seat.bytes.lock().expect("no panic")).into_owned();
    seat.press("q");

    assert_eq!(seat.end(), 0);
    assert!(
        !written.contains("rig-password"),
        "the password was painted"
    );
    assert_eq!(kept_password(), "rig-password");
    let config = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert_eq!(
        config,
        format!(
            "# mine\n[spend]\ncap_month_usd = 5\n\n[accounts.\"{ADDRESS}\"]\n\
             imap = \"imap://127.0.0.1:{}\"\n",
            dovecot.plain
        )
    );
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn account_add_asks_how_far_back_and_hides_the_password() {
    if !has_keyring("account_add_asks_how_far_back_and_hides_the_password") {
        return;
    }
    let dovecot = Dovecot::start();
    let home = Home::new();
    let url = format!("imap://127.0.0.1:{}", dovecot.plain);
    let mut seat = Seat::at(&home, &["account", "add", ADDRESS, "--imap", &url]);

    seat.wait_for("How far back? [30d]");
    seat.press("soon\r");
    seat.wait_for("Write 30d, 8w or all.");
    seat.press("all\r");
    seat.wait_for("not shown");
    seat.press("rig-password\r");
    seat.wait_for("is set up");
    let written = String::from_utf8_lossy(&seat.bytes.lock().expect("no panic")).into_owned();

    assert_eq!(seat.end(), 0);
    assert!(!written.contains("rig-password"), "the password was shown");
    assert_eq!(kept_password(), "rig-password");
    let config = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert!(config.contains("since = \"all\""), "{config}");
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn an_open_desk_reads_on_when_the_password_is_put_right() {
    if !has_keyring("an_open_desk_reads_on_when_the_password_is_put_right") {
        return;
    }
    let dovecot = Dovecot::start();
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let home = Home::new();
    let url = format!("imap://127.0.0.1:{}", dovecot.plain);
    let config = format!("[accounts.\"{ADDRESS}\"]\nimap = \"{url}\"\n");
    home.config(&config);
    let mut seat = Seat::at(&home, &[]);
    seat.wait_for("There is no password of");

    let mut add = Seat::at(
        &home,
        &["account", "add", ADDRESS, "--imap", &url, "--since", "30d"],
    );
    add.wait_for("not shown");
    add.press("rig-password\r");
    add.wait_for("is set up");
    assert_eq!(add.end(), 0);

    seat.wait_for("Parcel 1");
    seat.press("q");
    assert_eq!(seat.end(), 0);
    let after = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert_eq!(after, config);
}

#[test]
#[ignore = "needs a Dovecot and a keyring: tests/run installs them"]
fn the_steps_sign_in_with_a_code_that_stands_on_the_screen() {
    if !has_keyring("the_steps_sign_in_with_a_code_that_stands_on_the_screen") {
        return;
    }
    let service = Service::start();
    let dovecot = Dovecot::start_with_tokens(&service.url("introspect"), "xoauth2");
    dovecot.put("", "1", "", &mail(1, 0, ""));
    let home = Home::new();
    let config = format!(
        "[accounts.\"support@acme.test\"]\nimap = \"{}\"\nca = \"{}\"\nclient_id = \"{CLIENT}\"\n\
         login = {{ device = \"{}\", token = \"{}\", scope = \"mail\" }}\n",
        dovecot.tls_url(),
        dovecot.ca,
        service.url("device"),
        service.url("token"),
    );
    home.config(&config);
    let mut seat = Seat::at(&home, &[]);
    seat.wait_for("QUEUE");
    seat.press("\u{b}");
    seat.wait_for("PALETTE");
    seat.press("set up my");
    seat.wait_for("Set up my desk");
    seat.press("\r");
    let open_step = |seat: &mut Seat| {
        seat.wait_for("Enter do this step");
        seat.press("\r");
        seat.wait_for("The address your customers write to");
        seat.press("support@acme.test\r");
        seat.wait_for("Enter the code ABCD-EFGH and say yes");
        seat.wait_for("http://127.0.0.1/activate");
    };

    // Given up, it does not go on behind the screen.
    open_step(&mut seat);
    seat.press("\u{1b}");
    open_step(&mut seat);
    service.with(|memory| memory.approved = true);
    seat.wait_for("1 message in the inbox");
    seat.press("\u{1b}");
    seat.wait_for("Parcel 1");
    seat.press("q");

    assert_eq!(seat.end(), 0);
    let after = fs::read_to_string(home.path("config.toml")).expect("the config");
    assert_eq!(after, config, "what stood there stays");
}
