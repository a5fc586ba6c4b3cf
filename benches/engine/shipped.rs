//! A draft as a person gets it: the whole desk, its ledger and its receipts on disk.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use deskhand::{
    config::{Missing, paths::Paths},
    desk::{
        Desk, Mode, Opening, Patience,
        face::{AskedChain, DraftAsk},
    },
    domain::{Cap, HoldId, LinkName, Query, RunId, SideCaps, TicketId, Timestamp, Usd},
    store::{Filing, HoldAsk, Store, StoreUrl},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::letters;

/// An open desk, and a second database on the same disk for bare commits.
pub(crate) struct Shipped {
    desk: Arc<Desk>,
    ticket: TicketId,
    beside: Store,
    round: usize,
}

impl Shipped {
    pub(crate) async fn open(dir: &Path, base: &str) -> Self {
        let provider = |name: &str, base: &str| {
            format!(
                "[providers.{name}]\ntype = \"openai\"\nbase_url = \"{base}\"\nauth = \"none\"\n"
            )
        };
        let config = format!(
            "[spend]\ncap_month_usd = 1000\nallow_unknown_prices = true\n{}{}",
            provider("a", base),
            provider("b", &format!("{base}/busy"))
        );
        let config_file = dir.join("config.toml");
        std::fs::write(&config_file, config).expect("a config");
        let store = Store::open(&StoreUrl::Sqlite(dir.join("deskhand.db")))
            .await
            .expect("the store opens");
        let filing = Filing {
            source: "import".into(),
            letters: vec![letters::letter(1182)],
            ..Filing::default()
        };
        store
            .file(&filing, Timestamp::UNIX_EPOCH)
            .await
            .expect("it is filed");
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
        let desk = Desk::open(opening).await.expect("the desk opens");
        let rows = desk.list(&Query::default(), Some(1)).await.expect("rows");
        let beside = Store::open(&StoreUrl::Sqlite(dir.join("beside.db")))
            .await
            .expect("a second store");
        Self {
            ticket: rows.first().expect("a ticket").id,
            desk,
            beside,
            round: 0,
        }
    }

    /// Commits one hold and nothing else.
    pub(crate) async fn commit(&self) -> Duration {
        let ask = HoldAsk {
            id: HoldId::new(Uuid::now_v7()),
            run: RunId::new(Uuid::now_v7()),
            ticket: None,
            attempt: 1,
            link: LinkName::new("a", "m"),
            ceiling: Usd::from_nanos(1_000),
            floor: Usd::from_nanos(1),
            cap: Cap::Month(Usd::from_dollars(1_000)),
            beside: SideCaps::default(),
            period: "2026-11".to_owned(),
            owner: "bench".to_owned(),
            lease_until: Timestamp::UNIX_EPOCH,
            at: Timestamp::UNIX_EPOCH,
        };
        let began = Instant::now();
        self.beside.hold(&ask).await.expect("a hold");
        began.elapsed()
    }

    /// Drafts over so many links, all but the last busy; returns when the first words were there.
    pub(crate) async fn draft(&mut self, links: usize) -> Duration {
        self.round += 1;
        // A rate limit rests its link, so each round has a link of its own.
        let busy = format!("b/m{}", self.round);
        let chain = [busy.as_str(), "a/m"];
        let chain = chain.iter().skip(2 - links).map(|link| link.parse());
        let ask = DraftAsk {
            ticket: self.ticket,
            chain: Some(AskedChain::Links(
                chain.collect::<Result<_, _>>().expect("links"),
            )),
            hint: None,
            force: None,
        };
        let live = self.desk.live();
        let mut changes = live.changes();
        let cancel = CancellationToken::new();
        let began = Instant::now();
        let drafting = self.desk.draft(&ask, &cancel);
        tokio::pin!(drafting);
        let mut first = None;
        let drafted = loop {
            tokio::select! {
                biased;
                Ok(()) = changes.changed() => {
                    if live.running().iter().any(|run| !run.text.is_empty()) {
                        first.get_or_insert_with(|| began.elapsed());
                    }
                }
                drafted = &mut drafting => break drafted.expect("a draft"),
            }
        };
        assert!(drafted.receipt.ending.has_text());
        assert_eq!(drafted.receipt.attempts.len(), links);
        first.unwrap_or_else(|| began.elapsed())
    }

    pub(crate) async fn close(self) {
        self.desk.close().await;
        self.beside.close().await;
    }
}
