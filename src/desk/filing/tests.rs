//! Letters as they come into a desk that is at work: whose, where, and with which hints.

use std::path::PathBuf;

use tempfile::TempDir;
use uuid::Uuid;

use super::{
    importer::Importer,
    letters::{Arrival, Letters},
    ours::Belief,
};
use crate::{
    config::OnSubjectChange,
    desk::{send::letter, stamp::Stamp},
    domain::{
        Contact, Direction, Hint, Message, MessageId, MessageKind, Status, Ticket, Timestamp,
    },
    source::import::{Found, Marks},
    store::{Filing, Letter, Place, Store, StoreUrl},
};

pub(super) const OURS: &str = "support@acme.test";

pub(super) struct Bench {
    _dir: TempDir,
    pub(super) store: Store,
    pub(super) at: Timestamp,
}

/// What a test's mail says beside its text.
pub(super) struct Mail<'a> {
    pub(super) id: &'a str,
    pub(super) from: &'a str,
    pub(super) subject: &'a str,
    pub(super) more: &'a str,
    pub(super) text: &'a str,
}

/// By what the test's desk knows its own.
pub(super) fn stamp() -> Stamp {
    Stamp::new(vec![1; 32], &[OURS.to_owned()])
}

impl Bench {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(dir.path().join("deskhand.db"));
        Self {
            store: Store::open(&url).await.unwrap(),
            _dir: dir,
            at: "2026-11-25T10:00:00Z".parse().unwrap(),
        }
    }

    pub(super) fn importer<'a>(&'a self, source: &'a str) -> Importer<'a> {
        let mut importer =
            Importer::new(&self.store, source, vec![OURS.to_owned()], self.at).stamped(stamp());
        importer.live(Some(Timestamp::MIN));
        importer
    }

    pub(super) async fn file(&self, importer: &mut Importer<'_>, mail: &Mail<'_>) {
        self.file_all(importer, &[mail]).await;
    }

    /// Files mails as one batch.
    pub(super) async fn file_all(&self, importer: &mut Importer<'_>, mails: &[&Mail<'_>]) {
        let found = mails.iter().map(|mail| self.found(mail)).collect();
        let letters = Letters::of(found, self.at, Arrival::Known);
        importer.letters(letters).await.unwrap();
    }

    fn found(&self, mail: &Mail<'_>) -> Found {
        let Mail {
            id,
            from,
            subject,
            more,
            text,
        } = mail;
        let bytes = format!(
            "{more}From: {from}\r\nTo: {OURS}\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n\
             Date: Wed, 25 Nov 2026 09:0{}:00 +0000\r\n\r\n{text}\r\n",
            id.len() % 10
        );
        Found {
            path: PathBuf::from(id),
            part: None,
            bytes: bytes.into_bytes(),
            marks: Marks::default(),
            modified: Some(self.at),
        }
    }

    pub(super) async fn ticket(&self, number: i64) -> (Ticket, Vec<Message>) {
        let ticket = self.store.ticket_by_number(number).await.unwrap().unwrap();
        let messages = self.store.messages(ticket.id).await.unwrap();
        (ticket, messages)
    }

    async fn is_of_flood(&self, number: i64) -> bool {
        let cause = self.ticket(number).await.0.quarantined_because;
        cause.is_some_and(|cause| cause.starts_with("flood:"))
    }

    pub(super) async fn has(&self, number: i64) -> bool {
        self.store.ticket_by_number(number).await.unwrap().is_some()
    }
}

pub(super) const FIRST: Mail<'static> = Mail {
    id: "1@maya.test",
    from: "maya@maya.test",
    subject: "Where is my parcel?",
    more: "",
    text: "It was due on Monday and has not come.",
};

pub(super) fn answer<'a>(from: &'a str, subject: &'a str, more: &'a str) -> Mail<'a> {
    Mail {
        id: "22@answer.test",
        from,
        subject,
        more,
        text: "Any news about the parcel by now?",
    }
}

pub(super) const REPLIES: &str = "In-Reply-To: <1@maya.test>\r\n";

#[tokio::test]
async fn an_answer_under_another_subject_stays_or_starts_anew_as_the_config_says() {
    for (choice, tickets, hints) in [
        (OnSubjectChange::Ask, 1, vec![Hint::NewTopic]),
        (OnSubjectChange::Join, 1, vec![]),
        (OnSubjectChange::Split, 2, vec![]),
    ] {
        let bench = Bench::new().await;
        let mut importer = bench.importer("imap:a").on_subject_change(choice);
        bench.file(&mut importer, &FIRST).await;
        let other = answer(FIRST.from, "Invoice 4812 is wrong", REPLIES);
        // Another sync: the first number is given by then.
        let mut importer = bench.importer("imap:a").on_subject_change(choice);
        bench.file(&mut importer, &other).await;

        let (_, messages) = bench.ticket(tickets).await;
        assert_eq!(messages.last().unwrap().hints, hints, "{choice:?}");
        assert_eq!(bench.has(2).await, tickets == 2, "{choice:?}");
    }
}

#[tokio::test]
async fn a_stranger_in_a_thread_is_named_and_gets_no_reply() {
    let bench = Bench::new().await;
    bench.file(&mut bench.importer("imap:a"), &FIRST).await;
    let stranger = answer("eve@evil.test", "Re: Where is my parcel?", REPLIES);
    bench.file(&mut bench.importer("imap:a"), &stranger).await;

    let second = Mail {
        id: "55555@evil.test",
        ..answer("eve@evil.test", "Re: Where is my parcel?", REPLIES)
    };
    bench.file(&mut bench.importer("imap:a"), &second).await;

    let (ticket, messages) = bench.ticket(1).await;
    assert_eq!(messages[1].hints, [Hint::NewParticipant]);
    assert_eq!(
        messages[2].hints,
        [Hint::NewParticipant],
        "still a stranger"
    );
    let envelope = letter::envelope(&ticket, &messages, &[OURS.to_owned()]);
    let to: Vec<&str> = envelope
        .everybody()
        .iter()
        .map(|one| one.address.as_str())
        .collect();
    assert_eq!(to, ["maya@maya.test"]);
}

#[tokio::test]
async fn a_stranger_is_named_also_when_the_thread_came_with_the_same_sync() {
    let copied = Mail {
        more: "Cc: ops@maya.test\r\n",
        ..FIRST
    };
    let stranger = answer("eve@evil.test", "Re: Where is my parcel?", REPLIES);
    let known = Mail {
        id: "333@maya.test",
        ..answer("ops@maya.test", "Re: Where is my parcel?", REPLIES)
    };
    let all = [&copied, &stranger, &known];
    for batches in [vec![&all[..]], all.chunks(1).collect()] {
        let bench = Bench::new().await;
        let mut importer = bench.importer("imap:a");
        for batch in &batches {
            bench.file_all(&mut importer, batch).await;
        }

        let (_, messages) = bench.ticket(1).await;
        let hints: Vec<&[Hint]> = messages.iter().map(|one| &one.hints[..]).collect();
        assert_eq!(
            hints,
            [&[][..], &[], &[Hint::NewParticipant]],
            "{} batches",
            batches.len()
        );
    }
}

#[tokio::test]
async fn the_same_words_twice_are_told_and_not_joined() {
    let bench = Bench::new().await;
    bench.file(&mut bench.importer("imap:a"), &FIRST).await;
    let again = Mail {
        id: "333@maya.test",
        subject: "parcel",
        ..FIRST
    };
    bench.file(&mut bench.importer("imap:a"), &again).await;
    let short = Mail {
        id: "4444@maya.test",
        text: "Thanks!",
        ..FIRST
    };
    bench.file(&mut bench.importer("imap:a"), &short).await;

    let (_, messages) = bench.ticket(2).await;
    assert_eq!(messages[0].hints, [Hint::MaybeDuplicate { number: 1 }]);
    assert!(bench.ticket(3).await.1[0].hints.is_empty());
}

#[tokio::test]
async fn outlook_joins_by_its_own_header_and_only_for_those_on_the_ticket() {
    let topic = "Thread-Index: AdAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFg==\r\n";
    let other = "Thread-Index: AdBAAQIDBAUGBwgJCgsMDQ4PEBESExQVFg==\r\n";
    let deeper = "Thread-Index: AdAAAQIDBAUGBwgJCgsMDQ4PEBESE0AAAAAA\r\n";
    for (header, from, is_joined) in [
        (topic, FIRST.from, true),
        (topic, "eve@evil.test", false),
        (deeper, FIRST.from, true),
        (other, FIRST.from, false),
    ] {
        let bench = Bench::new().await;
        let first = Mail {
            more: topic,
            ..FIRST
        };
        bench.file(&mut bench.importer("imap:a"), &first).await;
        let later = answer(from, "Re: Where is my parcel?", header);
        bench.file(&mut bench.importer("imap:a"), &later).await;

        assert_eq!(!bench.has(2).await, is_joined, "{header} {from}");
    }
}

#[tokio::test]
async fn mail_that_bears_our_address_is_believed_only_with_a_reason() {
    let vouched = format!(
        "Authentication-Results: mx.acme.test; dmarc=pass header.from=acme.test\r\n{REPLIES}"
    );
    let ours = || Some("mx.acme.test".to_owned());
    for (belief, headers, direction, status, is_told) in [
        (
            Belief::Trusted,
            REPLIES,
            Direction::Out,
            Status::Solved,
            false,
        ),
        (
            Belief::Judged(None),
            REPLIES,
            Direction::Out,
            Status::New,
            true,
        ),
        (
            Belief::Judged(ours()),
            &vouched,
            Direction::Out,
            Status::Solved,
            false,
        ),
        (
            Belief::Judged(ours()),
            REPLIES,
            Direction::In,
            Status::New,
            true,
        ),
    ] {
        let bench = Bench::new().await;
        bench.file(&mut bench.importer("imap:a"), &FIRST).await;
        let mut importer = bench.importer("imap:a");
        importer.believe(belief.clone());
        let reply = answer(OURS, "Re: Where is my parcel?", headers);
        bench.file(&mut importer, &reply).await;

        let (ticket, messages) = bench.ticket(1).await;
        let last = messages.last().unwrap();
        assert_eq!(
            (last.direction, ticket.status),
            (direction, status),
            "{belief:?}"
        );
        assert_eq!(
            last.hints.contains(&Hint::Unverified),
            is_told,
            "{belief:?}"
        );
    }
}

#[tokio::test]
async fn a_form_that_writes_in_our_name_is_a_new_ticket_of_whom_it_names() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    importer.believe(Belief::Judged(None));
    let form = Mail {
        from: OURS,
        more: "Reply-To: maya@maya.test\r\n",
        ..FIRST
    };
    bench.file(&mut importer, &form).await;

    let (ticket, messages) = bench.ticket(1).await;
    assert_eq!(
        (ticket.status, messages[0].direction),
        (Status::New, Direction::In)
    );
    assert_eq!(ticket.requester.address, "maya@maya.test");
    assert_eq!(messages[0].hints, [Hint::Unverified]);
    let forged = Mail {
        id: "666666@evil.test",
        from: OURS,
        subject: "About [Acme #1]",
        ..FIRST
    };
    bench.file(&mut importer, &forged).await;
    assert!(bench.has(2).await, "a number alone joins nothing");
}

#[tokio::test]
async fn a_ticket_that_our_own_address_begins_is_that_of_the_customer_it_names() {
    for (more, requester) in [
        ("Cc: maya@maya.test\r\n", "maya@maya.test"),
        (
            "Reply-To: support@acme.test\r\nCc: maya@maya.test\r\n",
            "maya@maya.test",
        ),
        ("", OURS),
    ] {
        for belief in [Belief::Judged(None), Belief::Trusted] {
            let bench = Bench::new().await;
            let mut importer = bench.importer("imap:a");
            importer.believe(belief);
            let mail = Mail {
                from: OURS,
                more,
                ..FIRST
            };
            bench.file(&mut importer, &mail).await;

            let (ticket, _) = bench.ticket(1).await;
            assert_eq!(ticket.requester.address, requester, "{more}");
        }
    }
}

#[tokio::test]
async fn a_flood_is_stopped_also_when_it_comes_in_one_batch() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    flood(&mut importer, 0..30).await;

    let mut stopped = 0;
    for number in 1..=30 {
        stopped += u32::from(bench.is_of_flood(number).await);
    }
    assert_eq!(stopped, 10);
}

#[tokio::test]
async fn after_a_flood_its_sender_rests_whatever_dates_the_mails_bear() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    flood(&mut importer, 0..21).await;

    importer.at = "2026-11-25T10:50:00Z".parse().unwrap();
    flood(&mut importer, 21..22).await;
    importer.at = "2026-11-25T12:00:00Z".parse().unwrap();
    flood(&mut importer, 22..23).await;

    assert!(bench.is_of_flood(22).await, "within the hour");
    assert!(!bench.is_of_flood(23).await, "after it");
}

#[tokio::test]
async fn what_the_desk_writes_to_a_flood_starts_no_new_rest() {
    let bench = Bench::new().await;
    let mut importer = bench.importer("imap:a");
    flood(&mut importer, 0..21).await;
    let (stopped, messages) = bench.ticket(21).await;
    let note = Message {
        id: MessageId::new(Uuid::from_u128(7)),
        kind: MessageKind::Internal,
        direction: Direction::Out,
        from: Contact {
            name: Some("noor".to_owned()),
            address: String::new(),
        },
        rfc_message_id: "note@deskhand.invalid".to_owned(),
        raw_sha256: "sha-note".to_owned(),
        ..messages[0].clone()
    };
    let filing = Filing {
        source: "note".to_owned(),
        letters: vec![Letter {
            message: note,
            place: Place::In(stopped.id),
            reopen: None,
            note_path: None,
            topic: None,
            original: None,
            is_own_copy: false,
            quarantine: None,
            is_history: false,
            returned: None,
        }],
        ..Filing::default()
    };
    let noted = "2026-11-25T10:50:00Z".parse().unwrap();
    bench.store.file(&filing, noted).await.unwrap();
    assert!(bench.is_of_flood(21).await);

    importer.at = "2026-11-25T11:10:00Z".parse().unwrap();
    flood(&mut importer, 21..22).await;

    assert!(!bench.is_of_flood(22).await);
}

/// Files mails of one sender that arrive now and bear an old date.
async fn flood(importer: &mut Importer<'_>, numbers: std::ops::Range<u32>) {
    let letters = numbers
        .map(|n| {
            let bytes = format!(
                "From: flood@evil.test\r\nTo: {OURS}\r\nSubject: {n}\r\nMessage-ID: <{n}@evil.test>\r\n\
                 Date: Tue, 05 Mar 2019 08:00:00 +0000\r\n\r\n{n}\r\n"
            );
            Found {
                path: PathBuf::from(n.to_string()),
                part: None,
                bytes: bytes.into_bytes(),
                marks: Marks::default(),
                modified: Some(importer.at),
            }
        })
        .collect();
    let letters = Letters::of(letters, importer.at, Arrival::Known);
    importer.letters(letters).await.unwrap();
}

#[tokio::test]
async fn a_mail_to_two_of_our_addresses_is_one_and_an_id_alone_proves_nothing() {
    let bench = Bench::new().await;
    bench.file(&mut bench.importer("imap:a"), &FIRST).await;
    let mut second = bench.importer("imap:b").beside(vec!["imap:a".to_owned()]);
    let copy = Mail {
        more: "Delivered-To: sales@acme.test\r\n",
        ..FIRST
    };
    bench.file(&mut second, &copy).await;
    assert!(!bench.has(2).await);

    let forged = Mail {
        text: "Quite another text under the same id.",
        ..FIRST
    };
    bench.file(&mut second, &forged).await;
    assert!(bench.has(2).await);
}
