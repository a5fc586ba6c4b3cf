//! What time brings: a rest that is over, the end of the run, and what is done while a call is
//! silent.

use super::{Command, Flight, Role, Run, State};
use crate::domain::{Billed, Ending, Fault, FaultClass, Mono, fault::ClockName};

impl Run {
    pub(super) fn tick(&mut self, now: Mono) {
        match self.state {
            State::Waiting { index, until } if now >= until => {
                self.ask(index, Role::Turn, now);
            }
            State::Waiting { .. } if now >= self.deadline() => {
                self.finish(Ending::Failed, now);
            }
            State::Asking if now >= self.deadline() => self.out_of_time(now),
            State::Asking => self.alarms_due(now),
            State::Waiting { .. } | State::Fresh | State::Over(_) => {}
        }
    }

    /// Ends the run, unless words still come: that answer ends by itself. Who waits for money hears
    /// from the ledger.
    fn out_of_time(&mut self, now: Mono) {
        let is_called = self.flights.iter().any(|flight| flight.call.is_some());
        let speaks = self.flights.iter().any(Flight::spoke);
        if !is_called || speaks {
            return;
        }
        let fault = Fault {
            clock: Some(ClockName::Total),
            billed: Billed::Maybe,
            ..Fault::new(FaultClass::TimedOut)
        };
        self.give_up(&fault, now);
        self.finish(Ending::Failed, now);
    }

    /// Does what is due while a call is silent. A model that thinks is not.
    fn alarms_due(&mut self, now: Mono) {
        let (mut warm, mut hedge) = (false, false);
        let silent = self.flights.iter_mut().filter(|flight| flight.is_silent());
        for live in silent.filter_map(|flight| flight.call.as_mut()) {
            let is_due = |at: &mut Mono| now >= *at;
            warm |= live.alarms.warm.take_if(is_due).is_some();
            hedge |= live.alarms.hedge.take_if(is_due).is_some();
        }
        if warm {
            self.warm();
        }
        if hedge {
            self.hedge(now);
        }
    }

    /// Has the connection to the next link made, once.
    fn warm(&mut self) {
        let Some(index) = self.upcoming() else {
            return;
        };
        if self.spent.warmed.contains(&index) || self.was_asked(index) {
            return;
        }
        self.spent.warmed.push(index);
        if let Some(link) = self.name(index) {
            self.out.push(Command::Warm { link });
        }
    }
}
