//! `deskhand serve` under load and under faults, side by side with the upstream itself and with the
//! smallest proxy there can be: the table of the gateway harness, with receipts, ledger and tokens on.
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
mod floor;
#[path = "../gwbench/mock.rs"]
#[expect(dead_code, reason = "the other bench uses all of it")]
mod mock;
mod served;

use serde_json::Value;

use self::{
    floor::Floor,
    mock::Mock,
    served::{Behind, Kind, Served},
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
    let floor = Floor::start(&mock);
    let served = Served::start(&mock.base, Behind::OneLink);
    row("quantity", ["floor", "deskhand", "to hold"]);
    let idle = served.rss_mib();
    for kind in [Kind::Whole, Kind::Streamed] {
        latency((&mock, &floor), &served, kind);
    }
    for kind in [Kind::Whole, Kind::Streamed] {
        throughput(&floor, &served, kind);
    }
    row("memory, idle", ["", &format!("{idle:.1} MiB"), ""]);
    let after = format!("{:.1} MiB", served.rss_mib());
    row("memory, after load", ["", &after, "25 MiB"]);
    served.stop();
    let served = Served::start(&mock.base, Behind::EveryFault);
    faults::all(&mock, &served);
    served.stop();
}

/// Prints one line of the table.
fn row(what: &str, [floor, measured, hold]: [&str; 3]) {
    println!("{what:<42}  {floor:<12}  {measured:<12}  {hold}");
}

/// One request at a time: what deskhand and the floor add to the upstream's own time.
fn latency((mock, floor): (&Mock, &Floor), served: &Served, kind: Kind) {
    let (mut added, mut first) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        let direct = served.load(Some(&mock.base), kind, (1, 500, 5));
        for (place, base) in [Some(floor.base.as_str()), None].into_iter().enumerate() {
            let through = served.load(base, kind, (1, 500, 5));
            let more = |field: &str| number(&through, field) - number(&direct, field);
            added[place].push(more("p50_us"));
            first[place].push(more("ttft_p50_us"));
        }
    }
    let [floor_added, own_added] = added.map(|all| millis(&all));
    let [floor_first, own_first] = first.map(|all| millis(&all));
    match kind {
        Kind::Whole => row("added, p50", [&floor_added, &own_added, "0.12 ms"]),
        Kind::Streamed => {
            let what = "added to the first token, p50";
            row(what, [&floor_first, &own_first, "0.15 ms"]);
            let what = "added to a stream of 16 tokens, p50";
            row(what, [&floor_added, &own_added, ""]);
        }
    }
}

/// Thirty-two at a time: how many, and at what cost.
fn throughput(floor: &Floor, served: &Served, kind: Kind) {
    let (mut rates, mut costs) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..ROUNDS {
        for (place, base) in [Some(floor.base.as_str()), None].into_iter().enumerate() {
            let used = || base.map_or_else(|| served.cpu_us(), |_| floor.cpu_us());
            let before = used();
            let load = served.load(base, kind, (32, 60_000, 5));
            let spent = used() - before;
            assert!(number(&load, "bad") < 1.0, "every request is answered");
            rates[place].push(number(&load, "rps"));
            costs[place].push(spent / number(&load, "ok"));
        }
    }
    let (what, rate, cost) = match kind {
        Kind::Whole => ("whole", "8,000 /s", "70 us"),
        Kind::Streamed => ("streamed", "2,000 /s", "250 us"),
    };
    let best = |all: &Vec<f64>| all.iter().copied().fold(0.0, f64::max);
    let [floor_best, own_best] = rates.map(|all| format!("{:.0} /s", best(&all)));
    let what_rate = format!("requests at 32 connections, {what}");
    row(&what_rate, [&floor_best, &own_best, rate]);
    let [floor_cost, own_cost] = costs.map(|all| format!("{:.0} us", least(&all)));
    let what_cost = format!("CPU per request, {what}");
    row(&what_cost, [&floor_cost, &own_cost, cost]);
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
