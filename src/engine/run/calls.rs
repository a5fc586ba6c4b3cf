//! Calls under way: how one begins, what is learnt of it, and its words.

use std::time::Duration;

use super::{
    Call, Command, Fact, Live, Role, Run, Voice,
    flight::{self, Alarms, Gaps},
};
use crate::{
    domain::{FaultClass, HoldId, Mono, Usd},
    engine::{lesson::Lesson, policy::Place},
};

/// What the ledger granted and what that buys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Granted {
    pub hold: HoldId,
    pub held: Usd,
    pub output_limit: u32,
}

impl Run {
    pub(super) fn call(&mut self, attempt: u32, granted: Granted, now: Mono) {
        let Some((index, role)) = self
            .holding(attempt)
            .map(|flight| (flight.index, flight.role))
        else {
            return;
        };
        let place = self.place_for(index, role);
        let at = self.civil(now);
        let left = self.deadline().since(now);
        let Some(planned) = self.plan.links.get(index) else {
            return;
        };
        let Some(price) = planned.price.as_ref() else {
            return;
        };
        let clocks = &self.plan.policy.clocks;
        let mut limits = clocks.limits(&planned.link, planned.history, place);
        limits.total = limits.total.min(left);
        if let Some(left) = self.left.take() {
            self.story.moved_on(left.record, left.because);
        }
        let record = self.story.begin(&planned.link.name, price, at);
        self.out.push(Command::Call(Box::new(Call {
            attempt,
            link: planned.link.name.clone(),
            output_limit: granted.output_limit,
            limits,
            without: planned.without.clone(),
        })));
        let alarms = self.alarms(index, role, limits.first_text, now);
        let call = Live {
            record,
            hold: granted.hold,
            held: granted.held,
            output_limit: granted.output_limit,
            began: now,
            thinking: false,
            spoke: false,
            text: String::new(),
            alarms,
            gaps: Gaps::default(),
        };
        let mut flights = self.flights.iter_mut();
        if let Some(flight) = flights.find(|flight| flight.attempt == attempt) {
            flight.call = Some(call);
        }
    }

    /// Returns whether another link stands behind one that is called now. A probe has the one that
    /// it is asked beside; that one may be the last all the same.
    fn place_for(&self, index: usize, role: Role) -> Place {
        match role {
            Role::Probe if self.flights.len() > 1 => Place::HasNext,
            Role::Probe | Role::Turn | Role::Hedge => self.place_of(index),
        }
    }

    fn alarms(
        &mut self,
        index: usize,
        role: Role,
        first_text: Option<Duration>,
        now: Mono,
    ) -> Alarms {
        let warm = first_text.map(|limit| now.after(warm_after(limit)));
        let hedge = self.hedge_after(index, role).map(|wait| now.after(wait));
        let alarms = [warm, hedge].into_iter().flatten();
        self.out.extend(alarms.map(|at| Command::Wake { at }));
        Alarms { warm, hedge }
    }

    pub(super) fn learnt(&mut self, attempt: u32, fact: Fact, now: Mono) {
        let Some(live) = flight::live(&mut self.flights, attempt) else {
            return;
        };
        let Some(record) = self.story.attempts.get_mut(live.record) else {
            return;
        };
        match fact {
            Fact::Opened {
                status,
                request,
                connect,
            } => {
                record.status = Some(status);
                record.request_id = request;
                record.connect = connect;
                let provider = record.link.provider.clone();
                self.story.lessons.push(Lesson::KeyWorks(provider));
            }
            Fact::Left(left) => {
                let link = record.link.clone();
                self.story.lessons.push(Lesson::Left { link, left });
            }
            Fact::Thinking => {
                live.thinking = true;
                live.gaps.note(now);
                if let Some(first) = self.shown_beside(attempt) {
                    self.proved(attempt, &first, now);
                }
            }
            Fact::Model(model) => record.answered_by = Some(model),
            Fact::Request(request) => record.request_id = Some(request),
        }
    }

    pub(super) fn heard(&mut self, attempt: u32, piece: &str, now: Mono) {
        let Some(live) = flight::live(&mut self.flights, attempt) else {
            return;
        };
        live.gaps.note(now);
        live.text.push_str(piece);
        let piece = if live.spoke {
            piece.to_owned()
        } else {
            live.text.clone()
        };
        if piece.is_empty() || (!live.spoke && piece.trim().is_empty()) {
            return;
        }
        self.speaks(attempt, piece, now);
    }

    /// Something of the answer came that is no text. It commits as a word does.
    pub(super) fn said(&mut self, attempt: u32, now: Mono) {
        let Some(live) = flight::live(&mut self.flights, attempt) else {
            return;
        };
        live.gaps.note(now);
        // What it wrote is not counted here: cut off, it is counted at its whole hold.
        live.thinking = true;
        let piece = if live.spoke {
            String::new()
        } else {
            live.text.clone()
        };
        self.speaks(attempt, piece, now);
    }

    /// Shows a piece of an answer; the first one commits.
    fn speaks(&mut self, attempt: u32, piece: String, now: Mono) {
        let shown = self.shown_beside(attempt);
        let Some(live) = flight::live(&mut self.flights, attempt) else {
            return;
        };
        if let Some(first) = shown {
            return self.proved(attempt, &first, now);
        }
        let is_first = !std::mem::replace(&mut live.spoke, true);
        if is_first {
            if let Some(record) = self.story.attempts.get_mut(live.record) {
                record.first_text = Some(now.since(live.began));
            }
            let voice = Voice {
                attempt,
                ended: FaultClass::Cut,
            };
            if let Some(before) = self.speech.voice.replace(voice) {
                self.out.push(Command::Replace {
                    attempt,
                    because: before.ended,
                });
            }
        }
        self.out.push(Command::Show { attempt, piece });
        if is_first {
            self.outspoken(attempt, now);
        }
    }
}

/// The backup's connection is made when two fifths of the first-content time are over (ENGINE
/// section 3).
fn warm_after(limit: Duration) -> Duration {
    limit.saturating_mul(2).checked_div(5).unwrap_or(limit)
}
