//! A draft from a model: ticket to ask, ask to run, run to draft and receipt.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::SemaphorePermit,
    time::{Instant, interval_at},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Desk, DeskError,
    books::Books,
    chains::{Chosen, Memory, Prepared},
    drive::{Doors, Outcome, drive},
    face::{DraftAsk, Drafted, TicketView},
    health::force,
    live::Teller,
    route::Occasion,
    voice::Voice,
    writing::newest_from_outside,
};
use crate::{
    domain::{
        Cap, CapName, Draft, DraftState, Ending, MessageId, RunId, SkipReason, Skipped, TicketId,
        Timestamp,
    },
    engine::prompt::{PromptPolicy, Prompted, Thread, prompt},
    text::redact::redact,
};

/// How often the words that a model has written are saved: a crash loses no more.
const SAVE_EVERY: Duration = Duration::from_secs(2);

/// What is known before the first call.
pub(super) struct Job {
    pub run: RunId,
    /// Whose draft it is, also when the config names another agent meanwhile.
    pub agent: String,
    pub view: TicketView,
    pub prompted: Prompted,
    pub chosen: Chosen,
    pub answers: Option<MessageId>,
    /// What the agent asked for besides.
    pub hint: Option<String>,
}

impl Job {
    pub(super) const fn ticket(&self) -> TicketId {
        self.view.ticket.id
    }

    /// Returns the draft that stood before, if one did: its text comes back when nothing is kept.
    pub(super) const fn before(&self) -> Option<&Draft> {
        self.view.draft.as_ref()
    }
}

impl Desk {
    /// Makes a draft for a ticket and returns it with its receipt. Progress is in [`Desk::live`];
    /// a cancelled run settles what it cost before it ends, also when nobody waits for it any
    /// more. Several may run at once; what is too much waits for its turn.
    pub async fn draft(
        self: &Arc<Self>,
        ask: &DraftAsk,
        cancel: &CancellationToken,
    ) -> Result<Drafted, DeskError> {
        if self.settings().config.spend.cap == Cap::NotChosen {
            return Err(DeskError::CapNotChosen);
        }
        let stop = self.stop_on_either(cancel);
        // Dropped with this future: a draft that nobody waits for stops and settles.
        let _leaving = stop.clone().drop_guard();
        let run = RunId::new(Uuid::now_v7());
        let (desk, ask) = (Arc::clone(self), ask.clone());
        let drafting = self
            .background
            .tasks
            .spawn(async move { desk.make(run, &ask, &stop).await });
        match drafting.await {
            Ok(drafted) => drafted,
            Err(why) => {
                tracing::error!(%run, panicked = why.is_panic(), "a draft ended by a fault of ours");
                self.recover_run(run).await?;
                Err(DeskError::Broken)
            }
        }
    }

    /// Returns a token that is cancelled with the given one and when the desk closes.
    fn stop_on_either(&self, cancel: &CancellationToken) -> CancellationToken {
        let stop = cancel.child_token();
        let closing = self.background.stop.clone();
        let both = stop.clone();
        drop(self.background.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => both.cancel(),
                () = both.cancelled() => {}
            }
        }));
        stop
    }

    async fn make(
        &self,
        run: RunId,
        ask: &DraftAsk,
        stop: &CancellationToken,
    ) -> Result<Drafted, DeskError> {
        let began = self.clock.now();
        let teller = self.live.begin(run, ask.ticket).map_err(|_| {
            DeskError::Nothing("Too many drafts run already. Wait for one, or stop one with Esc.")
        })?;
        let place = self.tour_step();
        let slot = self.slot(stop).await;
        let (job, memory) = self.job(run, ask).await?;
        let prepared = match slot {
            Some(_) => self.prepare_unless(&job, &memory, stop).await,
            None => None,
        };
        let Some(mut prepared) = prepared else {
            let outcome = never_begun(&job, (began, self.clock.now()));
            return self
                .file_outcome(&job, &BTreeMap::new(), outcome.into(), None)
                .await;
        };
        self.claim_probes(&mut prepared).await?;
        if let Some(link) = &ask.force {
            let mut links = prepared.plan.links.iter_mut();
            if let Some(planned) = links.find(|planned| planned.link.name == *link) {
                force(&mut planned.usable);
            }
        }
        if let Some(place) = place {
            self.set_stage(place, prepared.endpoints.values_mut())
                .await?;
        }
        let (outcome, written) = self.run(&job, &prepared, &teller, stop).await;
        self.release_probes(&prepared.claimed).await;
        self.file_outcome(&job, &prepared.fingerprints, outcome, written)
            .await
    }

    /// Waits for this draft's turn; none when it is stopped before.
    async fn slot(&self, stop: &CancellationToken) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            slot = self.background.slots.acquire() => slot.ok(),
        }
    }

    /// Makes the plan; none when the draft is stopped meanwhile: a keyring may keep us waiting.
    async fn prepare_unless(
        &self,
        job: &Job,
        memory: &Memory,
        stop: &CancellationToken,
    ) -> Option<Prepared> {
        let prompt_at_most = job.prompted.ask.tokens_at_most();
        tokio::select! {
            biased;
            () = stop.cancelled() => None,
            prepared = self.prepare_with(memory, &job.chosen, prompt_at_most) => Some(prepared),
        }
    }

    async fn job(&self, run: RunId, ask: &DraftAsk) -> Result<(Job, Memory), DeskError> {
        let agent = self.agent();
        let (view, known) = self.ticket_to_draft(ask.ticket).await?;
        let prompted = self.prompted(&view, ask.hint.as_deref());
        let occasion = Occasion {
            prompt_at_most: prompted.ask.tokens_at_most(),
            // The random part of a UUIDv7.
            turn: run.uuid().as_u64_pair().1,
        };
        let mut chosen = self
            .route(Some(&view), ask.chain.as_ref(), occasion)
            .await?;
        if let Some(link) = &ask.force {
            if self.settings().provider(&link.provider).is_none() {
                return Err(DeskError::NoProvider(link.provider.to_string()));
            }
            chosen.links.retain(|own| own != link);
            chosen.links.insert(0, link.clone());
            chosen.from = format!("{}, {link} forced", chosen.from);
        }
        let job = Job {
            run,
            agent,
            answers: newest_from_outside(&view.messages),
            view,
            prompted,
            chosen,
            hint: ask.hint.clone(),
        };
        Ok((job, self.memory_of(known)))
    }

    /// Makes the ask for a reply to a ticket.
    pub(super) fn prompted(&self, view: &TicketView, hint: Option<&str>) -> Prompted {
        self.prompted_within(view, hint, PromptPolicy::default().most_bytes)
    }

    /// Makes it with at most so many bytes of mail.
    pub(super) fn prompted_within(
        &self,
        view: &TicketView,
        hint: Option<&str>,
        most_bytes: usize,
    ) -> Prompted {
        let thread = Thread {
            ticket: &view.ticket,
            messages: &view.messages,
            hint,
        };
        let policy = PromptPolicy {
            output_limit: self.settings().config.engine.output_limit,
            most_bytes,
            ..PromptPolicy::default()
        };
        prompt(thread, &policy, &mask)
    }

    /// Drives the run; returns with its outcome the draft as the words so far were saved, if they
    /// were.
    async fn run(
        &self,
        job: &Job,
        prepared: &Prepared,
        teller: &Teller,
        stop: &CancellationToken,
    ) -> (Ended, Option<Draft>) {
        let books = Books::new(self, job);
        let shorter = self.shorter(job, prepared);
        let voice = Voice::new(&self.transport, &job.prompted.ask, &prepared.endpoints)
            .with_shorter(&shorter)
            .warming(&self.background.tasks);
        let doors = Doors {
            ledger: &books,
            speaker: &voice,
            clock: self.clock.as_ref(),
            teller: Some(teller),
        };
        let (plan, company) = self.with_company(prepared.plan.clone());
        let driving = drive(plan, doors, stop);
        tokio::pin!(driving);
        let mut written = None;
        // Polled beside the run, never instead of it: both may wait for the same turn to write.
        let mut saving = None;
        // Not `interval`: its first tick would come after a millisecond, and a person waits.
        let mut every = interval_at(Instant::now() + SAVE_EVERY, SAVE_EVERY);
        loop {
            tokio::select! {
                outcome = &mut driving => {
                    if let Some(saving) = saving {
                        written = saving.await;
                    }
                    self.after_company(company, &outcome);
                    let denied_by = books.denied_by();
                    return (Ended { outcome, denied_by }, written);
                }
                saved = ended(&mut saving) => {
                    written = saved;
                    saving = None;
                }
                _ = every.tick(), if saving.is_none() => {
                    saving = Some(Box::pin(self.save_so_far(job, written.clone())));
                }
            }
        }
    }

    /// Saves the words written so far. A draft that a person changed meanwhile is left alone.
    async fn save_so_far(&self, job: &Job, written: Option<Draft>) -> Option<Draft> {
        let Some(running) = self.live.of(job.run) else {
            return written;
        };
        let text = running.borrow().text.clone();
        let is_saved = written.as_ref().is_some_and(|draft| draft.text == text);
        if text.is_empty() || is_saved {
            return written;
        }
        let onto = written.as_ref().or(job.before());
        let save = self.save(job, text, DraftState::Writing, onto);
        match self.store.save_draft(&save).await {
            Ok(draft) => Some(draft),
            Err(error) => {
                tracing::warn!(run = %job.run, %error, "the words so far were not saved");
                written
            }
        }
    }
}

/// How a run came out, and which limit stood in its way.
pub(super) struct Ended {
    pub outcome: Outcome,
    pub denied_by: Option<CapName>,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            denied_by: None,
        }
    }
}

/// The outcome of a run that was stopped before its turn came.
fn never_begun(job: &Job, span: (Timestamp, Timestamp)) -> Outcome {
    let links = job.chosen.links.iter();
    Outcome {
        text: None,
        ending: Ending::Cancelled,
        attempts: Vec::new(),
        skipped: links
            .map(|link| Skipped {
                link: link.clone(),
                because: SkipReason::RunEnded,
            })
            .collect(),
        lessons: Vec::new(),
        hedged: false,
        first_choice_cost: None,
        span,
        unsettled: Vec::new(),
    }
}

/// Waits for a future's end; for ever where there is none.
async fn ended<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

/// Masks card numbers and keys: they do not leave this machine.
fn mask(text: &str) -> (String, Vec<String>) {
    let masked = redact(text);
    (masked.text, masked.taken)
}
