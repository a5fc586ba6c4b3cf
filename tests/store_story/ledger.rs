//! The ledger, and what outlives a run.

use deskhand::{
    domain::{
        Cap, CapName, Cost, Ending, FaultClass, HoldId, KeyStanding, KeyState, LinkName,
        ProviderName, ReceiptId, Rest, RunId, SideCaps, TicketId, Usd,
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
        HoldAnswer::Denied {
            free: Usd::ZERO,
            by: CapName::Month
        }
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
        HoldAnswer::Denied {
            free: Usd::ZERO,
            by: CapName::Month
        }
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

pub(super) async fn the_smallest_limit_wins_and_is_named(store: &Store) {
    let ticket = TicketId::new(Uuid::now_v7());
    let ask = |ceiling, day: Option<i64>, own: Option<i64>| {
        let mut ask = hold_ask("2027-07", Cap::Month(usd(1_000)), usd(ceiling), usd(10));
        ask.ticket = Some(ticket);
        ask.at = at(90_000);
        ask.beside = SideCaps {
            day: day.map(|cap| (usd(cap), at(80_000))),
            ticket: own.map(usd),
        };
        ask
    };
    store
        .book(
            "2027-07",
            Cost::Known(usd(300)),
            "the day before",
            at(79_999),
        )
        .await
        .unwrap();

    let first = ask(50, Some(100), Some(60));
    assert_eq!(
        store.hold(&first).await.unwrap(),
        HoldAnswer::Granted(usd(50))
    );
    let held = ask(50, Some(100), Some(60));
    assert_eq!(
        store.hold(&held).await.unwrap(),
        HoldAnswer::Granted(usd(10)),
        "what the ticket's limit leaves"
    );
    let denied = ask(50, Some(100), Some(60));
    assert_eq!(
        store.hold(&denied).await.unwrap(),
        HoldAnswer::Denied {
            free: Usd::ZERO,
            by: CapName::Ticket
        }
    );
    let at_most = Cost::AtMost(usd(45));
    assert!(store.settle(first.id, at_most, at(90_001)).await.unwrap());
    assert!(store.settle(held.id, Cost::FREE, at(90_001)).await.unwrap());
    let day = store.day_sums("2027-07", at(80_000)).await.unwrap();
    assert_eq!((day.settled_at_most, day.taken()), (usd(45), usd(45)));
    let next_day = store.day_sums("2027-07", at(90_001)).await.unwrap();
    assert_eq!(
        next_day.taken(),
        Usd::ZERO,
        "settled then, but begun before"
    );
    let own = store.ticket_sums(ticket).await.unwrap();
    assert_eq!(own.taken(), usd(45));
    let by_day = ask(90, Some(50), None);
    assert_eq!(
        store.hold(&by_day).await.unwrap(),
        HoldAnswer::Denied {
            free: usd(5),
            by: CapName::Day
        }
    );
    an_invoice_is_booked_once(store, first.run).await;
}

async fn an_invoice_is_booked_once(store: &Store, run: RunId) {
    assert_eq!(store.reconciled(run).await.unwrap(), None);
    for before in [Cost::AtMost(usd(45)), Cost::Known(usd(20))] {
        let booked = store
            .reconcile(run, usd(20), "invoice 7", at(90_002))
            .await
            .unwrap()
            .unwrap();

        assert_eq!((booked.before, booked.after), (before, usd(20)));
        assert_eq!(sums(store, "2027-07").await, (320, 0, 0));
        assert_eq!(store.reconciled(run).await.unwrap(), Some(usd(20)));
    }
    let nobody = RunId::new(Uuid::now_v7());
    let none = store.reconcile(nobody, usd(1), "x", at(90_003)).await;
    assert_eq!(none.unwrap(), None);
}

pub(super) async fn how_links_behaved_is_shared(store: &Store) {
    let nothing_writes = store.quiet().await;
    assert!(store.breakers().await.unwrap().is_empty());
    drop(nothing_writes);

    let told = store
        .change_breakers(at(700), |kept| {
            kept.insert("a".to_owned(), "{\"one\":1}".to_owned());
            kept.insert("a/x".to_owned(), "{}".to_owned());
            kept.len()
        })
        .await
        .unwrap();
    assert_eq!(told, 2);
    store
        .change_breakers(at(701), |kept| {
            kept.remove("a/x");
            kept.insert("a".to_owned(), "{\"one\":2}".to_owned());
        })
        .await
        .unwrap();

    let kept = store.breakers().await.unwrap();
    let kept: Vec<_> = kept
        .iter()
        .map(|(name, json)| (name.as_str(), json.as_str()))
        .collect();
    assert_eq!(kept, [("a", "{\"one\":2}")]);
}
