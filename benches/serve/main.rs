//! `deskhand serve` under load and under faults, side by side with the upstream itself: the table of
//! the gateway harness, with receipts, ledger and tokens on.
//!
//!     cargo bench --profile dist --bench serve
//!
//! The harness is `../shared/rigs/gwbench`: its mock, its load generator and its probe are built
//! below `target/`.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench may panic, print and compute"
)]

mod faults;
#[path = "../gwbench/mock.rs"]
#[expect(dead_code, reason = "the other bench uses all of it")]
mod mock;
mod served;

use serde_json::Value;

use self::{
    mock::Mock,
    served::{Kind, Served},
};

/// How often each figure is measured; the best one counts, for the machine is shared.
const ROUNDS: usize = 3;

fn main() {
    // It fails only where a provider is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let Some(mock) = Mock::start() else {
        println!("harness absent: ../shared/rigs/gwbench is not there, nothing was measured");
        return;
    };
    let served = Served::start(&mock.base);
    println!("quantity                                    measured      to hold");
    let idle = served.rss_mib();
    for kind in [Kind::Whole, Kind::Streamed] {
        latency(&mock, &served, kind);
    }
    for kind in [Kind::Whole, Kind::Streamed] {
        throughput(&mock, &served, kind);
    }
    row("memory, idle", &format!("{idle:.1} MiB"), "");
    row(
        "memory, after load",
        &format!("{:.1} MiB", served.rss_mib()),
        "25 MiB",
    );
    faults::all(&mock, &served);
    served.stop();
}

/// Prints one figure.
fn row(what: &str, measured: &str, hold: &str) {
    println!("{what:<42}  {measured:<12}  {hold}");
}

/// One request at a time: what deskhand adds to the upstream's own time.
fn latency(mock: &Mock, served: &Served, kind: Kind) {
    let (mut added, mut first): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let direct = served.load(Some(&mock.base), kind, (1, 500, 5));
        let through = served.load(None, kind, (1, 500, 5));
        let more = |field: &str| number(&through, field) - number(&direct, field);
        added.push(more("p50_us"));
        first.push(more("ttft_p50_us"));
    }
    match kind {
        Kind::Whole => row("added, p50", &millis(&added), "0.12 ms"),
        Kind::Streamed => {
            row("added to the first token, p50", &millis(&first), "0.15 ms");
            row("added to a stream of 16 tokens, p50", &millis(&added), "");
        }
    }
}

/// Thirty-two at a time: how many, and at what cost.
fn throughput(_: &Mock, served: &Served, kind: Kind) {
    let (mut rates, mut costs): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let before = served.cpu_us();
        let load = served.load(None, kind, (32, 60_000, 5));
        let spent = served.cpu_us() - before;
        assert!(number(&load, "bad") < 1.0, "every request is answered");
        rates.push(number(&load, "rps"));
        costs.push(spent / number(&load, "ok"));
    }
    let (what, rate, cost) = match kind {
        Kind::Whole => ("whole", "8,000 /s", "70 us"),
        Kind::Streamed => ("streamed", "2,000 /s", "250 us"),
    };
    let best = rates.iter().copied().fold(0.0, f64::max);
    row(
        &format!("requests at 32 connections, {what}"),
        &format!("{best:.0} /s"),
        rate,
    );
    row(
        &format!("CPU per request, {what}"),
        &format!("{:.0} us", least(&costs)),
        cost,
    );
}

fn number(of: &Value, field: &str) -> f64 {
    of[field].as_f64().expect("a number")
}

fn least(all: &[f64]) -> f64 {
    all.iter().copied().fold(f64::INFINITY, f64::min)
}

fn millis(micros: &[f64]) -> String {
    format!("{:.3} ms", least(micros) / 1_000.0)
}
