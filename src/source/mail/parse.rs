//! MIME to plain values: decoded, cleaned, with what is new told apart from what is quoted.

use jiff::Timestamp;
use mail_parser::{Address, HeaderName, HeaderValue, Message, MimeHeaders, PartType};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{auto, bounce::Bounce, marks::OwnMarks, mime::Mime, subject, topic, vouch::Results};
use crate::{
    domain::{Attachment, AttachmentId, AutoClass, Body, Contact},
    text::{clean, html, quote},
};

/// More ids than this no honest thread refers to.
const MOST_ANSWERS: usize = 200;
/// A mail has at most so many people in one line that are kept.
const MOST_PEOPLE: usize = 500;
/// What is said below the text of a mail in which something stays closed.
const TOO_DEEP: &str =
    "[What is nested too deeply in this message was not opened. Its bytes are kept as they came.]";

/// One mail, read.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Who wrote it.
    pub from: Contact,
    /// Whom answers are to go to, where that is somebody else.
    pub reply_to: Option<Contact>,
    /// Whom it was addressed to.
    pub to: Vec<Contact>,
    /// Who got a copy.
    pub cc: Vec<Contact>,
    /// The subject as it came.
    pub subject: String,
    /// The subject without prefixes.
    pub normal_subject: String,
    /// What it says.
    pub body: Body,
    /// What came with it.
    pub attachments: Vec<Attachment>,
    /// Its Message-ID, or one made from its bytes.
    pub rfc_message_id: String,
    /// The ids it answers, nearest parent first.
    pub answers: Vec<String>,
    /// Whether a machine wrote it.
    pub auto_class: AutoClass,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// SHA-256 of its bytes, in hex.
    pub raw_sha256: String,
    /// What it reports, if it is a delivery report.
    pub bounce: Option<Bounce>,
    /// What it bears that the desk may know as its own.
    pub own_marks: OwnMarks,
    /// The conversation that Outlook says it belongs to.
    pub topic: Option<String>,
    /// What servers wrote of where it came from.
    pub results: Results,
}

/// Reads a mail. `otherwise` is when it was sent if it does not say so itself. Whatever has one
/// header or a body is a mail; the error says in words why it is none.
pub fn parse(bytes: &[u8], otherwise: Timestamp) -> Result<Parsed, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("it is empty".to_owned());
    }
    let raw_sha256 = format!("{:x}", Sha256::digest(bytes));
    let mime = Mime::of(bytes);
    let Some(message) = mime.message() else {
        return Ok(only_text(bytes, raw_sha256, otherwise));
    };
    let bounce = Bounce::read(&message);
    let raw_subject = clean::clean_line(message.subject().unwrap_or_default());
    let mut answers = answers(&message);
    if let Some(original) = bounce
        .as_ref()
        .and_then(|bounce| bounce.original_message_id.clone())
    {
        answers.insert(0, original);
    }
    let own = message
        .message_id()
        .map(clean_id)
        .filter(|id| !id.is_empty());
    let from = people(message.from()).into_iter().next();
    let (to, cc) = (people(message.to()), people(message.cc()));
    // Old programs write somebody's address where the id belongs; it would join strangers.
    answers.retain(|id| {
        let is_address = |person: &Contact| person.address.eq_ignore_ascii_case(id);
        !from.iter().chain(&to).chain(&cc).any(is_address)
    });
    let from = from.unwrap_or_default();
    let reply_to = people(message.reply_to()).into_iter().next();
    let mut body = body(&message);
    if mime.has_closed() {
        for text in [&mut body.text, &mut body.clean] {
            text.push_str("\n\n");
            text.push_str(TOO_DEEP);
        }
    }
    let own_marks = OwnMarks::read(&message, &[&to, &cc], &body.text);
    Ok(Parsed {
        reply_to: reply_to.filter(|person| !person.is_same_mailbox(&from)),
        from,
        to,
        cc,
        normal_subject: subject::normal(&raw_subject),
        subject: raw_subject,
        body,
        own_marks,
        attachments: attachments(&message),
        rfc_message_id: own.unwrap_or_else(|| made_id(&raw_sha256)),
        answers,
        auto_class: auto::classify(&message, bounce.as_ref()),
        sent_at: sent_at(&message).unwrap_or(otherwise),
        raw_sha256,
        bounce,
        topic: topic::read(&message),
        results: Results::read(&message),
    })
}

/// A file without any header is one message that is all body.
fn only_text(bytes: &[u8], raw_sha256: String, otherwise: Timestamp) -> Parsed {
    let text = clean::clean(&String::from_utf8_lossy(bytes));
    Parsed {
        from: Contact::default(),
        reply_to: None,
        to: Vec::new(),
        cc: Vec::new(),
        subject: String::new(),
        normal_subject: String::new(),
        body: told_apart(text, Origin::Text),
        attachments: Vec::new(),
        rfc_message_id: made_id(&raw_sha256),
        answers: Vec::new(),
        auto_class: AutoClass::Human,
        sent_at: otherwise,
        raw_sha256,
        bounce: None,
        own_marks: OwnMarks::default(),
        topic: None,
        results: Results::default(),
    }
}

fn made_id(raw_sha256: &str) -> String {
    format!("{raw_sha256}@deskhand.invalid")
}

fn clean_id(id: &str) -> String {
    clean::clean_line(id)
        .trim_matches(['<', '>', ' '])
        .to_owned()
}

fn people(header: Option<&Address<'_>>) -> Vec<Contact> {
    let Some(header) = header else {
        return Vec::new();
    };
    header
        .iter()
        .map(|person| Contact {
            name: person
                .name()
                .map(clean::clean_line)
                .map(|name| name.trim().to_owned())
                .filter(|name| !name.is_empty()),
            address: person.address().map(address).unwrap_or_default(),
        })
        .filter(|person| person.name.is_some() || !person.address.is_empty())
        .take(MOST_PEOPLE)
        .collect()
}

/// The domain of an address has no case; what stands before it may have.
fn address(text: &str) -> String {
    let text = clean::clean_line(text).trim().to_owned();
    match text.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => text,
    }
}

/// Returns the ids a mail answers: all of `In-Reply-To`, then `References` from right to left.
fn answers(message: &Message<'_>) -> Vec<String> {
    let in_reply_to = header_ids(message, &HeaderName::InReplyTo);
    let references = header_ids(message, &HeaderName::References);
    let mut ids: Vec<String> = Vec::new();
    for id in in_reply_to.into_iter().chain(references.into_iter().rev()) {
        if !id.is_empty() && id.contains('@') && !ids.contains(&id) && ids.len() < MOST_ANSWERS {
            ids.push(id);
        }
    }
    ids
}

fn header_ids(message: &Message<'_>, name: &HeaderName<'_>) -> Vec<String> {
    let values = message.header_values(name.clone());
    values
        .flat_map(|value| match value {
            HeaderValue::Text(id) => vec![clean_id(id)],
            HeaderValue::TextList(ids) => ids.iter().map(|id| clean_id(id)).collect(),
            HeaderValue::Address(_)
            | HeaderValue::DateTime(_)
            | HeaderValue::ContentType(_)
            | HeaderValue::Received(_)
            | HeaderValue::Empty => Vec::new(),
        })
        .collect()
}

/// The date a mail gives itself, else the newest `Received`; neither when both are nonsense.
fn sent_at(message: &Message<'_>) -> Option<Timestamp> {
    let own = message.date();
    let received = message.received().and_then(mail_parser::Received::date);
    [own.copied(), received]
        .into_iter()
        .flatten()
        .filter(mail_parser::DateTime::is_valid)
        .find_map(|date| Timestamp::from_second(date.to_timestamp()).ok())
}

/// Where a text came from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Text,
    Html,
}

fn body(message: &Message<'_>) -> Body {
    let mut text = String::new();
    let mut origin = Origin::Text;
    for part in message.text_bodies() {
        let piece = match &part.body {
            PartType::Text(text) => clean::clean(text),
            PartType::Html(source) => {
                origin = Origin::Html;
                html::to_text(source)
            }
            PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => continue,
        };
        if !text.is_empty() && !piece.trim().is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(&piece);
    }
    // Some programs send an empty text beside the HTML that says it all.
    if text.trim().is_empty()
        && let Some(PartType::Html(source)) = message.html_part(0).map(|part| &part.body)
    {
        return told_apart(html::to_text(source), Origin::Html);
    }
    told_apart(text, origin)
}

fn told_apart(text: String, origin: Origin) -> Body {
    let split = quote::split(&text);
    Body {
        clean: split.clean,
        quoted: split.quoted,
        signature: split.signature,
        text,
        from_html: origin == Origin::Html,
    }
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    message
        .attachments()
        .map(|part| {
            let kind = part.content_type().map(|kind| match kind.subtype() {
                Some(subtype) => format!("{}/{subtype}", kind.ctype()),
                None => kind.ctype().to_owned(),
            });
            let name = part
                .attachment_name()
                .map(clean::clean_line)
                .unwrap_or_default();
            Attachment {
                id: AttachmentId::new(Uuid::now_v7()),
                name: if name.trim().is_empty() {
                    "unnamed".to_owned()
                } else {
                    name
                },
                media_type: kind.map_or_else(
                    || "application/octet-stream".to_owned(),
                    |kind| clean::clean_line(&kind).to_lowercase(),
                ),
                size_bytes: i64::try_from(part.contents().len()).unwrap_or(i64::MAX),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn a_mail_is_read_with_its_ids_and_dates() {
        let mail = b"From: Maya Chen <Maya@Northbend.TEST>\r\nTo: help@acme.test\r\n\
            Subject: =?utf-8?q?Re:_Caf=C3=A9?=\r\nMessage-ID: <a@x>\r\nIn-Reply-To: <p@x> <q@x>\r\n\
            References: <root@x> <p@x>\r\nDate: Mon, 1 Sep 2025 12:00:00 +0200\r\n\r\nHello\r\n";

        let parsed = parse(mail, THEN).unwrap();

        assert_eq!(parsed.from.address, "Maya@northbend.test");
        assert_eq!(
            (parsed.subject.as_str(), parsed.normal_subject.as_str()),
            ("Re: Café", "Café")
        );
        assert_eq!(parsed.answers, ["p@x", "q@x", "root@x"]);
        assert_eq!(parsed.sent_at.to_string(), "2025-09-01T10:00:00Z");
        assert_eq!(parsed.auto_class, AutoClass::Human);
    }

    #[test]
    fn an_address_in_the_place_of_an_id_answers_nothing() {
        let mail = b"From: a@x.test\nTo: B <b@x.test>\nIn-Reply-To: Your mail <b@x.test>\n\nhi";

        assert_eq!(parse(mail, THEN).unwrap().answers, Vec::<String>::new());
    }

    #[test]
    fn html_alone_becomes_text() {
        let mail = b"Subject: x\nContent-Type: text/html\n\n<p>Hello <b>there</b></p>";

        let parsed = parse(mail, THEN).unwrap();

        assert!(parsed.body.from_html);
        assert!(parsed.body.text.contains("Hello"), "{}", parsed.body.text);
    }

    #[test]
    fn one_header_or_a_body_is_a_mail() {
        assert!(parse(b"Subject: only this", THEN).is_ok());
        assert!(parse(b"only a body", THEN).is_ok());
        assert!(parse(b" \n", THEN).is_err());
    }

    #[test]
    fn a_mail_without_an_id_gets_one_from_its_bytes() {
        let one = parse(b"Subject: x\n\nhi", THEN).unwrap();
        let two = parse(b"Subject: x\n\nhi", THEN).unwrap();

        assert_eq!(one.rfc_message_id, two.rfc_message_id);
        assert!(one.rfc_message_id.ends_with("@deskhand.invalid"));
    }

    #[test]
    fn a_machine_is_told_from_a_person() {
        for (headers, class) in [
            (
                "Auto-Submitted: auto-replied\nSubject: Out of office: hi",
                AutoClass::Ooo,
            ),
            (
                "Auto-Submitted: auto-generated\nSubject: x",
                AutoClass::AutoGenerated,
            ),
            ("Auto-Submitted: no\nSubject: x", AutoClass::Human),
            (
                "List-Id: <a.b>\nPrecedence: bulk\nSubject: x",
                AutoClass::List,
            ),
            (
                "X-Auto-Response-Suppress: All\nSubject: x",
                AutoClass::Human,
            ),
            (
                "From: MAILER-DAEMON@x.test\nSubject: x",
                AutoClass::BounceSoft,
            ),
            (
                "From: MAILER-DAEMON@x.test\nSubject: x\n\n<b@x.test>: user unknown",
                AutoClass::BounceHard,
            ),
            (
                "Return-Path: <>\nAuto-Submitted: auto-replied\nSubject: x",
                AutoClass::AutoReply,
            ),
        ] {
            let parsed = parse(format!("{headers}\n\nhi").as_bytes(), THEN).unwrap();
            assert_eq!(parsed.auto_class, class, "{headers}");
        }
    }
}
