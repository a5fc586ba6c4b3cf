//! The figures as rows: a name, a bar, the number, and the query that means its receipts.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};

use super::super::{paint::safe, words};
use crate::{
    desk::face::OverviewView,
    domain::{LinkName, Timestamp, Usd},
    engine::figures::{Calls, FirstText, LOOK, SWAP, Tally, percent},
};

/// A rate's bar reaches at least so far, in hundredths of a percent: both lines are in sight.
const RATE_AT_LEAST: u64 = 400;

/// One row of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// The name of a part, and what its bars measure.
    Head(&'static str, String),
    /// A bar.
    Bar(Bar),
    /// A remark without a bar.
    Note(String),
    /// Nothing.
    Blank,
}

/// A bar with its name and its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) length: Length,
    pub(super) figure: String,
    /// What the feed is filtered to.
    pub(super) query: String,
}

/// How long a bar is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// A share of the longest.
    Of { value: u64, longest: u64 },
    /// A rate in hundredths of a percent, and the two lines.
    Rate { rate: u64, longest: u64 },
    /// The middle and the slow end of times in milliseconds.
    Span { p50: u64, p95: u64, longest: u64 },
}

impl Length {
    /// Draws the bar in so many cells. What is not nothing is never drawn as nothing.
    pub(super) fn drawn(self, cells: usize) -> String {
        let at = |value: u64, longest: u64| share(value, longest, cells);
        let mut bar: Vec<char> = vec![' '; cells];
        let mut fill = |from: usize, to: usize, c: char| {
            for cell in bar.iter_mut().take(to).skip(from) {
                *cell = c;
            }
        };
        match self {
            Self::Of { value, longest } => fill(0, at(value, longest), '█'),
            Self::Rate { rate, longest } => {
                let reaches = at(rate, longest);
                fill(0, reaches, '█');
                for line in [LOOK, SWAP] {
                    let place = at(line, longest);
                    let sign = if place <= reaches { '▒' } else { '┆' };
                    fill(place.saturating_sub(1), place, sign);
                }
            }
            Self::Span { p50, p95, longest } => {
                fill(0, at(p95, longest), '░');
                fill(0, at(p50, longest), '█');
            }
        }
        bar.into_iter().collect()
    }
}

/// Returns the cells of a value where the longest has all of them; at least one unless it is 0.
fn share(value: u64, longest: u64, cells: usize) -> usize {
    if value == 0 || longest == 0 || cells == 0 {
        return 0;
    }
    let all = u128::try_from(cells).unwrap_or(u128::MAX);
    let part = u128::from(value).saturating_mul(all) / u128::from(longest);
    usize::try_from(part).unwrap_or(cells).clamp(1, cells)
}

/// Returns all rows. Days are those of `zone`.
pub(super) fn rows(view: &OverviewView, by_week: bool, zone: &TimeZone) -> Vec<Row> {
    let since = format!("since:{}", view.since);
    let mut rows = fallback(view, by_week, zone);
    rows.extend(failures(view, &since));
    rows.extend(spend_by_day(view, zone));
    let models = view.figures.models().iter();
    rows.extend(spend(
        "SPEND BY MODEL",
        models.map(|(link, of)| (safe(&link.to_string()), of, format!("link:{link} {since}"))),
    ));
    let tasks = view.figures.tasks().iter();
    rows.extend(spend(
        "SPEND BY TASK",
        tasks.map(|(task, of)| {
            let name = task.replace('_', " ");
            (name, of, format!("task:{task} {since}"))
        }),
    ));
    rows.extend(first_texts(view, &since));
    rows
}

/// The rate of answers by a backup, the newest day or week on top.
fn fallback(view: &OverviewView, by_week: bool, zone: &TimeZone) -> Vec<Row> {
    let spans: Vec<(Date, Date, Tally)> = if by_week {
        let weeks = view.figures.weeks();
        let ends = |monday: Date| monday.checked_add(7.days()).unwrap_or(monday);
        weeks
            .iter()
            .rev()
            .map(|(at, of)| (*at, ends(*at), *of))
            .collect()
    } else {
        every_day(view)
    };
    let rates = spans.iter().filter_map(|(_, _, of)| of.rate());
    let longest = rates.max().unwrap_or(0).max(RATE_AT_LEAST);
    let what = "answers by a backup; ┆ 1 % and 2 %".to_owned();
    let head = if by_week {
        "FALLBACK BY WEEK"
    } else {
        "FALLBACK BY DAY"
    };
    let mut rows = vec![Row::Head(head, what)];
    for (begins, ends, of) in spans {
        let name = if by_week {
            begins.strftime("week of %-d %b").to_string()
        } else {
            day(begins)
        };
        let Some(rate) = of.rate() else {
            let why = if of.asked == 0 {
                "no drafts"
            } else {
                "nothing answered"
            };
            rows.push(Row::Note(format!("{name:<16}{why}")));
            continue;
        };
        rows.push(Row::Bar(Bar {
            name,
            length: Length::Rate { rate, longest },
            figure: format!("{:>8}  {} of {}", percent(rate), of.fallback, of.answered),
            query: format!("task:reply is:fallback {}", within(begins, ends, zone)),
        }));
    }
    rows.push(Row::Blank);
    rows
}

/// Every day from the first with a receipt to today, the newest first; one on which nothing
/// happened has a tally of nothing.
fn every_day(view: &OverviewView) -> Vec<(Date, Date, Tally)> {
    let days: std::collections::BTreeMap<Date, Tally> =
        view.figures.days().map(|(day, of)| (day, *of)).collect();
    let Some(first) = days.keys().next().copied() else {
        return Vec::new();
    };
    let last = days.keys().next_back().copied().unwrap_or(first);
    let mut all = Vec::new();
    let mut day = last.max(view.today);
    while day >= first {
        let next = day.tomorrow().unwrap_or(day);
        all.push((day, next, days.get(&day).copied().unwrap_or_default()));
        match day.yesterday() {
            Ok(before) => day = before,
            Err(_) => break,
        }
    }
    all
}

fn failures(view: &OverviewView, since: &str) -> Vec<Row> {
    let mut found: Vec<_> = view.figures.failures().iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let longest = found.first().map_or(0, |(_, count)| **count);
    let mut rows = vec![Row::Head(
        "FAILED CALLS",
        "by provider and class".to_owned(),
    )];
    if found.is_empty() {
        rows.push(Row::Note("No call failed.".to_owned()));
    }
    for ((provider, class), count) in found {
        rows.push(Row::Bar(Bar {
            name: format!("{} {}", safe(&provider.0), class.words()),
            length: Length::Of {
                value: *count,
                longest,
            },
            figure: format!("{count:>8}"),
            query: format!("provider:{provider} class:{} {since}", class.word()),
        }));
    }
    rows.push(Row::Blank);
    rows
}

fn spend_by_day(view: &OverviewView, zone: &TimeZone) -> Vec<Row> {
    let days = every_day(view);
    let longest = days.iter().map(|(_, _, of)| nanos(of.cost.amount())).max();
    let mut rows = vec![Row::Head("SPEND BY DAY", "all AI work".to_owned())];
    for (begins, ends, of) in days {
        rows.push(Row::Bar(Bar {
            name: day(begins),
            length: Length::Of {
                value: nanos(of.cost.amount()),
                longest: longest.unwrap_or(0),
            },
            figure: format!("{:>9}", of.cost.for_people()),
            query: within(begins, ends, zone),
        }));
    }
    rows.push(Row::Blank);
    rows
}

fn spend<'a>(
    head: &'static str,
    parts: impl Iterator<Item = (String, &'a Calls, String)>,
) -> Vec<Row> {
    let mut parts: Vec<_> = parts.collect();
    parts.sort_by_key(|(_, of, _)| std::cmp::Reverse(of.cost.amount()));
    let longest = parts
        .first()
        .map_or(0, |(_, of, _)| nanos(of.cost.amount()));
    let mut rows = vec![Row::Head(head, String::new())];
    for (name, of, query) in parts {
        let count = usize::try_from(of.calls).unwrap_or(usize::MAX);
        rows.push(Row::Bar(Bar {
            name,
            length: Length::Of {
                value: nanos(of.cost.amount()),
                longest,
            },
            figure: format!(
                "{:>9}  {}",
                of.cost.for_people(),
                words::count(count, "call")
            ),
            query,
        }));
    }
    rows.push(Row::Blank);
    rows
}

fn first_texts(view: &OverviewView, since: &str) -> Vec<Row> {
    let texts = view.figures.first_texts();
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let longest = texts.values().map(|of| millis(of.p95)).max().unwrap_or(0);
    let what = "█ half were faster, ░ 19 of 20 were".to_owned();
    let mut rows = vec![Row::Head("FIRST WORDS", what)];
    let one = |(link, of): (&LinkName, &FirstText)| {
        Row::Bar(Bar {
            name: safe(&link.to_string()),
            length: Length::Span {
                p50: millis(of.p50),
                p95: millis(of.p95),
                longest,
            },
            figure: format!(
                "{:>8} {:>8}  of {}",
                words::seconds(of.p50),
                words::seconds(of.p95),
                of.count
            ),
            query: format!("link:{link} {since}"),
        })
    };
    rows.extend(texts.iter().map(one));
    if texts.is_empty() {
        rows.push(Row::Note("No answer yet.".to_owned()));
    }
    rows
}

fn day(date: Date) -> String {
    date.strftime("%a %-d %b").to_string()
}

/// Returns the terms for what began from one day until another.
fn within(begins: Date, ends: Date, zone: &TimeZone) -> String {
    let at = |date: Date| -> Option<Timestamp> {
        let zoned = date.to_zoned(zone.clone()).ok()?;
        Some(zoned.timestamp())
    };
    match (at(begins), at(ends)) {
        (Some(from), Some(to)) => format!("since:{from} until:{to}"),
        _ => format!("since:{begins} until:{ends}"),
    }
}

fn nanos(usd: Usd) -> u64 {
    u64::try_from(usd.nanos()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(bar: &str) -> usize {
        bar.chars().filter(|c| *c == '█').count()
    }

    #[test]
    fn the_lines_stand_at_one_and_two_percent() {
        let drawn = |rate| {
            Length::Rate {
                rate,
                longest: RATE_AT_LEAST,
            }
            .drawn(20)
        };

        assert_eq!(drawn(0), "    ┆    ┆          ");
        assert_eq!(drawn(150), "████▒██  ┆          ");
        assert_eq!(drawn(400), "████▒████▒██████████");
    }

    #[test]
    fn times_are_drawn_one_over_the_other() {
        let span = Length::Span {
            p50: 500,
            p95: 1_500,
            longest: 2_000,
        };

        assert_eq!(span.drawn(8), "██░░░░  ");
    }

    proptest! {
        #[test]
        fn the_longest_fills_and_something_is_never_nothing(
            value in 0_u64..=u64::MAX,
            longest in 1_u64..=u64::MAX,
            cells in 1_usize..200,
        ) {
            let value = value.min(longest);
            let bar = Length::Of { value, longest }.drawn(cells);

            prop_assert_eq!(bar.chars().count(), cells);
            prop_assert_eq!(filled(&bar) == 0, value == 0);
            let whole = Length::Of { value: longest, longest }.drawn(cells);
            prop_assert_eq!(filled(&whole), cells);
        }
    }
}
