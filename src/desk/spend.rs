//! The meter and the cap: what is spent this month, and when that is said aloud.

use jiff::{ToSpan, civil, tz::TimeZone};

use super::{
    Desk, DeskError,
    face::{CapView, DeskEvent, SpendView},
};
use crate::{
    config::edit,
    domain::{Cap, CapName, Meter, Period, Receipt, SideCaps, Timestamp, Usd},
    store::Reconciled,
};

/// The percentage with which the pause is announced, also when the meter reads less.
const PAUSE_ALERT: u32 = 100;

/// Returns the calendar month that `now` lies in, in `zone`.
pub fn period_at(now: Timestamp, zone: &TimeZone) -> Period {
    let today = now.to_zoned(zone.clone()).date();
    let first = civil::date(today.year(), today.month(), 1);
    let ends = first
        .checked_add(1.month())
        .ok()
        .and_then(|next| next.to_zoned(zone.clone()).ok())
        .map_or(now, |next| next.timestamp());
    Period {
        name: format!("{:04}-{:02}", today.year(), today.month()),
        ends,
    }
}

impl Desk {
    /// Returns the month that counts now.
    pub fn period(&self) -> Period {
        period_at(self.clock.now(), &self.settings().zone)
    }

    /// Returns how the ledger stands.
    pub async fn spend(&self) -> Result<SpendView, DeskError> {
        let settings = self.settings();
        let period = self.period();
        let sums = self.store.sums(&period.name).await?;
        let cap = settings.config.spend.cap;
        let mut meter = Meter {
            period,
            cap,
            settled_known: sums.settled_known,
            settled_at_most: sums.settled_at_most,
            held: sums.held,
            paused: false,
        };
        let cheapest_draft = self.cheapest_draft().await?;
        let pauses = settings.config.spend.pause_at_cap;
        let caps = self.caps(&meter).await?;
        let tightest = caps
            .iter()
            .filter(|cap| pauses && is_paused(cap.cap, cap.settled.amount(), cheapest_draft))
            .max_by_key(|cap| cap.ends);
        meter.paused = tightest.is_some();
        let paused_by = tightest.map(|cap| cap.name);
        let cap_because = match cap {
            Cap::NotChosen => "not chosen yet",
            Cap::None => "declared absent in the config",
            Cap::Month(_) => "cap_month_usd in the config",
        };
        let at = settings.config.spend.downgrade_at;
        let cheap_first = at.zip(meter.percent()).is_some_and(|(at, now)| now >= at);
        Ok(SpendView {
            cheap_first,
            meter,
            cap_because: cap_because.to_owned(),
            cheapest_draft,
            caps,
            paused_by,
            outage: self.outage().await?.map(Box::new),
            missed: self.store.count_missed(&self.agent()).await?,
        })
    }

    /// Returns the limits of time, the month's first, and how each stands.
    async fn caps(&self, meter: &Meter) -> Result<Vec<CapView>, DeskError> {
        let mut caps = Vec::new();
        if let Cap::Month(cap) = meter.cap {
            caps.push(CapView {
                name: CapName::Month,
                cap,
                settled: meter.cost(),
                held: meter.held,
                ends: meter.period.ends,
            });
        }
        if let Some((cap, begins)) = self.side_caps().day {
            let sums = self.store.day_sums(&meter.period.name, begins).await?;
            caps.push(CapView {
                name: CapName::Day,
                cap,
                settled: sums.settled(),
                held: sums.held,
                ends: self.day().1,
            });
        }
        Ok(caps)
    }

    /// Returns the month that a moment lies in.
    pub(super) fn period_of(&self, at: Timestamp) -> Period {
        period_at(at, &self.settings().zone)
    }

    /// Returns when this day began and when it ends, in the zone whose months are counted.
    fn day(&self) -> (Timestamp, Timestamp) {
        self.day_of(self.clock.now())
    }

    /// Returns when the count of a limit begins anew; a ticket's never does, and reads as the month's.
    pub fn lifts(&self, cap: CapName) -> Timestamp {
        match cap {
            CapName::Day => self.day().1,
            CapName::Month | CapName::Ticket => self.period().ends,
        }
    }

    /// Returns how much a limit is; none where there is none.
    pub fn limit(&self, cap: CapName) -> Option<Usd> {
        let spend = &self.settings().config.spend;
        match cap {
            CapName::Month => match spend.cap {
                Cap::Month(cap) => Some(cap),
                Cap::None | Cap::NotChosen => None,
            },
            CapName::Day => spend.cap_day,
            CapName::Ticket => spend.cap_ticket,
        }
    }

    /// Returns when the day of a moment began and when it ends.
    pub(super) fn day_of(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let zone = &self.settings().zone;
        let today = now.to_zoned(zone.clone()).date();
        let begin = |day: civil::Date| {
            let begins = day.to_zoned(zone.clone());
            begins.map_or(now, |begins| begins.timestamp())
        };
        (begin(today), begin(today.tomorrow().unwrap_or(today)))
    }

    /// Returns the limits beside the month's, as they are at this moment.
    pub(super) fn side_caps(&self) -> SideCaps {
        let spend = &self.settings().config.spend;
        if !spend.pause_at_cap {
            return SideCaps::default();
        }
        SideCaps {
            day: spend.cap_day.map(|cap| (cap, self.day().0)),
            ticket: spend.cap_ticket,
        }
    }

    /// Writes a limit beside the month's into the config; none takes it away.
    pub async fn set_side_cap(
        &self,
        cap: CapName,
        usd: Option<Usd>,
    ) -> Result<SpendView, DeskError> {
        edit::set_side_cap(&self.paths.config_file, cap, usd)?;
        self.reload()?;
        self.tell(DeskEvent::Spent);
        self.spend().await
    }

    /// Writes a new cap into the config; drafting resumes or pauses at once, here and in every
    /// open desk.
    pub async fn set_cap(&self, cap: Cap) -> Result<SpendView, DeskError> {
        edit::set_cap(&self.paths.config_file, cap)?;
        self.reload()?;
        self.tell(DeskEvent::Spent);
        self.spend().await
    }

    /// Books what an invoice says a receipt's run cost. The receipt stays as it was written.
    pub async fn reconcile(
        &self,
        receipt: &str,
        invoice: Usd,
    ) -> Result<(Receipt, Reconciled), DeskError> {
        let (_, receipt) = self.receipt(receipt).await?;
        let why = format!(
            "invoice for receipt {}, booked by {}",
            receipt.id,
            self.agent()
        );
        let now = self.clock.now();
        let booked = self
            .store
            .reconcile(receipt.run, invoice, &why, now)
            .await?;
        let booked = booked.ok_or(DeskError::Nothing(
            "This run has nothing in the ledger: no call of it was ever made.",
        ))?;
        self.tell(DeskEvent::Spent);
        self.announce().await?;
        Ok((receipt, booked))
    }

    /// Returns what an invoice said of a receipt's run, if one was booked.
    pub async fn reconciled(&self, receipt: &Receipt) -> Result<Option<Usd>, DeskError> {
        Ok(self.store.reconciled(receipt.run).await?)
    }

    /// Says aloud, once per period each, which thresholds have been passed.
    pub(super) async fn announce(&self) -> Result<(), DeskError> {
        let SpendView {
            meter, paused_by, ..
        } = self.spend().await?;
        // What is kept below the month's name speaks of the month's cap alone.
        let is_month_over = meter.paused && paused_by == Some(CapName::Month);
        let percent = meter.percent().unwrap_or(0);
        for at in self.settings().config.spend.alerts.iter().copied() {
            let passed = percent >= at || (at == PAUSE_ALERT && is_month_over);
            if passed
                && self
                    .store
                    .announce(&meter.period.name, at, self.clock.now())
                    .await?
            {
                self.tell(DeskEvent::Alert(at));
            }
        }
        self.tell(DeskEvent::Spent);
        Ok(())
    }
}

/// Tells whether the free money is below the cheapest useful draft. What drafts under way hold
/// counts as free here, for most of it comes back: else the meter would say PAUSED, and once a
/// month aloud, whenever three drafts run near the cap. Each hold is judged by what is truly free.
fn is_paused(cap: Usd, settled: Usd, cheapest: Option<Usd>) -> bool {
    let left = cap.minus(settled);
    left <= Usd::ZERO || cheapest.is_some_and(|needed| left < needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_the_calendar_month_of_the_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let now: Timestamp = "2026-11-30T23:30:00Z".parse().unwrap();

        let period = period_at(now, &zone);

        assert_eq!(period.name, "2026-12");
        assert_eq!(period.ends, "2026-12-31T22:00:00Z".parse().unwrap());
    }

    #[test]
    fn the_desk_pauses_when_the_rest_pays_for_no_draft() {
        let cap = Usd::from_dollars(20);
        let cheapest = Some(Usd::from_nanos(40_000_000));

        assert!(!is_paused(cap, Usd::from_nanos(19_960_000_000), cheapest));
        assert!(is_paused(cap, Usd::from_nanos(19_960_000_001), cheapest));
        assert!(is_paused(cap, Usd::from_nanos(20_000_000_000), None));
    }
}
