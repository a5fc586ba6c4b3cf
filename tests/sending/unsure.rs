//! A reply that may have left, taken back: whoever sends it again knows.

use std::{thread, time::Duration};

use serde_json::json;

use crate::{
    faults::{desk, reply, send, ticket},
    program::Home,
    smtp::{Manner, Smtp},
};

const MAY_HAVE_LEFT: &str = "it may have left already: the customer may get it twice";

fn taken_back(home: &Home, id: &str) -> serde_json::Value {
    let ran = home.run(&["outbox", "undo", id, "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.json()["flags"].clone()
}

#[test]
fn a_reply_that_may_have_left_says_so_when_it_is_taken_back() {
    let server = Smtp::start(Manner::TakesAndBreaksOff);
    let (home, number) = desk(&server);
    let second = home.file("Invoice", "sam@northbend.test", "Where is it?");
    let id = reply(&home, number, "Once only.");
    let other = reply(&home, second, "Once only.");
    assert_eq!(send(&home)["unsure"], json!([id, other]));

    let said = home.run(&["outbox", "undo", &other]).stdout;
    let flags = taken_back(&home, &id);

    assert!(said.contains("it may have left already: look"), "{said}");
    assert_eq!(flags, json!([MAY_HAVE_LEFT]));
    for number in [number, second] {
        let draft = &ticket(&home, number)["draft"];
        assert_eq!(draft["flags"], json!([MAY_HAVE_LEFT]));
    }
}

#[test]
fn a_reply_that_may_have_left_says_so_after_it_was_tried_again_too() {
    let server = Smtp::start(Manner::TakesAndBreaksOff);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Once only.");
    assert_eq!(send(&home)["unsure"], json!([id]));
    server.turn(Manner::PutsOff);
    assert_eq!(home.run(&["outbox", "retry", &id]).code, 0);
    send(&home);

    assert_eq!(taken_back(&home, &id), json!([MAY_HAVE_LEFT]));
}

#[test]
fn a_reply_that_never_left_carries_no_mark_when_it_is_taken_back() {
    let server = Smtp::start(Manner::Takes);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Once only.");

    assert_eq!(taken_back(&home, &id), json!([]));
}

#[test]
fn a_reply_that_is_being_sent_is_not_taken_back_and_says_why() {
    let server = Smtp::start(Manner::TakesSlowly);
    let (home, number) = desk(&server);
    let id = reply(&home, number, "Once only.");

    let (meanwhile, after) = thread::scope(|scope| {
        let sending = scope.spawn(|| send(&home));
        while server.count() == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        let meanwhile = home.run(&["outbox", "undo", &id]);
        sending.join().expect("no panic");
        (meanwhile, home.run(&["outbox", "undo", &id]))
    });

    for (ran, why) in [(meanwhile, "being sent right now"), (after, "has left")] {
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
        assert!(ran.stderr.contains("cannot be taken back any more"));
        assert!(!ran.stderr.contains("Both texts"), "{}", ran.stderr);
    }
}
