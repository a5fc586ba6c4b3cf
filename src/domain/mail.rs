//! Mail servers: where a mailbox is, and how far one was read.

use std::fmt;

use jiff::Timestamp;

/// How a connection to a mail server is kept private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// TLS after a first plain word; without it nothing is said.
    StartTls,
    /// None: only on loopback.
    Plain,
}

/// What a mail server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailProtocol {
    /// Mail is read over it.
    Imap,
    /// Mail leaves over it.
    Smtp,
}

/// Where a mail server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    /// What it speaks.
    pub protocol: MailProtocol,
    /// How it is spoken to.
    pub security: Security,
    /// Its name; the certificate must bear it.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Says why a text names no mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAServer {
    /// It begins with neither word.
    #[error("it must begin with {0}s:// (TLS) or {0}:// (STARTTLS)")]
    Scheme(&'static str),
    /// The name is missing or holds what no name holds.
    #[error("it must name a server, such as imaps://mail.example.com:993")]
    Host,
    /// The port is none.
    #[error("its port must be a number from 1 to 65535")]
    Port,
    /// It would be spoken to in the clear, over the network.
    #[error("it is no place for a password: it offers no private connection")]
    Plain,
    /// Something stands where a user, a password or a folder would.
    #[error("it must end after the port; the user name has a setting of its own")]
    More,
}

impl MailProtocol {
    const fn scheme(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Smtp => "smtp",
        }
    }

    /// Returns the port of RFC 8314.
    const fn usual_port(self, is_tls: bool) -> u16 {
        match (self, is_tls) {
            (Self::Imap, true) => 993,
            (Self::Imap, false) => 143,
            (Self::Smtp, true) => 465,
            (Self::Smtp, false) => 587,
        }
    }
}

impl MailServer {
    /// Reads `imaps://host:993` or `imap://host:143`; the ports may be left out. `imap://` means
    /// STARTTLS, and plain words on loopback only.
    pub fn imap(text: &str) -> Result<Self, NotAServer> {
        Self::parse(MailProtocol::Imap, text)
    }

    /// Reads `smtps://host:465` or `smtp://host:587`; the ports may be left out. `smtp://` means
    /// STARTTLS, and plain words on loopback only.
    pub fn smtp(text: &str) -> Result<Self, NotAServer> {
        Self::parse(MailProtocol::Smtp, text)
    }

    /// Makes a server of what was heard of it: the same as its URL says. Without a private
    /// connection it must be on loopback.
    pub fn of(
        protocol: MailProtocol,
        security: Security,
        (host, port): (&str, u16),
    ) -> Result<Self, NotAServer> {
        let tls = match security {
            Security::Tls => "s",
            Security::StartTls | Security::Plain => "",
        };
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let url = format!("{}{tls}://{host}:{port}", protocol.scheme());
        let server = Self::parse(protocol, &url)?;
        if security == Security::Plain && server.security != Security::Plain {
            return Err(NotAServer::Plain);
        }
        Ok(server)
    }

    fn parse(protocol: MailProtocol, text: &str) -> Result<Self, NotAServer> {
        let scheme = protocol.scheme();
        let rest = text.trim().strip_prefix(scheme);
        let rest = rest.ok_or(NotAServer::Scheme(scheme))?;
        let (rest, is_tls) = match (rest.strip_prefix("s://"), rest.strip_prefix("://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(NotAServer::Scheme(scheme)),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['@', '/', '?', '#']) {
            return Err(NotAServer::More);
        }
        let (host, port) = split(rest);
        let port = match port {
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port > 0)
                .ok_or(NotAServer::Port)?,
            None => protocol.usual_port(is_tls),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(NotAServer::Host);
        }
        let is_loopback = matches!(host, "localhost" | "127.0.0.1" | "::1");
        let security = match (is_tls, is_loopback) {
            (true, _) => Security::Tls,
            (false, false) => Security::StartTls,
            (false, true) => Security::Plain,
        };
        Ok(Self {
            protocol,
            security,
            host: host.to_ascii_lowercase(),
            port,
        })
    }
}

/// Takes the port off, and the brackets of an IPv6 address.
fn split(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.protocol.scheme();
        let tls = match self.security {
            Security::Tls => "s",
            Security::StartTls | Security::Plain => "",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}{tls}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}{tls}://{}:{}", self.host, self.port)
        }
    }
}

/// A folder as it stood when it was last read to its end. Equal to how it stands now, nothing is
/// new in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderMark {
    /// While this stays, a number always means the same message.
    pub uid_validity: u32,
    /// The number the next message will get.
    pub uid_next: u32,
    /// Counts every change, flags too; 0 where the server does not say.
    pub mod_seq: u64,
    /// How many messages there are.
    pub messages: u32,
}

impl FolderMark {
    /// Returns how many messages there are, in words: `1 message`.
    pub fn messages_in_words(&self) -> String {
        match self.messages {
            1 => "1 message".to_owned(),
            many => format!("{many} messages"),
        }
    }
}

/// When a folder was read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderRead {
    /// For the first time.
    pub first: Timestamp,
    /// Last.
    pub last: Timestamp,
}

/// A message of a folder that is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderUid {
    /// The server's number.
    pub uid: u32,
    /// SHA-256 of its bytes, in hex; empty for one that could not be taken.
    pub raw_sha256: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_and_written_alike() {
        for (text, security, shown) in [
            (
                "imaps://imap.acme.test",
                Security::Tls,
                "imaps://imap.acme.test:993",
            ),
            (
                "imap://Mail.acme.test:1143/",
                Security::StartTls,
                "imap://mail.acme.test:1143",
            ),
            ("imap://127.0.0.1", Security::Plain, "imap://127.0.0.1:143"),
            ("imaps://[::1]:9", Security::Tls, "imaps://[::1]:9"),
        ] {
            let server = MailServer::imap(text).unwrap();

            assert_eq!(
                (server.security, server.to_string().as_str()),
                (security, shown)
            );
            assert_eq!(MailServer::imap(shown), Ok(server));
        }
    }

    #[test]
    fn mail_leaves_by_the_ports_of_submission() {
        for (text, shown) in [
            ("smtps://mail.acme.test", "smtps://mail.acme.test:465"),
            ("smtp://mail.acme.test", "smtp://mail.acme.test:587"),
        ] {
            assert_eq!(MailServer::smtp(text).unwrap().to_string(), shown);
        }
        assert_eq!(
            MailServer::smtp("imaps://mail.acme.test"),
            Err(NotAServer::Scheme("smtp"))
        );
    }

    #[test]
    fn a_server_that_was_heard_of_is_never_spoken_to_in_the_clear() {
        let of = |security, host| MailServer::of(MailProtocol::Imap, security, (host, 9));
        let text = |server: Result<MailServer, NotAServer>| server.map(|server| server.to_string());

        assert_eq!(
            text(of(Security::Tls, "mail.acme.test")).as_deref(),
            Ok("imaps://mail.acme.test:9")
        );
        assert_eq!(
            text(of(Security::StartTls, "mail.acme.test")).as_deref(),
            Ok("imap://mail.acme.test:9")
        );
        assert_eq!(
            text(of(Security::Plain, "localhost")).as_deref(),
            Ok("imap://localhost:9")
        );
        assert_eq!(
            of(Security::Plain, "mail.acme.test"),
            Err(NotAServer::Plain)
        );
        assert_eq!(of(Security::Tls, "mail.acme.test/x"), Err(NotAServer::More));
        assert_eq!(of(Security::Tls, "a b"), Err(NotAServer::Host));
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for (text, why) in [
            ("imap.acme.test", NotAServer::Scheme("imap")),
            ("http://acme.test", NotAServer::Scheme("imap")),
            ("imaps://", NotAServer::Host),
            ("imaps://a b", NotAServer::Host),
            ("imaps://a:0", NotAServer::Port),
            ("imaps://a:99999", NotAServer::Port),
            ("imaps://maya:secret@a", NotAServer::More),
            ("imaps://a/INBOX", NotAServer::More),
        ] {
            assert_eq!(MailServer::imap(text), Err(why), "{text}");
        }
    }
}
