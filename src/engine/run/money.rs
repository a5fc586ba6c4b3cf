//! What an attempt costs: asked for before the call, settled after it.

use super::{
    Command, Flight, Patience, Role, Run, State, Turn, Wanted, calls::Granted, flight::Live,
};
use crate::{
    domain::{Cost, Ending, HoldId, Mono, SkipReason, Usage, Usd},
    engine::{bill::Heard, budget, chain::Temper, plan::PlannedLink, price::Price, remedy::Retry},
};

impl Run {
    /// Asks the ledger for what a call of this link may cost.
    pub(super) fn ask(&mut self, index: usize, role: Role, now: Mono) {
        if now >= self.deadline() {
            return self.finish(Ending::Failed, now);
        }
        let Some((link, want)) = self.plan.links.get(index).and_then(|link| {
            let want = self.plan.want(link)?;
            Some((link.link.name.clone(), want))
        }) else {
            return self.finish(Ending::NoLink, now);
        };
        let dropped = match self.turns.get(index) {
            Some(Turn::Due { dropped } | Turn::Flying { dropped }) => *dropped,
            Some(Turn::Rests { .. } | Turn::Behind { .. } | Turn::Asked | Turn::Gone) | None => {
                Retry::Open
            }
        };
        self.set(index, Turn::Flying { dropped });
        self.attempt = self.attempt.saturating_add(1);
        let waiting = self.flights.iter().filter(|flight| flight.call.is_none());
        let ahead = u32::try_from(waiting.count()).unwrap_or(u32::MAX);
        self.flights.push(Flight {
            attempt: self.attempt,
            index,
            role,
            call: None,
        });
        self.state = State::Asking;
        let (floor, patience) = match role {
            Role::Turn => (want.floor, Patience::Waits),
            // Beside another only what is there in full is taken.
            Role::Probe | Role::Hedge => (want.ceiling, Patience::Never),
        };
        self.want(Wanted {
            attempt: self.attempt,
            no: self.story.next_no().saturating_add(ahead),
            link,
            ceiling: want.ceiling,
            floor,
            patience,
        });
    }

    /// Says what is wanted. With a settlement of the same moment it is one act of the ledger, which
    /// so sees what became free.
    fn want(&mut self, wanted: Wanted) {
        let settle = self
            .out
            .iter()
            .rposition(|said| matches!(said, Command::Settle { .. }));
        let settle = settle.map(|place| self.out.remove(place));
        self.out.push(match settle {
            Some(Command::Settle { hold, cost }) => Command::Exchange {
                hold,
                cost,
                next: wanted,
            },
            Some(_) | None => Command::Hold(wanted),
        });
    }

    pub(super) fn granted(&mut self, attempt: u32, hold: HoldId, amount: Usd, now: Mono) {
        if self.holds.contains(&hold) {
            return;
        }
        self.holds.push(hold);
        let Some(index) = self.holding(attempt).map(|flight| flight.index) else {
            return self.settle(hold, Cost::FREE);
        };
        let buys = self.plan.links.get(index).and_then(|link| {
            let want = self.plan.want(link)?;
            let price = link.price.as_ref()?;
            budget::buys(price, self.plan.prompt_at_most(link), &want, amount)
        });
        // Bought for all answers together; each is told its share.
        let share = |limit: u32| limit.checked_div(self.plan.choices).unwrap_or(limit);
        let Some(output_limit) = buys.map(share) else {
            self.settle(hold, Cost::FREE);
            return self.denied(attempt, now);
        };
        if now < self.deadline() {
            let granted = Granted {
                hold,
                held: amount,
                output_limit,
            };
            return self.call(attempt, granted, now);
        }
        self.settle(hold, Cost::FREE);
        self.lands(attempt);
        self.put_back(index);
        if self.flights.is_empty() {
            self.finish(Ending::Failed, now);
        }
    }

    pub(super) fn denied(&mut self, attempt: u32, now: Mono) {
        if self.holding(attempt).is_none() {
            return;
        }
        let Some(Flight { index, role, .. }) = self.lands(attempt) else {
            return;
        };
        match role {
            // There is no money for two: it is asked when its turn comes.
            Role::Probe | Role::Hedge => self.put_back(index),
            Role::Turn => {
                self.capped = true;
                if self.was_asked(index) {
                    self.set(index, Turn::Asked);
                } else {
                    self.skip(index, SkipReason::OverCap);
                }
            }
        }
        if self.flights.is_empty() {
            self.next(now);
        }
    }

    /// Without a ledger no further link may be asked; what is in flight goes on.
    pub(super) fn no_ledger(&mut self, attempt: u32, why: &str, now: Mono) {
        if self.holding(attempt).is_none() {
            return;
        }
        if let Some(flight) = self.lands(attempt) {
            self.put_back(flight.index);
        }
        if !self.flights.is_empty() {
            return;
        }
        for index in 0..self.turns.len() {
            if self.due_link(index).is_some() && !self.was_asked(index) {
                self.skip(index, SkipReason::NoLedger(why.to_owned()));
            }
        }
        self.finish(Ending::Failed, now);
    }

    /// Returns the attempt, if it waits for money.
    pub(super) fn holding(&self, attempt: u32) -> Option<&Flight> {
        let mut flights = self.flights.iter();
        flights.find(|flight| flight.attempt == attempt && flight.call.is_none())
    }

    /// Takes an attempt out of those in flight.
    pub(super) fn lands(&mut self, attempt: u32) -> Option<Flight> {
        let mut flights = self.flights.iter();
        let place = flights.position(|flight| flight.attempt == attempt)?;
        Some(self.flights.remove(place))
    }

    pub(super) fn settle(&mut self, hold: HoldId, cost: Cost) {
        self.out.push(Command::Settle { hold, cost });
    }

    pub(super) fn bill(
        &self,
        (index, live): (usize, &Live),
        usage: &Usage,
        count: impl FnOnce(&Price, Heard<'_>) -> Cost,
    ) -> Cost {
        let planned = self.plan.links.get(index);
        let priced = planned.and_then(|planned| Some((planned, planned.price.as_ref()?)));
        let Some((planned, price)) = priced else {
            return Cost::AtMost(live.held);
        };
        // Some models think without a sign of it: only their own count tells how much.
        let may_think = thinks(planned);
        let heard = Heard {
            text: &live.text,
            // Of several answers only the first is heard here.
            thought: (live.thinking || may_think || self.plan.choices > 1)
                && usage.tokens_thinking.is_none(),
            prompt_at_most: self.plan.prompt_at_most(planned),
            output_limit: live.output_limit,
            held: live.held,
        };
        count(price, heard)
    }
}

fn thinks(planned: &PlannedLink) -> bool {
    matches!(planned.link.temper, Temper::Reasoning | Temper::Silent)
}
