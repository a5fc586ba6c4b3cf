//! Zendesk: the tickets of its incremental export or of the account's NDJSON, with the comments
//! inside them or in a folder `comments` beside, and the people in `users.json`.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    case::{self, Case, OPENING, Said, Words},
    entry::{Entry, Sieve, rejected},
    json_file::{self, date, each, is_said, list, text, texts},
    kind::{self, Kind},
};
use crate::domain::{Contact, Direction, MessageKind};

/// Where tickets come from, if nobody says it.
const SOURCE: &str = "zendesk";
/// People stand beside the tickets in short files only: pages of the API.
const LONGEST_WITH_PEOPLE: u64 = 64 << 20;
/// Fields that have no place here, where something stands in them.
const LEFT_OUT: [&str; 8] = [
    "type",
    "satisfaction_rating",
    "organization_id",
    "group_id",
    "due_at",
    "collaborator_ids",
    "follower_ids",
    "problem_id",
];

/// Returns what an export holds, one ticket after the other.
pub(super) fn entries(
    path: &Path,
    source: Option<&str>,
    at: Timestamp,
) -> impl Iterator<Item = Entry> + Send + use<> {
    let (files, folder) = kind::files_of(path, Kind::Zendesk);
    let export = Arc::new(Export {
        people: people(&folder, &files),
        comments: folder.join("comments"),
        source: source.unwrap_or(SOURCE).to_owned(),
        at,
    });
    files.into_iter().flat_map(move |file| {
        let export = Arc::clone(&export);
        let name = file.display().to_string();
        let (items, bad) = match json_file::items(&file, &["tickets"]) {
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

/// What stands beside the tickets.
struct Export {
    people: HashMap<String, Person>,
    comments: PathBuf,
    source: String,
    at: Timestamp,
}

#[derive(Clone)]
struct Person {
    contact: Contact,
    is_customer: bool,
}

/// Reads the people of an export: `users.json`, or those that stand beside the tickets.
fn people(folder: &Path, files: &[PathBuf]) -> HashMap<String, Person> {
    let beside = folder.join("users.json");
    let is_short = |file: &&PathBuf| {
        std::fs::metadata(file).is_ok_and(|about| about.len() <= LONGEST_WITH_PEOPLE)
    };
    let all = files.iter().filter(is_short).chain([&beside]);
    let documents = all.filter_map(|file| json_file::document(file).ok());
    let mut people = HashMap::new();
    for document in documents {
        for user in each(&document, "/users") {
            if let Some(id) = text(user, "/id") {
                people.insert(id, person(user));
            }
        }
    }
    people
}

fn person(user: &Value) -> Person {
    Person {
        contact: Contact {
            name: text(user, "/name"),
            address: text(user, "/email").unwrap_or_default(),
        },
        is_customer: text(user, "/role").is_some_and(|role| role == "end-user"),
    }
}

impl Export {
    fn entries(&self, ticket: &Value, file: &str) -> Vec<Entry> {
        Sieve::one_ticket(file, text(ticket, "/id"), self.at, |sieve| {
            self.case(ticket, sieve)
        })
    }

    fn case(&self, ticket: &Value, sieve: &mut Sieve) -> Result<Case, String> {
        let id = text(ticket, "/id").ok_or("it has no id")?;
        let comments = self.comments(ticket, &id, sieve);
        let asked_by = text(ticket, "/requester_id").unwrap_or_default();
        let requester = self.requester(ticket, &asked_by, &comments, sieve);
        let mut said: Vec<Said> = Vec::with_capacity(comments.len());
        for comment in &comments {
            match self.said(comment, &asked_by, &requester) {
                Ok(one) => said.push(one),
                Err(reason) => {
                    let name = text(comment, "/id").unwrap_or_default();
                    sieve.reject(&format!(" comment {name}"), reason);
                }
            }
        }
        let created_at = date(ticket, "/created_at")?;
        let description = text(ticket, "/description").map(Words::Text);
        match description {
            Some(words) if comments.is_empty() => said.push(Said {
                id: OPENING.to_owned(),
                from: requester.clone(),
                words,
                sent_at: created_at,
                opens: true,
                ..Said::default()
            }),
            Some(words) => mark_opening(&mut said, words),
            None => {}
        }
        left_out(ticket, sieve);
        let status = text(ticket, "/status").unwrap_or_default();
        let assignee = text(ticket, "/assignee_id");
        Ok(Case {
            source: self.source.clone(),
            subject: text(ticket, "/subject")
                .or_else(|| text(ticket, "/raw_subject"))
                .unwrap_or_default(),
            requester,
            status: sieve.status(&status),
            source_status: (!status.is_empty()).then_some(status),
            priority: sieve.priority(&text(ticket, "/priority").unwrap_or_default()),
            assignee: assignee.map(|id| self.name(&id)),
            tags: texts(ticket, "/tags"),
            created_at,
            updated_at: date(ticket, "/updated_at")?,
            said,
            number: None,
            id,
        })
    }

    /// Returns the comments of a ticket: those inside it, else those of its file.
    fn comments(&self, ticket: &Value, id: &str, sieve: &mut Sieve) -> Vec<Value> {
        let inside: Vec<Value> = each(ticket, "/comments").cloned().collect();
        // A name from a file is no path.
        let is_name = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let file = self.comments.join(format!("{id}.json"));
        if !inside.is_empty() || !is_name || !file.is_file() {
            return inside;
        }
        match json_file::document(&file) {
            Ok(document) => list(document, &["comments"]),
            Err(reason) => {
                sieve.reject(" comments", reason);
                Vec::new()
            }
        }
    }

    fn requester(
        &self,
        ticket: &Value,
        id: &str,
        comments: &[Value],
        sieve: &mut Sieve,
    ) -> Contact {
        if let Some(person) = self.people.get(id) {
            return person.contact.clone();
        }
        let inside = ticket.get("requester").map(|user| person(user).contact);
        let by_mail = || {
            let first = comments
                .iter()
                .find(|comment| text(comment, "/author_id").as_deref() == Some(id))?;
            Some(by_mail(first)).filter(|from| !from.address.is_empty())
        };
        inside.or_else(by_mail).unwrap_or_else(|| {
            if !id.is_empty() {
                let became = "nobody: the export does not say who that is";
                sieve.unmapped("requester", id, became);
            }
            Contact::default()
        })
    }

    fn said(&self, comment: &Value, asked_by: &str, requester: &Contact) -> Result<Said, String> {
        let author = text(comment, "/author_id").unwrap_or_default();
        let known = self.people.get(&author);
        let is_requester = author == asked_by && !author.is_empty();
        let from = if is_requester {
            requester.clone()
        } else {
            known.map_or_else(|| by_mail(comment), |person| person.contact.clone())
        };
        let is_customer = is_requester || known.is_some_and(|person| person.is_customer);
        let is_public = comment.get("public") != Some(&Value::Bool(false));
        let plain = text(comment, "/plain_body").filter(|_| !is_said(comment, "/body"));
        let words = match (
            text(comment, "/body").or(plain),
            text(comment, "/html_body"),
        ) {
            (Some(body), _) => Words::Text(body),
            (None, Some(html)) => Words::Html(html),
            (None, None) if is_said(comment, "/attachments") => Words::Text(String::new()),
            (None, None) if comment.get("body").is_some() => Words::Text(String::new()),
            (None, None) => return Err("it has no body".to_owned()),
        };
        let to = text(comment, "/via/source/to/address");
        Ok(Said {
            id: text(comment, "/id").unwrap_or_default(),
            kind: if is_public {
                MessageKind::Public
            } else {
                MessageKind::Internal
            },
            direction: if is_customer && is_public {
                Direction::In
            } else {
                Direction::Out
            },
            from,
            to: to.as_deref().map(case::person).into_iter().collect(),
            words,
            attachments: each(comment, "/attachments").map(attachment).collect(),
            message_id: text(comment, "/metadata/system/message_id"),
            sent_at: date(comment, "/created_at")?,
            ..Said::default()
        })
    }

    fn name(&self, id: &str) -> String {
        let person = self.people.get(id);
        let name = person.and_then(|person| person.contact.name.clone());
        name.unwrap_or_else(|| format!("user {id}"))
    }
}

/// Marks the first comment where it is the description told once more: an earlier export may have
/// told that alone.
fn mark_opening(said: &mut [Said], description: Words) {
    let text = |words| case::body(words, MessageKind::Internal).text;
    if let Some(first) = said.iter_mut().min_by_key(|said| said.sent_at) {
        let (first_text, description) = (text(first.words.clone()), text(description));
        let (first_words, words) = (
            first_text.split_whitespace(),
            description.split_whitespace(),
        );
        first.opens = first_words.eq(words);
    }
}

/// Who wrote a comment, as the mail it came by says.
fn by_mail(comment: &Value) -> Contact {
    Contact {
        name: text(comment, "/via/source/from/name"),
        address: text(comment, "/via/source/from/address").unwrap_or_default(),
    }
}

fn attachment(value: &Value) -> crate::domain::Attachment {
    let size = value.get("size").and_then(Value::as_i64).unwrap_or(0);
    let name = text(value, "/file_name").unwrap_or_default();
    let media_type = text(value, "/content_type").unwrap_or_default();
    case::attachment(&name, &media_type, size)
}

/// Names what has no place here.
fn left_out(ticket: &Value, sieve: &mut Sieve) {
    for field in LEFT_OUT {
        if is_said(ticket, &format!("/{field}")) {
            sieve.unmapped("field", field, "left out");
        }
    }
    for field in each(ticket, "/custom_fields") {
        if is_said(field, "/value") {
            let name = text(field, "/id").unwrap_or_default();
            sieve.unmapped("custom field", &name, "left out");
        }
    }
}
