//! What a heap of receipts says: how often the backup answered, what that cost, what failed.
//!
//! Pure: receipts go in one by one, the newest first; nothing is kept but sums and some times.
//! Rates are in hundredths of a percent, so that no fraction is lost to rounding.

use std::{collections::BTreeMap, time::Duration};

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use crate::domain::{Cost, FaultClass, LinkName, ProviderName, Receipt, Task, Usd};

/// Above this the primary deserves a look: 1 %.
pub const LOOK: u64 = 100;
/// Above this for a week the backup should be the primary: 2 %.
pub const SWAP: u64 = 200;
/// With fewer drafts than these nothing is said of a rate.
const ENOUGH: u64 = 50;
/// First-text times kept per link; further ones are left out, so the newest must come first.
const TIMES_KEPT: usize = 4_096;

/// Sums over the receipts of some time.
#[derive(Clone, Debug)]
pub struct Figures {
    zone: TimeZone,
    days: BTreeMap<Date, Tally>,
    failures: BTreeMap<(ProviderName, FaultClass), u64>,
    link_failures: BTreeMap<(LinkName, FaultClass), u64>,
    models: BTreeMap<LinkName, Calls>,
    tasks: BTreeMap<&'static str, Calls>,
    times: BTreeMap<LinkName, Vec<Duration>>,
    /// Who answered instead of whom, by day.
    backups: BTreeMap<(Date, LinkName, LinkName), u64>,
    difference: Difference,
}

/// What happened on a day or in a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Drafts asked for.
    pub asked: u64,
    /// Of these, those with an answer.
    pub answered: u64,
    /// Of these, those answered by a later link than the first.
    pub fallback: u64,
    /// What all calls cost.
    pub cost: Cost,
}

/// Calls and what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many.
    pub calls: u64,
    /// What they cost.
    pub cost: Cost,
}

/// What fallback added and saved against the first choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Dollars more than the first link would have cost.
    pub added: Usd,
    /// Dollars less.
    pub saved: Usd,
    /// Fallbacks whose first choice has no known price.
    pub unknown: u64,
}

/// First-text times of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstText {
    /// How many there are.
    pub count: u64,
    /// Half were faster.
    pub p50: Duration,
    /// All but one in twenty were faster.
    pub p95: Duration,
}

/// Advice to make the backup the primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwapAdvice {
    /// The first choice that failed most.
    pub primary: LinkName,
    /// Who answered instead most often.
    pub backup: LinkName,
    /// The week's rate, in hundredths of a percent.
    pub rate: u64,
    /// The week's answers, and how many of them came from a backup.
    pub week: (u64, u64),
}

impl Tally {
    /// Returns how many answers of a hundred came from a backup, in hundredths of a percent; none
    /// without an answer.
    pub fn rate(&self) -> Option<u64> {
        (self.answered > 0).then(|| self.fallback.saturating_mul(10_000) / self.answered)
    }

    fn plus(&mut self, other: &Self) {
        self.asked += other.asked;
        self.answered += other.answered;
        self.fallback += other.fallback;
        self.cost = self.cost.plus(other.cost);
    }
}

impl Figures {
    /// Begins with nothing; days are those of `zone`.
    pub const fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            days: BTreeMap::new(),
            failures: BTreeMap::new(),
            link_failures: BTreeMap::new(),
            models: BTreeMap::new(),
            tasks: BTreeMap::new(),
            times: BTreeMap::new(),
            backups: BTreeMap::new(),
            difference: Difference {
                added: Usd::ZERO,
                saved: Usd::ZERO,
                unknown: 0,
            },
        }
    }

    /// Counts a receipt.
    pub fn add(&mut self, receipt: &Receipt) {
        let day = receipt.began.to_zoned(self.zone.clone()).date();
        let cost = receipt.cost();
        let tally = self.days.entry(day).or_default();
        tally.cost = tally.cost.plus(cost);
        // Answers that somebody waited for: drafts, and requests of other programs.
        if matches!(receipt.task, Task::Reply | Task::Request) {
            tally.asked += 1;
            tally.answered += u64::from(receipt.ending.has_text());
            tally.fallback += u64::from(receipt.is_fallback());
        }
        let task = self.tasks.entry(receipt.task.word()).or_default();
        task.calls += 1;
        task.cost = task.cost.plus(cost);
        for attempt in &receipt.attempts {
            let model = self.models.entry(attempt.link.clone()).or_default();
            model.calls += 1;
            model.cost = model.cost.plus(attempt.cost);
            if let Some(class) = attempt.class.filter(|class| is_a_failure(*class)) {
                let provider = attempt.link.provider.clone();
                *self.failures.entry((provider, class)).or_default() += 1;
                let link = attempt.link.clone();
                *self.link_failures.entry((link, class)).or_default() += 1;
            }
            if let Some(first) = attempt.first_text {
                self.note_time(&attempt.link, first);
            }
        }
        if receipt.is_fallback() {
            self.compare(receipt, day);
        }
    }

    fn note_time(&mut self, link: &LinkName, first: Duration) {
        let times = self.times.entry(link.clone()).or_default();
        if times.len() < TIMES_KEPT {
            times.push(first);
        }
    }

    fn compare(&mut self, receipt: &Receipt, day: Date) {
        let (Some(first), Some(answer)) = (receipt.chain.first(), receipt.answer()) else {
            return;
        };
        let pair = (day, first.clone(), answer.link.clone());
        *self.backups.entry(pair).or_default() += 1;
        let Some(first) = receipt.first_choice_cost else {
            self.difference.unknown += 1;
            return;
        };
        let more = receipt.cost().amount().minus(first);
        if more > Usd::ZERO {
            self.difference.added = self.difference.added.plus(more);
        } else {
            self.difference.saved = self.difference.saved.plus(Usd::ZERO.minus(more));
        }
    }

    /// Returns the days on which something happened, oldest first.
    pub fn days(&self) -> impl DoubleEndedIterator<Item = (Date, &Tally)> {
        self.days.iter().map(|(day, tally)| (*day, tally))
    }

    /// Returns the weeks on which something happened by their Mondays, oldest first.
    pub fn weeks(&self) -> BTreeMap<Date, Tally> {
        let mut weeks: BTreeMap<Date, Tally> = BTreeMap::new();
        for (day, tally) in &self.days {
            let back = i64::from(day.weekday().to_monday_zero_offset());
            let monday = day.checked_sub(back.days()).unwrap_or(*day);
            weeks.entry(monday).or_default().plus(tally);
        }
        weeks
    }

    /// Returns the sums of all.
    pub fn whole(&self) -> Tally {
        let mut whole = Tally::default();
        self.days.values().for_each(|tally| whole.plus(tally));
        whole
    }

    /// Returns the sums of the seven days that end with `today`.
    pub fn last_week(&self, today: Date) -> Tally {
        let mut week = Tally::default();
        let days = self.days.range(week_begins(today)..=today);
        days.for_each(|(_, tally)| week.plus(tally));
        week
    }

    /// Returns failed calls by provider and class.
    pub const fn failures(&self) -> &BTreeMap<(ProviderName, FaultClass), u64> {
        &self.failures
    }

    /// Returns failed calls of one link by class.
    pub fn failures_of(&self, link: &LinkName) -> BTreeMap<FaultClass, u64> {
        let failures = self.link_failures.iter();
        failures
            .filter(|((own, _), _)| own == link)
            .map(|((_, class), count)| (*class, *count))
            .collect()
    }

    /// Returns calls and cost by model.
    pub const fn models(&self) -> &BTreeMap<LinkName, Calls> {
        &self.models
    }

    /// Returns runs and cost by task, by the task's word.
    pub const fn tasks(&self) -> &BTreeMap<&'static str, Calls> {
        &self.tasks
    }

    /// Returns what fallback added and saved.
    pub const fn difference(&self) -> Difference {
        self.difference
    }

    /// Returns first-text times by link; a link without one is not named.
    pub fn first_texts(&self) -> BTreeMap<LinkName, FirstText> {
        let of = |times: &Vec<Duration>| {
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let at = |percent: usize| {
                let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
                sorted.get(place).copied().unwrap_or_default()
            };
            FirstText {
                count: u64::try_from(sorted.len()).unwrap_or(u64::MAX),
                p50: at(50),
                p95: at(95),
            }
        };
        self.times
            .iter()
            .map(|(link, times)| (link.clone(), of(times)))
            .collect()
    }

    /// Returns a sentence when the last week's rate is above the lines.
    pub fn sentence(&self, today: Date) -> Option<String> {
        let week = self.last_week(today);
        let rate = week.rate().filter(|_| week.answered >= ENOUGH)?;
        (rate > LOOK).then(|| {
            format!(
                "{} of the last week's answers came from a backup, above 1 %: the primary's key, \
                 model access or quota is probably wrong.",
                percent(rate)
            )
        })
    }

    /// Proposes to swap primary and backup when the last week was above 2 %.
    pub fn advice(&self, today: Date) -> Option<SwapAdvice> {
        let week = self.last_week(today);
        let rate = week.rate().filter(|_| week.answered >= ENOUGH)?;
        if rate <= SWAP {
            return None;
        }
        let mut pairs: BTreeMap<(&LinkName, &LinkName), u64> = BTreeMap::new();
        for ((day, primary, backup), count) in &self.backups {
            if (week_begins(today)..=today).contains(day) {
                *pairs.entry((primary, backup)).or_default() += count;
            }
        }
        let ((primary, backup), _) = pairs.into_iter().max_by_key(|(_, count)| *count)?;
        Some(SwapAdvice {
            primary: primary.clone(),
            backup: backup.clone(),
            rate,
            week: (week.answered, week.fallback),
        })
    }
}

impl SwapAdvice {
    /// Returns the proposal in words.
    pub fn words(&self) -> String {
        let (answered, fallback) = self.week;
        format!(
            "{fallback} of {answered} answers of the last week ({}) came from a backup, most of \
             them from {} instead of {}. Consider making it the primary.",
            percent(self.rate),
            self.backup,
            self.primary
        )
    }
}

/// Returns the first of the seven days that end with `today`.
pub fn week_begins(today: Date) -> Date {
    today.checked_sub(6.days()).unwrap_or(today)
}

/// Writes hundredths of a percent: `1.67 %`.
pub fn percent(hundredths: u64) -> String {
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}

/// Returns what a month comes to when it goes on as it began; none before anything can be said.
pub fn forecast(spent: Usd, elapsed: Duration, whole: Duration) -> Option<Usd> {
    let (elapsed, whole) = (elapsed.as_secs(), whole.as_secs());
    if elapsed == 0 || elapsed > whole {
        return None;
    }
    let nanos = i128::from(spent.nanos()) * i128::from(whole) / i128::from(elapsed);
    i64::try_from(nanos).ok().map(Usd::from_nanos)
}

/// Tells whether a class counts as a failure of a provider: not the person's own stop, not an
/// answer that was kept.
const fn is_a_failure(class: FaultClass) -> bool {
    !matches!(
        class,
        FaultClass::Cancelled | FaultClass::Truncated | FaultClass::OverCap
    )
}
