//! The promises.

use std::collections::BTreeMap;

use deskhand::{
    domain::{Cost, HoldId, LinkName, Usd},
    engine::run::{Command, Input},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use super::{
    planted::Machine,
    world::{PROMPT, Setting, World, plan},
};

pub(super) type Checked = Result<(), TestCaseError>;

/// No call without a hold: each call follows a grant to its own attempt, one call per grant.
pub(super) fn no_call_without_a_hold(world: &World, _: &Setting) -> Checked {
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
pub(super) fn every_hold_is_settled_once(world: &World, _: &Setting) -> Checked {
    let mut settled: BTreeMap<HoldId, u32> = BTreeMap::new();
    for command in world.commands() {
        if let Command::Settle { hold, cost } | Command::Exchange { hold, cost, .. } = command {
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
pub(super) fn no_more_calls_than_the_chain_allows(world: &World, setting: &Setting) -> Checked {
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
pub(super) fn never_two_voices_in_one_text(machine: &Machine, world: &World) -> Checked {
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
            Command::Hold(_)
            | Command::Exchange { .. }
            | Command::Warm { .. }
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

/// After what was shown has left the program, nothing takes its place.
pub(super) fn what_left_stays(world: &World, _: &Setting) -> Checked {
    let (mut shown, mut released): (Option<u32>, bool) = (None, false);
    for (input, commands) in &world.log {
        released |= *input == Input::Released;
        for command in commands {
            match command {
                Command::Replace { .. } => prop_assert!(!released, "what had left was replaced"),
                Command::Show { attempt, .. } => {
                    let other = shown.replace(*attempt).filter(|before| before != attempt);
                    prop_assert!(!released || other.is_none(), "two spoke after the release");
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// `Done` is said once, and after it nothing but the return of late holds.
pub(super) fn done_is_said_once(world: &World, _: &Setting) -> Checked {
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
pub(super) fn late_inputs_change_nothing(world: &World, _: &Setting) -> Checked {
    let mut newest = 0;
    let (mut asked, mut calling): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for (input, commands) in &world.log {
        let past = match input {
            Input::Granted { attempt, .. }
            | Input::Denied { attempt }
            | Input::NoLedger { attempt, .. } => !asked.contains(attempt),
            Input::Fact { attempt, .. }
            | Input::Text { attempt, .. }
            | Input::Said { attempt }
            | Input::Ended { attempt, .. }
            | Input::Failed { attempt, .. } => !calling.contains(attempt),
            Input::Start | Input::Released | Input::Tick | Input::Cancel => false,
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
            Input::Granted { attempt, .. }
            | Input::Denied { attempt }
            | Input::NoLedger { attempt, .. } => asked.retain(|of| of != attempt),
            Input::Ended { attempt, .. } | Input::Failed { attempt, .. } => {
                calling.retain(|of| of != attempt);
            }
            _ => {}
        }
        for command in commands {
            match command {
                Command::Hold(next) | Command::Exchange { next, .. } => {
                    prop_assert!(next.attempt > newest, "a number is used twice");
                    newest = next.attempt;
                    asked.push(next.attempt);
                }
                Command::Call(call) => calling.push(call.attempt),
                Command::Abort { attempt } => {
                    asked.retain(|of| of != attempt);
                    calling.retain(|of| of != attempt);
                }
                Command::Done(_) => {
                    asked.clear();
                    calling.clear();
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// At most two attempts are in flight, and beside one that is shown there is only a probe.
pub(super) fn one_of_two_is_shown(world: &World, setting: &Setting) -> Checked {
    let (mut flying, mut shown): (Vec<(u32, LinkName)>, Option<u32>) = (Vec::new(), None);
    let half_open = setting.half_open();
    for (input, commands) in &world.log {
        match input {
            Input::Denied { attempt }
            | Input::NoLedger { attempt, .. }
            | Input::Ended { attempt, .. }
            | Input::Failed { attempt, .. } => flying.retain(|(of, _)| of != attempt),
            _ => {}
        }
        for command in commands {
            match command {
                Command::Hold(next) | Command::Exchange { next, .. } => {
                    flying.push((next.attempt, next.link.clone()));
                }
                Command::Abort { attempt } => flying.retain(|(of, _)| of != attempt),
                Command::Show { attempt, .. } => shown = Some(*attempt),
                Command::Done(_) => flying.clear(),
                _ => {}
            }
        }
        prop_assert!(flying.len() <= 2, "{} in flight", flying.len());
        let is_shown = flying.iter().any(|(of, _)| Some(*of) == shown);
        let mut others = flying.iter().filter(|(of, _)| Some(*of) != shown);
        let only_probes = others.all(|(_, link)| half_open.contains(link));
        prop_assert!(!is_shown || only_probes, "the loser goes on");
    }
    Ok(())
}

/// What is settled, what is held and what the calls under way may come to never passes the cap.
pub(super) fn never_past_the_cap(world: &World, setting: &Setting) -> Checked {
    let cap = Usd::from_nanos(setting.cap);
    let mut settled = Usd::ZERO;
    let mut held: BTreeMap<HoldId, Usd> = BTreeMap::new();
    let mut hold_of: BTreeMap<u32, HoldId> = BTreeMap::new();
    for (input, commands) in &world.log {
        if let Input::Granted {
            attempt,
            hold,
            held: amount,
        } = input
            && *amount < Usd::from_dollars(1)
        {
            held.insert(*hold, *amount);
            hold_of.insert(*attempt, *hold);
        }
        for command in commands {
            match command {
                Command::Settle { hold, cost } | Command::Exchange { hold, cost, .. } => {
                    let was = held.remove(hold);
                    settled = settled.plus(was.map_or(Usd::ZERO, |_| cost.amount()));
                }
                Command::Call(call) => {
                    // $1 and $10 for a million tokens.
                    let worst = PROMPT * 1_000 + u64::from(call.output_limit) * 10_000;
                    let worst = Usd::from_nanos(worst.try_into().unwrap());
                    if let Some(amount) = hold_of
                        .get(&call.attempt)
                        .and_then(|hold| held.get_mut(hold))
                    {
                        *amount = worst.max(*amount);
                    }
                }
                _ => {}
            }
            let taken = held.values().fold(settled, |sum, amount| sum.plus(*amount));
            prop_assert!(taken <= cap, "{taken} of {cap}");
        }
    }
    Ok(())
}

/// The receipt tells what happened: one attempt per call, in order, and every link of the chain
/// either asked or skipped once.
pub(super) fn the_story_is_whole(machine: &Machine, world: &World, setting: &Setting) -> Checked {
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
    }
    let last_words = story
        .attempts
        .iter()
        .filter(|attempt| attempt.moved_on_because.is_none());
    let count = last_words.count();
    prop_assert!(count > 0 || told.is_empty(), "all were left");
    if machine.run.text().is_some() {
        prop_assert_eq!(
            count,
            1,
            "why another was asked is told of all but the answer"
        );
    }
    let skipped: Vec<&LinkName> = story.skipped.iter().map(|skipped| &skipped.link).collect();
    for planned in plan(setting).links {
        let name = &planned.link.name;
        let times = skipped.iter().filter(|link| **link == name).count();
        prop_assert_eq!(times, usize::from(!told.contains(&name)), "{}", name);
    }
    Ok(())
}

/// All promises.
pub(super) fn keep(machine: &Machine, world: &World, setting: &Setting) -> Checked {
    no_call_without_a_hold(world, setting)?;
    every_hold_is_settled_once(world, setting)?;
    no_more_calls_than_the_chain_allows(world, setting)?;
    never_two_voices_in_one_text(machine, world)?;
    done_is_said_once(world, setting)?;
    what_left_stays(world, setting)?;
    late_inputs_change_nothing(world, setting)?;
    one_of_two_is_shown(world, setting)?;
    never_past_the_cap(world, setting)?;
    the_story_is_whole(machine, world, setting)
}
