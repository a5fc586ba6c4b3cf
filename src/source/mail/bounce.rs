//! Delivery reports (RFC 3464): what was not delivered, to whom, and why.

use mail_parser::{Message, MimeHeaders, PartType};

use crate::{domain::AutoClass, text::clean};

/// A report of ours is of as many as a mail is written to; a longer one is no honest one.
const MOST_RECIPIENTS: usize = 500;
/// What befalls a mail, the worst last.
const BY_WEIGHT: [AutoClass; 4] = [
    AutoClass::Receipt,
    AutoClass::Delayed,
    AutoClass::BounceSoft,
    AutoClass::BounceHard,
];

/// What a delivery report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-ID of the mail it is about.
    pub original_message_id: Option<String>,
    /// What it says of each recipient.
    pub recipients: Vec<Recipient>,
}

/// What a delivery report says of one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// Who did not get it.
    pub address: Option<String>,
    /// To whom it was written, where another server passed it on.
    pub original: Option<String>,
    /// `5.1.1`.
    pub status: Option<String>,
    /// The other server's words.
    pub words: Option<String>,
    /// `failed`, `delayed`, `delivered`.
    pub action: Option<String>,
}

impl Bounce {
    /// Reads a delivery report, if the mail is or holds one.
    pub(super) fn read(message: &Message<'_>) -> Option<Self> {
        let is_status = |subtype: &str| {
            subtype.eq_ignore_ascii_case("delivery-status")
                || subtype.eq_ignore_ascii_case("global-delivery-status")
        };
        let report = message.parts.iter().find(|part| {
            part.content_type()
                .and_then(|kind| kind.subtype())
                .is_some_and(is_status)
        })?;
        Some(Self {
            original_message_id: original_id(message),
            recipients: recipients(&String::from_utf8_lossy(report.contents())),
        })
    }

    /// Returns what the report means for the mail it is about (DOMAIN section 6): the worst that
    /// befell a recipient.
    pub(super) fn class(&self) -> AutoClass {
        let classes = self.recipients.iter().map(Recipient::class);
        classes
            .max_by_key(|class| BY_WEIGHT.iter().position(|one| one == class))
            .unwrap_or(AutoClass::BounceHard)
    }

    /// Returns the recipients that will not get it.
    pub fn failed(&self) -> impl Iterator<Item = &Recipient> {
        let recipients = self.recipients.iter();
        recipients.filter(|one| one.class() == AutoClass::BounceHard)
    }
}

impl Recipient {
    fn class(&self) -> AutoClass {
        let status = self.status.as_deref().unwrap_or_default();
        match self.action.as_deref() {
            Some("delayed") => AutoClass::Delayed,
            Some("delivered" | "relayed" | "expanded") => AutoClass::Receipt,
            // A full mailbox may have room tomorrow.
            _ if status.starts_with("4.") || status == "5.2.2" => AutoClass::BounceSoft,
            _ => AutoClass::BounceHard,
        }
    }
}

/// Reads what stands of each recipient: a block of fields behind an empty line, after the block
/// of the whole mail. Some servers leave the empty lines out.
fn recipients(text: &str) -> Vec<Recipient> {
    let mut all = Vec::new();
    let mut one = Recipient::default();
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                take(&mut all, &mut one);
            }
            continue;
        };
        if all.len() >= MOST_RECIPIENTS {
            break;
        }
        let value = behind_kind(value);
        match name.trim().to_ascii_lowercase().as_str() {
            "final-recipient" => {
                if one.address.is_some() {
                    take(&mut all, &mut one);
                }
                one.address = Some(address(value));
            }
            "original-recipient" => one.original = Some(address(value)),
            "status" => one.status = Some(without_comments(value)),
            "diagnostic-code" => one.words = Some(clean::clean_line(value)),
            "action" => one.action = Some(without_comments(value).to_lowercase()),
            _ => {}
        }
    }
    take(&mut all, &mut one);
    all
}

/// Takes a block that says something, while there is room.
fn take(all: &mut Vec<Recipient>, one: &mut Recipient) {
    let one = std::mem::take(one);
    if one != Recipient::default() && all.len() < MOST_RECIPIENTS {
        all.push(one);
    }
}

/// Returns what stands behind the name of its kind: `smtp; 550 gone; see x` says `550 gone; see x`.
fn behind_kind(value: &str) -> &str {
    let behind = value.split_once(';').and_then(|(kind, rest)| {
        let is_one_word = !kind.trim().contains(char::is_whitespace);
        is_one_word.then_some(rest)
    });
    behind.unwrap_or(value).trim()
}

/// Returns an address as it stands bare: `<maya@x> (Maya)` is `maya@x`.
fn address(value: &str) -> String {
    let bare = without_comments(value);
    let inner = bare
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'));
    match inner {
        Some((inner, _)) => inner.trim().to_owned(),
        None => bare,
    }
}

/// Returns a value without what stands in parentheses.
fn without_comments(value: &str) -> String {
    let mut depth = 0_usize;
    let bare: String = value
        .chars()
        .filter(|c| {
            let was_in = depth > 0;
            match c {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            !was_in && depth == 0
        })
        .collect();
    clean::clean_line(bare.trim())
}

/// Finds the Message-ID of the returned mail, whole or as headers only.
fn original_id(message: &Message<'_>) -> Option<String> {
    message.parts.iter().find_map(|part| {
        if let PartType::Message(returned) = &part.body {
            return returned.message_id().map(str::to_owned);
        }
        let kind = part.content_type().and_then(|kind| kind.subtype())?;
        if !kind.to_ascii_lowercase().contains("rfc822-headers") {
            return None;
        }
        let text = String::from_utf8_lossy(part.contents());
        text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let id = value.trim().trim_matches(['<', '>']);
            (name.eq_ignore_ascii_case("message-id") && !id.is_empty()).then(|| id.to_owned())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::mail::mime::Mime;

    fn read(fields: &str) -> Bounce {
        let mail = format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\
             Content-Type: message/delivery-status\r\n\r\n{}\r\n--b--\r\n",
            fields.replace('\n', "\r\n")
        );
        let mime = Mime::of(mail.as_bytes());
        Bounce::read(&mime.message().unwrap()).unwrap()
    }

    #[test]
    fn the_worst_that_befell_a_recipient_decides() {
        let of = |address: &str, action: &str, status: &str| {
            format!("Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n")
        };
        let (well, full) = (
            of("a@x.test", "delivered", "2.0.0"),
            of("b@x.test", "failed", "5.2.2"),
        );
        let (late, gone) = (
            of("c@x.test", "delayed", "4.4.1"),
            of("d@x.test", "failed", "5.1.1"),
        );
        for (blocks, class, failed) in [
            (vec![&well, &gone], AutoClass::BounceHard, vec!["d@x.test"]),
            (
                vec![&gone, &late, &gone],
                AutoClass::BounceHard,
                vec!["d@x.test"; 2],
            ),
            (vec![&well, &full, &late], AutoClass::BounceSoft, vec![]),
            (vec![&well, &late], AutoClass::Delayed, vec![]),
            (vec![&well], AutoClass::Receipt, vec![]),
        ] {
            for between in ["\n", ""] {
                let blocks: Vec<&str> = blocks.iter().map(|one| one.as_str()).collect();
                let fields = format!("Reporting-MTA: dns; mx.test\n\n{}", blocks.join(between));
                let bounce = read(&fields);

                let found: Vec<&str> = bounce
                    .failed()
                    .filter_map(|one| one.address.as_deref())
                    .collect();
                assert_eq!((bounce.class(), found), (class, failed.clone()), "{fields}");
            }
        }
    }

    #[test]
    fn a_report_of_nothing_but_lines_names_nobody_and_one_of_too_many_is_cut() {
        assert!(recipients(&"\n".repeat(1 << 20)).is_empty());

        let many = "Final-Recipient: rfc822; a@x.test\n\n".repeat(2 * MOST_RECIPIENTS);
        let found = recipients(&many);

        // What grew with the lines, and was cut at the end only, took gigabytes.
        assert_eq!(found.len(), MOST_RECIPIENTS);
        assert!(found.capacity() <= 2 * MOST_RECIPIENTS);
        assert_eq!(recipients(&"\n".repeat(1 << 20)).capacity(), 0);
    }

    #[test]
    fn what_stands_around_a_value_is_no_part_of_it() {
        let found = recipients(
            "Original-Recipient: rfc822;<Maya@x.test>\n\
             Final-Recipient: rfc822; maya@y.test (forwarded)\nAction: Failed (gave up)\n\
             Status: 5.1.1 (bad destination mailbox)\n\
             Diagnostic-Code: smtp; 550 5.1.1 nobody here; see https://y.test\n\n\
             Final-Recipient: <noor@x.test>\nDiagnostic-Code: 550 no such user; sorry\n",
        );

        let text = |text: &str| Some(text.to_owned());
        let maya = Recipient {
            address: text("maya@y.test"),
            original: text("Maya@x.test"),
            status: text("5.1.1"),
            words: text("550 5.1.1 nobody here; see https://y.test"),
            action: text("failed"),
        };
        let noor = Recipient {
            address: text("noor@x.test"),
            words: text("550 no such user; sorry"),
            ..Recipient::default()
        };
        assert_eq!(found, [maya, noor]);
    }
}
