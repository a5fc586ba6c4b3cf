//! The demo desk: invented tickets, simulated providers, a scripted tour. Its data lives in a
//! folder of its own and never beside real tickets.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::{
    Desk, DeskError, Settings, demo_mail, demo_tour, face::DraftAsk, filing::importer::Importer,
};
use crate::{
    config::{
        Missing, ProviderConfig, edit,
        paths::{Paths, make_private},
    },
    domain::{
        Cap, Change, Cost, KeySource, LinkName, Manner, ModelName, Page, ProviderKind,
        ProviderName, Query, Usd,
    },
    llm::wire::Endpoint,
    sim::{Addresses, Sim, SimOptions},
    store::ReceiptFilter,
};

/// The cap of a new demo: small, so that a handful of drafts shows what a cap does.
const DEMO_CAP: Usd = Usd::from_nanos(110_000_000);
/// How much of it is spent when the tour begins, in percent.
const DEMO_SPENT_PERCENT: i64 = 72;
/// A pace at which a person can follow the words.
const WORDS_PER_SECOND: u32 = 35;
/// The demo desk's own address.
const DEMO_ADDRESS: &str = "help@acme.example";
/// The first ticket's number: a desk that has been at work for a while.
const FIRST_NUMBER: i64 = 4801;
/// The demo's chain: two providers, prices from the price book.
const LINKS: [(&str, &str); 2] = [("anthropic", "claude-sonnet-4-5"), ("openai", "gpt-4o")];

/// The demo's providers and how far its tour has come.
pub(super) struct Demo {
    /// What is asked outside drafts: whether a key is accepted.
    sim: Sim,
    pub(super) addresses: Addresses,
    step: AtomicU32,
    /// Whether words come at a pace a person can follow.
    is_paced: AtomicBool,
    /// One for each draft, so that drafts that run together keep the order of the tour.
    stages: Mutex<Vec<Sim>>,
}

impl Demo {
    /// Stops the simulated providers.
    pub(super) async fn stop(&self) {
        self.sim.stop().await;
        for sim in self.stages.lock().await.iter() {
            sim.stop().await;
        }
    }
}

/// Returns the places of the demo, below the real data folder.
pub(super) fn paths(real: &Paths) -> Result<Paths, DeskError> {
    let dir = real.demo_dir();
    make_private(&dir)?;
    let paths = Paths {
        config_file: dir.join("config.toml"),
        missing: Missing::Fine,
        state_dir: real.state_dir.clone(),
        data_dir: dir,
    };
    if !paths.config_file.exists() {
        edit::set_cap(&paths.config_file, Cap::Month(DEMO_CAP))?;
    }
    Ok(paths)
}

/// Starts the simulated providers.
pub(super) async fn start() -> Result<Demo, DeskError> {
    let options = SimOptions::default();
    let sim = Sim::start(options).await.map_err(DeskError::Simulator)?;
    Ok(Demo {
        addresses: sim.addresses(),
        sim,
        step: AtomicU32::new(0),
        is_paced: AtomicBool::new(false),
        stages: Mutex::default(),
    })
}

/// Returns the settings of the demo: its cap from its file, its providers from the simulator.
pub(super) fn settings(mut read: Settings, addresses: &Addresses) -> Settings {
    let kinds = [
        (ProviderKind::Anthropic, &addresses.base_urls.anthropic),
        (ProviderKind::OpenAi, &addresses.base_urls.openai),
    ];
    let mut config = read.config.clone();
    // The demo reads nobody's mail.
    config.accounts.clear();
    let mut chain = Vec::new();
    for ((name, model), (kind, base_url)) in LINKS.into_iter().zip(kinds) {
        let provider = ProviderConfig {
            kind,
            base_url: base_url.clone(),
            key: KeySource::NotNeeded,
            models: vec![ModelName(model.to_owned())],
            default_model: Some(ModelName(model.to_owned())),
            stream: true,
            allow_plain_http: false,
            priced_like: Some(name),
            manner: Manner::default(),
        };
        config
            .providers
            .insert(ProviderName(name.to_owned()), provider);
        chain.push(LinkName::new(name, model));
    }
    if !config.chains.contains_key("default") {
        config.chains.insert("default".to_owned(), chain);
    }
    read = Settings::of(config, read.warnings);
    read
}

impl Desk {
    /// Fills a new demo: tickets, a month already spent in part, and the first draft, made
    /// through the real engine with a rate limit on its way.
    pub(super) async fn seed_demo(self: &std::sync::Arc<Self>) -> Result<(), DeskError> {
        let Some(demo) = &self.background.demo else {
            return Ok(());
        };
        let period = self.period();
        let sums = self.store.sums(&period.name).await?;
        if sums.settled_known == Usd::ZERO && sums.settled_at_most == Usd::ZERO {
            let nanos = DEMO_CAP.nanos().saturating_mul(DEMO_SPENT_PERCENT) / 100;
            let spent = Cost::Known(Usd::from_nanos(nanos));
            let now = self.clock.now();
            self.store
                .book(&period.name, spent, "what the demo desk spent before", now)
                .await?;
            self.store.announce(&period.name, 50, now).await?;
        }
        let page = Page {
            offset: 0,
            limit: 1000,
        };
        let made = self
            .store
            .receipts(&ReceiptFilter::default(), page)
            .await?
            .len();
        demo.step
            .store(u32::try_from(made).unwrap_or(u32::MAX), Ordering::Relaxed);
        if self.store.is_empty().await? {
            self.seed_tickets().await?;
            self.seed_first_draft().await?;
        }
        demo.is_paced.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn seed_tickets(&self) -> Result<(), DeskError> {
        let now = self.clock.now();
        let own = vec![DEMO_ADDRESS.to_owned()];
        let importer = Importer::new(&self.store, "demo", own, now).first_number(FIRST_NUMBER);
        importer.bytes(demo_mail::letters(now)).await?;
        for row in self.list(&Query::default(), None).await? {
            let Some(facts) = demo_mail::facts(&row.subject) else {
                continue;
            };
            let change = Change {
                priority: facts.priority.map(Some),
                add_tags: facts.tags.iter().map(|tag| (*tag).to_owned()).collect(),
                ..Change::default()
            };
            if change != Change::default() {
                self.change(row.id, &change).await?;
            }
        }
        Ok(())
    }

    async fn seed_first_draft(self: &std::sync::Arc<Self>) -> Result<(), DeskError> {
        let page = self.queue(&super::queue_view(), 0, 1).await?;
        if let Some(first) = page.rows.first() {
            let ask = DraftAsk {
                ticket: first.id,
                chain: None,
                hint: None,
                force: None,
            };
            self.draft(&ask, &CancellationToken::new()).await?;
            // The tour goes on at once: the time that the rate limit named counts as over.
            for link in self.chain(None).await?.links {
                self.store.wake(&link, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// Takes the next stop of the tour, in the order in which drafts are asked for.
    pub(super) fn tour_step(&self) -> Option<u32> {
        let demo = self.background.demo.as_ref()?;
        Some(demo.step.fetch_add(1, Ordering::Relaxed))
    }

    /// Lets the draft of a stop meet what the tour has for it: its providers are a simulator of
    /// its own.
    pub(super) async fn set_stage<'a>(
        &self,
        step: u32,
        endpoints: impl Iterator<Item = &'a mut Endpoint>,
    ) -> Result<(), DeskError> {
        let Some(demo) = &self.background.demo else {
            return Ok(());
        };
        let pace = demo.is_paced.load(Ordering::Relaxed);
        let options = SimOptions {
            port: 0,
            words_per_second: pace.then_some(WORDS_PER_SECOND),
        };
        let sim = Sim::start(options).await.map_err(DeskError::Simulator)?;
        sim.script(demo_tour::steps(step));
        let urls = sim.addresses().base_urls;
        for endpoint in endpoints {
            endpoint.base_url = match endpoint.kind {
                ProviderKind::Anthropic => urls.anthropic.clone(),
                ProviderKind::OpenAi
                | ProviderKind::OpenAiResponses
                | ProviderKind::Gemini
                | ProviderKind::OpenAiCompatible => urls.openai.clone(),
            };
        }
        demo.stages.lock().await.push(sim);
        Ok(())
    }

    /// Returns what to try next in the demo, in one line.
    pub fn hint(&self) -> Option<&'static str> {
        let demo = self.background.demo.as_ref()?;
        Some(demo_tour::hint(demo.step.load(Ordering::Relaxed)))
    }
}
