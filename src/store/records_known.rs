//! What a batch of records may meet: tickets, numbers and messages that are here already.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::AnyConnection;

use super::{error::Trouble, filing::AT_ONCE, joining::LONGEST, rows, search::Sql, tickets};
use crate::domain::{MessageId, Record, SameWhen, Status, Ticket, TicketId};

/// What a ticket is called: its source, and its id there.
pub type Name = (String, String);

/// Returns what the ticket of a record is called.
pub(super) fn name(record: &Record) -> Name {
    let origin = &record.origin;
    (origin.source.clone(), origin.source_id.clone())
}

/// How a message is known again: its source and its id, as the index has it.
pub(super) type Key = (String, String);

/// Returns how a message is known again.
pub(super) fn key(source: &str, rfc_message_id: &str) -> Key {
    (source.to_owned(), rows::id_key(rfc_message_id))
}

/// A message that is here.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) ticket: TicketId,
    pub(super) raw_sha256: String,
}

/// What is here of that which a batch may meet.
#[derive(Default)]
pub(super) struct Known {
    /// The tickets themselves, by identity.
    pub(super) tickets: BTreeMap<TicketId, Ticket>,
    names: HashMap<Name, TicketId>,
    ids: HashSet<TicketId>,
    /// Tickets that were merged here, and the ones in which they went on.
    merged: HashMap<TicketId, TicketId>,
    /// The status word of its origin, and what it became.
    words: HashMap<TicketId, (Option<String>, Status)>,
    numbers: HashSet<i64>,
    twins: HashMap<Key, Vec<Kept>>,
    /// Rows of tables that are here, by the digest of the row.
    rows: HashMap<Key, TicketId>,
    messages: HashSet<MessageId>,
}

impl Known {
    /// Reads it, with few statements.
    pub(super) async fn read(tx: &mut AnyConnection, records: &[Record]) -> Result<Self, Trouble> {
        let mut known = Self::default();
        let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for record in records {
            let origin = &record.origin;
            let ids = names.entry(&origin.source).or_default();
            ids.push(origin.source_id.clone());
        }
        let mut found: BTreeSet<TicketId> = records.iter().map(|record| record.ticket.id).collect();
        for (source, ids) in names {
            for some in ids.chunks(AT_ONCE) {
                known.read_names(tx, source, some).await?;
            }
        }
        found.extend(known.names.values());
        for ticket in tickets::some(tx, &found).await? {
            known.ids.insert(ticket.id);
            known.tickets.insert(ticket.id, ticket);
        }
        known.read_merged(tx).await?;
        known.read_words(tx).await?;
        known.read_numbers(tx, records).await?;
        known.read_messages(tx, records).await?;
        known.read_rows(tx, records).await?;
        Ok(known)
    }

    async fn read_names(
        &mut self,
        tx: &mut AnyConnection,
        source: &str,
        ids: &[String],
    ) -> Result<(), Trouble> {
        let mut sql = Sql::new();
        let named = sql.text_value(source.to_owned());
        let keys: Vec<String> = ids.iter().map(|id| sql.text_value(id.clone())).collect();
        sql.push(&format!(
            "SELECT ticket, source_id FROM ticket_origins
             WHERE source = {named} AND source_id IN ({})",
            keys.join(", ")
        ));
        for row in sql.ready().fetch_all(tx).await? {
            let name = (source.to_owned(), rows::text(&row, "source_id")?);
            self.names.insert(name, rows::parsed(&row, "ticket")?);
        }
        Ok(())
    }

    /// Reads where the merged ones among the tickets went on, down to those that live.
    async fn read_merged(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        let all = self.tickets.values();
        let mut asked: BTreeSet<TicketId> = all
            .filter(|ticket| ticket.status == Status::Merged)
            .map(|ticket| ticket.id)
            .collect();
        for _ in 0..LONGEST {
            if asked.is_empty() {
                break;
            }
            let mut next = BTreeSet::new();
            let ids: Vec<String> = asked.iter().map(ToString::to_string).collect();
            for some in ids.chunks(AT_ONCE) {
                let mut sql = Sql::new();
                let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
                sql.push(&format!(
                    "SELECT id, merged_into FROM tickets
                     WHERE merged_into IS NOT NULL AND id IN ({})",
                    keys.join(", ")
                ));
                for row in sql.ready().fetch_all(&mut *tx).await? {
                    let into = rows::parsed(&row, "merged_into")?;
                    self.merged.insert(rows::parsed(&row, "id")?, into);
                    next.insert(into);
                }
            }
            next.retain(|id| !self.tickets.contains_key(id));
            asked.clear();
            for ticket in tickets::some(tx, &next).await? {
                if ticket.status == Status::Merged {
                    asked.insert(ticket.id);
                }
                self.tickets.insert(ticket.id, ticket);
            }
        }
        let tickets = &self.tickets;
        self.merged.retain(|_, into| tickets.contains_key(into));
        Ok(())
    }

    async fn read_words(&mut self, tx: &mut AnyConnection) -> Result<(), Trouble> {
        let ids: Vec<String> = self.tickets.keys().map(ToString::to_string).collect();
        for some in ids.chunks(AT_ONCE) {
            let mut sql = Sql::new();
            let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
            sql.push(&format!(
                "SELECT ticket, source_status, status FROM ticket_origins WHERE ticket IN ({})",
                keys.join(", ")
            ));
            for row in sql.ready().fetch_all(&mut *tx).await? {
                let word = rows::text_or_none(&row, "source_status")?;
                let status = rows::worded(&row, "status")?;
                self.words
                    .insert(rows::parsed(&row, "ticket")?, (word, status));
            }
        }
        Ok(())
    }

    async fn read_numbers(
        &mut self,
        tx: &mut AnyConnection,
        records: &[Record],
    ) -> Result<(), Trouble> {
        let wanted: BTreeSet<i64> = records.iter().map(|record| record.ticket.number).collect();
        let wanted: Vec<i64> = wanted.into_iter().collect();
        for some in wanted.chunks(AT_ONCE) {
            let mut sql = Sql::new();
            let keys: Vec<String> = some.iter().map(|number| sql.int_value(*number)).collect();
            sql.push(&format!(
                "SELECT number FROM tickets WHERE number IN ({})",
                keys.join(", ")
            ));
            for row in sql.ready().fetch_all(&mut *tx).await? {
                self.numbers.insert(rows::int(&row, "number")?);
            }
        }
        Ok(())
    }

    async fn read_messages(
        &mut self,
        tx: &mut AnyConnection,
        records: &[Record],
    ) -> Result<(), Trouble> {
        let mut keys: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let mut ids = Vec::new();
        for record in records {
            for told in &record.messages {
                let source = told.source.as_ref().unwrap_or(&record.origin.source);
                let id = rows::id_key(&told.message.rfc_message_id);
                let stand_in = told.stand_in.as_deref().map(rows::id_key);
                let keys = keys.entry(source).or_default();
                keys.insert(id);
                keys.extend(stand_in);
                ids.push(told.message.id.to_string());
            }
        }
        for (source, keys) in keys {
            let keys: Vec<String> = keys.into_iter().collect();
            for some in keys.chunks(AT_ONCE) {
                self.read_twins(tx, source, some).await?;
            }
        }
        for some in ids.chunks(AT_ONCE) {
            let mut sql = Sql::new();
            let keys: Vec<String> = some.iter().map(|id| sql.text_value(id.clone())).collect();
            sql.push(&format!(
                "SELECT id FROM messages WHERE id IN ({})",
                keys.join(", ")
            ));
            for row in sql.ready().fetch_all(&mut *tx).await? {
                self.messages.insert(rows::parsed(&row, "id")?);
            }
        }
        Ok(())
    }

    /// Reads which rows of tables the tickets have already.
    async fn read_rows(
        &mut self,
        tx: &mut AnyConnection,
        records: &[Record],
    ) -> Result<(), Trouble> {
        for record in records {
            let Some(ticket) = self.ticket_of(record) else {
                continue;
            };
            if record.same_when != SameWhen::IdsOrRowsAgree {
                continue;
            }
            let source = &record.origin.source;
            for some in record.messages.chunks(AT_ONCE) {
                let mut sql = Sql::new();
                let named = sql.text_value(source.clone());
                let mut tickets = vec![sql.text_value(ticket.to_string())];
                let living = self.living(ticket);
                if living != ticket {
                    tickets.push(sql.text_value(living.to_string()));
                }
                let digests = some.iter().map(|told| told.message.raw_sha256.clone());
                let keys: Vec<String> = digests.map(|digest| sql.text_value(digest)).collect();
                sql.push(&format!(
                    "SELECT raw_sha256, ticket FROM messages
                     WHERE source = {named} AND ticket IN ({}) AND raw_sha256 IN ({})",
                    tickets.join(", "),
                    keys.join(", ")
                ));
                for row in sql.ready().fetch_all(&mut *tx).await? {
                    let key = (source.clone(), rows::text(&row, "raw_sha256")?);
                    self.rows.insert(key, rows::parsed(&row, "ticket")?);
                }
            }
        }
        Ok(())
    }

    async fn read_twins(
        &mut self,
        tx: &mut AnyConnection,
        source: &str,
        keys: &[String],
    ) -> Result<(), Trouble> {
        let mut sql = Sql::new();
        let named = sql.text_value(source.to_owned());
        let keys: Vec<String> = keys.iter().map(|id| sql.text_value(id.clone())).collect();
        sql.push(&format!(
            "SELECT id_key, ticket, raw_sha256 FROM messages
             WHERE source = {named} AND id_key IN ({})",
            keys.join(", ")
        ));
        for row in sql.ready().fetch_all(tx).await? {
            let key = (source.to_owned(), rows::text(&row, "id_key")?);
            self.twins.entry(key).or_default().push(Kept {
                ticket: rows::parsed(&row, "ticket")?,
                raw_sha256: rows::text(&row, "raw_sha256")?,
            });
        }
        Ok(())
    }

    /// Returns the tickets that are here.
    pub(super) fn tickets(&self) -> Vec<TicketId> {
        self.tickets.keys().copied().collect()
    }

    /// Returns the ticket that a record is about, if it is here.
    pub(super) fn ticket_of(&self, record: &Record) -> Option<TicketId> {
        let by_name = self.names.get(&name(record)).copied();
        by_name.or_else(|| self.ids.get(&record.ticket.id).copied())
    }

    /// Returns the ticket in which one goes on that was merged here; any other is itself.
    pub(super) fn living(&self, id: TicketId) -> TicketId {
        let mut living = id;
        for _ in 0..LONGEST {
            let Some(into) = self.merged.get(&living) else {
                break;
            };
            living = *into;
        }
        living
    }

    /// Adds a ticket that the batch makes.
    pub(super) fn add_ticket(&mut self, record: &Record, id: TicketId) {
        self.names.insert(name(record), id);
        self.ids.insert(id);
    }

    /// Tells whether a ticket here has a number.
    pub(super) fn has_number(&self, number: i64) -> bool {
        self.numbers.contains(&number)
    }

    /// Returns what the status of a ticket became when it was last imported.
    pub(super) fn standing(&self, id: TicketId) -> Option<Status> {
        self.words.get(&id).map(|(_, status)| *status)
    }

    /// Tells whether the origin has another status word for a ticket than before.
    pub(super) fn status_word_changed(&self, id: TicketId, record: &Record) -> bool {
        self.words.get(&id).is_some_and(|(word, status)| {
            *word != record.origin.source_status || *status != record.ticket.status
        })
    }

    /// Returns the messages with an id.
    pub(super) fn twins(&self, key: &Key) -> &[Kept] {
        self.twins.get(key).map_or(&[], Vec::as_slice)
    }

    /// Returns the ticket that has a row of a table, known by the digest of the row.
    pub(super) fn row(&self, source: &str, digest: &str) -> Option<TicketId> {
        let key = (source.to_owned(), digest.to_owned());
        self.rows.get(&key).copied()
    }

    /// Tells whether a message with this identity is here.
    pub(super) fn has_message(&self, id: MessageId) -> bool {
        self.messages.contains(&id)
    }

    /// Adds a message that the batch makes.
    pub(super) fn add_message(&mut self, key: Key, id: MessageId, kept: Kept) {
        self.twins.entry(key).or_default().push(kept);
        self.messages.insert(id);
    }
}
