//! The drafts under way and what each has written so far: the newest state, never a stream of
//! pieces, so that nothing can pile up or be lost and no socket waits for a screen.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::sync::watch;

use super::face::{Phase, Running};
use crate::domain::{RunId, TicketId};

/// So many runs may be told of at once; the desk itself starts fewer.
const MOST_RUNS: usize = 16;

/// All drafts under way.
#[derive(Debug)]
pub struct Live {
    runs: watch::Sender<BTreeMap<RunId, watch::Receiver<Running>>>,
    changes: watch::Sender<u64>,
}

/// Says that too many drafts run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MOST_RUNS} drafts are being written already: wait until one is done")]
pub struct TooMany;

impl Default for Live {
    fn default() -> Self {
        Self {
            runs: watch::Sender::new(BTreeMap::new()),
            changes: watch::Sender::new(0),
        }
    }
}

impl Live {
    /// Begins to tell of a run. It is told of until the teller is dropped.
    pub fn begin(self: &Arc<Self>, run: RunId, ticket: TicketId) -> Result<Teller, TooMany> {
        let state = watch::Sender::new(Running {
            run,
            ticket,
            phase: Phase::Waiting,
            link: None,
            text: String::new(),
            void: None,
            attempts: Vec::new(),
            elapsed: Duration::ZERO,
        });
        let added = self.runs.send_if_modified(|runs| {
            let room = runs.len() < MOST_RUNS;
            if room {
                runs.insert(run, state.subscribe());
            }
            room
        });
        self.bump();
        added
            .then(|| Teller {
                live: Arc::clone(self),
                run,
                state,
            })
            .ok_or(TooMany)
    }

    /// Returns the newest state of every run under way, oldest run first.
    pub fn running(&self) -> Vec<Running> {
        let runs = self.runs.borrow();
        runs.values().map(|state| state.borrow().clone()).collect()
    }

    /// Returns the state of one run, to be read or waited for; none when it is over.
    pub fn of(&self, run: RunId) -> Option<watch::Receiver<Running>> {
        self.runs.borrow().get(&run).cloned()
    }

    /// Returns a number that changes whenever any run does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn bump(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Tells of one run.
#[derive(Debug)]
pub struct Teller {
    live: Arc<Live>,
    run: RunId,
    state: watch::Sender<Running>,
}

impl Teller {
    /// Changes what is told.
    pub fn tell(&self, change: impl FnOnce(&mut Running)) {
        self.state.send_modify(change);
        self.live.bump();
    }

    /// Returns the run.
    pub const fn run(&self) -> RunId {
        self.run
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let run = self.run;
        self.live.runs.send_modify(|runs| {
            runs.remove(&run);
        });
        self.live.bump();
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(number: u128) -> (RunId, TicketId) {
        let uuid = Uuid::from_u128(number);
        (RunId::new(uuid), TicketId::new(uuid))
    }

    #[test]
    fn a_run_is_told_of_until_its_teller_is_dropped() {
        let live = Arc::new(Live::default());
        let (run, ticket) = ids(1);
        let teller = live.begin(run, ticket).unwrap();
        let seen = live.of(run).unwrap();

        teller.tell(|running| running.text.push_str("Dear"));
        teller.tell(|running| running.text.push_str(" Ada"));

        assert_eq!(seen.borrow().text, "Dear Ada");
        assert_eq!(live.running().len(), 1);
        drop(teller);
        assert!(live.running().is_empty());
        assert!(live.of(run).is_none());
    }

    #[test]
    fn the_number_of_runs_is_bounded() {
        let live = Arc::new(Live::default());
        let mut tellers: Vec<Teller> = (0..16)
            .map(|number| {
                let (run, ticket) = ids(number);
                live.begin(run, ticket).unwrap()
            })
            .collect();
        let (run, ticket) = ids(99);

        assert_eq!(live.begin(run, ticket).unwrap_err(), TooMany);
        tellers.pop();
        assert!(live.begin(run, ticket).is_ok());
    }

    #[test]
    fn any_change_is_seen_by_who_waits_for_changes() {
        let live = Arc::new(Live::default());
        let mut changes = live.changes();
        let (run, ticket) = ids(1);
        let teller = live.begin(run, ticket).unwrap();
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();

        teller.tell(|running| running.phase = Phase::Writing);

        assert!(changes.has_changed().unwrap());
    }
}
