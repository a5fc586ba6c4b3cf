//! What stands on a reply: to whom, its subject, its text with signature and quote. Pure.

use jiff::tz::TimeZone;

use crate::{
    config::SendingConfig,
    domain::{Contact, Direction, Envelope, Message, MessageKind, Ticket},
};

/// What stands before the subject of a message that is passed on.
const FORWARD: &str = "Fwd:";
/// What mail programs put before the subject of an answer or of what they pass on.
const PREFIXES: [&str; 6] = ["re", "aw", "fwd", "fw", "wg", "tr"];

/// Returns the message that a reply answers: the newest of a person from outside, else the newest
/// public one.
pub fn answered(messages: &[Message]) -> Option<&Message> {
    let public = || {
        messages
            .iter()
            .rev()
            .filter(|message| message.kind == MessageKind::Public)
    };
    public()
        .find(|message| message.direction == Direction::In && !message.auto_class.is_automatic())
        .or_else(|| public().next())
}

/// Returns the message whose people get the reply: the one that is answered, unless strangers may
/// have written it. A stranger who answers a thread gets nothing until somebody says so, nor does
/// anybody whom such a mail names.
fn addressed(messages: &[Message]) -> Option<&Message> {
    let answered = answered(messages)?;
    if !answered.is_of_strangers() {
        return Some(answered);
    }
    let before = messages.iter().rev().find(|message| {
        message.kind == MessageKind::Public
            && !message.auto_class.is_automatic()
            && !message.is_of_strangers()
    });
    before.or(Some(answered))
}

/// Returns how many messages of people a ticket has: what a reader of it has seen.
pub fn messages_of_people(messages: &[Message]) -> u64 {
    let of_people = messages.iter().filter(|message| {
        message.kind == MessageKind::Public && !message.auto_class.is_automatic()
    });
    u64::try_from(of_people.count()).unwrap_or(u64::MAX)
}

/// Returns to whom a reply goes when nobody says otherwise: to the writer, with everybody else of
/// the answered mail in copy, and none of ours.
pub fn envelope(ticket: &Ticket, messages: &[Message], own: &[String]) -> Envelope {
    let is_own = |person: &Contact| {
        own.iter()
            .any(|own| own.eq_ignore_ascii_case(&person.address))
    };
    let mut envelope = Envelope::default();
    let Some(message) = addressed(messages) else {
        add(&mut envelope.to, &[], &ticket.requester);
        return envelope;
    };
    if message.direction == Direction::In {
        let writer = message.reply_to.as_ref().unwrap_or(&message.from);
        let writer = if writer.address.is_empty() || is_own(writer) {
            &ticket.requester
        } else {
            writer
        };
        add(&mut envelope.to, &[], writer);
    } else {
        for person in message.to.iter().filter(|person| !is_own(person)) {
            add(&mut envelope.to, &[], person);
        }
        if envelope.to.is_empty() {
            add(&mut envelope.to, &[], &ticket.requester);
        }
    }
    let others: &[Contact] = if message.direction == Direction::In {
        &message.to
    } else {
        &[]
    };
    let first = envelope.to.clone();
    for person in others.iter().chain(&message.cc) {
        if !is_own(person) {
            add(&mut envelope.cc, &first, person);
        }
    }
    envelope
}

fn add(people: &mut Vec<Contact>, others: &[Contact], person: &Contact) {
    let is_there = |known: &Contact| known.is_same_mailbox(person);
    if !person.address.is_empty() && !people.iter().chain(others).any(is_there) {
        people.push(person.clone());
    }
}

/// Returns the subject of a reply: the customer's own words behind `Re:`.
pub fn subject(ticket: &Ticket, messages: &[Message], token: Option<&str>) -> String {
    if messages
        .iter()
        .all(|message| message.kind != MessageKind::Public)
    {
        return with_token(ticket, ticket.subject.clone(), token);
    }
    let theirs = answered(messages)
        .map(|message| message.subject.trim())
        .filter(|subject| !subject.is_empty())
        .unwrap_or(&ticket.subject);
    let is_reply = theirs
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    let subject = if is_reply {
        theirs.to_owned()
    } else {
        format!("Re: {theirs}")
    };
    with_token(ticket, subject, token)
}

/// Returns the subject of a message that is passed on: the customer's own words behind one `Fwd:`.
pub fn forward_subject(ticket: &Ticket, messages: &[Message], token: Option<&str>) -> String {
    let theirs = answered(messages)
        .map(|message| bare(&message.subject))
        .filter(|subject| !subject.is_empty())
        .unwrap_or_else(|| bare(&ticket.subject));
    with_token(ticket, format!("{FORWARD} {theirs}"), token)
}

/// Tells whether a message was passed on from here to somebody: what comes next answers another.
pub fn was_forwarded(message: &Message) -> bool {
    message.direction == Direction::Out
        && message.answers.is_empty()
        && message.subject.starts_with(FORWARD)
}

/// Takes what mail programs put before a subject off it.
fn bare(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some((word, after)) = rest.split_once(':') {
        let is_prefix = PREFIXES
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known));
        if !is_prefix {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

fn with_token(ticket: &Ticket, subject: String, token: Option<&str>) -> String {
    match token {
        Some(token) => {
            let token = format!("[{token} #{}]", ticket.number);
            if subject.contains(&token) {
                subject
            } else {
                format!("{subject} {token}")
            }
        }
        None => subject,
    }
}

/// What goes below a reply.
#[derive(Clone, Copy, Debug)]
pub struct Below<'a> {
    /// The account's settings.
    pub sending: &'a SendingConfig,
    /// The agent's own signature.
    pub signature: Option<&'a str>,
    /// What is answered.
    pub answered: Option<&'a Message>,
    /// The line by which answers find the ticket, where there is one.
    pub mark: Option<&'a str>,
}

impl Below<'_> {
    fn signature(&self) -> Option<&str> {
        let own = self.sending.signature.as_deref().or(self.signature);
        own.map(str::trim_end)
            .filter(|text| !text.trim().is_empty())
    }

    /// Returns the line above the quote, and the quote.
    fn quote(&self) -> Option<(String, String)> {
        let message = self.answered.filter(|_| self.sending.quotes)?;
        let text = message.body.clean.trim_end();
        let text = if text.trim().is_empty() {
            message.body.text.trim_end()
        } else {
            text
        };
        if text.trim().is_empty() {
            return None;
        }
        let when = message
            .sent_at
            .to_zoned(TimeZone::UTC)
            .strftime("%a, %-d %b %Y at %H:%M UTC");
        let who = message.from.shown();
        Some((format!("On {when}, {who} wrote:"), text.to_owned()))
    }
}

/// Returns the whole text of a reply.
pub fn text(reply: &str, below: &Below<'_>) -> String {
    let mut whole = reply.trim_end().to_owned();
    whole.push('\n');
    // A model or a person may have written it already.
    let signature = below
        .signature()
        .filter(|signature| !reply.trim_end().ends_with(signature.trim()));
    if let Some(signature) = signature {
        whole.push_str("\n-- \n");
        whole.push_str(signature);
        whole.push('\n');
    }
    if let Some(mark) = below.mark {
        whole.push_str("\nRef: ");
        whole.push_str(mark);
        whole.push('\n');
    }
    if let Some((head, quoted)) = below.quote() {
        whole.push('\n');
        whole.push_str(&head);
        whole.push('\n');
        for line in quoted.lines() {
            let nested = if line.starts_with('>') { ">" } else { "> " };
            whole.push_str(nested);
            whole.push_str(line);
            whole.push('\n');
        }
    }
    whole
}

/// Returns the same as HTML.
pub fn html(reply: &str, below: &Below<'_>) -> String {
    let mut whole = String::from("<!DOCTYPE html><html><body>");
    for paragraph in reply.trim_end().split("\n\n") {
        whole.push_str("<p>");
        whole.push_str(&lines(paragraph));
        whole.push_str("</p>\r\n");
    }
    if let Some(signature) = below.signature() {
        whole.push_str("<p>-- <br>\r\n");
        whole.push_str(&lines(signature));
        whole.push_str("</p>\r\n");
    }
    if let Some(mark) = below.mark {
        whole.push_str("<p>Ref: ");
        whole.push_str(&escaped(mark));
        whole.push_str("</p>\r\n");
    }
    if let Some((head, quoted)) = below.quote() {
        whole.push_str("<p>");
        whole.push_str(&escaped(&head));
        whole.push_str("</p>\r\n<blockquote type=\"cite\">");
        whole.push_str(&lines(&quoted));
        whole.push_str("</blockquote>\r\n");
    }
    whole.push_str("</body></html>\r\n");
    whole
}

fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escaped).collect();
    lines.join("<br>\r\n")
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}
