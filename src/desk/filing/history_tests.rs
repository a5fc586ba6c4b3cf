//! A mailbox comes in newest first, and may be cut off anywhere: which tickets it makes does not
//! tell where.

use std::path::PathBuf;

use super::{
    importer::Importer,
    letters::{Arrival, Letters},
    ours::Belief,
    tests::{Bench, OURS},
};
use crate::{
    domain::{Change, Delivery, Ending, Hint, Status, Timestamp},
    source::import::{Found, Marks},
};

const SOURCE: &str = "imap:support@acme.test";

/// A mail of a mailbox: who wrote it, what it answers, when, and whether it was read.
struct Mail {
    id: &'static str,
    from: &'static str,
    answers: &'static str,
    at: &'static str,
    marks: Marks,
}

const READ: Marks = Marks {
    was_seen: true,
    was_answered: false,
    left_there_mb: None,
};
const UNREAD: Marks = Marks {
    was_seen: false,
    ..READ
};

const fn mail(
    (id, from): (&'static str, &'static str),
    answers: &'static str,
    at: &'static str,
    marks: Marks,
) -> Mail {
    Mail {
        id,
        from,
        answers,
        at,
        marks,
    }
}

/// Oldest first, as a server numbers it: a long thread that is over, one that began long ago and
/// was answered lately, one that waits, and one whose last word is ours.
const MAILBOX: [Mail; 11] = [
    mail(("a1", "maya@x.test"), "", "2026-08-01T08:00:00Z", READ),
    mail(("b1", "noor@x.test"), "", "2026-08-02T08:00:00Z", READ),
    mail(("a2", OURS), "a1", "2026-08-03T08:00:00Z", READ),
    mail(("a3", "maya@x.test"), "a1 a2", "2026-08-04T08:00:00Z", READ),
    mail(("c1", "theo@x.test"), "", "2026-08-05T08:00:00Z", READ),
    mail(("a4", "maya@x.test"), "a2 a3", "2026-08-06T08:00:00Z", READ),
    mail(("b2", "noor@x.test"), "b1", "2026-11-20T08:00:00Z", READ),
    mail(("d1", "ines@x.test"), "", "2026-11-21T08:00:00Z", READ),
    mail(("b3", OURS), "b2", "2026-11-22T08:00:00Z", READ),
    mail(("d2", OURS), "d1", "2026-11-22T09:00:00Z", READ),
    mail(("d3", "ines@x.test"), "d2", "2026-11-23T08:00:00Z", UNREAD),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn found(mail: &Mail) -> Found {
    let answers: Vec<String> = mail
        .answers
        .split_whitespace()
        .map(|id| format!("<{id}@x.test>"))
        .collect();
    let references = if answers.is_empty() {
        String::new()
    } else {
        format!("References: {}\r\n", answers.join(" "))
    };
    let date = at(mail.at).strftime("%a, %d %b %Y %H:%M:%S +0000");
    let bytes = format!(
        "{references}From: {}\r\nTo: {OURS}\r\nSubject: A parcel\r\nMessage-ID: <{}@x.test>\r\n\
         Date: {date}\r\n\r\nThis is what {} says.\r\n",
        mail.from, mail.id, mail.id
    );
    Found {
        path: PathBuf::from(mail.id),
        part: None,
        bytes: bytes.into_bytes(),
        marks: mail.marks,
        modified: Some(at(mail.at)),
    }
}

impl Bench {
    fn reader(&self, live: Option<&str>) -> Importer<'_> {
        let mut importer = self
            .importer(SOURCE)
            .closed_before(at("2026-10-26T10:00:00Z"));
        importer.believe(Belief::Trusted);
        importer.live(live.map(at));
        importer
    }

    async fn read(&self, importer: &mut Importer<'_>, mails: &[&Mail]) {
        let found = mails.iter().map(|mail| found(mail)).collect();
        let letters = Letters::of(found, self.at, Arrival::Known);
        importer.letters(letters).await.unwrap();
    }

    /// Returns every ticket: who is in it, and how it stands.
    async fn all(&self) -> Vec<(Vec<String>, Status)> {
        let mut all = Vec::new();
        for number in 1.. {
            let Some(ticket) = self.store.ticket_by_number(number).await.unwrap() else {
                break;
            };
            let messages = self.store.messages(ticket.id).await.unwrap();
            let ids = messages.iter().map(|message| {
                let (id, _) = message.rfc_message_id.split_once('@').unwrap();
                id.to_owned()
            });
            let mut ids: Vec<String> = ids.collect();
            ids.sort_unstable();
            all.push((ids, ticket.status));
        }
        all.sort_unstable();
        all
    }
}

#[tokio::test]
async fn a_reading_that_was_cut_off_anywhere_makes_the_same_tickets() {
    let newest_first: Vec<&Mail> = MAILBOX.iter().rev().collect();
    let bench = Bench::new().await;
    bench.read(&mut bench.reader(None), &newest_first).await;
    let whole = bench.all().await;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        whole,
        [
            (ids(&["a1", "a2", "a3", "a4"]), Status::Closed),
            (ids(&["b1", "b2", "b3"]), Status::Solved),
            (ids(&["c1"]), Status::Closed),
            (ids(&["d1", "d2", "d3"]), Status::New),
        ]
    );

    for size in 1..MAILBOX.len() {
        for is_killed in [false, true] {
            let bench = Bench::new().await;
            let mut importer = bench.reader(None);
            for batch in newest_first.chunks(size) {
                if is_killed {
                    importer = bench.reader(None);
                }
                bench.read(&mut importer, batch).await;
            }
            assert_eq!(bench.all().await, whole, "{size}, killed: {is_killed}");
        }
    }
    for cut in 1..MAILBOX.len() {
        let (first, rest) = newest_first.split_at(cut);
        let bench = Bench::new().await;
        for part in [first, rest] {
            bench.read(&mut bench.reader(None), part).await;
        }
        assert_eq!(bench.all().await, whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn what_a_person_did_meanwhile_is_kept_when_the_reading_goes_on() {
    let newest_first: Vec<&Mail> = MAILBOX.iter().rev().collect();
    let (first, rest) = newest_first.split_at(2);
    let bench = Bench::new().await;
    bench.read(&mut bench.reader(None), first).await;
    let change = Change {
        status: Some(Status::Hold),
        ..Change::default()
    };
    let waits = bench.store.ticket_by_number(1).await.unwrap().unwrap();
    bench
        .store
        .change(waits.id, &change, "noor", bench.at)
        .await
        .unwrap();

    bench.read(&mut bench.reader(None), rest).await;

    let (ticket, messages) = bench.ticket(1).await;
    assert_eq!((ticket.status, messages.len()), (Status::Hold, 3));
}

/// The account was added then.
const ADDED: &str = "2026-11-20T00:00:00Z";

#[tokio::test]
async fn old_mail_joins_a_closed_ticket_and_new_mail_follows_it_up() {
    for (arrived, tickets, status) in [
        // Old mail, moved into the folder: history.
        ("2026-11-19T08:00:00Z", 1, Status::Closed),
        // New, though it was on its way when somebody closed the ticket: it must be seen.
        ("2026-11-24T11:59:59Z", 2, Status::Closed),
        ("2026-11-24T12:00:00Z", 2, Status::Closed),
    ] {
        let bench = Bench::new().await;
        let mut importer = bench.reader(Some(ADDED));
        let first = mail(("d1", "ines@x.test"), "", "2026-11-19T07:00:00Z", READ);
        bench.read(&mut importer, &[&first]).await;
        let (ticket, _) = bench.ticket(1).await;
        let closed = Change {
            status: Some(Status::Closed),
            ..Change::default()
        };
        bench
            .store
            .change(ticket.id, &closed, "noor", at("2026-11-24T12:00:00Z"))
            .await
            .unwrap();

        let next = mail(("d2", "ines@x.test"), "d1", arrived, UNREAD);
        bench.read(&mut bench.reader(Some(ADDED)), &[&next]).await;

        assert_eq!(bench.ticket(1).await.0.status, status, "{arrived}");
        let last = bench.ticket(tickets).await.1;
        assert_eq!(last.len(), if tickets == 1 { 2 } else { 1 }, "{arrived}");
    }
}

#[tokio::test]
async fn older_mail_that_is_asked_for_later_joins_the_thread_that_came_in_closed() {
    let bench = Bench::new().await;
    bench.read(&mut bench.reader(None), &[&MAILBOX[5]]).await;
    let first = async || {
        let (ticket, messages) = bench.ticket(1).await;
        (ticket.status, messages.len())
    };

    let older: Vec<&Mail> = MAILBOX[..4].iter().rev().collect();
    bench.read(&mut bench.reader(Some(ADDED)), &older).await;
    assert_eq!(first().await, (Status::Closed, 4));

    let new = mail(("a5", "maya@x.test"), "a4", "2026-11-24T08:00:00Z", UNREAD);
    bench.read(&mut bench.reader(Some(ADDED)), &[&new]).await;
    assert_eq!(first().await, (Status::Closed, 4));
    let (_, messages) = bench.ticket(3).await;
    assert_eq!(
        messages[0].thread_reason,
        "follow-up of #1, which is closed"
    );
}

#[tokio::test]
async fn old_mail_brings_no_held_reply_back_and_new_mail_always_does() {
    for (live, from, arrived, delivery) in [
        // The first reading goes on while the reply waits.
        (None, "ines@x.test", "2026-11-18T08:00:00Z", Delivery::Held),
        (None, OURS, "2026-11-18T08:00:00Z", Delivery::Held),
        (
            None,
            "ines@x.test",
            "2026-11-24T08:00:00Z",
            Delivery::Withdrawn,
        ),
        // Moved into the folder.
        (
            Some(ADDED),
            "ines@x.test",
            "2026-11-18T08:00:00Z",
            Delivery::Held,
        ),
        // New, though of before the mail that was answered.
        (
            Some(ADDED),
            "ines@x.test",
            "2026-11-22T08:00:00Z",
            Delivery::Withdrawn,
        ),
    ] {
        let bench = Bench::new().await;
        let asked = mail(("d2", "ines@x.test"), "d1", "2026-11-23T08:00:00Z", UNREAD);
        bench.read(&mut bench.reader(live), &[&asked]).await;
        let (ticket, _) = bench.ticket(1).await;
        let (row, _) = bench.queue(ticket.id, &["ines@x.test"]).await;

        let other = mail(("d1", from), "", arrived, READ);
        bench.read(&mut bench.reader(live), &[&other]).await;

        assert_eq!(bench.ticket(1).await.1.len(), 2);
        let row = bench.store.outbox_row(row.id).await.unwrap();
        assert_eq!(row.progress.delivery, delivery, "{live:?} {from} {arrived}");
    }
}

#[tokio::test]
async fn strangers_who_cite_one_unknown_id_are_new_to_each_other() {
    let one = mail(("e1", "maya@x.test"), "z1", "2026-11-23T08:00:00Z", UNREAD);
    let other = mail(("e2", "eve@y.test"), "z1", "2026-11-23T09:00:00Z", UNREAD);
    let again = mail(("e3", "maya@x.test"), "z1", "2026-11-23T10:00:00Z", UNREAD);
    let all = [&one, &other, &again];
    for live in [None, Some(ADDED)] {
        for size in [1, 2, 3] {
            let bench = Bench::new().await;
            for batch in all.chunks(size) {
                bench.read(&mut bench.reader(live), batch).await;
            }

            let (_, messages) = bench.ticket(1).await;
            let hints: Vec<&[Hint]> = messages.iter().map(|one| &one.hints[..]).collect();
            let told = [&[][..], &[Hint::NewParticipant], &[]];
            assert_eq!(hints, told, "{live:?}, {size}");
        }
    }
}

#[tokio::test]
async fn older_mail_of_a_ticket_that_was_deleted_brings_nothing_of_it_back() {
    let bench = Bench::new().await;
    bench.read(&mut bench.reader(None), &[&MAILBOX[10]]).await;
    let deleted = Change {
        status: Some(Status::Deleted),
        ..Change::default()
    };
    let (ticket, _) = bench.ticket(1).await;
    let changed = bench.store.change(ticket.id, &deleted, "noor", bench.at);
    changed.await.unwrap();

    let older = [&MAILBOX[9], &MAILBOX[7]];
    bench.read(&mut bench.reader(None), &older).await;

    let ids = ["d1", "d2", "d3"].map(str::to_owned).to_vec();
    assert_eq!(bench.all().await, [(ids, Status::Deleted)]);
}

#[tokio::test]
async fn an_answer_to_what_came_in_closed_is_seen_also_where_the_first_reading_goes_on() {
    let newest_first: Vec<&Mail> = MAILBOX.iter().rev().collect();
    let answer = mail(("a5", "maya@x.test"), "a4", "2026-11-24T08:00:00Z", UNREAD);
    for is_tagged in [true, false] {
        let bench = Bench::new().await;
        bench
            .read(&mut bench.reader(None), &newest_first[5..6])
            .await;
        let (closed, _) = bench.ticket(1).await;
        assert_eq!(closed.status, Status::Closed);
        if is_tagged {
            let tagged = Change {
                add_tags: vec!["vip".to_owned()],
                ..Change::default()
            };
            let changed = bench.store.change(closed.id, &tagged, "noor", bench.at);
            changed.await.unwrap();
        } else {
            let noted = bench
                .store
                .note_missed(closed.id, "noor", Ending::Failed, bench.at);
            noted.await.unwrap();
        }

        bench.read(&mut bench.reader(None), &[&answer]).await;
        bench
            .read(&mut bench.reader(None), &newest_first[7..])
            .await;

        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let told: Vec<_> = bench.all().await;
        let has = |messages: &[&str], status| told.contains(&(ids(messages), status));
        if is_tagged {
            assert!(has(&["a5"], Status::New), "{told:?}");
            assert!(has(&["a1", "a2", "a3", "a4"], Status::Closed), "{told:?}");
        } else {
            assert!(
                has(&["a1", "a2", "a3", "a4", "a5"], Status::New),
                "{told:?}"
            );
        }
    }
}
