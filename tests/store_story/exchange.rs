//! A switch: one attempt settled and the next one held for, in one transaction.

use deskhand::{
    domain::{Cap, CapName, Cost, HoldId, Usd},
    store::{HoldAnswer, Store},
};
use uuid::Uuid;

use super::props::{at, hold_ask, sums, usd};

pub(super) async fn a_switch_settles_and_holds_at_once(store: &Store) {
    let cap = Cap::Month(usd(100));
    let ask = |ceiling, floor| hold_ask("2027-05", cap, usd(ceiling), usd(floor));
    let (first, second, third) = (ask(90, 90), ask(95, 95), ask(60, 60));
    store.hold(&first).await.unwrap();
    let cost = Cost::Known(usd(5));

    let answer = store.exchange(first.id, cost, &second).await.unwrap();

    assert_eq!(
        answer,
        HoldAnswer::Granted(usd(95)),
        "what was settled is seen"
    );
    assert_eq!(sums(store, "2027-05").await, (5, 0, 95));
    assert!(!store.settle(first.id, cost, at(611)).await.unwrap());

    let answer = store
        .exchange(second.id, Cost::AtMost(usd(50)), &third)
        .await
        .unwrap();

    assert_eq!(
        answer,
        HoldAnswer::Denied {
            free: usd(45),
            by: CapName::Month
        }
    );
    assert_eq!(
        sums(store, "2027-05").await,
        (5, 50, 0),
        "denied, and settled all the same"
    );

    let next_month = hold_ask("2027-06", cap, usd(60), usd(60));
    let again = store.exchange(second.id, cost, &next_month).await.unwrap();
    assert_eq!(again, HoldAnswer::Granted(usd(60)));
    assert_eq!(sums(store, "2027-05").await, (5, 50, 0), "settled once");
    assert_eq!(sums(store, "2027-06").await, (0, 0, 60));

    let nobodys = HoldId::new(Uuid::now_v7());
    let late = hold_ask("2027-06", cap, usd(1), Usd::ZERO);
    store.exchange(nobodys, cost, &late).await.unwrap_err();
    assert_eq!(sums(store, "2027-06").await, (0, 0, 60), "both or neither");
}
