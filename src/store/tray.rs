//! A filing under way: what it may touch is read with few statements, what becomes of each letter
//! is decided in memory, and all is written with few statements again. Each statement costs a turn
//! to the database, and a mailbox has thousands of letters.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;

use super::{
    Store,
    dialect::Dialect,
    error::Trouble,
    events,
    filing::{AT_ONCE, Filed, Filing, Letter, Moved, Place},
    joining::Living,
    messages::{self, Arrival},
    originals::{self, Original},
    outbox, outdated, rows,
    search::Sql,
    tickets_write,
    twice::{Elsewhere, elsewhere},
};
use crate::domain::{
    AutoClass, Direction, Message, MessageKind, Status, Ticket, TicketEvent, TicketId, Timestamp,
};

impl Store {
    /// Reads all that a filing may touch, with few statements.
    pub(super) async fn tray<'f>(
        &self,
        tx: &mut AnyConnection,
        filing: &'f Filing,
        at: Timestamp,
    ) -> Result<Tray<'f>, Trouble> {
        let ids: BTreeSet<String> = filing
            .letters
            .iter()
            .map(|letter| rows::id_key(&letter.message.rfc_message_id))
            .collect();
        let elsewhere = elsewhere(tx, &filing.beside, &ids).await?;
        let twins = twins(tx, &filing.source, ids).await?;
        let new: BTreeSet<TicketId> = filing
            .letters
            .iter()
            .filter_map(|letter| match &letter.place {
                Place::New(ticket) => Some(ticket.id),
                Place::In(_) => None,
            })
            .collect();
        let mut named: BTreeSet<TicketId> = filing
            .letters
            .iter()
            .filter_map(|letter| match &letter.place {
                Place::In(id) => Some(*id),
                Place::New(_) => None,
            })
            .collect();
        named.retain(|id| !new.contains(id));
        // A new ticket may turn out to be there already, under its twin's.
        named.extend(twins.values().flatten().map(|twin| twin.ticket));
        named.extend(elsewhere.values().flatten().map(|known| known.ticket));
        let returned = filing.letters.iter();
        let returned = returned.filter_map(|letter| letter.returned.as_ref());
        named.extend(outbox::tickets_of(tx, returned).await?);
        let living = self.locked_living(tx, &named).await?;
        Ok(Tray {
            source: &filing.source,
            at,
            imported: 0,
            duplicates: 0,
            twins,
            elsewhere,
            living,
            new: Vec::new(),
            touched: BTreeSet::new(),
            moved: BTreeMap::new(),
            letters: Vec::new(),
            brought_back: Vec::new(),
            said_to: BTreeSet::new(),
        })
    }
}

/// A filing under way: what it knows, and what is to be written.
pub(super) struct Tray<'a> {
    source: &'a str,
    at: Timestamp,
    imported: u64,
    duplicates: u64,
    /// Messages with the ids of the letters, by id.
    twins: BTreeMap<String, Vec<Twin>>,
    /// And those that other mailboxes of ours have.
    elsewhere: BTreeMap<String, Vec<Elsewhere>>,
    /// The tickets as they will be, and where those that were merged by now went on.
    living: Living,
    /// Those that are made, in order.
    new: Vec<TicketId>,
    touched: BTreeSet<TicketId>,
    moved: BTreeMap<TicketId, TicketId>,
    letters: Vec<(Message, &'a Letter)>,
    /// The numbers of tickets whose held reply came back.
    brought_back: Vec<i64>,
    /// Tickets in which somebody else than a machine wrote, and now.
    said_to: BTreeSet<TicketId>,
}

impl<'a> Tray<'a> {
    /// Takes one letter: what it changes is decided here, in memory.
    pub(super) fn take(&mut self, letter: &'a Letter) -> Result<(), Trouble> {
        let key = rows::id_key(&letter.message.rfc_message_id);
        let known = self.elsewhere.get(&key).into_iter().flatten();
        if let Some(same) = known.into_iter().find(|known| known.is(&letter.message)) {
            self.duplicates += 1;
            if let Place::New(ticket) = &letter.place {
                self.moved.insert(ticket.id, self.living.of(same.ticket));
            }
            return Ok(());
        }
        let mut twins = self.twins.get(&key).into_iter().flatten().peekable();
        let has_twin = twins.peek().is_some();
        let same =
            twins.find(|twin| letter.is_own_copy || twin.raw_sha256 == letter.message.raw_sha256);
        if let Some(twin) = same {
            self.duplicates += 1;
            if let Place::New(ticket) = &letter.place
                && ticket.id != twin.ticket
            {
                self.moved.insert(ticket.id, self.living.of(twin.ticket));
            }
            return Ok(());
        }
        let mut message = letter.message.clone();
        if has_twin {
            message
                .thread_reason
                .push_str("; another message bears the same Message-ID");
        }
        let (id, reopen) = self.place(letter, &mut message);
        self.twins.entry(key).or_default().push(Twin {
            ticket: id,
            raw_sha256: message.raw_sha256.clone(),
        });
        let ticket = self.living.tickets.get_mut(&id);
        let ticket = ticket.ok_or_else(|| Trouble::not_found("ticket", &id))?;
        message.ticket = id;
        touch(ticket, (&message, letter), reopen, self.at);
        if !self.new.contains(&id) {
            ticket.version += 1;
            self.touched.insert(id);
        }
        let is_said = is_from_customer(&message) || is_reply_from_elsewhere(&message);
        if is_said && !letter.is_history {
            self.said_to.insert(id);
        }
        self.imported += 1;
        self.letters.push((message, letter));
        Ok(())
    }

    /// Returns the ticket that a letter goes into, which is made here if it is a new one, and the
    /// status it takes because of it, if that changes.
    fn place(&mut self, letter: &Letter, message: &mut Message) -> (TicketId, Option<Status>) {
        let asked = match &letter.place {
            Place::New(ticket) => {
                let mut ticket = (**ticket).clone();
                ticket.messages = 0;
                ticket.version = 1;
                let id = ticket.id;
                self.living.tickets.insert(id, ticket);
                self.new.push(id);
                return (id, letter.reopen);
            }
            Place::In(id) => self.moved.get(id).copied().unwrap_or(*id),
        };
        let id = self.living.of(asked);
        let tickets = &self.living.tickets;
        match (tickets.get(&asked), tickets.get(&id)) {
            (Some(merged), Some(living)) if id != asked => {
                let words = format!("; #{} went on here", merged.number);
                message.thread_reason.push_str(&words);
                (id, reopened(living, message, letter.reopen))
            }
            (Some(_) | None, _) => (id, letter.reopen),
        }
    }

    async fn number_tickets(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        if self.new.is_empty() {
            return Ok(());
        }
        let many = i64::try_from(self.new.len()).unwrap_or(i64::MAX);
        let first = events::next_of(tx, "ticket", many).await?;
        for (id, number) in self.new.iter().zip(first..) {
            if let Some(ticket) = self.living.tickets.get_mut(id) {
                ticket.number = number;
            }
        }
        Ok(())
    }

    /// Writes everything, with few statements.
    pub(super) async fn write(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        self.number_tickets(tx).await?;
        let new: Vec<&Ticket> = self
            .new
            .iter()
            .filter_map(|id| self.living.tickets.get(id))
            .collect();
        tickets_write::insert_tickets(tx, &new).await?;
        let arrivals: Vec<Arrival<'_>> = self
            .letters
            .iter()
            .map(|(_, letter)| Arrival {
                source: self.source,
                note_path: letter.note_path.as_deref(),
                topic: letter.topic.as_deref(),
                at: self.at,
            })
            .collect();
        let messages: Vec<(&Message, &Arrival<'_>)> = self
            .letters
            .iter()
            .map(|(message, _)| message)
            .zip(&arrivals)
            .collect();
        messages::insert_messages(tx, &messages).await?;
        let originals: Vec<(&str, Original)> = self
            .letters
            .iter()
            .filter_map(|(message, letter)| {
                let original = letter.original.clone()?;
                Some((message.raw_sha256.as_str(), original))
            })
            .collect();
        originals::insert_all(tx, originals).await?;
        for returned in self
            .letters
            .iter()
            .filter_map(|(_, letter)| letter.returned.as_ref())
        {
            outbox::came_back(tx, (returned, &self.living), self.at).await?;
        }
        let touched: Vec<&Ticket> = self
            .touched
            .iter()
            .filter_map(|id| self.living.tickets.get(id))
            .collect();
        tickets_write::write_tickets(tx, &touched).await?;
        for id in self.said_to.intersection(&self.touched) {
            make_stale(tx, *id).await?;
            if outdated::bring_back(tx, *id).await? > 0
                && let Some(ticket) = self.living.tickets.get(id)
            {
                self.brought_back.push(ticket.number);
            }
        }
        Ok(())
    }

    pub(super) fn filed(self) -> Filed {
        let count = |list: usize| u64::try_from(list).unwrap_or(u64::MAX);
        let joined: Vec<TicketId> = self.touched.into_iter().collect();
        Filed {
            imported: self.imported,
            duplicates: self.duplicates,
            tickets_new: count(self.new.len()),
            tickets_joined: count(joined.len()),
            new: self.new,
            joined,
            brought_back: self.brought_back,
            moved: self
                .moved
                .into_iter()
                .map(|(from, to)| Moved { from, to })
                .collect(),
        }
    }
}

/// A message with the same id.
struct Twin {
    ticket: TicketId,
    raw_sha256: String,
}

async fn twins(
    tx: &mut AnyConnection,
    source: &str,
    ids: BTreeSet<String>,
) -> Result<BTreeMap<String, Vec<Twin>>, Trouble> {
    let mut found: BTreeMap<String, Vec<Twin>> = BTreeMap::new();
    let ids: Vec<String> = ids.into_iter().collect();
    for some in ids.chunks(AT_ONCE) {
        let mut sql = Sql::new();
        let source = sql.text_value(source.to_owned());
        let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
        sql.push(&format!(
            "SELECT id_key, ticket, raw_sha256 FROM messages
             WHERE source = {source} AND id_key IN ({})",
            keys.join(", ")
        ));
        for row in sql.ready_in(Dialect::of(tx)).fetch_all(&mut *tx).await? {
            found
                .entry(rows::text(&row, "id_key")?)
                .or_default()
                .push(Twin {
                    ticket: rows::parsed(&row, "ticket")?,
                    raw_sha256: rows::text(&row, "raw_sha256")?,
                });
        }
    }
    Ok(found)
}

/// Counts a message in. A person's mail takes its ticket out of quarantine: it must be seen. One
/// that is itself to be kept out of the queue does not.
fn touch(
    ticket: &mut Ticket,
    (message, letter): (&Message, &Letter),
    reopen: Option<Status>,
    at: Timestamp,
) {
    // A date from the future would keep the ticket on top for ever.
    let sent = message.sent_at.min(at);
    ticket.messages += 1;
    ticket.created_at = ticket.created_at.min(sent);
    ticket.updated_at = ticket.updated_at.max(sent);
    // Where that is not known, nothing goes on in a merged ticket: it stays so.
    if let Some(status) = reopen
        && ticket.status != Status::Merged
    {
        ticket.status = status;
    }
    if is_from_customer(message) {
        ticket.last_customer_message_at = Some(
            ticket
                .last_customer_message_at
                .map_or(sent, |last| last.max(sent)),
        );
        let is_flood = ticket
            .quarantined_because
            .as_ref()
            .is_some_and(|cause| cause.starts_with("flood:"));
        if ticket.messages > 1 && !is_flood && letter.quarantine.is_none() {
            ticket.quarantined_because = None;
        }
    }
}

/// Returns the status that a ticket takes because of a letter to one that was merged into it while
/// the letter was on its way, if that changes. A customer's is to be seen, even where the ticket
/// was closed: what it was to become was decided for the other.
fn reopened(ticket: &Ticket, message: &Message, reopen: Option<Status>) -> Option<Status> {
    let last = ticket.last_customer_message_at;
    let is_news = reopen.is_some() || last.is_none_or(|last| message.sent_at >= last);
    let event = if is_from_customer(message) {
        if ticket.status == Status::Closed {
            return is_news.then_some(Status::Open);
        }
        is_news.then_some(TicketEvent::CustomerReply)
    } else if message.auto_class == AutoClass::BounceHard {
        reopen.map(|_| TicketEvent::HardBounce)
    } else {
        // We answered the other one: a question of this one may still wait.
        None
    };
    ticket.status.after(&event?).ok()
}

const fn is_from_customer(message: &Message) -> bool {
    matches!(message.direction, Direction::In) && !message.auto_class.is_automatic()
}

/// A reply that one of us wrote in another program.
fn is_reply_from_elsewhere(message: &Message) -> bool {
    message.direction == Direction::Out
        && message.kind == MessageKind::Public
        && !message.auto_class.is_automatic()
}

/// Marks the finished drafts of a ticket: somebody wrote after they were begun.
pub(super) async fn make_stale(tx: &mut AnyConnection, ticket: TicketId) -> Result<(), Trouble> {
    sqlx::query(
        "UPDATE drafts SET state = 'stale'
         WHERE ticket = $1 AND standing = 'live' AND state = 'ready'",
    )
    .bind(ticket.to_string())
    .execute(tx)
    .await?;
    Ok(())
}
