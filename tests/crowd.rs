//! Many processes, one cap: fifty drafts at once from four of them against a budget for ten.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::match_wildcard_for_single_variants,
    clippy::print_stdout,
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "a test may panic, and the bench has more than is used here"
)]

#[path = "desk/bench.rs"]
mod bench;

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use bench::{Bench, Config, price_of};
use deskhand::{
    config::paths::{Overrides, Paths},
    desk::{Desk, Mode, Opening, Patience, face::DraftAsk},
    domain::{Ending, Query, Usd},
    store::{ReceiptFilter, Store},
};
use tokio_util::sync::CancellationToken;

const PROCESSES: usize = 4;
const DRAFTS: usize = 50;
/// What the test hands to the processes it starts: where config and data are, and which tickets.
const PART: &str = "DESKHAND_TEST_PART";

/// One of the processes: drafts its part of the tickets, all at once. Without its part it is no
/// test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_crowd() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let mut parts = part.split('|');
    let config = parts.next().map(PathBuf::from);
    let data = parts.next().map(PathBuf::from);
    let first: usize = parts.next().unwrap().parse().unwrap();
    let opening = Opening {
        paths: Paths::find(&Overrides { config, data }).unwrap(),
        mode: Mode::Real,
        patience: Patience::Command,
    };
    let desk = Desk::open(opening).await.unwrap();
    let rows = desk.list(&Query::default(), None).await.unwrap();
    let mine = rows.into_iter().skip(first).step_by(PROCESSES);
    let tasks: Vec<_> = mine
        .map(|row| {
            let desk = Arc::clone(&desk);
            tokio::spawn(async move {
                let ask = DraftAsk {
                    ticket: row.id,
                    chain: None,
                    hint: None,
                    force: None,
                };
                // More than may run at once wait for their turn and try again.
                loop {
                    match desk.draft(&ask, &CancellationToken::new()).await {
                        Ok(drafted) => return drafted.receipt.ending,
                        Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        let ending = task.await.unwrap();
        assert!(
            matches!(ending, Ending::Answered | Ending::OverCap),
            "{ending:?}"
        );
    }
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_drafts_of_four_processes_never_pass_a_budget_for_ten() {
    let bench = Bench::at_pace(Some(400)).await;
    // An answer costs about a tenth of it; a hold of the prompt and 600 tokens of output a third.
    let cap: Usd = "0.0105".parse().unwrap();
    let config = Config {
        cap: cap.to_string(),
        links: "\"anthropic/house-big\"".to_owned(),
        engine: "output_limit = 600".to_owned(),
        ..bench.usual()
    };
    bench.configure(&config.to_string());
    bench.tickets(DRAFTS).await;
    let store = bench.store().await;
    let period = bench.desk().await.period().name;

    let watched = watch(&bench, &store, (&period, cap)).await;

    let filter = ReceiptFilter::default();
    let receipts = store.receipts(&filter, bench::page(1_000)).await.unwrap();
    assert_eq!(
        receipts.len(),
        DRAFTS,
        "a receipt for each, none by recovery"
    );
    let of = |ending: Ending| {
        let all = receipts.iter();
        all.filter(|(_, receipt)| receipt.ending == ending).count()
    };
    let (answered, denied) = (of(Ending::Answered), of(Ending::OverCap));
    assert_eq!(answered + denied, DRAFTS);
    assert!(
        (8..=14).contains(&answered),
        "{answered} answered, {denied} denied"
    );
    // The ledger is what the provider counted, to the nano-dollar.
    let served = bench.served(answered).await;
    assert_eq!(served.len(), answered, "no call without an answer");
    let counted = served
        .iter()
        .fold(Usd::ZERO, |sum, call| sum.plus(price_of(call)));
    let sums = store.sums(&period).await.unwrap();
    assert_eq!(
        (sums.settled_known, sums.settled_at_most),
        (counted, Usd::ZERO)
    );
    assert_eq!(sums.held, Usd::ZERO);
    println!("{answered} answered, {denied} denied; {watched:?}");
    store.close().await;
}

/// What was seen while the crowd drafted.
#[derive(Debug, Default)]
struct Watched {
    looks: u32,
    most_held: Usd,
    bystanders: u32,
}

/// Starts the crowd and looks at the ledger until it is done. A bystander starts, recovers what is
/// lost and prints the meter, again and again: that changes nothing.
async fn watch(bench: &Bench, store: &Store, (period, cap): (&str, Usd)) -> Watched {
    let paths = bench.paths();
    let mut crowd: Vec<_> = (0..PROCESSES).map(|first| part(&paths, first)).collect();
    let mut watched = Watched::default();
    while crowd
        .iter_mut()
        .any(|one| one.try_wait().unwrap().is_none())
    {
        let sums = store.sums(period).await.unwrap();
        let settled = sums.settled_known.plus(sums.settled_at_most);
        let taken = settled.plus(sums.held);
        assert!(taken <= cap, "{taken} of {cap}");
        watched.most_held = watched.most_held.max(sums.held);
        watched.looks += 1;
        if watched.looks.is_multiple_of(100) {
            let ran = Command::new(env!("CARGO_BIN_EXE_deskhand"))
                .arg("--config")
                .arg(&paths.config_file)
                .arg("--data")
                .arg(&paths.data_dir)
                .args(["spend", "--json"])
                .output()
                .unwrap();
            assert!(ran.status.success());
            watched.bystanders += 1;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for one in &mut crowd {
        assert!(one.wait().unwrap().success());
    }
    assert!(watched.bystanders > 0 && watched.most_held > Usd::ZERO);
    watched
}

/// Starts one process of the crowd.
fn part(paths: &Paths, first: usize) -> Child {
    let (config, data) = (paths.config_file.display(), paths.data_dir.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_part_of_the_crowd"])
        .env(PART, format!("{config}|{data}|{first}"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
