//! Copies in the folder of sent mail.

use crate::{
    faults::{reply, send},
    imap::Fake,
    program::Home,
    smtp::{Manner, Smtp},
};

#[test]
fn a_mailbox_that_lets_nobody_in_keeps_no_copy_of_another_waiting() {
    let smtp = Smtp::start(Manner::Takes);
    let (shut, open) = (Fake::start(), Fake::start());
    shut.with(|inbox| inbox.is_shut = true);
    open.with(|inbox| inbox.has_sent = true);
    let home = Home::new();
    let account = |name: &str, imap: &Fake| {
        format!(
            "[accounts.{name}]\naddress = \"{name}@acme.test\"\nimap = \"{}\"\n\
             smtp = \"smtp://127.0.0.1:{}\"\npassword_command = [\"printf\", \"x\"]\n",
            imap.url(),
            smtp.port
        )
    };
    home.config(&[account("a", &shut), account("b", &open)].concat());
    for by in ["a", "a", "b", "b"] {
        let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
        let number = number.to_string();
        let args = [
            "reply",
            &number,
            "--text",
            "-",
            "--hold",
            "0",
            "--account",
            by,
        ];
        let ran = home.run_with(&args, "Here.");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }

    let sent = send(&home);

    assert_eq!(sent["sent"].as_array().map(Vec::len), Some(4), "{sent}");
    assert_eq!(
        open.with(|inbox| (inbox.sent.len(), inbox.sign_ins)),
        (2, 1)
    );
    assert_eq!(shut.with(|inbox| inbox.sign_ins), 1, "it is asked once");
    shut.with(|inbox| (inbox.is_shut, inbox.has_sent) = (false, true));
    send(&home);
    assert_eq!(shut.with(|inbox| inbox.sent.len()), 2);
    assert_eq!(open.with(|inbox| inbox.sent.len()), 2, "once each");
}

#[test]
fn what_the_folder_of_sent_mail_settles_is_named() {
    let smtp = Smtp::start(Manner::TakesAndBreaksOff);
    let imap = Fake::start();
    imap.with(|inbox| (inbox.has_sent, inbox.is_shut) = (true, true));
    let home = Home::new();
    home.config(&format!(
        "[accounts.\"support@acme.test\"]\nimap = \"{}\"\nsmtp = \"smtp://127.0.0.1:{}\"\n\
         password_command = [\"printf\", \"x\"]\n",
        imap.url(),
        smtp.port
    ));
    let ids = [0, 1].map(|_| {
        let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
        reply(&home, number, "Once only.")
    });
    assert_eq!(send(&home)["unsure"], serde_json::json!(ids));

    let sent: Vec<Vec<u8>> = smtp
        .taken
        .lock()
        .expect("no panic")
        .iter()
        .map(|(_, mail)| mail.clone().into_bytes())
        .collect();
    imap.with(|inbox| (inbox.is_shut, inbox.sent) = (false, sent));
    let told = home.run(&["outbox", "send"]);

    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout.starts_with("2 sent, 0 held."),
        "{}",
        told.stdout
    );
    for id in ids {
        let line = format!("{id} had left before: it was found in the folder of sent mail.");
        assert!(told.stdout.contains(&line), "{}", told.stdout);
    }
}
