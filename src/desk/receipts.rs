//! Reading receipts and what they say together; nobody changes one.

use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path};

use jiff::ToSpan as _;

use super::{
    Desk, DeskError,
    face::{OverviewView, ReceiptPage},
    receipts_csv,
};
use crate::{
    domain::{
        Page, Receipt, ReceiptQuery, Timestamp,
        receipt_query::{ReceiptTerm, ReceiptTest},
    },
    engine::figures::{Figures, forecast, week_begins},
    store::{ReceiptFilter, Verdict},
};

/// So many receipts are read at a time.
const AT_ONCE: u64 = 500;
/// So many for a page of the screen, which is full with a part of them; after so many looks who
/// waits is told how far the search has come.
const PAGE: u64 = 100;
const PAGE_FULL: usize = 50;
const LOOKS: usize = 20;

impl Desk {
    /// Returns receipts with their entry numbers, newest first.
    pub async fn receipts(
        &self,
        filter: &ReceiptFilter,
        page: Page,
    ) -> Result<Vec<(i64, Receipt)>, DeskError> {
        Ok(self.store.receipts(filter, page).await?)
    }

    /// Gives the receipts that a query means to `take`, newest first, until it has enough.
    pub async fn each_receipt(
        &self,
        query: &ReceiptQuery,
        take: &mut (dyn FnMut(i64, Receipt) -> Enough + Send),
    ) -> Result<(), DeskError> {
        let mut filter = narrowed(query);
        loop {
            let page = Page {
                offset: 0,
                limit: AT_ONCE,
            };
            let read = self.store.receipts(&filter, page).await?;
            let is_last = u64::try_from(read.len()).unwrap_or(0) < AT_ONCE;
            for (entry, receipt) in read {
                filter.before = Some(entry);
                if query.matches(&receipt) && take(entry, receipt) == Enough::Yes {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Returns the next receipts that a query means: at most a page, and after looking through so
    /// many that nobody waits long. Those before `before`, and none up to `after`.
    pub async fn receipt_page(
        &self,
        query: &ReceiptQuery,
        before: Option<i64>,
        after: Option<i64>,
    ) -> Result<ReceiptPage, DeskError> {
        let mut filter = ReceiptFilter {
            before,
            after,
            ..narrowed(query)
        };
        let mut found = ReceiptPage::default();
        if before.is_none() {
            // Read first: what is added while we look is new the next time.
            found.newest = Some(self.store.newest_entry().await?);
        }
        for _ in 0..LOOKS {
            let page = Page {
                offset: 0,
                limit: PAGE,
            };
            let read = self.store.receipts(&filter, page).await?;
            found.is_last = u64::try_from(read.len()).unwrap_or(0) < PAGE;
            for (entry, receipt) in read {
                filter.before = Some(entry);
                found.before = Some(entry);
                found.searched_to = Some(receipt.began);
                if query.matches(&receipt) {
                    found.rows.push((entry, receipt));
                }
            }
            if found.is_last || found.rows.len() >= PAGE_FULL {
                break;
            }
        }
        Ok(found)
    }

    /// Writes the receipts that a query means as CSV into a file that was not there before,
    /// readable by its owner alone; returns how many.
    pub async fn export_csv(&self, query: &ReceiptQuery, file: &Path) -> Result<u64, DeskError> {
        let wrong = |why| DeskError::Export {
            file: file.to_owned(),
            why,
        };
        let mut options = std::fs::OpenOptions::new();
        let opened = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)
            .map_err(wrong)?;
        let mut out = std::io::BufWriter::new(opened);
        let mut written = writeln!(out, "{}", receipts_csv::head()).map(|()| 0);
        let mut take = |_, receipt: Receipt| {
            if let Ok(count) = &mut written {
                match writeln!(out, "{}", receipts_csv::line(&receipt)) {
                    Ok(()) => *count += 1,
                    Err(why) => written = Err(why),
                }
            }
            Enough::when(written.is_err())
        };
        let read = self.each_receipt(query, &mut take).await;
        let whole = written.and_then(|count| {
            let whole = out
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)?;
            whole.sync_all().map(|()| count)
        });
        if read.is_err() || whole.is_err() {
            // It was not there before: a part of an export is left to nobody.
            drop(std::fs::remove_file(file));
        }
        read?;
        whole.map_err(wrong)
    }

    /// Reads a query for receipts; `since:7d` counts from now.
    pub fn receipt_query(&self, text: &str) -> Result<ReceiptQuery, DeskError> {
        Ok(ReceiptQuery::parse(text, self.clock.now())?)
    }

    /// Returns when the first of the last so many days began, today among them.
    pub fn days_ago(&self, days: u16) -> Timestamp {
        let zone = &self.settings().zone;
        let now = self.clock.now();
        let back = i64::from(days.saturating_sub(1)).days();
        let first = now.to_zoned(zone.clone()).date().checked_sub(back);
        let begins = first.and_then(|day| day.to_zoned(zone.clone()));
        begins.map_or(now, |begins| begins.timestamp())
    }

    /// Returns what the receipts since a time say together.
    pub async fn overview(&self, since: Timestamp) -> Result<OverviewView, DeskError> {
        let settings = self.settings();
        let now = self.clock.now();
        let zone = &settings.zone;
        let today = now.to_zoned(zone.clone()).date();
        let week_since = week_begins(today)
            .to_zoned(zone.clone())
            .map_or(since, |begins| begins.timestamp());
        let query = ReceiptQuery {
            terms: vec![ReceiptTerm {
                negated: false,
                test: ReceiptTest::Since(since.min(week_since)),
            }],
        };
        let mut figures = Figures::new(zone.clone());
        let mut week = figures.clone();
        let mut take = |_, receipt: Receipt| {
            if receipt.began >= since {
                figures.add(&receipt);
            }
            if receipt.began >= week_since {
                week.add(&receipt);
            }
            Enough::No
        };
        self.each_receipt(&query, &mut take).await?;
        let spend = self.spend().await?;
        let begins = today
            .first_of_month()
            .to_zoned(settings.zone.clone())
            .map_or(now, |begins| begins.timestamp());
        let span = |to: Timestamp| to.duration_since(begins).unsigned_abs();
        let forecast = forecast(
            spend.meter.settled(),
            span(now),
            span(spend.meter.period.ends),
        );
        Ok(OverviewView {
            since,
            today,
            figures,
            week,
            forecast,
            spend,
        })
    }

    /// Returns the newest receipts of all tickets with their entry numbers.
    pub async fn newest_receipts(&self, page: Page) -> Result<Vec<(i64, Receipt)>, DeskError> {
        self.receipts(&ReceiptFilter::default(), page).await
    }

    /// Returns one receipt by its id or an unambiguous beginning of it.
    pub async fn receipt(&self, id: &str) -> Result<(i64, Receipt), DeskError> {
        let found = self.store.receipt(id).await?;
        found.ok_or_else(|| DeskError::NoReceipt(id.chars().take(60).collect()))
    }

    /// Checks the whole chain of receipts and names the first broken entry.
    pub async fn verify_receipts(&self) -> Result<Verdict, DeskError> {
        Ok(self.store.verify_receipts().await?)
    }
}

/// Whether more receipts are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enough {
    /// No more.
    Yes,
    /// More, if there are.
    No,
}

impl Enough {
    /// Returns `Yes` when something holds.
    pub const fn when(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// Returns what the database itself can look for; the rest is judged receipt by receipt.
fn narrowed(query: &ReceiptQuery) -> ReceiptFilter {
    let mut filter = ReceiptFilter::default();
    for term in &query.terms {
        match (&term.test, term.negated) {
            (ReceiptTest::Ticket(number), false) => filter.ticket_number = Some(*number),
            (ReceiptTest::Ending(ending), false) => filter.ending = Some(*ending),
            (ReceiptTest::Fallback, negated) => filter.fallback = Some(!negated),
            (ReceiptTest::Since(from), false) => filter.since = Some(*from),
            (ReceiptTest::Until(to), false) => filter.until = Some(*to),
            (ReceiptTest::Ending(ending), true) => filter.not_ending.push(*ending),
            (ReceiptTest::Tag(tag), negated) => filter.tags.push((!negated, tag.clone())),
            (test, false) => filter.texts.extend(trace(test)),
            (_, true) => {}
        }
    }
    filter
}

/// Returns what stands in the text of every receipt that meets a test, in lower case; a receipt in
/// which it stands need not meet it. None where the text may be spelled in more than one way.
fn trace(test: &ReceiptTest) -> Option<String> {
    let plain = |word: &str| {
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        (!word.is_empty() && word.chars().all(is_plain)).then(|| word.to_lowercase())
    };
    match test {
        ReceiptTest::Word(word)
        | ReceiptTest::Model(word)
        | ReceiptTest::Agent(word)
        | ReceiptTest::Action(word) => plain(word),
        ReceiptTest::Link(name) => plain(name).map(|name| format!("\"{name}\"")),
        ReceiptTest::Provider(name) => plain(name).map(|name| format!("\"{name}/")),
        ReceiptTest::First(name) => plain(name).map(|name| format!("\"chain\":[\"{name}/")),
        ReceiptTest::Task(task) => Some(format!("\"task\":\"{}\"", task.word())),
        ReceiptTest::Class(class) => Some(format!("\"class\":\"{}\"", class.word())),
        ReceiptTest::Ticket(_)
        | ReceiptTest::Tag(_)
        | ReceiptTest::Ending(_)
        | ReceiptTest::Fallback
        | ReceiptTest::Since(_)
        | ReceiptTest::Until(_) => None,
    }
}
