//! Small words the screen says often: ages, days, amounts, counts.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::domain::{Cost, DraftOrigin, DraftState, Priority, Timestamp, queue::DraftMark};

/// Returns how long ago something was, in at most four letters: `now`, `12m`, `3h`, `2d`, `5w`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => "now".to_owned(),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..1_209_600 => format!("{}d", seconds / 86_400),
        1_209_600..31_536_000 => format!("{}w", seconds / 604_800),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// Returns when something was, as people say it: `today 08:51`, `Mon 09:12`, `12 Nov 2026`.
pub fn moment(then: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let at = then.to_zoned(zone.clone());
    let today = now.to_zoned(zone.clone()).date();
    let days = (today - at.date()).get_days();
    match days {
        0 => at.strftime("today %H:%M").to_string(),
        1..=6 => at.strftime("%a %H:%M").to_string(),
        _ if at.date().year() == today.year() => at.strftime("%-d %b %H:%M").to_string(),
        _ => at.strftime("%-d %b %Y").to_string(),
    }
}

/// Returns a duration as the receipt says it: `0.38 s`, `12.4 s`, `3 min`.
pub fn seconds(took: Duration) -> String {
    let millis = took.as_millis();
    match millis {
        0..10_000 => format!("{}.{:02} s", millis / 1_000, millis % 1_000 / 10),
        10_000..120_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min", millis / 60_000),
    }
}

/// Returns a cost with a sign that says which way it goes: `+$0.0011`, `−$0.0034`.
pub fn difference(cost: Cost, instead_of: crate::domain::Usd) -> String {
    let delta = cost.amount().minus(instead_of);
    let mark = if cost.is_at_most() { "~" } else { "" };
    if delta.nanos() < 0 {
        format!(
            "{mark}−{}",
            crate::domain::Usd::ZERO.minus(delta).for_people()
        )
    } else {
        format!("{mark}+{}", delta.for_people())
    }
}

/// Returns a subject fit for one line, or that there is none.
pub fn subject(subject: &str) -> String {
    let shown = super::paint::safe(subject);
    if shown.trim().is_empty() {
        "(no subject)".to_owned()
    } else {
        shown
    }
}

/// Returns the sign of a priority, two cells wide.
pub const fn priority_sign(priority: Option<Priority>) -> &'static str {
    match priority {
        Some(Priority::Urgent) => "!!",
        Some(Priority::High) => "! ",
        Some(Priority::Normal) | None => "  ",
        Some(Priority::Low) => "v ",
    }
}

/// Returns what the queue says of a draft: `ai`, `~ai` when a backup wrote it, `you`, `stale`.
pub fn draft_word(mark: &DraftMark) -> String {
    let tilde = if mark.is_fallback { "~" } else { "" };
    match mark.state {
        DraftState::Writing => "writing".to_owned(),
        DraftState::Stale => format!("{tilde}stale"),
        DraftState::Discarded => String::new(),
        DraftState::Ready => match mark.origin {
            DraftOrigin::Ai => format!("{tilde}ai"),
            DraftOrigin::Mixed => format!("{tilde}ai+you"),
            DraftOrigin::Human => "you".to_owned(),
        },
    }
}

/// Returns a size for people: `84K`.
pub fn size(bytes: i64) -> String {
    match bytes {
        ..1_024 => format!("{bytes}B"),
        1_024..1_048_576 => format!("{}K", bytes / 1_024),
        _ => format!("{}M", bytes / 1_048_576),
    }
}

/// Returns a count with its noun: `1 line`, `14 lines`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_short() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        for (then, said) in [
            ("2026-11-20T11:59:30Z", "now"),
            ("2026-11-20T11:48:00Z", "12m"),
            ("2026-11-20T09:00:00Z", "3h"),
            ("2026-11-18T12:00:00Z", "2d"),
            ("2026-10-10T12:00:00Z", "5w"),
            ("2021-10-10T12:00:00Z", "5y"),
            ("2027-01-01T00:00:00Z", "now"),
        ] {
            assert_eq!(age(then.parse().unwrap(), now), said);
        }
    }

    #[test]
    fn a_moment_names_the_day_as_far_as_needed() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let said = |then: &str| moment(then.parse().unwrap(), now, &TimeZone::UTC);

        assert_eq!(said("2026-11-20T08:51:00Z"), "today 08:51");
        assert_eq!(said("2026-11-16T09:12:00Z"), "Mon 09:12");
        assert_eq!(said("2026-10-01T09:12:00Z"), "1 Oct 09:12");
        assert_eq!(said("2024-02-01T09:12:00Z"), "1 Feb 2024");
    }
}
