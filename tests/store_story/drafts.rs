//! Drafts and the outbox.

use deskhand::{
    desk::send::letter::messages_of_people,
    domain::{
        Delivery, Draft, DraftId, DraftState, Order, OutboxId, OutboxKind, OutboxRow, Progress,
        Query, Status, TicketId,
    },
    store::{QueuedFrom, Queueing, Revision, Store, StoreError},
};
use uuid::Uuid;

use super::props::{ALL, at, filing, find, in_ticket, message, number, save, to_status};

pub(super) async fn drafts_are_never_lost(store: &Store) {
    let id = number(store, 4813).await.id;
    assert_eq!(store.draft(id, "noor").await.unwrap(), None);

    let first = store
        .save_draft(&save(id, "Dear Maya,", None))
        .await
        .unwrap();
    let second = store
        .save_draft(&save(id, "Dear Maya, yes.", Some(1)))
        .await
        .unwrap();

    assert_eq!((first.id, second.revision), (second.id, 2));
    assert_eq!(store.draft(id, "noor").await.unwrap(), Some(second.clone()));
    let refused = store.save_draft(&save(id, "My other text", Some(1))).await;
    let Err(StoreError::Conflict(conflict)) = refused else {
        panic!("an old revision was overwritten: {refused:?}");
    };
    assert_eq!(conflict.current, Some(second.clone()));
    assert_eq!(conflict.refused, "My other text");
    let unseen = store.save_draft(&save(id, "New", None)).await;
    assert!(matches!(unseen, Err(StoreError::Conflict(_))));
    let texts = |revisions: Vec<Revision>| -> Vec<String> {
        revisions
            .into_iter()
            .map(|revision| revision.text)
            .collect()
    };
    assert_eq!(
        texts(store.revisions(first.id).await.unwrap()),
        vec!["Dear Maya,", "Dear Maya, yes."]
    );
    let mut someone = save(id, "Mine", None);
    someone.author = "theo".into();
    let theirs = store.save_draft(&someone).await.unwrap();
    let of = |name: &str, authors: &[(String, u64)]| {
        let mut found = authors.iter().filter(|(author, _)| author == name);
        found.next().map(|(_, count)| *count)
    };
    let authors = store.draft_authors().await.unwrap();
    assert_eq!(
        (of("theo", &authors), of("nobody", &authors)),
        (Some(1), None)
    );
    assert!(of("noor", &authors) >= Some(1));
    store.discard_draft(theirs.id, at(301)).await.unwrap();

    store.discard_draft(first.id, at(302)).await.unwrap();
    assert_eq!(store.draft(id, "noor").await.unwrap(), None);
    assert!(store.discard_draft(first.id, at(303)).await.is_err());
    let back = store.restore_draft(first.id, at(304)).await.unwrap();
    assert_eq!(back, second);
    store.discard_draft(first.id, at(305)).await.unwrap();
    let fresh = store
        .save_draft(&save(id, "Begun anew", None))
        .await
        .unwrap();
    let occupied = store.restore_draft(first.id, at(306)).await;
    assert!(
        matches!(occupied, Err(StoreError::Conflict(conflict)) if conflict.current == Some(fresh))
    );
    assert_eq!(find(store, "is:draft").await, vec![4813]);
    let none = store
        .discard_draft(DraftId::new(Uuid::now_v7()), at(307))
        .await;
    assert!(matches!(
        none,
        Err(StoreError::NotFound { what: "draft", .. })
    ));
    a_new_letter_makes_a_draft_stale(store, id).await;
}

async fn a_new_letter_makes_a_draft_stale(store: &Store, id: TicketId) {
    store
        .file(
            &filing(vec![in_ticket(
                message("later@shop", "One thing more", 90),
                id,
            )]),
            at(310),
        )
        .await
        .unwrap();

    let draft = store.draft(id, "noor").await.unwrap().unwrap();

    assert_eq!((draft.state, draft.revision), (DraftState::Stale, 1));
    a_stale_draft_is_stale_until_it_is_kept(store, id, &draft).await;
}

/// Typing on is no answer to what came; and what a model wrote without knowing of it is stale from
/// the start.
async fn a_stale_draft_is_stale_until_it_is_kept(store: &Store, id: TicketId, draft: &Draft) {
    let typed = save(id, "Begun anew, and on", Some(draft.revision));
    let typed = store.save_draft(&typed).await.unwrap();
    assert_eq!((typed.state, typed.revision), (DraftState::Stale, 2));
    let messages = store.messages(id).await.unwrap();
    let seen = messages_of_people(&messages);
    let newest = messages.last().map(|newest| newest.id);

    let unread = store
        .keep_draft(draft.id, (newest, seen - 1), at(311))
        .await;
    assert_eq!(unread.unwrap(), None, "there is one that nobody has seen");
    let kept = store.keep_draft(draft.id, (newest, seen), at(312)).await;
    let kept = kept.unwrap().unwrap();
    assert_eq!((kept.state, kept.answers), (DraftState::Ready, newest));
    assert_eq!(store.draft(id, "noor").await.unwrap(), Some(kept));

    let mut written = save(id, "A model's words", Some(2));
    written.knew = Some(seen - 1);
    let written = store.save_draft(&written).await.unwrap();
    assert_eq!(written.state, DraftState::Stale);
    let mut whole = save(id, "A model's words, with all of it", Some(3));
    whole.knew = Some(seen);
    whole.answers = newest;
    let whole = store.save_draft(&whole).await.unwrap();
    assert_eq!(whole.state, DraftState::Ready);
    let none = store
        .keep_draft(DraftId::new(Uuid::now_v7()), (None, seen), at(313))
        .await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
}

fn from_live(row: &OutboxRow, revision: i64) -> Queueing<'_> {
    Queueing {
        row,
        mime: None,
        from: QueuedFrom::Live(revision),
        seen_messages: None,
    }
}

pub(super) async fn replies_wait_in_the_outbox(store: &Store) {
    let id = number(store, 4813).await.id;
    let draft = store.draft(id, "noor").await.unwrap().unwrap();
    let row = OutboxRow {
        id: OutboxId::new(Uuid::now_v7()),
        kind: OutboxKind::Reply,
        ticket: id,
        draft: draft.id,
        text: format!("{}\n-- \nNoor", draft.text),
        then: Status::Solved,
        approved_by: "noor".into(),
        queued_at: at(400),
        post: None,
        progress: Progress::held(None),
    };

    let stale = store
        .queue_reply(&from_live(&row, draft.revision - 1))
        .await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    assert_eq!(
        store.draft(id, "noor").await.unwrap().as_ref(),
        Some(&draft)
    );
    store
        .queue_reply(&from_live(&row, draft.revision))
        .await
        .unwrap();

    assert_eq!(store.outbox(Some(id)).await.unwrap(), vec![row.clone()]);
    assert_eq!(store.outbox(None).await.unwrap().len(), 1);
    assert_eq!(store.draft(id, "noor").await.unwrap(), None);
    assert_eq!(store.ticket(id).await.unwrap().unwrap().status, Status::New);
    let shown = store
        .tickets(&Query::parse("größe").unwrap(), Order::Newest, ALL)
        .await
        .unwrap();
    assert_eq!(shown[0].open_reply, Some(Delivery::Held));
    assert!(shown[0].draft.is_none());
    assert!(matches!(
        store.queue_reply(&from_live(&row, draft.revision)).await,
        Err(StoreError::Conflict(_))
    ));
    assert!(matches!(
        store.restore_draft(draft.id, at(401)).await,
        Err(StoreError::Conflict(_))
    ));
    let back = store.withdraw(row.id, at(402)).await.unwrap();
    assert_eq!(back, draft);
    assert!(matches!(
        store.withdraw(row.id, at(403)).await,
        Err(StoreError::Conflict(_))
    ));
    assert_eq!(
        store.outbox(Some(id)).await.unwrap()[0].progress.delivery,
        Delivery::Withdrawn
    );
    a_closed_ticket_takes_no_reply(store, row).await;
}

async fn a_closed_ticket_takes_no_reply(store: &Store, row: OutboxRow) {
    store
        .change(row.ticket, &to_status(Status::Closed), "noor", at(404))
        .await
        .unwrap();

    let again = OutboxRow {
        id: OutboxId::new(Uuid::now_v7()),
        ..row.clone()
    };
    let draft = store.draft(row.ticket, "noor").await.unwrap().unwrap();
    let refused = store.queue_reply(&from_live(&again, draft.revision)).await;

    assert!(
        matches!(refused, Err(StoreError::IllegalMove(_))),
        "{refused:?}"
    );
    assert!(
        store.draft(row.ticket, "noor").await.unwrap().is_some(),
        "the draft stays"
    );
    assert_eq!(store.outbox(Some(row.ticket)).await.unwrap().len(), 1);
}
