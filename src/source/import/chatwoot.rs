//! Chatwoot: the conversations of its API, with their messages inside or in a folder `messages`
//! beside.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    case::{self, Case, Said, Words},
    entry::{Entry, Sieve, rejected},
    json_file::{self, date, each, is_said, list, text, texts},
    kind::{self, Kind},
};
use crate::domain::{Attachment, AutoClass, Contact, Direction, MessageKind, Status};

/// Where tickets come from, if nobody says it.
const SOURCE: &str = "chatwoot";

/// Returns what an export holds, one conversation after the other.
pub(super) fn entries(
    path: &Path,
    source: Option<&str>,
    at: Timestamp,
) -> impl Iterator<Item = Entry> + Send + use<> {
    let (files, folder) = kind::files_of(path, Kind::Chatwoot);
    let export = Arc::new(Export {
        messages: folder.join("messages"),
        source: source.unwrap_or(SOURCE).to_owned(),
        at,
    });
    files.into_iter().flat_map(move |file| {
        let export = Arc::clone(&export);
        let name = file.display().to_string();
        let (items, bad) = match json_file::items(&file, &["data", "payload"]) {
            Ok(items) => (Some(items), None),
            Err(reason) => (None, Some(rejected(name.clone(), reason))),
        };
        let read = items.into_iter().flatten();
        let read = read.flat_map(move |(place, value)| match value {
            Ok(value) => export.entries(&value, &name),
            Err(reason) => vec![rejected(format!("{name}#{place}"), reason)],
        });
        bad.into_iter().chain(read)
    })
}

/// What stands beside the conversations.
struct Export {
    messages: PathBuf,
    source: String,
    at: Timestamp,
}

impl Export {
    fn entries(&self, conversation: &Value, file: &str) -> Vec<Entry> {
        Sieve::one_ticket(file, text(conversation, "/id"), self.at, |sieve| {
            self.case(conversation, sieve)
        })
    }

    fn case(&self, conversation: &Value, sieve: &mut Sieve) -> Result<Case, String> {
        let id = text(conversation, "/id").ok_or("it has no id")?;
        let mut said = Vec::new();
        for message in self.messages(conversation, &id, sieve) {
            match one(&message) {
                Ok(message) => said.push(message),
                Err(reason) => {
                    let name = text(&message, "/id").unwrap_or_default();
                    sieve.reject(&format!(" message {name}"), reason);
                }
            }
        }
        let is_answered = said.iter().any(|said| {
            said.direction == Direction::Out
                && said.kind == MessageKind::Public
                && said.auto_class == AutoClass::Human
        });
        let status = text(conversation, "/status").unwrap_or_default();
        for field in [
            "custom_attributes",
            "snoozed_until",
            "team_id",
            "sla_policy_id",
        ] {
            if is_said(conversation, &format!("/{field}")) {
                sieve.unmapped("field", field, "left out");
            }
        }
        let requester = contact(conversation, "/meta/sender");
        let subject = text(conversation, "/additional_attributes/mail_subject");
        Ok(Case {
            source: self.source.clone(),
            subject: subject.unwrap_or_else(|| format!("Conversation with {}", requester.shown())),
            requester,
            status: Some(stands(&status, is_answered, sieve)),
            source_status: (!status.is_empty()).then_some(status),
            priority: sieve.priority(&text(conversation, "/priority").unwrap_or_default()),
            assignee: text(conversation, "/meta/assignee/name")
                .or_else(|| text(conversation, "/meta/assignee/available_name")),
            tags: texts(conversation, "/labels"),
            created_at: date(conversation, "/created_at")?,
            updated_at: match date(conversation, "/last_activity_at")? {
                Some(at) => Some(at),
                None => date(conversation, "/timestamp")?,
            },
            said,
            number: None,
            id,
        })
    }

    /// Returns the messages of a conversation: those of its file, else those inside it, which may
    /// be its last one only.
    fn messages(&self, conversation: &Value, id: &str, sieve: &mut Sieve) -> Vec<Value> {
        // A name from a file is no path.
        let is_name = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let file = self.messages.join(format!("{id}.json"));
        if !is_name || !file.is_file() {
            return each(conversation, "/messages").cloned().collect();
        }
        match json_file::document(&file) {
            Ok(document) => list(document, &["data", "payload", "messages"]),
            Err(reason) => {
                sieve.reject(" messages", reason);
                Vec::new()
            }
        }
    }
}

/// Where a conversation stands. `pending` is with a bot there, and not with the customer.
fn stands(word: &str, is_answered: bool, sieve: &mut Sieve) -> Status {
    let open = if is_answered {
        Status::Open
    } else {
        Status::New
    };
    match word {
        "open" | "" => open,
        "resolved" => Status::Solved,
        "pending" => {
            sieve.unmapped(
                "status",
                word,
                "open, or new: there it means that a bot has it",
            );
            open
        }
        "snoozed" => {
            sieve.unmapped("status", word, "open, or new: until when is not kept");
            open
        }
        other => sieve.status(other).unwrap_or(open),
    }
}

fn one(message: &Value) -> Result<Said, String> {
    let (is_in, kind, auto_class) = match text(message, "/message_type").as_deref() {
        Some("0" | "incoming") => (true, MessageKind::Public, AutoClass::Human),
        Some("1" | "outgoing") => (false, MessageKind::Public, AutoClass::Human),
        Some("2" | "activity") => (false, MessageKind::System, AutoClass::AutoGenerated),
        Some("3" | "template") => (false, MessageKind::Public, AutoClass::AutoGenerated),
        Some(_) | None => return Err("it does not say who wrote to whom".to_owned()),
    };
    let is_private = message.get("private") == Some(&Value::Bool(true));
    let content = text(message, "/content");
    let html = text(message, "/content_attributes/email/html_content/full");
    if content.is_none() && message.get("content").is_none() && html.is_none() {
        return Err("it has no content".to_owned());
    }
    let people = |path: &str| -> Vec<Contact> {
        let all = texts(message, path);
        let one = text(message, path).into_iter();
        let one: Vec<String> = one
            .flat_map(|all| all.split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        all.iter()
            .chain(&one)
            .map(|person| case::person(person))
            .collect()
    };
    Ok(Said {
        id: text(message, "/id").unwrap_or_default(),
        kind: if is_private && kind == MessageKind::Public {
            MessageKind::Internal
        } else {
            kind
        },
        direction: if is_in { Direction::In } else { Direction::Out },
        from: contact(message, "/sender"),
        to: people("/content_attributes/to_emails"),
        cc: people("/content_attributes/cc_emails"),
        subject: text(message, "/content_attributes/email/subject"),
        words: match (content, html) {
            (Some(content), _) => Words::Text(content),
            (None, Some(html)) => Words::Html(html),
            (None, None) => Words::Text(String::new()),
        },
        attachments: each(message, "/attachments").map(attachment).collect(),
        message_id: text(message, "/source_id").filter(|id| id.contains('@')),
        auto_class,
        sent_at: date(message, "/created_at")?,
        opens: false,
        row: Vec::new(),
    })
}

fn contact(value: &Value, path: &str) -> Contact {
    let name = text(value, &format!("{path}/name"));
    Contact {
        name: name.or_else(|| text(value, &format!("{path}/available_name"))),
        address: text(value, &format!("{path}/email"))
            .or_else(|| text(value, &format!("{path}/phone_number")))
            .unwrap_or_default(),
    }
}

fn attachment(value: &Value) -> Attachment {
    let url = text(value, "/data_url").unwrap_or_default();
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let size = value.get("file_size").and_then(Value::as_i64).unwrap_or(0);
    let media_type = text(value, "/content_type").or_else(|| text(value, "/file_type"));
    case::attachment(name, &media_type.unwrap_or_default(), size)
}
