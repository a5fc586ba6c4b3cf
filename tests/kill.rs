//! A program that is killed in mid-draft: what the next start finds and says.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "a test may panic, and the bench has more than is used here"
)]

#[path = "desk/bench.rs"]
mod bench;

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use bench::{Bench, limited, now};
use deskhand::{
    domain::{Cost, DraftState, Ending, FaultClass, Usd},
    sim::Fault,
    store::{HoldState, ReceiptFilter, Store},
};

fn drafting(bench: &Bench, number: i64) -> Child {
    let paths = bench.paths();
    Command::new(env!("CARGO_BIN_EXE_deskhand"))
        .arg("--config")
        .arg(&paths.config_file)
        .arg("--data")
        .arg(&paths.data_dir)
        .args(["draft", &number.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the program has asked and `is_so`, then kills it.
async fn kill_when(mut program: Child, is_so: impl AsyncFn() -> bool) {
    limited(async {
        while !is_so().await {
            let ended = program.try_wait().unwrap();
            assert_eq!(ended, None, "it ended before it was killed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    program.kill().unwrap();
    program.wait().unwrap();
}

async fn held(store: &Store) -> usize {
    let holds = store.unfiled_holds().await.unwrap();
    let held = holds.iter().filter(|hold| hold.state == HoldState::Held);
    held.count()
}

#[tokio::test]
async fn a_killed_drafts_words_stay_and_its_hold_is_settled_at_the_next_start() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    // The stall is waited for: the kill comes in the middle of it.
    config.clocks = "gap = \"60s\"".to_owned();
    bench.configure(&config.to_string());
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let number = store.ticket(ticket).await.unwrap().unwrap().number;
    bench.first_fails(Fault::Stall(12));
    let program = drafting(&bench, number);

    kill_when(program, async || {
        let draft = store.draft(ticket, "maya").await.unwrap();
        draft.is_some_and(|draft| draft.state == DraftState::Writing)
    })
    .await;
    let holds = store.unfiled_holds().await.unwrap();
    assert_eq!(holds[0].state, HoldState::Held);
    assert!(holds[0].lease_until > now(), "its lease has not run out");

    let desk = bench.desk().await;

    let meter = desk.spend().await.unwrap().meter;
    let ceiling = holds[0].amount;
    assert_eq!(meter.held, Usd::ZERO);
    assert_eq!(
        (meter.settled_known, meter.settled_at_most),
        (Usd::ZERO, ceiling)
    );
    let view = desk.ticket(ticket).await.unwrap();
    let receipt = &view.receipts[0];
    assert_eq!(receipt.ending, Ending::Lost);
    assert_eq!(receipt.agent, "maya");
    assert_eq!(receipt.cost(), Cost::AtMost(ceiling));
    let draft = view.draft.unwrap();
    assert_eq!(draft.state, DraftState::Ready);
    assert_eq!(draft.text.split_inclusive(' ').count(), 12);
    assert!(draft.flags[0].starts_with("unfinished"));
    assert_eq!(draft.receipts, [receipt.id]);
    let again = bench.desk().await;
    assert_eq!(
        again.ticket(ticket).await.unwrap().receipts.len(),
        1,
        "once"
    );
    assert_eq!(desk.verify_receipts().await.unwrap().broken, None);
    again.close().await;
    desk.close().await;
}

#[tokio::test]
async fn a_text_that_was_being_rewritten_comes_back_after_a_kill() {
    let bench = Bench::new().await;
    let mut config = bench.usual();
    config.clocks = "gap = \"60s\"".to_owned();
    bench.configure(&config.to_string());
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let number = store.ticket(ticket).await.unwrap().unwrap().number;
    let desk = bench.desk().await;
    let mine = desk.save_text(ticket, "My own words.", None).await.unwrap();
    desk.close().await;
    bench.first_fails(Fault::Stall(12));
    let program = drafting(&bench, number);

    kill_when(program, async || {
        let draft = store.draft(ticket, "maya").await.unwrap();
        draft.is_some_and(|draft| draft.state == DraftState::Writing)
    })
    .await;
    let desk = bench.desk().await;

    let draft = desk.ticket(ticket).await.unwrap().draft.unwrap();
    assert_eq!(draft.text, "My own words.");
    assert_eq!(draft.origin, mine.origin);
    assert!(draft.flags[0].starts_with("as before"), "{:?}", draft.flags);
    let revisions = store.revisions(draft.id).await.unwrap();
    let longest = revisions
        .iter()
        .map(|revision| revision.text.split_inclusive(' ').count());
    assert_eq!(
        longest.max(),
        Some(12),
        "the model's words are kept as a revision"
    );
    desk.close().await;
}

#[tokio::test]
async fn the_receipt_of_a_killed_draft_tells_of_every_call_and_the_sums_agree() {
    let bench = Bench::new().await;
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let number = store.ticket(ticket).await.unwrap().unwrap().number;
    bench.first_fails(Fault::Stall(5));
    bench.second_fails(Fault::Hang);
    let program = drafting(&bench, number);

    kill_when(program, async || {
        store.unfiled_holds().await.unwrap().len() == 2 && held(&store).await == 1
    })
    .await;
    let desk = bench.desk().await;

    let receipt = desk.ticket(ticket).await.unwrap().receipts.remove(0);
    assert_eq!(receipt.ending, Ending::Lost);
    let asked: Vec<String> = receipt
        .attempts
        .iter()
        .map(|attempt| format!("{} {}", attempt.no, attempt.link))
        .collect();
    assert_eq!(asked, ["1 anthropic/house-big", "2 openai/house-small"]);
    assert_eq!(receipt.attempts[1].class, Some(FaultClass::Cut));
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!(meter.settled(), receipt.cost().amount());
    assert_eq!(meter.held, Usd::ZERO);
    desk.close().await;
}

#[tokio::test]
async fn a_living_programs_hold_is_left_alone() {
    let bench = Bench::new().await;
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let number = store.ticket(ticket).await.unwrap().unwrap().number;
    bench.first_fails(Fault::Slow(60_000));
    let mut config = bench.usual();
    config.clocks = "first_text = \"60s\"".to_owned();
    bench.configure(&config.to_string());
    let program = drafting(&bench, number);

    let while_it_lives = async || {
        if held(&store).await == 0 {
            return false;
        }
        let desk = bench.desk().await;
        assert_eq!(held(&store).await, 1, "it is not touched");
        assert!(desk.ticket(ticket).await.unwrap().receipts.is_empty());
        desk.close().await;
        true
    };
    kill_when(program, while_it_lives).await;

    let desk = bench.desk().await;
    assert_eq!(held(&store).await, 0, "now it is");
    desk.close().await;
}

#[tokio::test]
async fn killed_at_any_moment_every_call_has_a_receipt_and_nothing_stays_held() {
    let rounds: u64 = if std::env::var_os("DESKHAND_LONG").is_some() {
        200
    } else {
        12
    };
    let bench = Bench::at_pace(Some(200)).await;
    let ticket = bench.tickets(1).await[0];
    let store = bench.store().await;
    let number = store.ticket(ticket).await.unwrap().unwrap().number;

    for round in 0..rounds {
        let mut program = drafting(&bench, number);
        // Spread over the whole life of a draft, from before it opens the database to its end.
        tokio::time::sleep(Duration::from_millis(round * 61 % 700)).await;
        program.kill().unwrap();
        program.wait().unwrap();
    }

    let desk = bench.desk().await;
    let meter = desk.spend().await.unwrap().meter;
    assert_eq!(meter.held, Usd::ZERO);
    assert!(store.unfiled_holds().await.unwrap().is_empty());
    let page = deskhand::domain::Page {
        offset: 0,
        limit: 1_000,
    };
    let receipts = desk
        .receipts(&ReceiptFilter::default(), page)
        .await
        .unwrap();
    let costs = receipts.iter().map(|(_, receipt)| receipt.cost().amount());
    assert_eq!(costs.fold(Usd::ZERO, Usd::plus), meter.settled());
    assert_eq!(desk.verify_receipts().await.unwrap().broken, None);
    let draft = desk.ticket(ticket).await.unwrap().draft;
    assert!(draft.is_none_or(|draft| draft.state != DraftState::Writing));
    desk.close().await;
}
