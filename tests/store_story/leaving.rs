//! How replies leave, who may send them, and what they carry.

use deskhand::{
    domain::{
        Contact, Delivery, Direction, DraftId, DraftState, Enclosed, Envelope, MAY_HAVE_LEFT,
        Message, MessageId, OutboxId, OutboxKind, OutboxRow, Post, PostLetter, Progress, Status,
        TicketId,
    },
    store::{
        Claim, Claimed, IfStale, LeaseAsk, Outcome, QueueAnswer, QueuedFrom, Queueing, SaveDraft,
        Sent, Store, StoreUrl,
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

pub(super) async fn take_over(store: &Store, row: &OutboxRow, now: i64) {
    let underway = store.underway().await.unwrap();
    let dead = underway.iter().find(|dead| dead.row.id == row.id).unwrap();
    store.take_over(dead, at(now)).await.unwrap();
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
