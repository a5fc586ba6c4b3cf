//! The matrix of faults: every family, every fault, streamed and not, on the first and on the last
//! link, through the real transport and the real drive against the simulator. Who was asked how
//! often is read from the simulator's own log, and so are the tokens the money must agree with.
#![expect(
    clippy::unwrap_used,
    clippy::too_many_lines,
    reason = "a test may panic, and its scene is told in one piece"
)]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use deskhand::{
    desk::{
        clock::SystemClock,
        drive::{Doors, Outcome, drive},
        ledger::{Answer, Ledger, LedgerError, Speaker, Talk, Wish},
        live::Live,
    },
    domain::{
        Clock as _, Cost, Ending, FaultClass, HoldId, LinkName, ModelName, ProviderKind, RunId,
        TicketId, Timestamp, Usd,
    },
    engine::{
        ask::{Ask, Role, Turn},
        chain::Link,
        plan::{Plan, PlannedLink, UnknownPrices},
        policy::{Clocks, Policy},
        price::{Basis, Price, PriceRow, Rates},
        run::Call,
    },
    llm::{
        Conversation, Transport,
        heard::Heard,
        wire::{Endpoint, Quirks},
    },
    sim::{Served, Sim, SimOptions},
};
use futures::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const KINDS: [(ProviderKind, &str); 4] = [
    (ProviderKind::Anthropic, "anthropic"),
    (ProviderKind::OpenAi, "openai"),
    (ProviderKind::OpenAiResponses, "openai-responses"),
    (ProviderKind::Gemini, "gemini"),
];

/// What is to come of a fault on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// The backup is asked; on the last link nothing more.
    Next,
    /// The backup is asked; the last link once more.
    Again,
    /// The run ends.
    Stop(Ending),
    /// The answer is kept.
    Kept(Ending),
}

/// Fault, class, what comes of it, and whether it breaks off after words that a stream has shown.
type Row = (&'static str, FaultClass, Then, bool);

const ROWS: [Row; 20] = [
    ("429-30", FaultClass::RateLimited, Then::Next, false),
    ("429-bare", FaultClass::RateLimited, Then::Next, false),
    ("quota", FaultClass::OutOfCredit, Then::Next, false),
    ("500", FaultClass::ServerError, Then::Again, false),
    ("502", FaultClass::ServerError, Then::Again, false),
    ("503", FaultClass::Overloaded, Then::Again, false),
    ("529", FaultClass::Overloaded, Then::Again, false),
    (
        "401",
        FaultClass::KeyRefused,
        Then::Stop(Ending::KeyRefused),
        false,
    ),
    // Unexplained, it speaks of this model for this key.
    ("403", FaultClass::ModelGone, Then::Next, false),
    ("404", FaultClass::ModelGone, Then::Next, false),
    (
        "400",
        FaultClass::BadInput,
        Then::Stop(Ending::BadInput),
        false,
    ),
    (
        "refusal",
        FaultClass::Refused,
        Then::Stop(Ending::Refused),
        false,
    ),
    ("empty", FaultClass::Empty, Then::Again, false),
    ("hang", FaultClass::TimedOut, Then::Next, false),
    ("stall-4", FaultClass::TimedOut, Then::Next, true),
    ("cut-4", FaultClass::Cut, Then::Again, true),
    ("reset-4", FaultClass::Cut, Then::Again, true),
    ("error-event-4", FaultClass::Overloaded, Then::Again, true),
    ("malformed-4", FaultClass::ServerError, Then::Again, true),
    (
        "truncated",
        FaultClass::Truncated,
        Then::Kept(Ending::Truncated),
        false,
    ),
];

/// A ledger in memory that grants everything.
#[derive(Default)]
struct Book(Mutex<Vec<(HoldId, Option<Cost>)>>);

impl Ledger for Book {
    async fn hold(&self, wish: &Wish) -> Result<Answer, LedgerError> {
        self.0.lock().unwrap().push((wish.id, None));
        Ok(Answer::Granted(wish.ceiling))
    }

    async fn settle(&self, hold: HoldId, cost: Cost, _: Timestamp) -> Result<(), LedgerError> {
        let mut holds = self.0.lock().unwrap();
        let found = holds.iter_mut().find(|(id, _)| *id == hold);
        let settled = found.unwrap().1.replace(cost);
        assert_eq!(settled, None, "settled twice");
        Ok(())
    }
}

/// The real transport, with the ask and the places of one run.
struct Voice<'a> {
    transport: &'a Transport,
    ask: Ask,
    endpoints: Vec<(LinkName, Endpoint)>,
}

struct Spoken(Conversation);

impl Speaker for Voice<'_> {
    type Talk = Spoken;

    fn speak(&self, call: &Call) -> Spoken {
        let found = self.endpoints.iter().find(|(link, _)| *link == call.link);
        let mut to = found.unwrap().1.clone();
        to.quirks.without.clone_from(&call.without);
        Spoken(self.transport.speak(&to, &self.ask, call.limits))
    }
}

impl Talk for Spoken {
    async fn next(&mut self) -> Heard {
        self.0.next().await
    }
}

/// One place of the matrix.
#[derive(Clone, Copy, Debug)]
struct Case {
    kind: (ProviderKind, &'static str),
    row: Row,
    streamed: bool,
    has_backup: bool,
}

/// What came of it: the run, the simulator's log, the money.
struct Seen {
    outcome: Outcome,
    served: Vec<Served>,
    settled: Vec<Cost>,
}

fn price(link: &LinkName) -> Price {
    Price {
        row: PriceRow {
            provider: link.provider.clone(),
            model: link.model.0.clone(),
            since: None,
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

/// What the simulator counted, at the price above.
fn counted(served: &Served) -> Cost {
    let nanos = served.tokens_in * 1_000 + served.tokens_out * 10_000;
    Cost::Known(Usd::from_nanos(nanos.try_into().unwrap()))
}

impl Case {
    async fn play(self) -> Seen {
        let sim = Sim::start(SimOptions::default()).await.unwrap();
        let urls = sim.addresses().base_urls;
        let bases = [
            &urls.anthropic,
            &urls.openai,
            &urls.openai_responses,
            &urls.gemini,
        ];
        let place = KINDS.iter().position(|kind| *kind == self.kind).unwrap();
        let base_url = bases.get(place).unwrap();
        let models = [format!("sim-{}", self.row.0), "good".to_owned()];
        let count = if self.has_backup { 2 } else { 1 };
        let names = ["first", "backup"].iter().zip(models).take(count);
        let endpoints: Vec<(LinkName, Endpoint)> = names
            .map(|(provider, model)| {
                let endpoint = Endpoint {
                    kind: self.kind.0,
                    base_url: (*base_url).clone(),
                    key: None,
                    model: ModelName(model.clone()),
                    stream: self.streamed,
                    quirks: Quirks::default(),
                    allow_plain_http: false,
                };
                (LinkName::new(provider, &model), endpoint)
            })
            .collect();
        let ask = Ask {
            system: "You write replies.".to_owned(),
            turns: vec![Turn {
                role: Role::User,
                text: "Subject: Refund\nWhere is my refund for order 88213?".to_owned(),
            }],
            output_limit: 500,
        };
        let clock = SystemClock::start();
        let plan = self.plan(&endpoints, &ask, clock.now());
        let (book, transport) = (Book::default(), Transport::new());
        let live = Arc::new(Live::default());
        let id = Uuid::from_u128(1);
        let teller = live.begin(RunId::new(id), TicketId::new(id)).unwrap();
        let voice = Voice {
            transport: &transport,
            ask,
            endpoints,
        };
        let doors = Doors {
            ledger: &book,
            speaker: &voice,
            clock: &clock,
            teller: &teller,
        };
        let outcome = drive(plan, doors, &CancellationToken::new()).await;
        // A connection that was left is noted when the simulator sees it.
        for _ in 0..200 {
            if sim.served().len() >= outcome.attempts.len() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut served = sim.served();
        served.sort_by_key(|served| served.no);
        let holds = book.0.lock().unwrap();
        let settled = holds.iter().map(|(_, cost)| cost.unwrap()).collect();
        Seen {
            outcome,
            served,
            settled,
        }
    }

    /// How often the bad link and the backup must have been asked.
    fn asks(self) -> (usize, usize) {
        match (self.row.2, self.has_backup) {
            (Then::Next | Then::Again, true) => (1, 1),
            (Then::Again, false) => (2, 0),
            (Then::Next, false) | (Then::Stop(_) | Then::Kept(_), _) => (1, 0),
        }
    }

    fn check(self, seen: &Seen) -> Result<(), String> {
        let must = |is: bool, what: &str| {
            let told = || format!("{self:?}: {what}: {:?} {:?}", seen.outcome, seen.served);
            if is { Ok(()) } else { Err(told()) }
        };
        let asked = |model: &str| {
            seen.served
                .iter()
                .filter(|s| s.model.starts_with(model))
                .count()
        };
        must((asked("sim-"), asked("good")) == self.asks(), "asked")?;
        let attempts = &seen.outcome.attempts;
        must(attempts.len() == seen.served.len(), "attempts")?;
        let class = attempts.first().and_then(|attempt| attempt.class);
        // Families name what is busy and what is broken in their own ways.
        let is_either = ["error-event-4", "503"].contains(&self.row.0);
        let fits = class == Some(self.row.1) || is_either && class == Some(FaultClass::ServerError);
        must(fits, "class")?;
        let ending = match (self.row.2, self.has_backup) {
            (Then::Next | Then::Again, true) => Ending::Answered,
            (Then::Next | Then::Again, false) => Ending::Failed,
            (Then::Stop(ending) | Then::Kept(ending), _) => ending,
        };
        must(seen.outcome.ending == ending, "ending")?;
        let text = seen.outcome.text.as_deref();
        if ending == Ending::Answered {
            let whole = text.is_some_and(|t| t.starts_with("Hi ") && t.ends_with("Best regards"));
            must(whole, "the backup's whole answer")?;
        }
        // Chat's filter is the one refusal that comes after words.
        let is_filter = self.row.0 == "refusal" && self.kind.0 == ProviderKind::OpenAi;
        let kept_words = (self.row.3 || is_filter) && self.streamed;
        let shown = attempts
            .first()
            .and_then(|attempt| attempt.shown.as_deref());
        must(shown.is_some() == kept_words, "shown")?;
        let words = shown.map(|shown| shown.matches(' ').count());
        must(
            is_filter || words.is_none_or(|words| words == 4),
            "shown words",
        )?;
        must(seen.settled.len() == attempts.len(), "settled")?;
        let last = seen.served.last().zip(seen.settled.last());
        if ending.has_text() {
            must(
                last.is_some_and(|(served, cost)| *cost == counted(served)),
                "money",
            )?;
        }
        let agree = attempts
            .iter()
            .zip(&seen.settled)
            .all(|(a, settled)| a.cost == *settled);
        must(agree, "the receipt's costs")
    }
}

impl Case {
    fn plan(self, endpoints: &[(LinkName, Endpoint)], ask: &Ask, began: Timestamp) -> Plan {
        // Short where a clock is to run out; else long enough for a machine with much to do.
        let is_waited_for = ["hang", "stall-4"].contains(&self.row.0);
        let short = Duration::from_millis(if is_waited_for { 400 } else { 5_000 });
        let long = Duration::from_secs(5);
        let clocks = Clocks {
            first_text: Some(short),
            gap: Some(short),
            attempt: if self.has_backup { long } else { short },
            ..Clocks::default()
        };
        let planned = |(link, _): &(LinkName, Endpoint)| {
            PlannedLink::new(Link::new(link.clone()), Some(price(link)))
        };
        Plan {
            links: endpoints.iter().map(planned).collect(),
            prompt_at_most: ask.tokens_at_most(),
            output_limit: ask.output_limit,
            began,
            policy: Policy {
                clocks,
                ..Policy::default()
            },
            unknown_prices: UnknownPrices::Skipped,
        }
    }
}

#[tokio::test]
async fn every_fault_ends_as_the_table_says() {
    let mut cases = Vec::new();
    for kind in KINDS {
        for row in ROWS {
            for streamed in [true, false] {
                for has_backup in [true, false] {
                    cases.push(Case {
                        kind,
                        row,
                        streamed,
                        has_backup,
                    });
                }
            }
        }
    }
    let count = cases.len();
    let checked: Vec<Result<(), String>> = stream::iter(cases)
        .map(|case| Box::pin(async move { case.check(&case.play().await) }))
        .buffer_unordered(8)
        .collect()
        .await;
    let wrong: Vec<String> = checked.into_iter().filter_map(Result::err).collect();

    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
