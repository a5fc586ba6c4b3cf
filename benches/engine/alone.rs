//! The engine alone: the machine, the drive and the transport, with a ledger in memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deskhand::{
    desk::{
        clock::SystemClock,
        drive::{Doors, drive},
        ledger::{Answer, Ledger, LedgerError, Speaker, Talk, Wish},
        live::Live,
    },
    domain::{
        Clock as _, Cost, HoldId, LinkName, ModelName, ProviderKind, RunId, TicketId, Timestamp,
        Usd,
    },
    engine::{
        ask::{Ask, Role, Turn},
        chain::Link,
        plan::{Plan, PlannedLink, UnknownPrices},
        policy::Policy,
        price::{Basis, Price, PriceRow, Rates},
        run::Call,
    },
    llm::{
        Conversation, Transport,
        heard::Heard,
        wire::{Endpoint, Quirks},
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A ledger that only counts.
#[derive(Default)]
struct Counter(AtomicU64);

impl Ledger for Counter {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Answer::Granted(wish.ceiling))
    }

    async fn settle(&self, _: HoldId, _: Cost, _: Timestamp) -> Result<(), LedgerError> {
        self.0.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    async fn exchange(&self, hold: HoldId, cost: Cost, wish: &Wish) -> Result<Answer, LedgerError> {
        self.settle(hold, cost, wish.at).await?;
        self.hold(wish).await
    }
}

struct Voice<'a> {
    transport: &'a Transport,
    ask: &'a Ask,
    endpoints: &'a [(LinkName, Endpoint)],
}

struct Spoken(Conversation);

impl Speaker for Voice<'_> {
    type Talk = Spoken;

    fn speak(&self, call: &Call) -> Spoken {
        let found = self.endpoints.iter().find(|(link, _)| *link == call.link);
        let (_, to) = found.expect("an address");
        Spoken(self.transport.speak(to, self.ask, call.limits))
    }
}

impl Talk for Spoken {
    async fn next(&mut self) -> Heard {
        self.0.next().await
    }
}

/// The engine, ready to run.
pub(crate) struct Alone {
    transport: Transport,
    ask: Ask,
    clock: SystemClock,
    ledger: Counter,
    live: Arc<Live>,
}

impl Alone {
    pub(crate) fn new(question: &str) -> Self {
        Self {
            transport: Transport::new(),
            ask: Ask {
                system: "You write replies.".to_owned(),
                turns: vec![Turn::says(Role::User, question.to_owned())],
                output_limit: 64,
                ..Ask::default()
            },
            clock: SystemClock::start(),
            ledger: Counter::default(),
            live: Arc::new(Live::default()),
        }
    }

    /// Runs the engine over links at these addresses; returns how long it took.
    pub(crate) async fn run(&self, bases: &[&str], stream: bool) -> Duration {
        let endpoints: Vec<(LinkName, Endpoint)> = bases
            .iter()
            .enumerate()
            .map(|(at, base)| {
                let endpoint = Endpoint {
                    kind: ProviderKind::OpenAi,
                    base_url: (*base).to_owned(),
                    key: None,
                    model: ModelName("m".to_owned()),
                    stream,
                    manner: deskhand::domain::Manner::default(),
                    renew: None,
                    quirks: Quirks::default(),
                    allow_plain_http: false,
                };
                (LinkName::new(&format!("p{at}"), "m"), endpoint)
            })
            .collect();
        let began = Instant::now();
        let run = RunId::new(Uuid::now_v7());
        let teller = self
            .live
            .begin(run, TicketId::new(Uuid::from_u128(1)))
            .expect("room for a run");
        let voice = Voice {
            transport: &self.transport,
            ask: &self.ask,
            endpoints: &endpoints,
        };
        let doors = Doors {
            ledger: &self.ledger,
            speaker: &voice,
            clock: &self.clock,
            teller: Some(&teller),
        };
        let outcome = drive(self.plan(&endpoints), doors, &CancellationToken::new()).await;
        let took = began.elapsed();
        assert!(outcome.text.is_some_and(|text| text.len() > 80));
        assert_eq!(outcome.attempts.len(), bases.len());
        took
    }

    fn plan(&self, endpoints: &[(LinkName, Endpoint)]) -> Plan {
        let planned = |(link, _): &(LinkName, Endpoint)| {
            PlannedLink::new(Link::new(link.clone()), Some(price(link)))
        };
        Plan {
            choices: 1,
            links: endpoints.iter().map(planned).collect(),
            prompt_at_most: self.ask.tokens_at_most(),
            output_limit: 64,
            began: self.clock.now(),
            policy: Policy::default(),
            unknown_prices: UnknownPrices::Skipped,
        }
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
            source: "bench".to_owned(),
        },
        basis: Basis::Own,
    }
}
