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
        outcome: Outcome,
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
            attempts: outcome.attempts,
            skipped: outcome.skipped,
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
    /// own records.
    pub(super) fn without_words(mut receipt: Receipt) -> Receipt {
        for attempt in &mut receipt.attempts {
            attempt.shown = None;
            if may_quote(attempt.class, attempt.status) {
                attempt.said = None;
            }
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
        self.receipt((id, run), self.chosen.links.clone(), outcome, None)
    }

    fn digest(&self) -> String {
        match &self.ask.raw {
            Some(raw) => format!("{:x}", Sha256::digest(raw.body.as_bytes())),
            None => crate::engine::prompt::digest(&self.ask),
        }
    }
}

/// Tells whether what was said of an attempt may quote the request or its answer: a provider's words
/// do, unless they are of its account. Without an answer, and of one that points elsewhere, the words
/// are deskhand's own.
fn may_quote(class: Option<FaultClass>, status: Option<u16>) -> bool {
    let has_answered = status.is_some_and(|status| !(300..400).contains(&status));
    has_answered
        && match class {
            Some(
                FaultClass::BadInput
                | FaultClass::TooLong
                | FaultClass::Refused
                | FaultClass::ServerError
                | FaultClass::Overloaded
                | FaultClass::ModelGone
                | FaultClass::Empty
                | FaultClass::Truncated,
            )
            | None => true,
            // Of its account, or said by deskhand itself.
            Some(
                FaultClass::RateLimited
                | FaultClass::OutOfCredit
                | FaultClass::KeyRefused
                | FaultClass::Unreachable
                | FaultClass::TimedOut
                | FaultClass::Cut
                | FaultClass::Cancelled
                | FaultClass::OverCap,
            ) => false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_keeps_words_that_quote_nobody() {
        for (class, status, is_kept) in [
            (FaultClass::BadInput, Some(400), false),
            (FaultClass::ServerError, Some(500), false),
            (FaultClass::ServerError, Some(200), false),
            (FaultClass::ModelGone, Some(403), false),
            (FaultClass::Overloaded, Some(503), false),
            (FaultClass::RateLimited, Some(429), true),
            (FaultClass::OutOfCredit, Some(402), true),
            (FaultClass::TimedOut, Some(200), true),
            // The address of a provider is amiss: that is for the one who set it.
            (FaultClass::BadInput, Some(301), true),
            (FaultClass::BadInput, None, true),
            (FaultClass::Unreachable, None, true),
        ] {
            let quotes = may_quote(Some(class), status);
            assert_eq!(!quotes, is_kept, "{class:?} {status:?}");
        }
    }
}
