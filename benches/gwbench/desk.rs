//! A desk in a fresh folder, its first link at a fault of the mock, its backup well.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{
        Desk, Mode, Opening, Patience,
        face::{AskedChain, DraftAsk},
    },
    domain::{Ending, LinkName, Query, TicketId, Timestamp, Usd},
    store::{Filing, Store, StoreUrl},
};
use tokio_util::sync::CancellationToken;

use crate::{letters, mock::Mock};

/// What the config of a desk says.
pub(crate) struct Setup(String);

/// What came of a draft.
pub(crate) struct Made {
    pub(crate) ending: Ending,
    pub(crate) text: String,
    /// Time to the first words of the answer that was kept.
    pub(crate) first: Duration,
    /// From the moment words were void to the first that took their place.
    pub(crate) gap: Option<Duration>,
    /// How long the first attempt lasted.
    pub(crate) detection: Duration,
}

impl Setup {
    /// A first link with a fault and a backup of the other wire that needs 50 ms.
    pub(crate) fn with_fault(mock: &Mock, fault: &str, stream: bool) -> Self {
        let first = if fault == "refused" {
            // Where nobody listens.
            "http://127.0.0.1:9/v1".to_owned()
        } else {
            format!("{}/p/{fault},gap=5/v1", mock.base)
        };
        Self::new(mock, &first, "\"first/mock\", \"backup/mock\"", stream)
    }

    /// The backup and nobody else.
    pub(crate) fn backup_only(mock: &Mock, stream: bool) -> Self {
        Self::new(mock, "http://127.0.0.1:9/v1", "\"backup/mock\"", stream)
    }

    fn new(mock: &Mock, first: &str, links: &str, stream: bool) -> Self {
        let backup = format!("{}/b/ok,ttft=50,gap=5", mock.base);
        let model = |link: &str, window: u32| {
            format!(
                "[models.\"{link}\"]\nprice_in_usd_per_million = 1\nprice_out_usd_per_million = 5\n\
                 context_tokens = {window}\n"
            )
        };
        Self(format!(
            "[spend]\ncap_month_usd = 1000\n[engine]\non_auth_error = \"failover\"\n\
             output_limit = 256\n[engine.clocks]\nfirst_text = \"2s\"\ngap = \"500ms\"\n\
             [providers.first]\ntype = \"openai-compatible\"\nbase_url = \"{first}\"\n\
             auth = \"none\"\nstream = {stream}\n\
             [providers.backup]\ntype = \"anthropic\"\nbase_url = \"{backup}\"\n\
             auth = \"none\"\nstream = {stream}\n{}{}[chains.default]\nlinks = [{links}]\n",
            model("first/mock", 32_000),
            model("backup/mock", 200_000),
        ))
    }
}

/// An open desk with one ticket.
pub(crate) struct OpenDesk {
    desk: Arc<Desk>,
    ticket: TicketId,
    _folder: tempfile::TempDir,
}

/// Opens a desk in a folder of its own.
pub(crate) async fn open(setup: &Setup) -> OpenDesk {
    let folder = tempfile::tempdir().expect("a folder");
    let config_file = folder.path().join("config.toml");
    std::fs::write(&config_file, &setup.0).expect("a config");
    let url = StoreUrl::Sqlite(folder.path().join("deskhand.db"));
    let store = Store::open(&url).await.expect("the store opens");
    let filing = Filing {
        source: "import".into(),
        letters: vec![letters::letter(1182)],
        ..Filing::default()
    };
    let filed = store.file(&filing, Timestamp::UNIX_EPOCH).await;
    filed.expect("it is filed");
    store.close().await;
    let opening = Opening {
        paths: Paths {
            config_file,
            missing: Missing::Wrong,
            data_dir: folder.path().to_owned(),
            state_dir: folder.path().join("state"),
        },
        mode: Mode::Real,
        patience: Patience::Command,
    };
    let desk = Desk::open(opening).await.expect("the desk opens");
    let rows = desk.list(&Query::default(), Some(1)).await.expect("rows");
    let ticket = rows.first().expect("a ticket").id;
    OpenDesk {
        desk,
        ticket,
        _folder: folder,
    }
}

impl OpenDesk {
    /// Asks the backup once: its connection and the database's are open then.
    pub(crate) async fn warm_up(&self) {
        let backup = LinkName::new("backup", "mock");
        self.ask(Some(AskedChain::Links(vec![backup]))).await;
    }

    pub(crate) async fn draft(&self) -> Made {
        self.ask(None).await
    }

    async fn ask(&self, chain: Option<AskedChain>) -> Made {
        let ask = DraftAsk {
            ticket: self.ticket,
            chain,
            hint: None,
            force: None,
        };
        let live = self.desk.live();
        let mut changes = live.changes();
        let cancel = CancellationToken::new();
        let began = Instant::now();
        let drafting = self.desk.draft(&ask, &cancel);
        tokio::pin!(drafting);
        let (mut voided, mut first, mut gap) = (None, None, None);
        let drafted = loop {
            tokio::select! {
                biased;
                Ok(()) = changes.changed() => {
                    for run in live.running() {
                        if run.void.is_some() && run.text.is_empty() && voided.is_none() {
                            voided = Some(Instant::now());
                            first = None;
                        }
                        if !run.text.is_empty() && first.is_none() {
                            first = Some(began.elapsed());
                            gap = voided.map(|at: Instant| at.elapsed());
                        }
                    }
                }
                drafted = &mut drafting => break drafted.expect("a draft"),
            }
        };
        let receipt = drafted.receipt;
        let text = drafted.draft.map(|draft| draft.text).unwrap_or_default();
        let detection = receipt.attempts.first().map(|attempt| attempt.took);
        Made {
            ending: receipt.ending,
            text,
            first: first.unwrap_or_else(|| began.elapsed()),
            gap,
            detection: detection.unwrap_or_default(),
        }
    }

    /// Returns what is settled: for certain, and at most.
    pub(crate) async fn spent(&self) -> (Usd, Usd) {
        let meter = self.desk.spend().await.expect("the meter").meter;
        (meter.settled_known, meter.settled_at_most)
    }

    pub(crate) async fn close(self) {
        self.desk.close().await;
    }
}
