//! Filing: letters into tickets, each once, a batch in one transaction.
//!
//! Which ticket a letter belongs to is decided above (`desk::filing::thread`); here it is made so,
//! also when two programs import the same mail at once: one filing follows the other, and what
//! the first has filed is a duplicate for the second.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, any::AnyRow};

use super::{
    Store, StoreError,
    dialect::Lock,
    error::Trouble,
    events::{Happened, Verb},
    notes,
    originals::Original,
    rows,
    search::Sql,
};
use crate::domain::{Message, Status, Ticket, TicketId, Timestamp};

/// Letters to file together: other writers wait until it is done.
#[derive(Clone, Debug, Default)]
pub struct Filing {
    /// `import`, `demo`, later `imap:<account>`.
    pub source: String,
    /// In the order in which they are filed.
    pub letters: Vec<Letter>,
    /// The number of the first new ticket, where it must not be the next one; a number that is
    /// behind the last one given is passed over.
    pub first_number: Option<i64>,
    /// Who has added a note with this: what was begun of it is forgotten.
    pub note_by: Option<String>,
    /// Our other mailboxes: what one of them has is not filed again.
    pub beside: Vec<String>,
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
    /// The conversation that Outlook says it belongs to; what joins nothing by itself.
    pub topic: Option<String>,
    /// The bytes as they came, kept beside the message.
    pub original: Option<Original>,
    /// Whether it is a copy of what left here: its id alone says that it is known.
    pub is_own_copy: bool,
    /// Why it is kept out of the queue, for more than what kind of mail it is: it takes no ticket
    /// out of quarantine.
    pub quarantine: Option<String>,
    /// Whether it is old mail, of before what was last said in its ticket: it makes no reply stale.
    pub is_history: bool,
    /// The reply of ours that it reports as not delivered.
    pub returned: Option<Returned>,
}

/// A reply that came back: not everybody got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// Its Message-ID.
    pub message_id: String,
    /// Why, in words.
    pub words: String,
    /// The addresses of those who did not get it.
    pub failed: Vec<String>,
    /// The addresses at which nobody is, where the report says so.
    pub nobody_at: Vec<String>,
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
    /// The numbers of tickets whose held reply came back: it waits as a draft again.
    pub brought_back: Vec<i64>,
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
pub(super) const AT_ONCE: usize = 200;

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
        let rows = sql
            .ready_in(self.dialect())
            .fetch_all(self.writing())
            .await?;
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
            if let Some(author) = &filing.note_by {
                notes::forget(&mut tx, &filing.letters, author).await?;
            }
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
}

/// Lets the next ticket have this number, or a larger one.
pub(super) async fn skip_to(tx: &mut AnyConnection, first: i64) -> Result<(), Trouble> {
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'ticket' AND value < $1")
        .bind(first.saturating_sub(1))
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
