//! Mail out of a real Dovecot, or a server of a test's own: read once, whole, whatever happens in between.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may panic, and waits for a server's clock"
)]

#[path = "common/program.rs"]
#[expect(dead_code, reason = "mail needs a part of it")]
mod program;

#[path = "mailbox/arrivals.rs"]
mod arrivals;
#[path = "mailbox/broken.rs"]
mod broken;
#[path = "common/dovecot.rs"]
#[expect(dead_code, reason = "reading needs a part of it")]
mod dovecot;
#[path = "common/imap.rs"]
mod fake;
#[path = "mailbox/giants.rs"]
mod giants;
#[path = "mailbox/refusing.rs"]
mod refusing;

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use deskhand::{
    domain::{Direction, Message, Status, Ticket},
    store::{Store, StoreUrl},
};
use dovecot::{Dovecot, mail};
use program::{Home, corpus};

/// A ticket with its messages and their bytes.
type Whole = (Ticket, Vec<Message>, Vec<Vec<u8>>);

/// Returns every ticket of a desk with its messages and their bytes, by subject.
fn filed(home: &Home) -> BTreeMap<String, Whole> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let listed = home.run(&["tickets", "--json"]);
    let url = StoreUrl::Sqlite(home.data().join("deskhand.db"));
    runtime.block_on(async {
        let store = Store::open(&url).await.expect("the store opens");
        let mut all = BTreeMap::new();
        for line in listed.lines() {
            let number = line["number"].as_i64().expect("a number");
            let found = store.ticket_by_number(number).await.expect("read");
            let ticket = found.expect("there");
            let messages = store.messages(ticket.id).await.expect("read");
            let mut originals = Vec::new();
            for message in &messages {
                let bytes = store.original(&message.raw_sha256).await.expect("read");
                originals.push(bytes.expect("its bytes are kept"));
            }
            let key = format!("{} {}", ticket.subject, ticket.number);
            all.insert(key, (ticket, messages, originals));
        }
        store.close().await;
        all
    })
}

fn statuses(home: &Home) -> Vec<(String, Status, usize)> {
    filed(home)
        .into_values()
        .map(|(ticket, messages, _)| (ticket.subject, ticket.status, messages.len()))
        .collect()
}

fn parcel(id: u32, status: Status, messages: usize) -> (String, Status, usize) {
    (format!("Parcel {id}"), status, messages)
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_mailbox_comes_in_once_with_the_status_its_threads_have() {
    let dovecot = Dovecot::start();
    dovecot.put("", "1", "", &mail(1, 1, ""));
    dovecot.put("", "2", "RS", &mail(2, 3, ""));
    dovecot.put("", "3", "S", &mail(3, 200, ""));
    dovecot.put("", "4", "S", &mail(4, 31, ""));
    dovecot.put(
        "",
        "5",
        "",
        &mail(5, 25, "In-Reply-To: <m4@northbend.test>\r\n"),
    );
    dovecot.put("", "6", "S", &mail(6, 2, ""));
    let ours = String::from_utf8(mail(7, 1, "In-Reply-To: <m6@northbend.test>\r\n"))
        .expect("text")
        .replace("Maya Chen <maya@northbend.test>", "support@acme.test");
    dovecot.put(".Sent", "7", "S", ours.as_bytes());
    let home = Home::new();
    for url in [
        dovecot.tls_url(),
        format!("imap://127.0.0.1:{}", dovecot.plain),
    ] {
        let added = dovecot.join(&home, &url, "rig-password");
        assert_eq!(added.code, 0, "{}", added.stderr);
        assert_eq!(added.json()["messages"], 6);
    }

    let first = home.run(&["sync", "--json"]).json();
    let again = home.run(&["sync", "support@acme.test", "--json"]).json();

    assert_eq!((&first["seen"], &first["imported"]), (&7.into(), &7.into()));
    assert_eq!(
        (&again["seen"], &again["tickets_new"]),
        (&0.into(), &0.into())
    );
    assert_eq!(
        statuses(&home),
        [
            parcel(1, Status::New, 1),
            parcel(2, Status::Solved, 1),
            parcel(3, Status::Closed, 1),
            parcel(4, Status::New, 2),
            parcel(6, Status::Solved, 2),
        ]
    );
    let all = filed(&home);
    let answered = all
        .values()
        .find(|(ticket, ..)| ticket.subject == "Parcel 6");
    let (_, messages, originals) = answered.expect("it is there");
    assert_eq!(messages[1].direction, Direction::Out);
    assert_eq!(originals[1], ours.as_bytes());
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn new_mail_and_marks_are_noticed_and_new_numbers_double_nothing() {
    let dovecot = Dovecot::start();
    for id in 1..=3 {
        dovecot.put("", &id.to_string(), "", &mail(id, 2, ""));
    }
    let home = Home::new();
    assert_eq!(
        dovecot.join(&home, &dovecot.tls_url(), "rig-password").code,
        0
    );
    assert_eq!(home.run(&["sync", "--json"]).json()["imported"], 3);

    dovecot.put(
        "",
        "4",
        "",
        &mail(4, 0, "In-Reply-To: <m1@northbend.test>\r\n"),
    );
    let cur = dovecot.maildir().join("cur");
    fs::rename(cur.join("2:2,"), cur.join("2:2,S")).expect("it is read elsewhere");
    let second = home.run(&["sync", "--json"]).json();

    assert_eq!(second["imported"], 1);
    assert_eq!(
        (&second["tickets_joined"], &second["flags_changed"]),
        (&1.into(), &1.into())
    );

    dovecot.count_anew();
    let renumbered = home.run(&["sync", "--json"]).json();

    assert_eq!(renumbered["imported"], 0, "{renumbered}");
    assert_eq!(
        renumbered["duplicates"], 4,
        "it was read anew: {renumbered}"
    );
    assert_eq!(
        statuses(&home)
            .iter()
            .map(|(.., messages)| messages)
            .sum::<usize>(),
        4
    );
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_wrong_password_and_a_foreign_certificate_are_said_and_nothing_is_kept() {
    let dovecot = Dovecot::start();
    let home = Home::new();

    let refused = dovecot.join(&home, &dovecot.tls_url(), "wrong-password");
    assert_eq!(refused.code, 5, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("refused the name or the password"),
        "{}",
        refused.stderr
    );
    assert!(
        !refused.stderr.contains("wrong-password"),
        "{}",
        refused.stderr
    );

    let url = dovecot.tls_url();
    let mut args = vec!["account", "add", "support@acme.test", "--imap", &url];
    args.extend(["--password-command", "printf rig-password"]);
    let foreign = home.run(&args);
    assert_eq!(foreign.code, 1, "{}", foreign.stderr);
    assert!(
        foreign.stderr.contains("The password was not sent"),
        "{}",
        foreign.stderr
    );

    assert!(home.run(&["account", "list", "--json"]).lines().is_empty());
    assert_eq!(home.run(&["sync"]).code, 2);
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_sync_that_is_killed_loses_and_doubles_nothing() {
    const MESSAGES: u32 = 300;
    let kills: u64 = if std::env::var_os("DESKHAND_LONG").is_some() {
        100
    } else {
        20
    };
    let dovecot = Dovecot::start();
    for id in 1..=MESSAGES {
        let name = id.to_string();
        let path = dovecot.maildir().join("cur").join(format!("{name}:2,"));
        fs::write(path, mail(id, i64::from(id % 20), "")).expect("a mail");
    }
    dovecot.hand_over();
    let home = Home::new();
    assert_eq!(
        dovecot.join(&home, &dovecot.tls_url(), "rig-password").code,
        0
    );

    let mut cut = 0;
    for kill in 0..kills {
        let mut child = home
            .command()
            .args(["sync", "--json"])
            .spawn()
            .expect("it starts");
        // Spread over the time a whole sync takes, from before it signs in.
        std::thread::sleep(Duration::from_millis(20 + kill * 400 / kills));
        if child.try_wait().expect("asked").is_none() {
            cut += 1;
        }
        drop(child.kill());
        drop(child.wait());
    }
    let last = home.run(&["sync", "--json"]);
    let idle = home.run(&["sync", "--json"]).json();

    println!("{cut} of {kills} syncs were killed on the way");
    assert!(cut > 0, "every sync had ended before its kill");
    assert_eq!(last.code, 0, "{}", last.stderr);
    assert_eq!(idle["seen"], 0);
    let all = filed(&home);
    let mut ids: Vec<&str> = all
        .values()
        .flat_map(|(_, messages, _)| messages)
        .map(|message| message.rfc_message_id.as_str())
        .collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!((count, ids.len()), (300, 300));
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn a_watch_files_mail_as_it_comes_and_outlives_its_server() {
    let dovecot = Dovecot::start();
    dovecot.put("", "1", "", &mail(1, 1, ""));
    let home = Home::new();
    assert_eq!(
        dovecot.join(&home, &dovecot.tls_url(), "rig-password").code,
        0
    );
    let mut command = home.command();
    command.args(["sync", "--watch", "--json"]);
    let mut watch = Lines::of(command);
    assert_eq!(watch.next()["imported"], 1);

    let began = Instant::now();
    dovecot.put("", "2", "", &mail(2, 0, ""));
    assert_eq!(watch.next()["imported"], 1);
    // Dovecot gathers what it tells for half a second; the rest is ours. Wide, for a busy machine.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");

    dovecot.restart();
    dovecot.put("", "3", "", &mail(3, 0, ""));
    assert_eq!(watch.next()["imported"], 1);

    drop(watch);
    assert_eq!(filed(&home).len(), 3);
    println!("new mail was filed after {} ms", took.as_millis());
}

/// The JSON lines of a program, as they come.
struct Lines {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Lines {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("a pipe");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    fn next(&mut self) -> serde_json::Value {
        let line = self.lines.next().expect("a line").expect("it is read");
        serde_json::from_str(&line).expect("it is JSON")
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// IMAP speaks in lines that end with CR LF; a file may not.
fn in_lines(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len());
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && (at == 0 || bytes[at - 1] != b'\r') {
            lines.push(b'\r');
        }
        lines.push(*byte);
    }
    lines
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "eml") {
            found.push(path);
        }
    }
}

#[test]
#[ignore = "needs a Dovecot: tests/run installs it"]
fn every_mail_of_the_corpus_comes_over_imap_byte_for_byte() {
    let Some(corpus) = corpus() else {
        println!("corpus absent: 1 test not run");
        return;
    };
    let mut files = Vec::new();
    files_below(&corpus.join("mail/shared"), &mut files);
    assert!(files.len() > 200, "{} files", files.len());
    let dovecot = Dovecot::start();
    let mut expected = Vec::new();
    for (place, file) in files.iter().enumerate() {
        let bytes = fs::read(file).expect("a mail");
        // IMAP cannot carry a NUL outside a binary literal: the server changes it.
        if bytes.contains(&0) || bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let path = dovecot.maildir().join("cur").join(format!("{place}:2,S"));
        fs::write(path, &bytes).expect("a mail");
        expected.push(in_lines(&bytes));
    }
    dovecot.hand_over();
    let home = Home::new();
    assert_eq!(
        dovecot.join(&home, &dovecot.tls_url(), "rig-password").code,
        0
    );

    let synced = home.run(&["sync", "--json"]).json();

    assert_eq!(synced["rejected"], serde_json::json!([]), "{synced}");
    let mut kept: Vec<Vec<u8>> = filed(&home)
        .into_values()
        .flat_map(|(.., originals)| originals)
        .collect();
    kept.sort_unstable();
    expected.sort_unstable();
    expected.dedup();
    println!(
        "{} mails over IMAP, {} different ones",
        files.len(),
        expected.len()
    );
    assert_eq!(kept.len(), expected.len());
    assert!(kept == expected, "a mail is not as it was");
}
