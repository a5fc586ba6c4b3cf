//! What a server may do with a mail, and what becomes of the reply.

use std::{
    fs,
    net::TcpListener,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use sqlx::{Connection as _, Executor as _};

use crate::{
    program::Home,
    smtp::{Manner, Smtp},
};

/// A desk with one ticket whose account sends by the server.
pub(super) fn desk(server: &Smtp) -> (Home, i64) {
    let home = Home::new();
    home.config(&format!(
        "[accounts.\"support@acme.test\"]\nimap = \"imap://127.0.0.1:1\"\n\
         smtp = \"smtp://127.0.0.1:{}\"\npassword_command = [\"printf\", \"x\"]\n",
        server.port
    ));
    let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
    (home, number)
}

pub(super) fn reply(home: &Home, number: i64, text: &str) -> String {
    let number = number.to_string();
    let ran = home.run_with(
        &["reply", &number, "--text", "-", "--hold", "0", "--json"],
        text,
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json()["outbox"].as_str().expect("an id").to_owned()
}

pub(super) fn send(home: &Home) -> serde_json::Value {
    home.run(&["outbox", "send", "--json"]).json()
}

pub(super) fn ticket(home: &Home, number: i64) -> serde_json::Value {
    home.run(&["show", &number.to_string(), "--json"]).json()
}

#[test]
fn a_reply_leaves_once_and_moves_its_ticket() {
    let server = Smtp::start(Manner::Takes);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "It is on its way.\n.\nTruly.");

    assert_eq!(send(&home)["sent"], serde_json::json!([id]));
    assert_eq!(send(&home)["sent"], serde_json::json!([]));

    let taken = server.taken.lock().expect("no panic").clone();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert!(taken[0].1.contains("It is on its way.\r\n.\r\nTruly."));
    let view = ticket(&home, number);
    assert_eq!(view["ticket"]["status"], "pending");
    assert_eq!(view["messages"].as_array().expect("a list").len(), 2);
}

#[test]
fn an_answer_that_never_came_is_unsure_and_never_sent_again_by_itself() {
    let server = Smtp::start(Manner::TakesAndBreaksOff);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Once only.");

    assert_eq!(send(&home)["unsure"], serde_json::json!([id]));
    server.turn(Manner::Takes);
    assert_eq!(send(&home)["unsure"], serde_json::json!([id]));
    assert_eq!(server.count(), 1, "nobody sent it again");
    assert_eq!(ticket(&home, number)["ticket"]["status"], "new");

    let told = home.run(&["outbox", "sent", &id[..13], "--json"]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert_eq!(ticket(&home, number)["ticket"]["status"], "pending");
    assert_eq!(server.count(), 1);
}

#[test]
fn a_reply_is_held_for_a_minute_at_most() {
    let home = Home::new();
    let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
    let hold = |seconds| {
        let number = number.to_string();
        home.run_with(
            &["reply", &number, "--text", "-", "--hold", seconds],
            "Yes.",
        )
    };

    let refused = hold("61");
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("0..=60"), "{}", refused.stderr);
    assert_eq!(hold("60").code, 0);
}

#[test]
fn unsure_replies_of_an_account_are_looked_for_over_one_connection() {
    let server = Smtp::start(Manner::TakesAndBreaksOff);
    let (imap, asked) = mailbox_that_hangs_up();
    let home = Home::new();
    home.config(&format!(
        "[accounts.\"support@acme.test\"]\nimap = \"imap://127.0.0.1:{imap}\"\n\
         smtp = \"smtp://127.0.0.1:{}\"\npassword_command = [\"printf\", \"x\"]\n",
        server.port
    ));
    for _ in 0..2 {
        let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
        reply(&home, number, "Once only.");
    }
    assert_eq!(send(&home)["unsure"].as_array().expect("a list").len(), 2);
    let before = asked.load(Ordering::SeqCst);

    send(&home);

    assert_eq!(asked.load(Ordering::SeqCst) - before, 1);
}

#[test]
fn that_a_reply_has_left_is_noted_however_long_the_database_is_locked() {
    let server = Smtp::start(Manner::TakesSlowly);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Once only.");
    let sending = home
        .command()
        .args(["outbox", "send", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let is_taken = (0..2_000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        server.count() == 1
    });
    assert!(is_taken, "it never came to the server");

    // Longer than a writer waits for the lock.
    lock_database(&home, Duration::from_secs(7));

    let told = sending.wait_with_output().expect("it ended").stdout;
    let told: serde_json::Value = serde_json::from_slice(&told).expect("JSON");
    assert_eq!(told["sent"], serde_json::json!([id]));
    assert_eq!(ticket(&home, number)["ticket"]["status"], "pending");
    assert_eq!(server.count(), 1);
}

#[test]
fn a_database_that_is_locked_before_the_text_goes_out_is_told_as_that() {
    let server = Smtp::start(Manner::Takes);
    let (home, number) = desk(&server);
    reply(&home, number, "Once only.");
    // Nobody is greeted while this is held.
    let silence = server.manner.lock().expect("no panic");
    let sending = home
        .command()
        .args(["outbox", "send", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let is_claimed = (0..500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        home.run(&["outbox", "--json"]).json()["delivery"] == "sending"
    });
    assert!(is_claimed, "it never was");

    thread::scope(|scope| {
        // Longer than a writer waits for the lock.
        let locking = scope.spawn(|| lock_database(&home, Duration::from_secs(7)));
        thread::sleep(Duration::from_millis(500));
        drop(silence);
        locking.join().expect("it ended");
    });

    let told = sending.wait_with_output().expect("it ended").stdout;
    let told: serde_json::Value = serde_json::from_slice(&told).expect("JSON");
    let said = told["failed"][0]["said"].as_str().expect("words");
    assert!(said.contains("could not be noted"), "{said}");
    assert_eq!(server.count(), 0);
}

/// Keeps other programs from writing to the desk's database for a while.
fn lock_database(home: &Home, time: Duration) {
    let file = home.data().join("deskhand.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let connected = sqlx::SqliteConnection::connect_with(&options).await;
        let mut connection = connected.expect("a connection");
        connection.execute("BEGIN IMMEDIATE").await.expect("a lock");
        tokio::time::sleep(time).await;
        connection.execute("ROLLBACK").await.expect("its end");
    });
}

/// A mailbox that hangs up on everybody, and how many it was asked by.
fn mailbox_that_hangs_up() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for stream in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (port, asked)
}

#[test]
fn a_person_may_send_an_unsure_reply_again_or_take_it_back() {
    let server = Smtp::start(Manner::BreaksOffInTheText);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Perhaps.");
    assert_eq!(send(&home)["unsure"], serde_json::json!([id]));

    server.turn(Manner::Takes);
    assert_eq!(home.run(&["outbox", "retry", &id]).code, 0);
    assert_eq!(send(&home)["sent"], serde_json::json!([id]));
    assert_eq!(server.count(), 1);

    server.turn(Manner::BreaksOffInTheText);
    let second = reply(&home, number, "And this?");
    assert_eq!(send(&home)["unsure"], serde_json::json!([second]));
    assert_eq!(home.run(&["outbox", "undo", &second]).code, 0);
    assert_eq!(ticket(&home, number)["draft"]["text"], "And this?");
    server.turn(Manner::Takes);
    assert_eq!(send(&home)["sent"], serde_json::json!([]));
}

#[test]
fn a_refused_reply_is_a_draft_again_with_the_servers_words() {
    for manner in [Manner::RefusesRecipient, Manner::RefusesText] {
        let server = Smtp::start(manner);
        let (home, number) = desk(&server);
        let id = reply(&home, number, "No?");

        let told = send(&home);

        assert_eq!(told["failed"][0]["outbox"], id.as_str(), "{told}");
        let said = told["failed"][0]["said"].as_str().expect("words");
        assert!(said.contains("5.1.1") || said.contains("5.7.1"), "{said}");
        let view = ticket(&home, number);
        assert_eq!(view["draft"]["text"], "No?");
        assert!(view["draft"]["flags"].to_string().contains("not sent: "));
        assert_eq!(view["ticket"]["status"], "new");
        assert_eq!(server.count(), 0);
    }
}

#[test]
fn what_is_put_off_waits_and_is_tried_again() {
    let server = Smtp::start(Manner::PutsOff);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Later.");

    let told = send(&home);

    assert_eq!(told["failed"][0]["outbox"], id.as_str());
    let again = home.run(&["outbox", "retry", &id]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let said = home.run(&["outbox", "send"]).stdout;
    assert!(
        said.contains("has not left, and will be tried again at 20"),
        "{said}"
    );
    let listed = home.run(&["outbox", "--json"]).json();
    assert_eq!(listed["delivery"], "held");
    assert_eq!(listed["attempts"], 1);
    assert!(listed["next_attempt_at"].is_string(), "{listed}");
    let words = home.run(&["outbox"]).stdout;
    assert!(words.contains("will be tried again at 20"), "{words}");
    assert!(words.contains(": 450 4.2.0 Come again"), "{words}");
    assert_eq!(
        send(&home)["held"],
        serde_json::json!([id]),
        "not before its time"
    );
    server.turn(Manner::Takes);
    assert_eq!(home.run(&["outbox", "retry", &id]).code, 0);
    assert_eq!(send(&home)["sent"], serde_json::json!([id]));
}

#[test]
fn a_server_whose_reports_can_name_to_whom_a_mail_was_written_is_told_so() {
    for (manner, told) in [
        (Manner::TakesAndReports, " ORCPT=rfc822;maya@example.com"),
        (Manner::Takes, ""),
    ] {
        let server = Smtp::start(manner);
        let (home, number) = desk(&server);
        reply(&home, number, "It is on its way.");

        send(&home);

        let taken = server.taken.lock().expect("no panic").clone();
        assert_eq!(taken[0].0, [format!("RCPT TO:<maya@example.com>{told}")]);
    }
}

#[test]
fn of_two_accounts_the_one_that_is_named_writes() {
    let (first, second) = (Smtp::start(Manner::Takes), Smtp::start(Manner::Takes));
    let home = Home::new();
    let account = |name: &str, port: u16| {
        format!(
            "[accounts.{name}]\naddress = \"{name}@acme.test\"\nimap = \"imap://127.0.0.1:1\"\n\
             smtp = \"smtp://127.0.0.1:{port}\"\npassword_command = [\"printf\", \"x\"]\n"
        )
    };
    let accounts = [account("shop", first.port), account("press", second.port)];
    home.config(&accounts.concat());
    let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
    let number = number.to_string();
    let reply = |more: &[&str], number: &str| {
        let args = ["reply", number, "--text", "-", "--hold", "0", "--json"];
        home.run_with(&[&args, more].concat(), "Here.")
    };

    let by_none = reply(&[], &number).json();
    let wrong = reply(&["--account", "nobody"], &number);
    let by_name = reply(&["--account", "press"], &number);
    let new = [
        "new",
        "--to",
        "maya@northbend.test",
        "--subject",
        "Hello",
        "--json",
    ];
    let begun = home.run(&[&new[..], &["--account", "shop@acme.test"]].concat());
    let begun = begun.json()["number"].to_string();
    let written = reply(&[], &begun);
    send(&home);

    assert_eq!(by_none["message_id"], serde_json::Value::Null);
    assert_eq!(wrong.code, 2, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("press, shop"), "{}", wrong.stderr);
    assert_eq!((by_name.code, written.code), (0, 0), "{}", by_name.stderr);
    for (server, from) in [(&first, "shop@acme.test"), (&second, "press@acme.test")] {
        let taken = server.taken.lock().expect("no panic").clone();
        assert_eq!(taken.len(), 1, "{taken:?}");
        let is_from = |line: &str| line.starts_with("From:") && line.contains(from);
        assert!(taken[0].1.lines().any(is_from), "{}", taken[0].1);
    }
}

#[test]
fn a_held_reply_comes_back_as_the_draft_it_was_and_a_note_never_leaves() {
    let server = Smtp::start(Manner::Takes);
    let (home, number) = desk(&server);
    let name = number.to_string();
    let ran = home.run_with(&["reply", &name, "--text", "-", "--json"], "Hold on.");
    let held = ran.json();
    let id = held["outbox"].as_str().expect("an id");
    assert_eq!(send(&home)["held"], serde_json::json!([id]));

    assert_eq!(home.run(&["outbox", "undo", id]).code, 0);
    assert_eq!(ticket(&home, number)["draft"]["text"], "Hold on.");
    let noted = home.run_with(&["note", &name, "--text", "-"], "He is a difficult one.");
    assert_eq!(noted.code, 0, "{}", noted.stderr);

    assert_eq!(send(&home)["sent"], serde_json::json!([]));
    assert_eq!(server.count(), 0);
    let view = ticket(&home, number);
    assert!(view["messages"].to_string().contains("difficult"));
    assert_eq!(view["ticket"]["status"], "new");
    let text = fs::read_to_string(home.path("config.toml")).expect("a config");
    assert!(text.contains("[accounts."));
}

#[test]
fn killed_anywhere_a_reply_leaves_at_most_once_and_is_accounted_for() {
    let rounds = if std::env::var_os("DESKHAND_LONG").is_some() {
        100
    } else {
        20
    };
    let server = Smtp::start(Manner::Takes);
    let (home, _) = desk(&server);
    let mut asked = 0;
    for round in 0..rounds {
        let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
        let id = reply(&home, number, &format!("Reply {round}."));
        let mut sending = home
            .command()
            .args(["outbox", "send"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // A whole run takes some 100 ms in a debug build: the kills fall all over it.
        thread::sleep(Duration::from_millis(round * 7 % 130));
        drop(sending.kill());
        sending.wait().expect("it ended");
        // A killed sender's claim is free at once; what it had handed over is asked about.
        let told = send(&home);
        let texts = server.taken.lock().expect("no panic").clone();
        let wanted = format!("Reply {round}.");
        let copies = texts
            .iter()
            .filter(|(_, text)| text.contains(&wanted))
            .count();
        assert!(copies <= 1, "round {round}: {copies} copies");
        let is_unsure = told["unsure"].to_string().contains(&id);
        if is_unsure {
            asked += 1;
            let how = if copies == 1 { "sent" } else { "undo" };
            assert_eq!(home.run(&["outbox", how, &id]).code, 0, "{how}");
            if how == "undo" {
                let draft = ticket(&home, number)["draft"]["text"].clone();
                assert_eq!(draft, wanted.as_str(), "nothing is lost");
            }
        } else {
            assert_eq!(copies, 1, "round {round} was lost: {told}");
        }
    }
    assert!(
        asked < rounds,
        "every kill cannot have fallen into the text"
    );
}

#[test]
fn a_reply_that_cannot_be_worked_off_keeps_no_other_waiting() {
    let server = Smtp::start(Manner::Takes);
    let (home, number) = desk(&server);
    let damaged = reply(&home, number, "This one is damaged.");
    let other = home.file("Invoice", "noor@northbend.test", "Where is it?");
    let whole = reply(&home, other, "This one is whole.");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = format!("sqlite:{}", home.data().join("deskhand.db").display());
    runtime.block_on(async {
        let mut db = sqlx::SqliteConnection::connect(&url)
            .await
            .expect("the file");
        let damage = "UPDATE outbox SET mime = '!' WHERE text = 'This one is damaged.'";
        db.execute(damage).await.expect("it is damaged");
    });

    let ran = home.run(&["outbox", "send", "--json"]);

    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let told = ran.json();
    assert_eq!(told["sent"], serde_json::json!([whole]));
    assert_eq!(told["failed"][0]["outbox"], damaged, "{told}");
    assert_eq!(server.count(), 1);
}

#[test]
fn an_account_is_removed_only_with_a_word_about_the_replies_that_wait_for_it() {
    let server = Smtp::start(Manner::PutsOff);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "It waits.");
    let remove = ["account", "remove", "support@acme.test", "--json"];

    let refused = home.run(&remove);

    assert_eq!(refused.code, 2, "{}", refused.stdout);
    for words in [
        format!("1 reply waits in the outbox to leave by support@acme.test: to #{number}."),
        "deskhand outbox undo ID".to_owned(),
        "they stay in the outbox and ask before they leave.".to_owned(),
    ] {
        assert!(refused.stderr.contains(&words), "{}", refused.stderr);
    }
    assert_eq!(home.run(&["account", "list", "--json"]).lines().len(), 1);

    let removed = home.run(&[&remove[..], &["--yes"]].concat());

    assert_eq!(removed.code, 0, "{}", removed.stderr);
    assert_eq!(removed.json()["replies_waiting"], 1);
    assert!(home.run(&["account", "list", "--json"]).lines().is_empty());
    let waits = home.run(&["outbox", "--json"]);
    assert_eq!(waits.json()["id"], id);
    assert_eq!(home.run(&["outbox", "undo", &id]).code, 0);
}
