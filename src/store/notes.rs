//! Internal notes that are being written.

use sqlx::AnyConnection;

use super::{Letter, Place, Store, StoreError, error::Trouble, rows};
use crate::domain::{MessageId, TicketId, Timestamp};

/// A note that is not added yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteBegun {
    /// What it will be known by.
    pub id: MessageId,
    /// Its text so far.
    pub text: String,
}

/// Forgets what was begun of notes that are filed.
pub(super) async fn forget(
    tx: &mut AnyConnection,
    letters: &[Letter],
    author: &str,
) -> Result<(), Trouble> {
    for letter in letters {
        if let Place::In(ticket) = &letter.place {
            sqlx::query("DELETE FROM notes_begun WHERE ticket = $1 AND author = $2")
                .bind(ticket.to_string())
                .bind(author)
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}

impl Store {
    /// Keeps the text of a note that is being written; an empty one is forgotten. The first save
    /// gives it its identity.
    pub async fn keep_note(
        &self,
        (ticket, author): (TicketId, &str),
        note: &NoteBegun,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("keep a note that is being written", async {
            let mut tx = self.begin().await?;
            if note.text.trim().is_empty() {
                sqlx::query("DELETE FROM notes_begun WHERE ticket = $1 AND author = $2")
                    .bind(ticket.to_string())
                    .bind(author)
                    .execute(&mut *tx)
                    .await?;
                return tx.commit().await;
            }
            sqlx::query(
                "INSERT INTO notes_begun (ticket, author, id, text, saved_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (ticket, author) DO UPDATE SET text = $4, saved_at = $5",
            )
            .bind(ticket.to_string())
            .bind(author)
            .bind(note.id.to_string())
            .bind(rows::plain(&note.text))
            .bind(at.as_microsecond())
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// Returns the note that an agent has begun on a ticket.
    pub async fn note_begun(
        &self,
        ticket: TicketId,
        author: &str,
    ) -> Result<Option<NoteBegun>, StoreError> {
        self.told("read a note that is being written", async {
            let row =
                sqlx::query("SELECT id, text FROM notes_begun WHERE ticket = $1 AND author = $2")
                    .bind(ticket.to_string())
                    .bind(author)
                    .fetch_optional(self.pool())
                    .await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(NoteBegun {
                id: rows::parsed(&row, "id")?,
                text: rows::text(&row, "text")?,
            }))
        })
        .await
    }
}
