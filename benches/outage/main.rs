//! A month of outages: the corpus' scenario is played by its own server, drafts are asked for
//! through the whole desk at the scenario's pace, and one report says what a person would have
//! noticed and whether the ledger agrees with the server's own count.
//!
//!     cargo bench --bench outage            # 15 % of the month's traffic, a few minutes
//!     DESKHAND_TRAFFIC=100 cargo bench --bench outage
#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a bench may panic, print and read the clock"
)]

#[path = "../letters/mod.rs"]
mod letters;
mod report;
mod server;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{
        Desk, Mode, Opening, Patience,
        face::{DraftAsk, Drafted},
    },
    domain::{Clock, Mono, Query, TicketId, Timestamp},
    store::{Filing, Store, StoreUrl},
};
use tokio_util::sync::CancellationToken;

use self::{report::Month, server::Server};

/// The share of the scenario's traffic that is played, in percent.
const TRAFFIC_PERCENT: u64 = 15;
/// The month begins here, so that its thirty days are one month of the ledger.
const BEGIN: &str = "2026-11-01T00:00:00Z";
/// The chain: four providers, the last one of this house.
const LINKS: [(&str, &str, &str); 4] = [
    ("anthropic", "anthropic", "claude-sonnet-5-5"),
    ("openai", "openai", "gpt-6.1-terra"),
    ("gemini", "gemini", "gemini-3.8-flash"),
    ("local", "openai-compatible", "qwen3-8b"),
];

fn main() {
    // It fails only where a provider is installed already.
    drop(rustls::crypto::ring::default_provider().install_default());
    let corpus = std::env::var("DESKHAND_CORPUS").map_or_else(
        |_| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        Into::into,
    );
    if !corpus.join("outage").is_dir() {
        println!("corpus absent: the month of outages was not played");
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(play(&corpus));
}

async fn play(corpus: &Path) {
    let percent = std::env::var("DESKHAND_TRAFFIC")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(TRAFFIC_PERCENT);
    let server = Server::start(corpus).await;
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(ScenarioClock::default());
    let (desk, ticket) = desk(dir.path(), &server.base, Arc::clone(&clock)).await;
    let mut month = Month::default();
    let began = Instant::now();
    for (minute, at) in server.moments(percent) {
        server.set(&minute).await;
        clock.set(at);
        // A person looks at a refused key once an hour.
        if month.is_next_hour(at) {
            for (provider, _) in desk.refused_keys().await.expect("the keys") {
                drop(desk.test_key(&provider).await);
            }
        }
        month.add(draft(&desk, ticket).await);
    }
    let log = server.log().await;
    let meter = desk.spend().await.expect("the meter").meter;
    let prices = desk.settings();
    month.print(&log, &meter, &prices);
    println!(
        "{percent} % of the scenario's traffic, latencies at 1/50; played in {} s",
        began.elapsed().as_secs()
    );
    desk.close().await;
}

async fn draft(desk: &Arc<Desk>, ticket: TicketId) -> Drafted {
    let ask = DraftAsk {
        ticket,
        chain: None,
        hint: None,
        force: None,
    };
    let drafted = desk.draft(&ask, &CancellationToken::new()).await;
    drafted.expect("a receipt")
}

/// The scenario's time: set before each draft, and then as fast as the wall's.
#[derive(Debug)]
struct ScenarioClock {
    set: AtomicU64,
    began: Instant,
    at_set: AtomicU64,
}

impl Default for ScenarioClock {
    fn default() -> Self {
        Self {
            set: AtomicU64::new(0),
            began: Instant::now(),
            at_set: AtomicU64::new(0),
        }
    }
}

impl ScenarioClock {
    fn wall(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn set(&self, at: Duration) {
        let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        // Never back: a slow draft may have gone past the next one's time.
        let now = self.mono().0.max(micros);
        self.set.store(now, Ordering::SeqCst);
        self.at_set.store(self.wall(), Ordering::SeqCst);
    }
}

impl Clock for ScenarioClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = BEGIN.parse().expect("a time");
        begin + Duration::from_micros(self.mono().0)
    }

    fn mono(&self) -> Mono {
        let since = self.wall() - self.at_set.load(Ordering::SeqCst);
        Mono(self.set.load(Ordering::SeqCst) + since)
    }
}

fn config(base: &str) -> String {
    let providers: Vec<String> = LINKS
        .iter()
        .map(|(name, kind, model)| {
            let path = if *kind == "openai-compatible" {
                "/v1"
            } else {
                ""
            };
            format!(
                "[providers.{name}]\ntype = \"{kind}\"\nbase_url = \"{base}/p/{name}{path}\"\n\
                 auth = \"none\"\nmodels = [\"{model}\"]\n"
            )
        })
        .collect();
    let links = LINKS.map(|(name, _, model)| format!("\"{name}/{model}\""));
    // The server's times are a fiftieth of real ones, and so are the clocks.
    format!(
        "[spend]\ncap_month_usd = 1000\n[engine]\non_auth_error = \"failover\"\n\
         [engine.clocks]\nfirst_text = \"160ms\"\ngap = \"100ms\"\nattempt = \"2400ms\"\n\
         run = \"3600ms\"\nshort_rest = \"40ms\"\n{providers}\
         [models.\"local/qwen3-8b\"]\nprice_in_usd_per_million = 0\nprice_out_usd_per_million = 0\n\
         temper = \"plain\"\n[chains.default]\nlinks = [{}]\n",
        links.join(", "),
        providers = providers.concat()
    )
}

async fn desk(dir: &Path, base: &str, clock: Arc<ScenarioClock>) -> (Arc<Desk>, TicketId) {
    let config_file = dir.join("config.toml");
    std::fs::write(&config_file, config(base)).expect("a config");
    let url = StoreUrl::Sqlite(dir.join("deskhand.db"));
    let store = Store::open(&url).await.expect("the store opens");
    let filing = Filing {
        source: "import".into(),
        letters: vec![letters::letter(1182)],
        ..Filing::default()
    };
    store.file(&filing, clock.now()).await.expect("it is filed");
    store.close().await;
    let opening = Opening {
        paths: Paths {
            config_file,
            missing: Missing::Wrong,
            data_dir: dir.to_owned(),
            state_dir: dir.join("state"),
        },
        mode: Mode::Real,
        patience: Patience::Command,
    };
    let desk = Desk::open_at(opening, clock).await.expect("the desk opens");
    let rows = desk.list(&Query::default(), Some(1)).await.expect("rows");
    let id = rows.first().expect("a ticket").id;
    (desk, id)
}
