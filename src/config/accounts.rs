//! `[accounts.NAME]`: mailboxes that tickets come from.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    login::{self, LOGIN_KEYS, known_servers},
    reader::{Reader, Section, Span, quoted},
    sending::{self, SendingConfig},
};
use crate::domain::{Login, MailServer};

/// Every setting of an account.
pub(super) const ACCOUNT_KEYS: [&str; 7] = [
    "address",
    "imap",
    "user",
    "ca",
    "since",
    "auth_results",
    "mark_seen",
];

/// A day has so many seconds.
const DAY: u64 = 86_400;

/// Mail is read so many days back where the config does not say.
pub const USUAL_SINCE: Since = Since::Days(30);

/// A mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountConfig {
    /// Its name in the file.
    pub name: String,
    /// The address customers write to.
    pub address: String,
    /// The server mail is read from.
    pub imap: MailServer,
    /// The name it is signed in with.
    pub user: String,
    /// How it is signed in to.
    pub login: Login,
    /// A file of certificates (PEM) that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// How far back mail is read.
    pub since: Since,
    /// The server whose `Authentication-Results` tell whether mail that bears our address is ours.
    pub auth_results: Option<String>,
    /// Whether mail that was read here is marked as read on its server.
    pub marks_seen: bool,
    /// How replies leave.
    pub sending: SendingConfig,
}

impl AccountConfig {
    /// Makes the account of an address, all else as usual.
    pub fn of(address: &str, imap: MailServer, login: Login) -> Self {
        Self {
            name: address.to_owned(),
            address: address.to_owned(),
            imap,
            user: address.to_owned(),
            login,
            ca: None,
            since: USUAL_SINCE,
            auth_results: None,
            marks_seen: true,
            sending: SendingConfig::default(),
        }
    }
}

/// How far back mail is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Mail that is at most so many days old.
    Days(u64),
    /// All there is.
    All,
}

impl Since {
    /// Reads `30d`, `2w` or `all`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "all" {
            return Some(Self::All);
        }
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let days = match unit {
            "d" => 1,
            "w" => 7,
            _ => return None,
        };
        let number: u64 = number.parse().ok()?;
        let days = number.checked_mul(days)?;
        (1..=36_500).contains(&days).then_some(Self::Days(days))
    }

    /// Returns how long ago it is; none for all there is.
    pub const fn duration(self) -> Option<Duration> {
        match self {
            Self::Days(days) => Some(Duration::from_secs(days * DAY)),
            Self::All => None,
        }
    }

    /// Returns it as written.
    pub fn word(self) -> String {
        match self {
            Self::Days(days) => format!("{days}d"),
            Self::All => "all".to_owned(),
        }
    }
}

/// Tells whether a text is an address such as `maya@example.com`.
pub fn is_address(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part
                .contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"'\\".contains(c))
    };
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| {
            is_part(local) && is_part(domain) && !domain.contains('@')
        })
}

/// Returns the accounts of the file by name.
pub(super) fn accounts(
    reader: &mut Reader<'_>,
    root: &Section<'_>,
) -> BTreeMap<String, AccountConfig> {
    let mut accounts = BTreeMap::new();
    let Some(all) = root.open_any(reader, "accounts") else {
        return accounts;
    };
    for (name, span, value) in all.entries() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.@+".contains(c);
        if name.is_empty() || name.len() > 80 || !name.chars().all(is_name) {
            let message = format!("{} cannot be the name of an account.", quoted(name));
            let hint = "Use letters, digits, `-`, `_`, `.`, `@` and `+`, at most 80.".to_owned();
            reader.error(&span, message, Some(hint));
            continue;
        }
        let Some(table) = Section::of(reader, &format!("accounts.{name}"), value) else {
            continue;
        };
        table.refuse_unknown(
            reader,
            &[&ACCOUNT_KEYS[..], &LOGIN_KEYS, &sending::SENDING_KEYS].concat(),
        );
        if let Some(account) = account(reader, &table, (name, &span)) {
            let twin = accounts.values().find(|other: &&AccountConfig| {
                other.address.eq_ignore_ascii_case(&account.address)
            });
            if let Some(twin) = twin {
                let message = format!("[accounts.{}] has the same address.", twin.name);
                reader.error(&span, message, Some("Keep one of them.".to_owned()));
            }
            accounts.insert(name.to_owned(), account);
        }
    }
    accounts
}

fn account(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (name, at): (&str, &Span),
) -> Option<AccountConfig> {
    let address = address(reader, table, (name, at));
    let login = login::login(reader, table, (name, at));
    let known = match &login {
        Some(Login::SignIn(sign_in)) => known_servers(sign_in.service),
        Some(Login::Password(_)) | None => None,
    };
    let (known_imap, known_smtp) = known.unzip();
    let imap = server(reader, table, (name, at), known_imap);
    let user = table.text(reader, "user").map(|(user, _)| user.to_owned());
    let ca = table
        .text(reader, "ca")
        .map(|(file, _)| PathBuf::from(file));
    let since = match table.text(reader, "since") {
        None => USUAL_SINCE,
        Some((text, span)) => Since::parse(text).unwrap_or_else(|| {
            let message = format!("{} is no span of time.", quoted(text));
            let hint = "Write \"30d\", \"8w\" or \"all\".".to_owned();
            reader.error(&span, message, Some(hint));
            USUAL_SINCE
        }),
    };
    let mut sending = sending::sending(reader, table);
    if table.get("smtp").is_none() {
        sending.smtp = known_smtp;
    }
    let (address, imap, login) = (address?, imap?, login?);
    Some(AccountConfig {
        name: name.to_owned(),
        user: user.unwrap_or_else(|| address.clone()),
        address,
        imap,
        login,
        ca,
        since,
        marks_seen: table.boolean(reader, "mark_seen").unwrap_or(true),
        auth_results: table
            .text(reader, "auth_results")
            .map(|(server, _)| server.trim().to_owned())
            .filter(|server| !server.is_empty()),
        sending,
    })
}

fn address(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (name, at): (&str, &Span),
) -> Option<String> {
    let Some((text, span)) = table.text(reader, "address") else {
        if is_address(name) {
            return Some(name.to_owned());
        }
        if table.get("address").is_none() {
            let message = format!("[accounts.{name}] needs an address.");
            let hint = "Add address = \"support@example.com\".".to_owned();
            reader.error(at, message, Some(hint));
        }
        return None;
    };
    if !is_address(text) {
        let message = "`address` must be an address such as support@example.com.";
        reader.error(&span, message, None);
        return None;
    }
    Some(text.to_owned())
}

fn server(
    reader: &mut Reader<'_>,
    table: &Section<'_>,
    (name, at): (&str, &Span),
    known: Option<MailServer>,
) -> Option<MailServer> {
    let Some((text, span)) = table.text(reader, "imap") else {
        if known.is_some() {
            return known;
        }
        if table.get("imap").is_none() {
            let message = format!("[accounts.{name}] does not say where its mail is.");
            let hint = "Add imap = \"imaps://imap.example.com:993\".".to_owned();
            reader.error(at, message, Some(hint));
        }
        return None;
    };
    match MailServer::imap(text) {
        Ok(server) => Some(server),
        Err(error) => {
            // What stands there may be a password in the wrong place: it is not repeated.
            reader.error(&span, format!("`imap` is no server: {error}."), None);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_are_read_and_written() {
        for (text, since) in [
            ("30d", Some(Since::Days(30))),
            ("2w", Some(Since::Days(14))),
            ("all", Some(Since::All)),
            ("0d", None),
            ("d", None),
            ("", None),
            ("3", None),
            ("5€", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(Since::parse(text), since, "{text}");
        }
        assert_eq!(Since::Days(14).word(), "14d");
    }
}
