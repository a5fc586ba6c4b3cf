//! Automatic answers, beside the mail that is read.

use std::{fs, process::Stdio, thread, time::Duration};

use crate::{
    dovecot::mail,
    imap::Fake,
    program::Home,
    smtp::{Manner, Smtp},
};

#[test]
fn mail_is_read_to_its_end_while_a_server_takes_its_time_over_an_automatic_answer() {
    let (imap, smtp) = (Fake::start(), Smtp::start(Manner::Takes));
    imap.put(1, 1, mail(1, 1, ""));
    let home = Home::new();
    assert_eq!(imap.join(&home).code, 0);
    let file = home.path("config.toml");
    let text = fs::read_to_string(&file).expect("a config");
    let answers = format!(
        "acknowledge = \"We have your mail.\"\nsmtp = \"smtp://127.0.0.1:{}\"\nimap =",
        smtp.port
    );
    fs::write(&file, text.replace("imap =", &answers)).expect("a config");
    // What is there before the account is is never answered.
    assert_eq!(home.run(&["sync"]).code, 0);
    let before = imap.with(|inbox| inbox.sign_outs);
    imap.put(2, -1, mail(2, 0, ""));
    // Nobody is greeted while this is held.
    let silence = smtp.manner.lock().expect("no panic");

    let mut syncing = home
        .command()
        .arg("sync")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");

    // A server that keeps silent is waited for longer than that.
    let is_read = (0..1_000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        imap.with(|inbox| inbox.sign_outs) > before
    });
    drop(silence);
    assert!(is_read, "the mailbox was not left");
    assert!(syncing.wait().expect("it ended").success());
    let taken = smtp.taken.lock().expect("no panic").clone();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].1.contains("We have your mail."));
}
