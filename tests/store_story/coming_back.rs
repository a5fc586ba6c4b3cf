//! How replies come back to their drafts, and what is known of them then.

use deskhand::{
    domain::{AutoClass, Contact, DraftOrigin, DraftState, Enclosed, Envelope, Purpose},
    store::{IfStale, Outcome, QueuedFrom, Queueing, Returned, Sent, Store},
};

use super::{
    leaving::{MIME, by_sam, claim, ours, queue, row, sent_message, take_over, ticket, try_claim},
    props::{at, filing, in_ticket, message, save},
};

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
