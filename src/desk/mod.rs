//! The desk: what a person or a script can do here, where the doors meet.
//!
//! Every face (screen, command line, later `serve`) does the same acts through [`Desk`], so none
//! re-implements drafting, filing or spending. This room knows no terminal.

pub mod clock;
pub mod comparing;
pub mod drill;
pub mod drive;
pub mod error;
#[cfg(test)]
mod error_tests;
pub mod explain;
pub mod face;
pub mod import;
mod import_look;
pub mod ledger;
pub mod live;
pub mod models;
pub mod servers;
pub mod spend;
pub mod sync;

pub mod doctor;
mod doctor_accounts;
pub mod draft;
pub mod settings;

mod accounts;
mod back;
mod books;
pub mod breakers;
mod catch_up;
mod chains;
mod demo;
mod demo_mail;
mod demo_tour;
mod export;
pub mod files;
pub mod filing;
pub mod health;
mod hedges;
pub mod joining;
mod keep;
mod keys;
mod learn;
mod leases;
pub mod limits;
mod news;
mod open;
mod outage;
mod owner;
#[cfg(test)]
mod preset_tests;
mod providers;
mod rack;
mod reach;
pub mod receipts;
pub mod receipts_csv;
pub mod records;
mod recover;
mod route;
mod routing;
pub mod send;
pub mod serving;
pub mod sign_in;
mod stamp;
pub mod tables;
mod tickets;
pub mod tokens;
mod voice;
mod warm;
pub mod watching;
mod writing;

use std::sync::Arc;

use tokio::sync::{broadcast, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use chains::Chosen;
pub use error::DeskError;
pub use keys::{Tried, Verify};
pub use open::{Mode, Opening, Patience, store_url};
pub use settings::Settings;

pub use crate::store::{IfStale, Quiet};

use self::{demo::Demo, face::DeskEvent, live::Live, owner::Owner, rack::Rack};
use crate::{
    config::paths::Paths,
    domain::{
        Clock, Mono, Query,
        query::{Term, Test},
    },
    engine::hedge::Bucket,
    llm::Transport,
    store::Store,
};

/// An open desk. Shared by everything that acts in this process.
pub struct Desk {
    store: Store,
    paths: Paths,
    settings: watch::Sender<Arc<Settings>>,
    transport: Transport,
    keys: Rack,
    live: Arc<Live>,
    clock: Arc<dyn Clock>,
    events: broadcast::Sender<DeskEvent>,
    background: Background,
}

/// What runs beside the acts, and how it is stopped.
struct Background {
    /// Tasks that must end before the store is closed.
    tasks: TaskTracker,
    /// Says that the desk is closing.
    stop: CancellationToken,
    /// When it was last looked whom to connect to ahead.
    warmed: watch::Sender<Option<Mono>>,
    /// How many drafts may ask a second model because the first is slow.
    hedges: watch::Sender<Bucket>,
    /// The demo's providers and its tour.
    demo: Option<Demo>,
    /// What was to be said before anybody listened.
    remarks: watch::Sender<Vec<String>>,
    /// How many drafts may run at once.
    slots: Arc<tokio::sync::Semaphore>,
}

/// How long closing waits for drafts to settle, and for a mail server that takes a reply to answer.
pub const CLOSING: std::time::Duration = std::time::Duration::from_secs(20);

/// How many events may wait for a face that is busy. One that falls behind is told so by the
/// channel and reads everything anew: events name what changed, the state is in the store.
const EVENTS_WAITING: usize = 256;

impl Desk {
    /// Returns the name of the person at the desk.
    pub fn agent(&self) -> String {
        self.settings().agent.clone()
    }

    /// Returns the time at this desk.
    pub fn now(&self) -> crate::domain::Timestamp {
        self.clock.now()
    }

    /// Tells whether this is the demo.
    pub fn is_demo(&self) -> bool {
        self.background.demo.is_some()
    }

    /// Returns the folders and files in use.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Returns the settings as they are now; they change when the config does.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// Returns the drafts under way.
    pub fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    /// Returns a receiver of everything that happens from now on.
    pub fn events(&self) -> broadcast::Receiver<DeskEvent> {
        self.events.subscribe()
    }

    /// Returns who owns the holds of this desk for an agent.
    fn owner(&self, agent: &str) -> String {
        Owner::us(self.store.origin(), agent).to_string()
    }

    /// Says a sentence to every face; kept for the first that listens when there is none yet.
    fn remark(&self, sentence: String) {
        if self.events.receiver_count() > 0 {
            self.tell(DeskEvent::Note(sentence));
        } else {
            self.background
                .remarks
                .send_modify(|remarks| remarks.push(sentence));
        }
    }

    /// Tells every face; with none listening nobody needs to know.
    fn tell(&self, event: DeskEvent) {
        drop(self.events.send(event));
    }

    /// Waits until no write of this process is under way, and lets none begin while what it returns
    /// is kept.
    pub async fn quiet(&self) -> Quiet {
        self.store.quiet().await
    }

    /// Tells whether this desk is handing a reply to a mail server.
    pub async fn is_sending(&self) -> bool {
        let us = self.owner(&self.agent());
        let underway = self.store.underway().await;
        underway.is_ok_and(|all| all.iter().any(|one| one.owner == us))
    }

    /// Closes the desk: running drafts are cancelled and settled, a reply on its way waits for the
    /// server's answer, then the store is closed.
    pub async fn close(&self) {
        self.close_or(std::future::pending()).await;
    }

    /// Closes the desk as `close` does, but waits no longer once it is told so.
    pub async fn close_or(&self, told: impl Future<Output = ()>) {
        self.background.stop.cancel();
        self.background.tasks.close();
        let ended = tokio::select! {
            ended = tokio::time::timeout(CLOSING, self.background.tasks.wait()) => ended.is_ok(),
            () = told => false,
        };
        if !ended {
            tracing::error!(
                "closed before every task had ended; the next start settles what is left"
            );
        }
        if let Some(demo) = &self.background.demo {
            demo.stop().await;
        }
        self.store.close().await;
    }
}

/// Returns what the queue shows when nothing else is asked for: what the desk still owes.
pub fn queue_view() -> Query {
    Query {
        terms: vec![Term {
            negated: false,
            test: Test::Unsolved,
        }],
    }
}
