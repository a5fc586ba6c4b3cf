//! The meter and the cap: what is spent this month, and when that is said aloud.

use jiff::{ToSpan, civil, tz::TimeZone};

use super::{
    Desk, DeskError,
    face::{DeskEvent, SpendView},
};
use crate::{
    config::edit,
    domain::{Cap, Meter, Period, Timestamp, Usd},
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
        meter.paused = pauses && is_paused(&meter, cheapest_draft);
        let cap_because = match cap {
            Cap::NotChosen => "not chosen yet",
            Cap::None => "declared absent in the config",
            Cap::Month(_) => "cap_month_usd in the config",
        };
        Ok(SpendView {
            meter,
            cap_because: cap_because.to_owned(),
            cheapest_draft,
        })
    }

    /// Writes a new cap into the config; drafting resumes or pauses at once, here and in every
    /// open desk.
    pub async fn set_cap(&self, cap: Cap) -> Result<SpendView, DeskError> {
        edit::set_cap(&self.paths.config_file, cap)?;
        self.reload()?;
        self.tell(DeskEvent::Spent);
        self.spend().await
    }

    /// Says aloud, once per period each, which thresholds have been passed.
    pub(super) async fn announce(&self) -> Result<(), DeskError> {
        let SpendView { meter, .. } = self.spend().await?;
        let percent = meter.percent().unwrap_or(0);
        for at in self.settings().config.spend.alerts.iter().copied() {
            let passed = percent >= at || (at == PAUSE_ALERT && meter.paused);
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
fn is_paused(meter: &Meter, cheapest: Option<Usd>) -> bool {
    match meter.cap {
        Cap::Month(cap) => {
            let left = cap.minus(meter.settled());
            left <= Usd::ZERO || cheapest.is_some_and(|needed| left < needed)
        }
        Cap::None | Cap::NotChosen => false,
    }
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
        let meter = |settled: i64| Meter {
            period: Period {
                name: "2026-11".into(),
                ends: Timestamp::UNIX_EPOCH,
            },
            cap: Cap::Month(Usd::from_dollars(20)),
            settled_known: Usd::from_nanos(settled),
            settled_at_most: Usd::ZERO,
            held: Usd::from_dollars(5),
            paused: false,
        };
        let cheapest = Some(Usd::from_nanos(40_000_000));

        assert!(!is_paused(&meter(19_960_000_000), cheapest));
        assert!(is_paused(&meter(19_960_000_001), cheapest));
        assert!(is_paused(&meter(20_000_000_000), None));
    }
}
