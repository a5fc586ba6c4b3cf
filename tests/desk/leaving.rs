//! Replies leave while a desk is open, whatever happens to those who send them.

use std::time::Duration;

use deskhand::{
    domain::{
        Contact, Delivery, DraftId, DraftOrigin, DraftState, Envelope, OutboxId, OutboxKind,
        OutboxRow, Post, PostLetter, Progress, Status, TicketId,
    },
    store::{Claim, Claimed, QueuedFrom, Queueing, SaveDraft, Store},
};
use uuid::Uuid;

use crate::bench::{Bench, limited, now};

/// Puts a reply into the outbox which another machine is handing over, until its claim runs out.
async fn leaves_elsewhere(store: &Store, ticket: TicketId) -> OutboxId {
    let id = OutboxId::new(Uuid::now_v7());
    let row = OutboxRow {
        id,
        kind: OutboxKind::Reply,
        ticket,
        draft: DraftId::new(Uuid::now_v7()),
        text: "Yes.".to_owned(),
        then: Status::Pending,
        approved_by: "theo".to_owned(),
        queued_at: now(),
        post: Some(Post {
            account: "support@acme.test".to_owned(),
            rfc_message_id: format!("{id}@acme.test"),
            letter: PostLetter::default(),
        }),
        progress: Progress::held(Some(now())),
    };
    let save = SaveDraft {
        ticket,
        author: "theo".to_owned(),
        answers: None,
        text: row.text.clone(),
        origin: DraftOrigin::Human,
        state: DraftState::Ready,
        receipts: Vec::new(),
        flags: Vec::new(),
        knew: None,
        expected: None,
        at: now(),
    };
    let queueing = Queueing {
        row: &row,
        mime: Some(b"Subject: Re: x\r\n\r\nYes.\r\n"),
        from: QueuedFrom::Nowhere(&save),
        seen_messages: None,
    };
    store.queue_reply(&queueing).await.unwrap();
    let owner = "another-machine 1 1 desk theo";
    let claim = Claim {
        owner,
        at: now(),
        lease_until: now() + Duration::from_secs(1),
        only_due_after: None,
    };
    store.claim_reply(id, claim).await.unwrap().unwrap();
    let claimed = Claimed {
        id,
        owner,
        attempt: 1,
    };
    assert!(store.hand_over(claimed).await.unwrap());
    id
}

async fn until_it_is(store: &Store, id: OutboxId, delivery: Delivery) {
    limited(async {
        while store.outbox_row(id).await.unwrap().progress.delivery != delivery {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_dead_sender_left_behind_is_asked_about_by_a_desk_that_is_open() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.listen();
    let store = bench.store().await;

    let id = leaves_elsewhere(&store, ticket).await;

    until_it_is(&store, id, Delivery::Unsure).await;
    desk.close().await;
}

#[tokio::test]
async fn a_reply_found_among_the_sent_mail_is_not_taken_back() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    desk.listen();
    let store = bench.store().await;
    let id = leaves_elsewhere(&store, ticket).await;
    until_it_is(&store, id, Delivery::Unsure).await;
    bench
        .execute(
            "INSERT INTO messages (id, ticket, source, id_key, rfc_message_id, raw_sha256, kind,
                 direction, auto_class, sent_at, filed_at, was_seen, thread_reason, from_address,
                 subject, facts, body)
             SELECT '019aaaaa-0000-7000-8000-000000000001', m.ticket, 'imap:support@acme.test',
                 o.rfc_message_id, o.rfc_message_id, 'sha-filed', m.kind, 'out', m.auto_class,
                 m.sent_at, m.filed_at, 1, 'sent folder', m.from_address, m.subject, m.facts, m.body
             FROM messages m JOIN outbox o ON o.ticket = m.ticket LIMIT 1",
        )
        .await;

    let refused = desk.withdraw(id).await.unwrap_err().to_string();

    assert!(refused.contains("Nothing was taken back"), "{refused}");
    until_it_is(&store, id, Delivery::Sent).await;
    assert_eq!(store.draft(ticket, "theo").await.unwrap(), None);
    desk.close().await;
}

#[tokio::test]
async fn that_nobody_is_at_an_address_in_copy_is_said_too() {
    let bench = Bench::new().await;
    let (desk, ticket) = bench.desk_and_ticket().await;
    bench
        .execute(
            "INSERT INTO suppressed (address, because, at)
             VALUES ('ops@x.test', 'no ops', 1), ('boss@x.test', 'no boss', 1)",
        )
        .await;
    let people = |address: &str| {
        vec![Contact {
            name: None,
            address: address.to_owned(),
        }]
    };
    let envelope = Envelope {
        to: people("maya@x.test"),
        cc: people("Ops@x.test"),
        bcc: people("boss@x.test"),
        ..Envelope::default()
    };

    desk.set_envelope(ticket, &envelope).await.unwrap();

    let route = desk.ticket(ticket).await.unwrap().route;
    assert_eq!(route.nobody_at, ["no ops", "no boss"]);
    desk.close().await;
}
