//! The chain of receipts.

use deskhand::{
    domain::{DraftOrigin, Ending, LinkName, Order, ProviderName, Query, Receipt, TicketId},
    store::{ReceiptFilter, Store, StoreError, StoreUrl},
};
use uuid::Uuid;

use super::props::{ALL, at, number, raw, receipt, save};

pub(super) async fn receipts_are_chained(store: &Store, url: &StoreUrl) {
    let id = number(store, 4812).await.id;
    let (primary, backup) = (
        LinkName::new("anthropic", "big"),
        LinkName::new("openai", "small"),
    );
    let fallback = receipt(id, &[&primary, &backup], Ending::Answered, 500);
    let clean = receipt(id, &[&primary], Ending::Answered, 501);
    let failed = receipt(
        TicketId::new(Uuid::now_v7()),
        &[&primary],
        Ending::Failed,
        502,
    );

    for (no, receipt) in (1..).zip([&fallback, &clean, &failed]) {
        assert_eq!(store.write_receipt(receipt).await.unwrap(), no);
        assert_eq!(store.newest_entry().await.unwrap(), no);
    }
    let of = |filter: ReceiptFilter| async move {
        let found = store.receipts(&filter, ALL).await.unwrap();
        found.into_iter().map(|(no, _)| no).collect::<Vec<_>>()
    };
    let after = ReceiptFilter {
        after: Some(1),
        not_ending: vec![Ending::Failed],
        ..ReceiptFilter::default()
    };
    assert_eq!(of(after).await, [2]);
    let texts = ReceiptFilter {
        texts: vec!["\"openai/".to_owned(), "\"ending\":\"answered\"".to_owned()],
        ..ReceiptFilter::default()
    };
    assert_eq!(of(texts).await, [1]);

    let all = store
        .receipts(&ReceiptFilter::default(), ALL)
        .await
        .unwrap();
    assert_eq!(
        all,
        vec![
            (3, failed.clone()),
            (2, clean.clone()),
            (1, fallback.clone())
        ]
    );
    for (filter, entries) in [
        (
            ReceiptFilter {
                ticket: Some(id),
                ..Default::default()
            },
            vec![2, 1],
        ),
        (
            ReceiptFilter {
                ending: Some(Ending::Failed),
                ..Default::default()
            },
            vec![3],
        ),
        (
            ReceiptFilter {
                provider: Some(ProviderName("openai".into())),
                ..Default::default()
            },
            vec![1],
        ),
        (
            ReceiptFilter {
                provider: Some(ProviderName("open".into())),
                ..Default::default()
            },
            vec![],
        ),
        (
            ReceiptFilter {
                fallback: Some(true),
                ..Default::default()
            },
            vec![1],
        ),
        (
            ReceiptFilter {
                since: Some(at(501)),
                ..Default::default()
            },
            vec![3, 2],
        ),
        (
            ReceiptFilter {
                until: Some(at(501)),
                ..Default::default()
            },
            vec![1],
        ),
        (
            ReceiptFilter {
                before: Some(3),
                ticket_number: Some(4812),
                ..Default::default()
            },
            vec![2, 1],
        ),
        (
            ReceiptFilter {
                tags: vec![(true, "never-set".to_owned())],
                ..Default::default()
            },
            vec![],
        ),
        (
            ReceiptFilter {
                tags: vec![(false, "never-set".to_owned())],
                ..Default::default()
            },
            vec![3, 2, 1],
        ),
    ] {
        let found = store.receipts(&filter, ALL).await.unwrap();
        assert_eq!(
            found.iter().map(|(no, _)| *no).collect::<Vec<_>>(),
            entries,
            "{filter:?}"
        );
    }
    let whole = clean.id.to_string();
    assert_eq!(store.receipt(&whole).await.unwrap(), Some((2, clean)));
    assert_eq!(store.receipt("%").await.unwrap(), None);
    assert!(matches!(
        store.receipt("0").await,
        Err(StoreError::Ambiguous { .. })
    ));
    a_draft_shows_its_fallback(store, id, &fallback).await;
    tampering_is_found(store, url).await;
}

async fn a_draft_shows_its_fallback(store: &Store, id: TicketId, fallback: &Receipt) {
    let mut drafted = save(id, "By the second", None);
    drafted.origin = DraftOrigin::Ai;
    drafted.receipts = vec![fallback.id];

    store.save_draft(&drafted).await.unwrap();

    let rows = store
        .tickets(&Query::parse("is:fallback").unwrap(), Order::Number, ALL)
        .await
        .unwrap();
    let mark = rows[0].draft.as_ref().unwrap();
    assert_eq!((rows.len(), rows[0].number), (1, 4812));
    assert_eq!((mark.is_fallback, mark.origin), (true, DraftOrigin::Ai));
}

async fn tampering_is_found(store: &Store, url: &StoreUrl) {
    let verdict = store.verify_receipts().await.unwrap();
    assert_eq!((verdict.entries, verdict.broken), (3, None));
    for (harm, repair, entry) in [
        (
            "UPDATE receipts SET json = json || ' ' WHERE entry = 2",
            "UPDATE receipts SET json = rtrim(json) WHERE entry = 2",
            2,
        ),
        (
            "UPDATE receipts SET ending = 'failed' WHERE entry = 1",
            "UPDATE receipts SET ending = 'answered' WHERE entry = 1",
            1,
        ),
        (
            "UPDATE receipts SET entry = 9 WHERE entry = 3",
            "UPDATE receipts SET entry = 3 WHERE entry = 9",
            3,
        ),
        (
            "UPDATE receipt_tip SET entry = 4",
            "UPDATE receipt_tip SET entry = 3",
            4,
        ),
        (
            "UPDATE receipt_tip SET hash = 'x' || hash",
            "UPDATE receipt_tip SET hash = substr(hash, 2)",
            3,
        ),
        // A row that follows well, but that nobody noted.
        (
            "UPDATE receipt_tip
             SET entry = 2, hash = (SELECT hash FROM receipts WHERE entry = 2)",
            "UPDATE receipt_tip
             SET entry = 3, hash = (SELECT hash FROM receipts WHERE entry = 3)",
            3,
        ),
    ] {
        raw(url, harm).await;
        let broken = store.verify_receipts().await.unwrap().broken;
        assert_eq!(
            broken.as_ref().map(|broken| broken.entry),
            Some(entry),
            "{harm}: {broken:?}"
        );
        raw(url, repair).await;
        assert_eq!(
            store.verify_receipts().await.unwrap().broken,
            None,
            "{repair}"
        );
    }
}
