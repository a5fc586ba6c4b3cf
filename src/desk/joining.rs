//! Tickets put together and taken apart.

use uuid::Uuid;

use super::{Desk, DeskError, face::DeskEvent, tickets::no_ticket};
use crate::domain::{Direction, MessageId, MessageKind, Status, Ticket, TicketId};

impl Desk {
    /// Merges a ticket into another; answers to it go there from then on.
    pub async fn merge(&self, from: TicketId, into: i64) -> Result<Ticket, DeskError> {
        let target = self.store.living_ticket(into).await?;
        let target = target.ok_or_else(|| DeskError::NoTicket(format!("#{into}")))?;
        if target.id == from {
            return Err(DeskError::Nothing("A ticket cannot be merged into itself."));
        }
        let ids = (from, target.id);
        let at = self.clock.now();
        let merged = self.store.merge(ids, &self.agent(), at).await?;
        self.tell(DeskEvent::TicketChanged(from));
        self.tell(DeskEvent::TicketChanged(merged.id));
        Ok(merged)
    }

    /// Takes a message out of its ticket into a new one; without one named, the newest from
    /// outside.
    pub async fn split(
        &self,
        id: TicketId,
        message: Option<MessageId>,
    ) -> Result<Ticket, DeskError> {
        let ticket = self.store.ticket(id).await?.ok_or_else(|| no_ticket(id))?;
        let messages = self.store.messages(id).await?;
        let found = match message {
            Some(named) => messages.iter().find(|one| one.id == named),
            None => messages
                .iter()
                .rev()
                .find(|one| one.direction == Direction::In && one.kind == MessageKind::Public),
        };
        let found = found.filter(|_| messages.len() > 1);
        let message = found.ok_or(DeskError::Nothing(
            "There is no message to split off: a ticket keeps at least one.",
        ))?;
        let now = self.clock.now();
        let subject = if message.subject.trim().is_empty() {
            ticket.subject
        } else {
            message.subject.clone()
        };
        let new = Ticket {
            id: TicketId::new(Uuid::now_v7()),
            number: 0,
            source: ticket.source,
            subject,
            requester: message.from.clone(),
            status: Status::Open,
            priority: None,
            assignee: ticket.assignee,
            tags: Vec::new(),
            quarantined_because: None,
            messages: 1,
            created_at: message.sent_at,
            updated_at: now,
            last_customer_message_at: Some(message.sent_at),
            version: 1,
        };
        let by = self.agent();
        let made = self.store.split(message.id, &new, (&by, now)).await?;
        self.tell(DeskEvent::TicketChanged(id));
        self.tell(DeskEvent::TicketChanged(made.id));
        Ok(made)
    }
}
