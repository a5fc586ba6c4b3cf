//! Opening a desk: places, settings, doors, and what was left behind.

use std::sync::Arc;

use tokio::sync::{Semaphore, broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Background, Desk, DeskError, EVENTS_WAITING, Settings,
    clock::SystemClock,
    demo::{self, Demo},
    face::DeskEvent,
    live::Live,
    rack::Rack,
};
use crate::{
    config::{
        self,
        paths::{Paths, make_private},
    },
    domain::Clock,
    engine::hedge::Bucket,
    llm::Transport,
    secrets::{self, Noted, Vault},
    store::{Store, StoreUrl, Use},
};

/// Which desk to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The person's own.
    Real,
    /// The person's own, for a program that serves requests: it keeps less in memory.
    Serving,
    /// Invented tickets and simulated providers, in a folder of their own.
    Demo,
}

/// How long a keyring is waited for.
#[derive(Clone, Copy, Debug)]
pub enum Patience {
    /// A command gives up.
    Command,
    /// A screen: it is told when it has to wait, and a person may give up.
    Screen,
}

/// What opening needs to know.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where things are kept; for the demo, the real places.
    pub paths: Paths,
    /// Which desk.
    pub mode: Mode,
    /// Who waits for the keyring.
    pub patience: Patience,
}

impl Desk {
    /// Opens a desk and settles what a program that died left behind.
    pub async fn open(opening: Opening) -> Result<Arc<Self>, DeskError> {
        Box::pin(Self::open_at(opening, Arc::new(SystemClock::start()))).await
    }

    /// Opens a desk that asks another clock what time it is: a rehearsal plays a month in minutes.
    pub async fn open_at(opening: Opening, clock: Arc<dyn Clock>) -> Result<Arc<Self>, DeskError> {
        let (paths, demo) = match opening.mode {
            Mode::Real | Mode::Serving => (opening.paths, None),
            Mode::Demo => {
                let paths = demo::paths(&opening.paths)?;
                (paths, Some(demo::start().await?))
            }
        };
        make_private(&paths.data_dir)?;
        let mut settings = Settings::read(&paths).map_err(DeskError::Findings)?;
        if let Some(demo) = &demo {
            settings = demo::settings(settings, &demo.addresses);
        }
        let purpose = match opening.mode {
            Mode::Serving => Use::Serving,
            Mode::Real | Mode::Demo => Use::Desk,
        };
        let store = Store::open_for(&store_url(&settings, &paths), purpose).await?;
        let events = broadcast::Sender::new(EVENTS_WAITING);
        let desk = Arc::new(Self {
            keys: rack(opening.mode, opening.patience, &paths, &events),
            transport: Transport::new(),
            background: background(&settings, demo),
            store,
            paths,
            settings: watch::Sender::new(Arc::new(settings)),
            live: Arc::new(Live::default()),
            clock,
            events,
        });
        desk.recover().await?;
        desk.seed_demo().await?;
        Ok(desk)
    }
}

/// The demo keeps its keys in memory: it asks no keyring.
fn rack(
    mode: Mode,
    patience: Patience,
    paths: &Paths,
    events: &broadcast::Sender<DeskEvent>,
) -> Rack {
    let vault = match mode {
        Mode::Real | Mode::Serving => Vault::new(config::env::var),
        Mode::Demo => Vault::in_memory(config::env::var),
    };
    let patience = match patience {
        Patience::Command => secrets::Patience::of_a_command(),
        Patience::Screen => {
            let events = events.clone();
            secrets::Patience::of_the_screen(move || {
                tracing::info!("waiting for the keyring");
                let words = "waiting for your keyring: it may be asking for its password on \
                             another screen. Esc gives up.";
                drop(events.send(DeskEvent::Note(words.to_owned())));
            })
        }
    };
    Rack::new(vault, Noted::at(&paths.data_dir), patience)
}

fn background(settings: &Settings, demo: Option<Demo>) -> Background {
    Background {
        warmed: watch::Sender::new(None),
        hedges: watch::Sender::new(Bucket::default()),
        remarks: watch::Sender::default(),
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        slots: Arc::new(Semaphore::new(
            settings.config.engine.parallel_drafts.max(1),
        )),
        demo,
    }
}

/// Returns where the tickets are: what the config says, else a file in the data folder.
pub fn store_url(settings: &Settings, paths: &Paths) -> StoreUrl {
    use secrecy::ExposeSecret as _;
    match &settings.config.store.url {
        Some(url) => StoreUrl::parse(url.expose_secret()),
        None => StoreUrl::Sqlite(paths.data_dir.join("deskhand.db")),
    }
}
