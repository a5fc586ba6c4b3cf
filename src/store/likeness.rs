//! Messages and tickets that are like one another: of one conversation, or said twice.

use super::{Store, StoreError, rows};
use crate::domain::{TicketId, Timestamp};

/// So many mails of one sender are compared with a new one.
const MOST: i64 = 20;

/// A message that somebody sent lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The number of its ticket.
    pub number: i64,
    /// What was new in it.
    pub text: String,
}

impl Store {
    /// Returns the tickets with mail of a conversation that Outlook names, oldest first.
    pub async fn tickets_of_topic(
        &self,
        source: &str,
        topic: &str,
    ) -> Result<Vec<TicketId>, StoreError> {
        self.told("look a conversation up", async {
            let rows = sqlx::query(
                "SELECT ticket, MIN(message) AS oldest FROM message_refs
                 WHERE source = $1 AND ref = $2 GROUP BY ticket ORDER BY MIN(message)",
            )
            .bind(source)
            .bind(topic)
            .fetch_all(self.pool())
            .await?;
            rows.iter().map(|row| rows::parsed(row, "ticket")).collect()
        })
        .await
    }

    /// Returns what an address wrote to us since then, newest first, at most 20 messages.
    pub async fn said_by(&self, address: &str, since: Timestamp) -> Result<Vec<Said>, StoreError> {
        self.told("read what somebody wrote", async {
            let rows = sqlx::query(
                "SELECT t.number AS number, m.body AS body FROM messages m
                 JOIN tickets t ON t.id = m.ticket
                 WHERE m.from_address = $1 AND m.direction = 'in' AND m.filed_at > $2
                 ORDER BY m.filed_at DESC LIMIT $3",
            )
            .bind(rows::plain(address))
            .bind(since.as_microsecond())
            .bind(MOST)
            .fetch_all(self.pool())
            .await?;
            rows.iter()
                .map(|row| {
                    let body: crate::domain::Body = rows::json(row, "body")?;
                    Ok(Said {
                        number: rows::int(row, "number")?,
                        text: body.clean,
                    })
                })
                .collect()
        })
        .await
    }
}
