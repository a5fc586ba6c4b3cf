//! Finding mail servers, against a DNS server and a web server of the test's own on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

#[path = "discover/world.rs"]
mod world;

use std::time::{Duration, Instant};

use deskhand::desk::{
    DeskError,
    servers::{Origin, find},
};

use world::{World, file};

const ADDRESS: &str = "support@acme.test";

#[tokio::test]
async fn the_dns_of_the_domain_is_believed_first() {
    let world = World::start().await;
    world.srv("_imaps._tcp.acme.test", (20, 0, 993, "slow.acme.test"));
    world.srv("_imaps._tcp.acme.test", (10, 5, 993, "imap.acme.test"));
    world.srv("_imap._tcp.acme.test", (0, 0, 143, "imap.acme.test"));
    world.srv(
        "_submissions._tcp.acme.test",
        (0, 0, 465, "smtp.hoster.test"),
    );
    world.put(
        "/list/acme.test",
        &file("other.acme.test", "other.acme.test"),
    );

    let found = find(ADDRESS, &world.places()).await.unwrap();

    assert_eq!(found.imap.server.to_string(), "imaps://imap.acme.test:993");
    assert_eq!(found.imap.origin, Origin::Srv);
    let smtp = found.smtp.as_ref().unwrap();
    assert_eq!(smtp.server.to_string(), "smtps://smtp.hoster.test:465");
    assert_eq!(found.outside(ADDRESS), ["smtp.hoster.test"]);
}

#[tokio::test]
async fn the_files_of_the_domain_come_before_the_list_of_others() {
    let world = World::start().await;
    world.put("/list/acme.test", &file("list.acme.test", "list.acme.test"));
    let list = find(ADDRESS, &world.places()).await.unwrap();
    world.put(
        "/well-known/acme.test",
        &file("known.acme.test", "known.acme.test"),
    );
    let known = find(ADDRESS, &world.places()).await.unwrap();
    world.put(
        "/autoconfig/acme.test?emailaddress=support@acme.test",
        &file("auto.acme.test", "auto.acme.test"),
    );
    let auto = find(ADDRESS, &world.places()).await.unwrap();

    let origins = [list, known, auto].map(|found| (found.imap.server.host, found.imap.origin));
    assert_eq!(
        origins,
        [
            ("list.acme.test".to_owned(), Origin::List),
            ("known.acme.test".to_owned(), Origin::WellKnown),
            ("auto.acme.test".to_owned(), Origin::Autoconfig),
        ]
    );
}

#[tokio::test]
async fn a_domain_whose_mail_a_known_provider_takes_is_found_under_the_provider() {
    let world = World::start().await;
    world.mx("acme.test", (10, "mx2.mail.bigpost.test"));
    world.put(
        "/list/bigpost.test",
        &file("imap.bigpost.test", "smtp.bigpost.test"),
    );

    let found = find(ADDRESS, &world.places()).await.unwrap();

    assert_eq!(
        found.imap.server.to_string(),
        "imaps://imap.bigpost.test:993"
    );
    assert_eq!(found.imap.origin, Origin::ListOfExchanger);
    assert_eq!(
        found.outside(ADDRESS),
        ["imap.bigpost.test", "smtp.bigpost.test"]
    );
}

#[tokio::test]
async fn a_place_that_never_answers_costs_no_more_than_the_limit() {
    let world = World::start().await;
    world.srv("_imaps._tcp.acme.test", (0, 0, 993, "imap.acme.test"));
    world.hang("/autoconfig/");
    let mut places = world.places();
    places.limit = Duration::from_millis(800);

    #[expect(
        clippy::disallowed_methods,
        reason = "how long it really takes is the point"
    )]
    let began = Instant::now();
    let found = find(ADDRESS, &places).await.unwrap();

    assert_eq!(found.imap.server.host, "imap.acme.test");
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn when_nothing_is_found_every_place_is_named() {
    let world = World::start().await;
    world.srv("_imaps._tcp.acme.test", (0, 0, 0, "."));
    world.put("/well-known/acme.test", "<html>welcome</html>");

    let error = find(ADDRESS, &world.places()).await.unwrap_err();

    assert!(matches!(error, DeskError::NoServers { .. }), "{error}");
    let told = error.to_string();
    for place in [
        "Asked: DNS for _imaps._tcp.acme.test, DNS for _imap._tcp.acme.test, ",
        "/autoconfig/acme.test?emailaddress=support@acme.test, ",
        "/well-known/acme.test (it is no autoconfig file",
        "/list/acme.test (nothing there)",
    ] {
        assert!(told.contains(place), "{place} is not in: {told}");
    }
    let advice = error.advice().unwrap();
    assert!(
        advice.contains("--imap imaps://imap.acme.test:993"),
        "{advice}"
    );
}

#[tokio::test]
async fn nothing_is_believed_that_came_over_an_open_or_a_false_connection() {
    let world = World::start().await;
    let good = file("imap.acme.test", "smtp.acme.test");
    world.put("/well-known/acme.test", &good);
    let mut open = world.places();
    open.well_known = open.well_known.replace("https:", "http:");
    let mut stranger = world.places();
    stranger.ca = None;

    for (places, why) in [(open, "not https"), (stranger, "a stranger's certificate")] {
        let error = find(ADDRESS, &places).await.unwrap_err();
        assert!(
            matches!(error, DeskError::NoServers { .. }),
            "{why}: {error}"
        );
    }
    world.redirect("/list/acme.test", "http://localhost/elsewhere");
    world.put("/well-known/acme.test", "");
    let error = find(ADDRESS, &world.places()).await.unwrap_err();
    assert!(matches!(error, DeskError::NoServers { .. }), "{error}");
}
