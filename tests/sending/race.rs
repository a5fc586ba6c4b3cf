//! The stale guard under a race: mail that comes between draft and sending holds the reply, in
//! whatever order the two reach the database.

use deskhand::{
    domain::{
        AutoClass, Body, Contact, Delivery, Direction, DraftId, DraftOrigin, DraftState, Message,
        MessageId, MessageKind, OutboxId, OutboxKind, OutboxRow, Post, PostLetter, Progress,
        Status, Ticket, TicketId, Timestamp,
    },
    store::{
        Claim, Filing, Letter, Place, QueueAnswer, QueuedFrom, Queueing, SaveDraft, Store, StoreUrl,
    },
};
use uuid::Uuid;

const RUNS: usize = 1_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a time")
}

fn maya() -> Contact {
    Contact {
        name: None,
        address: "maya@northbend.test".to_owned(),
    }
}

fn message(ticket: TicketId, second: i64) -> Message {
    let unique = Uuid::now_v7();
    Message {
        id: MessageId::new(unique),
        ticket,
        kind: MessageKind::Public,
        direction: Direction::In,
        from: maya(),
        reply_to: None,
        to: Vec::new(),
        cc: Vec::new(),
        subject: "Parcel".to_owned(),
        body: Body::default(),
        attachments: Vec::new(),
        rfc_message_id: format!("{unique}@northbend.test"),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: at(second),
        raw_sha256: unique.to_string(),
        thread_reason: String::new(),
        hints: Vec::new(),
        was_seen: false,
    }
}

fn filing(message: Message, place: Place) -> Filing {
    Filing {
        source: "imap:support@acme.test".to_owned(),
        letters: vec![Letter {
            message,
            place,
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
    }
}

fn new_ticket(id: TicketId) -> Ticket {
    Ticket {
        id,
        number: 0,
        source: "imap:support@acme.test".to_owned(),
        subject: "Parcel".to_owned(),
        requester: maya(),
        status: Status::New,
        priority: None,
        assignee: None,
        tags: Vec::new(),
        quarantined_because: None,
        messages: 0,
        created_at: at(0),
        updated_at: at(0),
        last_customer_message_at: None,
        version: 1,
    }
}

fn reply(ticket: TicketId, draft: DraftId) -> OutboxRow {
    let id = OutboxId::new(Uuid::now_v7());
    OutboxRow {
        id,
        kind: OutboxKind::Reply,
        ticket,
        draft,
        text: "It is on its way.".to_owned(),
        then: Status::Pending,
        approved_by: "noor".to_owned(),
        queued_at: at(5),
        post: Some(Post {
            account: "support@acme.test".to_owned(),
            rfc_message_id: format!("dh.{id}@acme.test"),
            letter: PostLetter::default(),
        }),
        progress: Progress::held(Some(at(15))),
    }
}

/// Two programs at one database: one files mail while the other queues and sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_races_between_new_mail_and_a_reply_send_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = StoreUrl::Sqlite(folder.path().join("desk.db"));
    let (mail, desk) = (
        Store::open(&url).await.expect("a store"),
        Store::open(&url).await.expect("a store"),
    );
    let (mut refused, mut brought_back) = (0, 0);
    for run in 0..RUNS {
        let ticket = TicketId::new(Uuid::now_v7());
        let place = Place::New(Box::new(new_ticket(ticket)));
        let first = filing(message(ticket, 0), place);
        mail.file(&first, at(0)).await.expect("it is filed");
        let save = SaveDraft {
            ticket,
            author: "noor".to_owned(),
            answers: None,
            text: "It is on its way.".to_owned(),
            origin: DraftOrigin::Human,
            state: DraftState::Ready,
            receipts: Vec::new(),
            flags: Vec::new(),
            knew: None,
            expected: None,
            at: at(1),
        };
        let draft = desk.save_draft(&save).await.expect("it is saved");
        let row = reply(ticket, draft.id);
        let queueing = Queueing {
            row: &row,
            mime: Some(b"Subject: x\r\n\r\nIt is on its way.\r\n"),
            from: QueuedFrom::Live(draft.revision),
            seen_messages: Some(1),
        };
        let news = filing(message(ticket, 5), Place::In(ticket));
        // Which is first is left to the machine; every other run gives one a small start.
        let queueing = async {
            if run % 2 == 0 {
                tokio::task::yield_now().await;
            }
            desk.queue_reply(&queueing).await
        };
        let (filed, queued) = tokio::join!(mail.file(&news, at(5)), queueing);
        filed.expect("it is filed");
        match queued.expect("it is answered") {
            QueueAnswer::Stale => refused += 1,
            QueueAnswer::Queued => brought_back += 1,
        }

        let claim = Claim {
            owner: "a desk",
            at: at(20),
            lease_until: at(80),
            only_due_after: None,
        };
        let claimed = desk.claim_reply(row.id, claim).await.expect("it is asked");
        assert_eq!(claimed, None, "run {run} sent a stale reply");
        let kept = desk.draft(ticket, "noor").await.expect("it is read");
        let kept = kept.expect("the draft is there");
        assert_eq!(kept.state, DraftState::Stale, "run {run}");
        assert_eq!(kept.text, "It is on its way.");
    }
    let held = desk.outbox(None).await.expect("it is read");
    let open = held
        .iter()
        .filter(|row| row.progress.delivery == Delivery::Held);
    assert_eq!(open.count(), 0);
    assert_eq!(refused + brought_back, RUNS);
    assert!(
        refused > 0 && brought_back > 0,
        "{refused} refused, {brought_back} brought back"
    );
}
