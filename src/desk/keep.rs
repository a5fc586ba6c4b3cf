//! What is kept of a run: the receipt, the text, what was learnt, what must still be settled.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{
    Chosen, Desk, DeskError,
    draft::{Ended, Job},
    drive::{Outcome, Unsettled},
    face::{DeskEvent, Drafted, TicketView},
    send::letter::messages_of_people,
};
use crate::{
    domain::{
        CAME_BACK, Draft, DraftOrigin, DraftState, Ending, MAY_HAVE_LEFT, ProviderName, Receipt,
        ReceiptId, RunId, Task, Timestamp,
    },
    engine::prompt::{Prompted, digest},
    store::{SaveDraft, StoreError},
};

/// The fingerprints of the keys that a run used.
type Keys = BTreeMap<ProviderName, String>;

/// The mark of an answer that stopped at the output limit.
const AT_THE_LIMIT: &str = "stopped at the limit";
/// The mark of an answer from a later link than the first.
const FALLBACK: &str = "fallback";
/// So often a text is saved again when a person saved at the same moment.
const KEEP_TRIES: u32 = 5;
/// So long apart a cost is tried again that could not be written.
const SETTLE_PAUSE: Duration = Duration::from_secs(5);

impl Desk {
    /// Keeps what came of a run. A part that cannot be written does not take the others with it.
    pub(super) async fn file_outcome(
        &self,
        job: &Job,
        keys: &Keys,
        Ended { outcome, denied_by }: Ended,
        written: Option<Draft>,
    ) -> Result<Drafted, DeskError> {
        for unsettled in &outcome.unsettled {
            self.settle_later(unsettled);
        }
        let mut receipt = receipt_of(
            (job.run, &job.agent),
            Some(&job.view),
            &job.chosen,
            &job.prompted,
            &outcome,
        );
        if let Some(cap) = denied_by.filter(|_| receipt.ending == Ending::OverCap) {
            receipt.action = format!("denied: over {}", cap.words());
        }
        // The text first: a draft must not stay half written when we are killed between the two.
        let kept = self
            .keep_text(job, &outcome, &receipt, written.as_ref())
            .await;
        let noted = self.store.write_receipt(&receipt).await;
        // Before the ledger is told of: who reads the meter then knows of the draft that waits.
        let missed = self.note_missed(job.ticket(), &receipt).await;
        let after = self.after(keys, &outcome, &receipt).await;
        for error in [missed.err(), after.err()].into_iter().flatten() {
            tracing::warn!(run = %job.run, %error, "what a run taught was not noted");
        }
        self.tell(DeskEvent::TicketChanged(job.ticket()));
        noted?;
        Ok(Drafted {
            draft: kept?,
            receipt,
        })
    }

    /// Notes what the run taught, and says aloud what it brought the ledger to.
    async fn after(
        &self,
        keys: &Keys,
        outcome: &Outcome,
        receipt: &Receipt,
    ) -> Result<(), DeskError> {
        let learnt = self.learn(&outcome.lessons, keys, outcome.span.0).await;
        if let Some(answer) = receipt.answer()
            && self.store.first_provider().await?.is_none()
        {
            let provider = &answer.link.provider;
            self.store
                .set_first_provider(provider, self.clock.now())
                .await?;
        }
        self.announce().await?;
        self.say_if_back(receipt).await?;
        learnt
    }

    /// Goes on trying to write a cost while the desk is open; else the next start counts the whole
    /// hold.
    pub(super) fn settle_later(&self, unsettled: &Unsettled) {
        let Unsettled { hold, cost, error } = unsettled.clone();
        tracing::error!(%hold, %error, "a cost could not be written yet");
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let stop = self.background.stop.clone();
        drop(self.background.tasks.spawn(async move {
            while store.settle(hold, cost, clock.now()).await.is_err() {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(SETTLE_PAUSE) => {}
                }
            }
        }));
    }

    /// Saves the answer, or brings back what stood before when there is none; again when somebody
    /// saved at the same moment, for the answer is paid.
    async fn keep_text(
        &self,
        job: &Job,
        outcome: &Outcome,
        receipt: &Receipt,
        written: Option<&Draft>,
    ) -> Result<Option<Draft>, DeskError> {
        let mut tries = 0;
        loop {
            let now = self.store.draft(job.ticket(), &job.agent).await?;
            let kept = match &outcome.text {
                Some(text) => self.put(job, text, receipt, (now, written)).await.map(Some),
                None => self.take_back(job, now, written).await,
            };
            tries += 1;
            match kept {
                Err(DeskError::Store(StoreError::Conflict(_))) if tries < KEEP_TRIES => {}
                Err(DeskError::Store(StoreError::Busy { .. } | StoreError::Full { .. }))
                    if tries < KEEP_TRIES && outcome.text.is_some() =>
                {
                    // The answer is paid: it is worth a wait.
                    tokio::time::sleep(SETTLE_PAUSE).await;
                }
                kept => return kept,
            }
        }
    }

    /// Saves the answer. What a person wrote meanwhile stands, and what came back from the outbox;
    /// the answer is the revision before.
    async fn put(
        &self,
        job: &Job,
        text: &str,
        receipt: &Receipt,
        (now, written): (Option<Draft>, Option<&Draft>),
    ) -> Result<Draft, DeskError> {
        let known = written.or(job.before());
        let changed = now
            .as_ref()
            .filter(|now| was_changed(known, now, receipt.began))
            .cloned();
        let mut save = self.save(job, text.to_owned(), DraftState::Ready, now.as_ref());
        save.receipts.push(receipt.id);
        if receipt.ending == Ending::Truncated {
            save.flags.push(AT_THE_LIMIT.to_owned());
        }
        if receipt.is_fallback() {
            save.flags.push(FALLBACK.to_owned());
        }
        let kept = self.store.save_draft(&save).await?;
        let Some(changed) = changed else {
            return Ok(kept);
        };
        let state = match changed.state {
            DraftState::Stale => DraftState::Stale,
            DraftState::Writing | DraftState::Ready | DraftState::Discarded => DraftState::Ready,
        };
        let whole = with_answer(&changed.text, written, text);
        let mut theirs = self.save(job, whole, state, Some(&kept));
        theirs.origin = changed.origin;
        theirs.flags = changed.flags;
        theirs.answers = changed.answers;
        let saved = self.store.save_draft(&theirs).await?;
        match &changed.envelope {
            // The answer below it is no reason to send it to somebody else.
            Some(envelope) if saved.envelope.is_none() => {
                let at = self.clock.now();
                Ok(self.store.set_envelope(saved.id, envelope, at).await?)
            }
            _ => Ok(saved),
        }
    }

    /// Undoes the saving of words that do not count; what others saved meanwhile stands.
    async fn take_back(
        &self,
        job: &Job,
        now: Option<Draft>,
        written: Option<&Draft>,
    ) -> Result<Option<Draft>, DeskError> {
        let Some(now) = now else { return Ok(None) };
        let is_ours =
            written.is_some_and(|ours| ours.id == now.id && ours.revision == now.revision);
        if !is_ours {
            return Ok(Some(now));
        }
        let Some(before) = job.before() else {
            self.store.discard_draft(now.id, self.clock.now()).await?;
            return Ok(None);
        };
        let mut save = self.save(job, before.text.clone(), before.state, Some(&now));
        save.origin = before.origin;
        save.answers = before.answers;
        save.receipts.clone_from(&before.receipts);
        save.flags.clone_from(&before.flags);
        Ok(Some(self.store.save_draft(&save).await?))
    }

    /// Makes a save of the model's words.
    pub(super) fn save(
        &self,
        job: &Job,
        text: String,
        state: DraftState,
        onto: Option<&Draft>,
    ) -> SaveDraft {
        // Until they are whole, the text before may come back with what it answers.
        let before = onto.filter(|_| state == DraftState::Writing);
        SaveDraft {
            ticket: job.ticket(),
            author: job.agent.clone(),
            answers: before.map_or(job.answers, |before| before.answers),
            text,
            origin: DraftOrigin::Ai,
            state,
            receipts: onto.map(|draft| draft.receipts.clone()).unwrap_or_default(),
            // What is known of words that were sent before holds whoever writes the next ones.
            flags: onto
                .filter(|draft| draft.may_have_left())
                .map(|_| vec![MAY_HAVE_LEFT.to_owned()])
                .unwrap_or_default(),
            knew: Some(messages_of_people(&job.view.messages)),
            expected: onto.map(|draft| draft.revision),
            at: self.clock.now(),
        }
    }
}

/// Makes the receipt of a run.
pub(super) fn receipt_of(
    (run, agent): (RunId, &str),
    view: Option<&TicketView>,
    chosen: &Chosen,
    prompted: &Prompted,
    outcome: &Outcome,
) -> Receipt {
    let ticket = view.map(|view| &view.ticket);
    Receipt {
        id: ReceiptId::new(Uuid::now_v7()),
        run,
        ticket: ticket.map(|ticket| ticket.id),
        ticket_number: ticket.map(|ticket| ticket.number),
        task: Task::Reply,
        agent: agent.to_owned(),
        began: outcome.span.0,
        ended: outcome.span.1,
        chain: chosen.links.clone(),
        chain_from: chosen.from.clone(),
        attempts: outcome.attempts.clone(),
        skipped: outcome.skipped.clone(),
        ending: outcome.ending,
        action: action_words(outcome.ending).to_owned(),
        asked_sha256: digest(&prompted.ask),
        words_sent: prompted.words_sent,
        words_whole: prompted.words_whole,
        redacted: prompted.redacted.clone(),
        first_choice_cost: outcome.first_choice_cost,
        sources: prompted.sources.clone(),
    }
}

/// Tells whether a person saved the draft after what the run knows of it, or a reply that did not
/// leave came back to it: below the words so far, or as the older draft that it was.
fn was_changed(known: Option<&Draft>, now: &Draft, began: Timestamp) -> bool {
    let is_another = known.is_none_or(|known| known.id != now.id);
    let is_newer = is_another || known.is_some_and(|known| now.revision > known.revision);
    let came_back = now.state == DraftState::Stale || (is_another && now.saved_at <= began);
    is_newer && (came_back || now.origin != DraftOrigin::Ai)
}

/// Puts the answer where its first words stand above a reply that came back to them.
fn with_answer(theirs: &str, written: Option<&Draft>, answer: &str) -> String {
    let first_words = written.map(|written| written.text.trim_end());
    match first_words.and_then(|words| theirs.strip_prefix(words)) {
        Some(rest) if rest.trim_start().starts_with(CAME_BACK) => {
            format!("{}{rest}", answer.trim_end())
        }
        Some(_) | None => theirs.to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DraftId, TicketId};

    fn draft(id: DraftId, revision: i64, second: i64) -> Draft {
        Draft {
            id,
            ticket: TicketId::new(Uuid::nil()),
            author: "noor".to_owned(),
            answers: None,
            text: "Words.".to_owned(),
            revision,
            origin: DraftOrigin::Ai,
            state: DraftState::Ready,
            receipts: Vec::new(),
            flags: Vec::new(),
            envelope: None,
            saved_at: Timestamp::from_second(second).unwrap(),
        }
    }

    #[test]
    fn a_run_notices_what_came_back_also_if_a_model_wrote_that() {
        let id = DraftId::new(Uuid::from_u128(1));
        let began = Timestamp::from_second(100).unwrap();
        let ours = draft(id, 2, 110);
        let joined = Draft {
            state: DraftState::Stale,
            ..draft(id, 3, 110)
        };
        let stale = Draft {
            state: DraftState::Stale,
            ..ours.clone()
        };
        let revived = draft(DraftId::new(Uuid::from_u128(2)), 1, 90);
        let of_another_run = draft(DraftId::new(Uuid::from_u128(3)), 1, 105);

        for (known, now, is_changed) in [
            (Some(&ours), &ours, false),
            (Some(&ours), &stale, false),
            (Some(&ours), &joined, true),
            (Some(&ours), &revived, true),
            (None, &revived, true),
            (None, &of_another_run, false),
        ] {
            assert_eq!(
                was_changed(known, now, began),
                is_changed,
                "{}",
                now.revision
            );
        }
    }
}
