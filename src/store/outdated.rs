//! What somebody's new message made stale: drafts, until they are kept; held replies, which are drafts
//! again; those on their way are marked.

use sqlx::AnyConnection;

use super::{
    SaveDraft, Store, StoreError,
    drafts::{self, Standing, moved},
    drafts_back,
    error::Trouble,
    events::Verb,
    outbox::{SELECT, outbox_row},
    rows,
    search::Sql,
};
use crate::domain::{
    CAME_BACK, Draft, DraftId, DraftState, MessageId, OutboxId, OutboxRow, TicketId, Timestamp,
};

impl Store {
    /// Says of a stale draft that it answers what came meanwhile too: its newest message is `answers`.
    /// None, and nothing changes, where there are other messages of people than the `seen` ones.
    pub async fn keep_draft(
        &self,
        id: DraftId,
        (answers, seen): (Option<MessageId>, u64),
        at: Timestamp,
    ) -> Result<Option<Draft>, StoreError> {
        self.told("keep the draft", async {
            let mut tx = self.begin().await?;
            let (draft, standing) = self.locked_draft(&mut tx, id).await?;
            if standing != Standing::Live {
                let because = "it is not live any more";
                return Err(Trouble::conflict(because, None, &draft.text));
            }
            let is_outrun = messages_of_people(&mut tx, draft.ticket).await? != seen;
            if is_outrun || draft.state != DraftState::Stale {
                tx.take_back().await?;
                return Ok((!is_outrun).then_some(draft));
            }
            sqlx::query("UPDATE drafts SET state = 'ready', answers = $2 WHERE id = $1")
                .bind(id.to_string())
                .bind(answers.map(|answers| answers.to_string()))
                .execute(&mut *tx)
                .await?;
            let subject = draft.ticket.to_string();
            self.commit(tx, &moved(Verb::DraftSaved, &draft, &subject, at))
                .await?;
            Ok(Some(Draft {
                answers,
                state: DraftState::Ready,
                ..draft
            }))
        })
        .await
    }
}

/// Returns where a draft stands after a save. Typing on is no answer to what came meanwhile; a draft
/// that was stale for holding two texts is not, once they are one and nothing came.
pub(super) async fn next_state(
    tx: &mut AnyConnection,
    save: &SaveDraft,
    current: &Draft,
) -> Result<DraftState, Trouble> {
    if save.knew.is_some() || save.state != DraftState::Ready {
        return Ok(save.state);
    }
    let is_outrun = match current.state {
        DraftState::Ready | DraftState::Discarded => false,
        // While a model writes, nothing is marked.
        DraftState::Writing => has_newer(tx, current).await?,
        DraftState::Stale => {
            let was_two = current.text.contains(CAME_BACK) && !save.text.contains(CAME_BACK);
            !was_two || has_newer(tx, current).await?
        }
    };
    Ok(if is_outrun {
        DraftState::Stale
    } else {
        DraftState::Ready
    })
}

/// Brings the held replies of a ticket back as stale drafts: somebody wrote after they were
/// approved. One whose author has begun another draft comes back below it. One that is being sent
/// is marked, and one of which nobody knows: if it does not leave, it comes back too.
pub(super) async fn bring_back(tx: &mut AnyConnection, ticket: TicketId) -> Result<u64, Trouble> {
    let mut sql = Sql::new();
    let key = sql.text_value(ticket.to_string());
    sql.push(SELECT).push(&format!(
        " WHERE ticket = {key} AND delivery = 'held' AND kind = 'reply'"
    ));
    let held = sql.ready().fetch_all(&mut *tx).await?;
    let mut brought_back = 0;
    for row in &held {
        brought_back += u64::from(outdate(tx, &outbox_row(row)?).await?);
    }
    sqlx::query(
        "UPDATE outbox SET is_outdated = 1
         WHERE ticket = $1 AND delivery IN ('sending', 'unsure') AND kind = 'reply'",
    )
    .bind(ticket.to_string())
    .execute(tx)
    .await?;
    Ok(brought_back)
}

/// Brings a held reply back as a stale draft. False, and nothing happens, when a sender has claimed
/// it by now.
async fn outdate(tx: &mut AnyConnection, row: &OutboxRow) -> Result<bool, Trouble> {
    let changed = sqlx::query(
        "UPDATE outbox SET delivery = 'withdrawn', said = 'a new message came before it left'
         WHERE id = $1 AND delivery = 'held'",
    )
    .bind(row.id.to_string())
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if changed == 0 {
        return Ok(false);
    }
    let (draft, standing) = drafts::one(tx, row.draft).await?;
    if standing == Standing::Queued {
        let back = drafts_back::come_back(tx, &draft).await?;
        make_stale(tx, back.id).await?;
    }
    Ok(true)
}

/// Brings a reply back that is held again, if somebody wrote while it was being sent.
pub(super) async fn bring_back_if_outdated(
    tx: &mut AnyConnection,
    row: &OutboxRow,
) -> Result<(), Trouble> {
    if is_outdated(tx, row.id).await? {
        outdate(tx, row).await?;
    }
    Ok(())
}

/// Tells whether somebody wrote while a reply was being sent, or since nobody knows of it.
pub(super) async fn is_outdated(tx: &mut AnyConnection, id: OutboxId) -> Result<bool, Trouble> {
    let marked = sqlx::query("SELECT 1 AS one FROM outbox WHERE id = $1 AND is_outdated = 1")
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    Ok(marked.is_some())
}

pub(super) async fn make_stale(tx: &mut AnyConnection, draft: DraftId) -> Result<(), Trouble> {
    sqlx::query("UPDATE drafts SET state = 'stale' WHERE id = $1 AND standing = 'live'")
        .bind(draft.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts the public messages of people: what a reader of the ticket has seen, or has not.
pub(super) async fn messages_of_people(
    tx: &mut AnyConnection,
    ticket: TicketId,
) -> Result<u64, Trouble> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS n FROM messages
         WHERE ticket = $1 AND kind = 'public' AND auto_class IN ('human', 'list')",
    )
    .bind(ticket.to_string())
    .fetch_one(tx)
    .await?;
    rows::count(&row, "n")
}

/// Tells whether mail was filed after what a draft answers, whatever its own date says; after the draft
/// was begun where it answers nothing.
pub(super) async fn has_newer(tx: &mut AnyConnection, draft: &Draft) -> Result<bool, Trouble> {
    let newer = sqlx::query(
        "SELECT 1 AS one FROM messages
         WHERE ticket = $1 AND kind = 'public' AND direction = 'in'
             AND auto_class IN ('human', 'list')
             AND filed_at > COALESCE(
                 (SELECT filed_at FROM messages WHERE id = $3),
                 (SELECT MIN(saved_at) FROM draft_revisions WHERE draft = $2), $4)
         LIMIT 1",
    )
    .bind(draft.ticket.to_string())
    .bind(draft.id.to_string())
    .bind(draft.answers.map(|answers| answers.to_string()))
    // A reply that a command brought has no revision of its own.
    .bind(draft.saved_at.as_microsecond())
    .fetch_optional(tx)
    .await?;
    Ok(newer.is_some())
}

/// Marks the drafts that others have begun on a ticket: one of them has answered it.
pub(super) async fn make_others_stale(
    tx: &mut AnyConnection,
    ticket: TicketId,
    author: &str,
) -> Result<(), Trouble> {
    sqlx::query(
        "UPDATE drafts SET state = 'stale'
         WHERE ticket = $1 AND standing = 'live' AND state = 'ready' AND author <> $2",
    )
    .bind(ticket.to_string())
    .bind(author)
    .execute(tx)
    .await?;
    Ok(())
}
