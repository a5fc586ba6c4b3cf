//! Tickets put together and taken apart.

use uuid::Uuid;

use super::{Desk, DeskError, face::DeskEvent, tickets::no_ticket};
use crate::domain::{Direction, MessageId, MessageKind, Status, Ticket, TicketId};

/// What a merge would put together.
#[derive(Clone, Debug)]
pub struct MergeLook {
    /// The ticket that goes over.
    pub from: Ticket,
    /// The ticket it goes on in: the one that was named, or where that one went on.
    pub into: Ticket,
    /// Whether the person at the desk has a draft beside the first, which stays there.
    pub has_draft: bool,
}

impl Desk {
    /// Looks at what a merge would put together, or says why it is none.
    pub async fn look_at_merge(&self, from: TicketId, into: i64) -> Result<MergeLook, DeskError> {
        let target = self.store.living_ticket(into).await?;
        let target = target.ok_or_else(|| DeskError::NoTicket(format!("#{into}")))?;
        let (from, into) = self.store.to_merge((from, target.id)).await?;
        let draft = self.store.draft(from.id, &self.agent()).await?;
        Ok(MergeLook {
            has_draft: draft.is_some(),
            from,
            into,
        })
    }

    /// Merges a ticket into another; answers to it go there from then on.
    pub async fn merge(&self, from: TicketId, into: i64) -> Result<Ticket, DeskError> {
        let target = self.store.living_ticket(into).await?;
        let target = target.ok_or_else(|| DeskError::NoTicket(format!("#{into}")))?;
        let ids = (from, target.id);
        let at = self.clock.now();
        let merged = self.store.merge(ids, &self.agent(), at).await?;
        self.tell(DeskEvent::TicketChanged(from));
        self.tell(DeskEvent::TicketChanged(merged.id));
        Ok(merged)
    }

    /// Undoes a merge: what went over comes back. Returns the ticket as it stands again, and the
    /// one it had gone on in.
    pub async fn unmerge(&self, merged: TicketId) -> Result<(Ticket, Ticket), DeskError> {
        let at = self.clock.now();
        let (back, other) = self.store.unmerge(merged, &self.agent(), at).await?;
        self.tell(DeskEvent::TicketChanged(back.id));
        self.tell(DeskEvent::TicketChanged(other.id));
        Ok((back, other))
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
        let said_at = message.sent_at.min(now);
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
            created_at: said_at,
            updated_at: now,
            last_customer_message_at: Some(said_at),
            version: 1,
        };
        let by = self.agent();
        let made = self.store.split(message.id, &new, (&by, now)).await?;
        self.tell(DeskEvent::TicketChanged(id));
        self.tell(DeskEvent::TicketChanged(made.id));
        Ok(made)
    }
}
