//! What a program that died left behind: money held, words half written, no receipt.
//!
//! Looked for when a desk is opened, and by a desk that stays open. A run is lost when the process
//! that held its money has ended; of another machine's process only the lease tells. What was held
//! is settled at its ceiling (`~`) by compare-and-set, a receipt that ends `lost` tells of every
//! call of the run, and the words that had been saved stay, marked unfinished.

use std::{collections::BTreeMap, time::Duration};

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    Desk, DeskError,
    face::DeskEvent,
    owner::{Fate, Owner},
    serving::BLOCK_OF,
};
use crate::{
    domain::{
        Attempt, Billed, Cost, DraftState, Ending, Receipt, ReceiptId, RunId, Task, Timestamp,
        Usage, Usd, fault::FaultClass,
    },
    store::{HoldState, OpenHold, Revision, SaveDraft},
};

/// The mark of a draft whose writing was cut off by the end of the program.
const UNFINISHED: &str = "unfinished: the program ended while it was written";
/// The mark of a draft that was being rewritten then: the text is the one from before.
const REWRITE_LOST: &str = "as before: the program ended while it was rewritten";
/// How often a desk that stays open looks again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Desk {
    /// Settles what was lost and returns how many drafts that were.
    pub(super) async fn recover(&self) -> Result<usize, DeskError> {
        let mut runs: BTreeMap<RunId, Vec<OpenHold>> = BTreeMap::new();
        for hold in self.store.unfiled_holds().await? {
            runs.entry(hold.run).or_default().push(hold);
        }
        let mut lost = 0;
        let mut of_requests = Usd::ZERO;
        for (run, holds) in runs {
            if !self.is_lost(run, &holds) || !self.bury(run, &holds).await? {
                continue;
            }
            if holds.iter().any(is_block) {
                let amounts = holds.iter().map(|hold| hold.amount);
                of_requests = amounts.fold(of_requests, Usd::plus);
            } else {
                lost += 1;
            }
        }
        if of_requests > Usd::ZERO {
            self.remark(format!(
                "deskhand serve ended in the middle of its work: its requests under way may have cost up to {}, which is counted (~).",
                of_requests.for_people()
            ));
        }
        if lost > 0 {
            let drafts = if lost == 1 {
                "1 draft was".to_owned()
            } else {
                format!("{lost} drafts were")
            };
            self.remark(format!(
                "{drafts} being written when deskhand last ended; the cost is counted at its most (~)."
            ));
        }
        Ok(lost)
    }

    /// Settles what a run of this desk left behind that ended by a fault of ours.
    pub(super) async fn recover_run(&self, run: RunId) -> Result<(), DeskError> {
        let mut holds = self.store.unfiled_holds().await?;
        holds.retain(|hold| hold.run == run);
        self.bury(run, &holds).await?;
        Ok(())
    }

    /// Tells whether nobody will finish a run.
    fn is_lost(&self, run: RunId, holds: &[OpenHold]) -> bool {
        let now = self.clock.now();
        let leases_ran_out = holds.iter().all(|hold| hold.lease_until < now);
        let owner = holds.first().and_then(|hold| Owner::read(&hold.owner));
        match owner.map_or(Fate::Unknown, |owner| owner.fate(self.store.origin())) {
            // Our own purse is never lost while we live, however long the machine slept.
            Fate::Us => {
                leases_ran_out && !holds.iter().any(is_block) && self.live.of(run).is_none()
            }
            Fate::Alive => false,
            Fate::Dead => true,
            Fate::Unknown => leases_ran_out,
        }
    }

    /// Settles what is held, writes the receipt and marks the words; false when somebody else did.
    async fn bury(&self, run: RunId, holds: &[OpenHold]) -> Result<bool, DeskError> {
        let Some(first) = holds.first() else {
            return Ok(false);
        };
        for hold in holds.iter().filter(|hold| hold.state == HoldState::Held) {
            self.store.recover_hold(hold.id, self.clock.now()).await?;
        }
        let mut calls = self.store.unfiled_holds().await?;
        calls.retain(|hold| hold.run == run);
        let agent = Owner::read(&first.owner).map_or_else(|| self.agent(), |owner| owner.agent);
        let receipt = self.lost_receipt(&calls, first, &agent).await?;
        if self.store.write_lost_receipt(&receipt).await?.is_none() {
            return Ok(false);
        }
        self.mark_unfinished(first, &agent, &receipt).await?;
        Ok(true)
    }

    async fn lost_receipt(
        &self,
        calls: &[OpenHold],
        first: &OpenHold,
        agent: &str,
    ) -> Result<Receipt, DeskError> {
        let number = match first.ticket {
            Some(id) => self.store.ticket(id).await?.map(|ticket| ticket.number),
            None => None,
        };
        let mut chain = Vec::new();
        for call in calls {
            if !chain.contains(&call.link) {
                chain.push(call.link.clone());
            }
        }
        Ok(Receipt {
            id: ReceiptId::new(Uuid::now_v7()),
            run: first.run,
            ticket: first.ticket,
            ticket_number: number,
            task: if is_block(first) {
                Task::Request
            } else {
                Task::Reply
            },
            agent: agent.to_owned(),
            began: first.at,
            ended: self.clock.now(),
            chain,
            chain_from: "not known: the program ended".to_owned(),
            attempts: calls.iter().map(lost_attempt).collect(),
            skipped: Vec::new(),
            ending: Ending::Lost,
            action: if is_block(first) {
                "lost: the server ended; what its requests may have cost is counted at its most"
            } else {
                "lost: the program ended during the call; counted at its most"
            }
            .to_owned(),
            asked_sha256: format!("{:x}", Sha256::digest(b"")),
            words_sent: 0,
            words_whole: 0,
            redacted: Vec::new(),
            first_choice_cost: None,
            sources: Vec::new(),
        })
    }

    /// Keeps the words that had been saved, and says that they are not whole. A text that stood
    /// there before the run comes back; the words are then the revision under it.
    async fn mark_unfinished(
        &self,
        hold: &OpenHold,
        agent: &str,
        receipt: &Receipt,
    ) -> Result<(), DeskError> {
        let Some(ticket) = hold.ticket else {
            return Ok(());
        };
        let Some(draft) = self.store.draft(ticket, agent).await? else {
            return Ok(());
        };
        let is_written_by_another = self
            .live
            .running()
            .iter()
            .any(|running| running.ticket == ticket);
        if draft.state != DraftState::Writing || is_written_by_another {
            return Ok(());
        }
        let revisions = self.store.revisions(draft.id).await?;
        let before = before_the_run(&revisions, hold.at);
        let (mut flags, mut receipts) = (draft.flags, draft.receipts);
        flags.push(
            if before.is_some() {
                REWRITE_LOST
            } else {
                UNFINISHED
            }
            .to_owned(),
        );
        receipts.push(receipt.id);
        let (text, origin) = before.map_or((draft.text, draft.origin), |before| {
            (before.text.clone(), before.origin)
        });
        self.store
            .save_draft(&SaveDraft {
                ticket,
                author: draft.author,
                answers: draft.answers,
                text,
                origin,
                state: DraftState::Ready,
                receipts,
                flags,
                knew: None,
                expected: Some(draft.revision),
                at: self.clock.now(),
            })
            .await?;
        self.tell(DeskEvent::TicketChanged(ticket));
        Ok(())
    }
}

/// Returns the text that stood when the run began, if there was one.
fn before_the_run(revisions: &[Revision], began: Timestamp) -> Option<&Revision> {
    revisions
        .iter()
        .filter(|revision| revision.saved_at < began && !revision.text.trim().is_empty())
        .max_by_key(|revision| revision.revision)
}

/// Tells of a call of a lost run. One that was settled before the end keeps its cost; more of it
/// is not known.
/// Tells whether it is the money of a serving process, not of one call.
fn is_block(hold: &OpenHold) -> bool {
    hold.link.provider.0 == BLOCK_OF
}

fn lost_attempt(call: &OpenHold) -> Attempt {
    let is_cut = call.state != HoldState::Settled;
    let said = if is_cut {
        "the program ended before the answer did"
    } else {
        "it was over when the program ended; what came of it is not known"
    };
    Attempt {
        no: u32::try_from(call.attempt).unwrap_or(1),
        link: call.link.clone(),
        answered_by: None,
        began: call.at,
        status: None,
        class: Some(FaultClass::Cut),
        said: Some(said.to_owned()),
        request_id: None,
        retry_after: None,
        connect: None,
        first_text: None,
        took: Duration::ZERO,
        usage: Usage::default(),
        cost: call.settled.unwrap_or(Cost::AtMost(call.amount)),
        price: None,
        billed: if is_cut { Billed::Maybe } else { Billed::Yes },
        moved_on_because: None,
        shown: None,
    }
}
