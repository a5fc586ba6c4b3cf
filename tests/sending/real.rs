//! A real Postfix takes the reply and delivers it into a real Dovecot.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use mail_parser::{MessageParser, MimeHeaders as _};

use crate::{
    dovecot::{Dovecot, mail},
    program::Home,
};

const POSTFIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rigs/postfix.sh");

/// A Postfix beside a Dovecot.
pub(super) struct Rig {
    dovecot: Dovecot,
    pub(super) submission: String,
    tls: String,
}

impl Rig {
    pub(super) fn start() -> Self {
        let dovecot = Dovecot::start();
        let place = dovecot.folder.path().join("dovecot");
        let started = Command::new(POSTFIX).arg("start").arg(place).output();
        let started = started.expect("the rig runs");
        let complaint = String::from_utf8_lossy(&started.stderr);
        assert!(started.status.success(), "{complaint}");
        let said = String::from_utf8_lossy(&started.stdout).into_owned();
        let ports: Vec<&str> = said.split_whitespace().collect();
        Self {
            submission: ports[1].to_owned(),
            tls: ports[2].to_owned(),
            dovecot,
        }
    }

    /// A desk whose account reads and sends here.
    pub(super) fn desk(&self, smtp: &str) -> Home {
        let home = Home::new();
        let imap = self.dovecot.tls_url();
        let ca = &self.dovecot.ca;
        let mut args = vec!["account", "add", "support@acme.test", "--imap", &imap];
        args.extend([
            "--smtp", smtp, "--user", "support", "--since", "all", "--ca", ca,
        ]);
        args.extend(["--password-command", "printf rig-password"]);
        let added = home.run(&args);
        assert_eq!(added.code, 0, "{}", added.stderr);
        home
    }

    /// Waits for a mail to somebody and returns its bytes.
    fn arrived(&self, name: &str) -> Vec<u8> {
        let began = Instant::now();
        loop {
            if let Some(bytes) = self.mails(name).into_iter().next() {
                return bytes;
            }
            let place = self.dovecot.folder.path().join("dovecot/postfix/log");
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "nothing came for {name}: {}",
                fs::read_to_string(place).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(super) fn mails(&self, name: &str) -> Vec<Vec<u8>> {
        let maildir = self.dovecot.folder.path().join("dovecot/mail").join(name);
        let mut found = Vec::new();
        for part in ["new", "cur"] {
            for entry in fs::read_dir(maildir.join(part)).into_iter().flatten() {
                found.push(fs::read(entry.expect("an entry").path()).expect("a mail"));
            }
        }
        found
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let place = self.dovecot.folder.path().join("dovecot");
        drop(Command::new(POSTFIX).arg("stop").arg(place).status());
    }
}

fn file(home: &Home, name: &str, bytes: &[u8]) -> PathBuf {
    let path = home.path(name);
    fs::write(&path, bytes).expect("a file");
    path
}

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn a_reply_arrives_threaded_with_its_files_and_without_its_secrets() {
    let rig = Rig::start();
    rig.dovecot
        .put("", "1", "", &mail(1, 0, "Cc: ops@northbend.test\r\n"));
    let home = rig.desk(&format!("smtp://localhost:{}", rig.submission));
    assert_eq!(home.run(&["sync"]).code, 0);
    let number = home.run(&["tickets", "--json"]).json()["number"].to_string();
    let bytes: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let attached = file(&home, "Ünï code.bin", &bytes);
    let attached = attached.display().to_string();

    let mut args = vec!["reply", &number, "--text", "-", "--attach", &attached];
    args.extend([
        "--bcc",
        "boss@acme.test",
        "--status",
        "solved",
        "--hold",
        "0",
    ]);
    let text = format!("Grüße {}", "lang ".repeat(500));
    assert_eq!(home.run_with(&args, &text).code, 0);
    let noted = home.run_with(&["note", &number, "--text", "-"], "Never tell her.");
    assert_eq!(noted.code, 0);
    let sent = home.run(&["outbox", "send", "--json"]);
    assert_eq!(
        sent.json()["sent"].as_array().expect("a list").len(),
        1,
        "{}",
        sent.stdout
    );

    for name in ["maya", "ops", "boss"] {
        let raw = rig.arrived(name);
        let mail = MessageParser::default().parse(&raw).expect("a mail");
        assert_eq!(mail.subject(), Some("Re: Parcel 1"));
        assert_eq!(mail.in_reply_to().as_text(), Some("m1@northbend.test"));
        assert_eq!(mail.references().as_text(), Some("m1@northbend.test"));
        assert!(
            mail.body_text(0)
                .expect("a text")
                .starts_with(text.trim_end())
        );
        let whole = String::from_utf8_lossy(&raw).to_lowercase();
        assert!(!whole.contains("boss"), "a hidden copy shows");
        assert!(!whole.contains("never tell"), "a note left");
        assert_eq!(
            mail.cc().expect("a cc").first().and_then(|cc| cc.address()),
            Some("ops@northbend.test")
        );
        let file = mail.attachment(0).expect("a file");
        assert_eq!(file.attachment_name(), Some("Ünï code.bin"));
        assert_eq!(file.contents(), bytes);
    }
    let view = home.run(&["show", &number, "--json"]).json();
    assert_eq!(view["ticket"]["status"], "solved");
    // The copy in the folder of sent mail is ours, and known.
    let synced = home.run(&["sync", "--json"]).json();
    assert_eq!(
        (&synced["imported"], &synced["duplicates"]),
        (&0.into(), &1.into())
    );
}

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn the_customers_answer_joins_and_a_forged_id_does_not() {
    let rig = Rig::start();
    rig.dovecot.put("", "1", "", &mail(1, 0, ""));
    let home = rig.desk(&format!("smtps://localhost:{}", rig.tls));
    assert_eq!(home.run(&["sync"]).code, 0);
    let reply = [
        "reply", "1", "--text", "-", "--hold", "0", "--status", "solved", "--json",
    ];
    let queued = home.run_with(&reply, "Yours, solved.").json();
    assert_eq!(home.run(&["outbox", "send"]).code, 0);
    let id = queued["message_id"].as_str().expect("an id").to_owned();
    let forged = id.replace("dh.1.", "dh.1.0");

    // Clients that drop References and change the subject: the id alone finds the ticket.
    rig.dovecot.put(
        "",
        "2",
        "",
        &mail(2, 0, &format!("In-Reply-To: <{id}>\r\n")),
    );
    rig.dovecot.put(
        "",
        "3",
        "",
        &mail(3, 0, &format!("In-Reply-To: <{forged}>\r\n")),
    );
    assert_eq!(home.run(&["sync"]).code, 0);

    let view = home.run(&["show", "1", "--json"]).json();
    assert_eq!(view["ticket"]["status"], "open");
    assert_eq!(view["messages"].as_array().expect("a list").len(), 3);
    assert_eq!(home.run(&["tickets", "--json"]).lines().len(), 2);
}

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn a_mail_that_comes_while_a_reply_is_held_brings_it_back() {
    let rig = Rig::start();
    rig.dovecot.put("", "1", "", &mail(1, 0, ""));
    let home = rig.desk(&format!("smtp://localhost:{}", rig.submission));
    assert_eq!(home.run(&["sync"]).code, 0);
    let reply = ["reply", "1", "--text", "-", "--hold", "0", "--json"];
    assert_eq!(home.run_with(&reply, "To the first.").code, 0);

    rig.dovecot.put(
        "",
        "2",
        "",
        &mail(2, 0, "In-Reply-To: <m1@northbend.test>\r\n"),
    );
    assert_eq!(home.run(&["sync"]).code, 0);
    let sent = home.run(&["outbox", "send", "--json"]).json();

    assert_eq!(sent["sent"], serde_json::json!([]));
    let view = home.run(&["show", "1", "--json"]).json();
    assert_eq!(view["draft"]["state"], "stale");
    assert_eq!(view["draft"]["text"], "To the first.");
    assert!(rig.mails("maya").is_empty());
}

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn a_report_of_a_real_server_reopens_the_reply_with_its_reason() {
    let rig = Rig::start();
    let from = "From: Maya Chen <maya@bounce.test>\r\nTo: support@acme.test\r\nSubject: Hi\r\n\
                Message-ID: <b1@bounce.test>\r\n\r\nHello?\r\n";
    rig.dovecot.put("", "1", "", from.as_bytes());
    let home = rig.desk(&format!("smtp://localhost:{}", rig.submission));
    assert_eq!(home.run(&["sync"]).code, 0);
    let reply = [
        "reply", "1", "--text", "-", "--hold", "0", "--status", "solved",
    ];
    assert_eq!(home.run_with(&reply, "You never get this.").code, 0);
    assert_eq!(home.run(&["outbox", "send"]).code, 0);

    let began = Instant::now();
    let view = loop {
        assert_eq!(home.run(&["sync"]).code, 0);
        let view = home.run(&["show", "1", "--json"]).json();
        if view["ticket"]["status"] == "open" {
            break view;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "no report: {view}"
        );
        thread::sleep(Duration::from_millis(200));
    };

    assert_eq!(view["draft"]["text"], "You never get this.");
    let flags = view["draft"]["flags"].to_string();
    assert!(
        flags.contains("not delivered to maya@bounce.test: 5."),
        "{flags}"
    );
    assert_eq!(
        home.run(&["tickets", "--json"]).lines().len(),
        1,
        "a report is no ticket"
    );
    // The server's own mailbox says that the customer was answered.
    let inbox = rig.dovecot.folder.path().join("dovecot/mail/support/cur");
    let names: Vec<String> = fs::read_dir(inbox)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let answered = names
        .iter()
        .find(|name| name.starts_with("1:"))
        .expect("the mail");
    assert!(
        answered.contains('R') && answered.contains('S'),
        "{answered}"
    );
}

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn two_desks_with_automatic_answers_send_at_most_one_each() {
    let rig = Rig::start();
    let desk = |name: &str| {
        let home = Home::new();
        let imap = rig.dovecot.tls_url();
        let address = format!("{name}@acme.test");
        let smtp = format!("smtp://localhost:{}", rig.submission);
        let mut args = vec!["account", "add", &address, "--imap", &imap, "--smtp", &smtp];
        args.extend(["--user", name, "--ca", &rig.dovecot.ca]);
        args.extend(["--password-command", "printf rig-password"]);
        let added = home.run(&args);
        assert_eq!(added.code, 0, "{}", added.stderr);
        let file = home.path("config.toml");
        let text = fs::read_to_string(&file).expect("a config");
        let with = text.replace("imap =", "acknowledge = \"We have your mail.\"\nimap =");
        fs::write(file, with).expect("a config");
        // What is there before the account is is never answered.
        assert_eq!(home.run(&["sync"]).code, 0);
        home
    };
    let (one, two) = (desk("one"), desk("two"));
    let made = one.run(&[
        "new",
        "--to",
        "two@acme.test",
        "--subject",
        "Hello",
        "--json",
    ]);
    let number = made.json()["number"].to_string();
    let reply = ["reply", &number, "--text", "-", "--hold", "0"];
    assert_eq!(one.run_with(&reply, "Are you there?").code, 0);
    assert_eq!(one.run(&["outbox", "send"]).code, 0);

    for _ in 0..4 {
        thread::sleep(Duration::from_millis(400));
        for home in [&one, &two] {
            assert_eq!(home.run(&["sync"]).code, 0);
            home.run(&["outbox", "send"]);
        }
    }

    let count = |name| {
        rig.mails(name)
            .iter()
            .filter(|mail| String::from_utf8_lossy(mail).contains("auto-replied"))
            .count()
    };
    assert_eq!(count("one"), 1, "two answered once");
    assert_eq!(count("two"), 0, "an automatic answer is not answered");
    let ack = rig.mails("one").into_iter().next().expect("a mail");
    let ack = String::from_utf8_lossy(&ack).into_owned();
    assert!(ack.contains("Return-Path: <>"), "{ack}");
}
