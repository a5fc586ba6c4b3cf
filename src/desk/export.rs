//! Tickets as they leave for another desk.

use super::{Desk, DeskError};
use crate::{domain::TicketId, source::import::jsonl, text::json::escaped};

impl Desk {
    /// Returns a ticket with its messages, notes and their bytes as one line of `deskhand/1`;
    /// none where there is no such ticket any more.
    pub async fn export(&self, ticket: TicketId) -> Result<Option<String>, DeskError> {
        let Some(record) = self.store.record(ticket).await? else {
            return Ok(None);
        };
        let line = jsonl::write(&record).map_err(|why| DeskError::NotWritten {
            number: record.ticket.number,
            why,
        })?;
        Ok(Some(escaped(&line)))
    }
}
