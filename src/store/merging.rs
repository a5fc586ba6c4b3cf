//! Tickets put together, and the whole of it undone: messages go over with what refers to them,
//! and it is noted which they were.

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    error::Trouble,
    events::{Happened, Verb},
    merged::{self, Merged},
    tickets_write, tray,
};
use crate::domain::{
    Status, Ticket, TicketId, Timestamp,
    joining::{Layer, NotJoined},
};

impl Store {
    /// Returns the two tickets of a merge as they stand, or says why they are not merged.
    pub async fn to_merge(
        &self,
        (from, into): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), StoreError> {
        self.told("look at the tickets", async {
            let mut tx = self.begin().await?;
            let both = self.pair(&mut tx, (from, into)).await?;
            tx.take_back().await?;
            Ok(both)
        })
        .await
    }

    /// Merges a ticket into another: its messages go over, and mail that answers them later goes
    /// to the other, also when that is merged again. The other takes the more urgent status of
    /// the two.
    pub async fn merge(
        &self,
        ids: (TicketId, TicketId),
        by: &str,
        at: Timestamp,
    ) -> Result<Ticket, StoreError> {
        self.told("merge the tickets", async {
            let mut tx = self.begin().await?;
            let (mut source, mut target) = self.pair(&mut tx, ids).await?;
            let was = source
                .quarantined_because
                .is_none()
                .then_some(source.status);
            let layer = Layer::new(source.id, was, target.status);
            merged::note(&mut tx, &source, &target).await?;
            merged::move_all(&mut tx, ids).await?;
            if source.last_customer_message_at.is_some() {
                // Its draft was written without what the customer says there.
                tray::make_stale(&mut tx, target.id).await?;
            }
            target.messages += source.messages;
            target.last_customer_message_at = target
                .last_customer_message_at
                .max(source.last_customer_message_at);
            target.status = layer.into.1;
            touch(&mut target, at);
            source.messages = 0;
            source.status = Status::Merged;
            touch(&mut source, at);
            tickets_write::write_ticket(&mut tx, &source, None).await?;
            tickets_write::write_ticket(&mut tx, &target, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &source.id.to_string(),
                actor: by,
                detail: &merged::went_over(&layer, target.id)?,
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(target)
        })
        .await
    }

    /// Undoes a merge: the messages that went over, and were not split off since, come back, and
    /// the ticket is what it was. Returns it, and the one it had gone on in, which stands again
    /// as it would without the merge, unless somebody changed that or wrote there since.
    ///
    /// What came after the merge stays where it was filed.
    pub async fn unmerge(
        &self,
        merged: TicketId,
        by: &str,
        at: Timestamp,
    ) -> Result<(Ticket, Ticket), StoreError> {
        self.told("undo the merge", async {
            let mut tx = self.begin().await?;
            let (mut source, mut target, noted) = self.merged_pair(&mut tx, merged).await?;
            // On its way from there it would be filed where its conversation is no more.
            if is_reply_under_way(&mut tx, target.id).await? {
                return Err(not_joined(NotJoined::OnItsWay(target.number)));
            }
            let before = merged::status_before(&mut tx, merged).await?;
            let back = merged::move_back(&mut tx, (merged, target.id)).await?;
            let had_some = source.last_customer_message_at.is_some();
            if had_some && source.messages + back == 0 {
                return Err(not_joined(NotJoined::NothingLeft(source.number)));
            }
            target.messages -= back;
            target.status = merged::status_without(&mut tx, &target, merged).await?;
            merged::ask_without(&mut tx, &mut target, (&source, noted.asked_before)).await?;
            touch(&mut target, at);
            // A reply that was refused may have been filed with it meanwhile.
            source.messages += back;
            source.status = before;
            touch(&mut source, at);
            tickets_write::write_ticket(&mut tx, &source, None).await?;
            tickets_write::write_ticket(&mut tx, &target, None).await?;
            let happened = Happened {
                verb: Verb::TicketChanged,
                subject: &merged.to_string(),
                actor: by,
                detail: &merged::came_back(target.id)?,
                at,
            };
            self.commit(tx, &happened).await?;
            Ok((source, target))
        })
        .await
    }

    /// Locks two tickets that are to be merged, or says why they are not.
    async fn pair(
        &self,
        tx: &mut AnyConnection,
        (from, into): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), Trouble> {
        let (source, target) = self.both_locked(tx, (from, into)).await?;
        if from == into {
            return Err(not_joined(NotJoined::Itself(source.number)));
        }
        for one in [&source, &target] {
            let (number, status) = (one.number, one.status);
            if matches!(status, Status::Merged | Status::Deleted | Status::Spam) {
                return Err(not_joined(NotJoined::Over { number, status }));
            }
            if is_reply_under_way(tx, one.id).await? {
                return Err(not_joined(NotJoined::OnItsWay(number)));
            }
        }
        if let Some(because) = &target.quarantined_because
            && source.quarantined_because.is_none()
        {
            return Err(not_joined(NotJoined::Quarantined {
                number: target.number,
                because: because.clone(),
            }));
        }
        Ok((source, target))
    }

    /// Locks a merged ticket and the one it went on in, or says why the merge is not undone;
    /// returns also what was noted of it.
    async fn merged_pair(
        &self,
        tx: &mut AnyConnection,
        merged: TicketId,
    ) -> Result<(Ticket, Ticket, Merged), Trouble> {
        let seen = merged::noted(tx, merged).await?;
        let into = seen.map_or(merged, |noted| noted.went_on);
        let (source, target) = self.both_locked(tx, (merged, into)).await?;
        // What was read before the locks may have been undone by then.
        let noted = merged::noted(tx, merged).await?;
        let Some(noted) = noted.filter(|noted| merged != into && noted.went_on == into) else {
            return Err(not_joined(NotJoined::NotMerged(source.number)));
        };
        if source.status != Status::Merged {
            return Err(not_joined(NotJoined::NotMerged(source.number)));
        }
        if target.status == Status::Merged {
            let (number, into) = (source.number, target.number);
            return Err(not_joined(NotJoined::WentOn { number, into }));
        }
        Ok((source, target, noted))
    }

    /// Locks two tickets in one order, whichever is named first: two that do so never wait for
    /// each other.
    async fn both_locked(
        &self,
        tx: &mut AnyConnection,
        (one, other): (TicketId, TicketId),
    ) -> Result<(Ticket, Ticket), Trouble> {
        let low = self.locked_ticket(tx, one.min(other)).await?;
        let high = self.locked_ticket(tx, one.max(other)).await?;
        Ok(if one <= other {
            (low, high)
        } else {
            (high, low)
        })
    }
}

fn not_joined(why: NotJoined) -> Trouble {
    Trouble::Told(StoreError::NotJoined(why))
}

fn touch(ticket: &mut Ticket, at: Timestamp) {
    ticket.updated_at = ticket.updated_at.max(at);
    ticket.version += 1;
}

/// Tells whether a reply of a ticket has been written and has not come to an end. An automatic
/// answer keeps nobody: it is filed where its ticket went on.
async fn is_reply_under_way(tx: &mut AnyConnection, ticket: TicketId) -> Result<bool, Trouble> {
    let row = sqlx::query(
        "SELECT 1 AS one FROM outbox
         WHERE ticket = $1 AND kind = 'reply' AND account IS NOT NULL
             AND delivery IN ('held', 'sending', 'unsure')",
    )
    .bind(ticket.to_string())
    .fetch_optional(tx)
    .await?;
    Ok(row.is_some())
}
