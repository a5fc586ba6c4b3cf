//! Tickets that go on in others, and come back from there as they were.

use deskhand::{
    domain::{Status, TicketId, joining::NotJoined},
    store::{Store, StoreError},
};

use super::{
    leaving,
    props::{at, filing, in_ticket, message, new_ticket, to_status},
};

pub(super) fn why<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> NotJoined {
    match refused {
        Err(StoreError::NotJoined(why)) => why,
        other => panic!("{other:?}"),
    }
}

pub(super) async fn ids(store: &Store, ticket: TicketId) -> Vec<String> {
    let messages = store.messages(ticket).await.unwrap();
    messages.into_iter().map(|one| one.rfc_message_id).collect()
}

pub(super) async fn a_merge_is_undone_whole(store: &Store) {
    let first = leaving::ticket(store, "undo-1@x").await;
    let second = leaving::ticket(store, "undo-2@x").await;
    let third = leaving::ticket(store, "undo-3@x").await;
    let pending = to_status(Status::Pending);
    store.change(first, &pending, "noor", at(65)).await.unwrap();
    let more = in_ticket(message("undo-1b@x", "And where now?", 66), first);
    store.file(&filing(vec![more]), at(66)).await.unwrap();
    let before = store.ticket(first).await.unwrap().unwrap();
    let other_before = store.ticket(second).await.unwrap().unwrap();
    assert_eq!(
        why(store.unmerge(first, "noor", at(67)).await),
        NotJoined::NotMerged(before.number)
    );

    store.merge((first, second), "noor", at(70)).await.unwrap();
    // The other goes on meanwhile, and is merged itself: that is undone first.
    let since = in_ticket(message("undo-2b@x", "Hello?", 71), second);
    store.file(&filing(vec![since]), at(71)).await.unwrap();
    store.merge((second, third), "noor", at(72)).await.unwrap();
    let refused = why(store.unmerge(first, "noor", at(73)).await);
    let (number, into) = (before.number, other_before.number);
    assert_eq!(refused, NotJoined::WentOn { number, into });
    let (back, other) = store.unmerge(second, "noor", at(74)).await.unwrap();
    assert_eq!((back.messages, other.messages), (4, 1));
    let (back, other) = store.unmerge(first, "noor", at(75)).await.unwrap();

    assert_eq!(
        (back.id, back.status, back.messages),
        (first, before.status, 2)
    );
    assert_eq!(
        back.last_customer_message_at,
        before.last_customer_message_at
    );
    assert_eq!((other.id, other.messages), (second, 2));
    assert_eq!(ids(store, first).await, ["undo-1@x", "undo-1b@x"]);
    assert_eq!(ids(store, second).await, ["undo-2@x", "undo-2b@x"]);
    assert_eq!(store.merged_into(first).await.unwrap(), None);
    let stored = store.ticket(first).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.messages), (before.status, 2));
    // Mail that answers a message which came back goes there, not to the other.
    let known = store
        .known("import", &["undo-1b@x".to_owned()])
        .await
        .unwrap();
    assert_eq!(known.first().map(|one| one.ticket), Some(first));

    // What was split off meanwhile stays a ticket of its own; a merge can be done again.
    store.merge((first, second), "noor", at(76)).await.unwrap();
    let moved = store.messages(second).await.unwrap();
    let one = moved
        .iter()
        .find(|one| one.rfc_message_id == "undo-1b@x")
        .unwrap();
    let apart = store
        .split(one.id, &new_ticket("Apart"), ("noor", at(77)))
        .await
        .unwrap();
    let (back, other) = store.unmerge(first, "noor", at(78)).await.unwrap();
    assert_eq!((back.messages, other.messages), (1, 2));
    assert_eq!(ids(store, apart.id).await, ["undo-1b@x"]);
}

pub(super) async fn what_cannot_be_merged_is_said(store: &Store) {
    let first = leaving::ticket(store, "refuse-1@x").await;
    let second = leaving::ticket(store, "refuse-2@x").await;
    let number = async |id| store.ticket(id).await.unwrap().unwrap().number;
    let (one, other) = (number(first).await, number(second).await);
    let seen = store.to_merge((first, second)).await.unwrap();
    assert_eq!((seen.0.number, seen.1.number), (one, other));
    assert_eq!(
        why(store.to_merge((first, first)).await),
        NotJoined::Itself(one)
    );

    let row = leaving::row(first, 500);
    leaving::queue(store, &row, &leaving::by_sam(first), 1).await;
    for pair in [(first, second), (second, first)] {
        assert_eq!(
            why(store.merge(pair, "noor", at(80)).await),
            NotJoined::OnItsWay(one)
        );
    }
    store.withdraw(row.id, at(81)).await.unwrap();
    let spam = to_status(Status::Spam);
    store.change(second, &spam, "noor", at(82)).await.unwrap();
    let over = NotJoined::Over {
        number: other,
        status: Status::Spam,
    };
    assert_eq!(why(store.to_merge((first, second)).await), over);
    assert_eq!(
        why(store.merge((second, first), "noor", at(83)).await),
        over
    );
}
