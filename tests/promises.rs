//! The promises of the engine's machine, each a property in a guided world, and each shown to
//! catch a bug that was planted for it.
//!
//! A world that answers at random seldom gets past the first hold. This one mostly answers what the
//! last command asked, and sometimes speaks out of turn.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

use std::{collections::BTreeMap, time::Duration};

use deskhand::{
    domain::{
        Billed, Cost, Fault, FaultClass, HoldId, LinkName, Mono, SkipReason, Timestamp, Usage, Usd,
        fault::{ClockName, FAULT_CLASSES},
    },
    engine::{
        chain::Link,
        plan::{Plan, PlannedLink, UnknownPrices, Usable},
        policy::{AfterText, OnAuthError, Policy},
        price::{Basis, Price, PriceRow, Rates},
        run::{Call, Command, Fact, Input, Run, Whole},
    },
};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{TestCaseError, TestRunner},
};
use uuid::Uuid;

/// The machine, or the machine with a bug planted into what it takes and says.
struct Machine {
    run: Run,
    bug: Option<Bug>,
    settles: u32,
}

/// A bug, planted to see that a property catches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// Calls before the ledger has answered.
    CallsWithoutHold,
    /// Forgets to settle the second attempt.
    ForgetsASettle,
    /// Settles twice.
    SettlesTwice,
    /// Keeps money that is granted too late.
    KeepsLateHold,
    /// Asks a link once more than it may.
    OneRetryTooMany,
    /// Lets a second model go on where the first stopped.
    SecondVoice,
    /// Says `Done` twice.
    DoneTwice,
    /// Takes the end of a past attempt for the end of the present one.
    TakesLateEnd,
    /// Shows words that come late.
    ShowsLateWords,
    /// Calls without telling the receipt.
    CallsInSecret,
}

const START: Mono = Mono(1_000);

impl Machine {
    fn new(plan: Plan, bug: Option<Bug>) -> Self {
        Self {
            run: Run::new(plan),
            bug,
            settles: 0,
        }
    }

    fn step(&mut self, input: Input, now: Mono) -> Vec<Command> {
        let was_over = self.run.is_over();
        let input = self.mistake_input(input);
        let late = matches!(&input, Input::Granted { .. }) && was_over;
        let said = self.run.step(input.clone(), now);
        let mut commands = Vec::new();
        for command in said {
            self.mistake_command(command, late, &mut commands);
        }
        if let (Some(Bug::ShowsLateWords), Input::Text { attempt, piece }, true) =
            (self.bug, input, commands.is_empty() && !was_over)
        {
            commands.push(Command::Show { attempt, piece });
        }
        commands
    }

    fn mistake_input(&self, input: Input) -> Input {
        match (self.bug, input) {
            (Some(Bug::TakesLateEnd), Input::Ended { whole, usage, .. }) => Input::Ended {
                attempt: self.newest(),
                whole,
                usage,
            },
            (_, input) => input,
        }
    }

    fn newest(&self) -> u32 {
        let mut probe = self.run.clone();
        // The number of the attempt under way is the one whose words are shown.
        (1..40)
            .find(|attempt| {
                let input = Input::Text {
                    attempt: *attempt,
                    piece: "x".to_owned(),
                };
                !probe.step(input, START).is_empty()
            })
            .unwrap_or(0)
    }

    fn mistake_command(&mut self, command: Command, late: bool, out: &mut Vec<Command>) {
        let call = |attempt, link| {
            Command::Call(Box::new(Call {
                attempt,
                link,
                output_limit: 1,
                limits: Policy::default().clocks.limits(
                    deskhand::engine::chain::Temper::Plain,
                    deskhand::engine::policy::History::default(),
                    deskhand::engine::policy::Place::Last,
                ),
                without: Vec::new(),
            }))
        };
        match (self.bug, command) {
            (
                Some(Bug::CallsWithoutHold),
                Command::Hold {
                    attempt,
                    link,
                    ceiling,
                    floor,
                },
            ) => {
                out.push(call(attempt, link.clone()));
                out.push(Command::Hold {
                    attempt,
                    link,
                    ceiling,
                    floor,
                });
            }
            (Some(Bug::ForgetsASettle), Command::Settle { hold, cost }) => {
                self.settles += 1;
                if self.settles != 2 {
                    out.push(Command::Settle { hold, cost });
                }
            }
            (Some(Bug::SettlesTwice), Command::Settle { hold, cost }) => {
                out.push(Command::Settle { hold, cost });
                out.push(Command::Settle { hold, cost });
            }
            (Some(Bug::KeepsLateHold), Command::Settle { .. }) if late => {}
            (Some(Bug::OneRetryTooMany | Bug::CallsInSecret), Command::Call(made)) => {
                out.push(Command::Call(made.clone()));
                out.push(Command::Call(made));
            }
            (Some(Bug::SecondVoice), Command::Replace { .. }) => {}
            (Some(Bug::DoneTwice), Command::Done(ending)) => {
                out.push(Command::Done(ending));
                out.push(Command::Done(ending));
            }
            (_, command) => out.push(command),
        }
    }
}

/// What a plan is made of.
#[derive(Clone, Debug)]
struct Setting {
    links: Vec<(u8, u8)>,
    auth: u8,
    after_text: bool,
}

/// One thing the world does.
#[derive(Clone, Copy, Debug)]
struct Whim {
    /// Out of turn, when small.
    turn: u8,
    /// Which of the possible things.
    pick: u8,
    /// With which class of fault, which piece of text.
    detail: u8,
    /// How long it takes.
    pause_ms: u16,
}

fn settings() -> impl Strategy<Value = Setting> {
    let link = (0_u8..3, 0_u8..12);
    (vec(link, 1..5), 0_u8..3, any::<bool>()).prop_map(|(links, auth, after_text)| Setting {
        links,
        auth,
        after_text,
    })
}

fn whims() -> impl Strategy<Value = Vec<Whim>> {
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

fn plan(setting: &Setting) -> Plan {
    let links = setting.links.iter().enumerate();
    Plan {
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
        prompt_at_most: 1_000,
        output_limit: 1_000,
        began: Timestamp::UNIX_EPOCH,
        policy: Policy {
            on_auth_error: [OnAuthError::Bench, OnAuthError::Failover, OnAuthError::Stop]
                [usize::from(setting.auth)],
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

fn usable_of(number: u8) -> Usable {
    let until = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
    match number {
        8 => Usable::No(SkipReason::NoKey),
        9 => Usable::No(SkipReason::KeyInvalid),
        10 => Usable::Open {
            until: until(5),
            failed: Some(Mono(1)),
        },
        11 => Usable::Resting {
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

/// Everything that was said to the machine and by it.
#[derive(Default)]
struct World {
    /// Inputs with what followed.
    log: Vec<(Input, Vec<Command>)>,
    /// The hold that was asked for and not answered.
    asked: Option<(u32, Usd, Usd)>,
    /// The attempt that is being called.
    calling: Option<u32>,
    attempts: u32,
    holds: u128,
    now: Mono,
}

const PIECES: [&str; 5] = ["", " \n", "Dear Ada", ", your parcel", " is on its way."];

impl World {
    fn play(machine: &mut Machine, whims: &[Whim]) -> Self {
        let mut world = Self {
            now: START,
            ..Self::default()
        };
        world.tell(machine, Input::Start);
        for whim in whims {
            let pause = Duration::from_millis(u64::from(whim.pause_ms));
            world.now = world.now.after(pause);
            let input = world.choose(*whim);
            world.tell(machine, input);
        }
        world.close(machine);
        world
    }

    /// Answers what is still open, so that every hold comes back: stops the run, then grants late.
    fn close(&mut self, machine: &mut Machine) {
        if let Some((attempt, ceiling, _)) = self.asked {
            self.tell(machine, Input::Cancel);
            let input = self.granted(attempt, ceiling);
            self.tell(machine, input);
        } else {
            self.tell(machine, Input::Cancel);
        }
    }

    fn tell(&mut self, machine: &mut Machine, input: Input) {
        let commands = machine.step(input.clone(), self.now);
        match &input {
            Input::Granted { attempt, .. }
            | Input::Denied { attempt }
            | Input::NoLedger { attempt, .. } => {
                self.asked = self.asked.filter(|(asked, ..)| asked != attempt);
            }
            Input::Ended { attempt, .. } | Input::Failed { attempt, .. } => {
                self.calling = self.calling.filter(|calling| calling != attempt);
            }
            Input::Start
            | Input::Fact { .. }
            | Input::Text { .. }
            | Input::Tick
            | Input::Cancel => {}
        }
        for command in &commands {
            match command {
                Command::Hold {
                    attempt,
                    ceiling,
                    floor,
                    ..
                } => {
                    self.asked = Some((*attempt, *ceiling, *floor));
                    self.attempts = *attempt;
                }
                Command::Call(call) => self.calling = Some(call.attempt),
                Command::Abort { .. } => self.calling = None,
                Command::Skip { .. }
                | Command::Settle { .. }
                | Command::Wake { .. }
                | Command::Show { .. }
                | Command::Replace { .. }
                | Command::Done(_) => {}
            }
        }
        self.log.push((input, commands));
    }

    fn choose(&mut self, whim: Whim) -> Input {
        let strange = whim.turn < 40;
        if strange {
            let attempt = u32::from(whim.detail) % (self.attempts + 2);
            return self.out_of_turn(attempt, whim);
        }
        match (self.asked, self.calling) {
            (Some((attempt, ceiling, floor)), _) => match whim.pick % 16 {
                0 => Input::Denied { attempt },
                1 => self.granted(attempt, floor),
                2 => Input::NoLedger {
                    attempt,
                    why: "the disk is full".to_owned(),
                },
                _ => self.granted(attempt, ceiling),
            },
            (None, Some(attempt)) => Self::words(attempt, whim),
            (None, None) => Input::Tick,
        }
    }

    fn granted(&mut self, attempt: u32, held: Usd) -> Input {
        self.holds += 1;
        Input::Granted {
            attempt,
            hold: HoldId::new(Uuid::from_u128(self.holds)),
            held,
        }
    }

    fn words(attempt: u32, whim: Whim) -> Input {
        match whim.pick % 12 {
            0..=5 => Input::Text {
                attempt,
                piece: PIECES[usize::from(whim.detail) % PIECES.len()].to_owned(),
            },
            6 => Input::Fact {
                attempt,
                fact: Fact::Thinking,
            },
            7 | 8 => Input::Ended {
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
            4 | 5 => self.granted(attempt, Usd::from_dollars(1)),
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

    fn commands(&self) -> impl Iterator<Item = &Command> {
        self.log.iter().flat_map(|(_, commands)| commands)
    }
}

fn usage() -> Usage {
    Usage {
        tokens_in: Some(100),
        tokens_out: Some(20),
        ..Usage::default()
    }
}

fn fault(detail: u8) -> Fault {
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

type Checked = Result<(), TestCaseError>;

/// No call without a hold: each call follows a grant to its own attempt, one call per grant.
fn no_call_without_a_hold(world: &World, _: &Setting) -> Checked {
    let mut granted = Vec::new();
    for (input, commands) in &world.log {
        if let Input::Granted { attempt, .. } = input {
            granted.push(*attempt);
        }
        for command in commands {
            if let Command::Call(call) = command {
                let at = granted.iter().position(|attempt| *attempt == call.attempt);
                prop_assert!(
                    at.is_some(),
                    "attempt {} is called without money",
                    call.attempt
                );
                granted.swap_remove(at.unwrap());
            }
        }
    }
    Ok(())
}

/// Every hold that was granted is settled exactly once, and for no more than was right.
fn every_hold_is_settled_once(world: &World, _: &Setting) -> Checked {
    let mut settled: BTreeMap<HoldId, u32> = BTreeMap::new();
    for command in world.commands() {
        if let Command::Settle { hold, cost } = command {
            *settled.entry(*hold).or_default() += 1;
            prop_assert!(cost.amount() >= Usd::ZERO);
        }
    }
    for (input, _) in &world.log {
        if let Input::Granted { hold, .. } = input {
            prop_assert_eq!(settled.remove(hold), Some(1), "settled not once: {}", hold);
        }
    }
    prop_assert!(settled.is_empty(), "settled without a hold");
    Ok(())
}

/// Each link is called at most once, but once more without a parameter it refused; and the whole
/// run has one more retry.
fn no_more_calls_than_the_chain_allows(world: &World, setting: &Setting) -> Checked {
    let mut calls: BTreeMap<LinkName, usize> = BTreeMap::new();
    let mut shorter = 0;
    for command in world.commands() {
        if let Command::Call(call) = command {
            let seen = calls.entry(call.link.clone()).or_default();
            *seen += 1;
            prop_assert!(*seen <= 3, "{} is asked {seen} times", call.link);
            shorter = shorter.max(call.without.len());
            prop_assert!(call.without.len() <= 1);
        }
    }
    let total: usize = calls.values().sum();
    let drops = world
        .commands()
        .filter(|command| matches!(command, Command::Call(call) if !call.without.is_empty()))
        .count();
    let most = setting.links.len() + drops + 1;
    prop_assert!(total <= most, "{total} calls where {most} are allowed");
    Ok(())
}

/// The words of two models are never joined: what is shown since the last `Replace` is one
/// attempt's, and the text that is kept is exactly that.
fn never_two_voices_in_one_text(machine: &Machine, world: &World) -> Checked {
    let mut voice = None;
    let mut shown = String::new();
    for command in world.commands() {
        match command {
            Command::Replace { attempt, .. } => {
                prop_assert!(voice.is_some(), "nothing was there to replace");
                voice = Some(*attempt);
                shown.clear();
            }
            Command::Show { attempt, piece } => {
                let speaks = *voice.get_or_insert(*attempt);
                prop_assert_eq!(speaks, *attempt, "a second voice");
                shown.push_str(piece);
            }
            Command::Hold { .. }
            | Command::Call(_)
            | Command::Skip { .. }
            | Command::Abort { .. }
            | Command::Settle { .. }
            | Command::Wake { .. }
            | Command::Done(_) => {}
        }
    }
    if let Some(text) = machine.run.text() {
        prop_assert_eq!(text, shown);
    }
    Ok(())
}

/// `Done` is said once, and after it nothing but the return of late holds.
fn done_is_said_once(world: &World, _: &Setting) -> Checked {
    let mut over = false;
    for (input, commands) in &world.log {
        for command in commands {
            match command {
                Command::Done(_) => {
                    prop_assert!(!over, "done twice");
                    over = true;
                }
                Command::Settle { cost, .. } if over => {
                    let is_late_grant = matches!(input, Input::Granted { .. });
                    prop_assert!(is_late_grant);
                    prop_assert_eq!(*cost, Cost::FREE);
                }
                _ => prop_assert!(!over, "{:?} after the end", command),
            }
        }
    }
    prop_assert!(over, "never over");
    Ok(())
}

/// What comes of an attempt that is past is answered by the return of its own hold and by nothing
/// else.
fn late_inputs_change_nothing(world: &World, _: &Setting) -> Checked {
    let mut newest = 0;
    let mut asked = None;
    let mut calling = None;
    for (input, commands) in &world.log {
        let past = match input {
            Input::Granted { attempt, .. }
            | Input::Denied { attempt }
            | Input::NoLedger { attempt, .. } => asked != Some(*attempt),
            Input::Fact { attempt, .. }
            | Input::Text { attempt, .. }
            | Input::Ended { attempt, .. }
            | Input::Failed { attempt, .. } => calling != Some(*attempt),
            Input::Start | Input::Tick | Input::Cancel => false,
        };
        if past {
            let back = match input {
                Input::Granted { hold, .. } => vec![Command::Settle {
                    hold: *hold,
                    cost: Cost::FREE,
                }],
                _ => Vec::new(),
            };
            prop_assert_eq!(commands, &back, "a late {:?} is not without effect", input);
            continue;
        }
        match input {
            Input::Granted { .. } | Input::Denied { .. } | Input::NoLedger { .. } => asked = None,
            Input::Ended { .. } | Input::Failed { .. } | Input::Cancel => {
                calling = None;
                asked = None;
            }
            _ => {}
        }
        for command in commands {
            match command {
                Command::Hold { attempt, .. } => {
                    prop_assert!(*attempt > newest, "a number is used twice");
                    newest = *attempt;
                    asked = Some(*attempt);
                    calling = None;
                }
                Command::Call(call) => calling = Some(call.attempt),
                Command::Abort { .. } | Command::Done(_) => calling = None,
                _ => {}
            }
        }
    }
    Ok(())
}

/// The receipt tells what happened: one attempt per call, in order, and every link of the chain
/// either asked or skipped once.
fn the_story_is_whole(machine: &Machine, world: &World, setting: &Setting) -> Checked {
    let story = machine.run.story();
    let calls: Vec<&LinkName> = world
        .commands()
        .filter_map(|command| match command {
            Command::Call(call) => Some(&call.link),
            _ => None,
        })
        .collect();
    let told: Vec<&LinkName> = story.attempts.iter().map(|attempt| &attempt.link).collect();
    prop_assert_eq!(&calls, &told);
    for (place, attempt) in story.attempts.iter().enumerate() {
        prop_assert_eq!(attempt.no as usize, place + 1);
        let is_last = place + 1 == story.attempts.len();
        prop_assert_eq!(attempt.moved_on_because.is_none(), is_last);
    }
    let skipped: Vec<&LinkName> = story.skipped.iter().map(|skipped| &skipped.link).collect();
    for planned in plan(setting).links {
        let name = &planned.link.name;
        let times = skipped.iter().filter(|link| **link == name).count();
        prop_assert_eq!(times, usize::from(!told.contains(&name)), "{}", name);
    }
    Ok(())
}

fn play(setting: &Setting, whims: &[Whim], bug: Option<Bug>) -> (Machine, World) {
    let mut machine = Machine::new(plan(setting), bug);
    let world = World::play(&mut machine, whims);
    (machine, world)
}

/// All promises but that of late inputs, which has a test of its own.
fn keep(machine: &Machine, world: &World, setting: &Setting) -> Checked {
    no_call_without_a_hold(world, setting)?;
    every_hold_is_settled_once(world, setting)?;
    no_more_calls_than_the_chain_allows(world, setting)?;
    never_two_voices_in_one_text(machine, world)?;
    done_is_said_once(world, setting)?;
    late_inputs_change_nothing(world, setting)?;
    the_story_is_whole(machine, world, setting)
}

proptest! {
    #[test]
    fn the_machine_keeps_its_promises(setting in settings(), whims in whims()) {
        let (machine, world) = play(&setting, &whims, None);
        keep(&machine, &world, &setting)?;
    }

    /// The same from any moment of a run: a clone that is stepped with a past attempt's words says
    /// nothing.
    #[test]
    fn a_past_attempt_has_no_voice(setting in settings(), whims in whims()) {
        let mut machine = Machine::new(plan(&setting), None);
        let mut world = World { now: START, ..World::default() };
        world.tell(&mut machine, Input::Start);
        for whim in &whims {
            let input = world.choose(*whim);
            world.tell(&mut machine, input);
            for attempt in 0..world.attempts {
                let inputs = [
                    Input::Ended { attempt, whole: Whole::Done, usage: usage() },
                    Input::Text { attempt, piece: "late".to_owned() },
                    Input::Denied { attempt },
                    Input::Failed {
                        attempt,
                        fault: Box::new(fault(0)),
                        usage: usage(),
                    },
                ];
                for input in inputs {
                    let mut clone = machine.run.clone();
                    prop_assert_eq!(clone.step(input, world.now), Vec::new());
                    prop_assert_eq!(clone.attempts(), machine.run.attempts());
                }
            }
        }
    }
}

/// Plays many worlds with a bug planted and tells whether the promise noticed it.
fn catches(bug: Bug, promise: impl Fn(&Machine, &World, &Setting) -> Checked) -> bool {
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(512)
    });
    let strategy = (settings(), whims());
    runner
        .run(&strategy, |(setting, whims)| {
            let (machine, world) = play(&setting, &whims, Some(bug));
            promise(&machine, &world, &setting)
        })
        .is_err()
}

#[test]
fn a_call_without_a_hold_is_caught() {
    assert!(catches(Bug::CallsWithoutHold, |_, world, setting| {
        no_call_without_a_hold(world, setting)
    }));
}

#[test]
fn a_forgotten_settle_a_double_one_and_a_kept_late_hold_are_caught() {
    for bug in [Bug::ForgetsASettle, Bug::SettlesTwice, Bug::KeepsLateHold] {
        let caught = catches(bug, |_, world, setting| {
            every_hold_is_settled_once(world, setting)
        });
        assert!(caught, "{bug:?}");
    }
}

#[test]
fn one_retry_too_many_is_caught() {
    assert!(catches(Bug::OneRetryTooMany, |_, world, setting| {
        no_more_calls_than_the_chain_allows(world, setting)
    }));
}

#[test]
fn a_second_voice_is_caught() {
    assert!(catches(Bug::SecondVoice, |machine, world, _| {
        never_two_voices_in_one_text(machine, world)
    }));
}

#[test]
fn a_call_that_the_receipt_does_not_tell_is_caught() {
    assert!(catches(Bug::CallsInSecret, the_story_is_whole));
}

#[test]
fn a_second_end_is_caught() {
    assert!(catches(Bug::DoneTwice, |_, world, setting| {
        done_is_said_once(world, setting)
    }));
}

#[test]
fn a_late_end_that_is_believed_and_late_words_that_are_shown_are_caught() {
    for bug in [Bug::TakesLateEnd, Bug::ShowsLateWords] {
        let caught = catches(bug, |_, world, setting| {
            late_inputs_change_nothing(world, setting)
        });
        assert!(caught, "{bug:?}");
    }
}

#[test]
fn the_guided_world_gets_far() {
    let mut runner = TestRunner::deterministic();
    let strategy = (settings(), whims());
    let (mut answers, mut changes) = (0, 0);
    for _ in 0..400 {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (setting, whims) = tree.current();
        let (machine, world) = play(&setting, &whims, None);
        answers += u32::from(machine.run.text().is_some());
        let replaces = |command: &Command| matches!(command, Command::Replace { .. });
        changes += u32::from(world.commands().any(replaces));
    }

    assert!(answers > 40, "{answers} of 400 worlds came to an answer");
    assert!(changes > 20, "{changes} of 400 worlds replaced words");
}
