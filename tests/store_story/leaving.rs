//! How replies leave, who may send them, and what they carry.

use deskhand::{
    domain::{
        AutoClass, Contact, Delivery, Direction, DraftId, DraftOrigin, DraftState, Enclosed,
        Envelope, MAY_HAVE_LEFT, Message, MessageId, OutboxId, OutboxKind, OutboxRow, Post,
        PostLetter, Progress, Purpose, Status, TicketId,
    },
    store::{
        Claim, Claimed, IfStale, LeaseAsk, Outcome, QueueAnswer, QueuedFrom, Queueing, Returned,
        SaveDraft, Sent, Store, StoreUrl,
    },
};
use secrecy::ExposeSecret as _;
use sqlx::Connection as _;
use uuid::Uuid;

use super::props::{at, filing, in_ticket, letter, message, new_ticket, save};

pub(super) const MIME: &[u8] = b"Subject: Re: x\r\n\r\nYes.\r\n";

pub(super) async fn ticket(store: &Store, id: &str) -> TicketId {
    let letters = vec![letter(id, &new_ticket("Parcel"), "Where?", 10)];
    let filed = store.file(&filing(letters), at(10)).await.unwrap();
    filed.new[0]
}

pub(super) fn row(ticket: TicketId, held_until: i64) -> OutboxRow {
    let id = OutboxId::new(Uuid::now_v7());
    OutboxRow {
        id,
        kind: OutboxKind::Reply,
        ticket,
        draft: DraftId::new(Uuid::now_v7()),
        text: "Yes.".into(),
        then: Status::Solved,
        approved_by: "sam".into(),
        queued_at: at(20),
        post: Some(Post {
            account: "support@acme.test".into(),
            rfc_message_id: format!("dh.{id}@acme.test"),
            letter: PostLetter {
                subject: "Re: x".into(),
                ..PostLetter::default()
            },
        }),
        progress: Progress::held(Some(at(held_until))),
    }
}

pub(super) async fn queue(
    store: &Store,
    row: &OutboxRow,
    save: &SaveDraft,
    seen: u64,
) -> QueueAnswer {
    let queueing = Queueing {
        row,
        mime: Some(MIME),
        from: QueuedFrom::Nowhere(save),
        seen_messages: Some(seen),
    };
    store.queue_reply(&queueing).await.unwrap()
}

pub(super) fn by_sam(ticket: TicketId) -> SaveDraft {
    SaveDraft {
        author: "sam".into(),
        ..save(ticket, "Yes.", None)
    }
}

pub(super) const fn claim(now: i64, only_due_after: Option<i64>) -> (i64, Option<i64>) {
    (now, only_due_after)
}

pub(super) async fn try_claim(
    store: &Store,
    row: &OutboxRow,
    (now, after): (i64, Option<i64>),
) -> bool {
    let claim = Claim {
        owner: "us",
        at: at(now),
        lease_until: at(now + 60),
        only_due_after: after.map(at),
    };
    store.claim_reply(row.id, claim).await.unwrap().is_some()
}

/// Names the first attempt of the one who sends here.
pub(super) fn ours(row: &OutboxRow) -> Claimed<'static> {
    Claimed {
        id: row.id,
        owner: "us",
        attempt: 1,
    }
}

pub(super) fn sent_message(row: &OutboxRow) -> Message {
    let mut sent = message("sent", "Yes.", 40);
    sent.id = MessageId::new(row.id.to_string().parse().unwrap());
    sent.ticket = row.ticket;
    sent.direction = Direction::Out;
    sent.rfc_message_id
        .clone_from(&row.post.as_ref().unwrap().rfc_message_id);
    sent.raw_sha256 = "sha-of-the-sent".into();
    sent
}

pub(super) async fn a_reply_leaves_once(store: &Store) {
    let ticket = ticket(store, "leaving-1@x").await;
    let row = row(ticket, 30);
    assert_eq!(
        queue(store, &row, &by_sam(ticket), 0).await,
        QueueAnswer::Stale
    );
    assert_eq!(
        queue(store, &row, &by_sam(ticket), 1).await,
        QueueAnswer::Queued
    );
    assert_eq!(store.outbox_row(row.id).await.unwrap(), row);
    let id = &row.post.as_ref().unwrap().rfc_message_id;
    let found = store.reply_with_id(id).await.unwrap();
    assert_eq!(found.as_ref(), Some(&row));
    assert_eq!(store.reply_with_id("x@x").await.unwrap(), None);
    assert_eq!(store.outbox_mime(row.id).await.unwrap().unwrap(), MIME);
    let open = store.open_outbox().await.unwrap();
    assert!(open.iter().any(|(open, _)| open.id == row.id));

    assert!(
        !try_claim(store, &row, claim(29, None)).await,
        "not before its time"
    );
    assert!(
        !try_claim(store, &row, claim(31, Some(30))).await,
        "found due: it is asked about"
    );
    assert!(try_claim(store, &row, claim(31, Some(29))).await);
    assert!(
        !try_claim(store, &row, claim(32, None)).await,
        "one sender only"
    );
    assert!(
        store.withdraw(row.id, at(32)).await.is_err(),
        "too late to take back"
    );
    assert!(
        !store
            .hand_over(Claimed {
                owner: "they",
                ..ours(&row)
            })
            .await
            .unwrap()
    );
    assert!(store.hand_over(ours(&row)).await.unwrap());
    store.renew_claim(ours(&row), at(200)).await.unwrap();
    let underway = store.underway().await.unwrap();
    assert!(underway[0].is_handed_over && underway[0].lease_until == at(200));

    let sent = sent_message(&row);
    let outcome = Outcome::Sent(Sent {
        message: &sent,
        mime: MIME,
        wants_copy: true,
    });
    for is_first in [true, false] {
        let noted = store.conclude(ours(&row), (outcome, Some("250 ok")), at(40));
        assert_eq!(noted.await.unwrap(), is_first);
    }
    let now = store.ticket(ticket).await.unwrap().unwrap();
    assert_eq!((now.status, now.messages), (Status::Solved, 2));
    assert_eq!(
        store.original("sha-of-the-sent").await.unwrap().unwrap(),
        MIME
    );
    assert_eq!(store.outbox_mime(row.id).await.unwrap(), None);
    assert_eq!(store.copies_due().await.unwrap()[0].id, row.id);
    store.copy_done(row.id).await.unwrap();
    assert!(store.copies_due().await.unwrap().is_empty());
}

pub(super) async fn a_dead_senders_reply_is_taken_over(store: &Store) {
    let (busy, broke_off) = (
        "451 busy",
        "its sender stopped before the server had answered",
    );
    for (handed_over, then, said) in [
        (false, Delivery::Held, busy),
        (true, Delivery::Unsure, broke_off),
    ] {
        let ticket = ticket(store, &format!("dead-{handed_over}@x")).await;
        let row = row(ticket, 30);
        queue(store, &row, &by_sam(ticket), 1).await;
        assert!(try_claim(store, &row, claim(31, None)).await);
        let again = (Outcome::Again(at(32)), Some(busy));
        assert!(store.conclude(ours(&row), again, at(31)).await.unwrap());
        assert!(try_claim(store, &row, claim(33, None)).await);
        let second = Claimed {
            attempt: 2,
            ..ours(&row)
        };
        if handed_over {
            assert!(store.hand_over(second).await.unwrap());
        }
        let underway = store.underway().await.unwrap();
        let dead = underway.iter().find(|dead| dead.row.id == row.id).unwrap();
        store.renew_claim(second, at(300)).await.unwrap();
        store.take_over(dead, at(100)).await.unwrap();
        let delivery = store.outbox_row(row.id).await.unwrap().progress.delivery;
        assert_eq!(delivery, Delivery::Sending, "it was renewed: it lives");
        let underway = store.underway().await.unwrap();
        let dead = underway.iter().find(|dead| dead.row.id == row.id).unwrap();
        store.take_over(dead, at(400)).await.unwrap();
        let progress = store.outbox_row(row.id).await.unwrap().progress;
        assert_eq!(progress.delivery, then);
        assert_eq!(progress.said.as_deref(), Some(said));

        store
            .hold_again(row.id, (MIME, IfStale::Refuse), at(401))
            .await
            .unwrap();
        assert!(try_claim(store, &row, claim(402, None)).await);
        let refused = (Outcome::Refused, Some("550 no"));
        store.conclude(ours(&row), refused, at(403)).await.unwrap();
        let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
        assert_eq!(draft.text, "Yes.");
        // The one that was refused is not the one of which nobody knew.
        let in_doubt = (then == Delivery::Unsure).then_some(MAY_HAVE_LEFT);
        let flags: Vec<_> = in_doubt.into_iter().chain(["not sent: 550 no"]).collect();
        assert_eq!(draft.flags, flags);
    }
}

pub(super) async fn a_sender_who_lost_its_claim_has_no_say(store: &Store) {
    let ticket = ticket(store, "overtaken@x").await;
    let row = row(ticket, 30);
    queue(store, &row, &by_sam(ticket), 1).await;
    assert!(try_claim(store, &row, claim(31, None)).await);
    take_over(store, &row, 100).await;
    let theirs = Claim {
        owner: "they",
        at: at(101),
        lease_until: at(160),
        only_due_after: None,
    };
    store.claim_reply(row.id, theirs).await.unwrap().unwrap();
    let second = Claimed {
        owner: "they",
        attempt: 2,
        ..ours(&row)
    };
    assert!(store.hand_over(second).await.unwrap());

    let again = (Outcome::Again(at(110)), Some("we were asleep"));
    assert!(!store.hand_over(ours(&row)).await.unwrap());
    assert!(!store.conclude(ours(&row), again, at(102)).await.unwrap());
    let nobody_knows = (Outcome::Unsure, Some("it broke off"));
    assert!(store.conclude(second, nobody_knows, at(103)).await.unwrap());
    for late in [ours(&row), second] {
        assert!(!store.conclude(late, again, at(104)).await.unwrap());
    }
    let now = store.outbox_row(row.id).await.unwrap().progress;
    assert_eq!(now.delivery, Delivery::Unsure);
    assert_eq!(now.said.as_deref(), Some("it broke off"));

    let mut message = sent_message(&row);
    message.raw_sha256 = "sha-overtaken".into();
    let sent = Sent {
        message: &message,
        mime: MIME,
        wants_copy: false,
    };
    for is_first in [true, false] {
        let found = store.found_sent(row.id, (sent, "it was there"), at(105));
        assert_eq!(found.await.unwrap(), is_first);
    }
    let delivery = store.outbox_row(row.id).await.unwrap().progress.delivery;
    assert_eq!(delivery, Delivery::Sent);
    assert_eq!(store.messages(ticket).await.unwrap().len(), 2);
}

/// Who takes a reply back cannot know that its sender, who seemed dead, has handed it over.
pub(super) async fn a_reply_that_left_is_filed_whatever_was_done_meanwhile(store: &Store) {
    let ticket = ticket(store, "left-after-all@x").await;
    let row = row(ticket, 30);
    queue(store, &row, &by_sam(ticket), 1).await;
    assert!(try_claim(store, &row, claim(31, None)).await);
    assert!(store.hand_over(ours(&row)).await.unwrap());
    take_over(store, &row, 100).await;
    let back = store.withdraw(row.id, at(101)).await.unwrap();
    assert_eq!(back.flags, [MAY_HAVE_LEFT]);
    assert_eq!(store.draft(ticket, "sam").await.unwrap(), Some(back));
    assert!(!store.was_filed(&row).await.unwrap());
    let mut message = sent_message(&row);
    message.raw_sha256 = "sha-left-after-all".into();
    let sent = Sent {
        message: &message,
        mime: MIME,
        wants_copy: false,
    };

    let found = store.found_sent(row.id, (sent, "250 ok"), at(102));
    assert!(!found.await.unwrap());
    for is_news in [true, false] {
        let left = store.left_after_all(row.id, (sent, "250 ok"), at(102));
        assert_eq!(left.await.unwrap(), is_news);
        assert!(store.was_filed(&row).await.unwrap());
    }

    assert_eq!(store.messages(ticket).await.unwrap().len(), 2);
    let delivery = store.outbox_row(row.id).await.unwrap().progress.delivery;
    assert_eq!(delivery, Delivery::Sent);
    let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
    assert_eq!(draft.state, DraftState::Stale);
    assert_eq!(draft.flags.len(), 1, "{:?}", draft.flags);
    assert!(draft.flags[0].contains("have left already"));
}

/// On PostgreSQL a sender may claim a reply while a new message is filed.
pub(super) async fn a_reply_that_was_claimed_meanwhile_is_not_taken_back(
    store: &Store,
    url: &StoreUrl,
) {
    let StoreUrl::Postgres(url) = url else { return };
    let ticket = ticket(store, "claimed-meanwhile@x").await;
    let row = row(ticket, 30);
    queue(store, &row, &by_sam(ticket), 1).await;
    let mut sender = sqlx::PgConnection::connect(url.expose_secret())
        .await
        .unwrap();
    let claim = format!(
        "BEGIN; UPDATE outbox SET delivery = 'sending', owner = 'us', lease_until = 0,
             attempts = 1 WHERE id = '{}'",
        row.id
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(claim))
        .execute(&mut sender)
        .await
        .unwrap();

    let news = in_ticket(message("meanwhile@x", "Never mind.", 25), ticket);
    let filing = filing(vec![news]);
    let claiming = async {
        // The filing waits for the row by then.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        sqlx::raw_sql("COMMIT").execute(&mut sender).await.unwrap();
    };
    let (filed, ()) = tokio::join!(store.file(&filing, at(25)), claiming);

    assert_eq!(filed.unwrap().brought_back, Vec::<i64>::new());
    let delivery = store.outbox_row(row.id).await.unwrap().progress.delivery;
    assert_eq!(delivery, Delivery::Sending);
    assert_eq!(store.draft(ticket, "sam").await.unwrap(), None);
    let refused = (Outcome::Refused, Some("550 no"));
    store.conclude(ours(&row), refused, at(40)).await.unwrap();
}

async fn take_over(store: &Store, row: &OutboxRow, now: i64) {
    let underway = store.underway().await.unwrap();
    let dead = underway.iter().find(|dead| dead.row.id == row.id).unwrap();
    store.take_over(dead, at(now)).await.unwrap();
}

pub(super) async fn a_new_message_brings_a_held_reply_back(store: &Store) {
    let ticket = ticket(store, "race-1@x").await;
    let row = row(ticket, 30);
    queue(store, &row, &by_sam(ticket), 1).await;

    let news = in_ticket(message("race-2@x", "Never mind.", 25), ticket);
    store.file(&filing(vec![news]), at(25)).await.unwrap();

    assert!(!try_claim(store, &row, claim(31, None)).await);
    let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
    assert_eq!(
        (draft.state, draft.text.as_str()),
        (DraftState::Stale, "Yes.")
    );
}

pub(super) async fn a_reply_comes_back_with_its_recipients(store: &Store) {
    let ticket = ticket(store, "recipients@x").await;
    let draft = store.save_draft(&by_sam(ticket)).await.unwrap();
    let mut row = row(ticket, 30);
    row.draft = draft.id;
    let envelope = Envelope {
        to: vec![Contact {
            name: None,
            address: "maya@x".into(),
        }],
        ..Envelope::default()
    };
    row.post.as_mut().unwrap().letter.envelope = envelope.clone();
    let queueing = Queueing {
        row: &row,
        mime: Some(MIME),
        from: QueuedFrom::Live(draft.revision),
        seen_messages: None,
    };
    store.queue_reply(&queueing).await.unwrap();

    let back = store.withdraw(row.id, at(31)).await.unwrap();

    assert_eq!(back.envelope, Some(envelope));
}

/// A file was attached for the next reply while this one could be taken back.
pub(super) async fn a_reply_comes_back_as_it_was_over_a_draft_without_words(store: &Store) {
    let ticket = ticket(store, "wordless@x").await;
    let first = store.save_draft(&by_sam(ticket)).await.unwrap();
    let person = |address: &str| Contact {
        name: None,
        address: address.into(),
    };
    let file = |name: &str| Enclosed {
        name: name.into(),
        media_type: "text/plain".into(),
        size_bytes: 1,
        sha256: format!("sha-{name}"),
    };
    let envelope = Envelope {
        to: vec![person("maya@x")],
        bcc: vec![person("boss@x")],
        files: vec![file("a.txt")],
        ..Envelope::default()
    };
    store
        .set_envelope(first.id, &envelope, at(20))
        .await
        .unwrap();
    let mut row = row(ticket, 30);
    row.draft = first.id;
    row.post.as_mut().unwrap().letter.envelope = envelope.clone();
    let queueing = Queueing {
        row: &row,
        mime: Some(MIME),
        from: QueuedFrom::Live(first.revision),
        seen_messages: None,
    };
    store.queue_reply(&queueing).await.unwrap();
    let mut wordless = by_sam(ticket);
    wordless.text.clear();
    let wordless = store.save_draft(&wordless).await.unwrap();
    let as_usual = Envelope {
        to: vec![person("maya@x")],
        cc: vec![person("ops@x")],
        files: vec![file("b.txt")],
        ..Envelope::default()
    };
    store
        .set_envelope(wordless.id, &as_usual, at(25))
        .await
        .unwrap();

    let back = store.withdraw(row.id, at(31)).await.unwrap();

    assert_eq!(
        store.draft(ticket, "sam").await.unwrap(),
        Some(back.clone())
    );
    assert_eq!((back.id, back.state), (first.id, DraftState::Ready));
    let with_both = Envelope {
        files: vec![file("a.txt"), file("b.txt")],
        ..envelope
    };
    assert_eq!(back.envelope, Some(with_both));
    assert!(back.revision > wordless.revision);
}

/// A model answers the customer where somebody passed a message on.
pub(super) async fn an_answer_does_not_go_where_a_message_was_passed_on(store: &Store) {
    let ticket = ticket(store, "passed-on@x").await;
    let draft = store.save_draft(&by_sam(ticket)).await.unwrap();
    let forward = Envelope {
        to: vec![Contact {
            name: None,
            address: "sam@carrier.test".into(),
        }],
        purpose: Purpose::Forward,
        ..Envelope::default()
    };
    store
        .set_envelope(draft.id, &forward, at(20))
        .await
        .unwrap();

    for (origin, state, kept) in [
        (DraftOrigin::Human, DraftState::Ready, Some(&forward)),
        (DraftOrigin::Ai, DraftState::Writing, Some(&forward)),
        (DraftOrigin::Ai, DraftState::Ready, None),
    ] {
        let before = store.draft(ticket, "sam").await.unwrap().unwrap();
        let mut again = by_sam(ticket);
        (again.origin, again.state) = (origin, state);
        again.expected = Some(before.revision);
        let saved = store.save_draft(&again).await.unwrap();
        assert_eq!(saved.envelope.as_ref(), kept);
        assert_eq!(store.draft(ticket, "sam").await.unwrap(), Some(saved));
    }
}

/// Somebody writes while a server keeps a sender waiting.
pub(super) async fn a_reply_is_stale_to_which_somebody_wrote_while_it_was_sent(store: &Store) {
    for way in ["put off", "refused", "dead", "unsure"] {
        let ticket = ticket(store, &format!("slow-{way}@x")).await;
        let row = row(ticket, 30);
        queue(store, &row, &by_sam(ticket), 1).await;
        assert!(try_claim(store, &row, claim(31, None)).await);
        if way == "unsure" {
            assert!(store.hand_over(ours(&row)).await.unwrap());
        }

        let news = message(&format!("slow-news-{way}@x"), "Never mind.", 32);
        let news = in_ticket(news, ticket);
        store.file(&filing(vec![news]), at(32)).await.unwrap();

        assert!(!store.hand_over(ours(&row)).await.unwrap(), "{way}");
        let conclude = async |outcome| {
            let outcome = (outcome, Some("451 come again"));
            assert!(store.conclude(ours(&row), outcome, at(33)).await.unwrap());
        };
        match way {
            "put off" => conclude(Outcome::Again(at(60))).await,
            "refused" => conclude(Outcome::Refused).await,
            "dead" => take_over(store, &row, 100).await,
            _ => {
                conclude(Outcome::Unsure).await;
                let again = (MIME, IfStale::Refuse);
                let again = store.hold_again(row.id, again, at(34)).await.unwrap();
                assert_eq!(again, None);
                let back = store.withdraw(row.id, at(34)).await.unwrap();
                assert_eq!(back.state, DraftState::Stale);
            }
        }

        assert!(!try_claim(store, &row, claim(200, None)).await, "{way}");
        let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
        assert_eq!(draft.state, DraftState::Stale, "{way}");
        assert_eq!(draft.text, "Yes.");
    }
}

pub(super) async fn a_reply_whose_draft_was_corrected_is_not_sent_as_it_was(store: &Store) {
    let ticket = ticket(store, "corrected@x").await;
    let row = row(ticket, 30);
    queue(store, &row, &by_sam(ticket), 1).await;
    assert!(try_claim(store, &row, claim(31, None)).await);
    let refused = (Outcome::Refused, Some("550 no such user"));
    store.conclude(ours(&row), refused, at(32)).await.unwrap();
    let corrected = Envelope {
        to: vec![Contact {
            name: None,
            address: "maya@right.test".into(),
        }],
        ..Envelope::default()
    };
    let queued = row.post.as_ref().unwrap().letter.envelope.clone();

    for (envelope, may_leave) in [(&corrected, false), (&queued, true)] {
        store
            .set_envelope(row.draft, envelope, at(33))
            .await
            .unwrap();
        let again = store
            .hold_again(row.id, (MIME, IfStale::Refuse), at(34))
            .await;
        assert_eq!(again.is_ok(), may_leave);
        if let Err(error) = again {
            assert!(error.to_string().contains("send the draft instead"));
        }
    }
    store.withdraw(row.id, at(35)).await.unwrap();
}

/// Whoever has begun another draft finds the reply below it, whichever way it came back.
pub(super) async fn a_reply_comes_back_below_another_draft(store: &Store) {
    for (place, way) in ["refused", "withdrawn", "outdated"].into_iter().enumerate() {
        let ticket = ticket(store, &format!("below-{place}@x")).await;
        let row = row(ticket, 30);
        queue(store, &row, &by_sam(ticket), 1).await;
        let mut begun = save(ticket, "Another thought.\n", None);
        begun.author = "sam".into();
        let begun = store.save_draft(&begun).await.unwrap();
        match way {
            "refused" => {
                assert!(try_claim(store, &row, claim(31, None)).await);
                let refused = (Outcome::Refused, Some("550 no"));
                store.conclude(ours(&row), refused, at(32)).await.unwrap();
            }
            "withdrawn" => drop(store.withdraw(row.id, at(32)).await.unwrap()),
            _ => {
                let news = message(&format!("news-{place}@x"), "Never mind.", 25);
                let news = in_ticket(news, ticket);
                store.file(&filing(vec![news]), at(25)).await.unwrap();
            }
        }

        let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
        assert_eq!((draft.id, draft.revision), (begun.id, 2), "{way}");
        let lines: Vec<&str> = draft.text.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!((lines[0], lines[2]), ("Another thought.", "Yes."), "{way}");
        assert!(lines[1].contains("was not sent"), "{way}: {}", lines[1]);
        assert_eq!(draft.state, DraftState::Stale, "{way}");
        assert_eq!(
            draft.flags.contains(&"not sent: 550 no".to_owned()),
            way == "refused"
        );
        // It is no draft of its own any more, and leaves with this one alone.
        assert!(
            store
                .hold_again(row.id, (MIME, IfStale::Refuse), at(40))
                .await
                .is_err(),
            "{way}"
        );
        assert!(store.withdraw(row.id, at(41)).await.is_err(), "{way}");
    }
}

pub(super) async fn a_draft_is_addressed(store: &Store) {
    let ticket = ticket(store, "addressed@x").await;
    let draft = store.save_draft(&save(ticket, "Dear", None)).await.unwrap();
    store.keep_original("sha-file", b"bytes").await.unwrap();
    let envelope = Envelope {
        to: vec![Contact {
            name: None,
            address: "maya@x".into(),
        }],
        files: vec![Enclosed {
            name: "a".into(),
            media_type: "text/plain".into(),
            size_bytes: 5,
            sha256: "sha-file".into(),
        }],
        ..Envelope::default()
    };

    store
        .set_envelope(draft.id, &envelope, at(30))
        .await
        .unwrap();
    store
        .save_draft(&save(ticket, "Dear Maya", Some(1)))
        .await
        .unwrap();

    let kept = store.draft(ticket, "noor").await.unwrap().unwrap();
    assert_eq!(kept.envelope, Some(envelope), "a save leaves it alone");
}

pub(super) async fn a_ticket_is_made_by_hand(store: &Store) {
    let made = store
        .new_ticket(&new_ticket("By hand"), "noor", at(30))
        .await
        .unwrap();
    let kept = store.ticket_by_number(made.number).await.unwrap().unwrap();
    assert_eq!(kept.subject, "By hand");
    store
        .save_draft(&save(made.id, "Dear", None))
        .await
        .unwrap();
    assert_eq!(store.writers(made.id).await.unwrap(), ["noor"]);
    let mailed = ticket(store, "newest@x").await;
    let ids = std::collections::BTreeSet::from([made.id, mailed]);
    let all = store.tickets_with_newest(&ids).await.unwrap();
    let newest = |id| all.iter().find(|(one, _)| one.id == id).unwrap().1;
    assert_eq!((newest(made.id), newest(mailed)), (None, Some(at(10))));
}

pub(super) async fn standing_work_has_one_holder(store: &Store) {
    let ask = |holder: &'static str, now: i64, dead: Option<&'static str>| LeaseAsk {
        name: "outbox",
        holder,
        at: at(now),
        until: at(now + 30),
        dead,
    };
    assert_eq!(store.take_lease(ask("a", 0, None)).await.unwrap(), None);
    assert_eq!(store.take_lease(ask("a", 10, None)).await.unwrap(), None);
    let held = store.take_lease(ask("b", 20, None)).await.unwrap().unwrap();
    assert_eq!((held.holder.as_str(), held.until), ("a", at(40)));
    assert_eq!(
        store.take_lease(ask("b", 20, Some("a"))).await.unwrap(),
        None
    );
    assert_eq!(
        store.take_lease(ask("c", 50, None)).await.unwrap(),
        None,
        "it ran out"
    );
    store.drop_lease("outbox", "b").await.unwrap();
    assert!(
        store
            .take_lease(ask("b", 51, None))
            .await
            .unwrap()
            .is_some()
    );
    store.drop_lease("outbox", "c").await.unwrap();
    assert_eq!(store.take_lease(ask("b", 51, None)).await.unwrap(), None);

    let secret = store.mail_secret(&[1; 32]).await.unwrap();
    assert_eq!(store.mail_secret(&[2; 32]).await.unwrap(), secret);
}

pub(super) async fn a_report_makes_a_reply_a_draft_again(store: &Store) {
    let ticket = ticket(store, "bounced@x").await;
    let mut row = row(ticket, 30);
    let people = |address: &str| {
        vec![Contact {
            name: None,
            address: address.into(),
        }]
    };
    row.post.as_mut().unwrap().letter.envelope = Envelope {
        to: people("Maya@x"),
        cc: people("ops@x"),
        ..Envelope::default()
    };
    queue(store, &row, &by_sam(ticket), 1).await;
    assert!(try_claim(store, &row, claim(31, None)).await);
    let mut sent = sent_message(&row);
    sent.raw_sha256 = "sha-bounced".into();
    let outcome = Outcome::Sent(Sent {
        message: &sent,
        mime: MIME,
        wants_copy: false,
    });
    store
        .conclude(ours(&row), (outcome, None), at(40))
        .await
        .unwrap();
    let mut report = in_ticket(message("report@x", "no such user", 50), ticket);
    report.message.auto_class = AutoClass::BounceHard;
    report.returned = Some(Returned {
        message_id: sent.rfc_message_id.clone(),
        words: "not delivered to maya@x: 5.1.1 no such user".into(),
        failed: vec!["maya@x".into()],
        nobody_at: vec!["Maya@x".into()],
    });

    store.file(&filing(vec![report]), at(51)).await.unwrap();

    let draft = store.draft(ticket, "sam").await.unwrap().unwrap();
    assert_eq!(
        draft.flags,
        [
            "not delivered to maya@x: 5.1.1 no such user",
            "ops@x may have it already"
        ]
    );
    assert!(store.suppressed("maya@x").await.unwrap().is_some());
    assert_eq!(store.suppressed("noor@x").await.unwrap(), None);
    let why = draft.flags[0].clone();
    let all = store.all_suppressed().await.unwrap();
    assert_eq!(all, [("maya@x".to_owned(), why)]);
    assert!(store.allow("MAYA@x").await.unwrap());
    assert!(!store.allow("maya@x").await.unwrap());
    assert_eq!(store.suppressed("maya@x").await.unwrap(), None);
    assert!(store.marks_due("nobody@x").await.unwrap().is_empty());
}

pub(super) async fn tickets_are_merged_and_split(store: &Store) {
    let (first, second) = (
        ticket(store, "merge-1@x").await,
        ticket(store, "merge-2@x").await,
    );
    let third = ticket(store, "merge-3@x").await;
    let number = async |id| store.ticket(id).await.unwrap().unwrap().number;
    let gone = number(first).await;

    store.merge((first, second), "noor", at(60)).await.unwrap();
    assert!(store.merge((first, second), "noor", at(61)).await.is_err());
    assert!(store.merge((second, second), "noor", at(61)).await.is_err());
    let whole = store.merge((second, third), "noor", at(62)).await.unwrap();

    assert_eq!(whole.messages, 3);
    assert_eq!(store.merged_into(first).await.unwrap(), Some(second));
    let living = store.living_ticket(gone).await.unwrap().unwrap();
    assert_eq!(living.id, third, "along the chain");
    let messages = store.messages(third).await.unwrap();
    let new = new_ticket("Split off");
    let made = store
        .split(messages[0].id, &new, ("noor", at(63)))
        .await
        .unwrap();
    assert_eq!(store.messages(made.id).await.unwrap().len(), 1);
    assert_eq!(store.ticket(third).await.unwrap().unwrap().messages, 2);
    let lone = store.messages(made.id).await.unwrap()[0].id;
    let again = store.split(lone, &new_ticket("x"), ("noor", at(64))).await;
    assert!(again.is_err(), "a ticket keeps a message");
}
