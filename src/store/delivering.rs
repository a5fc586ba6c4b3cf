//! How a reply leaves: claimed by one sender before a socket is opened, noted before its text is
//! handed over, and brought to one end.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    drafts::{self, Standing},
    error::Trouble,
    events::Verb,
    going_over::go_over,
    messages::{self, Arrival},
    originals,
    outbox::{SELECT, happened, one, outbox_row},
    rows,
    search::Sql,
    tickets,
};
use crate::domain::{Message, OutboxId, OutboxKind, OutboxRow, TicketEvent, Timestamp};

/// So begins what a draft says that came back.
const NOT_SENT: &str = "not sent: ";

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

/// What came of a reply.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// The server has it; the message stands in the ticket from now on.
    Sent {
        /// The message, as filed.
        message: &'a Message,
        /// Its bytes.
        mime: &'a [u8],
        /// Whether a copy is still to be put into the folder of sent mail.
        wants_copy: bool,
    },
    /// Not now: try again then.
    Again(Timestamp),
    /// Never: it is a draft again.
    Refused,
    /// Nobody knows.
    Unsure,
    /// It never left the machine: as before.
    NotTried,
}

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
    /// leaves it unsure. False when it is not ours any more.
    pub async fn hand_over(&self, id: OutboxId, owner: &str) -> Result<bool, StoreError> {
        self.told("note that the reply is handed over", async {
            let mut tx = self.begin().await?;
            let changed = sqlx::query(
                "UPDATE outbox SET is_handed_over = 1
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2",
            )
            .bind(id.to_string())
            .bind(owner)
            .execute(&mut *tx)
            .await?
            .rows_affected();
            tx.commit().await?;
            Ok(changed == 1)
        })
        .await
    }

    /// Brings a reply that is being sent, or is unsure, to what came of it.
    pub async fn conclude(
        &self,
        id: OutboxId,
        (outcome, said): (Outcome<'_>, Option<&str>),
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("note what came of the reply", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            if !row.progress.delivery.is_open() {
                return Ok(());
            }
            let row = go_over(&mut tx, row, &living).await?;
            self.apply(&mut tx, &row, (outcome, at)).await?;
            if matches!(outcome, Outcome::Refused) && row.kind == OutboxKind::Reply {
                self.give_back(&mut tx, &row, said.unwrap_or_default())
                    .await?;
            }
            sqlx::query(
                "UPDATE outbox SET said = $2, owner = NULL, lease_until = NULL WHERE id = $1",
            )
            .bind(id.to_string())
            .bind(said.map(rows::plain))
            .execute(&mut *tx)
            .await?;
            self.commit(
                tx,
                &happened(Verb::ReplyMoved, &row, (&row.ticket.to_string(), at)),
            )
            .await
        })
        .await
    }

    async fn apply(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        (outcome, at): (Outcome<'_>, Timestamp),
    ) -> Result<(), Trouble> {
        match outcome {
            Outcome::Sent {
                message,
                mime,
                wants_copy,
            } => {
                self.file_sent(tx, row, (message, mime), at).await?;
                let copy = wants_copy.then_some("due");
                sqlx::query(
                    "UPDATE outbox SET delivery = 'sent', mime = NULL, sent_copy = $2
                     WHERE id = $1",
                )
                .bind(row.id.to_string())
                .bind(copy)
                .execute(tx)
                .await?;
            }
            Outcome::Again(next) => {
                sqlx::query(
                    "UPDATE outbox SET delivery = 'held', next_attempt_at = $2 WHERE id = $1",
                )
                .bind(row.id.to_string())
                .bind(next.as_microsecond())
                .execute(tx)
                .await?;
            }
            Outcome::Refused => set_delivery(tx, row, "failed").await?,
            Outcome::Unsure => set_delivery(tx, row, "unsure").await?,
            Outcome::NotTried => set_delivery(tx, row, "held").await?,
        }
        Ok(())
    }

    /// Makes a sent reply a message of its ticket, and the ticket what it was to become.
    async fn file_sent(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        (message, mime): (&Message, &[u8]),
        at: Timestamp,
    ) -> Result<(), Trouble> {
        let mut ticket = self.locked_ticket(tx, row.ticket).await?;
        let source = row
            .post
            .as_ref()
            .map_or_else(String::new, |post| format!("imap:{}", post.account));
        let arrival = Arrival {
            source: &source,
            note_path: None,
            topic: None,
            at,
        };
        let is_here =
            sqlx::query("SELECT 1 AS one FROM messages WHERE source = $1 AND id_key = $2")
                .bind(&source)
                .bind(rows::id_key(&message.rfc_message_id))
                .fetch_optional(&mut *tx)
                .await?
                .is_some();
        if !is_here {
            let message = Message {
                ticket: ticket.id,
                ..message.clone()
            };
            messages::insert_message(tx, &message, &arrival).await?;
            originals::insert(tx, &message.raw_sha256, mime).await?;
            ticket.messages += 1;
        }
        if row.kind == OutboxKind::Reply {
            let event = TicketEvent::AgentReply(Some(row.then));
            // A ticket that was closed meanwhile stays as it is.
            ticket.status = ticket.status.after(&event).unwrap_or(ticket.status);
            mark_answered(tx, row, &source).await?;
        }
        ticket.updated_at = ticket.updated_at.max(at);
        ticket.version += 1;
        tickets::write_ticket(tx, &ticket, None).await
    }

    /// Makes a reply the draft it was; where its author has begun another, it stays here as
    /// failed and can be tried again.
    async fn give_back(
        &self,
        tx: &mut AnyConnection,
        row: &OutboxRow,
        said: &str,
    ) -> Result<(), Trouble> {
        let (mut draft, standing) = self.locked_draft(tx, row.draft).await?;
        let other = drafts::live(&mut *tx, row.ticket, &draft.author).await?;
        if standing != Standing::Queued || other.is_some() {
            return Ok(());
        }
        drafts::revive(tx, &draft).await?;
        draft.flags.retain(|flag| !flag.starts_with(NOT_SENT));
        draft.flags.push(format!("{NOT_SENT}{said}"));
        sqlx::query("UPDATE drafts SET flags = $2 WHERE id = $1")
            .bind(draft.id.to_string())
            .bind(rows::to_json(&draft.flags)?)
            .execute(tx)
            .await?;
        Ok(())
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
        id: OutboxId,
        owner: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("keep the claim on the reply", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE outbox SET lease_until = $3
                 WHERE id = $1 AND owner = $2 AND delivery = 'sending'",
            )
            .bind(id.to_string())
            .bind(owner)
            .bind(until.as_microsecond())
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Takes over a reply whose sender died: held again where its text never left, else unsure.
    /// Nothing happens when its claim was renewed meanwhile.
    pub async fn take_over(&self, dead: &Underway, at: Timestamp) -> Result<(), StoreError> {
        self.told("take over the reply", async {
            let mut tx = self.begin().await?;
            let changed = sqlx::query(
                "UPDATE outbox SET owner = NULL, lease_until = NULL,
                     delivery = CASE WHEN is_handed_over = 1 THEN 'unsure' ELSE 'held' END
                 WHERE id = $1 AND delivery = 'sending' AND owner = $2 AND lease_until = $3",
            )
            .bind(dead.row.id.to_string())
            .bind(&dead.owner)
            .bind(dead.lease_until.as_microsecond())
            .execute(&mut *tx)
            .await?
            .rows_affected();
            if changed == 0 {
                return tx.commit().await;
            }
            self.commit(
                tx,
                &happened(
                    Verb::ReplyMoved,
                    &dead.row,
                    (&dead.row.ticket.to_string(), at),
                ),
            )
            .await
        })
        .await
    }

    /// Lets a reply that was refused, or that nobody knows of, be sent: a person has decided so.
    /// One whose ticket was merged goes over to the ticket it went on in. Returns the reply.
    pub async fn hold_again(
        &self,
        id: OutboxId,
        mime: &[u8],
        at: Timestamp,
    ) -> Result<OutboxRow, StoreError> {
        self.told("hold the reply again", async {
            let mut tx = self.begin().await?;
            let (row, living) = self.locked_reply(&mut tx, id).await?;
            let (draft, standing) = self.locked_draft(&mut tx, row.draft).await?;
            let changed = sqlx::query(
                "UPDATE outbox SET delivery = 'held', held_until = $2, next_attempt_at = NULL,
                     attempts = 0, mime = $3
                 WHERE id = $1 AND delivery IN ('held', 'failed', 'unsure')",
            )
            .bind(id.to_string())
            .bind(at.as_microsecond())
            .bind(STANDARD.encode(mime))
            .execute(&mut *tx)
            .await?
            .rows_affected();
            let is_elsewhere = standing == Standing::Live && draft.text != row.text;
            if changed == 0 || standing == Standing::Discarded || is_elsewhere {
                let because = "the reply came to another end, or its draft was changed";
                return Err(Trouble::conflict(because, None, &row.text));
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
            Ok(row)
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

/// Notes that the message a reply answers is to be marked so on the server.
async fn mark_answered(
    tx: &mut AnyConnection,
    row: &OutboxRow,
    source: &str,
) -> Result<(), Trouble> {
    let Some(post) = &row.post else { return Ok(()) };
    let Some(parent) = post.letter.answers.first() else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO marks_due (account, raw_sha256, flags)
         SELECT $1, raw_sha256, 'answered' FROM messages WHERE source = $2 AND id_key = $3
         ON CONFLICT (account, raw_sha256, flags) DO NOTHING",
    )
    .bind(&post.account)
    .bind(source)
    .bind(rows::id_key(parent))
    .execute(tx)
    .await?;
    Ok(())
}

async fn set_delivery(
    tx: &mut AnyConnection,
    row: &OutboxRow,
    delivery: &str,
) -> Result<(), Trouble> {
    sqlx::query("UPDATE outbox SET delivery = $2 WHERE id = $1")
        .bind(row.id.to_string())
        .bind(delivery)
        .execute(tx)
        .await?;
    Ok(())
}
