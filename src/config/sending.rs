//! How replies leave: what `[accounts.NAME]` says of it, and `[outbox]`.

use std::time::Duration;

use super::{
    reader::{Reader, Section, Span, quoted},
    settings::OutboxConfig,
};
use crate::domain::MailServer;

/// The settings of an account that are about leaving mail.
pub(super) const SENDING_KEYS: [&str; 10] = [
    "smtp",
    "name",
    "signature",
    "quote",
    "html",
    "sent_copy",
    "subject_token",
    "plus_address",
    "body_mark",
    "acknowledge",
];

/// The settings of `[outbox]`.
pub(super) const OUTBOX_KEYS: [&str; 3] = ["account", "undo_seconds", "attachments_mb"];

/// A longer time to think again, in seconds, would look like mail that does not leave.
pub const LONGEST_UNDO: u64 = 60;
/// The largest that large providers take.
const MOST_MB: u64 = 50;

/// How replies of an account leave.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own in the file"
)]
pub struct SendingConfig {
    /// The server they leave by; without one they wait.
    pub smtp: Option<MailServer>,
    /// The name beside the address; else the agent's.
    pub name: Option<String>,
    /// What stands below each reply; else the agent's signature.
    pub signature: Option<String>,
    /// Whether what is answered is quoted below the reply.
    pub quotes: bool,
    /// Whether an HTML alternative goes beside the text.
    pub has_html: bool,
    /// Whether a copy is put into the folder of sent mail.
    pub keeps_copy: bool,
    /// The word of `[Acme #4812]` in the subject, if there is to be such a token.
    pub subject_token: Option<String>,
    /// Whether answers are asked for at `support+...@`.
    pub has_plus_address: bool,
    /// Whether a line `Ref: dh-...` stands below a reply: for relays that rewrite its Message-ID.
    pub has_body_mark: bool,
    /// What a new requester is told at once, if anything; nothing is sent by default.
    pub acknowledge: Option<String>,
}

impl Default for SendingConfig {
    fn default() -> Self {
        Self {
            smtp: None,
            name: None,
            signature: None,
            quotes: true,
            has_html: false,
            keeps_copy: true,
            subject_token: None,
            has_plus_address: false,
            has_body_mark: false,
            acknowledge: None,
        }
    }
}

/// Reads what an account says of leaving mail.
pub(super) fn sending(reader: &mut Reader<'_>, table: &Section<'_>) -> SendingConfig {
    let usual = SendingConfig::default();
    let line = |reader: &mut Reader<'_>, key: &str| {
        let (text, span) = table.text(reader, key)?;
        if text.contains(char::is_control) {
            let message = format!("`{key}` must be one line.");
            reader.error(&span, message, None);
            return None;
        }
        Some(text.to_owned()).filter(|text| !text.trim().is_empty())
    };
    SendingConfig {
        smtp: smtp(reader, table),
        name: line(reader, "name"),
        signature: table
            .text(reader, "signature")
            .map(|(text, _)| text.to_owned()),
        quotes: table.boolean(reader, "quote").unwrap_or(usual.quotes),
        has_html: table.boolean(reader, "html").unwrap_or(usual.has_html),
        keeps_copy: table
            .boolean(reader, "sent_copy")
            .unwrap_or(usual.keeps_copy),
        subject_token: token(reader, table),
        has_plus_address: table
            .boolean(reader, "plus_address")
            .unwrap_or(usual.has_plus_address),
        has_body_mark: table
            .boolean(reader, "body_mark")
            .unwrap_or(usual.has_body_mark),
        acknowledge: table
            .text(reader, "acknowledge")
            .map(|(text, _)| text.to_owned())
            .filter(|text| !text.trim().is_empty()),
    }
}

fn smtp(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<MailServer> {
    let (text, span) = table.text(reader, "smtp")?;
    match MailServer::smtp(text) {
        Ok(server) => Some(server),
        Err(error) => {
            // What stands there may be a password in the wrong place: it is not repeated.
            reader.error(&span, format!("`smtp` is no server: {error}."), None);
            None
        }
    }
}

fn token(reader: &mut Reader<'_>, table: &Section<'_>) -> Option<String> {
    let (text, span) = table.text(reader, "subject_token")?;
    let is_token = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    if text.trim().is_empty() || text.len() > 30 || !text.chars().all(is_token) {
        let message = "`subject_token` must be a short name of letters and digits.".to_owned();
        reader.error(
            &span,
            message,
            Some("\"Acme\" gives [Acme #4812].".to_owned()),
        );
        return None;
    }
    Some(text.trim().to_owned())
}

/// Reads `[outbox]`.
pub(super) fn outbox(reader: &mut Reader<'_>, root: &Section<'_>) -> OutboxConfig {
    let mut outbox = OutboxConfig::default();
    let Some(table) = root.open(reader, "outbox", &OUTBOX_KEYS) else {
        return outbox;
    };
    outbox.account = table
        .text(reader, "account")
        .map(|(text, span)| (text.to_owned(), span))
        .and_then(|(text, span)| known_account(reader, root, text, &span));
    if let Some(seconds) = table.whole(reader, "undo_seconds", 0..=LONGEST_UNDO) {
        outbox.undo = Duration::from_secs(seconds);
    }
    if let Some(mb) = table.whole(reader, "attachments_mb", 1..=MOST_MB) {
        outbox.attachments_bytes = mb << 20;
    }
    outbox
}

fn known_account(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
    name: String,
    span: &Span,
) -> Option<String> {
    let is_known = root
        .open_any(reader, "accounts")
        .is_some_and(|all| all.entries().any(|(known, _, _)| known == name));
    if !is_known {
        let message = format!("There is no [accounts.{}].", quoted(&name));
        reader.error(span, message, None);
        return None;
    }
    Some(name)
}
