//! What is new is told by when it arrived, not by the date it bears, nor by when it is read.

use std::path::PathBuf;

use super::{
    importer::Importer,
    letters::{Arrival, Letters},
    ours::Belief,
    tests::{Bench, OURS},
};
use crate::{
    desk::send::letter,
    domain::{Hint, Status, Timestamp},
    source::import::{Found, Marks},
};

/// The bench's desk was added on this day; it is the 25th now.
const ADDED: &str = "2026-11-20T08:00:00Z";
const LONG_AGO: (&str, &str) = ("Tue, 05 Mar 2019 08:00:00 +0000", "2019-03-05T08:00:00Z");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Files a mail with a date of its own that arrived at another.
async fn file(
    importer: &mut Importer<'_>,
    (id, from): (&str, &str),
    (date, arrived): (&str, &str),
) {
    let bytes = format!(
        "From: {from}\r\nTo: {OURS}\r\nSubject: {id}\r\nMessage-ID: <{id}@maya.test>\r\n\
         Date: {date}\r\n\r\nWhere is it? {id}\r\n"
    );
    let found = Found {
        path: PathBuf::from(id),
        part: None,
        bytes: bytes.into_bytes(),
        marks: Marks::default(),
        modified: Some(at(arrived)),
    };
    let letters = Letters::of(vec![found], importer.at, Arrival::Known);
    importer.letters(letters).await.unwrap();
}

#[tokio::test]
async fn new_mail_with_a_wrong_date_is_new_and_old_mail_that_comes_late_is_old() {
    let bench = Bench::new().await;
    let mut importer = bench
        .importer("imap:a")
        .closed_before(at("2026-10-26T10:00:00Z"));
    importer.live(Some(at(ADDED)));

    let today = "2026-11-25T09:00:00Z";
    file(
        &mut importer,
        ("wrong", "maya@maya.test"),
        (LONG_AGO.0, today),
    )
    .await;
    let to_answer = importer.take_new();
    file(&mut importer, ("old", "noor@noor.test"), LONG_AGO).await;
    let future = ("Fri, 25 Nov 2033 08:00:00 +0000", LONG_AGO.1);
    file(&mut importer, ("forged", "eve@evil.test"), future).await;

    let (wrong, _) = bench.ticket(1).await;
    assert_eq!(wrong.status, Status::New);
    assert_eq!(to_answer, [wrong.id]);
    assert_eq!(bench.ticket(2).await.0.status, Status::Closed);
    assert!(importer.take_new().is_empty(), "old mail is not answered");
}

#[tokio::test]
async fn the_first_reading_goes_by_the_date_of_what_was_read_and_by_the_arrival_of_what_was_not() {
    let bench = Bench::new().await;
    let mut importer = bench
        .importer("imap:a")
        .closed_before(at("2026-10-26T10:00:00Z"));
    importer.live(None);

    let today = "2026-11-25T09:00:00Z";
    file(
        &mut importer,
        ("wrong", "maya@maya.test"),
        (LONG_AGO.0, today),
    )
    .await;
    file(&mut importer, ("old", "noor@noor.test"), LONG_AGO).await;

    assert_eq!(bench.ticket(1).await.0.status, Status::New);
    assert_eq!(bench.ticket(2).await.0.status, Status::Closed);
    assert!(importer.take_new().is_empty());
}

#[tokio::test]
async fn a_server_that_counts_anew_is_believed_only_for_what_it_had() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    importer.believe(Belief::Judged(None));
    importer.live(Some(at(ADDED)));
    importer.there_before(Some(at(ADDED)));

    let before = ("Thu, 19 Nov 2026 08:00:00 +0000", "2026-11-19T08:00:00Z");
    file(&mut importer, ("had", OURS), before).await;
    let since = ("Thu, 19 Nov 2026 08:00:00 +0000", "2026-11-25T09:00:00Z");
    file(&mut importer, ("forged", OURS), since).await;

    let (_, had) = bench.ticket(1).await;
    let (_, forged) = bench.ticket(2).await;
    assert!(had[0].hints.is_empty());
    assert_eq!(forged[0].hints, [Hint::Unverified]);
}

#[tokio::test]
async fn a_date_from_the_future_makes_no_later_mail_old() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    let then = "Fri, 25 Nov 2033 08:00:00 +0000";
    let answers = |from: &str| format!("{from}\r\nIn-Reply-To: <future@maya.test>");
    let mut stood = Vec::new();
    for (now, id, from, date) in [
        (
            "2026-11-25T10:00:00Z",
            "future",
            "maya@maya.test".to_owned(),
            then,
        ),
        (
            "2026-11-25T11:00:00Z",
            "ours",
            answers(OURS),
            "Wed, 25 Nov 2026 10:30:00 +0000",
        ),
        (
            "2026-11-25T12:00:00Z",
            "theirs",
            answers("maya@maya.test"),
            "Wed, 25 Nov 2026 11:30:00 +0000",
        ),
    ] {
        importer.at = at(now);
        file(&mut importer, (id, &from), (date, now)).await;
        stood.push(bench.ticket(1).await.0.status);
    }

    assert_eq!(stood, [Status::New, Status::Solved, Status::Open]);
    let (ticket, messages) = bench.ticket(1).await;
    let answered = letter::answered(&messages).unwrap();
    assert_eq!(answered.rfc_message_id, "theirs@maya.test");
    assert!(ticket.updated_at <= at("2026-11-25T12:00:00Z"));
    assert!(ticket.created_at <= at("2026-11-25T10:00:00Z"));
}
