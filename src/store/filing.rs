//! Filing: letters into tickets, each once, a batch in one transaction.
//!
//! Which ticket a letter belongs to is decided above (`desk::thread`); here it is made so,
//! also when two programs import the same mail at once: one filing follows the other, and what
//! the first has filed is a duplicate for the second.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Store, StoreError,
    dialect::Lock,
    error::Trouble,
    events::{self, Happened, Verb},
    messages::{self, Arrival},
    originals, outbox, rows,
    search::Sql,
    tickets,
};
use crate::domain::{Direction, Message, MessageKind, Status, Ticket, TicketId, Timestamp};

/// Letters to file together. Keep it near 30: other writers wait until it is done.
#[derive(Clone, Debug)]
pub struct Filing {
    /// `import`, `demo`, later `imap:<account>`.
    pub source: String,
    /// In the order in which they are filed.
    pub letters: Vec<Letter>,
    /// The number of the first new ticket, where it must not be the next one; a number that is
    /// behind the last one given is passed over.
    pub first_number: Option<i64>,
}

/// One message and where it goes.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The message; its `ticket` is set by the filing.
    pub message: Message,
    /// Where it goes.
    pub place: Place,
    /// The status its ticket takes because of it, if that changes.
    pub reopen: Option<Status>,
    /// Where the bytes were found: a note for people, never an identity.
    pub note_path: Option<String>,
    /// The bytes as they came, kept beside the message.
    pub original: Option<Vec<u8>>,
    /// Whether it is a copy of what left here: its id alone says that it is known.
    pub is_own_copy: bool,
    /// The reply of ours that it reports as not delivered.
    pub returned: Option<Returned>,
}

/// A reply that came back: nobody got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Its Message-ID.
    pub message_id: String,
    /// Why, in words.
    pub words: String,
    /// The address at which nobody is, where the report says that it is for good.
    pub nobody_at: Option<String>,
}

/// Where a letter goes.
#[derive(Clone, Debug)]
pub enum Place {
    /// A new ticket; its number is given here, its messages are counted here.
    New(Box<Ticket>),
    /// A ticket that exists, or that an earlier letter of the same filing makes.
    In(TicketId),
}

/// What came of a filing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filed {
    /// Messages that are new.
    pub imported: u64,
    /// Messages that were there already, byte for byte.
    pub duplicates: u64,
    /// Tickets made.
    pub tickets_new: u64,
    /// Tickets that existed before the filing and got messages.
    pub tickets_joined: u64,
    /// Which tickets were made.
    pub new: Vec<TicketId>,
    /// Which tickets were joined.
    pub joined: Vec<TicketId>,
    /// New tickets that were not made, because their first letter is in another one already.
    pub moved: Vec<Moved>,
}

/// A ticket that was to be made and the one that stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The identity that was asked for.
    pub from: TicketId,
    /// The ticket that has the letter.
    pub to: TicketId,
}

/// An id that messages of the store have or refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The id, as it was asked for.
    pub rfc_id: String,
    /// The ticket that has it.
    pub ticket: TicketId,
    /// The digest of the message's bytes; empty for an id that is only referred to.
    pub raw_sha256: String,
    /// Whether a message has this id; else messages only refer to it.
    pub is_message: bool,
}

/// 200 ids are asked for at once.
const AT_ONCE: usize = 200;

impl Store {
    /// Returns which of the ids are known in a source: those of messages first, then those that
    /// messages refer to, both oldest first. An id may be in several tickets.
    pub async fn known(&self, source: &str, ids: &[String]) -> Result<Vec<Known>, StoreError> {
        self.told("look up message ids", async {
            let mut found = Vec::new();
            let mut referred = Vec::new();
            for ids in ids.chunks(AT_ONCE) {
                let asked: BTreeMap<String, &String> =
                    ids.iter().map(|id| (rows::id_key(id), id)).collect();
                found.extend(self.lookup(MESSAGES, source, &asked).await?);
                referred.extend(self.lookup(REFS, source, &asked).await?);
            }
            found.extend(referred);
            Ok(found)
        })
        .await
    }

    async fn lookup(
        &self,
        lookup: Lookup,
        source: &str,
        asked: &BTreeMap<String, &String>,
    ) -> Result<Vec<Known>, Trouble> {
        let mut sql = Sql::new();
        let source = sql.text_value(source.to_owned());
        let keys: Vec<String> = asked
            .keys()
            .map(|key| sql.text_value(key.clone()))
            .collect();
        let keys = keys.join(", ");
        sql.push(
            &lookup
                .select
                .replace("$SOURCE", &source)
                .replace("$KEYS", &keys),
        );
        let rows = sql.ready().fetch_all(self.pool()).await?;
        rows.iter()
            .map(|row| known(row, asked, lookup.is_message))
            .collect()
    }

    /// Files letters: all of them, or none when it fails.
    pub async fn file(&self, filing: &Filing, at: Timestamp) -> Result<Filed, StoreError> {
        self.told("file messages", async {
            if filing.letters.is_empty() {
                return Ok(Filed::default());
            }
            let mut tx = self.begin().await?;
            // One filing at a time, so that none overlooks what another is about to write.
            self.lock(&mut tx, Lock::Counter, "ticket").await?;
            if let Some(first) = filing.first_number {
                skip_to(&mut tx, first).await?;
            }
            let mut tray = self.tray(&mut tx, filing, at).await?;
            for letter in &filing.letters {
                tray.take(letter)?;
            }
            tray.write(&mut tx).await?;
            let filed = tray.filed();
            let detail = format!(
                "{{\"imported\":{},\"duplicates\":{}}}",
                filed.imported, filed.duplicates
            );
            let happened = Happened {
                verb: Verb::Filed,
                subject: &filing.source,
                actor: "",
                detail: &detail,
                at,
            };
            self.commit(tx, &happened).await?;
            Ok(filed)
        })
        .await
    }

    /// Reads all that a filing may touch, with few statements.
    async fn tray<'f>(
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
        let mut tickets = BTreeMap::new();
        // In one order, so that two writers never wait for each other in a circle.
        for id in &named {
            self.lock(tx, Lock::Ticket, &id.to_string()).await?;
        }
        for ticket in tickets::some(tx, &named).await? {
            tickets.insert(ticket.id, ticket);
        }
        Ok(Tray {
            source: &filing.source,
            at,
            imported: 0,
            duplicates: 0,
            twins,
            tickets,
            new: Vec::new(),
            touched: BTreeSet::new(),
            moved: BTreeMap::new(),
            letters: Vec::new(),
            said_to: BTreeSet::new(),
        })
    }
}

/// A filing under way: what it knows, and what is to be written.
struct Tray<'a> {
    source: &'a str,
    at: Timestamp,
    imported: u64,
    duplicates: u64,
    /// Messages with the ids of the letters, by id.
    twins: BTreeMap<String, Vec<Twin>>,
    /// The tickets as they will be.
    tickets: BTreeMap<TicketId, Ticket>,
    /// Those that are made, in order.
    new: Vec<TicketId>,
    touched: BTreeSet<TicketId>,
    moved: BTreeMap<TicketId, TicketId>,
    letters: Vec<(Message, &'a Letter)>,
    /// Tickets in which somebody else than a machine wrote.
    said_to: BTreeSet<TicketId>,
}

impl<'a> Tray<'a> {
    /// Takes one letter: what it changes is decided here, in memory.
    fn take(&mut self, letter: &'a Letter) -> Result<(), Trouble> {
        let key = rows::id_key(&letter.message.rfc_message_id);
        let twins = self.twins.entry(key).or_default();
        if let Some(twin) = twins
            .iter()
            .find(|twin| letter.is_own_copy || twin.raw_sha256 == letter.message.raw_sha256)
        {
            self.duplicates += 1;
            if let Place::New(ticket) = &letter.place
                && ticket.id != twin.ticket
            {
                self.moved.insert(ticket.id, twin.ticket);
            }
            return Ok(());
        }
        let mut message = letter.message.clone();
        if !twins.is_empty() {
            message
                .thread_reason
                .push_str("; another message bears the same Message-ID");
        }
        let id = match &letter.place {
            Place::New(ticket) => {
                let mut ticket = (**ticket).clone();
                ticket.messages = 0;
                ticket.version = 1;
                let id = ticket.id;
                self.tickets.insert(id, ticket);
                self.new.push(id);
                id
            }
            Place::In(id) => self.moved.get(id).copied().unwrap_or(*id),
        };
        twins.push(Twin {
            ticket: id,
            raw_sha256: message.raw_sha256.clone(),
        });
        let ticket = self
            .tickets
            .get_mut(&id)
            .ok_or_else(|| Trouble::not_found("ticket", &id))?;
        message.ticket = id;
        touch(ticket, &message, letter.reopen, self.at);
        if !self.new.contains(&id) {
            ticket.version += 1;
            self.touched.insert(id);
        }
        if is_from_customer(&message) || is_reply_from_elsewhere(&message) {
            self.said_to.insert(id);
        }
        self.imported += 1;
        self.letters.push((message, letter));
        Ok(())
    }

    /// Writes everything, with few statements.
    async fn write(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        for id in &self.new {
            if let Some(ticket) = self.tickets.get_mut(id) {
                ticket.number = events::next(tx, "ticket").await?;
            }
        }
        let new: Vec<&Ticket> = self
            .new
            .iter()
            .filter_map(|id| self.tickets.get(id))
            .collect();
        tickets::insert_tickets(tx, &new).await?;
        let arrivals: Vec<Arrival<'_>> = self
            .letters
            .iter()
            .map(|(_, letter)| Arrival {
                source: self.source,
                note_path: letter.note_path.as_deref(),
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
        let originals: Vec<(&str, &[u8])> = self
            .letters
            .iter()
            .filter_map(|(message, letter)| {
                let bytes = letter.original.as_deref()?;
                Some((message.raw_sha256.as_str(), bytes))
            })
            .collect();
        originals::insert_all(tx, &originals).await?;
        for returned in self
            .letters
            .iter()
            .filter_map(|(_, letter)| letter.returned.as_ref())
        {
            outbox::came_back(tx, returned, self.at).await?;
        }
        for ticket in self.touched.iter().filter_map(|id| self.tickets.get(id)) {
            tickets::write_ticket(tx, ticket, None).await?;
        }
        for id in self.said_to.intersection(&self.touched) {
            make_stale(tx, *id).await?;
            outbox::bring_back(tx, *id).await?;
        }
        Ok(())
    }

    fn filed(self) -> Filed {
        let count = |list: usize| u64::try_from(list).unwrap_or(u64::MAX);
        let joined: Vec<TicketId> = self.touched.into_iter().collect();
        Filed {
            imported: self.imported,
            duplicates: self.duplicates,
            tickets_new: count(self.new.len()),
            tickets_joined: count(joined.len()),
            new: self.new,
            joined,
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
        for row in sql.ready().fetch_all(&mut *tx).await? {
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

async fn skip_to(tx: &mut AnyConnection, first: i64) -> Result<(), Trouble> {
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'ticket' AND value < $1")
        .bind(first.saturating_sub(1))
        .execute(tx)
        .await?;
    Ok(())
}

/// Counts a message in. A person's mail takes its ticket out of quarantine: it must be seen.
fn touch(ticket: &mut Ticket, message: &Message, reopen: Option<Status>, at: Timestamp) {
    // A date from the future would keep the ticket on top for ever.
    let sent = message.sent_at.min(at);
    ticket.messages += 1;
    ticket.created_at = ticket.created_at.min(sent);
    ticket.updated_at = ticket.updated_at.max(sent);
    if let Some(status) = reopen {
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
        if ticket.messages > 1 && !is_flood {
            ticket.quarantined_because = None;
        }
    }
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
async fn make_stale(tx: &mut AnyConnection, ticket: TicketId) -> Result<(), Trouble> {
    sqlx::query(
        "UPDATE drafts SET state = 'stale'
         WHERE ticket = $1 AND standing = 'live' AND state = 'ready'",
    )
    .bind(ticket.to_string())
    .execute(tx)
    .await?;
    Ok(())
}

/// One of the two questions of `known`.
#[derive(Clone, Copy)]
struct Lookup {
    select: &'static str,
    is_message: bool,
}

const MESSAGES: Lookup = Lookup {
    select: "SELECT id_key AS found, ticket, raw_sha256 FROM messages
             WHERE source = $SOURCE AND id_key IN ($KEYS) ORDER BY sent_at, id",
    is_message: true,
};

const REFS: Lookup = Lookup {
    select: "SELECT ref AS found, ticket, '' AS raw_sha256, MIN(message) AS oldest
             FROM message_refs WHERE source = $SOURCE AND ref IN ($KEYS)
             GROUP BY ref, ticket ORDER BY MIN(message)",
    is_message: false,
};

fn known(
    row: &AnyRow,
    asked: &BTreeMap<String, &String>,
    is_message: bool,
) -> Result<Known, Trouble> {
    let key = rows::text(row, "found")?;
    Ok(Known {
        rfc_id: asked.get(&key).map_or(key, |id| (*id).clone()),
        ticket: rows::parsed(row, "ticket")?,
        raw_sha256: rows::text(row, "raw_sha256")?,
        is_message,
    })
}
