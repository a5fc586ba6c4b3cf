//! What the tests of the desk stand on: a real desk in a temporary folder, its providers simulated
//! over real HTTP.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use deskhand::{
    config::paths::{Overrides, Paths},
    desk::{
        Desk, DeskError, Mode, Opening, Patience,
        face::{DeskEvent, DraftAsk, Drafted},
    },
    domain::{
        Attempt, AutoClass, Body, Contact, Direction, FaultClass, KeySource, LinkName, Message,
        MessageId, MessageKind, Status, Ticket, TicketId, Timestamp, Usd,
    },
    sim::{Family, Fault, Served, Sim, SimOptions, Step},
    store::{Filing, Letter, Place, Store, StoreUrl},
};
use tokio::{sync::broadcast::Receiver, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Nothing here takes longer.
const LIMIT: Duration = Duration::from_secs(20);

/// Simulated providers and a folder; desks are opened on them.
pub struct Bench {
    pub sim: Sim,
    folder: tempfile::TempDir,
}

/// A database that another program keeps locked.
pub struct Locked(sqlx::SqliteConnection);

impl Locked {
    pub async fn free(mut self) {
        use sqlx::Executor as _;
        self.0.execute("COMMIT").await.unwrap();
    }
}

impl Bench {
    /// Two providers, a chain of both, a cap of 20 dollars.
    pub async fn new() -> Self {
        Self::at_pace(None).await
    }

    /// The same, with streams that come at so many words per second.
    pub async fn at_pace(words_per_second: Option<u32>) -> Self {
        let sim = Sim::start(SimOptions {
            port: 0,
            words_per_second,
        })
        .await
        .unwrap();
        let bench = Self {
            sim,
            folder: tempfile::tempdir().unwrap(),
        };
        bench.configure(&bench.usual().to_string());
        bench
    }

    pub fn usual(&self) -> Config {
        let urls = self.sim.addresses().base_urls;
        Config {
            cap: "20".to_owned(),
            first: urls.anthropic,
            second: urls.openai,
            key: "auth = \"none\"".to_owned(),
            links: "\"anthropic/house-big\", \"openai/house-small\"".to_owned(),
            engine: String::new(),
            clocks: "first_text = \"400ms\"\ngap = \"400ms\"".to_owned(),
        }
    }

    pub fn paths(&self) -> Paths {
        Paths::find(&Overrides {
            config: Some(self.folder.path().join("config/config.toml")),
            data: Some(self.folder.path().join("data")),
        })
        .unwrap()
    }

    /// Locks the database against writers, as another program does.
    pub async fn lock_database(&self) -> Locked {
        use sqlx::{Connection as _, Executor as _};
        let url = format!("sqlite://{}", self.database().display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        connection
            .execute("PRAGMA busy_timeout = 5000")
            .await
            .unwrap();
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        Locked(connection)
    }

    /// Changes the database behind the desk's back.
    pub async fn execute(&self, sql: &'static str) {
        use sqlx::{Connection as _, Executor as _};
        let url = format!("sqlite://{}", self.database().display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        connection.execute(sql).await.unwrap();
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data/deskhand.db")
    }

    /// Writes the config file, as an editor does: a new file is put in the old one's place.
    pub fn configure(&self, text: &str) {
        let file = self.paths().config_file;
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let fresh = file.with_extension("new");
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(&fresh, &file).unwrap();
    }

    pub async fn desk(&self) -> Arc<Desk> {
        self.desk_at(self.paths()).await
    }

    pub async fn desk_at(&self, paths: Paths) -> Arc<Desk> {
        Desk::open(Opening {
            paths,
            mode: Mode::Real,
            patience: Patience::Command,
        })
        .await
        .unwrap()
    }

    /// Opens the database beside the desk, as another program does.
    pub async fn store(&self) -> Store {
        Store::open(&StoreUrl::Sqlite(self.database()))
            .await
            .unwrap()
    }

    /// Files so many tickets and returns them in order.
    pub async fn tickets(&self, count: usize) -> Vec<TicketId> {
        std::fs::create_dir_all(self.database().parent().unwrap()).unwrap();
        let store = self.store().await;
        let letters = (0..count).map(letter).collect();
        let filing = Filing {
            source: "import".into(),
            letters,
            ..Filing::default()
        };
        let filed = store.file(&filing, now()).await.unwrap();
        store.close().await;
        filed.new
    }

    /// A desk with one ticket.
    pub async fn desk_and_ticket(&self) -> (Arc<Desk>, TicketId) {
        let ticket = self.tickets(1).await[0];
        (self.desk().await, ticket)
    }

    /// Waits until the settings in force name this key.
    pub async fn until_key_is(&self, desk: &Desk, word: &str) {
        let is_it = || {
            let settings = desk.settings();
            let mut providers = settings.config.providers.values();
            providers.any(|provider| match &provider.key {
                KeySource::Command(words) => words.iter().any(|known| known == word),
                _ => false,
            })
        };
        until(is_it).await;
    }

    /// Says what goes wrong with the next request at the first provider.
    pub fn first_fails(&self, fault: Fault) {
        self.sim.script([step(Family::Anthropic, Some(fault))]);
    }

    pub fn second_fails(&self, fault: Fault) {
        self.sim.script([step(Family::OpenAi, Some(fault))]);
    }

    /// What the providers served so far, when there are at least so many.
    pub async fn served(&self, at_least: usize) -> Vec<Served> {
        until(|| self.sim.served().len() >= at_least).await;
        self.sim.served()
    }
}

/// A config file, in the parts that tests change.
#[derive(Clone)]
pub struct Config {
    pub cap: String,
    pub first: String,
    pub second: String,
    pub key: String,
    pub links: String,
    pub engine: String,
    pub clocks: String,
}

impl std::fmt::Display for Config {
    /// Prices are round, so that sums can be followed: 1 and 5 dollars, then half of that.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            cap,
            first,
            second,
            key,
            links,
            engine,
            clocks,
        } = self;
        let cap = if cap.is_empty() {
            String::new()
        } else {
            format!("cap_month_usd = {cap}")
        };
        write!(
            f,
            "[agent]\nname = \"maya\"\n[spend]\n{cap}\n[engine]\n{engine}\n[engine.clocks]\n\
             connect = \"500ms\"\nhold = \"2s\"\n{clocks}\n\
             [providers.anthropic]\ntype = \"anthropic\"\nbase_url = \"{first}\"\n{key}\n\
             [providers.openai]\ntype = \"openai\"\nbase_url = \"{second}\"\nauth = \"none\"\n\
             [models.\"anthropic/house-big\"]\nprice_in_usd_per_million = 1\n\
             price_out_usd_per_million = 5\n[models.\"openai/house-small\"]\n\
             price_in_usd_per_million = \"0.5\"\nprice_out_usd_per_million = \"2.5\"\n\
             [chains.default]\nlinks = [{links}]\n"
        )
    }
}

pub const fn step(family: Family, fault: Option<Fault>) -> Step {
    Step { family, fault }
}

/// What a request costs that the simulator counted so.
pub fn price_of(served: &Served) -> Usd {
    let halves: u64 = if served.family == Family::Anthropic {
        2
    } else {
        1
    };
    let nanos = (served.tokens_in + served.tokens_out * 5) * halves * 500;
    Usd::from_nanos(i64::try_from(nanos).unwrap())
}

pub fn ask(ticket: TicketId) -> DraftAsk {
    DraftAsk {
        ticket,
        chain: None,
        hint: None,
        force: None,
    }
}

pub async fn draft(desk: &Arc<Desk>, ticket: TicketId) -> Drafted {
    let (ask, cancel) = (ask(ticket), CancellationToken::new());
    limited(desk.draft(&ask, &cancel)).await.unwrap()
}

/// Begins a draft beside the test.
pub fn begin(
    desk: &Arc<Desk>,
    ticket: TicketId,
) -> (CancellationToken, JoinHandle<Result<Drafted, DeskError>>) {
    let cancel = CancellationToken::new();
    let (desk, stop) = (Arc::clone(desk), cancel.clone());
    let task = tokio::spawn(async move { desk.draft(&ask(ticket), &stop).await });
    (cancel, task)
}

pub async fn limited<T>(wait: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, wait)
        .await
        .expect("nothing came of it in twenty seconds")
}

/// Waits until something is so.
pub async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LIMIT, "it never came to be so");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits for an event, at most a second.
pub async fn hear(events: &mut Receiver<DeskEvent>, wanted: impl Fn(&DeskEvent) -> bool) {
    let hearing = async {
        loop {
            if wanted(&events.recv().await.unwrap()) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(1), hearing)
        .await
        .expect("the event did not come within a second");
}

/// Returns the alerts that wait to be heard.
pub fn alerts(events: &mut Receiver<DeskEvent>) -> Vec<u32> {
    std::iter::from_fn(|| events.try_recv().ok())
        .filter_map(|event| match event {
            DeskEvent::Alert(percent) => Some(percent),
            _ => None,
        })
        .collect()
}

/// What each attempt failed of, in order.
pub fn classes(attempts: &[Attempt]) -> Vec<Option<FaultClass>> {
    attempts.iter().map(|attempt| attempt.class).collect()
}

pub fn link(text: &str) -> LinkName {
    let (provider, model) = text.split_once('/').unwrap();
    LinkName::new(provider, model)
}

pub fn now() -> Timestamp {
    Timestamp::now()
}

fn ada() -> Contact {
    Contact {
        name: Some("Ada Field".into()),
        address: "ada@example.org".into(),
    }
}

pub fn letter(at: usize) -> Letter {
    let text = "Hello, my parcel 4711 is late. Where is it? Ada";
    let ticket = Ticket {
        id: TicketId::new(Uuid::now_v7()),
        number: 0,
        source: "import".into(),
        subject: format!("Where is my parcel, part {at}"),
        requester: ada(),
        status: Status::New,
        priority: None,
        assignee: None,
        tags: vec![],
        quarantined_because: None,
        messages: 0,
        created_at: now(),
        updated_at: now(),
        last_customer_message_at: None,
        version: 0,
    };
    let message = Message {
        id: MessageId::new(Uuid::now_v7()),
        ticket: ticket.id,
        kind: MessageKind::Public,
        direction: Direction::In,
        from: ada(),
        reply_to: None,
        to: vec![],
        cc: vec![],
        subject: ticket.subject.clone(),
        body: Body {
            text: text.into(),
            clean: text.into(),
            quoted: None,
            signature: None,
            from_html: false,
        },
        attachments: vec![],
        rfc_message_id: format!("{}@example.org", Uuid::now_v7()),
        answers: vec![],
        auto_class: AutoClass::Human,
        sent_at: now(),
        raw_sha256: Uuid::now_v7().to_string(),
        thread_reason: "new ticket".into(),
        hints: Vec::new(),
        was_seen: false,
    };
    Letter {
        message,
        place: Place::New(Box::new(ticket)),
        reopen: None,
        note_path: None,
        topic: None,
        original: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
    }
}

/// The newest receipts.
pub const fn page(limit: u64) -> deskhand::domain::Page {
    deskhand::domain::Page { offset: 0, limit }
}
