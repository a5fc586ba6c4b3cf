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
                all.push(std::mem::take(&mut one));
            }
            continue;
        };
        let value = || {
            let value = value.rsplit(';').next().unwrap_or(value);
            Some(clean::clean_line(value.trim()))
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "final-recipient" => {
                if one.address.is_some() {
                    all.push(std::mem::take(&mut one));
                }
                one.address = value();
            }
            "original-recipient" => one.original = value(),
            "status" => one.status = value(),
            "diagnostic-code" => one.words = value(),
            "action" => one.action = value().map(|action| action.to_lowercase()),
            _ => {}
        }
    }
    all.push(one);
    all.retain(|one| *one != Recipient::default());
    all.truncate(MOST_RECIPIENTS);
    all
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
}
