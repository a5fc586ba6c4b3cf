//! New mail, old mail that comes late, and servers that count anew.

use super::{Home, Status, dovecot::mail, fake::Fake, parcel, statuses};

fn of_one() -> (Fake, Home) {
    let server = Fake::start();
    server.put(1, 1, mail(1, 1, ""));
    let home = Home::new();
    assert_eq!(server.join(&home).code, 0);
    assert_eq!(home.run(&["sync"]).code, 0);
    (server, home)
}

#[test]
fn new_mail_with_an_old_date_is_new_and_old_mail_that_was_moved_in_is_closed() {
    let (server, home) = of_one();
    server.put(2, 0, mail(2, 2_000, ""));
    server.put(3, 2_000, mail(3, 2_000, ""));

    assert_eq!(home.run(&["sync"]).code, 0);

    assert_eq!(
        statuses(&home),
        [
            parcel(1, Status::New, 1),
            parcel(2, Status::New, 1),
            parcel(3, Status::Closed, 1)
        ]
    );
}

#[test]
fn mail_in_our_name_that_comes_while_a_server_counts_anew_is_judged() {
    let (server, home) = of_one();
    let forged = String::from_utf8(mail(2, 0, "In-Reply-To: <m1@northbend.test>\r\n"))
        .expect("text")
        .replace("Maya Chen <maya@northbend.test>", "support@acme.test");
    server.put(2, 0, forged.into_bytes());
    server.with(|inbox| inbox.validity = 2);

    let synced = home.run(&["sync", "--json"]).json();

    assert_eq!(
        (&synced["imported"], &synced["duplicates"]),
        (&1.into(), &1.into())
    );
    let shown = home.run(&["show", "1", "--json"]).json();
    assert_eq!(shown["messages"][1]["hints"][0]["hint"], "unverified");
    assert_eq!(statuses(&home), [parcel(1, Status::New, 2)]);
}
