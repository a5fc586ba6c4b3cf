//! Dates as tables write them. One that could be two days is none.

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

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

/// Reads a date.
pub(super) fn date(text: &str) -> Option<Timestamp> {
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
    for form in FORMS {
        if let Ok(at) = DateTime::strptime(form, bare) {
            return in_utc(at);
        }
    }
    for form in DAYS {
        if let Ok(day) = jiff::civil::Date::strptime(form, bare) {
            return in_utc(day.to_datetime(jiff::civil::Time::midnight()));
        }
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
            assert_eq!(date(text), expected, "{text}");
        }
    }
}
