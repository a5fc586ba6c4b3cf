//! A draft from a model: ticket to ask, ask to run, run to draft and receipt.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Desk, DeskError,
    books::Books,
    chains::{Chosen, Prepared},
    drive::{Doors, Outcome, drive},
    face::{DraftAsk, Drafted, TicketView},
    voice::Voice,
};
use crate::{
    domain::{
        Cap, Draft, DraftOrigin, DraftState, Ending, MessageId, Receipt, ReceiptId, RunId, Task,
    },
    engine::prompt::{PromptPolicy, Prompted, Thread, digest, prompt},
    store::SaveDraft,
    text::redact::redact,
};

/// How often the words that a model has written are saved: a crash loses no more.
const SAVE_EVERY: Duration = Duration::from_secs(2);
/// The mark of an answer that stopped at the output limit.
pub const AT_THE_LIMIT: &str = "stopped at the limit";
/// The mark of an answer from a later link than the first.
pub const FALLBACK: &str = "fallback";

/// What is known before the first call.
struct Job {
    run: RunId,
    view: TicketView,
    prompted: Prompted,
    chosen: Chosen,
    /// The draft that stood before, if one did: its text comes back when nothing is kept.
    before: Option<Draft>,
    answers: Option<MessageId>,
}

impl Desk {
    /// Makes a draft for a ticket and returns it with its receipt. Progress is in [`Desk::live`];
    /// a cancelled run settles what it cost before it ends. Several may run at once.
    pub async fn draft(
        &self,
        ask: &DraftAsk,
        cancel: &CancellationToken,
    ) -> Result<Drafted, DeskError> {
        if self.settings().config.spend.cap == Cap::NotChosen {
            return Err(DeskError::CapNotChosen);
        }
        let _slot = self.background.slots.acquire().await;
        let token = self.background.tasks.token();
        let job = self.job(ask).await?;
        let prepared = self
            .prepare(&job.chosen, job.prompted.ask.tokens_at_most())
            .await?;
        self.arm_demo();
        let stop = self.stop_on_either(cancel);
        let outcome = self.run(&job, &prepared, &stop).await?;
        stop.cancel();
        let drafted = self.file_outcome(&job, &prepared, outcome).await;
        drop(token);
        drafted
    }

    async fn job(&self, ask: &DraftAsk) -> Result<Job, DeskError> {
        let view = self.ticket(ask.ticket).await?;
        let chosen = self.chain(ask.chain.as_deref()).await?;
        let thread = Thread {
            ticket: &view.ticket,
            messages: &view.messages,
            hint: ask.hint.as_deref(),
        };
        let policy = PromptPolicy {
            output_limit: self.settings().config.engine.output_limit,
            ..PromptPolicy::default()
        };
        let prompted = prompt(thread, &policy, &mask);
        Ok(Job {
            run: RunId::new(Uuid::now_v7()),
            before: view.draft.clone(),
            answers: self.answered_by_draft(ask.ticket).await?,
            view,
            prompted,
            chosen,
        })
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

    async fn run(
        &self,
        job: &Job,
        prepared: &Prepared,
        stop: &CancellationToken,
    ) -> Result<Outcome, DeskError> {
        let ticket = job.view.ticket.id;
        let teller = self.live.begin(job.run, ticket).map_err(|_| {
            DeskError::Nothing("Too many drafts run already. Wait for one, or stop one with Esc.")
        })?;
        let books = Books::new(self, job.run, ticket);
        let voice = Voice::new(&self.transport, &job.prompted.ask, &prepared.endpoints);
        let doors = Doors {
            ledger: &books,
            speaker: &voice,
            clock: self.clock.as_ref(),
            teller: &teller,
        };
        let driving = drive(prepared.plan.clone(), doors, stop);
        tokio::pin!(driving);
        let mut saved = job.before.clone();
        let mut every = tokio::time::interval(SAVE_EVERY);
        every.tick().await;
        loop {
            tokio::select! {
                outcome = &mut driving => return Ok(outcome),
                _ = every.tick() => saved = self.save_so_far(job, saved).await,
            }
        }
    }

    /// Saves the words written so far. A draft that a person changed meanwhile is left alone.
    async fn save_so_far(&self, job: &Job, saved: Option<Draft>) -> Option<Draft> {
        let running = self.live.of(job.run)?.borrow().clone();
        if running.text.is_empty()
            || saved
                .as_ref()
                .is_some_and(|draft| draft.text == running.text)
        {
            return saved;
        }
        let save = self.save(job, running.text, DraftState::Writing, saved.as_ref());
        match self.store.save_draft(&save).await {
            Ok(draft) => Some(draft),
            Err(error) => {
                tracing::warn!(run = %job.run, %error, "the words so far were not saved");
                saved
            }
        }
    }

    fn save(&self, job: &Job, text: String, state: DraftState, onto: Option<&Draft>) -> SaveDraft {
        SaveDraft {
            ticket: job.view.ticket.id,
            author: self.agent(),
            answers: job.answers,
            text,
            origin: DraftOrigin::Ai,
            state,
            receipts: onto.map(|draft| draft.receipts.clone()).unwrap_or_default(),
            flags: Vec::new(),
            expected: onto.map(|draft| draft.revision),
            at: self.clock.now(),
        }
    }

    /// Keeps what came of a run: the receipt first, then the draft, then what was learnt.
    async fn file_outcome(
        &self,
        job: &Job,
        prepared: &Prepared,
        outcome: Outcome,
    ) -> Result<Drafted, DeskError> {
        for lost in &outcome.unsettled {
            tracing::error!(hold = %lost.hold, error = %lost.error, "a cost could not be written");
        }
        let receipt = self.receipt_of(job, &outcome);
        self.store.write_receipt(&receipt).await?;
        let draft = self.keep_text(job, &outcome, &receipt).await?;
        self.learn(&outcome.lessons, &prepared.fingerprints).await?;
        if let Some(answer) = receipt.answer()
            && self.store.first_provider().await?.is_none()
        {
            let provider = &answer.link.provider;
            self.store
                .set_first_provider(provider, self.clock.now())
                .await?;
        }
        self.announce().await?;
        self.tell(super::face::DeskEvent::TicketChanged(job.view.ticket.id));
        Ok(Drafted { draft, receipt })
    }

    fn receipt_of(&self, job: &Job, outcome: &Outcome) -> Receipt {
        let ticket = &job.view.ticket;
        Receipt {
            id: ReceiptId::new(Uuid::now_v7()),
            run: job.run,
            ticket: Some(ticket.id),
            ticket_number: Some(ticket.number),
            task: Task::Reply,
            agent: self.agent(),
            began: outcome.span.0,
            ended: outcome.span.1,
            chain: job.chosen.links.clone(),
            chain_from: job.chosen.from.clone(),
            attempts: outcome.attempts.clone(),
            skipped: outcome.skipped.clone(),
            ending: outcome.ending,
            action: action_words(outcome.ending).to_owned(),
            asked_sha256: digest(&job.prompted.ask),
            words_sent: job.prompted.words_sent,
            words_whole: job.prompted.words_whole,
            redacted: job.prompted.redacted.clone(),
            first_choice_cost: outcome.first_choice_cost,
            sources: job.prompted.sources.clone(),
        }
    }

    /// Saves the answer, or brings back what stood before when there is none.
    async fn keep_text(
        &self,
        job: &Job,
        outcome: &Outcome,
        receipt: &Receipt,
    ) -> Result<Option<Draft>, DeskError> {
        let now = self.store.draft(job.view.ticket.id, &self.agent()).await?;
        let Some(text) = &outcome.text else {
            return self.take_back(job, now).await;
        };
        let was_changed_by_hand = changed_by_hand(job.before.as_ref(), now.as_ref());
        let mut save = self.save(job, text.clone(), DraftState::Ready, now.as_ref());
        save.receipts.push(receipt.id);
        if outcome.ending == Ending::Truncated {
            save.flags.push(AT_THE_LIMIT.to_owned());
        }
        if receipt.is_fallback() {
            save.flags.push(FALLBACK.to_owned());
        }
        let kept = self.store.save_draft(&save).await?;
        let Some(by_hand) = now.filter(|_| was_changed_by_hand) else {
            return Ok(Some(kept));
        };
        // A person wrote while the model did: theirs stands, the model's is the revision before.
        let mut theirs = self.save(job, by_hand.text, DraftState::Ready, Some(&kept));
        theirs.origin = by_hand.origin;
        Ok(Some(self.store.save_draft(&theirs).await?))
    }

    /// Undoes the saving of words that do not count.
    async fn take_back(&self, job: &Job, now: Option<Draft>) -> Result<Option<Draft>, DeskError> {
        let Some(now) = now.filter(|draft| draft.state == DraftState::Writing) else {
            return Ok(self.store.draft(job.view.ticket.id, &self.agent()).await?);
        };
        let Some(before) = &job.before else {
            self.store.discard_draft(now.id, self.clock.now()).await?;
            return Ok(None);
        };
        let mut save = self.save(job, before.text.clone(), before.state, Some(&now));
        save.origin = before.origin;
        save.receipts.clone_from(&before.receipts);
        save.flags.clone_from(&before.flags);
        Ok(Some(self.store.save_draft(&save).await?))
    }
}

/// Tells whether the draft that stands now was saved by a person after the run began.
fn changed_by_hand(before: Option<&Draft>, now: Option<&Draft>) -> bool {
    match (before, now) {
        (_, None) => false,
        (None, Some(now)) => now.origin != DraftOrigin::Ai,
        (Some(before), Some(now)) => {
            now.revision > before.revision && now.origin != DraftOrigin::Ai
        }
    }
}

fn action_words(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered => "drafted",
        Ending::Truncated => "drafted, but it stopped at the output limit",
        Ending::OverCap => "denied: over the cap",
        Ending::Failed => "nothing drafted: every link that was tried failed",
        Ending::Offline => "nothing drafted: no provider could be reached",
        Ending::NoLink => "nothing drafted: no link could be tried",
        Ending::KeyRefused => "nothing drafted: a key was refused",
        Ending::BadInput => "nothing drafted: the request was not accepted",
        Ending::TooLong => "nothing drafted: the ticket is too long for the models",
        Ending::Refused => "nothing drafted: the model declined",
        Ending::Cancelled => "cancelled by a person",
        Ending::Lost => "lost: the program ended during the call",
    }
}

/// Masks card numbers and keys: they do not leave this machine.
fn mask(text: &str) -> (String, Vec<String>) {
    let masked = redact(text);
    (masked.text, masked.taken)
}
