//! Filing tickets that other systems tell.

use deskhand::{
    domain::{Origin, Record, RecordMessage, SameWhen, Status},
    store::{Recording, Store},
};

use super::props::{at, message, new_ticket};

fn record(id: &str, number: i64, ids: &[&str]) -> Record {
    let mut ticket = new_ticket("Told elsewhere");
    ticket.number = number;
    ticket.status = Status::Pending;
    ticket.source = "elsewhere".into();
    let told = |id: &&str| RecordMessage {
        message: message(id, "Told elsewhere.", 50),
        source: None,
        filed_at: None,
        stand_in: None,
        original: Some(id.as_bytes().to_vec()),
    };
    Record {
        origin: Origin {
            source: "elsewhere".into(),
            source_id: id.into(),
            source_status: Some("stalled".into()),
        },
        ticket,
        status_before: None,
        merged_into: None,
        same_when: SameWhen::IdsAgree,
        messages: ids.iter().map(told).collect(),
    }
}

pub(super) async fn a_ticket_of_another_system_is_filed_once(store: &Store) {
    let before = store.count_all().await.unwrap();
    let first = record("E-1", 700_001, &["e1@elsewhere", "e2@elsewhere"]);
    let second = record("E-2", 700_001, &["e3@elsewhere"]);
    let both = [first.clone(), second];

    let seen = store.file_records(&both, Recording::ToSee, at(500)).await;
    assert_eq!(seen.unwrap().imported, 3);
    assert_eq!(
        store.count_all().await.unwrap(),
        before,
        "a look files nothing"
    );
    let filed = store.file_records(&both, Recording::ForGood, at(500)).await;
    let filed = filed.unwrap();

    assert_eq!(
        (filed.imported, filed.duplicates, filed.new.len()),
        (3, 0, 2)
    );
    assert_eq!(filed.renumbered, ["E-2"], "a number is one ticket's");
    let ticket = store.ticket_by_number(700_001).await.unwrap().unwrap();
    assert_eq!((ticket.id, ticket.messages), (first.ticket.id, 2));
    let next = store.ticket_by_number(700_002).await.unwrap();
    assert!(next.is_some(), "the next number follows");
    let origin = store.ticket_origin(ticket.id).await.unwrap();
    assert_eq!(origin.as_ref(), Some(&first.origin));
    its_origin_is_followed_until_somebody_moves_it(store, &first).await;
    it_leaves_as_it_came(store, &first).await;
    what_was_merged_here_goes_on_where_people_see_it(store).await;
    a_status_that_takes_it_away_keeps_the_one_before(store).await;
}

async fn a_status_that_takes_it_away_keeps_the_one_before(store: &Store) {
    let told = record("E-6", 700_020, &["e8@elsewhere"]);
    let id = told.ticket.id;
    store
        .file_records(&[told], Recording::ForGood, at(580))
        .await
        .unwrap();
    let follow = |word: &'static str, status| async move {
        let mut again = record("E-6", 700_020, &["e8@elsewhere"]);
        again.origin.source_status = Some(word.into());
        again.ticket.status = status;
        let filed = store
            .file_records(&[again], Recording::ForGood, at(590))
            .await
            .unwrap();
        (filed.not_merged, store.record(id).await.unwrap().unwrap())
    };

    let (not_merged, whole) = follow("merged", Status::Merged).await;
    assert_eq!(not_merged, ["E-6"], "it is named");
    assert_eq!(whole.ticket.status, Status::Pending);
    assert_eq!(whole.origin.source_status.as_deref(), Some("merged"));
    for (word, status) in [("spam", Status::Spam), ("deleted", Status::Deleted)] {
        let (not_merged, whole) = follow(word, status).await;
        assert!(not_merged.is_empty());
        assert_eq!(whole.ticket.status, status);
        assert_eq!(whole.status_before, Some(Status::Pending));
    }
    let (_, whole) = follow("stalled", Status::Hold).await;
    assert_eq!(whole.ticket.status, Status::Hold, "and it comes back");
}

async fn what_was_merged_here_goes_on_where_people_see_it(store: &Store) {
    let told = record("E-3", 700_010, &["e5@elsewhere"]);
    let into = record("E-4", 700_011, &["e6@elsewhere"]);
    let last = record("E-5", 700_012, &[]);
    let all = [told.clone(), into.clone(), last.clone()];
    let filed = store.file_records(&all, Recording::ForGood, at(550)).await;
    assert_eq!(filed.unwrap().new.len(), 3);
    for (from, to) in [(&told, &into), (&into, &last)] {
        let pair = (from.ticket.id, to.ticket.id);
        store.merge(pair, "noor", at(560)).await.unwrap();
    }

    let mut again = record("E-3", 700_010, &["e5@elsewhere", "e7@elsewhere"]);
    again.origin.source_status = Some("resolved".into());
    again.ticket.status = Status::Solved;
    let filed = store
        .file_records(&[again], Recording::ForGood, at(570))
        .await
        .unwrap();

    assert_eq!((filed.imported, filed.duplicates), (1, 1), "{filed:?}");
    assert!(filed.refused.is_empty() && filed.new.is_empty());
    let merged = store.ticket(told.ticket.id).await.unwrap().unwrap();
    assert_eq!((merged.status, merged.messages), (Status::Merged, 0));
    let living = store.ticket(last.ticket.id).await.unwrap().unwrap();
    assert_eq!((living.status, living.messages), (Status::Pending, 3));
    let messages = store.messages(living.id).await.unwrap();
    assert_eq!(messages.len(), 3);
    let word = |id| async move {
        store
            .ticket_origin(id)
            .await
            .unwrap()
            .unwrap()
            .source_status
    };
    assert_eq!(word(told.ticket.id).await.as_deref(), Some("resolved"));
    assert_eq!(word(last.ticket.id).await.as_deref(), Some("stalled"));
}

async fn its_origin_is_followed_until_somebody_moves_it(store: &Store, first: &Record) {
    let mut again = record("E-1", 700_001, &["e1@elsewhere", "e4@elsewhere"]);
    again.origin.source_status = Some("resolved".into());
    again.ticket.status = Status::Solved;
    let filed = store
        .file_records(&[again.clone()], Recording::ForGood, at(510))
        .await
        .unwrap();
    assert_eq!((filed.imported, filed.duplicates), (1, 1));
    assert_eq!((filed.new.len(), filed.joined.len()), (0, 1));
    let ticket = store.ticket(first.ticket.id).await.unwrap().unwrap();
    assert_eq!((ticket.status, ticket.messages), (Status::Solved, 3));

    let change = deskhand::domain::Change {
        status: Some(Status::Open),
        ..Default::default()
    };
    let id = first.ticket.id;
    store.change(id, &change, "noor", at(520)).await.unwrap();
    again.origin.source_status = Some("stalled".into());
    again.ticket.status = Status::Pending;
    store
        .file_records(&[again], Recording::ForGood, at(530))
        .await
        .unwrap();
    let ticket = store.ticket(id).await.unwrap().unwrap();
    assert_eq!(ticket.status, Status::Open, "what a person did stays");
}

async fn it_leaves_as_it_came(store: &Store, first: &Record) {
    let whole = store.record(first.ticket.id).await.unwrap().unwrap();

    assert_eq!(whole.origin.source_id, "E-1");
    assert_eq!(whole.messages.len(), 3);
    let came: Vec<_> = whole
        .messages
        .iter()
        .map(|told| (told.source.clone(), told.filed_at))
        .collect();
    assert_eq!(came[0], (None, Some(at(500))));
    let again = store
        .file_records(&[whole], Recording::ForGood, at(540))
        .await
        .unwrap();
    assert_eq!((again.imported, again.duplicates), (0, 3));
}
