//! Does what the machine of the engine commands: asks the ledger, opens calls, tells the screen.
//!
//! One task per run. It waits on one thing at a time, holds nothing across a wait but what the
//! wait needs, and leaves only when the machine said that it is over and the money is settled.

use std::{
    collections::{BTreeSet, VecDeque},
    panic::AssertUnwindSafe,
    time::Duration,
};

use futures::FutureExt as _;
use tokio::time;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    face::{Phase, VoidText},
    ledger::{Answer, Ledger, LedgerError, Speaker, Talk, Wish},
    live::Teller,
};
use crate::{
    domain::{
        Attempt, Billed, Clock, Cost, Ending, Fault, FaultClass, HoldId, LinkName, Mono, Skipped,
        Timestamp, Usage, Usd,
    },
    engine::{
        lesson::Lesson,
        plan::Plan,
        run::{Call, Command, Fact, Input, Run, Whole},
    },
    llm::{
        heard::Heard,
        wire::{Delta, Stop},
    },
};

/// The ledger is asked for a hold again so often while others hold the rest.
const HOLD_PAUSE: Duration = Duration::from_millis(250);
/// The longest wait for one answer of the ledger: its own limit for a lock is 5 s.
const LEDGER_LIMIT: Duration = Duration::from_secs(15);
/// So often a settlement is tried.
const SETTLE_TRIES: u32 = 3;

/// What a run is driven with.
pub struct Doors<'a, L, S> {
    /// Where money is held and settled.
    pub ledger: &'a L,
    /// Who opens calls.
    pub speaker: &'a S,
    /// Who tells the time.
    pub clock: &'a dyn Clock,
    /// Who tells the screen.
    pub teller: &'a Teller,
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
    mut plan: Plan,
    doors: Doors<'_, L, S>,
    cancel: &CancellationToken,
) -> Outcome {
    let began = doors.clock.now();
    // The plan may have waited for a keyring: no attempt begins before its run.
    plan.began = began;
    let mut drive = Drive {
        hold_limit: plan.policy.clocks.hold,
        run: Run::new(plan),
        began: doors.clock.mono(),
        doors,
        queue: VecDeque::new(),
        talk: None,
        wakes: BTreeSet::new(),
        waits_since: None,
        unsettled: Vec::new(),
    };
    drive.feed(Input::Start);
    loop {
        while let Some(command) = drive.queue.pop_front() {
            drive.perform(command, cancel).await;
        }
        if drive.run.is_over() {
            break;
        }
        drive.listen(cancel).await;
    }
    drive.outcome(began)
}

struct Drive<'a, L, S: Speaker> {
    doors: Doors<'a, L, S>,
    run: Run,
    began: Mono,
    queue: VecDeque<Command>,
    talk: Option<(u32, S::Talk)>,
    wakes: BTreeSet<Mono>,
    hold_limit: Duration,
    waits_since: Option<Mono>,
    unsettled: Vec<Unsettled>,
}

impl<L: Ledger, S: Speaker> Drive<'_, L, S> {
    fn feed(&mut self, input: Input) {
        let now = self.doors.clock.mono();
        self.queue.extend(self.run.step(input, now));
    }

    async fn perform(&mut self, command: Command, cancel: &CancellationToken) {
        match command {
            Command::Hold {
                attempt,
                link,
                ceiling,
                floor,
            } => {
                let wish = Wish {
                    id: HoldId::new(Uuid::now_v7()),
                    attempt: self.run.story().next_no(),
                    link,
                    ceiling,
                    floor,
                    at: self.doors.clock.now(),
                };
                let answer = self.hold(attempt, wish, cancel).await;
                // Nothing has been sent yet: a run stopped here costs nothing.
                if cancel.is_cancelled() {
                    self.feed(Input::Cancel);
                }
                self.feed(answer);
            }
            Command::Call(call) => self.call(&call),
            Command::Abort { .. } => {
                self.talk = None;
                self.void(FaultClass::Cancelled);
            }
            Command::Settle { hold, cost } => self.settle(hold, cost).await,
            Command::Wake { at } => {
                self.wakes.insert(at);
                if let Some(link) = self.run.waits_for() {
                    self.phase(Phase::Waiting, Some(link));
                }
            }
            Command::Show { piece, .. } => {
                let elapsed = self.elapsed();
                self.doors.teller.tell(|running| {
                    running.phase = Phase::Writing;
                    running.text.push_str(&piece);
                    running.elapsed = elapsed;
                });
            }
            Command::Replace { .. } => self.doors.teller.tell(|running| {
                running.void = None;
                running.text.clear();
            }),
            Command::Skip { .. } | Command::Done(_) => {}
        }
    }

    /// Asks the ledger, and again while other drafts hold what is missing.
    async fn hold(&mut self, attempt: u32, mut wish: Wish, cancel: &CancellationToken) -> Input {
        loop {
            let asked = time::timeout(LEDGER_LIMIT, self.doors.ledger.hold(&wish)).await;
            let (free, held) = match asked {
                Ok(Ok(Answer::Granted(held))) => {
                    return Input::Granted {
                        attempt,
                        hold: wish.id,
                        held,
                    };
                }
                Ok(Ok(Answer::Denied { free, held })) => (free, held),
                Ok(Err(error)) => {
                    return Input::NoLedger {
                        attempt,
                        why: error.to_string(),
                    };
                }
                Err(_) => {
                    self.release(wish.id).await;
                    return Input::NoLedger {
                        attempt,
                        why: "the ledger did not answer in time".to_owned(),
                    };
                }
            };
            let now = self.doors.clock.mono();
            let since = *self.waits_since.get_or_insert(now);
            let helps = held > Usd::ZERO && free.plus(held) >= wish.floor;
            if !helps || now.since(since) >= self.hold_limit {
                return Input::Denied { attempt };
            }
            self.phase(Phase::Waiting, Some(wish.link.clone()));
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Input::Denied { attempt },
                () = time::sleep(HOLD_PAUSE) => {}
            }
            wish.at = self.doors.clock.now();
        }
    }

    /// Gives back a hold of which nobody knows whether it was granted. Where that fails too, the
    /// next start finds it by its lease.
    async fn release(&self, hold: HoldId) {
        let at = self.doors.clock.now();
        let settled = self.doors.ledger.settle(hold, Cost::FREE, at);
        time::timeout(LEDGER_LIMIT, settled).await.ok();
    }

    fn call(&mut self, call: &Call) {
        self.phase(Phase::Asking, Some(call.link.clone()));
        self.waits_since = None;
        self.talk = Some((call.attempt, self.doors.speaker.speak(call)));
    }

    async fn settle(&mut self, hold: HoldId, cost: Cost) {
        let mut tries = 0_u32;
        loop {
            let at = self.doors.clock.now();
            let settled = self.doors.ledger.settle(hold, cost, at);
            let error = match time::timeout(LEDGER_LIMIT, settled).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error,
                Err(_) => LedgerError {
                    did: "settle a call",
                    why: "it did not answer in time".to_owned(),
                },
            };
            tries = tries.saturating_add(1);
            if tries >= SETTLE_TRIES {
                self.unsettled.push(Unsettled { hold, cost, error });
                return;
            }
            time::sleep(HOLD_PAUSE).await;
        }
    }

    /// Waits for the next thing that happens and tells the machine.
    async fn listen(&mut self, cancel: &CancellationToken) {
        let Some((attempt, mut talk)) = self.talk.take() else {
            let wake = self.next_wake();
            let input = tokio::select! {
                biased;
                () = cancel.cancelled() => Input::Cancel,
                () = until(wake) => Input::Tick,
            };
            return self.woken(input);
        };
        let heard = {
            // One future for the next words: a wake must not drop it half-way.
            let mut next = std::pin::pin!(AssertUnwindSafe(talk.next()).catch_unwind());
            loop {
                let wake = self.next_wake();
                tokio::select! {
                    biased;
                    () = cancel.cancelled() => return self.woken(Input::Cancel),
                    heard = &mut next => break heard.unwrap_or_else(|_| broken()),
                    () = until(wake) => {
                        self.woken(Input::Tick);
                        if !self.queue.is_empty() {
                            return;
                        }
                    }
                }
            }
        };
        if matches!(heard, Heard::Opened(_) | Heard::Delta(_)) {
            self.talk = Some((attempt, talk));
        }
        self.understand(attempt, heard);
    }

    fn understand(&mut self, attempt: u32, heard: Heard) {
        match heard {
            Heard::Opened(opening) => {
                let fact = Fact::Opened {
                    status: opening.status,
                    request: opening.request,
                    connect: opening.connect,
                };
                self.feed(Input::Fact { attempt, fact });
            }
            Heard::Delta(delta) => self.delta(attempt, delta),
            Heard::Ended(finish) => {
                if let Some(model) = finish.model {
                    let fact = Fact::Model(model);
                    self.feed(Input::Fact { attempt, fact });
                }
                let whole = match finish.stop {
                    Stop::End => Whole::Done,
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
                self.void(fault.class);
                let fault = Box::new(fault);
                self.feed(Input::Failed {
                    attempt,
                    fault,
                    usage,
                });
            }
        }
        self.tell_attempts();
    }

    fn delta(&mut self, attempt: u32, delta: Delta) {
        let fact = match delta {
            Delta::Text(piece) => return self.feed(Input::Text { attempt, piece }),
            Delta::Alive => return,
            Delta::Thinking => Fact::Thinking,
            Delta::Model(model) => Fact::Model(model),
            Delta::Request(request) => Fact::Request(request),
        };
        self.feed(Input::Fact { attempt, fact });
    }

    fn woken(&mut self, input: Input) {
        let now = self.doors.clock.mono();
        self.wakes.retain(|wake| *wake > now);
        self.feed(input);
    }

    /// Returns how long until the next wake; none when there is none.
    fn next_wake(&self) -> Option<Duration> {
        let now = self.doors.clock.mono();
        self.wakes.first().map(|wake| wake.since(now))
    }

    fn elapsed(&self) -> Duration {
        self.doors.clock.mono().since(self.began)
    }

    fn phase(&self, phase: Phase, link: Option<LinkName>) {
        let elapsed = self.elapsed();
        self.doors.teller.tell(|running| {
            running.phase = phase;
            running.link = link;
            running.elapsed = elapsed;
        });
    }

    /// Dims what was shown: it no longer counts, but stays until the next words come.
    fn void(&self, because: FaultClass) {
        self.doors.teller.tell(|running| {
            let Some(link) = running.link.clone() else {
                return;
            };
            if !running.text.is_empty() {
                running.void = Some(VoidText {
                    text: std::mem::take(&mut running.text),
                    link,
                    because,
                });
            }
        });
    }

    fn tell_attempts(&self) {
        let attempts = self.run.attempts();
        let elapsed = self.elapsed();
        self.doors.teller.tell(|running| {
            running.elapsed = elapsed;
            if running.attempts.len() != attempts.len() {
                running.attempts = attempts.to_vec();
            }
        });
    }

    fn outcome(self, began: Timestamp) -> Outcome {
        let story = self.run.story();
        Outcome {
            text: self.run.text().map(str::to_owned),
            ending: self.run.ending().unwrap_or(Ending::Failed),
            attempts: story.attempts.clone(),
            skipped: story.skipped.clone(),
            lessons: story.lessons.clone(),
            first_choice_cost: self.run.first_choice_cost(),
            span: (began, self.doors.clock.now()),
            unsettled: self.unsettled,
        }
    }
}

/// Waits so long; for ever when there is nothing to wait for.
async fn until(wake: Option<Duration>) {
    match wake {
        Some(wait) => time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// A reader that panicked is a failed call like another: the money is settled, the desk goes on.
fn broken() -> Heard {
    let fault = Fault {
        billed: Billed::Maybe,
        ..Fault::new(FaultClass::ServerError)
    };
    Heard::Failed(
        fault.saying("The program could not read the answer."),
        Usage::default(),
    )
}
