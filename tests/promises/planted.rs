//! The machine, and bugs to plant into what it takes and says.

use deskhand::{
    domain::{Mono, Usd},
    engine::{
        chain::Link,
        plan::Plan,
        policy::{History, Place, Policy},
        run::{Call, Command, Input, Patience, Run, Wanted},
    },
};

use super::world::{OUTPUT_LIMIT, START};

/// The machine, or the machine with a bug planted into what it takes and says.
pub(super) struct Machine {
    pub(super) run: Run,
    pub(super) bug: Option<Bug>,
    pub(super) settles: u32,
}

/// A bug, planted to see that a property catches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
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
    /// Lets another begin after what was shown has left.
    ForgetsTheRelease,
    /// Says `Done` twice.
    DoneTwice,
    /// Takes the end of a past attempt for the end of the present one.
    TakesLateEnd,
    /// Shows words that come late.
    ShowsLateWords,
    /// Calls without telling the receipt.
    CallsInSecret,
    /// Lets the one that lost go on talking.
    KeepsTheLoser,
    /// Asks for a third beside two.
    ThirdInFlight,
    /// Lets a model write more than its hold pays for.
    WritesPastItsHold,
}

impl Machine {
    pub(super) fn new(plan: Plan, bug: Option<Bug>) -> Self {
        Self {
            run: Run::new(plan),
            bug,
            settles: 0,
        }
    }

    pub(super) fn step(&mut self, input: Input, now: Mono) -> Vec<Command> {
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

    pub(super) fn mistake_input(&self, input: Input) -> Input {
        match (self.bug, input) {
            (Some(Bug::ForgetsTheRelease), Input::Released) => Input::Tick,
            (Some(Bug::TakesLateEnd), Input::Ended { whole, usage, .. }) => Input::Ended {
                attempt: self.newest(),
                whole,
                usage,
            },
            (_, input) => input,
        }
    }

    pub(super) fn newest(&self) -> u32 {
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

    pub(super) fn mistake_command(&mut self, command: Command, late: bool, out: &mut Vec<Command>) {
        match (self.bug, command) {
            (Some(Bug::CallsWithoutHold), Command::Hold(wanted)) => {
                out.push(call(&wanted));
                out.push(Command::Hold(wanted));
            }
            (Some(Bug::ThirdInFlight), Command::Call(made)) => {
                for attempt in [made.attempt + 100, made.attempt + 200] {
                    out.push(Command::Hold(Wanted {
                        attempt,
                        no: 1,
                        link: made.link.clone(),
                        ceiling: Usd::ZERO,
                        floor: Usd::ZERO,
                        patience: Patience::Never,
                    }));
                }
                out.push(Command::Call(made));
            }
            (Some(Bug::ForgetsASettle), Command::Settle { hold, cost }) => {
                self.settles += 1;
                if self.settles != 2 {
                    out.push(Command::Settle { hold, cost });
                }
            }
            (Some(Bug::ForgetsASettle), Command::Exchange { next, .. }) => {
                out.push(Command::Hold(next));
            }
            (Some(Bug::SettlesTwice), Command::Exchange { hold, cost, next }) => {
                out.push(Command::Exchange { hold, cost, next });
                out.push(Command::Settle { hold, cost });
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
            (Some(Bug::WritesPastItsHold), Command::Call(mut made)) => {
                made.output_limit = OUTPUT_LIMIT;
                out.push(Command::Call(made));
            }
            (Some(Bug::SecondVoice), Command::Replace { .. })
            | (Some(Bug::KeepsTheLoser), Command::Abort { .. }) => {}
            (Some(Bug::DoneTwice), Command::Done(ending)) => {
                out.push(Command::Done(ending));
                out.push(Command::Done(ending));
            }
            (_, command) => out.push(command),
        }
    }
}

fn call(wanted: &Wanted) -> Command {
    let link = Link::new(wanted.link.clone());
    let clocks = Policy::default().clocks;
    Command::Call(Box::new(Call {
        attempt: wanted.attempt,
        link: wanted.link.clone(),
        output_limit: 1,
        limits: clocks.limits(&link, History::default(), Place::Last),
        without: Vec::new(),
    }))
}
