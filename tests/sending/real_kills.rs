//! A sender that is killed anywhere, before a real Postfix: no reply leaves twice, none is lost.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{
    faults::{reply, send, ticket},
    real::Rig,
};

#[test]
#[ignore = "needs a Dovecot and a Postfix: tests/run installs them"]
fn killed_anywhere_before_a_real_server_a_reply_leaves_at_most_once() {
    let rounds = if std::env::var_os("DESKHAND_LONG").is_some() {
        100
    } else {
        20
    };
    let rig = Rig::start();
    let home = rig.desk(&format!("smtp://localhost:{}", rig.submission));
    let mut asked = 0;
    let mut left = 0;
    for round in 0..rounds {
        let number = home.file("Parcel", "maya@northbend.test", "Where is it?");
        let wanted = format!("Reply {round}.");
        let id = reply(&home, number, &wanted);
        let mut sending = home
            .command()
            .args(["outbox", "send"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        // A whole run takes some 200 ms in a debug build: the kills fall all over it.
        thread::sleep(Duration::from_millis(round * 17 % 300));
        drop(sending.kill());
        sending.wait().expect("it ended");

        let told = send(&home);
        if told["unsure"].to_string().contains(&id) {
            asked += 1;
            // The server has had its time to deliver what it took.
            thread::sleep(Duration::from_millis(1_500));
            let how = if copies(&rig, &wanted) == 1 {
                "sent"
            } else {
                "undo"
            };
            assert_eq!(home.run(&["outbox", how, &id]).code, 0, "{how}");
            if how == "undo" {
                let draft = ticket(&home, number)["draft"]["text"].clone();
                assert_eq!(draft, wanted.as_str(), "nothing is lost");
            }
        } else {
            left += 1;
            let began = Instant::now();
            while copies(&rig, &wanted) == 0 {
                let so_far = began.elapsed();
                assert!(so_far < Duration::from_secs(20), "round {round}: {told}");
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    thread::sleep(Duration::from_millis(1_500));
    for round in 0..rounds {
        let copies = copies(&rig, &format!("Reply {round}."));
        assert!(copies <= 1, "round {round}: {copies} copies");
    }
    println!("{asked} of {rounds} were asked about, {left} left by themselves");
    assert!(left > 0, "every kill cannot have fallen into the text");
}

fn copies(rig: &Rig, text: &str) -> usize {
    let mails = rig.mails("maya");
    let has = |mail: &&Vec<u8>| String::from_utf8_lossy(mail).contains(text);
    mails.iter().filter(has).count()
}
