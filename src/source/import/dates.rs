//! Dates as tables write them. One that could be two days is none, unless it is known which number
//! comes first.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    fmt::rfc2822,
    tz::TimeZone,
};

use crate::domain::DayOrder;

/// Forms without a zone; they are taken for UTC. None leaves open which number is the month.
const FORMS: [&str; 12] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %b %Y %H:%M",
    "%b %d, %Y %H:%M",
    "%Y%m%dT%H%M%S",
];

/// The same without a time of day.
const DAYS: [&str; 4] = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d %b %Y"];

/// Seconds since 1970 before this are no date but a number.
const FIRST_EPOCH: i64 = 100_000_000;
/// Larger ones are milliseconds.
const LAST_EPOCH: i64 = 100_000_000_000;

/// Times of day behind a date with slashes.
const TIMES: [&str; 6] = [
    "%H:%M:%S",
    "%H:%M",
    "%I:%M:%S %p",
    "%I:%M %p",
    "%I:%M:%S%p",
    "%I:%M%p",
];

/// A date such as `01/02/2024`: two numbers of which one is the day, and the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slashed {
    first: i8,
    second: i8,
    year: i16,
    time: Time,
}

impl Slashed {
    /// Reads `1/2/2024`, `01-02-2024` or `1/2/24`, with or without a time of day.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (days, rest) = match text.find([' ', 'T', ',']) {
            Some(end) => text.split_at(end),
            None => (text, ""),
        };
        let sign = if days.contains('/') { '/' } else { '-' };
        let parts: Vec<&str> = days.split(sign).collect();
        let [first, second, year] = *parts.as_slice() else {
            return None;
        };
        let is_short = |part: &str| matches!(part.len(), 1 | 2);
        let is_year = year.len() == 4 || (year.len() == 2 && sign == '/');
        let is_number = parts.concat().bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || !is_short(first) || !is_short(second) || !is_year {
            return None;
        }
        let (first, second) = (first.parse().ok()?, second.parse().ok()?);
        let is_two_digits = year.len() == 2;
        let year = year.parse::<i16>().ok()?;
        // As POSIX has it for `%y`: 69 to 99 are of the last century.
        let century = match year {
            _ if !is_two_digits => 0,
            69.. => 1_900,
            _ => 2_000,
        };
        let year = year.checked_add(century)?;
        let time = time(rest.trim_start_matches([' ', 'T', ',']))?;
        let may_be = |day: i8, month: i8| Date::new(year, month, day).is_ok();
        (may_be(first, second) || may_be(second, first)).then_some(Self {
            first,
            second,
            year,
            time,
        })
    }

    /// Returns which number is the day, where only one can be.
    pub(super) fn order(self) -> Option<DayOrder> {
        if self.first > 12 {
            Some(DayOrder::DayFirst)
        } else if self.second > 12 {
            Some(DayOrder::MonthFirst)
        } else {
            None
        }
    }

    /// Tells whether it could be two days.
    pub(super) fn is_two_days(self) -> bool {
        self.order().is_none() && self.first != self.second
    }

    fn at(self, said: Option<DayOrder>) -> Option<Timestamp> {
        let same = (self.first == self.second).then_some(DayOrder::DayFirst);
        let (day, month) = match self.order().or(said).or(same)? {
            DayOrder::DayFirst => (self.first, self.second),
            DayOrder::MonthFirst => (self.second, self.first),
        };
        in_utc(
            Date::new(self.year, month, day)
                .ok()?
                .to_datetime(self.time),
        )
    }
}

fn time(text: &str) -> Option<Time> {
    let text = text.trim().trim_end_matches("UTC").trim_end();
    if text.is_empty() {
        return Some(Time::midnight());
    }
    TIMES
        .into_iter()
        .find_map(|form| Time::strptime(form, text).ok())
}

/// Tells whether a text is a date, whichever number may be the day.
pub(super) fn is_date(text: &str) -> bool {
    date(text, None).is_some() || Slashed::read(text).is_some()
}

/// Reads a date; `days` says which number is the day where both could be.
pub(super) fn date(text: &str, days: Option<DayOrder>) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(number) = text.parse::<i64>() {
        return epoch(number);
    }
    for form in ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S%:z"] {
        if let Ok(at) = Timestamp::strptime(form, text) {
            return Some(at);
        }
    }
    // Zendesk and Rails write `2024-07-18 22:13:24 UTC`.
    let bare = text.strip_suffix(" UTC").unwrap_or(text);
    // `01/02/24` begins with no year.
    let has_year = bare.bytes().take_while(u8::is_ascii_digit).count() >= 4;
    let fits = |form: &&str| has_year || !form.starts_with("%Y");
    for form in FORMS.into_iter().filter(fits) {
        if let Ok(at) = DateTime::strptime(form, bare) {
            return in_utc(at);
        }
    }
    for form in DAYS.into_iter().filter(fits) {
        if let Ok(day) = Date::strptime(form, bare) {
            return in_utc(day.to_datetime(Time::midnight()));
        }
    }
    if let Some(slashed) = Slashed::read(text) {
        return slashed.at(days);
    }
    rfc2822::parse(text).ok().map(|at| at.timestamp())
}

/// Reads seconds since 1970, or milliseconds.
pub(super) fn epoch(number: i64) -> Option<Timestamp> {
    if (FIRST_EPOCH..LAST_EPOCH).contains(&number) {
        Timestamp::from_second(number).ok()
    } else if (LAST_EPOCH..LAST_EPOCH * 1_000).contains(&number) {
        Timestamp::from_millisecond(number).ok()
    } else {
        None
    }
}

fn in_utc(at: DateTime) -> Option<Timestamp> {
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_many_tables_are_read() {
        let noon = "2024-07-18T12:30:00Z".parse().ok();
        let midnight = "2024-07-18T00:00:00Z".parse().ok();
        for (text, expected) in [
            ("2024-07-18T12:30:00Z", noon),
            ("2024-07-18T14:30:00+02:00", noon),
            ("2024-07-18 12:30:00 UTC", noon),
            ("2024-07-18 14:30:00 +0200", noon),
            ("2024-07-18 12:30", noon),
            ("18.07.2024 12:30", noon),
            ("18 Jul 2024 12:30:00", noon),
            ("Thu, 18 Jul 2024 12:30:00 +0000", noon),
            ("1721305800", noon),
            ("1721305800000", noon),
            ("2024-07-18", midnight),
            ("18.07.2024", midnight),
            ("07/08/2024", None),
            ("not-a-date", None),
            ("2026-13-45T99:00:00Z", None),
            ("7", None),
        ] {
            assert_eq!(date(text, None), expected, "{text}");
        }
    }

    #[test]
    fn which_number_is_the_day_is_known_or_said() {
        let (day, month) = (Some(DayOrder::DayFirst), Some(DayOrder::MonthFirst));
        let at = |text: &str| text.parse().ok();
        for (text, said, expected) in [
            ("07/08/2024", day, at("2024-08-07T00:00:00Z")),
            ("07/08/2024", month, at("2024-07-08T00:00:00Z")),
            ("07/08/24", None, None),
            ("7/8/24 1:05 PM", month, at("2024-07-08T13:05:00Z")),
            ("07-08-2024 13:05", day, at("2024-08-07T13:05:00Z")),
            ("18/07/2024", None, at("2024-07-18T00:00:00Z")),
            ("18/07/99", None, at("1999-07-18T00:00:00Z")),
            ("07/18/2024, 12:30", None, at("2024-07-18T12:30:00Z")),
            // What can be one day only is that day, whatever is said of others.
            ("18/07/2024", month, at("2024-07-18T00:00:00Z")),
            ("07/07/2024", None, at("2024-07-07T00:00:00Z")),
            ("31/31/2024", day, None),
            ("00/07/2024", day, None),
            ("1/2", day, None),
            ("1/2/2024/5", day, None),
            ("07/08/2024 25:00", day, None),
            ("10-11-12", day, None),
        ] {
            assert_eq!(date(text, said), expected, "{text} {said:?}");
        }
        assert!(is_date("07/08/2024") && !is_date("31/31/2024") && !is_date("7/8"));
    }
}
