//! Records: tickets of another system or another desk, each filed once, a batch in one
//! transaction.
//!
//! A ticket is known again by its own identity, else by what its system calls it. One that is
//! here gets the messages it lacks; what people did to it here stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    dialect::{Dialect, Lock},
    error::Trouble,
    events::{self, Happened, Verb},
    filing::skip_to,
    messages::{self, Arrival},
    originals::{self, Original},
    outdated,
    records_known::{Kept, Known, Name, key, name},
    search::{Sql, Value},
    tickets, tickets_write, tray,
};
use crate::domain::{
    Direction, Message, MessageKind, Record, RecordMessage, SameWhen, Status, Ticket, TicketId,
    Timestamp,
};

/// Larger numbers are not kept: every later ticket would have one as long.
const LARGEST_NUMBER: i64 = 999_999_999_999;

/// Whether records are filed or only tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// They are filed.
    ForGood,
    /// All is done as if, and taken back.
    ToSee,
}

/// What came of a batch of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Messages that are new.
    pub imported: u64,
    /// Messages that were there already.
    pub duplicates: u64,
    /// Tickets that were made, by their source and what they are called there.
    pub new: Vec<Name>,
    /// Tickets that were there and got messages, or follow their origin's new status.
    pub joined: Vec<Name>,
    /// Tickets that could not keep their number, because another has it: what they are called at
    /// their origin.
    pub renumbered: Vec<String>,
    /// Tickets that their origin has merged since, and that stay as they stand: what they are
    /// called there.
    pub not_merged: Vec<String>,
    /// Messages that were not taken: of which ticket, as its origin calls it, and why.
    pub refused: Vec<(String, &'static str)>,
}

impl Store {
    /// Files records: all of them, or none when it fails. Keep a batch near 100 messages: other
    /// writers wait until it is done.
    pub async fn file_records(
        &self,
        records: &[Record],
        how: Recording,
        at: Timestamp,
    ) -> Result<Recorded, StoreError> {
        self.told("file tickets", async {
            if records.is_empty() {
                return Ok(Recorded::default());
            }
            let mut tx = self.begin().await?;
            // One filing at a time, so that none overlooks what another is about to write.
            self.lock(&mut tx, Lock::Counter, "ticket").await?;
            // What was read before the locks may have been changed, or merged, by then.
            let mut locked = BTreeSet::new();
            let known = loop {
                let known = Known::read(&mut tx, records).await?;
                let mut fresh = known.tickets();
                fresh.retain(|id| locked.insert(*id));
                if fresh.is_empty() {
                    break known;
                }
                for id in fresh {
                    self.lock(&mut tx, Lock::Ticket, &id.to_string()).await?;
                }
            };
            let mut batch = Batch::new(known, at);
            for record in records {
                batch.take(record);
            }
            batch.write(&mut tx).await?;
            let done = batch.done;
            if how == Recording::ToSee {
                tx.take_back().await?;
                return Ok(done);
            }
            let detail = format!(
                "{{\"imported\":{},\"duplicates\":{}}}",
                done.imported, done.duplicates
            );
            let subject = records.first().map_or("", |record| &record.origin.source);
            let happened = Happened {
                verb: Verb::Filed,
                subject,
                actor: "",
                detail: &detail,
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(done)
        })
        .await
    }
}

/// A batch under way: what it knows, and what is to be written.
struct Batch<'a> {
    at: Timestamp,
    known: Known,
    tickets: BTreeMap<TicketId, Ticket>,
    /// The records of tickets that are made, in order.
    made: Vec<(TicketId, &'a Record)>,
    /// Tickets that were there and change, and the status they leave for spam or deleted.
    touched: BTreeMap<TicketId, Option<Status>>,
    /// What their origin says of them now, and the status they have followed it to.
    origins: BTreeMap<TicketId, (&'a Record, Status)>,
    messages: Vec<(Message, &'a RecordMessage, String)>,
    /// Tickets that were there and in which somebody wrote, and now.
    said_to: BTreeSet<TicketId>,
    /// Numbers given in this batch.
    numbers: HashSet<i64>,
    done: Recorded,
}

impl<'a> Batch<'a> {
    fn new(mut known: Known, at: Timestamp) -> Self {
        Self {
            at,
            tickets: std::mem::take(&mut known.tickets),
            known,
            made: Vec::new(),
            touched: BTreeMap::new(),
            origins: BTreeMap::new(),
            messages: Vec::new(),
            said_to: BTreeSet::new(),
            numbers: HashSet::new(),
            done: Recorded::default(),
        }
    }

    /// Takes one record: what it changes is decided here, in memory.
    fn take(&mut self, record: &'a Record) {
        let named = self.known.ticket_of(record);
        let named = named.unwrap_or_else(|| self.make(record));
        // What was merged here goes on where people see it.
        let id = self.known.living(named);
        let was_made = self.made.iter().any(|(made, _)| *made == id);
        let mut added = 0;
        for message in &record.messages {
            if self.take_message(id, record, message) {
                added += 1;
            }
        }
        let Some(ticket) = self.tickets.get_mut(&id) else {
            return;
        };
        let follows = !was_made && id == named && follows(ticket, record, self.known.standing(id));
        let is_merge = follows && record.ticket.status == Status::Merged;
        let follows = follows && !is_merge;
        ticket.messages += added;
        if was_made {
            return;
        }
        if added > 0 {
            ticket.updated_at = ticket.updated_at.max(record.ticket.updated_at);
        }
        let (mut left, mut followed) = (None, record.ticket.status);
        if is_merge {
            // Its messages are here: that ticket alone would hide them.
            followed = ticket.status;
            self.done.not_merged.push(record.origin.source_id.clone());
        } else if follows {
            left = tickets::left_status(ticket.status, followed);
            ticket.status = followed;
        }
        if self.known.status_word_changed(named, record) {
            self.origins.insert(named, (record, followed));
        }
        if added > 0 || follows {
            ticket.version += 1;
            let leaves = self.touched.entry(id).or_default();
            *leaves = leaves.or(left);
            self.done.joined.push(name(record));
        }
    }

    fn make(&mut self, record: &'a Record) -> TicketId {
        let mut ticket = record.ticket.clone();
        ticket.messages = 0;
        ticket.version = 1;
        let number = ticket.number;
        if !(1..=LARGEST_NUMBER).contains(&number) || self.known.has_number(number) {
            if number != 0 {
                self.done.renumbered.push(record.origin.source_id.clone());
            }
            ticket.number = 0;
        } else if !self.numbers.insert(number) {
            self.done.renumbered.push(record.origin.source_id.clone());
            ticket.number = 0;
        }
        let id = ticket.id;
        self.known.add_ticket(record, id);
        self.tickets.insert(id, ticket);
        self.made.push((id, record));
        self.done.new.push(name(record));
        id
    }

    /// Takes a message and tells whether it is new.
    fn take_message(
        &mut self,
        ticket: TicketId,
        record: &'a Record,
        told: &'a RecordMessage,
    ) -> bool {
        let source = told.source.as_ref().unwrap_or(&record.origin.source);
        let key = key(source, &told.message.rfc_message_id);
        let twins = self.known.twins(&key);
        let is_here = twins.iter().any(|twin| {
            self.known.living(twin.ticket) == ticket
                && (record.same_when != SameWhen::BytesAgree
                    || twin.raw_sha256 == told.message.raw_sha256)
        });
        let row = self.known.row(source, &told.message.raw_sha256);
        let is_read_otherwise = row.is_some_and(|there| self.known.living(there) == ticket);
        if is_here || is_read_otherwise || self.is_stood_for(ticket, source, told) {
            self.done.duplicates += 1;
            return false;
        }
        let is_elsewhere = twins
            .iter()
            .any(|twin| twin.raw_sha256 == told.message.raw_sha256)
            || self.known.has_message(told.message.id);
        if is_elsewhere {
            let reason = "one of its messages is in another ticket here already";
            let refused = (record.origin.source_id.clone(), reason);
            self.done.refused.push(refused);
            return false;
        }
        self.known.add_message(
            key,
            told.message.id,
            Kept {
                ticket,
                raw_sha256: told.message.raw_sha256.clone(),
            },
        );
        let mut message = told.message.clone();
        message.ticket = ticket;
        let is_told = record.ticket.last_customer_message_at.is_some()
            && self.made.iter().any(|(made, _)| *made == ticket);
        let asked = self.tickets.get(&ticket);
        let asked = asked.and_then(|ticket| ticket.last_customer_message_at);
        let is_history = asked.is_some_and(|asked| message.sent_at < asked);
        if let Some(there) = self.tickets.get_mut(&ticket)
            && !is_told
        {
            count_in(there, &message, self.at);
        }
        let is_said = message.kind == MessageKind::Public && !message.auto_class.is_automatic();
        if is_said && !is_history {
            self.said_to.insert(ticket);
        }
        self.done.imported += 1;
        self.messages.push((message, told, source.clone()));
        true
    }

    /// Tells whether the words of a message are here already: from when its origin told nothing
    /// but them, or, where it is such words itself, with all that was said.
    fn is_stood_for(&self, ticket: TicketId, source: &str, told: &RecordMessage) -> bool {
        let Some(id) = &told.stand_in else {
            return false;
        };
        let twins = self.known.twins(&key(source, id));
        let mut there = twins.iter().map(|twin| self.known.living(twin.ticket));
        let has_messages = || {
            let ticket = self.tickets.get(&ticket);
            ticket.is_some_and(|ticket| ticket.messages > 0)
        };
        there.any(|there| there == ticket) || (*id == told.message.rfc_message_id && has_messages())
    }

    /// Writes everything, with few statements.
    async fn write(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        if let Some(largest) = self.numbers.iter().max() {
            skip_to(tx, largest.saturating_add(1)).await?;
        }
        for (id, _) in &self.made {
            if let Some(ticket) = self.tickets.get_mut(id)
                && ticket.number == 0
            {
                ticket.number = events::next(tx, "ticket").await?;
            }
        }
        let new: Vec<&Ticket> = self
            .made
            .iter()
            .filter_map(|(id, _)| self.tickets.get(id))
            .collect();
        tickets_write::insert_tickets(tx, &new).await?;
        self.write_origins(tx).await?;
        self.write_messages(tx).await?;
        for (id, left) in &self.touched {
            if let Some(ticket) = self.tickets.get(id) {
                tickets_write::write_ticket(tx, ticket, *left).await?;
            }
        }
        let is_touched = |id: &&TicketId| self.touched.contains_key(id);
        for id in self.said_to.iter().filter(is_touched) {
            tray::make_stale(tx, *id).await?;
            outdated::bring_back(tx, *id).await?;
        }
        Ok(())
    }

    async fn write_origins(&self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        let again = self.origins.iter();
        let again = again.map(|(id, (record, status))| (*id, *record, *status));
        let made = self.made.iter();
        let made = made.map(|(id, record)| (*id, *record, record.ticket.status));
        // What another desk began has no origin but that desk.
        let is_named = |(id, record, _): &(TicketId, &Record, Status)| {
            record.origin.source_id != id.to_string()
        };
        let all: Vec<_> = made.chain(again).filter(is_named).collect();
        for some in all.chunks(50) {
            let mut sql = Sql::rows_in(Dialect::of(tx));
            sql.push(
                "INSERT INTO ticket_origins (ticket, source, source_id, source_status, status)
                 VALUES ",
            );
            for (place, (id, record, status)) in some.iter().enumerate() {
                let origin = &record.origin;
                let values = [
                    Value::Text(id.to_string()),
                    Value::Text(super::rows::plain(&origin.source)),
                    Value::Text(super::rows::plain(&origin.source_id)),
                    Value::TextOrNone(origin.source_status.as_deref().map(super::rows::plain)),
                    Value::Text(super::rows::word(*status)?),
                ];
                sql.push_row(place, values);
            }
            sql.push(
                " ON CONFLICT (ticket) DO UPDATE SET source_status = excluded.source_status,
                     status = excluded.status",
            );
            sql.ready().execute(&mut *tx).await?;
        }
        for (id, record) in &self.made {
            write_aside(tx, *id, record).await?;
        }
        Ok(())
    }

    async fn write_messages(&self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        let arrivals: Vec<Arrival<'_>> = self
            .messages
            .iter()
            .map(|(_, told, source)| Arrival {
                source,
                note_path: None,
                topic: None,
                at: told.filed_at.unwrap_or(self.at),
            })
            .collect();
        let messages: Vec<(&Message, &Arrival<'_>)> = self
            .messages
            .iter()
            .map(|(message, ..)| message)
            .zip(&arrivals)
            .collect();
        messages::insert_messages(tx, &messages).await?;
        let originals: HashMap<&str, &[u8]> = self
            .messages
            .iter()
            .filter_map(|(message, told, _)| {
                let bytes = told.original.as_deref()?;
                Some((message.raw_sha256.as_str(), bytes))
            })
            .collect();
        let originals = originals
            .into_iter()
            .map(|(sha256, bytes)| Ok((sha256, Original::kept(bytes)?)))
            .collect::<Result<_, Trouble>>()?;
        originals::insert_all(tx, originals).await
    }
}

/// Tells whether a ticket takes the status that its origin has given it since the last import:
/// only while nobody has moved it here.
fn follows(ticket: &Ticket, record: &Record, standing: Option<Status>) -> bool {
    standing == Some(ticket.status)
        && ticket.status != record.ticket.status
        && !matches!(ticket.status, Status::Merged)
}

/// Counts a message into the dates of its ticket.
fn count_in(ticket: &mut Ticket, message: &Message, at: Timestamp) {
    let is_from_customer = message.direction == Direction::In && !message.auto_class.is_automatic();
    if is_from_customer && message.kind == MessageKind::Public {
        // A date from the future would keep the ticket on top for ever.
        let sent = message.sent_at.min(at);
        let last = ticket.last_customer_message_at;
        ticket.last_customer_message_at = Some(last.map_or(sent, |last| last.max(sent)));
    }
}

/// Writes what stands beside a new ticket.
async fn write_aside(tx: &mut AnyConnection, id: TicketId, record: &Record) -> Result<(), Trouble> {
    if record.status_before.is_none() && record.merged_into.is_none() {
        return Ok(());
    }
    sqlx::query("UPDATE tickets SET status_before = $2, merged_into = $3 WHERE id = $1")
        .bind(id.to_string())
        .bind(record.status_before.map(super::rows::word).transpose()?)
        .bind(record.merged_into.map(|into| into.to_string()))
        .execute(tx)
        .await?;
    Ok(())
}
