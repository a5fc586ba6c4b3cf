//! The money of one run: asked for and settled beside the talking, so that no word waits for the
//! ledger and no model is kept waiting by the settlement of another.

use std::{pin::Pin, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::time;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Unsettled, screen::Screen};
use crate::{
    desk::{
        face::Phase,
        ledger::{Answer, Ledger, LedgerError, Wish},
    },
    domain::{Clock, Cost, HoldId, Mono, Usd},
    engine::run::{Input, Patience, Wanted},
};

/// The ledger is asked for a hold again so often while others hold the rest.
const HOLD_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait for one answer of the ledger: its own limit for a lock is 5 s.
const LEDGER_LIMIT: Duration = Duration::from_secs(15);
/// So often a settlement is tried.
const SETTLE_TRIES: u32 = 3;
/// What is said of a ledger that is silent.
const TOO_SLOW: &str = "the ledger did not answer in time";

/// An act of the ledger under way.
type Act<'a> = Pin<Box<dyn Future<Output = Booked> + Send + 'a>>;

/// What came of an act.
#[derive(Default)]
struct Booked {
    /// What the machine is to know.
    input: Option<Input>,
    /// A cost that could not be written.
    unsettled: Option<Unsettled>,
    /// Since when money is waited for.
    waits_since: Option<Mono>,
}

/// The money of one run.
pub(super) struct Purse<'a, L> {
    clerk: Clerk<'a, L>,
    acts: FuturesUnordered<Act<'a>>,
    /// How each wish that is not yet granted is given up.
    stops: Vec<(u32, CancellationToken)>,
    waits_since: Option<Mono>,
    pub(super) unsettled: Vec<Unsettled>,
}

impl<'a, L: Ledger> Purse<'a, L> {
    pub(super) fn new(clerk: Clerk<'a, L>) -> Self {
        Self {
            clerk,
            acts: FuturesUnordered::new(),
            stops: Vec::new(),
            waits_since: None,
            unsettled: Vec::new(),
        }
    }

    /// Asks for money.
    pub(super) fn hold(&mut self, wanted: Wanted) {
        let (clerk, since) = (self.clerk, self.waits_since);
        let stop = self.stop_of(wanted.attempt);
        let act = async move {
            let wish = clerk.wish(&wanted);
            let answer = clerk.ask(&wish).await;
            clerk.wait(&wanted, wish, answer, (since, &stop)).await
        };
        self.acts.push(Box::pin(act));
    }

    /// Settles one attempt and asks for the next one's money, in one act.
    pub(super) fn exchange(&mut self, hold: HoldId, cost: Cost, next: Wanted) {
        let (clerk, since) = (self.clerk, self.waits_since);
        let stop = self.stop_of(next.attempt);
        let act = async move {
            let wish = clerk.wish(&next);
            let (answer, unsettled) = clerk.exchange(hold, cost, &wish).await;
            let booked = clerk.wait(&next, wish, answer, (since, &stop)).await;
            Booked {
                unsettled,
                ..booked
            }
        };
        self.acts.push(Box::pin(act));
    }

    /// Settles an attempt.
    pub(super) fn settle(&mut self, hold: HoldId, cost: Cost) {
        let clerk = self.clerk;
        self.acts.push(Box::pin(async move {
            Booked {
                unsettled: clerk.settle(hold, cost).await,
                ..Booked::default()
            }
        }));
    }

    /// Gives up a wish for money. What was granted meanwhile comes back by its settlement.
    pub(super) fn give_up(&mut self, attempt: u32) {
        self.stops.retain(|(of, stop)| {
            if *of == attempt {
                stop.cancel();
            }
            *of != attempt
        });
    }

    /// A call begins: money is not waited for any more.
    pub(super) fn called(&mut self, attempt: u32) {
        self.waits_since = None;
        self.stops.retain(|(of, _)| *of != attempt);
    }

    /// Tells whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.acts.is_empty()
    }

    /// Returns what the machine is to know of the next act that is done; none when that is nothing.
    pub(super) async fn next(&mut self) -> Option<Input> {
        let booked = self.acts.next().await?;
        self.unsettled.extend(booked.unsettled);
        if booked.waits_since.is_some() {
            self.waits_since = booked.waits_since;
        }
        booked.input
    }

    fn stop_of(&mut self, attempt: u32) -> CancellationToken {
        let stop = CancellationToken::new();
        self.stops.push((attempt, stop.clone()));
        stop
    }
}

/// Who speaks with the ledger.
pub(super) struct Clerk<'a, L> {
    pub(super) ledger: &'a L,
    pub(super) clock: &'a dyn Clock,
    pub(super) screen: Screen<'a>,
    pub(super) hold_limit: Duration,
}

impl<L> Clone for Clerk<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for Clerk<'_, L> {}

impl<L: Ledger> Clerk<'_, L> {
    fn wish(&self, wanted: &Wanted) -> Wish {
        Wish {
            id: HoldId::new(Uuid::now_v7()),
            attempt: wanted.no,
            link: wanted.link.clone(),
            ceiling: wanted.ceiling,
            floor: wanted.floor,
            at: self.clock.now(),
        }
    }

    /// Asks the ledger again while other drafts hold what is missing, as far as that may take.
    async fn wait(
        &self,
        wanted: &Wanted,
        mut wish: Wish,
        mut answer: Result<Answer, String>,
        (mut waits_since, stop): (Option<Mono>, &CancellationToken),
    ) -> Booked {
        let attempt = wanted.attempt;
        let input = loop {
            let (free, held) = match answer {
                Ok(Answer::Granted(held)) => {
                    break Input::Granted {
                        attempt,
                        hold: wish.id,
                        held,
                    };
                }
                Ok(Answer::Denied { free, held }) => (free, held),
                Err(why) => break Input::NoLedger { attempt, why },
            };
            let now = self.clock.mono();
            let since = *waits_since.get_or_insert(now);
            let helps = held > Usd::ZERO && free.plus(held) >= wish.floor;
            let may = wanted.patience == Patience::Waits && now.since(since) < self.hold_limit;
            if !helps || !may {
                break Input::Denied { attempt };
            }
            self.screen.phase(Phase::Waiting, Some(wish.link.clone()));
            tokio::select! {
                biased;
                () = stop.cancelled() => break Input::Denied { attempt },
                () = time::sleep(HOLD_PAUSE) => {}
            }
            wish.at = self.clock.now();
            answer = self.ask(&wish).await;
        };
        Booked {
            input: Some(input),
            unsettled: None,
            waits_since,
        }
    }

    async fn ask(&self, wish: &Wish) -> Result<Answer, String> {
        let asked = time::timeout(LEDGER_LIMIT, self.ledger.hold(wish)).await;
        if let Ok(answer) = asked {
            return answer.map_err(|error| error.to_string());
        }
        self.release(wish.id).await;
        Err(TOO_SLOW.to_owned())
    }

    /// Where both cannot be written, the settlement is still tried alone.
    async fn exchange(
        &self,
        hold: HoldId,
        cost: Cost,
        wish: &Wish,
    ) -> (Result<Answer, String>, Option<Unsettled>) {
        let exchanged = self.ledger.exchange(hold, cost, wish);
        match time::timeout(LEDGER_LIMIT, exchanged).await {
            Ok(Ok(answer)) => (Ok(answer), None),
            Ok(Err(error)) => (Err(error.to_string()), self.settle(hold, cost).await),
            Err(_) => {
                let unsettled = self.settle(hold, cost).await;
                self.release(wish.id).await;
                (Err(TOO_SLOW.to_owned()), unsettled)
            }
        }
    }

    /// Gives back a hold of which nobody knows whether it was granted. Where that fails too, the
    /// next start finds it by its lease.
    async fn release(&self, hold: HoldId) {
        let settled = self.ledger.settle(hold, Cost::FREE, self.clock.now());
        time::timeout(LEDGER_LIMIT, settled).await.ok();
    }

    async fn settle(&self, hold: HoldId, cost: Cost) -> Option<Unsettled> {
        let mut tries = 0_u32;
        loop {
            let settled = self.ledger.settle(hold, cost, self.clock.now());
            let error = match time::timeout(LEDGER_LIMIT, settled).await {
                Ok(Ok(())) => return None,
                Ok(Err(error)) => error,
                Err(_) => LedgerError {
                    did: "settle a call",
                    why: "it did not answer in time".to_owned(),
                },
            };
            tries = tries.saturating_add(1);
            if tries >= SETTLE_TRIES {
                return Some(Unsettled { hold, cost, error });
            }
            time::sleep(HOLD_PAUSE).await;
        }
    }
}
