//! Letters on their way into the store: read, and the messages they become.

use std::{collections::BTreeSet, panic::catch_unwind};

use uuid::Uuid;

use super::{
    importer::{BATCH, BATCH_BYTES},
    thread::Ids,
};
use crate::{
    domain::{
        AutoClass, Body, Direction, Hint, Message, MessageId, MessageKind, TicketId, Timestamp,
    },
    source::{
        import::{Found, Marks, Reject},
        mail::parse::{Parsed, parse},
    },
    store::Original,
};

/// A letter that was read and waits for its batch.
pub(in crate::desk) struct Read {
    pub(in crate::desk) parsed: Parsed,
    pub(in crate::desk) marks: Marks,
    pub(in crate::desk) note_path: String,
    /// Its bytes as they came.
    pub(in crate::desk) original: Original,
    /// How many bytes those are.
    pub(in crate::desk) size: usize,
    /// When the server got it, where one did: clocks of writers go wrong.
    pub(in crate::desk) arrived: Option<Timestamp>,
    /// Why it is kept out of the queue, for more than what kind of mail it is.
    pub(in crate::desk) quarantine: Option<String>,
    /// Whether it says with reason that mail of ours was not delivered.
    pub(in crate::desk) is_true_report: bool,
}

impl Read {
    /// Tells whether the server had it before then. Dates of mail have whole seconds.
    pub(in crate::desk) fn arrived_before(&self, then: Timestamp) -> bool {
        self.arrived.unwrap_or(self.parsed.sent_at).as_second() < then.as_second()
    }

    /// Returns when it came, for telling older from newer. A date from the future is as good as
    /// now.
    pub(in crate::desk) fn came_at(&self, now: Timestamp) -> Timestamp {
        let sent_at = self.parsed.sent_at;
        self.arrived.map_or(sent_at, |at| at.max(sent_at)).min(now)
    }

    /// Returns when it was said. Nothing was said later than now, whatever date it bears.
    pub(in crate::desk) fn said_at(&self, now: Timestamp) -> Timestamp {
        self.parsed.sent_at.min(now)
    }

    /// Returns when it was said, for what was there before: of what was read the date counts, also
    /// where the mailbox has moved since; of what was not, the arrival.
    pub(in crate::desk) fn told_at(&self, now: Timestamp) -> Timestamp {
        if self.marks.was_seen {
            self.said_at(now)
        } else {
            self.came_at(now)
        }
    }
}

/// Letters of a mailbox that were read, and what could not be.
#[derive(Default)]
pub(in crate::desk) struct Letters {
    pub(in crate::desk) reads: Vec<Read>,
    pub(in crate::desk) rejects: Vec<Reject>,
}

impl Letters {
    /// Reads letters of a mailbox: work for a processor, off the thread that waits for the server and the database.
    pub(in crate::desk) fn of(found: Vec<Found>, at: Timestamp, arrival: Arrival) -> Self {
        let mut letters = Self::default();
        for found in found {
            match read(&found, at, arrival) {
                Ok(read) => letters.reads.push(read),
                Err(reject) => letters.rejects.push(reject),
            }
        }
        letters
    }

    /// Adds others behind these.
    pub(in crate::desk) fn extend(&mut self, others: Self) {
        self.reads.extend(others.reads);
        self.rejects.extend(others.rejects);
    }

    /// Tells whether they are as many as are filed at once.
    pub(in crate::desk) fn are_many(&self) -> bool {
        let bytes = || self.reads.iter().map(|read| read.size).sum::<usize>();
        self.reads.len() + self.rejects.len() >= BATCH || bytes() >= BATCH_BYTES
    }
}

/// What the time beside a letter tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::desk) enum Arrival {
    /// When the server got it.
    Known,
    /// When its file was written last, which is no arrival.
    Unknown,
}

pub(in crate::desk) fn read(
    found: &Found,
    at: Timestamp,
    arrival: Arrival,
) -> Result<Read, Reject> {
    let path = match found.part {
        Some(part) => format!("{}#{part}", found.path.display()),
        None => found.path.display().to_string(),
    };
    // One mail that a reader stumbles over does not stop the rest.
    let parsed = catch_unwind(|| parse(&found.bytes, found.modified.unwrap_or(at)));
    let parsed = parsed.unwrap_or_else(|_| Err("the program failed at reading it".to_owned()));
    let packed = Original::of(&found.bytes).map_err(|why| format!("it cannot be kept: {why}"));
    match parsed.and_then(|parsed| Ok((parsed, packed?))) {
        Ok((parsed, original)) => Ok(Read {
            parsed: as_far_as_here(parsed, found.marks),
            marks: found.marks,
            note_path: path,
            original,
            size: found.bytes.len(),
            arrived: found.modified.filter(|_| arrival == Arrival::Known),
            quarantine: None,
            is_true_report: false,
        }),
        Err(reason) => Err(Reject { path, reason }),
    }
}

/// Of a message whose body was left on its server only the headers tell anything.
fn as_far_as_here(mut parsed: Parsed, marks: Marks) -> Parsed {
    if let Some(megabytes) = marks.left_there_mb {
        let text = format!("[This message has {megabytes} MB. Its body was left on the server.]");
        parsed.attachments = Vec::new();
        parsed.body = Body {
            clean: text.clone(),
            text,
            ..Body::default()
        };
    }
    parsed
}

/// Returns why a new ticket is kept out of the queue, if it is.
pub(in crate::desk) const fn quarantine(class: AutoClass) -> Option<&'static str> {
    match class {
        AutoClass::Human | AutoClass::List => None,
        AutoClass::AutoReply => Some("automatic reply"),
        AutoClass::Ooo => Some("out of office"),
        AutoClass::AutoGenerated => Some("sent by a machine"),
        AutoClass::BounceHard => Some("bounce: not delivered"),
        AutoClass::BounceSoft => Some("bounce: not delivered for now"),
        AutoClass::Delayed => Some("delivery is delayed"),
        AutoClass::Receipt => Some("reading receipt"),
        AutoClass::OwnLoop => Some("our own mail, come back"),
    }
}

pub(in crate::desk) fn ids(parsed: &Parsed) -> Ids<'_> {
    Ids {
        own: &parsed.rfc_message_id,
        raw_sha256: &parsed.raw_sha256,
        answers: &parsed.answers,
    }
}

/// Returns every id that a batch has or refers to.
pub(in crate::desk) fn all_ids(batch: &[Read]) -> Vec<String> {
    let all: BTreeSet<&String> = batch
        .iter()
        .flat_map(|read| {
            read.parsed
                .answers
                .iter()
                .chain([&read.parsed.rfc_message_id])
        })
        .collect();
    all.into_iter().cloned().collect()
}

pub(in crate::desk) fn message(
    ticket: TicketId,
    parsed: Parsed,
    is_ours: bool,
    marks: Marks,
    (thread_reason, hints): (String, Vec<Hint>),
) -> Message {
    Message {
        id: MessageId::new(Uuid::now_v7()),
        ticket,
        kind: MessageKind::Public,
        direction: if is_ours {
            Direction::Out
        } else {
            Direction::In
        },
        from: parsed.from,
        reply_to: parsed.reply_to,
        to: parsed.to,
        cc: parsed.cc,
        subject: parsed.subject,
        body: parsed.body,
        attachments: parsed.attachments,
        rfc_message_id: parsed.rfc_message_id,
        answers: parsed.answers,
        auto_class: parsed.auto_class,
        sent_at: parsed.sent_at,
        raw_sha256: parsed.raw_sha256,
        thread_reason,
        hints,
        was_seen: marks.was_seen,
    }
}
