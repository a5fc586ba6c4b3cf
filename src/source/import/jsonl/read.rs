//! A line to its ticket.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        alike::Alike,
        case::{self, Case, Said, Words},
        entry::{Entry, Sieve},
    },
    line::{File, Id, MessageLine, Person, SCHEMA, Told},
};
use crate::{
    domain::{
        Attachment, Body, Contact, Direction, MessageKind, Record, RecordMessage, SameWhen, Status,
    },
    text::clean::{clean, clean_line},
};

/// Where tickets come from that do not say it.
const SOURCE: &str = "jsonl";

/// Reads one line; what it holds goes into `entries`, bad messages apart.
pub(super) fn read(line: &str, place: &str, source: Option<&str>, at: Timestamp) -> Vec<Entry> {
    let mut sieve = Sieve::new(place);
    match ticket(line, source, at, &mut sieve) {
        Ok(record) => sieve.ticket(record),
        Err(reason) => sieve.reject("", reason),
    }
    sieve.into_entries()
}

fn ticket(
    line: &str,
    source: Option<&str>,
    at: Timestamp,
    sieve: &mut Sieve,
) -> Result<Record, String> {
    let mut told: Told =
        serde_json::from_str(line).map_err(|why| format!("it is no ticket: {why}"))?;
    if told.schema != SCHEMA {
        return Err(format!(
            "its schema is {}; this program reads {SCHEMA}",
            clean_line(&told.schema)
        ));
    }
    if let Some(source) = source {
        told.source = Some(source.to_owned());
    }
    let requester = told.requester.take().map(contact).unwrap_or_default();
    let mut alike = Alike::default();
    let messages: Vec<RecordMessage> = std::mem::take(&mut told.messages)
        .into_iter()
        .enumerate()
        .filter_map(|(place, value)| {
            let message = serde_json::from_value::<MessageLine>(value)
                .map_err(|why| why.to_string())
                .and_then(|line| message(line, &told, &requester, (&mut alike, at)));
            message
                .map_err(|why| sieve.reject(&format!(" message {}", place + 1), why))
                .ok()
        })
        .collect();
    let uuid = told.uuid;
    let is_written_here = uuid.is_some();
    let (before, merged, last) = (
        told.status_before
            .as_deref()
            .map(str::parse::<Status>)
            .transpose(),
        told.merged_into,
        told.last_customer_message_at,
    );
    let because = told.system_because.take();
    let mut record = case(told, requester, sieve).into_record(at)?;
    if let Some(uuid) = uuid {
        record.ticket.id = uuid;
    }
    if is_written_here {
        record.same_when = SameWhen::BytesAgree;
    }
    record.status_before = before.map_err(|why| why.to_string())?;
    record.merged_into = merged;
    record.ticket.last_customer_message_at = last;
    record.ticket.quarantined_because = because.as_deref().map(clean_line);
    let first = messages.iter().map(|told| told.message.sent_at).min();
    if record.ticket.created_at == at
        && let Some(first) = first
    {
        record.ticket.created_at = first;
    }
    record.messages = messages;
    record.messages.sort_by_key(|told| told.message.sent_at);
    Ok(record)
}

fn case(told: Told, requester: Contact, sieve: &mut Sieve) -> Case {
    let source = source_of(&told);
    let word = told.status.unwrap_or_default();
    let is_ours = told.uuid.is_some();
    let status = match word.parse::<Status>() {
        // Where it went on is not said: nobody would find what is in it.
        Ok(Status::Merged) if !is_ours && told.merged_into.is_none() => sieve.status(&word),
        Ok(status) => Some(status),
        Err(_) => sieve.status(&word),
    };
    let source_status = told
        .source_status
        .or_else(|| (!is_ours && !word.is_empty()).then(|| word.clone()));
    Case {
        id: told.id.into_text(),
        number: told.number,
        source,
        subject: told.subject.unwrap_or_default(),
        requester,
        status,
        source_status,
        priority: sieve.priority(told.priority.as_deref().unwrap_or_default()),
        assignee: told.assignee,
        tags: told.tags,
        created_at: told.created_at,
        updated_at: told.updated_at,
        said: Vec::new(),
    }
}

fn source_of(told: &Told) -> String {
    let named = told.source.as_deref().map(clean_line);
    named
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| SOURCE.to_owned())
}

fn message(
    mut line: MessageLine,
    ticket: &Told,
    requester: &Contact,
    (alike, at): (&mut Alike, Timestamp),
) -> Result<RecordMessage, String> {
    let from = match line.from.take() {
        Some(person) => contact(person),
        None => Contact {
            name: line.author.take(),
            address: line.author_email.take().unwrap_or_default(),
        },
    };
    let kind = line.kind.unwrap_or(match line.public {
        Some(false) => MessageKind::Internal,
        Some(true) | None => MessageKind::Public,
    });
    let direction = line.direction.unwrap_or(
        if kind == MessageKind::Public && from.is_same_mailbox(requester) {
            Direction::In
        } else {
            Direction::Out
        },
    );
    let words = match (line.text.take(), line.html.take()) {
        (Some(text), _) => Words::Text(text),
        (None, Some(html)) => Words::Html(html),
        (None, None) => return Err("it has neither text nor html".to_owned()),
    };
    let case = Case {
        source: source_of(ticket),
        subject: ticket.subject.clone().unwrap_or_default(),
        created_at: ticket.created_at,
        ..Case::default()
    };
    let said = Said {
        id: line.id.take().map(Id::into_text).unwrap_or_default(),
        kind,
        direction,
        from,
        to: line.to.drain(..).map(contact).collect(),
        cc: line.cc.drain(..).map(contact).collect(),
        subject: line.subject.take(),
        words,
        attachments: line.attachments.iter().map(attachment).collect(),
        message_id: line.message_id.take(),
        auto_class: line.automatic.unwrap_or(crate::domain::AutoClass::Human),
        sent_at: line.sent_at,
        opens: false,
        row: Vec::new(),
    };
    let id = ticket.id.clone().into_text();
    let mut told = case.message(&id, said, ticket.created_at.unwrap_or(at), alike);
    kept(&mut told, line)?;
    Ok(told)
}

/// Takes over what only a desk's own export says.
fn kept(told: &mut RecordMessage, line: MessageLine) -> Result<(), String> {
    let message = &mut told.message;
    if let Some(uuid) = line.uuid {
        message.id = uuid;
    }
    if let Some(parts) = line.parts {
        message.body = Body {
            text: std::mem::take(&mut message.body.text),
            clean: clean(&parts.new_text),
            quoted: parts.quoted.as_deref().map(clean),
            signature: parts.signature.as_deref().map(clean),
            from_html: message.body.from_html,
        };
    }
    if let Some(from_html) = line.from_html {
        message.body.from_html = from_html;
    }
    message.reply_to = line.reply_to.map(contact);
    message.answers = line.answers.iter().map(|id| case::clean_id(id)).collect();
    if let Some(because) = line.in_this_ticket_because {
        message.thread_reason = clean_line(&because);
    }
    message.was_seen = line.was_seen.unwrap_or(true);
    if let Some(sha256) = line.sha256 {
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("its sha256 is not 64 hex digits".to_owned());
        }
        message.raw_sha256 = sha256;
    }
    if let Some(base64) = line.original {
        let bytes = STANDARD
            .decode(base64)
            .map_err(|why| format!("its original is no base64: {why}"))?;
        if message.raw_sha256 != format!("{:x}", Sha256::digest(&bytes)) {
            return Err("its original does not have the digest it says".to_owned());
        }
        told.original = Some(bytes);
    }
    told.source = line.source.as_deref().map(clean_line);
    told.filed_at = line.filed_at;
    Ok(())
}

fn contact(person: Person) -> Contact {
    match person {
        Person::Line(line) => case::person(&line),
        Person::Whole { name, address } => case::cleaned(Contact { name, address }),
    }
}

fn attachment(file: &File) -> Attachment {
    let mut attachment = case::attachment(&file.name, &file.media_type, file.size_bytes);
    if let Some(uuid) = file.uuid {
        attachment.id = uuid;
    }
    attachment
}
