//! A provider's words, made fit to be kept and shown: short, on one line, without keys and queries.

use std::time::Duration;

use jiff::{Timestamp, civil::DateTime, fmt::rfc2822, tz::TimeZone};

use super::{url, wire::Headers};
use crate::domain::{Fault, RateLeft};

/// The most characters of a provider's words that are kept.
const SAID_CAP_CHARS: usize = 500;
/// A part of a key that is at least so long is masked.
const KEY_PART_BYTES: usize = 8;

/// Cleans words: no control, invisible or bidi characters, one line, URLs bare, cut to the cap.
pub(super) fn clean(words: &str) -> String {
    if is_plain_word(words) {
        return words.to_owned();
    }
    let visible: String = words
        .chars()
        .take(SAID_CAP_CHARS * 8)
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    let bare: Vec<String> = visible.split_whitespace().map(bare_url).collect();
    bare.join(" ").chars().take(SAID_CAP_CHARS).collect()
}

/// Tells whether there is nothing to clean: most names and ids are one short word.
fn is_plain_word(words: &str) -> bool {
    let is_short = words.len() <= SAID_CAP_CHARS;
    is_short && words.bytes().all(|byte| byte.is_ascii_graphic()) && !words.contains("://")
}

/// Masks every part of `key` of at least eight characters, wherever the fault holds one.
#[must_use]
pub(super) fn without_key(mut fault: Fault, key: &str) -> Fault {
    let texts = [
        &mut fault.said,
        &mut fault.code,
        &mut fault.request,
        &mut fault.parameter,
    ];
    for text in texts.into_iter().flatten() {
        *text = mask(text, key);
    }
    fault
}

/// Returns the value of a header; names are in lower case.
pub(super) fn header<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// Returns the headers, each with its value.
pub(super) fn pairs(headers: &Headers) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Returns the provider's id for a request, from the headers.
pub(super) fn request_id<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<String> {
    let names = [
        "request-id",
        "x-request-id",
        "apim-request-id",
        "x-goog-request-id",
    ];
    let ids = headers.into_iter().filter_map(|(name, id)| {
        let rank = names.iter().position(|own| *own == name)?;
        Some((rank, id))
    });
    let (_, id) = ids.min_by_key(|(rank, _)| *rank)?;
    Some(clean(id).chars().take(120).collect())
}

/// Returns what is left of the rate limit, from the headers that Anthropic, OpenAI and those like
/// it send, each in its own order of words; none where there is no such header.
pub(super) fn rate_left<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Option<RateLeft> {
    let [mut own, mut others] = [RateLeft::default(); 2];
    for (name, value) in headers {
        let (left, field) = if let Some(field) = name.strip_prefix("anthropic-ratelimit-") {
            (&mut own, field)
        } else if let Some(field) = name.strip_prefix("x-ratelimit-") {
            (&mut others, field)
        } else {
            continue;
        };
        let place = match field {
            "requests-remaining" | "remaining-requests" => &mut left.requests,
            "requests-limit" | "limit-requests" => &mut left.requests_limit,
            "tokens-remaining" | "remaining-tokens" => &mut left.tokens,
            "tokens-limit" | "limit-tokens" => &mut left.tokens_limit,
            _ => continue,
        };
        *place = place.or_else(|| value.trim().parse().ok());
    }
    let left = RateLeft {
        requests: own.requests.or(others.requests),
        requests_limit: own.requests_limit.or(others.requests_limit),
        tokens: own.tokens.or(others.tokens),
        tokens_limit: own.tokens_limit.or(others.tokens_limit),
    };
    (!left.is_unknown()).then_some(left)
}

/// Fills in how long the provider asks to wait: from the headers, else from its words.
#[must_use]
pub(super) fn with_wait(mut fault: Fault, headers: &Headers) -> Fault {
    let millis = header(headers, "retry-after-ms").and_then(|text| millis_of(text, "ms"));
    let after = header(headers, "retry-after").map(str::trim);
    let date = after.and_then(http_date);
    let wait = millis
        .or_else(|| after.and_then(|text| millis_of(text, "s")))
        .or_else(|| {
            let now = header(headers, "date").and_then(http_date)?;
            Duration::try_from(date?.duration_since(now)).ok()
        })
        .or(fault.wait)
        .or_else(|| fault.said.as_deref().and_then(wait_in_words));
    fault.wait = wait;
    fault.until = fault
        .until
        .or(date)
        .or_else(|| fault.said.as_deref().and_then(day_in_words));
    fault
}

/// Reads a span such as `34.4s`, `174ms`, `6m0s` or `1h2m3.5s`.
pub(super) fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, more) = tail.split_at(unit_end);
        sum = sum.checked_add(millis_of(number, unit)?)?;
        rest = more;
    }
    (!text.is_empty()).then_some(sum)
}

fn millis_of(number: &str, unit: &str) -> Option<Duration> {
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "ms" => 1,
        "s" | "sec" | "second" | "seconds" => 1_000,
        "m" | "min" | "minute" | "minutes" => 60_000,
        "h" | "hour" | "hours" => 3_600_000,
        "d" | "day" | "days" => 86_400_000,
        _ => return None,
    };
    let (whole, part) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
    let whole: u64 = whole.parse().ok()?;
    let digits: String = part.chars().take(3).collect();
    let part: u64 = format!("{digits:0<3}").parse().ok()?;
    let millis = whole
        .checked_mul(factor)?
        .checked_add(part.checked_mul(factor)?.div_ceil(1_000))?;
    Some(Duration::from_millis(millis))
}

/// Finds "try again in 46s" and "retry in 34.4s" in the text.
fn wait_in_words(said: &str) -> Option<Duration> {
    let lower = said.to_ascii_lowercase();
    let at = ["try again in ", "retry in ", "retry after "]
        .iter()
        .find_map(|phrase| lower.find(phrase).map(|at| at + phrase.len()))?;
    let mut words = lower.get(at..)?.split_whitespace();
    let first = words
        .next()?
        .trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    span(first).or_else(|| {
        let unit = words.next()?;
        millis_of(
            first,
            unit.trim_end_matches(|c: char| !c.is_ascii_alphabetic()),
        )
    })
}

/// Finds "regain access on 2026-12-01 at 00:00 UTC" in the text.
fn day_in_words(said: &str) -> Option<Timestamp> {
    let at = said.find("access on ")? + "access on ".len();
    let text = said.get(at..)?;
    let day = text.get(..10)?;
    let hour = text
        .get(10..)
        .and_then(|rest| rest.strip_prefix(" at "))
        .and_then(|rest| rest.get(..5))
        .unwrap_or("00:00");
    let moment: DateTime = format!("{day}T{hour}:00").parse().ok()?;
    let zoned = moment.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text.replace("GMT", "+0000"))
        .ok()
}

fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn bare_url(word: &str) -> String {
    let Some(at) = word.find("http://").or_else(|| word.find("https://")) else {
        return word.to_owned();
    };
    let (before, rest) = word.split_at(at);
    let end = rest.find(['"', '\'', '>', ')', '`']).unwrap_or(rest.len());
    let (link, after) = rest.split_at(end);
    format!("{before}{}{after}", url::for_people(link))
}

fn mask(text: &str, key: &str) -> String {
    let least = KEY_PART_BYTES.min(key.len());
    if least < 4 {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let shared = longest_part(rest, key);
        if shared >= least {
            out.push_str("***");
            rest = rest.get(shared..).unwrap_or("");
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
    }
    out
}

/// Returns how many bytes at the start of `text` stand in `key` in one piece.
fn longest_part(text: &str, key: &str) -> usize {
    let starts = key.char_indices().map(|(at, _)| at);
    let lengths = starts.filter_map(|at| {
        let part = key.get(at..)?;
        let same = text.chars().zip(part.chars()).take_while(|(a, b)| a == b);
        Some(same.map(|(c, _)| c.len_utf8()).sum())
    });
    lengths.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::FaultClass;

    fn waiting(headers: &[(&str, &str)], said: &str) -> Fault {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        with_wait(Fault::new(FaultClass::RateLimited).saying(said), &headers)
    }

    #[test]
    fn what_is_left_of_a_rate_limit_is_read_where_it_is_said() {
        let said = |headers: &[(&str, &str)]| {
            let own = headers.iter();
            let headers: Headers = own
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            rate_left(pairs(&headers)).map(|left| left.words())
        };

        let anthropic = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-tokens-remaining", "31000"),
        ];
        let words = Some("49 of 50 requests, 31000 tokens".to_owned());
        assert_eq!(said(&anthropic), words);
        let openai = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-limit-tokens", "many"),
        ];
        assert_eq!(said(&openai), Some("0 requests".to_owned()));
        assert_eq!(said(&[("x-request-id", "1")]), None);
    }

    #[test]
    fn every_form_of_waiting_is_read() {
        for (headers, said, seconds) in [
            (vec![("retry-after", "11")], "", 11_000),
            (vec![("retry-after", "1.5")], "", 1_500),
            (
                vec![("retry-after-ms", "250"), ("retry-after", "1")],
                "",
                250,
            ),
            (
                vec![
                    ("date", "Sat, 21 Nov 2026 04:00:00 GMT"),
                    ("retry-after", "Sat, 21 Nov 2026 04:00:30 GMT"),
                ],
                "",
                30_000,
            ),
            (vec![], "Please try again in 46s. Visit us", 46_000),
            (vec![], "Please try again in 174ms.", 174),
            (vec![], "try again in 6m0s", 360_000),
            (vec![], "Please retry in 34.4s.", 34_400),
            (vec![], "Please try again in 2 minutes.", 120_000),
        ] {
            let wait = waiting(&headers, said).wait;
            assert_eq!(wait, Some(Duration::from_millis(seconds)), "{said}");
        }
        assert_eq!(
            waiting(&[("retry-after", "soon")], "try again in a while").wait,
            None
        );
    }

    #[test]
    fn a_named_day_is_read() {
        let fault = waiting(&[], "You will regain access on 2026-12-01 at 00:00 UTC.");
        assert_eq!(fault.until, Some("2026-12-01T00:00:00Z".parse().unwrap()));
        let fault = waiting(&[("retry-after", "Sat, 21 Nov 2026 04:00:30 GMT")], "");
        assert_eq!(fault.until, Some("2026-11-21T04:00:30Z".parse().unwrap()));
    }

    #[test]
    fn words_are_one_clean_short_line() {
        let long = format!(
            "a\u{1b}[31m b\n\u{202e}c see https://u:p@h.example/x?key=1). {}",
            "z".repeat(900)
        );

        let said = clean(&long);

        assert!(
            said.starts_with("a [31m b c see https://h.example/x). zzz"),
            "{said}"
        );
        assert_eq!(said.chars().count(), 500);
    }

    #[test]
    fn no_part_of_a_key_is_left() {
        let key = "sk-test-0123456789abcdef";
        for said in [
            "Incorrect API key provided: sk-test-0123456789abcdef.",
            "Incorrect API key provided: sk-test-.",
            "it ends in 89abcdef, we saw",
        ] {
            let fault = without_key(Fault::new(FaultClass::KeyRefused).saying(said), key);
            let said = fault.said.unwrap();
            assert!(said.contains("***"), "{said}");
            assert!(
                !said.contains("sk-test-") && !said.contains("89abcdef"),
                "{said}"
            );
        }
    }
}
