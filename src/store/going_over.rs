//! Replies whose ticket was merged: they go over to the ticket it went on in, where people see
//! what becomes of them.

use std::collections::BTreeSet;

use sqlx::AnyConnection;

use super::{Store, error::Trouble, outbox::one, rows, tickets};
use crate::domain::{Envelope, OutboxId, OutboxRow, Ticket};

impl Store {
    /// Returns a reply with the living ticket that it belongs to, which stays locked with its own.
    pub(super) async fn locked_reply(
        &self,
        tx: &mut AnyConnection,
        id: OutboxId,
    ) -> Result<(OutboxRow, Ticket), Trouble> {
        let mut row = one(tx, id).await?;
        loop {
            let mut locked = self
                .locked_living(tx, &BTreeSet::from([row.ticket]))
                .await?;
            let before = row.ticket;
            row = one(tx, id).await?;
            // It may have gone over to another ticket before the lock was there.
            if row.ticket == before {
                let living = locked.tickets.remove(&locked.of(before));
                let living = living.ok_or_else(|| Trouble::not_found("ticket", &before))?;
                return Ok((row, living));
            }
        }
    }
}

/// Lets a reply whose ticket was merged go over to the one it went on in, with its draft: for the
/// people it was written to, to be looked at again if it comes back, and without a word on the
/// status there, which was chosen for the other.
pub(super) async fn go_over(
    tx: &mut AnyConnection,
    row: OutboxRow,
    living: &Ticket,
) -> Result<OutboxRow, Trouble> {
    if row.ticket == living.id {
        return Ok(row);
    }
    let envelope = match &row.post {
        Some(post) => post.letter.envelope.clone(),
        None => Envelope {
            to: tickets::one(&mut *tx, row.ticket)
                .await?
                .map(|ticket| ticket.requester)
                .filter(|requester| !requester.address.is_empty())
                .into_iter()
                .collect(),
            ..Envelope::default()
        },
    };
    sqlx::query("UPDATE outbox SET ticket = $2, then_status = $3 WHERE id = $1")
        .bind(row.id.to_string())
        .bind(living.id.to_string())
        .bind(rows::word(living.status)?)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "UPDATE drafts SET ticket = $2, state = 'stale', state_before = NULL,
             envelope = COALESCE(envelope, $3)
         WHERE id = $1 AND standing = 'queued'",
    )
    .bind(row.draft.to_string())
    .bind(living.id.to_string())
    .bind(rows::to_json(&envelope)?)
    .execute(tx)
    .await?;
    Ok(OutboxRow {
        ticket: living.id,
        then: living.status,
        ..row
    })
}
