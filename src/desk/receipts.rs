//! Reading receipts and what they say together; nobody changes one.

use super::{Desk, DeskError, face::OverviewView};
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
        take: &mut dyn FnMut(i64, Receipt) -> Enough,
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

    /// Reads a query for receipts; `since:7d` counts from now.
    pub fn receipt_query(&self, text: &str) -> Result<ReceiptQuery, DeskError> {
        Ok(ReceiptQuery::parse(text, self.clock.now())?)
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
            (ReceiptTest::Tag(tag), negated) => filter.tags.push((!negated, tag.clone())),
            (
                ReceiptTest::Word(_)
                | ReceiptTest::Ticket(_)
                | ReceiptTest::Agent(_)
                | ReceiptTest::Task(_)
                | ReceiptTest::Ending(_)
                | ReceiptTest::Provider(_)
                | ReceiptTest::Model(_)
                | ReceiptTest::First(_)
                | ReceiptTest::Class(_)
                | ReceiptTest::Since(_)
                | ReceiptTest::Until(_),
                _,
            ) => {}
        }
    }
    filter
}
