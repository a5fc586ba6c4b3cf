//! At start: what a program that died left behind.
//!
//! Only holds whose lease has run out are touched, each by compare-and-set, so a living process
//! keeps its own. What was held is settled at its ceiling (`~`), and a receipt that ends `lost`
//! says so.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    domain::{
        Attempt, Billed, Cost, DraftState, Ending, Receipt, ReceiptId, Task, Usage,
        fault::FaultClass,
    },
    store::{LostHold, SaveDraft},
};

/// The mark of a draft whose writing was cut off by the end of the program.
const UNFINISHED: &str = "unfinished: the program ended while it was written";

impl Desk {
    /// Settles what was lost and returns how many calls that were.
    pub(super) async fn recover(&self) -> Result<usize, DeskError> {
        let mut lost = 0;
        for hold in self.store.expired_holds(self.clock.now()).await? {
            if !self.store.recover_hold(hold.id, self.clock.now()).await? {
                continue;
            }
            lost += 1;
            let receipt = self.lost_receipt(&hold).await?;
            self.store.write_receipt(&receipt).await?;
            self.mark_unfinished(&hold).await?;
        }
        if lost > 0 {
            let calls = if lost == 1 {
                "1 draft was".to_owned()
            } else {
                format!("{lost} drafts were")
            };
            self.tell(DeskEvent::Note(format!(
                "{calls} being written when deskhand last ended; the cost is counted at its most (~)."
            )));
        }
        Ok(lost)
    }

    async fn lost_receipt(&self, hold: &LostHold) -> Result<Receipt, DeskError> {
        let number = match hold.ticket {
            Some(id) => self.store.ticket(id).await?.map(|ticket| ticket.number),
            None => None,
        };
        let now = self.clock.now();
        Ok(Receipt {
            id: ReceiptId::new(Uuid::now_v7()),
            run: hold.run,
            ticket: hold.ticket,
            ticket_number: number,
            task: Task::Reply,
            agent: self.agent(),
            began: hold.at,
            ended: now,
            chain: vec![hold.link.clone()],
            chain_from: "not known: the program ended".to_owned(),
            attempts: vec![lost_attempt(hold)],
            skipped: Vec::new(),
            ending: Ending::Lost,
            action: "lost: the program ended during the call; counted at its most".to_owned(),
            asked_sha256: hex(&Sha256::digest(b"")),
            words_sent: 0,
            words_whole: 0,
            redacted: Vec::new(),
            first_choice_cost: None,
            sources: Vec::new(),
        })
    }

    /// Keeps the words that had been saved, and says that they are not whole.
    async fn mark_unfinished(&self, hold: &LostHold) -> Result<(), DeskError> {
        let Some(ticket) = hold.ticket else {
            return Ok(());
        };
        let Some(draft) = self.store.draft(ticket, &self.agent()).await? else {
            return Ok(());
        };
        if draft.state != DraftState::Writing {
            return Ok(());
        }
        let mut flags = draft.flags;
        flags.push(UNFINISHED.to_owned());
        self.store
            .save_draft(&SaveDraft {
                ticket,
                author: draft.author,
                answers: draft.answers,
                text: draft.text,
                origin: draft.origin,
                state: DraftState::Ready,
                receipts: draft.receipts,
                flags,
                expected: Some(draft.revision),
                at: self.clock.now(),
            })
            .await?;
        Ok(())
    }
}

fn lost_attempt(hold: &LostHold) -> Attempt {
    Attempt {
        no: u32::try_from(hold.attempt).unwrap_or(1),
        link: hold.link.clone(),
        answered_by: None,
        began: hold.at,
        status: None,
        class: Some(FaultClass::Cut),
        said: Some("the program ended before the answer did".to_owned()),
        request_id: None,
        retry_after: None,
        connect: None,
        first_text: None,
        took: std::time::Duration::ZERO,
        usage: Usage::default(),
        cost: Cost::AtMost(hold.amount),
        price: None,
        billed: Billed::Maybe,
        moved_on_because: None,
        shown: None,
    }
}

/// Writes bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        if write!(text, "{byte:02x}").is_err() {
            text.clear();
        }
        text
    })
}
