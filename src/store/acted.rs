//! What people did to tickets by hand, as the record of events tells it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Store, StoreError, filing::AT_ONCE, rows, search::Sql};
use crate::domain::{Status, TicketId, Timestamp};

impl Store {
    /// Returns those of the tickets that people have changed or answered, with when each was closed
    /// by hand last, if it was. A change of which nothing is told is none of the ticket: it was
    /// read, or a draft of it waits.
    pub async fn acted_on(
        &self,
        tickets: &BTreeSet<TicketId>,
    ) -> Result<BTreeMap<TicketId, Option<Timestamp>>, StoreError> {
        self.told("read what was done to tickets", async {
            let mut found: BTreeMap<TicketId, Option<Timestamp>> = BTreeMap::new();
            let ids: Vec<String> = tickets.iter().map(ToString::to_string).collect();
            for some in ids.chunks(AT_ONCE) {
                let mut sql = Sql::new();
                let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
                sql.push(&format!(
                    "SELECT subject, verb, detail, at FROM events
                     WHERE (verb IN ('reply_queued', 'reply_moved')
                             OR (verb = 'ticket_changed' AND detail <> ''))
                         AND actor <> '' AND subject IN ({}) ORDER BY seq",
                    keys.join(", ")
                ));
                for row in sql.ready().fetch_all(self.pool()).await? {
                    let closed_at = found.entry(rows::parsed(&row, "subject")?).or_default();
                    if closes(&rows::text(&row, "detail")?) {
                        *closed_at = Some(rows::time(&row, "at")?);
                    }
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Tells whether a change is that of the status to closed: `{"status":["open","closed"]}`.
fn closes(detail: &str) -> bool {
    let detail = serde_json::from_str::<serde_json::Value>(detail).unwrap_or_default();
    detail
        .pointer("/status/1")
        .and_then(serde_json::Value::as_str)
        == Some(Status::Closed.word())
}
