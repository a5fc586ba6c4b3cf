//! One cell of the matrix: a desk of its own, with its ledger and receipts on disk, at a simulator
//! of its own.

use std::{sync::Arc, time::Duration};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{Desk, Mode, Opening, Patience, face::DraftAsk, face::Drafted},
    domain::{Meter, Query, Timestamp, Usd},
    sim::{Served, Sim, SimOptions},
    store::{Filing, Store, StoreUrl},
};
use tokio_util::sync::CancellationToken;

use crate::{letters, rows::Row};

/// The wire formats, as the config names them.
pub(crate) const FAMILIES: [&str; 5] = [
    "anthropic",
    "openai",
    "openai-responses",
    "gemini",
    "openai-compatible",
];

/// Where in a chain of three the bad link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    First,
    /// The first link answers 500.
    Middle,
    /// The first two answer 500.
    Last,
}

/// One cell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) family: &'static str,
    pub(crate) row: Row,
    pub(crate) streamed: bool,
    pub(crate) place: Place,
}

/// What came of it.
pub(crate) struct Seen {
    pub(crate) drafted: Drafted,
    /// What the receipt chain says of itself and how many receipts there are.
    pub(crate) receipts: u64,
    pub(crate) meter: Meter,
    pub(crate) served: Vec<Served>,
}

/// What a token costs here, in and out, in nano-dollars.
const RATES: (u64, u64) = (1_000, 10_000);

/// Returns what the simulator counted, at the price of the config.
pub(crate) fn counted(served: &Served) -> Usd {
    let nanos = served.tokens_in * RATES.0 + served.tokens_out * RATES.1;
    Usd::from_nanos(nanos.try_into().unwrap())
}

impl Cell {
    /// Returns the models of the three links; the bad one's name carries its fault.
    pub(crate) fn models(self) -> [String; 3] {
        let bad = format!("sim-{}", self.row.fault);
        let before = || "sim-500-1".to_owned();
        match self.place {
            Place::First => [bad, "good".to_owned(), "spare".to_owned()],
            Place::Middle => [before(), bad, "good".to_owned()],
            Place::Last => [before(), "sim-500-2".to_owned(), bad],
        }
    }

    /// Returns how many links before the bad one are asked.
    pub(crate) const fn before(self) -> usize {
        match self.place {
            Place::First => 0,
            Place::Middle => 1,
            Place::Last => 2,
        }
    }

    fn config(self, base: &str, refused: &str) -> String {
        let models = self.models();
        let links: Vec<String> = models
            .iter()
            .enumerate()
            .map(|(at, model)| format!("\"p{at}/{model}\""))
            .collect();
        let providers = models.iter().enumerate().map(|(at, model)| {
            let is_refused = self.row.fault == "refused" && at == self.before();
            self.provider(at, model, if is_refused { refused } else { base })
        });
        // Short where a clock is to run out; else long enough for a machine with much to do.
        let short = if self.row.by_clock { "100ms" } else { "10s" };
        let is_last = self.place == Place::Last;
        let attempt = if is_last { short } else { "10s" };
        format!(
            "[spend]\ncap_month_usd = 1\n\
             [engine.clocks]\nfirst_text = \"{short}\"\ngap = \"{short}\"\nattempt = \"{attempt}\"\n\
             {}[chains.default]\nlinks = [{}]\n",
            providers.collect::<String>(),
            links.join(", ")
        )
    }

    fn provider(self, at: usize, model: &str, base: &str) -> String {
        let (family, streamed) = (self.family, self.streamed);
        let path = match family {
            "openai-compatible" => "/v1",
            _ => "",
        };
        format!(
            "[providers.p{at}]\ntype = \"{family}\"\nbase_url = \"{base}{path}\"\nauth = \"none\"\n\
             models = [\"{model}\"]\nstream = {streamed}\n\
             [models.\"p{at}/{model}\"]\nprice_in_usd_per_million = 1\n\
             price_out_usd_per_million = 10\n"
        )
    }

    /// Plays the cell.
    pub(crate) async fn play(self) -> Seen {
        let sim = Sim::start(SimOptions::default()).await.unwrap();
        let at = sim.addresses();
        let base = match self.family {
            "anthropic" => &at.base_urls.anthropic,
            "openai-responses" => &at.base_urls.openai_responses,
            "gemini" => &at.base_urls.gemini,
            _ => &at.base_urls.openai,
        };
        let dir = tempfile::tempdir().unwrap();
        let config_file = dir.path().join("config.toml");
        std::fs::write(&config_file, self.config(base, &at.refused)).unwrap();
        file_a_ticket(dir.path()).await;
        let opening = Opening {
            paths: Paths {
                config_file,
                missing: Missing::Wrong,
                data_dir: dir.path().to_owned(),
                state_dir: dir.path().join("state"),
            },
            mode: Mode::Real,
            patience: Patience::Command,
        };
        let desk = Desk::open(opening).await.unwrap();
        let drafted = draft(&desk).await;
        let calls = drafted.receipt.attempts.len();
        let served = served(&sim, calls).await;
        let verdict = desk.verify_receipts().await.unwrap();
        let seen = Seen {
            drafted,
            receipts: entries(&verdict),
            meter: desk.spend().await.unwrap().meter,
            served,
        };
        desk.close().await;
        sim.stop().await;
        seen
    }
}

/// Returns how many receipts a whole chain has; none where it is broken.
const fn entries(verdict: &deskhand::store::Verdict) -> u64 {
    if verdict.broken.is_none() {
        verdict.entries
    } else {
        0
    }
}

async fn draft(desk: &Arc<Desk>) -> Drafted {
    let rows = desk.list(&Query::default(), Some(1)).await.unwrap();
    let ask = DraftAsk {
        ticket: rows.first().unwrap().id,
        chain: None,
        hint: None,
        force: None,
    };
    desk.draft(&ask, &CancellationToken::new()).await.unwrap()
}

/// Waits until the simulator has noted every call: one that was left it notes when it sees it.
async fn served(sim: &Sim, calls: usize) -> Vec<Served> {
    for _ in 0..400 {
        if sim.served().len() >= calls {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut served = sim.served();
    served.sort_by_key(|served| served.no);
    served
}

async fn file_a_ticket(dir: &std::path::Path) {
    let url = StoreUrl::Sqlite(dir.join("deskhand.db"));
    let store = Store::open(&url).await.unwrap();
    let filing = Filing {
        source: "import".into(),
        letters: vec![letters::letter(1182)],
        ..Filing::default()
    };
    store.file(&filing, Timestamp::UNIX_EPOCH).await.unwrap();
    store.close().await;
}
