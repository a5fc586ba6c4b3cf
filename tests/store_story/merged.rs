//! What becomes of replies, reports and mail whose ticket was merged meanwhile, and how the
//! tickets of a merge stand.

use deskhand::{
    domain::{
        AutoClass, Contact, Delivery, DraftState, Envelope, Message, OutboxKind, OutboxRow, Status,
        TicketId, joining::NotJoined,
    },
    store::{AckLimits, Claim, Claimed, IfStale, Outcome, Returned, Sent, Store, StoreUrl},
};

use super::{
    leaving::{MIME, by_sam, ours, queue, row, sent_message, ticket},
    merging::{ids, why},
    props::{at, filing, in_ticket, message, new_ticket, save, to_status},
};

/// So often the crowd merges.
const ROUNDS: i64 = 12;

async fn status(store: &Store, ticket: TicketId) -> Status {
    store.ticket(ticket).await.unwrap().unwrap().status
}

async fn set(store: &Store, ticket: TicketId, status: Status) {
    let change = to_status(status);
    store.change(ticket, &change, "noor", at(90)).await.unwrap();
}

/// A reply that is written to somebody else than the ticket's requester.
fn to_vera(ticket: TicketId) -> (OutboxRow, Envelope) {
    let envelope = Envelope {
        to: vec![Contact {
            name: None,
            address: "vera@northbend.test".into(),
        }],
        ..Envelope::default()
    };
    let mut row = row(ticket, 30);
    row.post.as_mut().unwrap().letter.envelope = envelope.clone();
    (row, envelope)
}

async fn claim(store: &Store, row: &OutboxRow, now: i64) {
    let claim = Claim {
        owner: "us",
        at: at(now),
        lease_until: at(now + 60),
        only_due_after: None,
    };
    store.claim_reply(row.id, claim).await.unwrap().unwrap();
}

async fn refuse(store: &Store, row: &OutboxRow) {
    claim(store, row, 100).await;
    let refused = (Outcome::Refused, Some("550 no"));
    store.conclude(ours(row), refused, at(101)).await.unwrap();
}

async fn send(store: &Store, row: &OutboxRow, digest: &str) {
    claim(store, row, 120).await;
    let mut message = sent_message(row);
    message.raw_sha256 = digest.into();
    let outcome = Outcome::Sent(Sent {
        message: &message,
        mime: MIME,
        wants_copy: false,
    });
    let done = store.conclude(ours(row), (outcome, None), at(121));
    done.await.unwrap();
}

pub(super) async fn a_reply_goes_over_with_its_ticket(store: &Store) {
    let first = ticket(store, "over-1@x").await;
    let second = ticket(store, "over-2@x").await;
    let third = ticket(store, "over-3@x").await;
    let (again, _) = to_vera(first);
    queue(store, &again, &by_sam(first), 1).await;
    refuse(store, &again).await;
    store.merge((first, second), "noor", at(110)).await.unwrap();
    store.merge((second, third), "noor", at(111)).await.unwrap();

    let held = (MIME, IfStale::Send);
    let held = store.hold_again(again.id, held, at(115)).await;
    let held = held.unwrap().unwrap();

    assert_eq!(held.ticket, third);
    let listed = store.outbox(Some(third)).await.unwrap();
    assert!(listed.iter().any(|one| one.id == again.id));
    assert_eq!(store.draft(first, "sam").await.unwrap(), None);
    // As it was written, for the ticket of then.
    send(store, &again, "sha-over").await;
    assert_eq!(
        ids(store, third).await,
        [
            "over-1@x",
            "over-2@x",
            "over-3@x",
            again.post.as_ref().unwrap().rfc_message_id.as_str()
        ]
    );
    assert_eq!(store.sent_mime(again.id).await.unwrap().unwrap(), MIME);
    let living = store.ticket(third).await.unwrap().unwrap();
    // Solving was said of the other ticket: a question here may wait.
    assert_eq!((living.status, living.messages), (Status::New, 4));
    let merged = store.ticket(first).await.unwrap().unwrap();
    assert_eq!((merged.status, merged.messages), (Status::Merged, 0));
}

pub(super) async fn a_reply_that_came_back_is_taken_up_where_its_ticket_went_on(store: &Store) {
    let first = ticket(store, "back-1@x").await;
    let second = ticket(store, "back-2@x").await;
    let (row, envelope) = to_vera(first);
    queue(store, &row, &by_sam(first), 1).await;
    send(store, &row, "sha-back").await;
    // Its author has begun another by then: the report leaves it in the outbox.
    let mut other = save(first, "Another.", None);
    other.author = "sam".into();
    store.save_draft(&other).await.unwrap();
    let mut report = in_ticket(message("back-3@x", "no such user", 131), first);
    report.message.auto_class = AutoClass::BounceHard;
    report.returned = Some(Returned {
        message_id: row.post.as_ref().unwrap().rfc_message_id.clone(),
        words: "not delivered".into(),
        failed: Vec::new(),
        nobody_at: Vec::new(),
    });
    store.file(&filing(vec![report]), at(131)).await.unwrap();
    store.merge((first, second), "noor", at(132)).await.unwrap();

    let draft = store.withdraw(row.id, at(133)).await.unwrap();

    assert_eq!((draft.ticket, draft.state), (second, DraftState::Stale));
    assert_eq!(draft.envelope, Some(envelope), "to whom it was written");
    assert_eq!(store.draft(second, "sam").await.unwrap(), Some(draft));
}

pub(super) async fn a_report_finds_the_living_ticket(store: &Store) {
    let first = ticket(store, "report-1@x").await;
    let second = ticket(store, "report-2@x").await;
    let (row, envelope) = to_vera(first);
    queue(store, &row, &by_sam(first), 1).await;
    send(store, &row, "sha-reported").await;
    store.merge((first, second), "noor", at(130)).await.unwrap();
    assert!(
        store.sent_mime(row.id).await.unwrap().is_some(),
        "its copy can still be kept"
    );
    let mut report = in_ticket(message("report-3@x", "no such user", 131), second);
    report.message.auto_class = AutoClass::BounceHard;
    report.returned = Some(Returned {
        message_id: row.post.as_ref().unwrap().rfc_message_id.clone(),
        words: "not delivered".into(),
        failed: Vec::new(),
        nobody_at: Vec::new(),
    });

    store.file(&filing(vec![report]), at(131)).await.unwrap();

    assert_eq!(store.draft(first, "sam").await.unwrap(), None);
    let draft = store.draft(second, "sam").await.unwrap().unwrap();
    assert_eq!(draft.flags, ["not delivered"]);
    assert_eq!(draft.envelope, Some(envelope), "to whom it was written");
    assert_eq!(store.outbox_row(row.id).await.unwrap().ticket, second);
}

pub(super) async fn mail_on_its_way_goes_where_its_ticket_went(store: &Store) {
    let first = ticket(store, "way-1@x").await;
    let second = ticket(store, "way-2@x").await;
    let third = ticket(store, "way-3@x").await;
    set(store, first, Status::Pending).await;
    let number = store.ticket(first).await.unwrap().unwrap().number;
    // It was threaded here; then the ticket was merged, and that one as well.
    let mut news = in_ticket(message("way-4@x", "And now?", 140), first);
    news.reopen = Some(Status::Open);
    store.merge((first, second), "noor", at(135)).await.unwrap();
    store.merge((second, third), "noor", at(136)).await.unwrap();
    set(store, third, Status::Solved).await;
    store
        .save_draft(&save(third, "Solved.", None))
        .await
        .unwrap();

    let filed = store.file(&filing(vec![news]), at(140)).await.unwrap();

    assert_eq!(filed.joined, [third]);
    let messages = store.messages(third).await.unwrap();
    let last = messages.last().unwrap();
    assert_eq!(
        (messages.len(), last.rfc_message_id.as_str()),
        (4, "way-4@x")
    );
    let words = format!("#{number} went on here");
    assert!(last.thread_reason.contains(&words), "{words}");
    let living = store.ticket(third).await.unwrap().unwrap();
    assert_eq!((living.status, living.messages), (Status::Open, 4));
    let draft = store.draft(third, "noor").await.unwrap().unwrap();
    assert_eq!(draft.state, DraftState::Stale);
    for merged in [first, second] {
        let merged = store.ticket(merged).await.unwrap().unwrap();
        assert_eq!((merged.status, merged.messages), (Status::Merged, 0));
    }

    // What we answered the other solves nothing here; a late machine changes nothing.
    let mut ours = in_ticket(message("way-5@x", "Yes.", 141), first);
    ours.message.direction = deskhand::domain::Direction::Out;
    ours.reopen = Some(Status::Solved);
    let mut machine = in_ticket(message("way-6@x", "I am away.", 142), first);
    machine.message.auto_class = AutoClass::Ooo;
    let both = filing(vec![ours, machine]);
    store.file(&both, at(142)).await.unwrap();
    assert_eq!(status(store, third).await, Status::Open);
    assert_eq!(store.messages(third).await.unwrap().len(), 6);
}

pub(super) async fn a_merge_hides_no_question(store: &Store) {
    use Status::{Closed, Open, Pending, Solved};
    for (from, into, then) in [
        (Open, Solved, Open),
        (Open, Closed, Open),
        (Pending, Solved, Pending),
        (Solved, Pending, Pending),
        (Closed, Solved, Solved),
    ] {
        let first = ticket(store, &format!("hide-{from}-{into}-1@x")).await;
        let second = ticket(store, &format!("hide-{from}-{into}-2@x")).await;
        set(store, first, from).await;
        set(store, second, into).await;

        let whole = store.merge((first, second), "noor", at(150)).await.unwrap();
        assert_eq!(whole.status, then, "{from} into {into}");
        let (back, other) = store.unmerge(first, "noor", at(151)).await.unwrap();
        assert_eq!((back.status, other.status), (from, into), "as they were");
        assert_eq!(status(store, second).await, into);
    }
    what_came_since_is_not_hidden_either(store).await;
    merges_are_undone_in_any_order(store).await;
    when_a_customer_wrote_is_given_back(store).await;
    quarantine_is_said(store).await;
}

async fn what_came_since_is_not_hidden_either(store: &Store) {
    let first = ticket(store, "since-1@x").await;
    let second = ticket(store, "since-2@x").await;
    set(store, second, Status::Solved).await;
    store.merge((first, second), "noor", at(155)).await.unwrap();
    let news = in_ticket(message("since-3@x", "Hello?", 156), second);
    store.file(&filing(vec![news]), at(156)).await.unwrap();
    let (_, other) = store.unmerge(first, "noor", at(157)).await.unwrap();
    assert_eq!((other.status, other.messages), (Status::Open, 2));

    set(store, second, Status::Solved).await;
    store.merge((first, second), "noor", at(158)).await.unwrap();
    set(store, second, Status::Pending).await;
    let (_, other) = store.unmerge(first, "noor", at(159)).await.unwrap();
    assert_eq!(other.status, Status::Pending, "somebody chose that");
}

async fn merges_are_undone_in_any_order(store: &Store) {
    for order in [[0, 1], [1, 0]] {
        let name = |no: usize| format!("order-{}-{no}@x", order[0]);
        let whole = ticket(store, &name(9)).await;
        set(store, whole, Status::Solved).await;
        let before = store.ticket(whole).await.unwrap().unwrap();
        let mut merged = Vec::new();
        for (no, status) in [(0, Status::Open), (1, Status::Pending)] {
            let one = ticket(store, &name(no)).await;
            let sent = 160 + i64::try_from(no).unwrap();
            let more = in_ticket(message(&format!("more-{}", name(no)), "And?", sent), one);
            store.file(&filing(vec![more]), at(165)).await.unwrap();
            set(store, one, status).await;
            let into = store.merge((one, whole), "noor", at(170)).await.unwrap();
            assert_eq!(into.status, Status::Open);
            merged.push(one);
        }

        let [sooner, later] = order.map(|no| merged[no]);
        let (_, between) = store.unmerge(sooner, "noor", at(171)).await.unwrap();
        let stays = if order[0] == 0 {
            (Status::Pending, Some(at(161)))
        } else {
            (Status::Open, Some(at(160)))
        };
        assert_eq!((between.status, between.last_customer_message_at), stays);
        let (_, last) = store.unmerge(later, "noor", at(172)).await.unwrap();
        assert_eq!(
            (last.status, last.last_customer_message_at, last.messages),
            (before.status, before.last_customer_message_at, 1)
        );
    }
}

async fn when_a_customer_wrote_is_given_back(store: &Store) {
    let asked = async |id| {
        let ticket = store.ticket(id).await.unwrap().unwrap();
        ticket.last_customer_message_at
    };
    let talk = async |name: &str, sent: i64| {
        let id = ticket(store, &format!("asked-{name}@x")).await;
        let more = message(&format!("asked-{name}-more@x"), "And?", sent);
        let more = filing(vec![in_ticket(more, id)]);
        store.file(&more, at(165)).await.unwrap();
        id
    };
    let merge = async |from, into| {
        store.merge((from, into), "noor", at(170)).await.unwrap();
    };

    // Mail that is older than what went over came since.
    let (first, whole) = (talk("1", 160).await, talk("2", 20).await);
    merge(first, whole).await;
    let late = in_ticket(message("asked-late@x", "Late.", 155), whole);
    store.file(&filing(vec![late]), at(171)).await.unwrap();
    store.unmerge(first, "noor", at(172)).await.unwrap();
    assert_eq!(asked(whole).await, Some(at(155)));

    // Where nobody had written, nobody has after both are gone.
    let bare = new_ticket("Bare");
    let bare = store.new_ticket(&bare, "noor", at(166)).await.unwrap().id;
    let (first, second) = (talk("3", 160).await, talk("4", 161).await);
    merge(first, bare).await;
    merge(second, bare).await;
    store.unmerge(first, "noor", at(172)).await.unwrap();
    assert_eq!(asked(bare).await, Some(at(161)));
    store.unmerge(second, "noor", at(173)).await.unwrap();
    assert_eq!(asked(bare).await, None);
}

async fn quarantine_is_said(store: &Store) {
    let first = ticket(store, "quarantine-1@x").await;
    let mut away = new_ticket("Away");
    away.quarantined_because = Some("a bounce".into());
    let away = store.new_ticket(&away, "noor", at(173)).await.unwrap();
    set(store, first, Status::Solved).await;

    let refused = why(store.merge((first, away.id), "noor", at(174)).await);
    assert_eq!(
        refused,
        NotJoined::Quarantined {
            number: away.number,
            because: "a bounce".into()
        }
    );
    assert!(refused.to_string().contains("Release it first"));
    // The other way nothing is hidden, and what was in quarantine asks nothing.
    let whole = store
        .merge((away.id, first), "noor", at(175))
        .await
        .unwrap();
    assert_eq!(whole.status, Status::Solved);
}

pub(super) async fn no_merge_gives_back_an_empty_ticket(store: &Store) {
    let first = ticket(store, "empty-1@x").await;
    let second = ticket(store, "empty-2@x").await;
    store.merge((first, second), "noor", at(180)).await.unwrap();
    let messages = store.messages(second).await.unwrap();
    let gone = messages
        .iter()
        .find(|one| one.rfc_message_id == "empty-1@x");
    let apart = store
        .split(gone.unwrap().id, &new_ticket("Apart"), ("noor", at(181)))
        .await
        .unwrap();
    let number = store.ticket(first).await.unwrap().unwrap().number;

    let refused = why(store.unmerge(first, "noor", at(182)).await);

    assert_eq!(refused, NotJoined::NothingLeft(number));
    assert_eq!(status(store, first).await, Status::Merged);
    // Merged again from where it is now, it belongs to that merge.
    store
        .merge((apart.id, second), "noor", at(183))
        .await
        .unwrap();
    assert!(store.unmerge(first, "noor", at(184)).await.is_err());
    let (back, other) = store.unmerge(apart.id, "noor", at(185)).await.unwrap();
    assert_eq!((back.messages, other.messages), (1, 1));
    assert_eq!(ids(store, apart.id).await, ["empty-1@x"]);
    // One without messages was so before.
    let bare = new_ticket("Bare");
    let bare = store.new_ticket(&bare, "noor", at(186)).await.unwrap().id;
    store.merge((bare, second), "noor", at(187)).await.unwrap();
    let (back, _) = store.unmerge(bare, "noor", at(188)).await.unwrap();
    assert_eq!((back.id, back.messages), (bare, 0));
}

pub(super) async fn an_automatic_answer_keeps_no_merge(store: &Store) {
    let first = ticket(store, "ack-over-1@x").await;
    let second = ticket(store, "ack-over-2@x").await;
    let ack = OutboxRow {
        kind: OutboxKind::Ack,
        queued_at: at(190),
        ..row(first, 30)
    };
    let limits = AckLimits {
        address: "vera@northbend.test",
        since: at(100),
        sender: "vera@northbend.test",
        most: (10, at(100)),
    };
    let queued = store.queue_ack((&ack, MIME), &limits);
    assert!(queued.await.unwrap());
    claim(store, &ack, 191).await;
    let later = (Outcome::Again(at(195)), Some("451 later"));
    store.conclude(ours(&ack), later, at(192)).await.unwrap();

    store.merge((first, second), "noor", at(193)).await.unwrap();
    claim(store, &ack, 196).await;
    let sent = Message {
        raw_sha256: "sha-ack-over".into(),
        ..sent_message(&ack)
    };
    let outcome = Outcome::Sent(Sent {
        message: &sent,
        mime: MIME,
        wants_copy: false,
    });
    let retried = Claimed {
        attempt: 2,
        ..ours(&ack)
    };
    let done = store.conclude(retried, (outcome, None), at(197));
    done.await.unwrap();

    assert_eq!(store.messages(second).await.unwrap().len(), 3);
    let merged = store.ticket(first).await.unwrap().unwrap();
    assert_eq!((merged.status, merged.messages), (Status::Merged, 0));
}

/// Two handles stand for two processes: whichever comes first, each message stands in one living
/// ticket, which counts it.
pub(super) async fn nothing_is_lost_while_tickets_are_merged(store: &Store, url: &StoreUrl) {
    let other = Store::open(url).await.unwrap();
    for round in 0..ROUNDS {
        let first = ticket(store, &format!("crowd-{round}-1@x")).await;
        let second = ticket(store, &format!("crowd-{round}-2@x")).await;
        let (row, _) = to_vera(first);
        queue(store, &row, &by_sam(first), 1).await;
        refuse(store, &row).await;
        let news = |no: i64| {
            let id = format!("crowd-{round}-{no}@x");
            let mut news = in_ticket(message(&id, "And now?", 200 + no), first);
            news.reopen = Some(Status::Open);
            filing(vec![news])
        };
        let (third, fourth) = (news(3), news(4));

        let (merged, filed, held) = tokio::join!(
            store.merge((first, second), "noor", at(200)),
            other.file(&third, at(203)),
            other.hold_again(row.id, (MIME, IfStale::Send), at(203)),
        );
        filed.unwrap();
        held.unwrap();
        whole(store, (first, second), 3).await;
        let row = store.outbox_row(row.id).await.unwrap();
        // New mail may have made it a draft again.
        if row.progress.delivery == Delivery::Held {
            let living = if merged.is_ok() { second } else { first };
            assert_eq!(row.ticket, living, "it leaves from where people look");
            store.withdraw(row.id, at(204)).await.unwrap();
        }
        if merged.is_err() {
            // The reply was held first and kept both.
            store.merge((first, second), "noor", at(204)).await.unwrap();
        }
        let messages = store.messages(second).await.unwrap();
        let new = new_ticket("Apart");
        let (undone, filed, split) = tokio::join!(
            store.unmerge(first, "noor", at(205)),
            other.file(&fourth, at(206)),
            other.split(messages[0].id, &new, ("noor", at(206))),
        );
        if undone.is_err() {
            let number = store.ticket(first).await.unwrap().unwrap().number;
            assert_eq!(why(undone), NotJoined::NothingLeft(number));
        }
        filed.unwrap();
        let apart = i64::from(split.is_ok());
        whole(store, (first, second), 4 - apart).await;
    }
    other.close().await;
}

/// Checks that two tickets have so many messages, each counted, and none where nobody looks.
async fn whole(store: &Store, (first, second): (TicketId, TicketId), messages: i64) {
    let mut counted = 0;
    for id in [first, second] {
        let ticket = store.ticket(id).await.unwrap().unwrap();
        let there = store.messages(id).await.unwrap().len();
        assert_eq!(ticket.messages, i64::try_from(there).unwrap(), "{ticket:?}");
        if ticket.status == Status::Merged {
            assert_eq!(there, 0, "{ticket:?}");
        }
        counted += ticket.messages;
    }
    assert_eq!(counted, messages);
}
