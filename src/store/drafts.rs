//! Drafts: one live per ticket and author, every save kept as a revision.

use sqlx::{Any, AnyConnection, Executor, any::AnyRow};

use super::{
    Store, StoreError, drafts_back,
    error::Trouble,
    events::{Happened, Verb},
    outdated::{messages_of_people, next_state},
    rows,
};
use crate::domain::{
    Draft, DraftId, DraftOrigin, DraftState, Envelope, MessageId, Purpose, ReceiptId, TicketId,
    Timestamp,
};

/// A draft to save.
#[derive(Clone)]
pub struct SaveDraft {
    /// The ticket it answers.
    pub ticket: TicketId,
    /// Whose it is.
    pub author: String,
    /// The message it answers.
    pub answers: Option<MessageId>,
    /// The text.
    pub text: String,
    /// Where its words came from.
    pub origin: DraftOrigin,
    /// Where it stands.
    pub state: DraftState,
    /// The AI runs that made it, oldest first.
    pub receipts: Vec<ReceiptId>,
    /// What to know before sending.
    pub flags: Vec<String>,
    /// How many messages of people its writer knew of; with more now, a whole draft is stale. None:
    /// it is as stale as it was before.
    pub knew: Option<u64>,
    /// The revision it builds on; none for a draft that must not exist yet.
    pub expected: Option<i64>,
    /// When.
    pub at: Timestamp,
}

/// A draft as it once was.
#[derive(Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which save it was.
    pub revision: i64,
    /// The text.
    pub text: String,
    /// Where its words came from.
    pub origin: DraftOrigin,
    /// When it was saved.
    pub saved_at: Timestamp,
}

impl std::fmt::Debug for Revision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Revision {} of {} bytes", self.revision, self.text.len())
    }
}

/// Where a draft is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    Queued,
    Discarded,
}

impl Standing {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Queued => "queued",
            Self::Discarded => "discarded",
        }
    }
}

const SELECT_LIVE: &str = "SELECT id, ticket, author, answers, text, revision, origin, standing,
         state, receipts, flags, envelope, saved_at
     FROM drafts WHERE ticket = $1 AND author = $2 AND standing = 'live'";
const SELECT_ONE: &str = "SELECT id, ticket, author, answers, text, revision, origin, standing,
         state, receipts, flags, envelope, saved_at
     FROM drafts WHERE id = $1";

impl Store {
    /// Returns the live draft of an author on a ticket.
    pub async fn draft(&self, ticket: TicketId, author: &str) -> Result<Option<Draft>, StoreError> {
        self.told("read the draft", live(self.pool(), ticket, author))
            .await
    }

    /// Returns who has live drafts, and how many each.
    pub async fn draft_authors(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.told("count the drafts of each author", async {
            let rows = sqlx::query(
                "SELECT author, COUNT(*) AS n FROM drafts WHERE standing = 'live'
                 GROUP BY author ORDER BY author",
            )
            .fetch_all(self.pool())
            .await?;
            rows.iter()
                .map(|row| Ok((rows::text(row, "author")?, rows::count(row, "n")?)))
                .collect()
        })
        .await
    }

    /// Returns who has a live draft with words on a ticket.
    pub async fn writers(&self, ticket: TicketId) -> Result<Vec<String>, StoreError> {
        self.told("read who writes", async {
            let rows = sqlx::query(
                "SELECT author FROM drafts
                 WHERE ticket = $1 AND standing = 'live' AND text <> '' ORDER BY author",
            )
            .bind(ticket.to_string())
            .fetch_all(self.pool())
            .await?;
            rows.iter().map(|row| rows::text(row, "author")).collect()
        })
        .await
    }

    /// Saves a draft as a new revision. `Conflict` when it is not at the expected revision.
    pub async fn save_draft(&self, save: &SaveDraft) -> Result<Draft, StoreError> {
        self.told("save the draft", async {
            let mut tx = self.begin().await?;
            self.locked_ticket(&mut tx, save.ticket).await?;
            let current = live(&mut *tx, save.ticket, &save.author).await?;
            let mut saved = match (save.expected, current) {
                (None, None) => new_draft(save),
                (Some(expected), Some(current)) if current.revision == expected => Draft {
                    state: next_state(&mut tx, save, &current).await?,
                    ..next_draft(save, &current)
                },
                (_, current) => {
                    let because = match &current {
                        Some(_) => "it was saved there after you opened it",
                        None => "it was discarded or queued there",
                    };
                    return Err(Trouble::conflict(because, current, &save.text));
                }
            };
            if let Some(knew) = save.knew.filter(|_| save.state == DraftState::Ready)
                && messages_of_people(&mut tx, save.ticket).await? > knew
            {
                saved.state = DraftState::Stale;
            }
            write_draft(&mut tx, &saved).await?;
            let happened = Happened {
                verb: Verb::DraftSaved,
                subject: &save.ticket.to_string(),
                actor: &save.author,
                detail: "",
                at: save.at,
            };
            self.commit(tx, &happened).await?;
            Ok(saved)
        })
        .await
    }

    /// Says to whom a live draft goes and what goes with it.
    pub async fn set_envelope(
        &self,
        id: DraftId,
        envelope: &Envelope,
        at: Timestamp,
    ) -> Result<Draft, StoreError> {
        self.told("address the draft", async {
            let mut tx = self.begin().await?;
            let (draft, standing) = self.locked_draft(&mut tx, id).await?;
            if standing != Standing::Live {
                let because = "it is not live any more";
                return Err(Trouble::conflict(because, None, &draft.text));
            }
            sqlx::query("UPDATE drafts SET envelope = $2 WHERE id = $1")
                .bind(id.to_string())
                .bind(rows::to_json(envelope)?)
                .execute(&mut *tx)
                .await?;
            let subject = draft.ticket.to_string();
            self.commit(tx, &moved(Verb::DraftSaved, &draft, &subject, at))
                .await?;
            Ok(Draft {
                envelope: Some(envelope.clone()),
                ..draft
            })
        })
        .await
    }

    /// Returns every revision of a draft, oldest first.
    pub async fn revisions(&self, id: DraftId) -> Result<Vec<Revision>, StoreError> {
        self.told("read the revisions", async {
            sqlx::query(
                "SELECT revision, text, origin, saved_at FROM draft_revisions
                 WHERE draft = $1 ORDER BY revision",
            )
            .bind(id.to_string())
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(|row| {
                Ok(Revision {
                    revision: rows::int(row, "revision")?,
                    text: rows::text(row, "text")?,
                    origin: rows::worded(row, "origin")?,
                    saved_at: rows::time(row, "saved_at")?,
                })
            })
            .collect()
        })
        .await
    }

    /// Throws a live draft away; `restore_draft` brings it back.
    pub async fn discard_draft(&self, id: DraftId, at: Timestamp) -> Result<(), StoreError> {
        self.told("discard the draft", async {
            let mut tx = self.begin().await?;
            let (draft, standing) = self.locked_draft(&mut tx, id).await?;
            if standing != Standing::Live {
                let because = "it is not live any more";
                return Err(Trouble::conflict(because, None, &draft.text));
            }
            sqlx::query(
                "UPDATE drafts SET standing = 'discarded', state_before = state,
                     state = 'discarded' WHERE id = $1",
            )
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
            self.commit(
                tx,
                &moved(Verb::DraftDiscarded, &draft, &draft.ticket.to_string(), at),
            )
            .await
        })
        .await
    }

    /// Brings a discarded draft back as it was. `Conflict` when its author has begun another.
    pub async fn restore_draft(&self, id: DraftId, at: Timestamp) -> Result<Draft, StoreError> {
        self.told("restore the draft", async {
            let mut tx = self.begin().await?;
            let (draft, standing) = self.locked_draft(&mut tx, id).await?;
            match standing {
                Standing::Live => {
                    tx.take_back().await?;
                    return Ok(draft);
                }
                Standing::Queued => {
                    let because = "it waits in the outbox; withdraw it there";
                    return Err(Trouble::conflict(because, None, &draft.text));
                }
                Standing::Discarded => {}
            }
            let back = drafts_back::revive(&mut tx, &draft).await?;
            self.commit(
                tx,
                &moved(Verb::DraftRestored, &back, &back.ticket.to_string(), at),
            )
            .await?;
            Ok(back)
        })
        .await
    }

    /// Returns a draft whose ticket stays locked, and with it the draft.
    pub(super) async fn locked_draft(
        &self,
        tx: &mut AnyConnection,
        id: DraftId,
    ) -> Result<(Draft, Standing), Trouble> {
        let (mut found, _) = one(tx, id).await?;
        loop {
            self.locked_ticket(tx, found.ticket).await?;
            let (draft, standing) = one(tx, id).await?;
            // It may have gone over to another ticket before the lock was there.
            if draft.ticket == found.ticket {
                return Ok((draft, standing));
            }
            found = draft;
        }
    }
}

/// Reads the live draft of an author for a ticket.
pub(super) async fn live<'e>(
    from: impl Executor<'e, Database = Any>,
    ticket: TicketId,
    author: &str,
) -> Result<Option<Draft>, Trouble> {
    let row = sqlx::query(SELECT_LIVE)
        .bind(ticket.to_string())
        .bind(rows::plain(author))
        .fetch_optional(from)
        .await?;
    row.as_ref().map(draft).transpose()
}

pub(super) async fn one(tx: &mut AnyConnection, id: DraftId) -> Result<(Draft, Standing), Trouble> {
    let row = sqlx::query(SELECT_ONE)
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?
        .ok_or_else(|| Trouble::not_found("draft", &id))?;
    let word = rows::text(&row, "standing")?;
    let standing = [Standing::Live, Standing::Queued, Standing::Discarded]
        .into_iter()
        .find(|standing| standing.word() == word)
        .ok_or_else(|| Trouble::damaged("standing", &word))?;
    Ok((draft(&row)?, standing))
}

pub(super) fn new_draft(save: &SaveDraft) -> Draft {
    Draft {
        id: DraftId::new(uuid::Uuid::now_v7()),
        ticket: save.ticket,
        author: rows::plain(&save.author),
        answers: save.answers,
        text: rows::plain(&save.text),
        revision: 1,
        origin: save.origin,
        state: save.state,
        receipts: save.receipts.clone(),
        flags: save.flags.clone(),
        envelope: None,
        saved_at: save.at,
    }
}

fn next_draft(save: &SaveDraft, current: &Draft) -> Draft {
    // A model answers the customer, whatever stood there: what was addressed to be passed on must
    // not carry its answer to somebody else. While it writes nothing leaves, and it may yet fail.
    let is_answer = save.origin == DraftOrigin::Ai && save.state != DraftState::Writing;
    let envelope = current.envelope.as_ref();
    let envelope = envelope.filter(|envelope| !is_answer || envelope.purpose == Purpose::Answer);
    Draft {
        id: current.id,
        revision: current.revision + 1,
        envelope: envelope.cloned(),
        // Who knows of nothing new answers what was answered before.
        answers: match save.knew {
            Some(_) => save.answers,
            None => current.answers.or(save.answers),
        },
        ..new_draft(save)
    }
}

pub(super) async fn write_draft(tx: &mut AnyConnection, draft: &Draft) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO drafts (id, ticket, author, answers, text, revision, origin, standing, state,
             receipts, last_receipt, flags, saved_at, envelope)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'live', $8, $9, $10, $11, $12, $13)
         ON CONFLICT (id) DO UPDATE SET answers = excluded.answers, text = excluded.text,
             revision = excluded.revision, origin = excluded.origin, state = excluded.state,
             receipts = excluded.receipts, last_receipt = excluded.last_receipt,
             flags = excluded.flags, saved_at = excluded.saved_at,
             envelope = excluded.envelope",
    )
    .bind(draft.id.to_string())
    .bind(draft.ticket.to_string())
    .bind(&draft.author)
    .bind(draft.answers.map(|answers| answers.to_string()))
    .bind(&draft.text)
    .bind(draft.revision)
    .bind(rows::word(draft.origin)?)
    .bind(rows::word(draft.state)?)
    .bind(rows::to_json(&draft.receipts)?)
    .bind(draft.receipts.last().map(ToString::to_string))
    .bind(rows::to_json(&draft.flags)?)
    .bind(draft.saved_at.as_microsecond())
    .bind(draft.envelope.as_ref().map(rows::to_json).transpose()?)
    .execute(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO draft_revisions (draft, revision, text, origin, saved_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(draft.id.to_string())
    .bind(draft.revision)
    .bind(&draft.text)
    .bind(rows::word(draft.origin)?)
    .bind(draft.saved_at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the draft of a reply that goes into the outbox at once.
pub(super) async fn write_queued(tx: &mut AnyConnection, draft: &Draft) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO drafts (id, ticket, author, answers, text, revision, origin, standing, state,
             receipts, flags, envelope, saved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, '[]', '[]', $9, $10)",
    )
    .bind(draft.id.to_string())
    .bind(draft.ticket.to_string())
    .bind(&draft.author)
    .bind(draft.answers.map(|answers| answers.to_string()))
    .bind(&draft.text)
    .bind(draft.revision)
    .bind(rows::word(draft.origin)?)
    .bind(rows::word(draft.state)?)
    .bind(draft.envelope.as_ref().map(rows::to_json).transpose()?)
    .bind(draft.saved_at.as_microsecond())
    .execute(tx)
    .await?;
    Ok(())
}

pub(super) fn moved<'a>(
    verb: Verb,
    draft: &'a Draft,
    subject: &'a str,
    at: Timestamp,
) -> Happened<'a> {
    Happened {
        verb,
        subject,
        actor: &draft.author,
        detail: "",
        at,
    }
}

fn draft(row: &AnyRow) -> Result<Draft, Trouble> {
    Ok(Draft {
        id: rows::parsed(row, "id")?,
        ticket: rows::parsed(row, "ticket")?,
        author: rows::text(row, "author")?,
        answers: rows::parsed_or_none(row, "answers")?,
        text: rows::text(row, "text")?,
        revision: rows::int(row, "revision")?,
        origin: rows::worded(row, "origin")?,
        state: rows::worded(row, "state")?,
        receipts: rows::json(row, "receipts")?,
        flags: rows::json(row, "flags")?,
        envelope: match rows::text_or_none(row, "envelope")? {
            Some(_) => Some(rows::json(row, "envelope")?),
            None => None,
        },
        saved_at: rows::time(row, "saved_at")?,
    })
}
