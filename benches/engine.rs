//! What the engine adds to a call: a draft with its receipt and its ledger on disk, against the same
//! bytes asked for by a bare HTTP client; and a draft whose first link answers 429. All three take
//! turns within one run, so that the ratios hold on any machine.
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench may panic, print and read the clock"
)]

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{Desk, Mode, Opening, Patience, face::DraftAsk},
    domain::{LinkName, Query, TicketId},
    sim::{Sim, SimOptions},
};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 60;
/// Rounds that are not counted: connections open, pages are read.
const WARM_UP: usize = 5;

fn main() {
    // It fails only where a provider is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    runtime.block_on(measure(dir.path()));
}

async fn measure(dir: &Path) {
    let sim = Sim::start(SimOptions::default())
        .await
        .expect("the simulator starts");
    let base = sim.addresses().base_urls.openai;
    let (desk, ticket) = desk(dir, &base).await;
    let client = reqwest::Client::new();
    let (mut plain, mut whole, mut fallback) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS + WARM_UP {
        let times = [
            bare_call(&client, &base).await,
            draft(&desk, ticket, &["a/gpt-4o-mini"]).await,
            // A rate limit rests its link, so each round has a link of its own.
            draft(
                &desk,
                ticket,
                &[&format!("b/sim-429-{}", round + 1), "a/gpt-4o-mini"],
            )
            .await,
        ];
        if round >= WARM_UP {
            plain.push(times[0]);
            whole.push(times[1]);
            fallback.push(times[2]);
        }
    }
    let (plain, whole, fallback) = (median(plain), median(whole), median(fallback));
    println!("bare HTTP call        {:>8} us", plain.as_micros());
    println!(
        "draft, one link       {:>8} us  {}",
        whole.as_micros(),
        ratio(whole, plain)
    );
    println!(
        "draft, after a 429    {:>8} us  {}",
        fallback.as_micros(),
        ratio(fallback, plain)
    );
    println!(
        "the 429 and the move  {:>8} us",
        fallback.saturating_sub(whole).as_micros()
    );
    desk.close().await;
    sim.stop().await;
}

/// Writes `1.25 x the bare call` without floats.
fn ratio(time: Duration, of: Duration) -> String {
    let hundredths = time.as_nanos() * 100 / of.as_nanos().max(1);
    format!(
        "{}.{:02} x the bare call",
        hundredths / 100,
        hundredths % 100
    )
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .copied()
        .expect("there are times")
}

async fn bare_call(client: &reqwest::Client, base: &str) -> Duration {
    let body = r#"{"model":"gpt-4o-mini","stream":true,"stream_options":{"include_usage":true},
        "messages":[{"role":"user","content":"Where is my refund for order 1182?"}]}"#;
    let began = Instant::now();
    let request = client.post(format!("{base}/v1/chat/completions"));
    let request = request
        .header("content-type", "application/json")
        .body(body);
    let answer = request.send().await.expect("an answer");
    let bytes = answer.bytes().await.expect("its body");
    assert!(bytes.ends_with(b"[DONE]\n\n"), "a whole answer");
    began.elapsed()
}

async fn draft(desk: &Arc<Desk>, ticket: TicketId, links: &[&str]) -> Duration {
    let links: Vec<LinkName> = links
        .iter()
        .map(|link| link.parse().expect("a link"))
        .collect();
    let tried = links.len();
    let ask = DraftAsk {
        ticket,
        chain: Some(links),
        hint: None,
    };
    let began = Instant::now();
    let drafted = desk
        .draft(&ask, &CancellationToken::new())
        .await
        .expect("a draft");
    let took = began.elapsed();
    assert!(drafted.receipt.ending.has_text() && drafted.receipt.attempts.len() == tried);
    took
}

async fn desk(dir: &Path, base: &str) -> (Arc<Desk>, TicketId) {
    let provider = |name: &str| {
        format!("[providers.{name}]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n")
    };
    let spend = "[spend]\ncap_month_usd = 1000\nallow_unknown_prices = true\n";
    let config = format!("{spend}{}{}", provider("a"), provider("b"));
    let config_file = dir.join("config.toml");
    std::fs::write(&config_file, config).expect("a config");
    let paths = Paths {
        config_file,
        missing: Missing::Wrong,
        data_dir: dir.to_owned(),
        state_dir: dir.join("state"),
    };
    file_a_ticket(dir).await;
    let opening = Opening {
        paths,
        mode: Mode::Real,
        patience: Patience::Command,
    };
    let desk = Desk::open(opening).await.expect("the desk opens");
    let rows = desk.list(&Query::default(), Some(1)).await.expect("rows");
    let id = rows.first().expect("a ticket").id;
    (desk, id)
}

async fn file_a_ticket(dir: &Path) {
    let url = deskhand::store::StoreUrl::Sqlite(dir.join("deskhand.db"));
    let store = deskhand::store::Store::open(&url)
        .await
        .expect("the store opens");
    let letter = letters::letter(1182);
    let filing = deskhand::store::Filing {
        source: "import".into(),
        letters: vec![letter],
        first_number: None,
    };
    store
        .file(&filing, deskhand::domain::Timestamp::UNIX_EPOCH)
        .await
        .expect("it is filed");
    store.close().await;
}

mod letters;
