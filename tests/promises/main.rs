//! The promises of the engine's machine, each a property in a guided world, and each shown to
//! catch a bug that was planted for it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test may panic"
)]

mod keep;
mod planted;
mod world;

use deskhand::engine::run::{Command, Input, Whole};
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{TestRng, TestRunner},
};

use self::{
    keep::{
        Checked, done_is_said_once, every_hold_is_settled_once, keep, late_inputs_change_nothing,
        never_past_the_cap, never_two_voices_in_one_text, no_call_without_a_hold,
        no_more_calls_than_the_chain_allows, one_of_two_is_shown, the_story_is_whole,
        what_left_stays,
    },
    planted::{Bug, Machine},
    world::{Setting, Whim, World, fault, plan, settings, usage, whims},
};

fn play(setting: &Setting, whims: &[Whim], bug: Option<Bug>) -> (Machine, World) {
    let mut machine = Machine::new(plan(setting), bug);
    let world = World::play(&mut machine, setting, whims);
    (machine, world)
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
        let mut world = World::new(&setting);
        world.tell(&mut machine, Input::Start);
        for whim in &whims {
            let input = world.choose(*whim);
            world.tell(&mut machine, input);
            for attempt in (0..world.attempts).filter(|attempt| world.is_past(*attempt)) {
                let inputs = [
                    Input::Ended { attempt, whole: Whole::Done, usage: usage() },
                    Input::Text { attempt, piece: "late".to_owned() },
                    Input::Said { attempt },
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
                    prop_assert!(clone.attempts().eq(machine.run.attempts()));
                }
            }
        }
    }
}

/// Plays many worlds with a bug planted and tells whether the promise noticed it: the same worlds
/// in each run, since a rare bug would now and then escape others.
fn catches(bug: Bug, promise: impl Fn(&Machine, &World, &Setting) -> Checked) -> bool {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::with_cases(4096)
    };
    let dice = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, dice);
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
    for bug in [Bug::SecondVoice, Bug::ShowsLateWords] {
        let caught = catches(bug, |machine, world, _| {
            never_two_voices_in_one_text(machine, world)
        });
        assert!(caught, "{bug:?}");
    }
}

#[test]
fn a_loser_that_goes_on_and_a_third_in_flight_are_caught() {
    for bug in [Bug::KeepsTheLoser, Bug::ThirdInFlight] {
        let caught = catches(bug, |_, world, setting| one_of_two_is_shown(world, setting));
        assert!(caught, "{bug:?}");
    }
}

#[test]
fn an_answer_that_its_hold_does_not_pay_for_is_caught() {
    assert!(catches(Bug::WritesPastItsHold, |_, world, setting| {
        never_past_the_cap(world, setting)
    }));
}

#[test]
fn a_call_that_the_receipt_does_not_tell_is_caught() {
    assert!(catches(Bug::CallsInSecret, the_story_is_whole));
}

#[test]
fn another_voice_after_the_first_has_left_is_caught() {
    assert!(catches(Bug::ForgetsTheRelease, |_, world, setting| {
        what_left_stays(world, setting)
    }));
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
    let (mut answers, mut changes, mut losers, mut hedges, mut warm) = (0, 0, 0, 0, 0);
    for _ in 0..800 {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (setting, whims) = tree.current();
        let (machine, world) = play(&setting, &whims, None);
        let answered = machine.run.text().is_some();
        let says = |is: fn(&Command) -> bool| u32::from(world.commands().any(is));
        answers += u32::from(answered);
        changes += says(|command| matches!(command, Command::Replace { .. }));
        warm += says(|command| matches!(command, Command::Warm { .. }));
        hedges += u32::from(machine.run.hedged());
        losers += u32::from(answered) * says(|command| matches!(command, Command::Abort { .. }));
    }

    assert!(answers > 40, "{answers} of 800 worlds came to an answer");
    assert!(changes > 20, "{changes} of 800 worlds replaced words");
    assert!(losers > 20, "{losers} of 800 worlds had a loser");
    assert!(
        hedges > 20,
        "{hedges} of 800 worlds asked two for being slow"
    );
    assert!(warm > 20, "{warm} of 800 worlds made a connection ahead");
}
