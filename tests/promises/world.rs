//! A guided world. One that answers at random seldom gets past the first hold; this one mostly
//! answers what the last commands asked, and sometimes speaks out of turn.

use std::{collections::BTreeMap, time::Duration};

use deskhand::{
    domain::{
        Billed, Cost, Fault, FaultClass, HoldId, LinkName, Mono, SkipReason, Timestamp, Usage, Usd,
        fault::{ClockName, FAULT_CLASSES},
    },
    engine::{
        chain::Link,
        plan::{Plan, PlannedLink, UnknownPrices, Usable},
        policy::{AfterText, Hedging, OnAuthError, OnFault, Policy},
        price::{Basis, Price, PriceRow, Rates},
        run::{Command, Fact, Input, Wanted, Whole},
    },
};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::planted::Machine;

pub(super) const START: Mono = Mono(1_000);
/// The most tokens of the prompt, and of an answer.
pub(super) const PROMPT: u64 = 1_000;
pub(super) const OUTPUT_LIMIT: u32 = 1_000;

/// What a plan is made of.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) links: Vec<(u8, u8)>,
    pub(super) auth: u8,
    pub(super) after_text: bool,
    pub(super) hedge: bool,
    /// Whether the policies for faults are the other way round.
    pub(super) contrary: bool,
    /// What the ledger lets through, in nano-dollars.
    pub(super) cap: i64,
}

/// One thing the world does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whim {
    /// Out of turn, when small.
    pub(super) turn: u8,
    /// Which of the possible things.
    pub(super) pick: u8,
    /// With which class of fault, which piece of text.
    pub(super) detail: u8,
    /// How long it takes.
    pub(super) pause_ms: u16,
}

pub(super) fn settings() -> impl Strategy<Value = Setting> {
    let link = (0_u8..3, 0_u8..16);
    let choices = (0_u8..3, any::<bool>(), any::<bool>(), any::<bool>());
    // A call may cost 11,000,000 and is of use from 3,560,000 on.
    (vec(link, 1..6), choices, 3_000_000_i64..120_000_000).prop_map(
        |(links, (auth, after_text, hedge, contrary), cap)| Setting {
            links,
            auth,
            after_text,
            hedge,
            contrary,
            cap,
        },
    )
}

pub(super) fn whims() -> impl Strategy<Value = Vec<Whim>> {
    let whim = (any::<u8>(), any::<u8>(), any::<u8>(), 0_u16..3_000);
    vec(
        whim.prop_map(|(turn, pick, detail, pause_ms)| Whim {
            turn,
            pick,
            detail,
            pause_ms,
        }),
        1..60,
    )
}

pub(super) fn plan(setting: &Setting) -> Plan {
    let links = setting.links.iter().enumerate();
    Plan {
        choices: 1,
        links: links
            .map(|(place, (provider, usable))| {
                let name =
                    LinkName::new(["a", "b", "c"][usize::from(*provider)], &place.to_string());
                let mut link = Link::new(name.clone());
                link.window = place
                    .is_multiple_of(2)
                    .then_some(10_000 * (place as u64 + 1));
                PlannedLink {
                    usable: usable_of(*usable),
                    ..PlannedLink::new(link, Some(price(&name)))
                }
            })
            .collect(),
        prompt_at_most: PROMPT,
        output_limit: OUTPUT_LIMIT,
        began: Timestamp::UNIX_EPOCH,
        policy: Policy {
            on_auth_error: [OnAuthError::Bench, OnAuthError::Failover, OnAuthError::Stop]
                [usize::from(setting.auth)],
            on_refusal: if setting.contrary {
                OnFault::Failover
            } else {
                OnFault::Stop
            },
            on_no_credit: if setting.contrary {
                OnFault::Stop
            } else {
                OnFault::Failover
            },
            hedge: if setting.hedge {
                Hedging::On
            } else {
                Hedging::Off
            },
            after_text: if setting.after_text {
                AfterText::Restart
            } else {
                AfterText::Stop
            },
            ..Policy::default()
        },
        unknown_prices: UnknownPrices::Skipped,
    }
}

impl Setting {
    /// Returns the links that are tried again beside another.
    pub(super) fn half_open(&self) -> Vec<LinkName> {
        let links = plan(self).links.into_iter();
        links
            .filter(|planned| planned.usable == Usable::HalfOpen)
            .map(|planned| planned.link.name)
            .collect()
    }
}

fn usable_of(number: u8) -> Usable {
    let until = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
    match number {
        6..=9 => Usable::HalfOpen,
        10 => Usable::No(SkipReason::NoKey),
        11 => Usable::No(SkipReason::KeyInvalid),
        12 | 13 => Usable::Open {
            until: until(5),
            failed: Some(Timestamp::UNIX_EPOCH),
        },
        14 | 15 => Usable::Resting {
            until: until(1),
            because: FaultClass::RateLimited,
        },
        _ => Usable::Yes,
    }
}

fn price(link: &LinkName) -> Price {
    Price {
        row: PriceRow {
            provider: link.provider.clone(),
            model: link.model.0.clone(),
            since: None,
            until: None,
            seen: None,
            base: Rates {
                input: Usd::from_dollars(1),
                output: Usd::from_dollars(10),
                ..Rates::default()
            },
            tiers: Vec::new(),
            source: "test".to_owned(),
        },
        basis: Basis::Own,
    }
}

/// Everything that was said to the machine and by it, and a ledger with a cap.
#[derive(Default)]
pub(super) struct World {
    /// Inputs with what followed.
    pub(super) log: Vec<(Input, Vec<Command>)>,
    /// The wishes that were not answered.
    pub(super) asked: Vec<Wanted>,
    /// The attempts that are being called.
    pub(super) calling: Vec<u32>,
    /// When the machine wants to be woken.
    pub(super) wakes: Vec<Mono>,
    pub(super) attempts: u32,
    /// What is held, by hold.
    pub(super) held: BTreeMap<HoldId, Usd>,
    pub(super) settled: Usd,
    pub(super) cap: Usd,
    pub(super) now: Mono,
    pub(super) holds: u128,
}

const PIECES: [&str; 5] = ["", " \n", "Dear Ada", ", your parcel", " is on its way."];

impl World {
    pub(super) fn new(setting: &Setting) -> Self {
        Self {
            now: START,
            cap: Usd::from_nanos(setting.cap),
            ..Self::default()
        }
    }

    pub(super) fn play(machine: &mut Machine, setting: &Setting, whims: &[Whim]) -> Self {
        let mut world = Self::new(setting);
        world.tell(machine, Input::Start);
        for whim in whims {
            let input = world.choose(*whim);
            world.tell(machine, input);
        }
        world.close(machine);
        world
    }

    /// Answers what is still open, so that every hold comes back: stops the run, then grants late.
    fn close(&mut self, machine: &mut Machine) {
        let open = self.asked.clone();
        self.tell(machine, Input::Cancel);
        for wanted in open {
            let input = self.answer(&wanted);
            self.tell(machine, input);
        }
    }

    pub(super) fn tell(&mut self, machine: &mut Machine, input: Input) {
        let commands = machine.step(input.clone(), self.now);
        match &input {
            Input::Granted { attempt, .. }
            | Input::Denied { attempt }
            | Input::NoLedger { attempt, .. } => {
                self.asked.retain(|wanted| wanted.attempt != *attempt);
            }
            Input::Ended { attempt, .. } | Input::Failed { attempt, .. } => {
                self.calling.retain(|calling| calling != attempt);
            }
            Input::Start
            | Input::Fact { .. }
            | Input::Text { .. }
            | Input::Said { .. }
            | Input::Released
            | Input::Tick
            | Input::Cancel => {}
        }
        for command in &commands {
            self.obey(command);
        }
        self.log.push((input, commands));
    }

    fn obey(&mut self, command: &Command) {
        match command {
            Command::Hold(wanted) => self.want(wanted),
            Command::Exchange { hold, cost, next } => {
                self.settle(*hold, *cost);
                self.want(next);
            }
            Command::Settle { hold, cost } => self.settle(*hold, *cost),
            Command::Call(call) => self.calling.push(call.attempt),
            Command::Abort { attempt } => {
                self.calling.retain(|calling| calling != attempt);
            }
            Command::Wake { at } => self.wakes.push(*at),
            Command::Warm { .. }
            | Command::Skip { .. }
            | Command::Show { .. }
            | Command::Replace { .. }
            | Command::Done(_) => {}
        }
    }

    fn want(&mut self, wanted: &Wanted) {
        self.attempts = self.attempts.max(wanted.attempt);
        self.asked.push(wanted.clone());
    }

    fn settle(&mut self, hold: HoldId, cost: Cost) {
        if self.held.remove(&hold).is_some() {
            self.settled = self.settled.plus(cost.amount());
        }
    }

    pub(super) fn choose(&mut self, whim: Whim) -> Input {
        self.now = self
            .now
            .after(Duration::from_millis(u64::from(whim.pause_ms)));
        let strange = whim.turn < 40;
        if strange {
            let attempt = u32::from(whim.detail) % (self.attempts + 2);
            return self.out_of_turn(attempt, whim);
        }
        let due = self.wakes.iter().any(|wake| *wake <= self.now);
        if due && whim.turn.is_multiple_of(2) {
            let now = self.now;
            self.wakes.retain(|wake| *wake > now);
            return Input::Tick;
        }
        let which = usize::from(whim.turn) / 2;
        let asked = self.asked.get(which % self.asked.len().max(1)).cloned();
        let calling = self.calling.get(which % self.calling.len().max(1)).copied();
        match (asked, calling) {
            (Some(wanted), calling) if calling.is_none() || !whim.turn.is_multiple_of(3) => {
                match whim.pick % 48 {
                    0 => Input::Denied {
                        attempt: wanted.attempt,
                    },
                    1 => Input::NoLedger {
                        attempt: wanted.attempt,
                        why: "the disk is full".to_owned(),
                    },
                    _ => self.answer(&wanted),
                }
            }
            (_, Some(attempt)) => Self::words(attempt, whim),
            (Some(wanted), None) => self.answer(&wanted),
            (None, None) => Input::Tick,
        }
    }

    /// Does what the ledger does: holds what is wanted, or what is free, or nothing.
    fn answer(&mut self, wanted: &Wanted) -> Input {
        let attempt = wanted.attempt;
        let taken = self
            .held
            .values()
            .fold(self.settled, |sum, held| sum.plus(*held));
        let free = self.cap.minus(taken);
        if free < wanted.floor {
            return Input::Denied { attempt };
        }
        let amount = wanted.ceiling.min(free);
        let hold = self.next_hold();
        self.held.insert(hold, amount);
        Input::Granted {
            attempt,
            hold,
            held: amount,
        }
    }

    fn next_hold(&mut self) -> HoldId {
        self.holds += 1;
        HoldId::new(Uuid::from_u128(self.holds))
    }

    /// Money for an attempt that does not want it any more, or never did.
    fn unasked(&mut self, attempt: u32) -> Input {
        let asked = self.asked.iter().find(|wanted| wanted.attempt == attempt);
        if let Some(wanted) = asked.cloned() {
            return self.answer(&wanted);
        }
        Input::Granted {
            attempt,
            hold: self.next_hold(),
            held: Usd::from_dollars(1),
        }
    }

    fn words(attempt: u32, whim: Whim) -> Input {
        match whim.pick % 12 {
            5 => Input::Said { attempt },
            6 if whim.detail.is_multiple_of(4) => Input::Released,
            0..=6 => Input::Text {
                attempt,
                piece: PIECES[usize::from(whim.detail) % PIECES.len()].to_owned(),
            },
            7 => Input::Fact {
                attempt,
                fact: Fact::Thinking,
            },
            8 | 9 => Input::Ended {
                attempt,
                whole: if whim.detail.is_multiple_of(2) {
                    Whole::Done
                } else {
                    Whole::AtLimit
                },
                usage: usage(),
            },
            _ => Input::Failed {
                attempt,
                fault: Box::new(fault(whim.detail)),
                usage: Usage::default(),
            },
        }
    }

    fn out_of_turn(&mut self, attempt: u32, whim: Whim) -> Input {
        match whim.pick % 16 {
            0 => Input::Cancel,
            1 => Input::Start,
            2 | 3 => Input::Tick,
            4 | 5 => self.unasked(attempt),
            6 => Input::Denied { attempt },
            7 | 8 => Input::Ended {
                attempt,
                whole: Whole::Done,
                usage: usage(),
            },
            _ => Self::words(
                attempt,
                Whim {
                    pick: whim.pick / 16,
                    ..whim
                },
            ),
        }
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.log.iter().flat_map(|(_, commands)| commands)
    }

    /// Tells whether an attempt is neither asked for nor called.
    pub(super) fn is_past(&self, attempt: u32) -> bool {
        let asked = self.asked.iter().any(|wanted| wanted.attempt == attempt);
        !asked && !self.calling.contains(&attempt)
    }
}

pub(super) fn usage() -> Usage {
    Usage {
        tokens_in: Some(100),
        tokens_out: Some(20),
        ..Usage::default()
    }
}

pub(super) fn fault(detail: u8) -> Fault {
    let class = FAULT_CLASSES[usize::from(detail) % FAULT_CLASSES.len()];
    Fault {
        wait: Some(Duration::from_secs(u64::from(detail % 4))),
        parameter: (!detail.is_multiple_of(3)).then(|| "temperature".to_owned()),
        clock: (class == FaultClass::TimedOut).then_some(ClockName::Gap),
        billed: if detail.is_multiple_of(2) {
            Billed::Maybe
        } else {
            Billed::No
        },
        ..Fault::new(class)
    }
}
