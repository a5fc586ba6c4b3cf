//! The demo's mail: invented letters as real mail, dated so that they are always recent.

use std::fmt::Write as _;

use jiff::SignedDuration;

use crate::domain::{Priority, Timestamp};

/// A letter's name and what stands in it before it is dated.
const LETTERS: [(&str, &str); 17] = [
    ("refund-1", include_str!("../../assets/demo/refund-1.eml")),
    ("refund-2", include_str!("../../assets/demo/refund-2.eml")),
    (
        "locked-out",
        include_str!("../../assets/demo/locked-out.eml"),
    ),
    (
        "csv-import",
        include_str!("../../assets/demo/csv-import.eml"),
    ),
    ("csv-again", include_str!("../../assets/demo/csv-again.eml")),
    (
        "invoice-vat",
        include_str!("../../assets/demo/invoice-vat.eml"),
    ),
    (
        "plan-change-es",
        include_str!("../../assets/demo/plan-change-es.eml"),
    ),
    (
        "paid-order-gbk",
        include_str!("../../assets/demo/paid-order-gbk.eml"),
    ),
    ("seats-1", include_str!("../../assets/demo/seats-1.eml")),
    ("seats-2", include_str!("../../assets/demo/seats-2.eml")),
    (
        "seats-3-dark-mode",
        include_str!("../../assets/demo/seats-3-dark-mode.eml"),
    ),
    ("injection", include_str!("../../assets/demo/injection.eml")),
    ("parcel-1", include_str!("../../assets/demo/parcel-1.eml")),
    ("parcel-2", include_str!("../../assets/demo/parcel-2.eml")),
    (
        "out-of-office",
        include_str!("../../assets/demo/out-of-office.eml"),
    ),
    ("bounce", include_str!("../../assets/demo/bounce.eml")),
    (
        "long-thread",
        include_str!("../../assets/demo/long-thread.txt"),
    ),
];

/// What the desk knows of a demo ticket beyond its mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) priority: Option<Priority>,
    pub(super) tags: &'static [&'static str],
}

const FACTS: [(&str, Facts); 10] = [
    (
        "Refund not received",
        facts_of(Some(Priority::High), &["billing", "refund"]),
    ),
    (
        "Locked out of the admin console",
        facts_of(Some(Priority::Urgent), &["vip", "sso"]),
    ),
    (
        "CSV import cuts off the last row",
        facts_of(Some(Priority::Normal), &["import"]),
    ),
    (
        "my contact list, one person missing",
        facts_of(None, &["import"]),
    ),
    (
        "Invoice INV-77410 without our VAT number",
        facts_of(Some(Priority::Normal), &["billing"]),
    ),
    (
        "¿Cómo cambio el plan?",
        facts_of(Some(Priority::Normal), &["billing", "es"]),
    ),
    (
        "订单已付款，但状态仍是未付款",
        facts_of(Some(Priority::High), &["billing", "zh"]),
    ),
    (
        "Webhook deliveries arrive twice",
        facts_of(Some(Priority::High), &["api"]),
    ),
    (
        "5 more seats for our team",
        facts_of(Some(Priority::Low), &["feature"]),
    ),
    (
        "Parcel PK-40917 has not arrived",
        facts_of(Some(Priority::Normal), &["shipping"]),
    ),
];

const fn facts_of(priority: Option<Priority>, tags: &'static [&'static str]) -> Facts {
    Facts { priority, tags }
}

/// Returns what the desk knows of the ticket with this subject.
pub(super) fn facts(subject: &str) -> Option<Facts> {
    FACTS
        .iter()
        .find(|(known, _)| *known == subject)
        .map(|(_, facts)| *facts)
}

/// Returns the letters, with a name each, dated backwards from `now`.
pub(super) fn letters(now: Timestamp) -> Vec<(String, Vec<u8>)> {
    let (threads, single): (Vec<_>, Vec<_>) = LETTERS
        .into_iter()
        .partition(|(name, _)| *name == "long-thread");
    let single = single
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.to_owned()));
    let thread = threads
        .into_iter()
        .flat_map(|(name, texts)| long_thread(name, texts));
    single
        .chain(thread)
        .map(|(name, text)| (format!("{name}.eml"), mail(&dated(&text, now))))
        .collect()
}

/// How many messages the long thread has.
const THREAD_LENGTH: usize = 40;
/// When its last one came, and how long it is between two.
const THREAD_LAST_HOURS: usize = 5;
const THREAD_STEP_HOURS: usize = 7;

/// Makes a long thread of a file of paragraphs: the writers take turns, each message answers the
/// one before. The customer has the last word.
fn long_thread(name: &str, texts: &str) -> Vec<(String, String)> {
    let texts = texts.replace("\r\n", "\n");
    let paragraphs: Vec<&str> = texts.trim().split("\n\n").collect();
    let mut references = String::new();
    let mut letters = Vec::new();
    for (no, text) in (1..=THREAD_LENGTH).zip(paragraphs) {
        let (from, to, domain) = if no % 2 == 1 || no == THREAD_LENGTH {
            (
                "Ravi Haldor <ravi@haldor.example>",
                "help@acme.example",
                "haldor.example",
            )
        } else {
            (
                "Acme Support <help@acme.example>",
                "ravi@haldor.example",
                "acme.example",
            )
        };
        let prefix = if no == 1 { "" } else { "Re: " };
        let hours = THREAD_LAST_HOURS + (THREAD_LENGTH - no) * THREAD_STEP_HOURS;
        let id = format!("<webhook.{no}@{domain}>");
        letters.push((
            format!("{name}-{no}"),
            format!(
                "From: {from}\nTo: {to}\nSubject: {prefix}Webhook deliveries arrive twice\nDate: \
                 {{{{ago {hours}h}}}}\nMessage-ID: {id}\n{references}MIME-Version: \
                 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: \
                 8bit\n\n{text}\n"
            ),
        ));
        references = format!("In-Reply-To: {id}\nReferences: {id}\n");
    }
    letters
}

/// Puts dates where a text says `{{ago 2d 3h}}` (a mail's date) or `{{day 9d}}` (a day in words).
fn dated(text: &str, now: Timestamp) -> String {
    let mut dated = String::new();
    let mut rest = text;
    while let Some((before, (place, after))) = rest
        .split_once("{{")
        .and_then(|(before, behind)| Some((before, behind.split_once("}}")?)))
    {
        dated.push_str(before);
        let (kind, ago) = place.split_once(' ').unwrap_or((place, ""));
        let when = now.checked_sub(span(ago)).unwrap_or(now);
        let format = if kind == "day" {
            "%-d %B"
        } else {
            "%a, %d %b %Y %H:%M:%S +0000"
        };
        // Writing to a `String` cannot fail, and both formats are good.
        if write!(dated, "{}", when.strftime(format)).is_err() {
            dated.push_str(place);
        }
        rest = after;
    }
    dated + rest
}

/// Reads `2d 3h 5m`.
fn span(text: &str) -> SignedDuration {
    text.split_whitespace()
        .filter_map(|word| {
            let number: i64 = word.get(..word.len().checked_sub(1)?)?.parse().ok()?;
            match word.chars().last()? {
                'd' => Some(SignedDuration::from_hours(number.checked_mul(24)?)),
                'h' => Some(SignedDuration::from_hours(number)),
                'm' => Some(SignedDuration::from_mins(number)),
                _ => None,
            }
        })
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
}

/// Gives the lines the ends mail has.
fn mail(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders as _};

    use super::*;

    fn now() -> Timestamp {
        "2026-11-21T05:00:00Z".parse().unwrap()
    }

    /// Subject, seconds since 1970, text and name of the writer of every letter.
    fn read() -> Vec<(String, i64, String, String)> {
        letters(now())
            .iter()
            .map(|(name, bytes)| {
                let mail = MessageParser::default().parse(bytes).unwrap();
                (
                    mail.subject().unwrap_or(name).to_owned(),
                    mail.date().unwrap().to_timestamp(),
                    mail.body_text(0).unwrap().into_owned(),
                    mail.from()
                        .unwrap()
                        .first()
                        .unwrap()
                        .name()
                        .unwrap()
                        .to_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn no_placeholder_is_left_and_nothing_lies_ahead() {
        for (name, bytes) in letters(now()) {
            let text = String::from_utf8(bytes).unwrap();
            assert!(!text.contains("{{"), "{name}: {text}");
        }
        for (subject, sent, ..) in read() {
            let age = now().as_second() - sent;
            assert!((0..62 * 86_400).contains(&age), "{subject}: {age}");
        }
    }

    #[test]
    fn the_tour_begins_with_the_newest_and_goes_down_by_date() {
        let mut all = read();
        all.sort_by_key(|(_, sent, ..)| std::cmp::Reverse(*sent));
        let subjects: Vec<&str> = all.iter().map(|(subject, ..)| subject.as_str()).collect();

        assert_eq!(
            subjects[..6],
            [
                "Re: Refund not received",
                "Locked out of the admin console",
                "CSV import cuts off the last row",
                "Invoice INV-77410 without our VAT number",
                "¿Cómo cambio el plan?",
                "订单已付款，但状态仍是未付款",
            ]
        );
    }

    #[test]
    fn the_letters_are_what_they_are_said_to_be() {
        let letters = letters(now());
        let named = |name: &str| {
            let found = letters.iter().find(|(known, _)| known == name);
            MessageParser::default().parse(&found.unwrap().1).unwrap()
        };

        assert_eq!(letters.len(), 16 + THREAD_LENGTH);
        let html = named("locked-out.eml");
        assert!(html.content_type().unwrap().subtype() == Some("html") && html.parts.len() == 1);
        assert_eq!(named("csv-import.eml").attachment_count(), 1);
        let report = named("bounce.eml");
        assert!(report.content_type().unwrap().subtype() == Some("report"));
        assert!(
            named("paid-order-gbk.eml")
                .body_text(0)
                .unwrap()
                .contains("银行卡")
        );
        assert_eq!(
            named("parcel-1.eml").body_text(0),
            named("parcel-2.eml").body_text(0)
        );
        assert_ne!(
            named("parcel-1.eml").message_id(),
            named("parcel-2.eml").message_id()
        );
        assert_eq!(
            named("seats-3-dark-mode.eml").in_reply_to().as_text(),
            named("seats-2.eml").message_id()
        );
        assert_eq!(
            named("long-thread-40.eml").in_reply_to().as_text(),
            named("long-thread-39.eml").message_id()
        );
    }

    #[test]
    fn facts_are_told_of_tickets_that_exist() {
        let all = read();
        for (subject, _) in FACTS {
            assert!(all.iter().any(|(known, ..)| known == subject), "{subject}");
        }
        assert!(
            facts("Refund not received")
                .unwrap()
                .tags
                .contains(&"refund")
        );
        assert_eq!(facts("Something else"), None);
    }

    #[test]
    fn every_ticket_gets_a_fitting_reply_of_its_own() {
        let fitting = [
            ("Re: Refund not received", "refund"),
            ("Locked out of the admin console", "sign-in"),
            ("CSV import cuts off the last row", "last row"),
            ("Invoice INV-77410 without our VAT number", "VAT number"),
            ("¿Cómo cambio el plan?", "plan nuevo"),
            ("订单已付款，但状态仍是未付款", "付款"),
            ("Re: Webhook deliveries arrive twice", "429"),
            ("Dark mode for the calendar?", "the idea"),
            ("Parcel PK-40917 has not arrived", "parcel"),
        ];
        let mut all = read();
        all.sort_by_key(|(_, sent, ..)| *sent);
        let mut replies = Vec::new();
        for (subject, word) in fitting {
            let newest = all.iter().rfind(|(known, ..)| known == subject);
            let (_, _, text, name) = newest.unwrap();
            let mail = format!(
                "=== qx ticket #1\nSubject: {subject}\n=== qx message 1 of 1, from the customer, \
                 today\nName: {name}\n{text}\n=== qx end of the ticket\n"
            );
            let reply = crate::sim::reply(&["You write replies.".to_owned(), mail]);
            assert!(reply.contains(word), "{subject}: {reply}");
            assert!(!reply.contains('{'), "{subject}: {reply}");
            replies.push(reply);
        }
        let count = replies.len();
        replies.sort();
        replies.dedup();
        assert_eq!(replies.len(), count);
    }
}
