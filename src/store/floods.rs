//! How much one sender writes: what is to be known before a flood is stopped.

use super::{Store, StoreError, rows};
use crate::domain::Timestamp;

impl Store {
    /// Returns how many mails of an address were filed since then, and whether a flood of it was
    /// filed into quarantine since another moment. What dates its mails bear says nothing.
    pub async fn mails_from(
        &self,
        address: &str,
        since: Timestamp,
        flood_since: Timestamp,
    ) -> Result<(u64, bool), StoreError> {
        self.told("count the mails of a sender", async {
            let row = sqlx::query(
                "SELECT (SELECT COUNT(*) FROM messages
                         WHERE from_address = $1 AND direction = 'in' AND filed_at > $2) AS n,
                     (SELECT COUNT(*) FROM tickets t
                         WHERE t.requester_address = $1
                             AND t.quarantined_because LIKE 'flood:%' AND EXISTS (
                                 SELECT 1 FROM messages m
                                 WHERE m.ticket = t.id AND m.direction = 'in'
                                     AND m.from_address = $1 AND m.filed_at > $3)) AS floods",
            )
            .bind(rows::plain(address))
            .bind(since.as_microsecond())
            .bind(flood_since.as_microsecond())
            .fetch_one(self.pool())
            .await?;
            Ok((rows::count(&row, "n")?, rows::count(&row, "floods")? > 0))
        })
        .await
    }
}
