//! A mail to two of our addresses comes in twice, with other headers each time, and is one message.
//! Looked up under the lock of the filing: both mailboxes may be read at the same moment.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;

use super::{error::Trouble, filing::AT_ONCE, rows, search::Sql};
use crate::domain::{Body, Message, TicketId};

/// What another of our mailboxes has.
pub(super) struct Elsewhere {
    pub(super) ticket: TicketId,
    from: String,
    subject: String,
    body: Body,
}

impl Elsewhere {
    /// Tells whether it is the same mail. An id alone proves nothing: whoever writes can choose
    /// it. Writer, subject and text must be the same too.
    pub(super) fn is(&self, message: &Message) -> bool {
        self.from.eq_ignore_ascii_case(&message.from.address)
            && self.subject == rows::plain(&message.subject)
            && self.body == message.body
    }
}

/// Reads what other mailboxes have of these ids.
pub(super) async fn elsewhere(
    tx: &mut AnyConnection,
    sources: &[String],
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<Elsewhere>>, Trouble> {
    let mut found: BTreeMap<String, Vec<Elsewhere>> = BTreeMap::new();
    let ids: Vec<&String> = ids.iter().collect();
    for source in sources {
        for some in ids.chunks(AT_ONCE) {
            let mut sql = Sql::new();
            let source = sql.text_value(source.clone());
            let keys: Vec<String> = some
                .iter()
                .map(|id| sql.text_value((*id).clone()))
                .collect();
            sql.push(&format!(
                "SELECT id_key, ticket, from_address, subject, body FROM messages
                 WHERE source = {source} AND id_key IN ({})",
                keys.join(", ")
            ));
            for row in sql.ready().fetch_all(&mut *tx).await? {
                found
                    .entry(rows::text(&row, "id_key")?)
                    .or_default()
                    .push(Elsewhere {
                        ticket: rows::parsed(&row, "ticket")?,
                        from: rows::text(&row, "from_address")?,
                        subject: rows::text(&row, "subject")?,
                        body: rows::json(&row, "body")?,
                    });
            }
        }
    }
    Ok(found)
}
