//! Letters to fill a store with.

use deskhand::{
    domain::{
        AutoClass, Body, Contact, Direction, Message, MessageId, MessageKind, Status, Ticket,
        TicketId, Timestamp,
    },
    store::{Letter, Place},
};
use uuid::Uuid;

/// Returns the letter of a new ticket, different for each number.
pub(crate) fn letter(at: u32) -> Letter {
    let now = Timestamp::from_second(1_790_000_000 + i64::from(at)).expect("a time");
    let contact = Contact {
        name: Some(format!("Customer {at}")),
        address: format!("customer{at}@example.com"),
    };
    let subject = format!("Order {at} has not arrived");
    let ticket = ticket(subject.clone(), contact.clone(), now);
    let text = format!("Hello, where is order {at}? It should have come on Monday.");
    let message = Message {
        id: MessageId::new(Uuid::now_v7()),
        ticket: ticket.id,
        kind: MessageKind::Public,
        direction: Direction::In,
        from: contact,
        reply_to: None,
        to: Vec::new(),
        cc: Vec::new(),
        subject,
        body: Body {
            text: text.clone(),
            clean: text,
            ..Body::default()
        },
        attachments: Vec::new(),
        rfc_message_id: format!("{at}@example.com"),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: now,
        raw_sha256: format!("{at:064x}"),
        thread_reason: "new ticket".into(),
        hints: Vec::new(),
        was_seen: false,
    };
    Letter {
        message,
        place: Place::New(Box::new(ticket)),
        reopen: None,
        note_path: None,
        topic: None,
        original: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
    }
}

fn ticket(subject: String, requester: Contact, now: Timestamp) -> Ticket {
    Ticket {
        id: TicketId::new(Uuid::now_v7()),
        number: 0,
        source: "import".into(),
        subject,
        requester,
        status: Status::New,
        priority: None,
        assignee: None,
        tags: Vec::new(),
        quarantined_because: None,
        messages: 0,
        created_at: now,
        updated_at: now,
        last_customer_message_at: Some(now),
        version: 1,
    }
}
