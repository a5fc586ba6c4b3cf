//! Automatic answers: one to each address in a day, and few for each sender.

use deskhand::{
    domain::{Message, OutboxKind, OutboxRow, Status},
    store::{AckLimits, Outcome, Sent, Store},
};
use tokio::task::JoinSet;

use super::{
    leaving::{MIME, claim, ours, row, sent_message, ticket, try_claim},
    props::at,
};

pub(super) async fn a_new_sender_is_answered_once_in_a_day(store: &Store) {
    let ticket = ticket(store, "acked@x").await;
    let ack = |n: i64| OutboxRow {
        kind: OutboxKind::Ack,
        queued_at: at(n),
        ..row(ticket, 30)
    };
    let address = "Maya@northbend.test";
    let first = ack(100);
    assert!(queue_ack(store, &first, (address, 50)).await);
    assert!(!queue_ack(store, &ack(101), (address, 99)).await);
    assert!(queue_ack(store, &ack(300), (address, 200)).await);

    assert!(try_claim(store, &first, claim(102, None)).await);
    let sent = sent_message(&first);
    let outcome = Outcome::Sent(Sent {
        message: &Message {
            raw_sha256: "sha-of-the-ack".into(),
            ..sent
        },
        mime: MIME,
        wants_copy: false,
    });
    store
        .conclude(ours(&first), (outcome, None), at(103))
        .await
        .unwrap();
    let now = store.ticket(ticket).await.unwrap().unwrap();
    assert_eq!(
        (now.status, now.messages),
        (Status::New, 2),
        "it answers nothing"
    );
    let counted = store
        .mails_from("maya@example.com", at(0), at(0))
        .await
        .unwrap();
    assert!(!counted.1);
}

/// Puts an answer into the outbox unless one went to the address since then.
async fn queue_ack(store: &Store, row: &OutboxRow, (address, since): (&str, i64)) -> bool {
    let limits = AckLimits {
        address,
        since: at(since),
        sender: address,
        most: (10, at(since)),
    };
    store.queue_ack((row, MIME), &limits).await.unwrap()
}

pub(super) async fn one_sender_causes_few_answers(store: &Store) {
    let ticket = ticket(store, "caused@x").await;
    let ask = async |n: i64, sender: &str| {
        let row = OutboxRow {
            kind: OutboxKind::Ack,
            queued_at: at(400 + n),
            ..row(ticket, 30)
        };
        let address = format!("victim-{n}@other.test");
        let limits = AckLimits {
            address: &address,
            since: at(0),
            sender,
            most: (2, at(400)),
        };
        store.queue_ack((&row, MIME), &limits).await.unwrap()
    };

    assert!(ask(1, "eve@evil.test").await);
    assert!(ask(2, "Eve+2@evil.test").await);
    assert!(!ask(3, "eve+3@evil.test").await);
    assert!(ask(4, "sam@northbend.test").await);
}

/// Two desks read one mailbox at the same moment: one of them answers.
pub(super) async fn two_answers_at_once_are_one(store: &Store) {
    let mut asked = JoinSet::new();
    for n in 0..8 {
        let ticket = ticket(store, &format!("at-once-{n}@x")).await;
        let store = store.clone();
        asked.spawn(async move {
            let row = OutboxRow {
                kind: OutboxKind::Ack,
                queued_at: at(500),
                ..row(ticket, 30)
            };
            queue_ack(&store, &row, ("at-once@northbend.test", 400)).await
        });
    }

    let answers = asked.join_all().await;

    assert_eq!(answers.iter().filter(|sent| **sent).count(), 1);
}
