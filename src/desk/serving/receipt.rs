//! The receipts of requests.

use sha2::{Digest, Sha256};

use super::PassAsk;
use crate::{
    desk::drive::Outcome,
    domain::{CapName, Ending, FaultClass, LinkName, Receipt, ReceiptId, RunId, Task, Timestamp},
};

impl PassAsk {
    /// Makes the receipt of a request that is over.
    pub(super) fn receipt(
        &self,
        (id, run): (ReceiptId, RunId),
        chain: Vec<LinkName>,
        outcome: &Outcome,
        denied_by: Option<CapName>,
    ) -> Receipt {
        let action = match (outcome.ending, denied_by) {
            (Ending::OverCap, Some(cap)) => format!("denied: over {}", cap.words()),
            (ending, _) => action_words(ending).to_owned(),
        };
        Receipt {
            id,
            run,
            ticket: None,
            ticket_number: None,
            task: Task::Request,
            agent: self.caller.clone(),
            began: outcome.span.0,
            ended: outcome.span.1,
            chain,
            chain_from: self.chosen.from.clone(),
            attempts: outcome.attempts.clone(),
            skipped: outcome.skipped.clone(),
            ending: outcome.ending,
            action,
            asked_sha256: self.digest(),
            words_sent: 0,
            words_whole: 0,
            redacted: Vec::new(),
            first_choice_cost: outcome.first_choice_cost,
            sources: Vec::new(),
        }
    }

    /// Takes words of the request and of answers out of a receipt that is kept: callers have their
    /// own records. What a provider says of a request it refuses may quote it.
    pub(super) fn without_words(mut receipt: Receipt) -> Receipt {
        for attempt in &mut receipt.attempts {
            attempt.shown = None;
            let quotes = matches!(
                attempt.class,
                Some(FaultClass::BadInput | FaultClass::TooLong | FaultClass::Refused)
            );
            attempt.said = attempt.said.take().filter(|_| !quotes);
        }
        receipt
    }

    /// Makes the receipt of a request that a fault of ours ended.
    pub(super) fn broken(&self, (id, run): (ReceiptId, RunId), now: Timestamp) -> Receipt {
        let outcome = Outcome {
            text: None,
            ending: Ending::Lost,
            attempts: Vec::new(),
            skipped: Vec::new(),
            lessons: Vec::new(),
            hedged: false,
            first_choice_cost: None,
            span: (now, now),
            unsettled: Vec::new(),
        };
        self.receipt((id, run), self.chosen.links.clone(), &outcome, None)
    }

    fn digest(&self) -> String {
        match &self.ask.raw {
            Some(raw) => format!("{:x}", Sha256::digest(raw.body.as_bytes())),
            None => crate::engine::prompt::digest(&self.ask),
        }
    }
}

const fn action_words(ending: Ending) -> &'static str {
    match ending {
        Ending::Answered => "answered",
        Ending::Truncated => "answered, but it stopped at the output limit",
        Ending::OverCap => "denied: over the cap",
        Ending::Failed => "not answered: every link that was tried failed",
        Ending::Offline => "not answered: no provider could be reached",
        Ending::NoLink => "not answered: no link could be tried",
        Ending::KeyRefused => "not answered: a key was refused",
        Ending::BadInput => "not answered: the request was not accepted",
        Ending::TooLong => "not answered: the request is too long for the models",
        Ending::Refused => "not answered: the model declined",
        Ending::Cancelled => "stopped: its caller went away",
        Ending::Lost => "lost: the program ended during the call",
    }
}
