//! Looking at tickets and changing them.

use super::{
    Desk, DeskError,
    face::{DeskEvent, QueuePage, TicketView},
    send::{guard::Route, letter},
};
use crate::{
    domain::{Change, MessageId, Order, Page, Query, Ticket, TicketId},
    store::{KnownLinks, ReceiptFilter},
};

/// The most receipts a ticket's view loads; older ones are in the feed.
const RECEIPTS_SHOWN: u64 = 20;

impl Desk {
    /// Returns the messages of a ticket as they came, oldest first; none in the place of one whose
    /// bytes are not kept.
    pub async fn originals(&self, ticket: TicketId) -> Result<Vec<Option<Vec<u8>>>, DeskError> {
        let mut originals = Vec::new();
        for message in self.store.messages(ticket).await? {
            originals.push(self.store.original(&message.raw_sha256).await?);
        }
        Ok(originals)
    }

    /// Returns the rows of a view from `offset` on, newest change first, and how many there are.
    pub async fn queue(
        &self,
        query: &Query,
        offset: u64,
        limit: u64,
    ) -> Result<QueuePage, DeskError> {
        let rows = self
            .store
            .tickets(query, Order::Newest, Page { offset, limit })
            .await?;
        let total = self.store.count(query).await?;
        let whole = self.store.count(&super::queue_view()).await?;
        Ok(QueuePage {
            offset,
            rows,
            total,
            hidden: whole.saturating_sub(total),
        })
    }

    /// Returns the same with a ticket among the rows, wherever it stands by now, if the query still
    /// finds it: whoever looks at it goes on looking at it, however many came before it.
    pub async fn queue_with(
        &self,
        query: &Query,
        (offset, limit): (u64, u64),
        ticket: TicketId,
    ) -> Result<QueuePage, DeskError> {
        let page = self.queue(query, offset, limit).await?;
        if page.rows.iter().any(|row| row.id == ticket) {
            return Ok(page);
        }
        match self.store.place_in_queue(query, ticket).await? {
            Some(place) => {
                let before = place.saturating_sub(limit / 2);
                self.queue(query, before, limit).await
            }
            None => Ok(page),
        }
    }

    /// Returns the rows that match, by number; what `deskhand tickets` prints.
    pub async fn list(
        &self,
        query: &Query,
        limit: Option<u64>,
    ) -> Result<Vec<crate::domain::QueueRow>, DeskError> {
        let page = Page {
            offset: 0,
            limit: limit.unwrap_or(i64::MAX.unsigned_abs()),
        };
        Ok(self.store.tickets(query, Order::Number, page).await?)
    }

    /// Returns one ticket with all that stands around it.
    pub async fn ticket(&self, id: TicketId) -> Result<TicketView, DeskError> {
        let ticket = self.store.ticket(id).await?.ok_or_else(|| no_ticket(id))?;
        let page = Page {
            offset: 0,
            limit: RECEIPTS_SHOWN,
        };
        let filter = ReceiptFilter {
            ticket: Some(id),
            ..ReceiptFilter::default()
        };
        let agent = self.agent();
        let (messages, draft, receipts, outbox, writers, note, origin) = tokio::try_join!(
            self.store.messages(id),
            self.store.draft(id, &agent),
            self.store.receipts(&filter, page),
            self.store.outbox(Some(id)),
            self.store.writers(id),
            self.store.note_begun(id, &agent),
            self.store.ticket_origin(id),
        )?;
        let own = self.own_addresses();
        let envelope = draft.as_ref().and_then(|draft| draft.envelope.clone());
        let envelope = envelope.unwrap_or_else(|| letter::envelope(&ticket, &messages, &own));
        let account = self.account_for(&ticket, envelope.account.as_deref());
        let mut route = Route::of(account.as_ref(), envelope, (&ticket, &messages), &own);
        for person in route.envelope.everybody() {
            let nobody = self.store.suppressed(&person.address).await?;
            route.nobody_at.extend(nobody);
        }
        route.other_writers = writers.into_iter().filter(|who| *who != agent).collect();
        Ok(TicketView {
            messages,
            draft,
            note: note.map(|begun| begun.text),
            receipts: receipts.into_iter().map(|(_, receipt)| receipt).collect(),
            outbox,
            origin,
            route,
            ticket,
        })
    }

    /// Returns what a draft for a ticket is made from: all that stands around it only where rules
    /// may ask for it, for a person waits.
    pub(super) async fn ticket_to_draft(
        &self,
        id: TicketId,
    ) -> Result<(TicketView, KnownLinks), DeskError> {
        let now = self.clock.now();
        let from = self.store.draft_from(id, &self.agent(), now).await?;
        if !self.settings().config.rules.is_empty() {
            return Ok((self.ticket(id).await?, from.known));
        }
        let view = TicketView {
            ticket: from.ticket.ok_or_else(|| no_ticket(id))?,
            messages: from.messages,
            draft: from.draft,
            note: None,
            receipts: Vec::new(),
            outbox: Vec::new(),
            origin: None,
            route: Route::default(),
        };
        Ok((view, from.known))
    }

    /// Notes that somebody read these messages of a ticket; their mail servers are told with the
    /// next sync.
    pub async fn saw(&self, ticket: TicketId, messages: &[MessageId]) -> Result<u64, DeskError> {
        Ok(self.store.saw(ticket, messages, self.clock.now()).await?)
    }

    /// Returns the identity of the ticket that people call `number`.
    pub async fn by_number(&self, number: i64) -> Result<TicketId, DeskError> {
        let found = self.store.ticket_by_number(number).await?;
        Ok(found
            .ok_or_else(|| DeskError::NoTicket(format!("#{number}")))?
            .id)
    }

    /// Changes a ticket by hand; refuses a status that cannot follow the one it has.
    pub async fn change(&self, id: TicketId, change: &Change) -> Result<Ticket, DeskError> {
        let ticket = self
            .store
            .change(id, change, &self.agent(), self.clock.now())
            .await?;
        self.tell(DeskEvent::TicketChanged(id));
        Ok(ticket)
    }
}

pub(super) fn no_ticket(id: TicketId) -> DeskError {
    DeskError::NoTicket(id.to_string())
}
