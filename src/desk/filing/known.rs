//! Threading by what only this desk can have written: its own ids and marks; and, with a look at
//! who writes, by the number in a subject or Outlook's name of a conversation (DOMAIN section 4,
//! steps 1 to 3, 5 and 6).

use super::thread::Decision;
use crate::{
    desk::stamp::{Read, Stamp},
    domain::{Message, Ticket, TicketId},
    source::mail::parse::Parsed,
    store::{Store, StoreError},
};

/// Returns the ticket that a letter names by an id or mark of ours.
pub(super) async fn by_stamp(
    store: &Store,
    stamp: &Stamp,
    parsed: &Parsed,
) -> Result<Option<Decision>, StoreError> {
    for id in &parsed.answers {
        let number = match stamp.read_id(id) {
            Read::Ours(number) => number,
            Read::Forged => {
                tracing::warn!("an id that looks like ours and is not was passed over");
                continue;
            }
            Read::Foreign => continue,
        };
        if let Some(ticket) = living(store, number).await? {
            return Ok(Some(joined(ticket.id, format!("it answers our <{id}>"))));
        }
    }
    let marks = &parsed.own_marks;
    let places = [
        (
            &marks.in_addresses,
            "it was sent to our address of this ticket",
        ),
        (&marks.in_body, "it bears our mark of this ticket"),
    ];
    for (marks, reason) in places {
        for mark in marks {
            if let Read::Ours(number) = stamp.read_mark(mark)
                && let Some(ticket) = living(store, number).await?
            {
                return Ok(Some(joined(ticket.id, reason.to_owned())));
            }
        }
    }
    Ok(None)
}

/// Returns the ticket whose number stands in the subject, if its writer is on that ticket or is
/// one of us: a number alone proves nothing.
pub(super) async fn by_subject(
    store: &Store,
    parsed: &Parsed,
    is_ours: bool,
) -> Result<Option<Decision>, StoreError> {
    let Some(number) = parsed.own_marks.in_subject else {
        return Ok(None);
    };
    let Some(ticket) = living(store, number).await? else {
        return Ok(None);
    };
    let is_on_it = is_ours || {
        let messages = store.messages(ticket.id).await?;
        is_on_ticket(&ticket, &messages, parsed)
    };
    Ok(is_on_it.then(|| joined(ticket.id, format!("its subject names #{number}"))))
}

/// Returns the ticket of the conversation that Outlook names, with the same look at who writes.
pub(super) async fn by_topic(
    store: &Store,
    source: &str,
    parsed: &Parsed,
    is_ours: bool,
) -> Result<Option<Decision>, StoreError> {
    let Some(topic) = &parsed.topic else {
        return Ok(None);
    };
    for ticket in store.tickets_of_topic(source, topic).await? {
        let Some(ticket) = store.ticket(ticket).await? else {
            continue;
        };
        if is_ours || is_on_ticket(&ticket, &store.messages(ticket.id).await?, parsed) {
            let reason = "Outlook names it as part of this conversation (Thread-Index)";
            return Ok(Some(joined(ticket.id, reason.to_owned())));
        }
    }
    Ok(None)
}

/// Tells whether the writer of a letter was on a ticket before.
pub(super) fn is_on_ticket(ticket: &Ticket, messages: &[Message], parsed: &Parsed) -> bool {
    // What a stranger wrote makes nobody known; what we wrote to them does.
    let of_known = messages.iter().filter(|message| !message.is_of_strangers());
    ticket.requester.is_same_mailbox(&parsed.from)
        || of_known.into_iter().any(|message| {
            std::iter::once(&message.from)
                .chain(&message.to)
                .chain(&message.cc)
                .any(|person| person.is_same_mailbox(&parsed.from))
        })
}

async fn living(store: &Store, number: i64) -> Result<Option<Ticket>, StoreError> {
    store.living_ticket(number).await
}

const fn joined(ticket: TicketId, reason: String) -> Decision {
    Decision {
        ticket: Some(ticket),
        reason,
        is_duplicate: false,
        is_loose: false,
    }
}
