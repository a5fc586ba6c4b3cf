//! The outbox: replies that wait to leave, written before any socket is opened. How they leave is
//! in `delivering`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Store, StoreError,
    drafts::{self, SaveDraft, Standing},
    drafts_back,
    error::Trouble,
    events::{Happened, Verb},
    filing::Returned,
    flags,
    going_over::go_over,
    joining::Living,
    outdated::{has_newer, is_outdated, make_stale, messages_of_people},
    rows,
    search::Sql,
};
use crate::domain::{
    Delivery, Draft, DraftId, DraftState, OutboxId, OutboxKind, OutboxRow, Post, Progress, Ticket,
    TicketEvent, TicketId, Timestamp,
};

pub(super) const SELECT: &str =
    "SELECT id, kind, ticket, draft, text, then_status, approved_by, queued_at, delivery, account,
         rfc_message_id, post, held_until, next_attempt_at, attempts, said
     FROM outbox";

/// A reply to put into the outbox.
pub struct Queueing<'a> {
    /// The row.
    pub row: &'a OutboxRow,
    /// The mail as it leaves, where there is a way.
    pub mime: Option<&'a [u8]>,
    /// The draft it comes from.
    pub from: QueuedFrom<'a>,
    /// How many messages of people the ticket had when its reader approved the reply; with more
    /// now, the reply is stale and is refused. None queues it whatever came.
    pub seen_messages: Option<u64>,
}

/// Where a reply's text was before.
pub enum QueuedFrom<'a> {
    /// In the live draft, at this revision.
    Live(i64),
    /// Nowhere: a command brought it. The draft is made with it, for when it is taken back.
    Nowhere(&'a SaveDraft),
}

/// What came of putting a reply into the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueAnswer {
    /// It is there.
    Queued,
    /// Somebody wrote after the reader looked; nothing was queued.
    Stale,
}

impl Store {
    /// Puts a reply into the outbox and takes its draft off the desk, both or neither. Refused
    /// when the ticket takes no reply, or when the draft is not live any more or not at the
    /// revision that was approved. The ticket keeps its status until the reply has left.
    pub async fn queue_reply(&self, queueing: &Queueing<'_>) -> Result<QueueAnswer, StoreError> {
        let row = queueing.row;
        self.told("queue the reply", async {
            let mut tx = self.begin().await?;
            let key = row.ticket.to_string();
            let ticket = self.locked_ticket(&mut tx, row.ticket).await?;
            if let Some(seen) = queueing.seen_messages
                && messages_of_people(&mut tx, row.ticket).await? != seen
            {
                make_stale(&mut tx, row.draft).await?;
                self.commit(tx, &happened(Verb::DraftSaved, row, (&key, row.queued_at)))
                    .await?;
                return Ok(QueueAnswer::Stale);
            }
            ticket
                .status
                .after(&TicketEvent::AgentReply(Some(row.then)))?;
            let draft = self.draft_to_queue(&mut tx, queueing).await?;
            insert(&mut tx, row, (draft, queueing.mime)).await?;
            // If it comes back, it is still for those whom its writer saw.
            let envelope = row.post.as_ref().map(|post| &post.letter.envelope);
            sqlx::query(
                "UPDATE drafts SET standing = 'queued', envelope = COALESCE($2, envelope)
                 WHERE id = $1",
            )
            .bind(draft.to_string())
            .bind(envelope.map(rows::to_json).transpose()?)
            .execute(&mut *tx)
            .await?;
            self.commit(tx, &happened(Verb::ReplyQueued, row, (&key, row.queued_at)))
                .await?;
            Ok(QueueAnswer::Queued)
        })
        .await
    }

    async fn draft_to_queue(
        &self,
        tx: &mut AnyConnection,
        queueing: &Queueing<'_>,
    ) -> Result<DraftId, Trouble> {
        let row = queueing.row;
        match queueing.from {
            QueuedFrom::Live(revision) => {
                let (draft, standing) = self.locked_draft(tx, row.draft).await?;
                if standing != Standing::Live {
                    let because = "it was discarded or queued there";
                    return Err(Trouble::conflict(because, None, &row.text));
                }
                if draft.revision != revision {
                    let because = "it was saved there after you approved it";
                    return Err(Trouble::conflict(because, Some(draft), &row.text));
                }
                if draft.ticket != row.ticket {
                    return Err(Trouble::not_found("draft on that ticket", &row.draft));
                }
                Ok(draft.id)
            }
            QueuedFrom::Nowhere(save) => {
                self.locked_ticket(tx, row.ticket).await?;
                let draft = Draft {
                    id: row.draft,
                    envelope: row.post.as_ref().map(|post| post.letter.envelope.clone()),
                    ..drafts::new_draft(save)
                };
                drafts::write_queued(tx, &draft).await?;
                Ok(draft.id)
            }
        }
    }

    /// Returns the replies of one ticket, or of all, newest first.
    pub async fn outbox(&self, ticket: Option<TicketId>) -> Result<Vec<OutboxRow>, StoreError> {
        self.told("read the outbox", async {
            let mut sql = Sql::new();
            sql.push(SELECT);
            if let Some(ticket) = ticket {
                let ticket = sql.text_value(ticket.to_string());
                sql.push(&format!(" WHERE ticket = {ticket}"));
            }
            sql.push(" ORDER BY queued_at DESC, id DESC");
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter().map(outbox_row).collect()
        })
        .await
    }

    /// Returns the replies that have not come to an end, oldest first, with their tickets.
    pub async fn open_outbox(&self) -> Result<Vec<(OutboxRow, Ticket)>, StoreError> {
        let rows = self
            .told("read the outbox", async {
                let mut sql = Sql::new();
                sql.push(SELECT).push(
                    " WHERE delivery IN ('held', 'sending', 'unsure') ORDER BY queued_at, id",
                );
                let rows = sql.ready().fetch_all(self.pool()).await?;
                rows.iter().map(outbox_row).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let mut open = Vec::with_capacity(rows.len());
        for row in rows {
            if let Some(ticket) = self.ticket(row.ticket).await? {
                open.push((row, ticket));
            }
        }
        Ok(open)
    }

    /// Returns one reply of the outbox.
    pub async fn outbox_row(&self, id: OutboxId) -> Result<OutboxRow, StoreError> {
        self.told("read the outbox", async {
            let mut one_connection = self.pool().acquire().await?;
            one(&mut one_connection, id).await
        })
        .await
    }

    /// Returns the reply that was given a Message-ID, if one was.
    pub async fn reply_with_id(&self, message_id: &str) -> Result<Option<OutboxRow>, StoreError> {
        self.told("look up a reply", async {
            let mut sql = Sql::new();
            let id = sql.text_value(message_id.to_owned());
            sql.push(SELECT)
                .push(&format!(" WHERE rfc_message_id = {id}"));
            let row = sql.ready().fetch_optional(self.pool()).await?;
            row.as_ref().map(outbox_row).transpose()
        })
        .await
    }

    /// Returns the mail of a reply as it leaves; none where it has left or has no way.
    pub async fn outbox_mime(&self, id: OutboxId) -> Result<Option<Vec<u8>>, StoreError> {
        self.told("read the outbox", async {
            let row = sqlx::query("SELECT mime FROM outbox WHERE id = $1")
                .bind(id.to_string())
                .fetch_one(self.pool())
                .await?;
            let mime = rows::text_or_none(&row, "mime")?;
            mime.map(|text| {
                let bytes = STANDARD.decode(text);
                bytes.map_err(|_| Trouble::damaged("outbox", &"its base64"))
            })
            .transpose()
        })
        .await
    }

    /// Takes a reply that is held, was refused, or may not have left out of the outbox and brings
    /// its draft back to the desk; where its ticket was merged, to the one it went on in. The draft
    /// of one that may have left says so.
    pub async fn withdraw(&self, id: OutboxId, at: Timestamp) -> Result<Draft, StoreError> {
        self.told("withdraw the reply", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            let row = go_over(&mut tx, row, &living).await?;
            let (draft, standing) = self.locked_draft(&mut tx, row.draft).await?;
            let changed = sqlx::query(
                "UPDATE outbox SET delivery = 'withdrawn', mime = NULL
                 WHERE id = $1 AND delivery IN ('held', 'failed', 'unsure')",
            )
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 || standing != Standing::Queued {
                let because = "the reply is not held any more";
                return Err(Trouble::conflict(because, None, &row.text));
            }
            let mut back = drafts_back::come_back(&mut tx, &draft).await?;
            if row.progress.delivery == Delivery::Unsure {
                flags::may_have_left(&mut tx, &mut back).await?;
            }
            if is_outdated(&mut tx, id).await? {
                make_stale(&mut tx, back.id).await?;
                back.state = DraftState::Stale;
            }
            self.commit(
                tx,
                &happened(Verb::ReplyWithdrawn, &row, (&row.ticket.to_string(), at)),
            )
            .await?;
            Ok(back)
        })
        .await
    }
}

/// Says what happened to a reply of a ticket.
pub(super) fn happened<'a>(
    verb: Verb,
    row: &'a OutboxRow,
    (ticket, at): (&'a str, Timestamp),
) -> Happened<'a> {
    Happened {
        verb,
        subject: ticket,
        actor: &row.approved_by,
        detail: "",
        at,
    }
}

/// Returns the tickets of replies that are reported as not delivered.
pub(super) async fn tickets_of<'r>(
    tx: &mut AnyConnection,
    returned: impl Iterator<Item = &'r Returned>,
) -> Result<Vec<TicketId>, Trouble> {
    let mut tickets = Vec::new();
    for one in returned {
        let row = sqlx::query("SELECT ticket FROM outbox WHERE rfc_message_id = $1")
            .bind(rows::plain(&one.message_id))
            .fetch_optional(&mut *tx)
            .await?;
        if let Some(row) = row {
            tickets.push(rows::parsed(&row, "ticket")?);
        }
    }
    Ok(tickets)
}

/// Makes a sent reply that was not delivered the draft it was, with the reason, on the ticket in
/// which its own goes on; where its author has begun another there, the reason stays with the
/// reply alone.
pub(super) async fn came_back(
    tx: &mut AnyConnection,
    (returned, living): (&Returned, &Living),
    at: Timestamp,
) -> Result<(), Trouble> {
    let mut sql = Sql::new();
    let key = sql.text_value(returned.message_id.clone());
    sql.push(SELECT).push(&format!(
        " WHERE rfc_message_id = {key} AND delivery IN ('sent', 'unsure', 'failed')"
    ));
    let Some(row) = sql.ready().fetch_optional(&mut *tx).await? else {
        return Ok(());
    };
    for address in &returned.nobody_at {
        sqlx::query(
            "INSERT INTO suppressed (address, because, at) VALUES ($1, $2, $3)
             ON CONFLICT (address) DO NOTHING",
        )
        .bind(address.to_lowercase())
        .bind(rows::plain(&returned.words))
        .bind(at.as_microsecond())
        .execute(&mut *tx)
        .await?;
    }
    let mut row = outbox_row(&row)?;
    if row.kind != OutboxKind::Reply || row.progress.delivery == Delivery::Failed {
        return Ok(());
    }
    if let Some(ticket) = living.tickets.get(&living.of(row.ticket)) {
        row = go_over(tx, row, ticket).await?;
    }
    sqlx::query("UPDATE outbox SET said = $2, delivery = 'failed' WHERE id = $1")
        .bind(row.id.to_string())
        .bind(rows::plain(&returned.words))
        .execute(&mut *tx)
        .await?;
    let other = drafts::live(&mut *tx, row.ticket, &row.approved_by).await?;
    if other.is_some() {
        return Ok(());
    }
    let mut flags = vec![returned.words.clone()];
    flags.extend(who_may_have_it(&row, returned));
    sqlx::query(
        "UPDATE drafts SET standing = 'live', state = 'ready', flags = $2
         WHERE id = $1 AND standing = 'queued'",
    )
    .bind(row.draft.to_string())
    .bind(rows::to_json(&flags)?)
    .execute(&mut *tx)
    .await?;
    let (back, _) = drafts::one(tx, row.draft).await?;
    if has_newer(tx, &back).await? {
        make_stale(tx, back.id).await?;
    }
    Ok(())
}

/// Says who may have got a reply that others did not get: they would get it twice.
fn who_may_have_it(row: &OutboxRow, returned: &Returned) -> Option<String> {
    let has_failed = |address: &str| {
        let mut failed = returned.failed.iter();
        failed.any(|failed| failed.eq_ignore_ascii_case(address))
    };
    let everybody = row.post.as_ref()?.letter.envelope.everybody().into_iter();
    let others: Vec<&str> = everybody
        .map(|person| person.address.as_str())
        .filter(|address| !has_failed(address))
        .collect();
    (!others.is_empty() && !returned.failed.is_empty())
        .then(|| format!("{} may have it already", others.join(", ")))
}

pub(super) async fn insert(
    tx: &mut AnyConnection,
    row: &OutboxRow,
    (draft, mime): (DraftId, Option<&[u8]>),
) -> Result<(), Trouble> {
    let post = row.post.as_ref();
    let letter = post.map(|post| rows::to_json(&post.letter)).transpose()?;
    sqlx::query(
        "INSERT INTO outbox (id, ticket, draft, text, then_status, approved_by, queued_at,
             delivery, account, rfc_message_id, post, mime, held_until, kind, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0)",
    )
    .bind(row.id.to_string())
    .bind(row.ticket.to_string())
    .bind(draft.to_string())
    .bind(rows::plain(&row.text))
    .bind(rows::word(row.then)?)
    .bind(rows::plain(&row.approved_by))
    .bind(row.queued_at.as_microsecond())
    .bind(row.progress.delivery.word())
    .bind(post.map(|post| post.account.clone()))
    .bind(post.map(|post| post.rfc_message_id.clone()))
    .bind(letter)
    .bind(mime.map(|bytes| STANDARD.encode(bytes)))
    .bind(row.progress.held_until.map(Timestamp::as_microsecond))
    .bind(rows::word(row.kind)?)
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) async fn one(tx: &mut AnyConnection, id: OutboxId) -> Result<OutboxRow, Trouble> {
    let mut sql = Sql::new();
    let key = sql.text_value(id.to_string());
    sql.push(SELECT).push(&format!(" WHERE id = {key}"));
    let row = sql.ready().fetch_optional(tx).await?;
    row.as_ref()
        .map(outbox_row)
        .transpose()?
        .ok_or_else(|| Trouble::not_found("reply in the outbox", &id))
}

pub(super) fn outbox_row(row: &AnyRow) -> Result<OutboxRow, Trouble> {
    let post = match (
        rows::text_or_none(row, "account")?,
        rows::text_or_none(row, "rfc_message_id")?,
    ) {
        (Some(account), Some(rfc_message_id)) => Some(Post {
            account,
            rfc_message_id,
            letter: rows::json(row, "post")?,
        }),
        (Some(_) | None, _) => None,
    };
    Ok(OutboxRow {
        id: rows::parsed(row, "id")?,
        kind: rows::worded(row, "kind")?,
        ticket: rows::parsed(row, "ticket")?,
        draft: rows::parsed(row, "draft")?,
        text: rows::text(row, "text")?,
        then: rows::worded(row, "then_status")?,
        approved_by: rows::text(row, "approved_by")?,
        queued_at: rows::time(row, "queued_at")?,
        post,
        progress: Progress {
            delivery: rows::worded(row, "delivery")?,
            held_until: rows::time_or_none(row, "held_until")?,
            next_attempt_at: rows::time_or_none(row, "next_attempt_at")?,
            attempts: u32::try_from(rows::int(row, "attempts")?).unwrap_or(u32::MAX),
            said: rows::text_or_none(row, "said")?,
        },
    })
}
