//! Servers that refuse, forget or hang up between two answers: mail comes later, and never not.

use sqlx::{Connection as _, Executor as _};

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

/// Syncs with a server that does so to the third of five messages; returns how that ended.
fn synced(server: &Fake, home: &Home, fault: Fault) -> (i32, serde_json::Value) {
    server.with(|inbox| inbox.fault = fault);
    let ran = home.run(&["sync", "--json"]);
    let told = ran.lines().into_iter().next().unwrap_or_default();
    (ran.code, told)
}

/// Lets an hour go by for what a server keeps back.
fn an_hour_later(home: &Home) {
    let_go_by(home, "again_at = again_at - 3600000000");
}

/// Lets ten minutes go by for what is not passed over yet.
fn long_asked_for(home: &Home) {
    let_go_by(home, "again_at = again_at - 600000000 WHERE tries < 3");
}

fn let_go_by(home: &Home, change: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = format!("sqlite:{}", home.data().join("deskhand.db").display());
    runtime.block_on(async {
        let mut db = sqlx::SqliteConnection::connect(&url)
            .await
            .expect("the file");
        let earlier = sqlx::AssertSqlSafe(format!("UPDATE kept_back SET {change}"));
        db.execute(earlier).await.expect("it is changed");
    });
}

#[test]
fn what_a_server_never_gives_is_named_after_ten_minutes_and_asked_for_again_later() {
    for fault in [Fault::RefusesBody(3), Fault::Forgets(3), Fault::IsNil(3)] {
        let (server, home) = of_five();
        for _ in 0..4 {
            assert_eq!(synced(&server, &home, fault).0, 1, "{fault:?}");
        }
        long_asked_for(&home);

        let (code, third) = synced(&server, &home, fault);

        assert_eq!(code, 0, "{fault:?}");
        let rejected = third["rejected"].as_array().expect("a list");
        assert_eq!((rejected.len(), &third["seen"]), (1, &1.into()), "{third}");
        let path = "support@acme.test/INBOX/3";
        assert_eq!(rejected[0]["path"], path);
        let reason = rejected[0]["reason"].as_str().expect("words");
        assert!(reason.contains("in another mail program"), "{reason}");
        let kept = std::fs::read_to_string(home.data().join("rejects.jsonl"));
        assert!(kept.expect("the rejects").contains(path));

        // Passed over: what is new comes, and nothing more is said of it.
        server.put(6, 0, mail(6, 0, ""));
        let (code, fourth) = synced(&server, &home, fault);
        assert_eq!((code, &fourth["imported"]), (0, &1.into()), "{fault:?}");
        assert_eq!(fourth["rejected"], serde_json::json!([]));

        an_hour_later(&home);
        let (code, again) = synced(&server, &home, fault);
        assert_eq!((code, &again["seen"]), (0, &1.into()), "{again}");
        an_hour_later(&home);
        let (code, whole) = synced(&server, &home, Fault::None);
        assert_eq!((code, &whole["imported"]), (0, &1.into()), "{whole}");
        assert_eq!(filed(&home).len(), 6, "{fault:?}");
    }
}

#[test]
fn a_connection_that_breaks_is_never_taken_for_a_refusal() {
    let (server, home) = of_five();
    for _ in 0..4 {
        let (code, _) = synced(&server, &home, Fault::HangsUpBefore(3));
        assert_eq!(code, 1);
    }
    let (code, last) = synced(&server, &home, Fault::None);
    assert_eq!((code, &last["imported"]), (0, &5.into()), "{last}");
}

#[test]
fn a_server_that_refuses_many_is_read_all_the_same_in_the_end() {
    let server = Fake::start();
    for uid in 1..=20 {
        server.put(uid, 1, mail(uid, 1, ""));
    }
    let home = Home::new();
    assert_eq!(server.join(&home).code, 0);

    let ended = (0..12).find(|_| {
        long_asked_for(&home);
        synced(&server, &home, Fault::RefusesAbove(5)).0 == 0
    });

    assert_eq!(
        ended,
        Some(5),
        "three syncs for eleven, three for the others"
    );
    assert_eq!(filed(&home).len(), 5);
}
