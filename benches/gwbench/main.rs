//! The rows of the gateway harness that concern an engine inside a program: each of its faults
//! played by its own mock at the first link, a backup behind it, drafts through the whole desk.
//!
//!     cargo bench --profile dist --bench gwbench
//!
//! The harness is `../shared/rigs/gwbench`; its mock is built below `target/`.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may panic, print and read the clock"
)]

mod desk;
#[path = "../letters/mod.rs"]
mod letters;
mod mock;

use std::time::Duration;

use deskhand::domain::{Ending, Usd};

use self::{
    desk::{Made, Setup},
    mock::{Counted, Mock},
};

/// Faults before the first token, which another provider mends.
const BEFORE: [&str; 17] = [
    "refused", "rst0", "hang", "429", "quota", "500", "502", "503", "529", "401", "402", "403",
    "404", "ctx", "empty200", "html200", "err1",
];
/// Faults in mid-answer; without a stream they are faults before the first token too.
const WITHIN: [&str; 5] = ["errsse", "badsse", "eof", "reset", "stall"];
/// Faults that no other provider may be asked for.
const KEPT: [&str; 3] = ["400", "policy", "refusal"];
/// How often the backup is asked alone, for comparison.
const ALONE: usize = 15;
/// The deadline of the first words, and of the gap between two, in this harness.
const DEADLINE: Duration = Duration::from_secs(2);

fn main() {
    // It fails only where a provider is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let Some(mock) = Mock::start() else {
        println!("harness absent: ../shared/rigs/gwbench is not there, nothing was measured");
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        for stream in [true, false] {
            faults(&mock, stream).await;
        }
        hanging(&mock).await;
    });
}

/// What all faults of one kind came to.
#[derive(Default)]
struct Row {
    recovered: usize,
    missed: Vec<String>,
    added: Vec<Duration>,
    gaps: Vec<Duration>,
    shown_as_whole: usize,
    ledger_equal: usize,
    ledger_bounds: usize,
    ledger_wrong: Vec<String>,
}

async fn faults(mock: &Mock, stream: bool) {
    let kind = if stream { "streamed" } else { "whole" };
    let alone = alone(mock, stream).await;
    println!(
        "{kind}: the backup alone, through the desk: {} us",
        alone.as_micros()
    );
    let mut row = Row::default();
    let before: Vec<&str> = if stream {
        BEFORE.to_vec()
    } else {
        BEFORE.into_iter().chain(WITHIN).collect()
    };
    before_the_first_token(mock, &before, (stream, alone), &mut row).await;
    println!(
        "{kind}: recovered before the first token: {} of {}; over the backup's own: median {} us, \
         most {} us {}",
        row.recovered,
        before.len(),
        median(&mut row.added).as_micros(),
        row.added.last().map_or(0, Duration::as_micros),
        row.missed.join(", ")
    );
    if stream {
        in_mid_answer(mock, alone, &mut row).await;
    }
    for fault in KEPT {
        let made = play(mock, fault, stream, &mut row).await;
        let backup = mock.counted().await.backup;
        assert_eq!(backup.asked, 0, "{fault} was sent on");
        assert!(!made.ending.has_text(), "{fault}");
    }
    println!("{kind}: a plain 400, a policy 400 and a refusal sent on: 0 of 3");
    println!("{kind}: cut answers shown as whole: {}", row.shown_as_whole);
    println!(
        "{kind}: ledger against the mock after each fault: equal {}, a bound (~) {}, below {} {}",
        row.ledger_equal,
        row.ledger_bounds,
        row.ledger_wrong.len(),
        row.ledger_wrong.join("; ")
    );
}

/// Plays the faults that another provider mends before a word was shown.
async fn before_the_first_token(
    mock: &Mock,
    faults: &[&str],
    (stream, alone): (bool, Duration),
    row: &mut Row,
) {
    for fault in faults {
        let made = play(mock, fault, stream, row).await;
        if made.ending == Ending::Answered && made.text.starts_with("BACKUP-0") {
            row.recovered += 1;
            let waits = ["hang", "stall"].contains(fault);
            let detection = if waits {
                made.detection
            } else {
                Duration::ZERO
            };
            let late = made.first.saturating_sub(detection).saturating_sub(alone);
            row.added.push(late);
        } else {
            row.missed.push(format!("{fault}: {:?}", made.ending));
        }
    }
}

/// Plays the faults that come after words were shown: the backup's whole answer takes their place.
async fn in_mid_answer(mock: &Mock, alone: Duration, row: &mut Row) {
    for fault in WITHIN {
        let made = play(mock, fault, true, row).await;
        let is_whole = made.ending == Ending::Answered && made.text.starts_with("BACKUP-0");
        assert!(is_whole, "{fault}: {:?} {}", made.ending, made.text);
        row.gaps.extend(made.gap);
    }
    println!(
        "streamed: broken off in mid-answer: whole answers {} of {}; gap over the backup's own: \
         median {} us",
        WITHIN.len(),
        WITHIN.len(),
        median(&mut row.gaps).saturating_sub(alone).as_micros()
    );
}

/// Returns the median time to the first words when the backup alone is asked.
async fn alone(mock: &Mock, stream: bool) -> Duration {
    let setup = Setup::backup_only(mock, stream);
    let desk = desk::open(&setup).await;
    let mut times = Vec::new();
    for _ in 0..ALONE {
        times.push(desk.draft().await.first);
    }
    desk.close().await;
    median(&mut times)
}

/// Plays one fault on a fresh desk and looks at what was shown and at the ledger.
async fn play(mock: &Mock, fault: &str, stream: bool, row: &mut Row) -> Made {
    let desk = desk::open(&Setup::with_fault(mock, fault, stream)).await;
    // The connections are made, as in a desk that is in use; the backup's answer counts for nothing.
    desk.warm_up().await;
    mock.reset().await;
    let before = desk.spent().await;
    let made = desk.draft().await;
    if made.ending == Ending::Answered && !made.text.contains("BACKUP-15") {
        row.shown_as_whole += 1;
    }
    let counted = mock.counted().await;
    let after = desk.spent().await;
    let known = after.0.minus(before.0);
    let at_most = after.1.minus(before.1);
    judge(fault, (known, at_most), &counted, row);
    desk.close().await;
    made
}

/// Compares the ledger with what the mock says it served.
fn judge(fault: &str, (known, at_most): (Usd, Usd), counted: &Counted, row: &mut Row) {
    let price =
        |done: u64| Usd::from_nanos(i64::try_from(done).expect("a few") * mock::ANSWER_NANOS);
    let whole = price(counted.primary.done + counted.backup.done);
    if known == whole && at_most == Usd::ZERO {
        row.ledger_equal += 1;
    } else if known.plus(at_most) >= whole {
        row.ledger_bounds += 1;
    } else {
        let wrong = format!("{fault}: {known} known, {at_most} at most, {whole} served");
        row.ledger_wrong.push(wrong);
    }
}

/// Six requests in a row to a primary that hangs.
async fn hanging(mock: &Mock) {
    let desk = desk::open(&Setup::with_fault(mock, "hang", true)).await;
    desk.warm_up().await;
    let mut late = 0;
    let mut others = Vec::new();
    for _ in 0..6 {
        let made = desk.draft().await;
        if made.first >= DEADLINE {
            late += 1;
        } else {
            others.push(made.first);
        }
    }
    desk.close().await;
    println!(
        "six drafts into a hanging primary: {late} pay the deadline, {} answer with a median of {} us",
        others.len(),
        median(&mut others).as_micros()
    );
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
