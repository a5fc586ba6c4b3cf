//! Runs driven from end to end against a scripted ledger and scripted models, in time that is wound
//! forward: what is asked, shown, held and settled when models hang, stall, break off or refuse,
//! and when a person or the cap stops them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deskhand::{
    desk::{
        drive::{Doors, Outcome, drive},
        face::{Phase, Running},
        ledger::{Answer, Ledger, LedgerError, Speaker, Talk, Wish},
        live::Live,
    },
    domain::{
        Billed, Clock, Cost, Ending, Fault, FaultClass, HoldId, LinkName, Mono, ProviderName,
        RunId, SkipReason, TicketId, Timestamp, Usage, Usd, fault::ClockName,
    },
    engine::{
        breaker::Weight,
        chain::{Link, Temper},
        lesson::Lesson,
        plan::{Plan, PlannedLink, UnknownPrices, Usable},
        policy::{AfterText, Limits, OnAuthError, Policy},
        price::{Basis, Price, PriceRow, Rates},
        run::Call,
    },
    llm::{
        heard::{Heard, Opening},
        wire::{Delta, Finish, Stop},
    },
};
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What a model does next.
#[derive(Clone, Debug)]
enum Step {
    /// A good status.
    Open,
    /// Words, after a while.
    Say(&'static str),
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
struct Cast {
    scripts: BTreeMap<LinkName, Mutex<VecDeque<Vec<Step>>>>,
    calls: Mutex<Vec<Call>>,
    open: Arc<AtomicUsize>,
}

struct Voice {
    steps: VecDeque<Step>,
    limits: Limits,
    spoke: bool,
    open: Arc<AtomicUsize>,
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
                    return Heard::Opened(Opening {
                        status: 200,
                        request: Some("req-1".to_owned()),
                        connect: None,
                    });
                }
                Step::Say(words) => {
                    self.spoke = true;
                    return Heard::Delta(Delta::Text(words.to_owned()));
                }
                Step::End(stop) => {
                    return Heard::Ended(Finish {
                        stop,
                        usage: usage(),
                        model: Some("as-named-by-itself".to_owned()),
                        said: None,
                    });
                }
                Step::Fail(fault) => return Heard::Failed(fault, Usage::default()),
                Step::Silence => return self.run_out().await,
                Step::Deaf => std::future::pending().await,
                Step::Panic => panic!("planted"),
            }
        }
    }
}

impl Voice {
    /// Does what the transport does when nothing comes.
    async fn run_out(&self) -> Heard {
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
        Heard::Failed(fault, Usage::default())
    }
}

/// A ledger in memory.
struct Book {
    free: Mutex<Usd>,
    /// What others hold, and when they settle it, giving it back.
    others: (Usd, Option<Instant>),
    holds: Mutex<Vec<(HoldId, Usd)>>,
    settled: Mutex<Vec<(HoldId, Cost)>>,
    /// How often a settlement fails before it succeeds.
    broken_settles: AtomicUsize,
    can_hold: bool,
}

impl Book {
    fn with(free: Usd) -> Self {
        Self {
            free: Mutex::new(free),
            others: (Usd::ZERO, None),
            holds: Mutex::default(),
            settled: Mutex::default(),
            broken_settles: AtomicUsize::new(0),
            can_hold: true,
        }
    }

    /// Checks that every hold was settled exactly once, and returns the costs in order.
    fn costs(&self) -> Vec<Cost> {
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

    fn held(&self, place: usize) -> Usd {
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
        let free = *self.free.lock().unwrap();
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
        self.settled.lock().unwrap().push((hold, cost));
        Ok(())
    }
}

/// The wound clock.
struct Wound(Instant);

impl Clock for Wound {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + self.0.elapsed()
    }

    fn mono(&self) -> Mono {
        Mono(u64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

fn usage() -> Usage {
    Usage {
        tokens_in: Some(100),
        tokens_out: Some(20),
        ..Usage::default()
    }
}

/// 100 tokens in at $1, 20 out at $10.
const WHOLE: Cost = Cost::Known(Usd::from_nanos(100_000 + 200_000));

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

fn name(text: &str) -> LinkName {
    text.parse().unwrap()
}

fn plan(links: &[&str]) -> Plan {
    let planned = |text: &&str| {
        let link = name(text);
        let price = price(&link);
        PlannedLink::new(Link::new(link), Some(price))
    };
    Plan {
        links: links.iter().map(planned).collect(),
        prompt_at_most: 1_000,
        output_limit: 1_000,
        began: Timestamp::UNIX_EPOCH,
        policy: Policy::default(),
        unknown_prices: UnknownPrices::Skipped,
    }
}

/// One scene: a plan, its cast and its ledger.
struct Scene {
    plan: Plan,
    cast: Cast,
    book: Book,
    cancel: CancellationToken,
    /// When the person presses Esc.
    stop_after: Option<Duration>,
}

/// What is seen of a scene from the outside.
struct Seen {
    outcome: Outcome,
    states: Vec<Running>,
    took: Duration,
}

impl Scene {
    fn new(scripts: &[(&str, &[&[Step]])]) -> Self {
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

    async fn play(&self) -> Seen {
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
                teller: &teller,
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

    fn asked(&self) -> Vec<String> {
        let calls = self.cast.calls.lock().unwrap();
        calls.iter().map(|call| call.link.to_string()).collect()
    }
}

impl Seen {
    fn classes(&self) -> Vec<Option<FaultClass>> {
        let attempts = self.outcome.attempts.iter();
        attempts.map(|attempt| attempt.class).collect()
    }
}

const END: Step = Step::End(Stop::End);
const GOOD: &[Step] = &[Step::Open, Step::Say("Dear Ada,"), Step::Say(" soon."), END];

fn fail(class: FaultClass, status: u16) -> Step {
    Step::Fail(Fault {
        status: Some(status),
        ..Fault::new(class)
    })
}

fn cut() -> Step {
    Step::Fail(Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::Cut)
    })
}

#[tokio::test(start_paused = true)]
async fn a_clean_answer_is_shown_counted_and_settled() {
    let scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.classes(), [None]);
    let attempt = &seen.outcome.attempts[0];
    assert_eq!(attempt.status, Some(200));
    assert_eq!(attempt.request_id.as_deref(), Some("req-1"));
    assert_eq!(attempt.answered_by.as_deref(), Some("as-named-by-itself"));
    assert_eq!(attempt.cost, WHOLE);
    assert_eq!(scene.book.costs(), [WHOLE]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::NotNeeded);
    assert_eq!(seen.states.last().unwrap().text, "Dear Ada, soon.");
    assert!(seen.outcome.lessons.contains(&Lesson::Worked {
        link: name("a/x"),
        first_text: attempt.first_text,
    }));
}

#[tokio::test(start_paused = true)]
async fn an_answer_at_the_limit_is_kept_and_marked() {
    let steps = &[Step::Say("Dear Ada, so"), Step::End(Stop::Limit)][..];
    let scene = Scene::new(&[("a/x", &[steps])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Truncated);
    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, so"));
    assert_eq!(seen.classes(), [Some(FaultClass::Truncated)]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_link_is_left_after_its_first_text_clock() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Silence]]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert!(
        (8_000..8_010).contains(&seen.took.as_millis()),
        "{:?}",
        seen.took
    );
    assert_eq!(seen.classes(), [Some(FaultClass::TimedOut), None]);
    // It may have been billed: the whole hold counts, marked as a bound.
    let held = scene.book.held(0);
    assert_eq!(scene.book.costs(), [Cost::AtMost(held), WHOLE]);
    let first = &seen.outcome.attempts[0];
    assert_eq!(first.said.as_deref(), Some("no first words in time"));
    assert_eq!(
        first.moved_on_because.as_deref(),
        Some("timed out: next link, b/y")
    );
    assert!(seen.outcome.lessons.contains(&Lesson::Failed {
        link: name("a/x"),
        weight: Weight::Two,
    }));
    // The last link has no such clock.
    let calls = scene.cast.calls.lock().unwrap();
    assert_eq!(calls[1].limits.first_text, None);
    assert_eq!(seen.outcome.first_choice_cost, Some(WHOLE.amount()));
}

#[tokio::test(start_paused = true)]
async fn a_stall_and_a_cut_end_in_the_backups_whole_answer() {
    for breaks_off in [Step::Silence, cut()] {
        let first = [Step::Open, Step::Say("Half an ans"), breaks_off];
        let scene = Scene::new(&[
            ("a/x", &[&first]),
            (
                "b/y",
                &[&[
                    Step::Open,
                    Step::Pause(Duration::from_secs(1)),
                    Step::Say("Dear Ada,"),
                    Step::Say(" soon."),
                    END,
                ]],
            ),
        ]);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
        let broken = &seen.outcome.attempts[0];
        assert_eq!(broken.shown.as_deref(), Some("Half an ans"));
        // 11 bytes are counted as 11 tokens, the prompt at its bound.
        let at_most = Cost::AtMost(Usd::from_nanos(1_000_000 + 110_000));
        assert_eq!(scene.book.costs(), [at_most, WHOLE]);
        // The words stay, dimmed, until the backup speaks; then they are gone.
        let dimmed = |state: &&Running| state.void.is_some();
        let waiting: Vec<&Running> = seen.states.iter().filter(dimmed).collect();
        assert!(!waiting.is_empty());
        for state in waiting {
            assert_eq!(state.void.as_ref().unwrap().text, "Half an ans");
            assert_eq!(state.void.as_ref().unwrap().link, name("a/x"));
            assert_eq!(state.text, "");
        }
        for state in &seen.states {
            let is_mixed = state.text.contains("Half") && state.text.contains("Dear");
            assert!(!is_mixed, "{}", state.text);
        }
        assert_eq!(seen.states.last().unwrap().void, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_run_settles_and_only_then_ends() {
    let mut scene = Scene::new(&[
        ("a/x", &[&[Step::Open, Step::Say("Dear"), Step::Silence]]),
        ("b/y", &[]),
    ]);
    scene.stop_after = Some(Duration::from_secs(1));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Cancelled);
    assert_eq!(seen.took, Duration::from_secs(1));
    assert_eq!(seen.outcome.text, None);
    assert_eq!(seen.outcome.attempts[0].shown.as_deref(), Some("Dear"));
    let at_most = Cost::AtMost(Usd::from_nanos(1_000_000 + 40_000));
    assert_eq!(scene.book.costs(), [at_most]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::RunEnded);
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_before_its_call_costs_nothing() {
    let scene = Scene::new(&[("a/x", &[])]);
    scene.cancel.cancel();

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Cancelled);
    assert!(seen.outcome.attempts.is_empty());
    assert_eq!(scene.book.costs(), [Cost::FREE]);
}

#[tokio::test(start_paused = true)]
async fn without_money_no_call_is_made() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.book = Book::with(Usd::from_nanos(3_559_999));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::OverCap);
    assert_eq!(seen.outcome.ending.exit_code(), 3);
    assert!(scene.asked().is_empty());
    let reasons: Vec<&SkipReason> = seen.outcome.skipped.iter().map(|s| &s.because).collect();
    assert_eq!(reasons, [&SkipReason::OverCap, &SkipReason::OverCap]);
}

#[tokio::test(start_paused = true)]
async fn a_small_rest_buys_a_shorter_answer() {
    let mut scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book = Book::with(Usd::from_nanos(6_000_000));

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.cast.calls.lock().unwrap()[0].output_limit, 500);
    assert_eq!(scene.book.held(0), Usd::from_nanos(6_000_000));
}

#[tokio::test(start_paused = true)]
async fn money_that_other_drafts_hold_is_waited_for_but_not_for_ever() {
    for (back_after, ending) in [(12, Ending::Answered), (40, Ending::OverCap)] {
        let mut scene = Scene::new(&[("a/x", &[GOOD])]);
        scene.book = Book::with(Usd::ZERO);
        let until = Instant::now() + Duration::from_secs(back_after);
        scene.book.others = (Usd::from_dollars(1), Some(until));

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        let seconds = seen.took.as_secs();
        assert_eq!(seconds, back_after.min(30));
        assert_eq!(seen.states[0].phase, Phase::Waiting);
        assert_eq!(seen.states[0].link, Some(name("a/x")));
    }
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_the_last_is_asked_once_more() {
    let down = fail(FaultClass::ServerError, 500);
    let busy = fail(FaultClass::Overloaded, 529);
    let scene = Scene::new(&[
        ("a/x", &[&[busy]]),
        (
            "b/y",
            &[std::slice::from_ref(&down), std::slice::from_ref(&down)],
        ),
    ]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(seen.outcome.ending.exit_code(), 4);
    assert_eq!(scene.asked(), ["a/x", "b/y", "b/y"]);
    assert_eq!(scene.book.costs(), [Cost::FREE; 3]);
    let because: Vec<Option<&str>> = seen
        .outcome
        .attempts
        .iter()
        .map(|attempt| attempt.moved_on_because.as_deref())
        .collect();
    assert_eq!(
        because,
        [
            Some("overloaded: next link, b/y"),
            Some("server error: the last link, asked once more"),
            None
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_this_run_and_is_remembered() {
    let refused = Step::Fail(Fault {
        status: Some(401),
        said: Some("invalid x-api-key".to_owned()),
        ..Fault::new(FaultClass::KeyRefused)
    });
    let scene = Scene::new(&[("a/x", &[std::slice::from_ref(&refused)]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::KeyRefused);
    assert_eq!(seen.outcome.ending.exit_code(), 5);
    assert_eq!(scene.asked(), ["a/x"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::RunEnded);
    assert_eq!(
        seen.outcome.lessons,
        [Lesson::KeyRefused {
            provider: ProviderName("a".to_owned()),
            said: Some("invalid x-api-key".to_owned()),
        }]
    );

    // The next run starts at the backup.
    let mut next = Scene::new(&[("a/x", &[]), ("b/y", &[GOOD])]);
    next.plan.links[0].usable = Usable::No(SkipReason::KeyInvalid);
    let seen = next.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::KeyInvalid);

    // Under `failover` the same run goes on, past every link of that key.
    let mut on = Scene::new(&[("a/x", &[&[refused]]), ("a/z", &[]), ("b/y", &[GOOD])]);
    on.plan.policy.on_auth_error = OnAuthError::Failover;
    let seen = on.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(on.asked(), ["a/x", "b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::KeyInvalid);
}

#[tokio::test(start_paused = true)]
async fn without_a_usable_link_the_run_names_each_reason() {
    for (reasons, ending) in [
        (
            [SkipReason::KeyInvalid, SkipReason::KeyInvalid],
            Ending::KeyRefused,
        ),
        ([SkipReason::KeyInvalid, SkipReason::NoKey], Ending::NoLink),
    ] {
        let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
        for (link, reason) in scene.plan.links.iter_mut().zip(&reasons) {
            link.usable = Usable::No(reason.clone());
        }

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        let told: Vec<SkipReason> = seen
            .outcome
            .skipped
            .iter()
            .map(|skipped| skipped.because.clone())
            .collect();
        assert_eq!(told, reasons);
        assert!(scene.book.costs().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_rest_is_waited_for_when_nobody_else_is_left() {
    let limited = |seconds| {
        Step::Fail(Fault {
            status: Some(429),
            wait: Some(Duration::from_secs(seconds)),
            ..Fault::new(FaultClass::RateLimited)
        })
    };
    // The only link, and a first link whose backup is down: both are asked again after 2 s.
    let alone = Scene::new(&[("a/x", &[&[limited(2)], GOOD])]);
    let seen = alone.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.took.as_secs(), 2);
    let waits = |state: &Running| state.phase == Phase::Waiting && state.link.is_some();
    assert!(seen.states.iter().any(waits));

    let gone = Step::Fail(Fault::new(FaultClass::Unreachable));
    let first = Scene::new(&[("a/x", &[&[limited(2)], GOOD]), ("b/y", &[&[gone]])]);
    let seen = first.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(first.asked(), ["a/x", "b/y", "a/x"]);

    let long = Scene::new(&[("a/x", &[&[limited(41)]])]);
    let seen = long.play().await;
    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(
        seen.outcome.attempts[0].retry_after,
        Some(Duration::from_secs(41))
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_reachable_is_offline() {
    let gone = Step::Fail(Fault::new(FaultClass::Unreachable));
    let scene = Scene::new(&[
        ("a/x", &[std::slice::from_ref(&gone)]),
        ("b/y", &[std::slice::from_ref(&gone)]),
    ]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Offline);
}

#[tokio::test(start_paused = true)]
async fn too_long_goes_only_to_a_larger_window() {
    let long = fail(FaultClass::TooLong, 400);
    let mut scene = Scene::new(&[
        ("a/x", &[std::slice::from_ref(&long)]),
        ("b/small", &[]),
        ("c/large", &[GOOD]),
    ]);
    scene.plan.links[0].link.window = Some(8_000);
    scene.plan.links[1].link.window = Some(8_000);
    scene.plan.links[2].link.window = Some(200_000);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["a/x", "c/large"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::TooSmall);

    let scene = Scene::new(&[("a/x", &[&[long]]), ("b/y", &[])]);
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::TooLong);
}

#[tokio::test(start_paused = true)]
async fn a_parameter_of_ours_is_dropped_and_remembered() {
    let picky = Step::Fail(Fault {
        status: Some(400),
        parameter: Some("max_tokens".to_owned()),
        ..Fault::new(FaultClass::BadInput)
    });
    let scene = Scene::new(&[("a/x", &[&[picky], GOOD]), ("b/y", &[])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(scene.asked(), ["a/x", "a/x"]);
    assert_eq!(scene.cast.calls.lock().unwrap()[1].without, ["max_tokens"]);
    assert!(seen.outcome.lessons.contains(&Lesson::Quirk {
        link: name("a/x"),
        parameter: "max_tokens".to_owned(),
    }));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_breaks_is_a_failed_call_like_another() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Panic]]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.classes(), [Some(FaultClass::ServerError), None]);
    assert_eq!(scene.book.costs().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_after_three_minutes_even_if_nobody_watches_the_call() {
    let scene = Scene::new(&[("a/x", &[&[Step::Open, Step::Deaf]])]);

    let seen = scene.play().await;

    assert_eq!(seen.took, Duration::from_mins(3));
    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(scene.book.costs(), [Cost::AtMost(scene.book.held(0))]);
}

#[tokio::test(start_paused = true)]
async fn a_settlement_is_tried_again_and_reported_when_it_cannot_be_written() {
    let scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book.broken_settles.store(2, Ordering::SeqCst);
    let seen = scene.play().await;
    assert_eq!(scene.book.costs(), [WHOLE]);
    assert!(seen.outcome.unsettled.is_empty());

    let scene = Scene::new(&[("a/x", &[GOOD])]);
    scene.book.broken_settles.store(9, Ordering::SeqCst);
    let seen = scene.play().await;
    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.text.as_deref(), Some("Dear Ada, soon."));
    assert_eq!(seen.outcome.unsettled.len(), 1);
    assert_eq!(seen.outcome.unsettled[0].cost, WHOLE);
}

#[tokio::test(start_paused = true)]
async fn without_a_ledger_no_call_is_made() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.book.can_hold = false;

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert!(scene.asked().is_empty());
    let why = seen.outcome.skipped[0].because.words();
    assert!(why.contains("the disk is full"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_dear_link_is_skipped_for_a_cheaper_one() {
    let mut scene = Scene::new(&[("a/dear", &[]), ("b/cheap", &[GOOD])]);
    scene.book = Book::with(Usd::from_nanos(20_000_000));
    let dear = scene.plan.links[0].price.as_mut().unwrap();
    dear.row.base.output = Usd::from_dollars(1_000);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Answered);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::OverCap);
    assert_eq!(seen.outcome.attempts[0].no, 1);
}

#[tokio::test(start_paused = true)]
async fn a_model_without_a_price_is_asked_only_where_that_is_allowed() {
    let mut scene = Scene::new(&[("a/new", &[GOOD]), ("b/y", &[GOOD])]);
    scene.plan.links[0].price.as_mut().unwrap().basis = Basis::StandIn;
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::NoPrice);

    scene.plan.unknown_prices = UnknownPrices::Allowed;
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y", "a/new"]);
    assert_eq!(seen.outcome.attempts[0].cost, Cost::AtMost(WHOLE.amount()));
}

#[tokio::test(start_paused = true)]
async fn links_that_failed_too_often_are_asked_when_no_other_is_left() {
    let until = Timestamp::UNIX_EPOCH + Duration::from_mins(1);
    let open = |failed| Usable::Open {
        until,
        failed: Some(Mono(failed)),
    };
    let gone = fail(FaultClass::ServerError, 500);
    let mut scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[&[gone]])]);
    scene.plan.links[0].usable = open(20);
    scene.plan.links[1].usable = open(10);

    let seen = scene.play().await;

    // The one that failed longest ago comes first.
    assert_eq!(scene.asked(), ["b/y", "a/x"]);
    assert_eq!(seen.outcome.ending, Ending::Answered);

    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[GOOD])]);
    scene.plan.links[0].usable = open(20);
    let seen = scene.play().await;
    assert_eq!(scene.asked(), ["b/y"]);
    assert_eq!(seen.outcome.skipped[0].because, SkipReason::Open { until });
}

#[tokio::test(start_paused = true)]
async fn when_all_rest_the_one_due_soon_is_waited_for() {
    for (seconds, ending, calls) in [(2, Ending::Answered, 1), (3, Ending::NoLink, 0)] {
        let mut scene = Scene::new(&[("a/x", &[GOOD]), ("b/y", &[])]);
        let rest = |seconds| Usable::Resting {
            until: Timestamp::UNIX_EPOCH + Duration::from_secs(seconds),
            because: FaultClass::RateLimited,
        };
        scene.plan.links[0].usable = rest(seconds);
        scene.plan.links[1].usable = rest(600);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        assert_eq!(scene.asked().len(), calls);
        let last = seen.outcome.skipped.last().unwrap();
        assert_eq!(last.because.words(), "resting: rate limited");
    }
}

#[tokio::test(start_paused = true)]
async fn spent_credit_passes_over_every_link_of_that_key() {
    let spent = fail(FaultClass::OutOfCredit, 402);
    let scene = Scene::new(&[("a/x", &[&[spent]]), ("a/z", &[]), ("b/y", &[GOOD])]);

    let seen = scene.play().await;

    assert_eq!(scene.asked(), ["a/x", "b/y"]);
    assert_eq!(
        seen.outcome.skipped[0].because.words(),
        "resting: out of credit"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fall_back_stops_before_the_backup() {
    for (class, ending) in [
        (FaultClass::Refused, Ending::Refused),
        (FaultClass::BadInput, Ending::BadInput),
        (FaultClass::KeyRefused, Ending::KeyRefused),
    ] {
        let scene = Scene::new(&[("a/x", &[&[fail(class, 400)]]), ("b/y", &[])]);

        let seen = scene.play().await;

        assert_eq!(seen.outcome.ending, ending);
        assert_eq!(seen.outcome.ending.exit_code(), 5);
        assert_eq!(scene.asked(), ["a/x"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_may_want_no_second_beginning() {
    let first = [Step::Say("Half an ans"), cut()];
    let mut scene = Scene::new(&[("a/x", &[&first]), ("b/y", &[])]);
    scene.plan.policy.after_text = AfterText::Stop;

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::Failed);
    assert_eq!(scene.asked(), ["a/x"]);
    assert_eq!(
        seen.outcome.attempts[0].shown.as_deref(),
        Some("Half an ans")
    );
}

#[tokio::test(start_paused = true)]
async fn under_stop_a_refused_key_forbids_every_draft() {
    let mut scene = Scene::new(&[("a/x", &[]), ("b/y", &[])]);
    scene.plan.policy.on_auth_error = OnAuthError::Stop;
    scene.plan.links[1].usable = Usable::No(SkipReason::KeyInvalid);

    let seen = scene.play().await;

    assert_eq!(seen.outcome.ending, Ending::KeyRefused);
    assert!(scene.asked().is_empty());
    assert_eq!(seen.outcome.skipped.len(), 2);
}

/// Plays a first link that speaks and then fails so, and returns what that cost.
async fn cost_of_broken_words(fault: Fault, temper: Temper) -> (Cost, Billed) {
    let first = [Step::Say("Half an ans"), Step::Fail(fault)];
    let mut scene = Scene::new(&[("a/x", &[&first]), ("b/y", &[GOOD])]);
    scene.plan.links[0].link.temper = temper;
    let seen = scene.play().await;
    let first = &seen.outcome.attempts[0];
    (first.cost, first.billed)
}

#[tokio::test(start_paused = true)]
async fn words_that_came_are_never_free_for_certain() {
    // A limit that is said in the middle of a stream: the tokens until then are on the bill.
    let fault = Fault::new(FaultClass::RateLimited);

    let (cost, billed) = cost_of_broken_words(fault, Temper::Plain).await;

    assert!(cost.is_at_most() && cost.amount() > Usd::ZERO, "{cost:?}");
    assert_eq!(billed, Billed::Maybe);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_may_have_thought_is_counted_at_its_hold() {
    let broken = || Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::Cut)
    };

    let (plain, _) = cost_of_broken_words(broken(), Temper::Plain).await;
    let (silent, _) = cost_of_broken_words(broken(), Temper::Silent).await;

    // What it thought nobody counted: 11 bytes of text are not the whole.
    assert!(plain.is_at_most() && silent.is_at_most());
    assert!(silent.amount() > plain.amount(), "{silent:?} {plain:?}");
}
