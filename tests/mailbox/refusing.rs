//! Servers that refuse, forget or hang up between two answers: mail comes later, and never not.

use super::{
    Home,
    dovecot::mail,
    fake::{Fake, Fault},
    filed,
};

fn of_five() -> (Fake, Home) {
    let server = Fake::start();
    for uid in 1..=5 {
        server.put(uid, 1, mail(uid, 1, ""));
    }
    let home = Home::new();
    let joined = server.join(&home);
    assert_eq!(joined.code, 0, "{}", joined.stderr);
    assert_eq!(server.with(|inbox| inbox.sign_ins), 1);
    (server, home)
}

#[test]
fn what_a_server_did_not_give_comes_with_the_next_sync() {
    for (fault, come_at_once) in [
        (Fault::RefusesBody(3), 4),
        (Fault::Forgets(3), 4),
        (Fault::HangsUpBefore(3), 0),
        (Fault::RefusesSearch, 0),
        (Fault::HangsUpAtSearch, 0),
    ] {
        let (server, home) = of_five();
        server.with(|inbox| inbox.fault = fault);

        let first = home.run(&["sync", "--json"]);

        assert_ne!(first.code, 0, "{fault:?}: {}", first.stdout);
        assert!(first.stderr.contains("127.0.0.1"), "{}", first.stderr);
        assert_eq!(filed(&home).len(), come_at_once, "{fault:?}");
        server.with(|inbox| inbox.fault = Fault::None);
        let next = home.run(&["sync", "--json"]);
        assert_eq!(next.code, 0, "{fault:?}: {}", next.stderr);
        assert_eq!(filed(&home).len(), 5, "{fault:?}");
    }
}

#[test]
fn a_refused_sync_notes_no_folder_as_read_to_its_end() {
    let (server, home) = of_five();
    assert_eq!(home.run(&["sync"]).code, 0);
    server.put(6, 0, mail(6, 0, ""));
    server.with(|inbox| inbox.fault = Fault::RefusesSearch);
    assert_ne!(home.run(&["sync"]).code, 0);
    server.with(|inbox| inbox.fault = Fault::RefusesBody(6));
    assert_ne!(home.run(&["sync"]).code, 0);
    server.with(|inbox| inbox.fault = Fault::None);

    let last = home.run(&["sync", "--json"]).json();

    assert_eq!(last["imported"], 1, "{last}");
}
