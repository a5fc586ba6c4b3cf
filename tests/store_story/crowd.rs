//! Many writers and many processes.

use std::time::Duration;

use deskhand::{
    domain::{Cap, Cost, Ending, LinkName, Order, Query, Status},
    store::{HoldAnswer, Store, StoreError, StoreUrl, Verb, news},
};
use tokio::task::JoinSet;

use super::props::{
    ALL, at, filing, hold_ask, letter, limited, new_ticket, number, receipt, save, sums, to_status,
    usd,
};

const ROUNDS: i64 = 5;

pub(super) async fn other_processes_hear_of_it(store: &Store, url: &StoreUrl) {
    let other = Store::open(url).await.unwrap();
    let mut news = news::watch(store).await.unwrap();
    assert!(news.is_told(), "the watch found no sign to wait for");
    store
        .tell(Verb::Configured, "mine", "noor", at(900))
        .await
        .unwrap();
    other
        .tell(Verb::Configured, "cap", "theo", at(901))
        .await
        .unwrap();

    let heard = limited(news.next()).await.unwrap();

    assert_eq!(heard.len(), 1, "only what others wrote: {heard:?}");
    assert_eq!(
        (heard[0].verb, heard[0].subject.as_str()),
        (Verb::Configured, "cap")
    );
    assert_eq!(heard[0].origin, other.origin());
    let (later, ()) = tokio::join!(limited(news.next()), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        other
            .tell(Verb::Configured, "again", "theo", at(902))
            .await
            .unwrap();
    });
    assert_eq!(later.unwrap()[0].subject, "again");
    let seqs: Vec<i64> = store
        .events_after(0)
        .await
        .unwrap()
        .iter()
        .map(|row| row.seq)
        .collect();
    assert_eq!(
        seqs,
        (1..=store.last_event().await.unwrap()).collect::<Vec<_>>(),
        "no gaps"
    );
    other.close().await;
}

/// Two handles stand for two processes; four writers use each.
pub(super) async fn eight_writers_at_once(store: &Store, url: &StoreUrl) {
    let second = Store::open(url).await.unwrap();
    let before = store.count_all().await.unwrap();
    let mut writers = JoinSet::new();
    for no in 0..8_i64 {
        let mine = if no % 2 == 0 {
            store.clone()
        } else {
            second.clone()
        };
        writers.spawn(one_writer(mine, no));
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }

    // Each round brought one ticket of its own and one letter that all eight brought.
    let rows = store
        .tickets(&Query::default(), Order::Number, ALL)
        .await
        .unwrap();
    assert_eq!(
        rows.len() as u64,
        before + 8 * ROUNDS as u64 + ROUNDS as u64
    );
    let mut numbers: Vec<i64> = rows.iter().map(|row| row.number).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), rows.len(), "each number once");
    let verdict = store.verify_receipts().await.unwrap();
    assert_eq!(
        (verdict.entries, verdict.broken),
        (55 + 8 * ROUNDS as u64, None)
    );
    let id = number(store, 4814).await.id;
    let draft = store.draft(id, "everybody").await.unwrap().unwrap();
    assert_eq!(draft.revision, 8 * ROUNDS, "each save counted once");
    assert_eq!(
        i64::try_from(store.revisions(draft.id).await.unwrap().len()).unwrap(),
        8 * ROUNDS
    );
    let (known, at_most, held) = sums(store, "2028-01").await;
    assert_eq!((at_most, held), (0, 0));
    assert!(known <= 100 && known > 60, "{known}");
    let seqs: Vec<i64> = store
        .events_after(0)
        .await
        .unwrap()
        .iter()
        .map(|row| row.seq)
        .collect();
    assert_eq!(
        seqs,
        (1..).take(seqs.len()).collect::<Vec<_>>(),
        "no gaps, none twice"
    );
    second.close().await;
}

async fn one_writer(store: Store, no: i64) {
    for round in 0..ROUNDS {
        let own = new_ticket("Own");
        let shared = new_ticket("Shared");
        let letters = vec![
            letter(&format!("own-{no}-{round}"), &own, "mine", 1000),
            letter(&format!("shared-{round}"), &shared, "ours", 1000),
        ];
        store.file(&filing(letters), at(1000)).await.unwrap();
        store
            .change(own.id, &to_status(Status::Open), "noor", at(1001))
            .await
            .unwrap();
        save_in_turn(&store, &format!("{no}/{round}")).await;
        let link = LinkName::new("anthropic", "big");
        store
            .write_receipt(&receipt(own.id, &[&link], Ending::Answered, 1002))
            .await
            .unwrap();
        spend_up_to_the_cap(&store).await;
    }
}

/// Saves the one draft that everybody writes, trying again with what the others saved.
async fn save_in_turn(store: &Store, text: &str) {
    let id = number(store, 4814).await.id;
    loop {
        let current = store.draft(id, "everybody").await.unwrap();
        let mut save = save(id, text, current.map(|draft| draft.revision));
        save.author = "everybody".into();
        match store.save_draft(&save).await {
            Ok(_) => return,
            Err(StoreError::Conflict(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

async fn spend_up_to_the_cap(store: &Store) {
    let ask = hold_ask("2028-01", Cap::Month(usd(100)), usd(7), usd(3));
    if let HoldAnswer::Granted(amount) = store.hold(&ask).await.unwrap() {
        let sums = store.sums("2028-01").await.unwrap();
        assert!(sums.taken() <= usd(100), "above the cap: {sums:?}");
        let cost = Cost::Known(amount.min(usd(3)));
        let (once, twice) = tokio::join!(
            store.settle(ask.id, cost, at(1003)),
            store.settle(ask.id, cost, at(1003))
        );
        assert!(once.unwrap() ^ twice.unwrap(), "settled exactly once");
    }
}
