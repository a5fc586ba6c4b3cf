//! The stage: models that follow a script, a ledger in memory, a clock that is wound.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deskhand::{
    desk::drive::{Doors, Outcome, drive},
    desk::face::Running,
    desk::ledger::{Answer, Ledger, LedgerError, Speaker, Talk, Wish},
    desk::live::Live,
    domain::fault::ClockName,
    domain::{
        Billed, Clock, Cost, Fault, FaultClass, HoldId, LinkName, Mono, RunId, TicketId, Timestamp,
        Usage, Usd,
    },
    engine::chain::Link,
    engine::plan::{Plan, PlannedLink, UnknownPrices},
    engine::policy::{Limits, Policy},
    engine::price::{Basis, Price, PriceRow, Rates},
    engine::run::Call,
    llm::heard::{Heard, Opening},
    llm::wire::{Delta, Finish, Stop},
};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A good status.
    Open,
    /// Words, after a while.
    Say(&'static str),
    /// A thought.
    Think,
    /// Time passes.
    Pause(Duration),
    /// The end, done or at the limit.
    End(Stop),
    /// A fault.
    Fail(Fault),
    /// Nothing more, until a clock runs out.
    Silence,
    /// Nothing more, whatever the clocks say.
    Deaf,
    /// The reader breaks.
    Panic,
}

/// Models that follow a script: one list of steps per call.
#[derive(Default)]
pub(super) struct Cast {
    pub(super) warmed: Mutex<Vec<LinkName>>,
    pub(super) scripts: BTreeMap<LinkName, Mutex<VecDeque<Vec<Step>>>>,
    pub(super) calls: Mutex<Vec<Call>>,
    pub(super) open: Arc<AtomicUsize>,
}

pub(super) struct Voice {
    pub(super) steps: VecDeque<Step>,
    pub(super) limits: Limits,
    pub(super) spoke: bool,
    pub(super) open: Arc<AtomicUsize>,
}

impl Speaker for Cast {
    type Talk = Voice;

    fn speak(&self, call: &Call) -> Voice {
        self.calls.lock().unwrap().push(call.clone());
        let script = self.scripts.get(&call.link);
        let steps = script
            .and_then(|scripts| scripts.lock().unwrap().pop_front())
            .unwrap_or_else(|| panic!("{} is asked too often", call.link));
        self.open.fetch_add(1, Ordering::SeqCst);
        Voice {
            steps: steps.into(),
            limits: call.limits,
            spoke: false,
            open: Arc::clone(&self.open),
        }
    }

    fn warm(&self, link: &LinkName) {
        self.warmed.lock().unwrap().push(link.clone());
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Talk for Voice {
    async fn next(&mut self) -> Heard {
        loop {
            match self.steps.pop_front().unwrap_or(Step::Silence) {
                Step::Pause(pause) => time::sleep(pause).await,
                Step::Open => {
                    return Heard::opened(Opening {
                        verbatim: false,
                        status: 200,
                        request: Some("req-1".to_owned()),
                        connect: None,
                        left: None,
                    });
                }
                Step::Think => {
                    self.spoke = true;
                    return Heard::Delta(Delta::Thinking);
                }
                Step::Say(words) => {
                    self.spoke = true;
                    return Heard::Delta(Delta::Text(words.to_owned()));
                }
                Step::End(stop) => {
                    return Heard::ended(Finish {
                        stop,
                        usage: usage(),
                        model: Some("as-named-by-itself".to_owned()),
                        said: None,
                        sequence: None,
                    });
                }
                Step::Fail(fault) => return Heard::failed(fault, Usage::default()),
                Step::Silence => return self.run_out().await,
                Step::Deaf => std::future::pending().await,
                Step::Panic => panic!("planted"),
            }
        }
    }
}

impl Voice {
    /// Does what the transport does when nothing comes.
    pub(super) async fn run_out(&self) -> Heard {
        let (clock, limit) = match (self.spoke, self.limits.first_text) {
            (true, _) => (ClockName::Gap, self.limits.gap),
            (false, Some(limit)) => (ClockName::FirstText, limit),
            (false, None) => (ClockName::Total, self.limits.total),
        };
        time::sleep(limit).await;
        let fault = Fault {
            clock: Some(clock),
            billed: Billed::Maybe,
            ..Fault::new(FaultClass::TimedOut)
        };
        Heard::failed(fault, Usage::default())
    }
}

/// A ledger in memory.
pub(super) struct Book {
    pub(super) free: Mutex<Usd>,
    /// What others hold, and when they settle it, giving it back.
    pub(super) others: (Usd, Option<Instant>),
    pub(super) holds: Mutex<Vec<(HoldId, Usd)>>,
    pub(super) settled: Mutex<Vec<(HoldId, Cost)>>,
    /// How often a settlement fails before it succeeds.
    pub(super) broken_settles: AtomicUsize,
    pub(super) can_hold: bool,
    /// How long a settlement takes.
    pub(super) settles_after: Duration,
    /// How often a settlement and a hold were one act.
    pub(super) exchanges: AtomicUsize,
}

impl Book {
    pub(super) fn with(free: Usd) -> Self {
        Self {
            free: Mutex::new(free),
            others: (Usd::ZERO, None),
            holds: Mutex::default(),
            settled: Mutex::default(),
            broken_settles: AtomicUsize::new(0),
            can_hold: true,
            settles_after: Duration::ZERO,
            exchanges: AtomicUsize::new(0),
        }
    }

    /// Checks that every hold was settled exactly once, and returns the costs in order.
    pub(super) fn costs(&self) -> Vec<Cost> {
        let holds = self.holds.lock().unwrap();
        let settled = self.settled.lock().unwrap();
        let ids = |list: Vec<HoldId>| {
            let mut list = list;
            list.sort_unstable();
            list
        };
        assert_eq!(
            ids(holds.iter().map(|(id, _)| *id).collect()),
            ids(settled.iter().map(|(id, _)| *id).collect()),
        );
        settled.iter().map(|(_, cost)| *cost).collect()
    }

    /// What is held or settled.
    fn taken(&self) -> Usd {
        let settled = self.settled.lock().unwrap();
        let holds = self.holds.lock().unwrap();
        holds.iter().fold(Usd::ZERO, |sum, (id, held)| {
            let cost = settled.iter().find(|(hold, _)| hold == id);
            sum.plus(cost.map_or(*held, |(_, cost)| cost.amount()))
        })
    }

    pub(super) fn held(&self, place: usize) -> Usd {
        self.holds.lock().unwrap()[place].1
    }
}

impl Ledger for Book {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        time::sleep(Duration::from_millis(1)).await;
        if !self.can_hold {
            return Err(LedgerError {
                did: "hold money",
                why: "the disk is full".to_owned(),
            });
        }
        let free = self.free.lock().unwrap().minus(self.taken());
        let (others, until) = self.others;
        let back = until.is_some_and(|until| Instant::now() >= until);
        let free = if back { free.plus(others) } else { free };
        if free < wish.floor {
            let held = if back { Usd::ZERO } else { others };
            return Ok(Answer::Denied { free, held });
        }
        let held = wish.ceiling.min(free);
        self.holds.lock().unwrap().push((wish.id, held));
        Ok(Answer::Granted(held))
    }

    async fn settle(&self, hold: HoldId, cost: Cost, _: Timestamp) -> Result<(), LedgerError> {
        let left = self.broken_settles.load(Ordering::SeqCst);
        if left > 0 {
            self.broken_settles.store(left - 1, Ordering::SeqCst);
            return Err(LedgerError {
                did: "settle a call",
                why: "the disk is full".to_owned(),
            });
        }
        time::sleep(self.settles_after).await;
        self.settled.lock().unwrap().push((hold, cost));
        Ok(())
    }

    async fn exchange(&self, hold: HoldId, cost: Cost, wish: &Wish) -> Result<Answer, LedgerError> {
        self.settle(hold, cost, wish.at).await?;
        self.exchanges.fetch_add(1, Ordering::SeqCst);
        self.hold(wish).await
    }
}

/// The wound clock.
pub(super) struct Wound(Instant);

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.0.elapsed()
    }

    fn mono(&self) -> Mono {
        Mono(u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

pub(super) fn usage() -> Usage {
    Usage {
        tokens_in: Some(100),
        tokens_out: Some(20),
        ..Usage::default()
    }
}

/// 100 tokens in at $1, 20 out at $10.
pub(super) const WHOLE: Cost = Cost::Known(Usd::from_nanos(100_000 + 200_000));

pub(super) fn price(link: &LinkName) -> Price {
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

pub(super) fn name(text: &str) -> LinkName {
    text.parse().unwrap()
}

pub(super) fn plan(links: &[&str]) -> Plan {
    let planned = |text: &&str| {
        let link = name(text);
        let price = price(&link);
        PlannedLink::new(Link::new(link), Some(price))
    };
    Plan {
        choices: 1,
        links: links.iter().map(planned).collect(),
        prompt_at_most: 1_000,
        output_limit: 1_000,
        began: Timestamp::UNIX_EPOCH,
        policy: Policy::default(),
        unknown_prices: UnknownPrices::Skipped,
    }
}

/// One scene: a plan, its cast and its ledger.
pub(super) struct Scene {
    pub(super) plan: Plan,
    pub(super) cast: Cast,
    pub(super) book: Book,
    pub(super) cancel: CancellationToken,
    /// When the person presses Esc.
    pub(super) stop_after: Option<Duration>,
}

/// What is seen of a scene from the outside.
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    pub(super) states: Vec<Running>,
    pub(super) took: Duration,
}

impl Scene {
    pub(super) fn new(scripts: &[(&str, &[&[Step]])]) -> Self {
        let mut cast = Cast::default();
        for (link, calls) in scripts {
            let calls = calls.iter().map(|steps| steps.to_vec()).collect();
            cast.scripts.insert(name(link), Mutex::new(calls));
        }
        let links: Vec<&str> = scripts.iter().map(|(link, _)| *link).collect();
        Self {
            plan: plan(&links),
            cast,
            book: Book::with(Usd::from_dollars(100)),
            cancel: CancellationToken::new(),
            stop_after: None,
        }
    }

    pub(super) async fn play(&self) -> Seen {
        let live = Arc::new(Live::default());
        let id = Uuid::from_u128(7);
        let run = RunId::new(id);
        let teller = live.begin(run, TicketId::new(id)).unwrap();
        let mut watched = live.of(run).unwrap();
        let began = Instant::now();
        let clock = Wound(began);
        let driven = async {
            let doors = Doors {
                ledger: &self.book,
                speaker: &self.cast,
                clock: &clock,
                teller: Some(&teller),
            };
            let outcome = drive(self.plan.clone(), doors, &self.cancel).await;
            drop(teller);
            (outcome, began.elapsed())
        };
        let watching = async {
            let mut states = Vec::new();
            while watched.changed().await.is_ok() {
                states.push(watched.borrow_and_update().clone());
            }
            states
        };
        let stopping = async {
            if let Some(after) = self.stop_after {
                time::sleep(after).await;
                self.cancel.cancel();
            }
        };
        let ((outcome, took), states, ()) = tokio::join!(driven, watching, stopping);
        assert_eq!(self.cast.open.load(Ordering::SeqCst), 0, "a socket is open");
        assert!(live.running().is_empty());
        Seen {
            outcome,
            states,
            took,
        }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        let calls = self.cast.calls.lock().unwrap();
        calls.iter().map(|call| call.link.to_string()).collect()
    }
}

impl Seen {
    pub(super) fn classes(&self) -> Vec<Option<FaultClass>> {
        let attempts = self.outcome.attempts.iter();
        attempts.map(|attempt| attempt.class).collect()
    }
}

pub(super) const END: Step = Step::End(Stop::End);
pub(super) const GOOD: &[Step] = &[Step::Open, Step::Say("Dear Ada,"), Step::Say(" soon."), END];

pub(super) fn fail(class: FaultClass, status: u16) -> Step {
    Step::Fail(Fault {
        status: Some(status),
        ..Fault::new(class)
    })
}

pub(super) fn cut() -> Step {
    Step::Fail(Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::Cut)
    })
}
