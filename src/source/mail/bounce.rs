//! Delivery reports (RFC 3464): what was not delivered, to whom, and why.

use mail_parser::{Message, MimeHeaders, PartType};

use crate::{domain::AutoClass, text::clean};

/// What a delivery report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounce {
    /// The Message-ID of the mail it is about.
    pub original_message_id: Option<String>,
    /// Who did not get it.
    pub recipient: Option<String>,
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
        let text = String::from_utf8_lossy(report.contents());
        let field = |name: &str| {
            text.lines().find_map(|line| {
                let (found, value) = line.split_once(':')?;
                let value = value.rsplit(';').next().unwrap_or(value);
                found
                    .trim()
                    .eq_ignore_ascii_case(name)
                    .then(|| clean::clean_line(value.trim()))
            })
        };
        Some(Self {
            original_message_id: original_id(message),
            recipient: field("Final-Recipient").or_else(|| field("Original-Recipient")),
            status: field("Status"),
            words: field("Diagnostic-Code"),
            action: field("Action").map(|action| action.to_lowercase()),
        })
    }

    /// Returns what the report means for the mail it is about (DOMAIN section 6).
    pub(super) fn class(&self) -> AutoClass {
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
