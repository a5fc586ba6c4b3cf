//! What a serving process writes: blocks of money, groups of receipts, tokens.

use deskhand::{
    domain::{Cap, Cost, Ending, HoldId, LinkName, RunId, TicketId, Usd},
    store::{FromBlock, Group, HoldAnswer, ServeToken, Store, StoreUrl, Use},
};
use uuid::Uuid;

use super::props::{at, hold_ask, receipt, sums, usd};

fn settled(block: HoldId, run: RunId, cost: Cost) -> FromBlock {
    FromBlock {
        block,
        id: HoldId::new(Uuid::now_v7()),
        run,
        attempt: 1,
        link: LinkName::new("openai", "small"),
        held: usd(30),
        cost,
        held_at: at(699),
        at: at(700),
    }
}

pub(super) async fn a_block_pays_for_many(store: &Store) {
    let cap = Cap::Month(usd(100));
    let block = hold_ask("2029-01", cap, usd(40), usd(40));
    store.hold(&block).await.unwrap();
    let mut more = block.clone();
    (more.ceiling, more.floor) = (usd(50), usd(1));

    assert_eq!(
        store.grow_block(&more).await.unwrap(),
        Some(HoldAnswer::Granted(usd(50)))
    );
    assert_eq!(
        store.grow_block(&more).await.unwrap(),
        Some(HoldAnswer::Granted(usd(10))),
        "all there is"
    );
    let denied = store.grow_block(&more).await.unwrap();
    assert!(matches!(
        denied,
        Some(HoldAnswer::Denied {
            free: Usd::ZERO,
            ..
        })
    ));
    assert_eq!(sums(store, "2029-01").await, (0, 0, 100));

    let before = store.verify_receipts().await.unwrap().entries;
    let nobody = TicketId::new(Uuid::nil());
    let link = LinkName::new("openai", "small");
    let receipts: Vec<_> = (0..50)
        .map(|number| receipt(nobody, &[&link], Ending::Answered, 700 + number))
        .collect();
    let costs: Vec<_> = receipts
        .iter()
        .map(|receipt| settled(block.id, receipt.run, Cost::Known(usd(1))))
        .chain([settled(block.id, receipts[0].run, Cost::AtMost(usd(31)))])
        .collect();
    let group = Group {
        period: "2029-01",
        owner: "nobody",
        settled: &costs,
        receipts: &receipts,
        at: at(701),
    };
    assert_eq!(store.write_group(group).await.unwrap(), Vec::new());
    // The answer to its commit was lost: it is tried again, whole and in parts.
    let (some_costs, some_receipts) = (&costs[20..], &receipts[20..]);
    let again = [
        group,
        Group {
            settled: some_costs,
            receipts: &[],
            ..group
        },
        Group {
            settled: &[],
            receipts: some_receipts,
            ..group
        },
    ];
    for group in again {
        assert_eq!(store.write_group_again(group).await.unwrap(), Vec::new());
    }
    assert_eq!(
        sums(store, "2029-01").await,
        (50, 31, 19),
        "booked, and taken from the block"
    );
    let verdict = store.verify_receipts().await.unwrap();
    assert_eq!((verdict.entries, verdict.broken), (before + 50, None));
    let invoice = store
        .reconcile(receipts[0].run, usd(2), "invoice", at(702))
        .await
        .unwrap();
    assert_eq!(
        invoice.unwrap().after,
        usd(2),
        "one request can be reconciled"
    );
    assert_eq!(sums(store, "2029-01").await, (51, 0, 19));
    let lost = store.unfiled_holds().await.unwrap();
    assert!(
        lost.iter()
            .all(|hold| hold.run == block.run || hold.period != "2029-01")
    );

    assert!(store.shrink_block(&block, usd(9), false).await.unwrap());
    assert_eq!(sums(store, "2029-01").await, (51, 0, 10));
    a_block_that_was_recovered_is_not_paid_twice(store, &block).await;
}

async fn a_block_that_was_recovered_is_not_paid_twice(
    store: &Store,
    block: &deskhand::store::HoldAsk,
) {
    assert!(store.recover_hold(block.id, at(703)).await.unwrap());
    assert_eq!(sums(store, "2029-01").await, (51, 10, 0));
    let late = [settled(
        block.id,
        RunId::new(Uuid::now_v7()),
        Cost::Known(usd(7)),
    )];
    let group = Group {
        period: "2029-01",
        owner: "nobody",
        settled: &late,
        receipts: &[],
        at: at(704),
    };

    assert_eq!(
        store.write_group(group).await.unwrap(),
        vec![block.id],
        "it is ours no more"
    );

    assert_eq!(sums(store, "2029-01").await, (58, 3, 0));
    assert!(!store.shrink_block(block, Usd::ZERO, true).await.unwrap());
    let mut little = block.clone();
    (little.ceiling, little.floor) = (usd(5), usd(1));
    assert_eq!(
        store.grow_block(&little).await.unwrap(),
        None,
        "nothing is added to it"
    );
}

pub(super) async fn tokens_are_kept_by_their_digest(store: &Store) {
    let token = |name: &str, sha256: &str| ServeToken {
        name: name.to_owned(),
        sha256: sha256.to_owned(),
        made_at: at(710),
    };
    assert!(store.add_serve_token(&token("cron", "aa")).await.unwrap());
    assert!(
        !store.add_serve_token(&token("cron", "bb")).await.unwrap(),
        "the name is taken"
    );
    assert!(store.add_serve_token(&token("app", "bb")).await.unwrap());
    let all = store.serve_tokens().await.unwrap();
    assert_eq!(all, [token("app", "bb"), token("cron", "aa")]);

    // Noor Haddad has tickets here, and receipts would not tell a token of her name from her.
    for (name, is_person) in [
        ("noor haddad", true),
        ("Noor Haddad", true),
        ("cron", false),
    ] {
        assert_eq!(store.has_person(name).await.unwrap(), is_person, "{name}");
    }

    assert!(store.remove_serve_token("cron", at(711)).await.unwrap());
    assert!(!store.remove_serve_token("cron", at(712)).await.unwrap());
    assert_eq!(store.serve_tokens().await.unwrap().len(), 1);
}

pub(super) async fn a_server_opens_it_with_little_memory(store: &Store, url: &StoreUrl) {
    let small = Store::open_for(url, Use::Serving).await.unwrap();

    let tokens = small.serve_tokens().await.unwrap();
    assert_eq!(tokens, store.serve_tokens().await.unwrap());
    small.close().await;
}
