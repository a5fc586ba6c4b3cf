//! The ledger of one run: the store, with the cap and the month of the moment of each hold.

use std::{sync::OnceLock, time::Duration};

use super::{
    Desk,
    draft::Job,
    face::DeskEvent,
    ledger::{Answer, Ledger, LedgerError, Wish},
};
use crate::{
    domain::{Cap, CapName, Cost, HoldId, RunId, TicketId, Timestamp, Usd},
    store::{HoldAnswer, HoldAsk, StoreError},
};

/// A hold outlives the longest run by this much before another process may settle it.
const LEASE_SLACK: Duration = Duration::from_secs(30);

/// The ledger as one run sees it.
pub(super) struct Books<'a> {
    desk: &'a Desk,
    run: RunId,
    ticket: Option<TicketId>,
    owner: String,
    denied_by: OnceLock<CapName>,
}

impl<'a> Books<'a> {
    /// Opens the books for a run.
    pub(super) fn new(desk: &'a Desk, job: &Job) -> Self {
        Self::of_run(desk, job.run, Some(job.ticket()), &job.agent)
    }

    /// Opens the books for a run that may serve no ticket.
    pub(super) fn of_run(
        desk: &'a Desk,
        run: RunId,
        ticket: Option<TicketId>,
        agent: &str,
    ) -> Self {
        Self {
            desk,
            run,
            ticket,
            owner: desk.owner(agent),
            denied_by: OnceLock::new(),
        }
    }

    /// Returns the limit that denied a hold, if one did.
    pub(super) fn denied_by(&self) -> Option<CapName> {
        self.denied_by.get().copied()
    }

    /// Returns the limit of this moment. A cap that is not chosen any more lets nothing through.
    fn cap(&self) -> Cap {
        let settings = self.desk.settings();
        match settings.config.spend.cap {
            Cap::NotChosen => Cap::Month(Usd::ZERO),
            cap @ (Cap::None | Cap::Month(_)) => {
                if settings.config.spend.pause_at_cap {
                    cap
                } else {
                    Cap::None
                }
            }
        }
    }

    fn ask(&self, wish: &Wish) -> HoldAsk {
        let settings = self.desk.settings();
        let limit = settings.config.engine.policy.clocks.run + LEASE_SLACK;
        HoldAsk {
            id: wish.id,
            run: self.run,
            ticket: self.ticket,
            attempt: wish.attempt,
            link: wish.link.clone(),
            ceiling: wish.ceiling,
            floor: wish.floor,
            cap: self.cap(),
            beside: self.desk.side_caps(),
            period: self.desk.period().name,
            owner: self.owner.clone(),
            lease_until: wish.at + limit,
            at: wish.at,
        }
    }

    async fn answer(
        &self,
        answer: Result<HoldAnswer, StoreError>,
        period: &str,
        did: &'static str,
    ) -> Result<Answer, LedgerError> {
        self.desk.tell(DeskEvent::Spent);
        match answer {
            Ok(HoldAnswer::Granted(held)) => Ok(Answer::Granted(held)),
            Ok(HoldAnswer::Denied { free, by }) => {
                // The first one counts: it is what the person would have to raise.
                self.denied_by.get_or_init(|| by);
                // What other tickets hold comes back to the month and the day, never to this ticket.
                let held = match by {
                    CapName::Ticket => Usd::ZERO,
                    CapName::Month | CapName::Day => {
                        let sums = self.desk.store.sums(period).await;
                        sums.map(|sums| sums.held).unwrap_or_default()
                    }
                };
                Ok(Answer::Denied { free, held })
            }
            Err(error) => Err(LedgerError {
                did,
                why: error.to_string(),
            }),
        }
    }
}

impl Ledger for Books<'_> {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        let ask = self.ask(wish);
        let answer = self.desk.store.hold(&ask).await;
        self.answer(answer, &ask.period, "hold money").await
    }

    async fn settle(&self, hold: HoldId, cost: Cost, at: Timestamp) -> Result<(), LedgerError> {
        let settled = self.desk.store.settle(hold, cost, at).await;
        self.desk.tell(DeskEvent::Spent);
        match settled {
            Ok(_) => Ok(()),
            Err(error) => Err(LedgerError {
                did: "settle a call",
                why: error.to_string(),
            }),
        }
    }

    async fn exchange(&self, hold: HoldId, cost: Cost, wish: &Wish) -> Result<Answer, LedgerError> {
        let ask = self.ask(wish);
        let answer = self.desk.store.exchange(hold, cost, &ask).await;
        let did = "settle a call and hold money";
        self.answer(answer, &ask.period, did).await
    }
}
