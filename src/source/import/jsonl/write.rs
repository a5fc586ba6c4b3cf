//! A ticket to its line. Reading the line again gives an equal ticket.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    super::case::{self, Words},
    line::{File, Id, Line, MessageLine, Parts, Person, SCHEMA, Written},
};
use crate::domain::{AutoClass, Body, MessageKind, Record, RecordMessage};

/// Returns a ticket as one line of JSON, without the line break.
pub fn write(record: &Record) -> Result<String, serde_json::Error> {
    let (ticket, origin) = (&record.ticket, &record.origin);
    let line: Written = Line {
        schema: SCHEMA.to_owned(),
        id: Id::Word(origin.source_id.clone()),
        uuid: Some(ticket.id),
        number: Some(ticket.number),
        source: Some(origin.source.clone()),
        subject: Some(ticket.subject.clone()),
        requester: Some(Person::from(&ticket.requester)),
        status: Some(ticket.status.word().to_owned()),
        source_status: origin.source_status.clone(),
        status_before: record.status_before.map(|status| status.word().to_owned()),
        priority: ticket.priority.map(|priority| priority.word().to_owned()),
        assignee: ticket.assignee.clone(),
        tags: ticket.tags.clone(),
        system_because: ticket.quarantined_because.clone(),
        merged_into: record.merged_into,
        created_at: Some(ticket.created_at),
        updated_at: Some(ticket.updated_at),
        last_customer_message_at: ticket.last_customer_message_at,
        messages: record.messages.iter().map(message).collect(),
    };
    serde_json::to_string(&line)
}

fn message(told: &RecordMessage) -> MessageLine {
    let message = &told.message;
    let people = |all: &[crate::domain::Contact]| all.iter().map(Person::from).collect();
    MessageLine {
        id: None,
        uuid: Some(message.id),
        source: told.source.clone(),
        kind: Some(message.kind),
        public: None,
        direction: Some(message.direction),
        from: Some(Person::from(&message.from)),
        author: None,
        author_email: None,
        reply_to: message.reply_to.as_ref().map(Person::from),
        to: people(&message.to),
        cc: people(&message.cc),
        subject: Some(message.subject.clone()),
        sent_at: Some(message.sent_at),
        filed_at: told.filed_at,
        message_id: Some(message.rfc_message_id.clone()),
        answers: message.answers.clone(),
        automatic: (message.auto_class != AutoClass::Human).then_some(message.auto_class),
        text: Some(message.body.text.clone()),
        html: None,
        from_html: message.body.from_html.then_some(true),
        parts: parts(&message.body, message.kind),
        attachments: message
            .attachments
            .iter()
            .map(|attachment| File {
                uuid: Some(attachment.id),
                name: attachment.name.clone(),
                media_type: attachment.media_type.clone(),
                size_bytes: attachment.size_bytes,
            })
            .collect(),
        in_this_ticket_because: Some(message.thread_reason.clone()),
        was_seen: Some(message.was_seen),
        sha256: Some(message.raw_sha256.clone()),
        original: told.original.as_ref().map(|bytes| STANDARD.encode(bytes)),
    }
}

/// Returns what a text was taken apart into, where a reader would not come to the same.
fn parts(body: &Body, kind: MessageKind) -> Option<Parts> {
    let mut again = case::body(Words::Text(body.text.clone()), kind);
    again.from_html = body.from_html;
    (again != *body).then(|| Parts {
        new_text: body.clean.clone(),
        quoted: body.quoted.clone(),
        signature: body.signature.clone(),
    })
}
