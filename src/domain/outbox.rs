//! The outbox: replies that wait to leave, and how far each has come.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Contact, DraftId, OutboxId, Status, TicketId, Timestamp};

/// A reply in the outbox: written before any socket is opened.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The inner identity.
    pub id: OutboxId,
    /// What it is.
    pub kind: OutboxKind,
    /// The ticket it answers.
    pub ticket: TicketId,
    /// The draft it was.
    pub draft: DraftId,
    /// The text that will leave.
    pub text: String,
    /// The status the ticket takes when the reply has left.
    pub then: Status,
    /// Who pressed the key.
    pub approved_by: String,
    /// When it was put here.
    pub queued_at: Timestamp,
    /// How it is addressed; none where it was written before there was a way of sending.
    pub post: Option<Post>,
    /// How far it has come.
    pub progress: Progress,
}

/// What a row of the outbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxKind {
    /// A person's reply.
    Reply,
    /// The automatic answer to a new ticket: it moves no ticket and stops no clock.
    Ack,
}

impl fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OutboxRow {} {:?}", self.id, self.progress.delivery)
    }
}

/// How a reply is addressed.
#[derive(Clone, PartialEq, Eq)]
pub struct Post {
    /// The address of the account it leaves by.
    pub account: String,
    /// Its Message-ID without the brackets: given once, kept by every attempt.
    pub rfc_message_id: String,
    /// What it is addressed with.
    pub letter: PostLetter,
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Post <{}>", self.rfc_message_id)
    }
}

/// What stands on a reply beside its text.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostLetter {
    /// Who gets it and what goes with it.
    #[serde(flatten)]
    pub envelope: Envelope,
    /// Its subject.
    pub subject: String,
    /// The ids it answers, nearest parent first.
    pub answers: Vec<String>,
    /// Who is named as its sender.
    pub from: Contact,
}

/// Who gets a reply and what goes with it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// To whom it is addressed.
    pub to: Vec<Contact>,
    /// Who gets a copy.
    pub cc: Vec<Contact>,
    /// Who gets a copy that nobody is told of.
    pub bcc: Vec<Contact>,
    /// The files that go with it.
    pub files: Vec<Enclosed>,
    /// The address of the account it leaves by, where a person chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// What it is to those who get it.
    #[serde(default, skip_serializing_if = "Purpose::is_answer")]
    pub purpose: Purpose,
}

/// What a mail is to those who get it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It answers the newest message.
    #[default]
    Answer,
    /// It passes a message on to somebody who never got the others: it answers nothing.
    Forward,
}

impl Purpose {
    /// Tells whether it answers a message.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over a reference"
    )]
    const fn is_answer(&self) -> bool {
        matches!(self, Self::Answer)
    }
}

impl Envelope {
    /// Returns everybody who gets it, each once.
    pub fn everybody(&self) -> Vec<&Contact> {
        let mut all: Vec<&Contact> = Vec::new();
        for person in self.to.iter().chain(&self.cc).chain(&self.bcc) {
            if !all.iter().any(|known| known.is_same_mailbox(person)) {
                all.push(person);
            }
        }
        all
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Envelope to {}, cc {}, bcc {}, {} files",
            self.to.len(),
            self.cc.len(),
            self.bcc.len(),
            self.files.len()
        )
    }
}

/// A file that goes with a reply.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enclosed {
    /// Its name, without a path.
    pub name: String,
    /// Its media type, judged by what is in it.
    pub media_type: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// SHA-256 of its bytes, in hex: where they are kept.
    pub sha256: String,
}

impl fmt::Debug for Enclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Enclosed of {} bytes", self.size_bytes)
    }
}

/// How far a reply has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// In one word.
    pub delivery: Delivery,
    /// Until then it can be taken back without a trace; none where it has no way to leave.
    pub held_until: Option<Timestamp>,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// What the server, or the desk, said of it last.
    pub said: Option<String>,
}

impl Progress {
    /// Returns the progress of a reply that was just put into the outbox.
    pub const fn held(until: Option<Timestamp>) -> Self {
        Self {
            delivery: Delivery::Held,
            held_until: until,
            next_attempt_at: None,
            attempts: 0,
            said: None,
        }
    }

    /// Returns when it may leave: its undo time is over and, after a failure, its pause too.
    pub fn due_at(&self) -> Option<Timestamp> {
        let until = self.held_until?;
        Some(self.next_attempt_at.map_or(until, |next| next.max(until)))
    }
}

/// How far a row of the outbox has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waits: its undo time runs, a pause after a failure, or no way of sending is set up.
    Held,
    /// Somebody is handing it over.
    Sending,
    /// The server has taken it.
    Sent,
    /// It may have left: the connection broke before the server said so.
    Unsure,
    /// The server refused it for good; it is a draft again.
    Failed,
    /// Brought back to the draft it was.
    Withdrawn,
}

impl Delivery {
    /// Returns the word for it, as in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Unsure => "unsure",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Tells whether a person or the desk still has something to do with it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Sending | Self::Unsure)
    }
}

/// Writes to whom a reply goes on one line: `maya@x, sam@y cc: ops@x bcc: boss@x`.
pub fn route_line(envelope: &Envelope) -> String {
    let list = |people: &[Contact]| {
        let addresses: Vec<&str> = people.iter().map(|one| one.address.as_str()).collect();
        addresses.join(", ")
    };
    let mut line = list(&envelope.to);
    for (name, people) in [(" cc: ", &envelope.cc), (" bcc: ", &envelope.bcc)] {
        if !people.is_empty() {
            line.push_str(name);
            line.push_str(&list(people));
        }
    }
    if let Some(account) = &envelope.account {
        line.push_str(" from: ");
        line.push_str(account);
    }
    line
}

/// Reads such a line into an envelope, whose files stay; names of people already on it are kept. What
/// was to be passed on answers once it goes to one of the ticket's own people, who has the messages.
/// The error names the word that is no address.
pub fn read_route(line: &str, before: &Envelope, people: &[&Contact]) -> Result<Envelope, String> {
    let mut after = Envelope {
        files: before.files.clone(),
        ..Envelope::default()
    };
    let mut list = 0;
    let line = line.replace("cc:", " cc: ").replace("b cc: ", " bcc: ");
    let line = line.replace("from:", " from: ");
    for word in line.split([' ', ',', ';']).filter(|word| !word.is_empty()) {
        match word {
            "to:" => list = 0,
            "cc:" => list = 1,
            "bcc:" => list = 2,
            "from:" => list = 3,
            account if list == 3 && after.account.is_none() => {
                after.account = Some(account.to_owned());
            }
            other if list == 3 => {
                return Err(format!(
                    "A reply leaves from one account; {other} is one more after from:."
                ));
            }
            address => {
                let is_one = address
                    .split_once('@')
                    .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty());
                if !is_one || address.contains(['<', '>', '"']) {
                    return Err(format!("{address} is no address."));
                }
                let known = before.everybody().into_iter();
                let known = known
                    .clone()
                    .find(|person| person.address.eq_ignore_ascii_case(address));
                let known = known.cloned();
                let person = known.unwrap_or_else(|| Contact {
                    name: None,
                    address: address.to_owned(),
                });
                match list {
                    0 => after.to.push(person),
                    1 => after.cc.push(person),
                    _ => after.bcc.push(person),
                }
            }
        }
    }
    if after.to.is_empty() {
        return Err("Somebody must stand before cc: and bcc:.".to_owned());
    }
    let kept = before.everybody();
    let is_new_to_it = |person: &&Contact| !kept.iter().any(|one| one.is_same_mailbox(person));
    let mut added = after.everybody().into_iter().filter(is_new_to_it);
    if !added.any(|person| people.iter().any(|one| one.is_same_mailbox(person))) {
        after.purpose = before.purpose;
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_people_is_read_and_written_alike() {
        let line = "maya@x.test, sam@y.test cc: ops@x.test bcc: boss@z.test";
        let read = read_route(line, &Envelope::default(), &[]).unwrap();

        assert_eq!(route_line(&read), line);
        assert_eq!((read.to.len(), read.cc.len(), read.bcc.len()), (2, 1, 1));
        assert!(read_route("cc: ops@x.test", &Envelope::default(), &[]).is_err());
        assert!(read_route("maya", &Envelope::default(), &[]).is_err());
        let tight = read_route(
            "a@x.test cc:b@x.test bcc:c@x.test",
            &Envelope::default(),
            &[],
        );
        assert_eq!(tight.unwrap().bcc.len(), 1);
        let by = read_route("a@x.test from:support@x.test", &Envelope::default(), &[]).unwrap();
        assert_eq!(by.account.as_deref(), Some("support@x.test"));
        assert_eq!(route_line(&by), "a@x.test from: support@x.test");
        let two = read_route("a@x.test from: support@x.test, b@x.test", &by, &[]);
        assert!(two.unwrap_err().contains("b@x.test is one more"));
    }

    #[test]
    fn what_goes_to_somebody_of_the_ticket_is_passed_on_no_more() {
        let person = |address: &str| Contact {
            name: None,
            address: address.to_owned(),
        };
        let maya = person("maya@x.test");
        let forward = Envelope {
            to: vec![person("sam@carrier.test")],
            purpose: Purpose::Forward,
            ..Envelope::default()
        };

        for (line, purpose) in [
            ("Maya@x.test", Purpose::Answer),
            ("sam@carrier.test bcc: maya@x.test", Purpose::Answer),
            ("sam@carrier.test cc: jo@carrier.test", Purpose::Forward),
        ] {
            let after = read_route(line, &forward, &[&maya]).unwrap();
            assert_eq!(after.purpose, purpose, "{line}");
        }
    }
}
