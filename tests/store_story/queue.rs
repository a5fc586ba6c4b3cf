//! The queue and the changes of tickets.

use deskhand::{
    domain::{Change, Order, Page, Priority, Query, Status, TicketId, query_match::Seen},
    store::{Store, StoreError, StoreUrl, Verb},
};
use uuid::Uuid;

use super::props::{ALL, at, find, number, raw, to_status};

async fn each_has_its_place(store: &Store, query: &Query) {
    let page = Page {
        offset: 0,
        limit: 100,
    };
    let rows = store.tickets(query, Order::Newest, page).await.unwrap();
    for (place, row) in rows.iter().enumerate() {
        let found = store.place_in_queue(query, row.id).await.unwrap();
        assert_eq!(found, Some(place as u64), "#{}", row.number);
    }
    let nobody = TicketId::new(Uuid::now_v7());
    assert_eq!(store.place_in_queue(query, nobody).await.unwrap(), None);
}

pub(super) async fn the_queue_is_searched(store: &Store) {
    assert!(!store.is_empty().await.unwrap());
    assert_eq!(find(store, "").await, vec![4812, 4813, 4814, 4815]);
    for (query, numbers) in [
        ("PARCEL", vec![4812]),
        ("not žofie", vec![4812]),
        ("größe", vec![4813]),
        ("ändern", vec![4813]),
        ("%", vec![]),
        ("_", vec![]),
        ("'; DROP TABLE tickets", vec![]),
        ("-parcel", vec![4813, 4814, 4815]),
        ("from:MAYA", vec![4812, 4813, 4814, 4815]),
        ("from:nobody", vec![]),
        ("tag:late", vec![4812, 4813, 4814, 4815]),
        ("tag:lat", vec![]),
        ("status:open", vec![4815]),
        ("-status:open parcel", vec![4812]),
        ("is:unsolved", vec![4812, 4813, 4814, 4815]),
        ("is:fallback", vec![]),
        ("is:draft", vec![]),
        ("assignee:noor", vec![]),
    ] {
        assert_eq!(find(store, query).await, numbers, "{query}");
        let count = store.count(&Query::parse(query).unwrap()).await.unwrap();
        assert_eq!(count, numbers.len() as u64, "{query}");
        each_has_its_place(store, &Query::parse(query).unwrap()).await;
    }
    let page = Page {
        offset: 1,
        limit: 2,
    };
    let newest = store
        .tickets(&Query::default(), Order::Newest, page)
        .await
        .unwrap();
    assert_eq!(
        newest.iter().map(|row| row.number).collect::<Vec<_>>(),
        vec![4814, 4812]
    );
}

/// A rule of the config is held against one ticket in memory: it must mean what the search means.
pub(super) async fn a_query_means_the_same_in_memory(store: &Store) {
    let mut tickets = Vec::new();
    for row in store
        .tickets(&Query::default(), Order::Number, ALL)
        .await
        .unwrap()
    {
        let ticket = store.ticket(row.id).await.unwrap().unwrap();
        let messages = store.messages(row.id).await.unwrap();
        tickets.push((row, ticket, messages));
    }
    assert!(tickets.len() >= 4);
    let source = tickets[0].1.source.clone();
    let kind = source.split(':').next().unwrap();
    let (channel, part) = (format!("channel:{source}"), &source[..source.len() - 1]);
    let channels = [
        channel,
        format!("source:{kind}"),
        format!("-channel:{part}"),
        format!("channel:{part}"),
        "channel:elsewhere".to_owned(),
    ];
    let mut found_some = 0;
    for query in [
        "",
        "PARCEL",
        "not žofie",
        "größe",
        "ändern",
        "%",
        "-parcel",
        "from:MAYA",
        "from:maya",
        "from:@example.com",
        "-from:@EXAMPLE.com parcel",
        "requester:nobody",
        "tag:late",
        "tag:lat",
        "-tag:late",
        "status:open",
        "status:new",
        "-status:open parcel",
        "assignee:noor",
        "-assignee:noor",
        "is:unsolved",
        "is:system",
        "is:draft",
        "is:fallback",
        "re:invoice",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(channels)
    {
        let read = Query::parse(&query).unwrap();
        let matching = tickets.iter().filter(|(row, ticket, messages)| {
            read.means(Seen {
                ticket,
                messages,
                draft: row.draft.as_ref().map(|draft| draft.is_fallback),
            })
        });
        let numbers: Vec<i64> = matching.map(|(row, _, _)| row.number).collect();
        assert_eq!(find(store, &query).await, numbers, "{query}");
        let is_part = !numbers.is_empty() && numbers.len() < tickets.len();
        found_some += usize::from(is_part);
    }
    assert!(found_some >= 3, "the table tells tickets apart");
}

pub(super) async fn tickets_change(store: &Store) {
    let before = number(store, 4812).await;
    let id = before.id;
    let change = Change {
        status: Some(Status::Pending),
        priority: Some(Some(Priority::High)),
        assignee: Some(Some("Noor Haddad".into())),
        add_tags: vec!["VIP".into(), "vip".into()],
        remove_tags: vec!["late".into()],
        release: false,
    };

    let ticket = store.change(id, &change, "noor", at(200)).await.unwrap();

    assert!(ticket == store.ticket(id).await.unwrap().unwrap());
    assert_eq!(
        (ticket.status, ticket.priority),
        (Status::Pending, Some(Priority::High))
    );
    assert_eq!(
        (ticket.tags.as_slice(), ticket.version),
        (&["vip".to_owned()][..], before.version + 1)
    );
    assert_eq!(find(store, "assignee:noor tag:vip").await, vec![4812]);
    let before = store.last_event().await.unwrap();
    store.change(id, &change, "noor", at(201)).await.unwrap();
    assert_eq!(
        store.last_event().await.unwrap(),
        before,
        "nothing changed, nothing written"
    );
    let event = store.events_after(before - 1).await.unwrap().remove(0);
    assert_eq!(
        (event.verb, event.actor.as_str()),
        (Verb::TicketChanged, "noor")
    );
    assert!(
        event.detail.contains(r#""status":["new","pending"]"#),
        "{}",
        event.detail
    );
    let untouched = number(store, 4813).await.id;
    let acted = store.acted_on(&[id, untouched].into()).await.unwrap();
    assert_eq!(acted, [(id, None)].into(), "changed, and not closed");
    let back = to_status(Status::New);
    let refused = store.change(id, &back, "noor", at(202)).await;
    assert!(matches!(refused, Err(StoreError::IllegalMove(_))));
    let none = store
        .change(TicketId::new(Uuid::now_v7()), &back, "noor", at(202))
        .await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));
}

/// The view that the desk opens with must not sort or read whole tickets to pass over them.
pub(super) async fn the_default_view_uses_an_index(url: &StoreUrl) {
    if !matches!(url, StoreUrl::Sqlite(_)) {
        return; // PostgreSQL plans by size; with few rows it rightly reads them all.
    }
    let plan = raw(
        url,
        "EXPLAIN QUERY PLAN SELECT t.id FROM tickets t WHERE (t.in_queue = 1)
         ORDER BY COALESCE(t.last_customer_message_at, t.created_at) DESC, t.number DESC LIMIT 50 OFFSET 1000",
    )
    .await;
    assert!(plan.contains("tickets_in_queue"), "{plan}");
    assert!(!plan.contains("TEMP B-TREE"), "{plan}");
}
