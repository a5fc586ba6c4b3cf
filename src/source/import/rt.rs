//! Request Tracker: tickets of REST2, each with its transactions and their attachments; one file
//! each, or several in a list.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    case::{self, Case, Said, Words},
    entry::{Entry, Sieve, rejected},
    json_file::{self, date, each, is_said, text},
    kind::{self, Kind},
};
use crate::domain::{Attachment, Contact, Direction, MessageKind};

/// Where tickets come from, if nobody says it.
const SOURCE: &str = "rt";
/// Transactions that say nothing that another one does not say.
const ECHOES: [&str; 3] = ["EmailRecord", "CommentEmailRecord", "SystemError"];

/// Returns what an export holds, one ticket after the other.
pub(super) fn entries(
    path: &Path,
    source: Option<&str>,
    at: Timestamp,
) -> impl Iterator<Item = Entry> + Send + use<> {
    let (files, _) = kind::files_of(path, Kind::Rt);
    let source = source.unwrap_or(SOURCE).to_owned();
    files.into_iter().flat_map(move |file| {
        let source = source.clone();
        let name = file.display().to_string();
        let (items, bad) = match json_file::items(&file, &["tickets", "items"]) {
            Ok(items) => (Some(items), None),
            Err(reason) => (None, Some(rejected(name.clone(), reason))),
        };
        let read = items.into_iter().flatten();
        let read = read.flat_map(move |(place, value)| match value {
            Ok(value) => ticket(&value, &name, &source, at),
            Err(reason) => vec![rejected(format!("{name}#{place}"), reason)],
        });
        bad.into_iter().chain(read)
    })
}

fn ticket(whole: &Value, file: &str, source: &str, at: Timestamp) -> Vec<Entry> {
    // The ticket stands beside its transactions, or they stand in it.
    let ticket = whole.get("ticket").unwrap_or(whole);
    Sieve::one_ticket(file, text(ticket, "/id"), at, |sieve| {
        case(whole, ticket, source, sieve)
    })
}

fn case(whole: &Value, ticket: &Value, source: &str, sieve: &mut Sieve) -> Result<Case, String> {
    let id = text(ticket, "/id").ok_or("it has no id")?;
    let requesters: Vec<Contact> = people(ticket, "/Requestor")
        .chain(people(ticket, "/Requestors"))
        .collect();
    let mut said = Vec::new();
    for transaction in each(whole, "/transactions") {
        match one(whole, transaction, &requesters, sieve) {
            Ok(one) => said.extend(one),
            Err(reason) => {
                let name = text(transaction, "/id").unwrap_or_default();
                sieve.reject(&format!(" transaction {name}"), reason);
            }
        }
    }
    for field in ["CustomFields", "Cc", "AdminCc", "Due"] {
        if is_said(ticket, &format!("/{field}")) {
            sieve.unmapped("field", field, "left out");
        }
    }
    let status = text(ticket, "/Status").unwrap_or_default();
    // 0 is what a ticket has that nobody gave a priority.
    let priority = text(ticket, "/Priority").filter(|priority| priority != "0");
    let queue = text(ticket, "/Queue/Name");
    let owner = person(ticket.get("Owner").unwrap_or(&Value::Null));
    let owner = Some(owner.shown().to_owned());
    Ok(Case {
        source: source.to_owned(),
        subject: text(ticket, "/Subject").unwrap_or_default(),
        requester: requesters.into_iter().next().unwrap_or_default(),
        status: sieve.status(&status),
        source_status: (!status.is_empty()).then_some(status),
        priority: sieve.priority(&priority.unwrap_or_default()),
        assignee: owner.filter(|name| name != "Nobody" && name != "unknown sender"),
        tags: queue.into_iter().collect(),
        created_at: date(ticket, "/Created")?,
        updated_at: date(ticket, "/LastUpdated")?,
        said,
        number: None,
        id,
    })
}

/// Reads a transaction; those that only record a change say nothing.
fn one(
    whole: &Value,
    transaction: &Value,
    requesters: &[Contact],
    sieve: &mut Sieve,
) -> Result<Option<Said>, String> {
    let name = text(transaction, "/Type").unwrap_or_default();
    let kind = match name.as_str() {
        "Create" | "Correspond" => MessageKind::Public,
        "Comment" => MessageKind::Internal,
        echo if ECHOES.contains(&echo) => return Ok(None),
        other => {
            sieve.unmapped("transaction", other, "left out");
            return Ok(None);
        }
    };
    let id = text(transaction, "/id").unwrap_or_default();
    let beside = each(whole, "/attachments").filter(|attachment| {
        let of = text(attachment, "/TransactionId/id");
        of.or_else(|| text(attachment, "/TransactionId")).as_ref() == Some(&id)
    });
    let parts: Vec<&Value> = beside.chain(each(transaction, "/attachments")).collect();
    let mut words = None;
    let mut attachments = Vec::new();
    for part in &parts {
        let bytes = content(part)?;
        let media_type = text(part, "/ContentType").unwrap_or_default();
        let is_text = media_type.starts_with("text/") && !is_said(part, "/Filename");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match (is_text, &words) {
            (true, None) if media_type == "text/html" => words = Some(Words::Html(text)),
            (true, None) => words = Some(Words::Text(text)),
            (true, Some(Words::Html(_))) if media_type == "text/plain" => {
                words = Some(Words::Text(text));
            }
            (true, Some(Words::Text(_))) if media_type == "text/html" => {}
            _ if bytes.is_empty() && media_type.starts_with("multipart/") => {}
            _ => attachments.push(attachment(part, &media_type, bytes.len())),
        }
    }
    let first = parts.first();
    if parts.is_empty() {
        return Err("its text is not in the export".to_owned());
    }
    let from = person(transaction.get("Creator").unwrap_or(&Value::Null));
    let is_requester = requesters
        .iter()
        .any(|requester| requester.is_same_mailbox(&from) || *requester == from);
    Ok(Some(Said {
        direction: if is_requester && kind == MessageKind::Public {
            Direction::In
        } else {
            Direction::Out
        },
        kind,
        from,
        subject: first.and_then(|part| text(part, "/Subject")),
        words: words.unwrap_or(Words::Text(String::new())),
        attachments,
        message_id: first
            .and_then(|part| text(part, "/MessageId"))
            .filter(|id| id.contains('@')),
        sent_at: date(transaction, "/Created")?,
        id,
        ..Said::default()
    }))
}

/// Returns the bytes of an attachment: REST2 gives them in base64.
fn content(part: &Value) -> Result<Vec<u8>, String> {
    let Some(base64) = text(part, "/Content") else {
        return Ok(Vec::new());
    };
    let letters: String = base64.split_whitespace().collect();
    STANDARD
        .decode(letters)
        .map_err(|why| format!("its Content is no base64: {why}"))
}

fn attachment(part: &Value, media_type: &str, length: usize) -> Attachment {
    let name = text(part, "/Filename").unwrap_or_default();
    case::attachment(&name, media_type, i64::try_from(length).unwrap_or(i64::MAX))
}

fn people<'v>(ticket: &'v Value, path: &str) -> impl Iterator<Item = Contact> + use<'v> {
    each(ticket, path).map(person)
}

/// Reads a user: an id that is an address or a name, with more about them where it is given.
fn person(user: &Value) -> Contact {
    let id = text(user, "/id")
        .or_else(|| text(user, "/Name"))
        .or_else(|| text(user, ""))
        .unwrap_or_default();
    let address = text(user, "/EmailAddress").or_else(|| id.contains('@').then(|| id.clone()));
    let name = text(user, "/RealName").or_else(|| (!id.contains('@')).then_some(id));
    Contact {
        name: name.filter(|name| !name.is_empty()),
        address: address.unwrap_or_default(),
    }
}
