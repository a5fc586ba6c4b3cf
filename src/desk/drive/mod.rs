//! Does what the machine of the engine commands: asks the ledger, opens calls, tells the screen.
//!
//! One task per run. It waits on everything at once: the ledger (`purse`), at most two models
//! (`talks`), the clock and the person. It leaves only when the machine said that it is over and
//! the money is settled; by then the whole answer has long been on the `screen`.

mod purse;
pub(crate) mod relay;
mod screen;
mod talks;

use std::{
    collections::{BTreeSet, VecDeque},
    pin::{Pin, pin},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use self::{
    purse::{Clerk, Purse},
    relay::{Nobody, Relay},
    screen::Screen,
    talks::Talks,
};
use super::{
    face::Phase,
    ledger::{Ledger, LedgerError, Speaker},
    live::Teller,
};
use crate::{
    domain::{Attempt, Clock, Cost, Ending, FaultClass, HoldId, Mono, Skipped, Timestamp, Usd},
    engine::{
        lesson::Lesson,
        plan::Plan,
        run::{Call, Command, Fact, Input, Run, Whole},
    },
    llm::{
        alarm::Alarm,
        heard::Heard,
        wire::{Delta, Stop},
    },
};

/// What a run is driven with.
pub struct Doors<'a, L, S> {
    /// Where money is held and settled.
    pub ledger: &'a L,
    /// Who opens calls.
    pub speaker: &'a S,
    /// Who tells the time.
    pub clock: &'a dyn Clock,
    /// Who tells the screen; none where nobody looks.
    pub teller: Option<&'a Teller>,
}

/// How a run came out: the parts of its receipt and what to remember.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The text of the answer, if one was kept.
    pub text: Option<String>,
    /// How it ended.
    pub ending: Ending,
    /// The calls, in order.
    pub attempts: Vec<Attempt>,
    /// Links that were not asked, and why.
    pub skipped: Vec<Skipped>,
    /// What the run taught about keys and links.
    pub lessons: Vec<Lesson>,
    /// Whether a second link was asked because the first was slow.
    pub hedged: bool,
    /// What the first link would have cost, when another answered.
    pub first_choice_cost: Option<Usd>,
    /// When it began and ended.
    pub span: (Timestamp, Timestamp),
    /// Calls whose cost could not be written: their holds stay until the next start settles them
    /// at their ceiling.
    pub unsettled: Vec<Unsettled>,
}

/// A call whose cost could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The hold.
    pub hold: HoldId,
    /// What the call cost.
    pub cost: Cost,
    /// Why it could not be written.
    pub error: LedgerError,
}

/// Drives a run to its end. A cancelled run is told so, settles, and only then ends.
pub async fn drive<L: Ledger, S: Speaker>(
    plan: Plan,
    doors: Doors<'_, L, S>,
    cancel: &CancellationToken,
) -> Outcome {
    drive_relayed(plan, doors, &mut Nobody, cancel).await
}

/// Drives one run to its end, and passes its answer on as it comes.
pub(crate) async fn drive_relayed<L: Ledger, S: Speaker, R: Relay>(
    mut plan: Plan,
    doors: Doors<'_, L, S>,
    relay: &mut R,
    cancel: &CancellationToken,
) -> Outcome {
    let began = doors.clock.now();
    // The plan may have waited for a keyring: no attempt begins before its run.
    plan.began = began;
    let screen = Screen {
        teller: doors.teller,
        clock: doors.clock,
        began: doors.clock.mono(),
    };
    let clerk = Clerk {
        ledger: doors.ledger,
        clock: doors.clock,
        screen,
        hold_limit: plan.policy.clocks.hold,
    };
    let mut drive = Drive {
        speaker: doors.speaker,
        clock: doors.clock,
        now: screen.began,
        screen,
        relay,
        run: Run::new(plan),
        queue: VecDeque::new(),
        purse: Purse::new(clerk),
        talks: Talks::default(),
        wakes: BTreeSet::new(),
        waking: Alarm::default(),
        due: Alarm::default(),
        shown: None,
    };
    let mut cancelled = pin!(cancel.cancelled());
    drive.feed(Input::Start);
    loop {
        while let Some(command) = drive.queue.pop_front() {
            drive.perform(command);
        }
        if drive.release() {
            // Whoever waits for the first words gets them before the books are done.
            tokio::task::yield_now().await;
            drive.now = drive.clock.mono();
        }
        if drive.run.is_over() && drive.purse.is_idle() {
            break;
        }
        drive.listen(cancelled.as_mut()).await;
    }
    drive.outcome(began)
}

struct Drive<'a, L, S, R> {
    speaker: &'a S,
    clock: &'a dyn Clock,
    /// When what is dealt with now happened: the clock is asked once for all that follows.
    now: Mono,
    screen: Screen<'a>,
    relay: &'a mut R,
    run: Run,
    queue: VecDeque<Command>,
    purse: Purse<'a, L>,
    talks: Talks,
    wakes: BTreeSet<Mono>,
    /// Go off when the machine is to be woken, and when words are due to leave.
    waking: Alarm,
    due: Alarm,
    /// The attempt whose words are on the screen.
    shown: Option<u32>,
}

impl<L: Ledger, S: Speaker, R: Relay> Drive<'_, L, S, R> {
    fn feed(&mut self, input: Input) {
        self.queue.extend(self.run.step(input, self.now));
    }

    fn perform(&mut self, command: Command) {
        match command {
            Command::Hold(wanted) => self.purse.hold(wanted),
            Command::Exchange { hold, cost, next } => self.purse.exchange(hold, cost, next),
            Command::Settle { hold, cost } => self.purse.settle(hold, cost),
            Command::Call(call) => self.call(&call),
            Command::Warm { link } => self.speaker.warm(&link),
            Command::Abort { attempt } => {
                self.purse.give_up(attempt);
                self.talks.close(attempt);
                self.void(attempt, FaultClass::Cancelled);
                self.tell_attempts();
            }
            Command::Wake { at } => {
                self.wakes.insert(at);
                if let Some(link) = self.run.waits_for() {
                    self.screen.phase(Phase::Waiting, Some(link));
                }
            }
            Command::Show { attempt, piece } => {
                let is_new = self.shown.replace(attempt) != Some(attempt);
                let link = self.talks.link_of(attempt).filter(|_| is_new);
                self.screen.show(&piece, link);
                if let Some(link) = self.talks.link_of(attempt) {
                    self.relay.show(attempt, link, self.now);
                }
            }
            Command::Replace { .. } => {
                self.screen.replace();
                self.relay.replace();
            }
            Command::Skip { .. } | Command::Done(_) => {}
        }
    }

    fn call(&mut self, call: &Call) {
        if self.talks.first().is_none() {
            self.screen.phase(Phase::Asking, Some(call.link.clone()));
        }
        self.purse.called(call.attempt);
        let talk = self.speaker.speak(call);
        self.talks.add(call.attempt, call.link.clone(), talk);
    }

    /// Waits for the next thing that happens and tells the machine. Once the run is over only the
    /// ledger is waited for.
    async fn listen(&mut self, cancelled: Pin<&mut WaitForCancellationFuture<'_>>) {
        let happened = if self.run.is_over() {
            Happened::Paid(self.purse.next().await)
        } else {
            self.next(cancelled).await
        };
        self.now = self.clock.mono();
        match happened {
            Happened::Cancelled => self.woken(Input::Cancel),
            Happened::Paid(input) => {
                if let Some(input) = input {
                    self.feed(input);
                }
            }
            Happened::Heard(attempt, heard) => self.understand(attempt, heard),
            // What is due leaves as soon as the loop goes round.
            Happened::Due => {}
            Happened::Woken => self.woken(Input::Tick),
        }
    }

    async fn next(&mut self, cancelled: Pin<&mut WaitForCancellationFuture<'_>>) -> Happened {
        // What was done since may have taken a while.
        self.now = self.clock.mono();
        let began = Instant::now();
        let at = |wait: Duration| began + wait;
        let wake = self.next_wake().map(at);
        let due = self.relay.due(self.now).map(at);
        tokio::select! {
            biased;
            // Before what the ledger says: nothing has been sent yet, and nothing will be.
            () = cancelled => Happened::Cancelled,
            input = self.purse.next(), if !self.purse.is_idle() => Happened::Paid(input),
            (attempt, heard) = self.talks.hear() => Happened::Heard(attempt, heard),
            () = until(&mut self.due, due), if due.is_some() => Happened::Due,
            () = until(&mut self.waking, wake) => Happened::Woken,
        }
    }

    /// Lets go what is due to leave; the machine hears of the first that left. Tells whether that was
    /// now.
    fn release(&mut self) -> bool {
        let is_first = self.relay.release(self.now, self.run.story());
        if is_first {
            self.feed(Input::Released);
        }
        is_first
    }

    fn understand(&mut self, attempt: u32, heard: Heard) {
        let tells_nothing = matches!(
            heard,
            Heard::Delta(
                Delta::Text(_)
                    | Delta::Call(_)
                    | Delta::Verbatim(_)
                    | Delta::Alive
                    | Delta::Stopping
                    | Delta::InOnePiece
            )
        );
        self.relay.heard(attempt, &heard);
        match heard {
            Heard::Opened(opening) => {
                let fact = Fact::Opened {
                    status: opening.status,
                    request: opening.request,
                    connect: opening.connect,
                };
                self.feed(Input::Fact { attempt, fact });
                if let Some(left) = opening.left {
                    let fact = Fact::Left(left);
                    self.feed(Input::Fact { attempt, fact });
                }
            }
            Heard::Delta(delta) => self.delta(attempt, delta),
            Heard::Ended(finish) => {
                if let Some(model) = finish.model {
                    let fact = Fact::Model(model);
                    self.feed(Input::Fact { attempt, fact });
                }
                let whole = match finish.stop {
                    Stop::End | Stop::Calls | Stop::Sequence => Whole::Done,
                    Stop::Limit => Whole::AtLimit,
                };
                let usage = finish.usage;
                self.feed(Input::Ended {
                    attempt,
                    whole,
                    usage,
                });
            }
            Heard::Failed(fault, usage) => {
                self.void(attempt, fault.class);
                self.feed(Input::Failed {
                    attempt,
                    fault,
                    usage: *usage,
                });
                if let Some(other) = self.talks.first() {
                    self.screen.phase(Phase::Asking, Some(other.clone()));
                }
            }
        }
        // Words tell of themselves.
        if !tells_nothing {
            self.tell_attempts();
        }
    }

    fn delta(&mut self, attempt: u32, delta: Delta) {
        let fact = match delta {
            Delta::Text(piece) => return self.feed(Input::Text { attempt, piece }),
            Delta::Alive | Delta::Stopping | Delta::InOnePiece | Delta::Verbatim(_) => return,
            Delta::Call(_) | Delta::Other => return self.feed(Input::Said { attempt }),
            Delta::Thinking => Fact::Thinking,
            Delta::Model(model) => Fact::Model(model),
            Delta::Request(request) => Fact::Request(request),
        };
        self.feed(Input::Fact { attempt, fact });
    }

    fn woken(&mut self, input: Input) {
        let now = self.now;
        self.wakes.retain(|wake| *wake > now);
        self.feed(input);
    }

    /// Returns how long until the next wake; none when there is none.
    fn next_wake(&self) -> Option<Duration> {
        self.wakes.first().map(|wake| wake.since(self.now))
    }

    /// Dims what was shown, if it is this attempt's.
    fn void(&mut self, attempt: u32, because: FaultClass) {
        if self.shown == Some(attempt) {
            self.shown = None;
            self.screen.void(because);
        }
    }

    fn tell_attempts(&self) {
        self.screen.attempts(self.run.attempts());
    }

    fn outcome(self, began: Timestamp) -> Outcome {
        let story = self.run.story();
        Outcome {
            text: self.run.text().map(str::to_owned),
            ending: self.run.ending().unwrap_or(Ending::Failed),
            attempts: story.attempts.clone(),
            skipped: story.skipped.clone(),
            lessons: story.lessons.clone(),
            hedged: self.run.hedged(),
            first_choice_cost: self.run.first_choice_cost(),
            span: (began, self.clock.now()),
            unsettled: self.purse.unsettled,
        }
    }
}

/// What happened while it was waited.
enum Happened {
    Cancelled,
    /// What the ledger said; none where nothing was asked of it.
    Paid(Option<Input>),
    Heard(u32, Heard),
    /// Words that were kept back are due.
    Due,
    Woken,
}

/// Waits until then; for ever when there is nothing to wait for.
async fn until(alarm: &mut Alarm, wake: Option<Instant>) {
    match wake {
        Some(at) => alarm.wait_until(at).await,
        None => std::future::pending().await,
    }
}
