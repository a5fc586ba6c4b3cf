//! What an autoconfig file says: the servers of a `clientConfig`, as Thunderbird reads it.
//!
//! The file is foreign: it has no document type, a limited number of parts, and what it names is
//! checked as if a person had typed it.

use roxmltree::{Document, Node, ParsingOptions};

use super::{Offer, Origin};
use crate::{
    domain::{MailProtocol, MailServer, Security},
    text::clean::clean_line,
};

/// More parts than any file about mail servers has.
const MOST_PARTS: u32 = 5_000;

/// Returns the servers that a file names for an address of a domain. What cannot be used, such as
/// one without TLS, is left out.
pub(super) fn offers(
    text: &str,
    (address, domain): (&str, &str),
    origin: Origin,
) -> Result<Vec<Offer>, String> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_PARTS,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text.trim_start(), options)
        .map_err(|error| clean_line(&format!("it is no autoconfig file: {error}")))?;
    let root = document.root_element();
    if !root.has_tag_name("clientConfig") {
        return Err("it is no autoconfig file".to_owned());
    }
    let servers = root
        .children()
        .filter(|part| part.has_tag_name("emailProvider"))
        .flat_map(|provider| provider.children());
    let offer = |part: Node<'_, '_>| {
        let protocol = match (part.tag_name().name(), part.attribute("type")) {
            ("incomingServer", Some("imap")) => MailProtocol::Imap,
            ("outgoingServer", Some("smtp")) => MailProtocol::Smtp,
            _ => return None,
        };
        Some(Offer {
            server: server(part, protocol, (address, domain))?,
            user: user(part, (address, domain)),
            origin,
        })
    };
    Ok(servers.filter_map(offer).collect())
}

fn server(node: Node<'_, '_>, protocol: MailProtocol, of: (&str, &str)) -> Option<MailServer> {
    let security = match text(node, "socketType")? {
        "SSL" => Security::Tls,
        "STARTTLS" => Security::StartTls,
        "plain" => Security::Plain,
        _ => return None,
    };
    let port = text(node, "port")?.parse().ok()?;
    let host = filled(text(node, "hostname")?, of);
    MailServer::of(protocol, security, (&host, port)).ok()
}

/// Returns the name to sign in with, where it is not the address.
fn user(part: Node<'_, '_>, (address, domain): (&str, &str)) -> Option<String> {
    let user = filled(text(part, "username")?, (address, domain));
    let is_name = !user.is_empty()
        && user.len() <= 254
        && !user.contains(|c: char| c.is_control() || c.is_whitespace() || c == '%');
    (is_name && !user.eq_ignore_ascii_case(address)).then_some(user)
}

fn text<'a>(part: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let child = part.children().find(|child| child.has_tag_name(name))?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}

fn filled(text: &str, (address, domain): (&str, &str)) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    text.replace("%EMAILADDRESS%", address)
        .replace("%EMAILLOCALPART%", local)
        .replace("%EMAILDOMAIN%", domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: (&str, &str) = ("support@acme.test", "acme.test");

    fn read(servers: &str) -> Result<Vec<Offer>, String> {
        let file = format!(
            "<?xml version=\"1.0\"?>\n<clientConfig version=\"1.1\"><emailProvider id=\"acme\">\
             <domain>acme.test</domain>{servers}</emailProvider></clientConfig>"
        );
        offers(&file, OF, Origin::Autoconfig)
    }

    fn of(kind: &str, host: &str, (port, security, user): (u16, &str, &str)) -> String {
        let (tag, kind) = match kind {
            "smtp" => ("outgoingServer", "smtp"),
            other => ("incomingServer", other),
        };
        format!(
            "<{tag} type=\"{kind}\"><hostname>{host}</hostname><port>{port}</port>\
             <socketType>{security}</socketType><username>{user}</username>\
             <authentication>password-cleartext</authentication></{tag}>"
        )
    }

    #[test]
    fn the_servers_of_a_file_are_read() {
        let file = [
            of("pop3", "pop.acme.test", (995, "SSL", "%EMAILADDRESS%")),
            of("imap", "imap.%EMAILDOMAIN%", (993, "SSL", "%EMAILADDRESS%")),
            of(
                "imap",
                "imap.acme.test",
                (143, "STARTTLS", "%EMAILLOCALPART%"),
            ),
            of(
                "smtp",
                "mail.acme.test",
                (465, "SSL", "acme-%EMAILLOCALPART%"),
            ),
        ];

        let read = read(&file.concat()).unwrap();

        let shown: Vec<(String, Option<&str>)> = read
            .iter()
            .map(|offer| (offer.server.to_string(), offer.user.as_deref()))
            .collect();
        assert_eq!(
            shown,
            [
                ("imaps://imap.acme.test:993".to_owned(), None),
                ("imap://imap.acme.test:143".to_owned(), Some("support")),
                (
                    "smtps://mail.acme.test:465".to_owned(),
                    Some("acme-support")
                ),
            ]
        );
    }

    #[test]
    fn what_cannot_be_used_is_left_out() {
        let usual = (143, "plain", "%EMAILADDRESS%");
        for wrong in [
            of("imap", "imap.acme.test", usual),
            of("imap", "imap.acme.test/x", (993, "SSL", "")),
            of("imap", "maya:secret@acme.test", (993, "SSL", "")),
            of("imap", "", (993, "SSL", "")),
            of("imap", "imap.acme.test", (0, "SSL", "")),
            of("imap", "imap.acme.test", (993, "TLSv9", "")),
        ] {
            assert_eq!(read(&wrong), Ok(Vec::new()), "{wrong}");
        }
        let odd = of("imap", "imap.acme.test", (993, "SSL", "%REALNAME%"));
        assert_eq!(read(&odd).unwrap()[0].user, None);
    }

    #[test]
    fn a_file_that_is_none_is_refused() {
        let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><clientConfig/>";
        let many = format!("<clientConfig>{}</clientConfig>", "<a/>".repeat(6_000));
        for text in [
            "",
            "not found",
            "<html></html>",
            "<clientConfig>",
            bomb,
            &many,
        ] {
            let read = offers(text, OF, Origin::List);
            assert!(read.is_err(), "{read:?}");
        }
    }
}
