//! The ledger, and what outlives a run.

use deskhand::{
    domain::{
        Cap, Cost, Ending, FaultClass, HoldId, KeyStanding, KeyState, LinkName, ProviderName,
        ReceiptId, Rest, TicketId, Usd,
    },
    store::{HoldAnswer, HoldState, Store, StoreError},
};
use uuid::Uuid;

use super::props::{at, hold_ask, receipt, sums, usd};

pub(super) async fn money_is_held_and_settled(store: &Store) {
    let cap = Cap::Month(usd(100));
    let ask = |ceiling, floor| hold_ask("2026-11", cap, usd(ceiling), usd(floor));
    let (one, two, three) = (ask(60, 10), ask(60, 10), ask(60, 41));

    assert_eq!(
        store.hold(&one).await.unwrap(),
        HoldAnswer::Granted(usd(60))
    );
    assert_eq!(
        store.hold(&two).await.unwrap(),
        HoldAnswer::Granted(usd(40)),
        "what is left"
    );
    assert_eq!(
        store.hold(&three).await.unwrap(),
        HoldAnswer::Denied { free: Usd::ZERO }
    );
    assert!(
        store
            .settle(one.id, Cost::Known(usd(5)), at(601))
            .await
            .unwrap()
    );
    assert!(
        !store
            .settle(one.id, Cost::Known(usd(5)), at(602))
            .await
            .unwrap(),
        "once"
    );
    assert!(
        store
            .settle(two.id, Cost::AtMost(usd(45)), at(603))
            .await
            .unwrap(),
        "in full"
    );
    assert_eq!(sums(store, "2026-11").await, (5, 45, 0));
    let none = hold_ask("2026-11", Cap::None, usd(900), usd(900));
    assert_eq!(
        store.hold(&none).await.unwrap(),
        HoldAnswer::Granted(usd(900))
    );
    assert_eq!(sums(store, "2026-12").await, (0, 0, 0), "another month");
    store
        .book("2026-12", Cost::Known(usd(72)), "seed", at(604))
        .await
        .unwrap();
    assert_eq!(sums(store, "2026-12").await, (72, 0, 0));
    let spent_up = hold_ask("2026-12", Cap::Month(usd(72)), usd(1), usd(1));
    assert_eq!(
        store.hold(&spent_up).await.unwrap(),
        HoldAnswer::Denied { free: Usd::ZERO }
    );
    let free_of_charge = hold_ask("2026-12", Cap::Month(usd(72)), Usd::ZERO, Usd::ZERO);
    assert_eq!(
        store.hold(&free_of_charge).await.unwrap(),
        HoldAnswer::Granted(Usd::ZERO)
    );
    assert!(store.announce("2026-11", 75, at(605)).await.unwrap());
    assert!(!store.announce("2026-11", 75, at(606)).await.unwrap());
    let unknown = store
        .settle(HoldId::new(Uuid::now_v7()), Cost::FREE, at(607))
        .await;
    assert!(matches!(
        unknown,
        Err(StoreError::NotFound { what: "hold", .. })
    ));
    lost_holds_are_recovered(store).await;
}

async fn lost_holds_are_recovered(store: &Store) {
    let dead = hold_ask("2027-01", Cap::None, usd(30), usd(1));
    let living = hold_ask("2027-01", Cap::None, usd(7), usd(1));
    store.hold(&dead).await.unwrap();
    store.hold(&living).await.unwrap();
    let state_of = async |id: HoldId| {
        let unfiled = store.unfiled_holds().await.unwrap();
        let found = unfiled.into_iter().find(|hold| hold.id == id);
        found.map(|hold| (hold.state, hold.amount, hold.settled))
    };
    assert_eq!(
        state_of(dead.id).await,
        Some((HoldState::Held, usd(30), None))
    );

    assert!(store.recover_hold(dead.id, at(701)).await.unwrap());

    assert!(!store.recover_hold(dead.id, at(702)).await.unwrap(), "once");
    let at_most = Some(Cost::AtMost(usd(30)));
    assert_eq!(
        state_of(dead.id).await,
        Some((HoldState::Recovered, usd(30), at_most))
    );
    let mut receipt = receipt(
        TicketId::new(Uuid::now_v7()),
        &[&dead.link],
        Ending::Lost,
        701,
    );
    receipt.run = dead.run;
    assert!(store.write_lost_receipt(&receipt).await.unwrap().is_some());
    receipt.id = ReceiptId::new(Uuid::now_v7());
    let again = store.write_lost_receipt(&receipt).await.unwrap();
    assert_eq!(again, None, "one receipt for one run");
    assert_eq!(state_of(dead.id).await, None, "it is filed");
    let late = hold_ask("2027-02", Cap::None, usd(3), usd(1));
    store.hold(&late).await.unwrap();
    receipt.run = late.run;
    store.write_receipt(&receipt).await.unwrap();
    assert!(store.recover_hold(late.id, at(703)).await.unwrap());
    receipt.id = ReceiptId::new(Uuid::now_v7());
    let again = store.write_lost_receipt(&receipt).await.unwrap();
    assert_eq!(again, None, "its receipt stands already");
    assert_eq!(state_of(late.id).await, None);
    assert_eq!(sums(store, "2027-01").await, (0, 30, 7));
    assert!(
        store
            .settle(dead.id, Cost::Known(usd(12)), at(703))
            .await
            .unwrap(),
        "late"
    );
    assert!(
        !store
            .settle(dead.id, Cost::Known(usd(12)), at(704))
            .await
            .unwrap()
    );
    assert_eq!(
        sums(store, "2027-01").await,
        (12, 0, 7),
        "the difference, once"
    );
}

pub(super) async fn standings_outlive_a_run(store: &Store) {
    let anthropic = ProviderName("anthropic".into());
    let link = LinkName::new("openrouter", "meta/llama");
    let mut standing = KeyStanding {
        provider: anthropic.clone(),
        fingerprint: "0123456789abcdef".into(),
        state: KeyState::Verified,
        since: at(800),
        said: None,
    };
    store.set_key_standing(&standing).await.unwrap();
    standing.state = KeyState::Invalid;
    standing.said = Some("invalid x-api-key".into());
    store.set_key_standing(&standing).await.unwrap();
    assert_eq!(store.key_standings().await.unwrap(), vec![standing]);
    store
        .forget_key_standing(&anthropic, at(801))
        .await
        .unwrap();
    assert_eq!(store.key_standings().await.unwrap(), vec![]);

    let rest = Rest {
        link: link.clone(),
        until: at(900),
        because: FaultClass::RateLimited,
    };
    let shorter = Rest {
        until: at(850),
        ..rest.clone()
    };
    store.rest(&rest, at(801)).await.unwrap();
    store.rest(&shorter, at(802)).await.unwrap();
    assert_eq!(store.rests(at(899)).await.unwrap(), vec![rest]);
    assert_eq!(store.rests(at(900)).await.unwrap(), vec![]);
    store.wake(&link, at(803)).await.unwrap();
    assert_eq!(store.rests(at(850)).await.unwrap(), vec![]);

    store
        .remember_quirk(&link, "temperature", at(804))
        .await
        .unwrap();
    store
        .remember_quirk(&link, "temperature", at(805))
        .await
        .unwrap();
    assert_eq!(
        store.quirks().await.unwrap(),
        vec![(link, "temperature".to_owned())]
    );
    assert_eq!(store.first_provider().await.unwrap(), None);
    store.set_first_provider(&anthropic, at(806)).await.unwrap();
    assert_eq!(store.first_provider().await.unwrap(), Some(anthropic));
}
