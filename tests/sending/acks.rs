//! Automatic answers, beside the mail that is read.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    dovecot::mail,
    imap::Fake,
    program::Home,
    smtp::{Manner, Smtp},
};

/// Makes a desk of a mailbox with one mail that answers what comes, by way of a port.
fn answering(imap: &Fake, port: u16) -> Home {
    imap.put(1, 1, mail(1, 1, ""));
    let home = Home::new();
    assert_eq!(imap.join(&home).code, 0);
    let file = home.path("config.toml");
    let text = fs::read_to_string(&file).expect("a config");
    let answers =
        format!("acknowledge = \"We have your mail.\"\nsmtp = \"smtp://127.0.0.1:{port}\"\nimap =");
    fs::write(&file, text.replace("imap =", &answers)).expect("a config");
    // What is there before the account is is never answered.
    assert_eq!(home.run(&["sync"]).code, 0);
    home
}

fn start_sync(home: &Home) -> Child {
    home.command()
        .arg("sync")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Tells whether the mailbox is left so often. A mail server that keeps silent is waited for
/// longer than this.
fn is_left(imap: &Fake, sign_outs: u32) -> bool {
    (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        imap.with(|inbox| inbox.sign_outs) >= sign_outs
    })
}

#[test]
fn mail_is_read_to_its_end_while_a_server_takes_its_time_over_an_automatic_answer() {
    let (imap, smtp) = (Fake::start(), Smtp::start(Manner::Takes));
    let home = answering(&imap, smtp.port);
    let before = imap.with(|inbox| inbox.sign_outs);
    imap.put(2, -1, mail(2, 0, ""));
    // Nobody is greeted while this is held.
    let silence = smtp.manner.lock().expect("no panic");

    let mut syncing = start_sync(&home);
    let is_read = is_left(&imap, before + 1);
    // Who waits for that server holds no mailbox.
    let mut another = start_sync(&home);
    let is_read_again = is_left(&imap, before + 2);
    drop(silence);

    assert!(is_read, "the mailbox was not left");
    assert!(is_read_again, "the mailbox was not let go");
    assert!(syncing.wait().expect("it ended").success());
    assert!(another.wait().expect("it ended").success());
    let taken = smtp.taken.lock().expect("no panic").clone();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].1.contains("We have your mail."));
}

#[test]
fn a_server_that_cannot_be_reached_is_asked_once_for_all_answers_that_wait() {
    let (imap, listener) = (
        Fake::start(),
        TcpListener::bind("127.0.0.1:0").expect("a port"),
    );
    let port = listener.local_addr().expect("an address").port();
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    // It hangs up on everybody.
    thread::spawn(move || {
        for _call in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let home = answering(&imap, port);
    for uid in 2..=4 {
        let from = format!("maya{uid}@northbend.test");
        let bytes = String::from_utf8(mail(uid, 0, "")).expect("text");
        imap.put(uid, -1, bytes.replace("maya@northbend.test", &from).into());
    }

    assert_eq!(home.run(&["sync"]).code, 0);

    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
