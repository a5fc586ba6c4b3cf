//! Automatic answers: one to each address in a day, few for each sender, and none to who cannot be
//! reached.

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    dialect::Lock,
    drafts,
    error::Trouble,
    events::Verb,
    outbox::{self, happened},
    rows,
};
use crate::domain::{Contact, Draft, DraftOrigin, DraftState, OutboxRow, Timestamp};

/// How many automatic answers may go out.
#[derive(Clone, Copy, Debug)]
pub struct AckLimits<'a> {
    /// To whom it goes.
    pub address: &'a str,
    /// One went there since then: none goes there now.
    pub since: Timestamp,
    /// Who caused it. Answers may be asked for to any address.
    pub sender: &'a str,
    /// So many may be caused by one since then.
    pub most: (u64, Timestamp),
}

impl Store {
    /// Puts an automatic answer into the outbox, unless enough went there, or nobody is at that
    /// address. Tells whether it did.
    pub async fn queue_ack(
        &self,
        (row, mime): (&OutboxRow, &[u8]),
        limits: &AckLimits<'_>,
    ) -> Result<bool, StoreError> {
        let address = limits.address.to_lowercase();
        self.told("queue the automatic answer", async {
            let mut tx = self.begin().await?;
            // One at a time, as a filing is: two at once would both find that none went there.
            self.lock(&mut tx, Lock::Counter, "ticket").await?;
            self.locked_ticket(&mut tx, row.ticket).await?;
            if !may_go(&mut tx, &address, limits).await? {
                tx.commit().await?;
                return Ok(false);
            }
            for noted in [address, written_by(limits.sender)] {
                sqlx::query("INSERT INTO acknowledged (address, at) VALUES ($1, $2)")
                    .bind(noted)
                    .bind(row.queued_at.as_microsecond())
                    .execute(&mut *tx)
                    .await?;
            }
            let draft = Draft {
                id: row.draft,
                ticket: row.ticket,
                author: row.approved_by.clone(),
                answers: None,
                text: row.text.clone(),
                revision: 1,
                origin: DraftOrigin::Human,
                state: DraftState::Ready,
                receipts: Vec::new(),
                flags: Vec::new(),
                envelope: None,
                saved_at: row.queued_at,
            };
            drafts::write_queued(&mut tx, &draft).await?;
            outbox::insert(&mut tx, row, (row.draft, Some(mime))).await?;
            let ticket = row.ticket.to_string();
            self.commit(
                tx,
                &happened(Verb::ReplyQueued, row, (&ticket, row.queued_at)),
            )
            .await?;
            Ok(true)
        })
        .await
    }
}

/// Tells whether one more automatic answer may go out.
async fn may_go(
    tx: &mut AnyConnection,
    address: &str,
    limits: &AckLimits<'_>,
) -> Result<bool, Trouble> {
    let (most, recent) = limits.most;
    let row = sqlx::query(
        "SELECT (SELECT COUNT(*) FROM acknowledged WHERE address = $1 AND at > $2) AS sent,
                (SELECT COUNT(*) FROM suppressed WHERE address = $1) AS nobody,
                (SELECT COUNT(*) FROM acknowledged WHERE address = $3 AND at > $4) AS caused",
    )
    .bind(address)
    .bind(limits.since.as_microsecond())
    .bind(written_by(limits.sender))
    .bind(recent.as_microsecond())
    .fetch_one(tx)
    .await?;
    let is_new = rows::count(&row, "sent")? == 0 && rows::count(&row, "nobody")? == 0;
    Ok(is_new && rows::count(&row, "caused")? < most)
}

/// Returns under what is noted who caused an answer: beside addresses, of which none has a blank.
fn written_by(sender: &str) -> String {
    format!("written by {}", Contact::untagged(sender))
}
