//! Drafts that wait, and how fast links were.

use deskhand::{
    domain::{DraftState, Ending, LinkName},
    store::Store,
};

use super::props::{at, number, save};

pub(super) async fn missed_drafts_wait_until_nobody_wants_them(store: &Store) {
    let ticket = number(store, 4815).await;
    let (id, agent) = (ticket.id, "ilse");
    assert!(store.missed(agent).await.unwrap().is_empty());

    store
        .note_missed(id, agent, Ending::OverCap, at(710))
        .await
        .unwrap();
    store
        .note_missed(id, agent, Ending::Offline, at(720))
        .await
        .unwrap();

    let missed = store.missed(agent).await.unwrap();
    assert_eq!(missed.len(), 1);
    // The newest reason, since the first time.
    assert_eq!(
        (missed[0].because, missed[0].at),
        (Ending::Offline, at(710))
    );
    assert_eq!(missed[0].ticket, number(store, 4815).await);
    assert_eq!(store.count_missed(agent).await.unwrap(), 1);
    assert_eq!(store.count_missed("theo").await.unwrap(), 0);

    let mut own = save(id, "Written by hand.", None);
    own.author = agent.to_owned();
    own.state = DraftState::Ready;
    let own = store.save_draft(&own).await.unwrap();
    assert_eq!(store.count_missed(agent).await.unwrap(), 0);
    store.discard_draft(own.id, at(730)).await.unwrap();
    assert_eq!(store.count_missed(agent).await.unwrap(), 1);

    assert!(store.forget_missed(id, agent, at(740)).await.unwrap());
    assert!(!store.forget_missed(id, agent, at(741)).await.unwrap());
    assert!(store.missed(agent).await.unwrap().is_empty());
}

pub(super) async fn all_that_is_known_of_links_is_read_at_once(store: &Store) {
    for now in [at(0), at(100_000)] {
        let known = store.known_links(now).await.unwrap();

        assert_eq!(known.rests, store.rests(now).await.unwrap());
        assert_eq!(known.keys, store.key_standings().await.unwrap());
        assert_eq!(known.breakers, store.breakers().await.unwrap());
        assert_eq!(known.times, store.link_times().await.unwrap());
        let mut quirks = known.quirks;
        quirks.sort();
        assert_eq!(quirks, store.quirks().await.unwrap());
        assert!(!known.breakers.is_empty() && !known.times.is_empty());
        let ticket = number(store, 4815).await;
        let from = store.draft_from(ticket.id, "noor", now).await.unwrap();
        assert_eq!(from.known, store.known_links(now).await.unwrap());
        assert_eq!(from.messages, store.messages(ticket.id).await.unwrap());
        assert_eq!(from.draft, store.draft(ticket.id, "noor").await.unwrap());
        assert_eq!(from.ticket, Some(ticket));
    }
}

pub(super) async fn how_fast_links_were_is_shared(store: &Store) {
    let (first, second) = (LinkName::new("a", "x"), LinkName::new("b", "y"));
    assert!(store.link_times().await.unwrap().is_empty());
    for (link, text) in [(&first, "1"), (&second, "2"), (&first, "3")] {
        store
            .change_link_times(link, at(750), |kept| {
                format!("{}{text}", kept.unwrap_or_default())
            })
            .await
            .unwrap();
    }

    let kept = store.link_times().await.unwrap();

    let kept: Vec<_> = kept
        .iter()
        .map(|(link, text)| (link, text.as_str()))
        .collect();
    assert_eq!(kept, [(&first, "13"), (&second, "2")]);
}
