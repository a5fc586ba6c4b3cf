//! How a reply leaves: claimed by one sender before a socket is opened, and noted before its text is
//! handed over. What comes of it is in `concluding`.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    Store, StoreError,
    drafts::Standing,
    error::Trouble,
    events::Verb,
    flags,
    going_over::go_over,
    outbox::{SELECT, happened, one, outbox_row},
    outdated::{bring_back_if_outdated, is_outdated},
    rows,
    search::Sql,
};
use crate::domain::{Delivery, Draft, DraftState, OutboxId, OutboxRow, Timestamp};

/// Who claims a reply, and when.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Who sends it.
    pub owner: &'a str,
    /// Now.
    pub at: Timestamp,
    /// How long others leave it alone.
    pub lease_until: Timestamp,
    /// Only if its undo time was not over at this moment: one that was found due is asked about.
    /// None: a person has said so.
    pub only_due_after: Option<Timestamp>,
}

/// A reply as its sender has claimed it: once it was taken over, the sender has no say in it.
#[derive(Clone, Copy, Debug)]
pub struct Claimed<'a> {
    /// Which.
    pub id: OutboxId,
    /// Who sends it.
    pub owner: &'a str,
    /// Which attempt it is.
    pub attempt: u32,
}

/// What happens to a reply after which somebody wrote, when a person lets it leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfStale {
    /// It is looked at first.
    Refuse,
    /// The person has said that it is to go out whatever came.
    Send,
}

/// A reply somebody was sending.
#[derive(Clone, Debug)]
pub struct Underway {
    /// Which.
    pub row: OutboxRow,
    /// Who was.
    pub owner: String,
    /// Until when others leave it alone.
    pub lease_until: Timestamp,
    /// Whether its text may be at the server.
    pub is_handed_over: bool,
}

/// What is said of a reply whose sender died while it was being handed over; what was said of an
/// earlier attempt is no reason of this one.
const BROKE_OFF: &str = "its sender stopped before the server had answered";

impl Store {
    /// Claims a reply whose time has come; none when it is not due, or somebody else has it.
    pub async fn claim_reply(
        &self,
        id: OutboxId,
        claim: Claim<'_>,
    ) -> Result<Option<OutboxRow>, StoreError> {
        self.told("claim the reply", async {
            let mut tx = self.begin().await?;
            let changed = sqlx::query(
                "UPDATE outbox SET delivery = 'sending', owner = $2, lease_until = $3,
                     is_handed_over = 0, attempts = attempts + 1
                 WHERE id = $1 AND delivery = 'held' AND mime IS NOT NULL
                     AND (held_until <= $4 OR held_until IS NULL)
                     AND (next_attempt_at IS NULL OR next_attempt_at <= $4)
                     AND ($5 = 0 OR held_until > $6 OR next_attempt_at > $6)",
            )
            .bind(id.to_string())
            .bind(claim.owner)
            .bind(claim.lease_until.as_microsecond())
            .bind(claim.at.as_microsecond())
            .bind(i64::from(claim.only_due_after.is_some()))
            .bind(claim.only_due_after.map_or(0, Timestamp::as_microsecond))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                tx.take_back().await?;
                return Ok(None);
            }
            let row = one(&mut tx, id).await?;
            self.commit(
                tx,
                &happened(Verb::ReplyMoved, &row, (&row.ticket.to_string(), claim.at)),
            )
            .await?;
            Ok(Some(row))
        })
        .await
    }

    /// Notes that the text of a reply is handed over from now on: from here a broken connection
    /// leaves it unsure. False when it is not ours any more, or somebody wrote meanwhile.
    pub async fn hand_over(&self, claimed: Claimed<'_>) -> Result<bool, StoreError> {
        self.told("note that the reply is handed over", async {
            let mut tx = self.begin().await?;
            let changed = sqlx::query(
                "UPDATE outbox SET is_handed_over = 1
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2 AND attempts = $3
                     AND is_outdated = 0",
            )
            .bind(claimed.id.to_string())
            .bind(claimed.owner)
            .bind(i64::from(claimed.attempt))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            Ok(changed == 1)
        })
        .await
    }

    /// Returns the replies that somebody is sending, or was when it died.
    pub async fn underway(&self) -> Result<Vec<Underway>, StoreError> {
        self.told("read the outbox", async {
            let mut sql = Sql::new();
            sql.push(&SELECT.replace("said\n", "said, owner, lease_until, is_handed_over\n"))
                .push(" WHERE delivery = 'sending'");
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter()
                .map(|row| {
                    Ok(Underway {
                        row: outbox_row(row)?,
                        owner: rows::text_or_none(row, "owner")?.unwrap_or_default(),
                        lease_until: rows::time_or_none(row, "lease_until")?
                            .unwrap_or(Timestamp::MIN),
                        is_handed_over: rows::yes(row, "is_handed_over")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Keeps others from taking a reply over while it is being sent.
    pub async fn renew_claim(
        &self,
        claimed: Claimed<'_>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("keep the claim on the reply", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE outbox SET lease_until = $4
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2 AND attempts = $3",
            )
            .bind(claimed.id.to_string())
            .bind(claimed.owner)
            .bind(i64::from(claimed.attempt))
            .bind(until.as_microsecond())
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Takes over a reply whose sender died: held again where its text never left, else unsure.
    /// One to which somebody wrote meanwhile is a draft again where its text never left. Nothing
    /// happens when its claim was renewed meanwhile.
    pub async fn take_over(&self, dead: &Underway, at: Timestamp) -> Result<(), StoreError> {
        self.told("take over the reply", async {
            let mut tx = self.begin().await?;
            // Locked first: who files a message marks what is being sent.
            let (row, living) = self.locked_reply(&mut tx, dead.row.id).await?;
            let changed = sqlx::query(
                "UPDATE outbox SET owner = NULL, lease_until = NULL,
                     delivery = CASE WHEN is_handed_over = 1 THEN 'unsure' ELSE 'held' END,
                     said = CASE WHEN is_handed_over = 1 THEN $4 ELSE said END
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2 AND lease_until = $3",
            )
            .bind(dead.row.id.to_string())
            .bind(&dead.owner)
            .bind(dead.lease_until.as_microsecond())
            .bind(BROKE_OFF)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                return tx.commit().await;
            }
            let row = go_over(&mut tx, row, &living).await?;
            bring_back_if_outdated(&mut tx, &row).await?;
            let ticket = row.ticket.to_string();
            self.commit(tx, &happened(Verb::ReplyMoved, &row, (&ticket, at)))
                .await
        })
        .await
    }

    /// Lets a reply that was refused, or that nobody knows of, be sent: a person has decided so.
    /// One whose ticket was merged goes over to the ticket it went on in. Returns the reply; none,
    /// and nothing happens, where somebody wrote meanwhile and it is to be looked at first.
    pub async fn hold_again(
        &self,
        id: OutboxId,
        (mime, if_stale): (&[u8], IfStale),
        at: Timestamp,
    ) -> Result<Option<OutboxRow>, StoreError> {
        self.told("hold the reply again", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            let (mut draft, standing) = self.locked_draft(&mut tx, row.draft).await?;
            let has_news = is_outdated(&mut tx, id).await?
                || (standing == Standing::Live && draft.state == DraftState::Stale);
            let changed = sqlx::query(
                "UPDATE outbox SET delivery = 'held', held_until = $2, next_attempt_at = NULL,
                     attempts = 0, is_outdated = 0, mime = $3
                 WHERE id = $1 AND delivery IN ('held', 'failed', 'unsure')",
            )
            .bind(id.to_string())
            .bind(at.as_microsecond())
            .bind(STANDARD.encode(mime))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 || standing == Standing::Discarded {
                let because = "the reply came to another end";
                return Err(Trouble::conflict(because, None, &row.text));
            }
            if standing == Standing::Live && is_another(&draft, &row) {
                let because = "it is not the reply that it was: send the draft instead";
                return Err(Trouble::conflict(because, Some(draft), &row.text));
            }
            if has_news && if_stale == IfStale::Refuse {
                tx.take_back().await?;
                return Ok(None);
            }
            if row.progress.delivery == Delivery::Unsure {
                // Should it come back, the first one may have left all the same.
                flags::may_have_left(&mut tx, &mut draft).await?;
            }
            sqlx::query("UPDATE drafts SET standing = 'queued' WHERE id = $1")
                .bind(row.draft.to_string())
                .execute(&mut *tx)
                .await?;
            go_over(&mut tx, row, &living).await?;
            let row = one(&mut tx, id).await?;
            let ticket = row.ticket.to_string();
            self.commit(tx, &happened(Verb::ReplyMoved, &row, (&ticket, at)))
                .await?;
            Ok(Some(row))
        })
        .await
    }

    /// Returns the sent replies whose copy is still to be put into the folder of sent mail.
    pub async fn copies_due(&self) -> Result<Vec<OutboxRow>, StoreError> {
        self.told("read the outbox", async {
            let mut sql = Sql::new();
            sql.push(SELECT)
                .push(" WHERE sent_copy = 'due' ORDER BY queued_at, id");
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter().map(outbox_row).collect()
        })
        .await
    }

    /// Returns the bytes of a reply that has left, in whatever ticket it stands by now.
    pub async fn sent_mime(&self, id: OutboxId) -> Result<Option<Vec<u8>>, StoreError> {
        let digest = self.told("look up a sent reply", async {
            let row = sqlx::query("SELECT raw_sha256 FROM messages WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(self.pool())
                .await?;
            row.map(|row| rows::text(&row, "raw_sha256")).transpose()
        });
        match digest.await? {
            Some(digest) => self.original(&digest).await,
            None => Ok(None),
        }
    }

    /// Notes that the copy of a sent reply is where it belongs.
    pub async fn copy_done(&self, id: OutboxId) -> Result<(), StoreError> {
        self.told("note that the copy is kept", async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE outbox SET sent_copy = 'done' WHERE id = $1")
                .bind(id.to_string())
                .execute(&mut *tx)
                .await?;
            tx.commit().await
        })
        .await
    }
}

/// Tells whether a draft has become another reply than the one that it was: in its words, in who
/// gets it, or in what goes with it.
fn is_another(draft: &Draft, row: &OutboxRow) -> bool {
    let queued = row.post.as_ref().map(|post| &post.letter.envelope);
    let is_readdressed = draft
        .envelope
        .as_ref()
        .is_some_and(|envelope| queued.is_some_and(|queued| queued != envelope));
    draft.text != row.text || is_readdressed
}
