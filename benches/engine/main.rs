//! What the engine adds to a call, side by side within one run: the same bytes asked for by bare
//! hyper; the engine alone, its ledger in memory; and a draft as shipped, ledger and receipts on
//! disk, against the time of the commits on its way, measured bare on the same disk.
//!
//!     cargo bench --profile dist --bench engine
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may panic, print and read the clock"
)]

mod alone;
mod bare;
#[path = "../letters/mod.rs"]
mod letters;
mod mock;
mod shipped;

use std::time::Duration;

use self::{
    alone::Alone,
    bare::{Bare, Through},
    shipped::Shipped,
};

/// Calls of each kind in one round; rounds interleave the kinds, so that drift hits all alike.
const PER_ROUND: usize = 50;
const ROUNDS: usize = 20;
/// Drafts as shipped, each with its commits.
const DRAFTS: usize = 60;
const WARM_UP: usize = 5;
const QUESTION: &str = "My order 1182 has not arrived. Draft a reply.";

fn main() {
    // It fails only where a provider is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let base = mock::start();
    runtime.block_on(async {
        let in_memory = engine_alone(&base).await;
        as_shipped(&base, &in_memory).await;
    });
}

/// Medians that later rows are compared with.
struct Medians {
    bare_first: Duration,
    alone_after_bare: Duration,
}

async fn engine_alone(base: &str) -> Medians {
    let (hyper, client, engine) = (Bare::new(), Through::new(), Alone::new(QUESTION));
    let mut through = Vec::new();
    let busy = format!("{base}/busy");
    let (mut whole, mut stream) = (Pair::default(), Pair::default());
    let (mut firsts, mut fallback) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        for _ in 0..PER_ROUND {
            let bare_whole = hyper.call(base, &body(false)).await.1;
            let bare_stream = hyper.call(base, &body(true)).await;
            let client_whole = client.call(base, &body(false)).await;
            let engine_whole = engine.run(&[base], false).await;
            let engine_stream = engine.run(&[base], true).await;
            let moved = engine.run(&[&busy, base], true).await;
            if round > 0 {
                whole.push(bare_whole, engine_whole);
                through.push(client_whole);
                stream.push(bare_stream.1, engine_stream);
                firsts.push(bare_stream.0);
                fallback.push(moved);
            }
        }
    }
    let (whole, stream) = (whole.medians(), stream.medians());
    print_alone(whole, stream, median(fallback));
    println!(
        "  the HTTP client without engine {:>7} us   of what is added to a whole answer, {} us",
        micros(median(through.clone())),
        micros(median(through).saturating_sub(whole.0))
    );
    Medians {
        bare_first: median(firsts),
        alone_after_bare: stream.1.saturating_sub(stream.0),
    }
}

/// Prints the engine's rows; each pair is bare hyper's time and the engine's.
fn print_alone(whole: (Duration, Duration), stream: (Duration, Duration), fallback: Duration) {
    let added = whole.1.saturating_sub(whole.0);
    let streamed = stream.1.saturating_sub(stream.0);
    let events = u128::try_from(mock::TOKENS + 3).expect("a few");
    let per_event = streamed.saturating_sub(added).as_nanos() / events;
    println!(
        "engine alone (ledger in memory), medians of {} calls",
        ROUNDS * PER_ROUND
    );
    println!("  bare hyper, whole answer       {:>7} us", micros(whole.0));
    println!(
        "  engine, whole answer           {:>7} us   adds {} us (to hold: 25)",
        micros(whole.1),
        micros(added)
    );
    println!(
        "  bare hyper, streamed           {:>7} us",
        micros(stream.0)
    );
    println!(
        "  engine, streamed               {:>7} us   adds {} us",
        micros(stream.1),
        micros(streamed)
    );
    println!(
        "  per streamed event             {:>4}.{:02} us   (to hold: 2)",
        per_event / 1000,
        per_event % 1000 / 10
    );
    println!(
        "  engine, streamed, after a 429  {:>7} us   the 429 and the move take {} us",
        micros(fallback),
        micros(fallback.saturating_sub(stream.1))
    );
}

async fn as_shipped(base: &str, alone: &Medians) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut desk = Shipped::open(dir.path(), base).await;
    let (mut commits, mut one, mut two) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..DRAFTS + WARM_UP {
        let times = (
            desk.commit().await,
            desk.draft(1).await,
            desk.draft(2).await,
        );
        if round >= WARM_UP {
            commits.push(times.0);
            one.push(times.1);
            two.push(times.2);
        }
    }
    desk.close().await;
    let (commit, one, two) = (median(commits), median(one), median(two));
    println!("as shipped (ledger and receipts on disk), medians of {DRAFTS} drafts");
    println!("  one commit, bare               {:>7} us", micros(commit));
    println!("  to the first words             {:>7} us", micros(one));
    let most = alone.bare_first + alone.alone_after_bare + commit;
    println!(
        "    bare hyper to its first piece, what the engine adds, one commit: {} us; over that: {} us",
        micros(most),
        micros(one.saturating_sub(most))
    );
    println!("  to the first words after a 429 {:>7} us", micros(two));
    println!(
        "    more than without the 429: {} us, of which one commit and one call are {} us",
        micros(two.saturating_sub(one)),
        micros(commit + alone.bare_first)
    );
}

fn body(stream: bool) -> Vec<u8> {
    let stream = if stream {
        ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"
    } else {
        ""
    };
    format!(
        "{{\"model\":\"m\",\"messages\":[{{\"role\":\"system\",\"content\":\"You write replies.\"}},\
         {{\"role\":\"user\",\"content\":\"{QUESTION}\"}}],\"max_completion_tokens\":64{stream}}}"
    )
    .into_bytes()
}

/// Times of the bare call and of the engine's.
#[derive(Default)]
struct Pair(Vec<Duration>, Vec<Duration>);

impl Pair {
    fn push(&mut self, bare: Duration, engine: Duration) {
        self.0.push(bare);
        self.1.push(engine);
    }

    fn medians(self) -> (Duration, Duration) {
        (median(self.0), median(self.1))
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .expect("there are times")
}

const fn micros(time: Duration) -> u128 {
    time.as_micros()
}
