//! Receipts: only ever added, each bound to the one before it by a hash.
//!
//! `hash = SHA-256(prev_hash || json)`, both as text, the first with an empty `prev_hash`. `json`
//! is the receipt, stored as it was hashed, so that checking needs nothing but the bytes; the order of
//! its keys does not matter. NUL, which a provider's words might hold, is escaped by JSON itself.
//! Whoever writes holds the row of the tip: the chain has no branches.

use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;

use super::{Store, StoreError, error::Trouble, rows, search::Sql};
use crate::domain::{Ending, Page, ProviderName, Receipt, TicketId, Timestamp};

/// Which receipts to show; what is `None` does not narrow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptFilter {
    /// Of one ticket.
    pub ticket: Option<TicketId>,
    /// Of the ticket with this number.
    pub ticket_number: Option<i64>,
    /// Whose entry is before this one.
    pub before: Option<i64>,
    /// Whose entry is after this one.
    pub after: Option<i64>,
    /// That ended so.
    pub ending: Option<Ending>,
    /// That ended in none of these ways.
    pub not_ending: Vec<Ending>,
    /// In which this provider was asked.
    pub provider: Option<ProviderName>,
    /// Whose answer came from a later link, or did not.
    pub fallback: Option<bool>,
    /// That began then or later.
    pub since: Option<Timestamp>,
    /// That began before.
    pub until: Option<Timestamp>,
    /// In whose text these stand, in lower case (ASCII only).
    pub texts: Vec<String>,
    /// Whose ticket has these tags, or has not.
    pub tags: Vec<(bool, String)>,
}

/// What a check of the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were read.
    pub entries: u64,
    /// The first entry that is not as it was written.
    pub broken: Option<Broken>,
}

/// A broken entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its number.
    pub entry: i64,
    /// What is wrong, in words.
    pub why: String,
}

/// 500 entries are read at once while checking.
const AT_ONCE: i64 = 500;

impl Store {
    /// Returns receipts with their numbers, newest first.
    pub async fn receipts(
        &self,
        filter: &ReceiptFilter,
        page: Page,
    ) -> Result<Vec<(i64, Receipt)>, StoreError> {
        self.told("read the receipts", async {
            let mut sql = Sql::new();
            sql.push("SELECT entry, json FROM receipts WHERE entry > 0");
            push_filter(&mut sql, filter, self)?;
            let limit = sql.int_value(i64::try_from(page.limit).unwrap_or(i64::MAX));
            let offset = sql.int_value(i64::try_from(page.offset).unwrap_or(i64::MAX));
            sql.push(&format!(
                " ORDER BY entry DESC LIMIT {limit} OFFSET {offset}"
            ));
            let rows = sql.ready().fetch_all(self.pool()).await?;
            rows.iter().map(numbered).collect()
        })
        .await
    }

    /// Returns the number of the newest entry; 0 when there is none.
    pub async fn newest_entry(&self) -> Result<i64, StoreError> {
        self.told("read the receipts", async {
            Ok(self.receipt_tip().await?.0)
        })
        .await
    }

    /// Returns the receipt with this id, or whose id alone begins so.
    pub async fn receipt(&self, id: &str) -> Result<Option<(i64, Receipt)>, StoreError> {
        self.told("read the receipt", async {
            let beginning = id.trim().to_ascii_lowercase();
            let is_id = |c: char| c.is_ascii_hexdigit() || c == '-';
            if beginning.is_empty() || !beginning.chars().all(is_id) {
                return Ok(None);
            }
            let found = sqlx::query(
                "SELECT entry, json FROM receipts WHERE id LIKE $1 ORDER BY entry LIMIT 2",
            )
            .bind(format!("{beginning}%"))
            .fetch_all(self.pool())
            .await?;
            match found.as_slice() {
                [] => Ok(None),
                [only] => numbered(only).map(Some),
                _ => Err(StoreError::Ambiguous {
                    what: "receipt",
                    which: beginning,
                }
                .into()),
            }
        })
        .await
    }

    /// Reads the whole chain and names the first entry that is not as it was written.
    pub async fn verify_receipts(&self) -> Result<Verdict, StoreError> {
        self.told("check the receipts", async {
            // The tip first: what is added while we read lies beyond it.
            let (last, last_hash) = self.receipt_tip().await?;
            let mut checked = Checked::default();
            loop {
                let rows = sqlx::query(
                    "SELECT entry, id, ticket, ticket_number, ending, providers, is_fallback,
                         began, json, prev_hash, hash
                     FROM receipts WHERE entry > $1 ORDER BY entry LIMIT $2",
                )
                .bind(checked.entry)
                .bind(AT_ONCE)
                .fetch_all(self.pool())
                .await?;
                let is_last = rows.is_empty();
                for row in &rows {
                    if let Err(why) = checked.step(row) {
                        return Ok(checked.broken(checked.entry + 1, why));
                    }
                    if checked.entry == last && checked.hash != last_hash {
                        let why = "its hash is not the one noted as the chain's end";
                        return Ok(checked.broken(last, why.to_owned()));
                    }
                }
                if is_last {
                    break;
                }
            }
            if checked.entry < last {
                let why = format!("it is missing: the chain was cut before its end, entry {last}");
                return Ok(checked.broken(checked.entry + 1, why));
            }
            // What was added meanwhile moved the tip with it; what did not was put there by hand.
            let last = self.receipt_tip().await?.0;
            if checked.entry > last {
                let why = "it lies beyond the chain's end that is noted".to_owned();
                return Ok(checked.broken(last + 1, why));
            }
            Ok(Verdict {
                entries: checked.count(),
                broken: None,
            })
        })
        .await
    }
}

impl Store {
    /// Reads the number and hash of the newest entry, as they are noted beside the chain.
    async fn receipt_tip(&self) -> Result<(i64, String), Trouble> {
        let tip = sqlx::query("SELECT entry, hash FROM receipt_tip WHERE one = 1")
            .fetch_one(self.pool())
            .await?;
        Ok((rows::int(&tip, "entry")?, rows::text(&tip, "hash")?))
    }
}

/// How far a check has come.
#[derive(Default)]
struct Checked {
    entry: i64,
    hash: String,
}

impl Checked {
    /// Goes one entry further, or says what is wrong with it.
    fn step(&mut self, row: &AnyRow) -> Result<(), String> {
        let read = |column| rows::text(row, column).map_err(|_| format!("no {column}"));
        let entry = rows::int(row, "entry").map_err(|_| "no number".to_owned())?;
        if entry != self.entry + 1 {
            return Err(format!("it is missing; the next one is {entry}"));
        }
        if read("prev_hash")? != self.hash {
            return Err("it does not follow the entry before it".to_owned());
        }
        let json = read("json")?;
        if read("hash")? != hash(&self.hash, &json) {
            return Err("its content was changed after it was written".to_owned());
        }
        let receipt: Receipt = serde_json::from_str(&json)
            .map_err(|why| format!("its content cannot be read: {why}"))?;
        if !Columns::of(&receipt).agrees(row) {
            return Err("what it is found by does not agree with its content".to_owned());
        }
        self.entry = entry;
        self.hash = hash(&self.hash, &json);
        Ok(())
    }

    fn count(&self) -> u64 {
        u64::try_from(self.entry).unwrap_or(0)
    }

    fn broken(&self, entry: i64, why: String) -> Verdict {
        Verdict {
            entries: self.count(),
            broken: Some(Broken { entry, why }),
        }
    }
}

/// What a receipt is found by, taken out of it.
#[derive(PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) id: String,
    pub(super) ticket: Option<String>,
    pub(super) ticket_number: Option<i64>,
    pub(super) ending: &'static str,
    pub(super) providers: String,
    pub(super) is_fallback: bool,
    pub(super) began: i64,
}

impl Columns {
    pub(super) fn of(receipt: &Receipt) -> Self {
        let mut providers: Vec<&str> = receipt
            .attempts
            .iter()
            .map(|attempt| attempt.link.provider.0.as_str())
            .collect();
        providers.sort_unstable();
        providers.dedup();
        Self {
            id: receipt.id.to_string(),
            ticket: receipt.ticket.map(|ticket| ticket.to_string()),
            ticket_number: receipt.ticket_number,
            ending: receipt.ending.word(),
            providers: format!(" {} ", providers.join(" ")),
            is_fallback: receipt.is_fallback(),
            began: receipt.began.as_microsecond(),
        }
    }

    fn agrees(&self, row: &AnyRow) -> bool {
        let read = || -> Result<bool, Trouble> {
            Ok(rows::text(row, "id")? == self.id
                && rows::text_or_none(row, "ticket")? == self.ticket
                && sqlx::Row::try_get::<Option<i64>, _>(row, "ticket_number")?
                    == self.ticket_number
                && rows::text(row, "ending")? == self.ending
                && rows::text(row, "providers")? == self.providers
                && rows::yes(row, "is_fallback")? == self.is_fallback
                && rows::int(row, "began")? == self.began)
        };
        read().unwrap_or(false)
    }
}

fn push_filter(sql: &mut Sql, filter: &ReceiptFilter, store: &Store) -> Result<(), Trouble> {
    if let Some(ticket) = filter.ticket {
        let value = sql.text_value(ticket.to_string());
        sql.push(&format!(" AND ticket = {value}"));
    }
    if let Some(number) = filter.ticket_number {
        let value = sql.int_value(number);
        sql.push(&format!(" AND ticket_number = {value}"));
    }
    if let Some(before) = filter.before {
        let value = sql.int_value(before);
        sql.push(&format!(" AND entry < {value}"));
    }
    if let Some(after) = filter.after {
        let value = sql.int_value(after);
        sql.push(&format!(" AND entry > {value}"));
    }
    if let Some(ending) = filter.ending {
        let value = sql.text_value(rows::word(ending)?);
        sql.push(&format!(" AND ending = {value}"));
    }
    for ending in &filter.not_ending {
        let value = sql.text_value(rows::word(*ending)?);
        sql.push(&format!(" AND ending <> {value}"));
    }
    if let Some(provider) = &filter.provider {
        let value = sql.text_value(format!(" {provider} "));
        let condition = store.dialect().contains("providers", &value);
        sql.push(&format!(" AND {condition}"));
    }
    if let Some(fallback) = filter.fallback {
        let value = sql.int_value(i64::from(fallback));
        sql.push(&format!(" AND is_fallback = {value}"));
    }
    if let Some(since) = filter.since {
        let value = sql.int_value(since.as_microsecond());
        sql.push(&format!(" AND began >= {value}"));
    }
    if let Some(until) = filter.until {
        let value = sql.int_value(until.as_microsecond());
        sql.push(&format!(" AND began < {value}"));
    }
    for text in &filter.texts {
        let value = sql.text_value(text.clone());
        let condition = store.dialect().contains("lower(json)", &value);
        sql.push(&format!(" AND {condition}"));
    }
    for (is_wanted, tag) in &filter.tags {
        let value = sql.text_value(format!(" {} ", rows::lower(tag)));
        let condition = store.dialect().contains("t.tags", &value);
        let not = if *is_wanted { "" } else { "NOT " };
        sql.push(&format!(
            " AND {not}EXISTS (SELECT 1 FROM tickets t WHERE t.id = receipts.ticket AND {condition})"
        ));
    }
    Ok(())
}

pub(super) fn hash(prev_hash: &str, json: &str) -> String {
    format!(
        "{:x}",
        Sha256::new()
            .chain_update(prev_hash)
            .chain_update(json)
            .finalize()
    )
}

fn numbered(row: &AnyRow) -> Result<(i64, Receipt), Trouble> {
    Ok((rows::int(row, "entry")?, rows::json(row, "json")?))
}
