//! How a token is shown to a mail server: OAUTHBEARER (RFC 7628), or XOAUTH2, which Google and
//! Microsoft had before it.

use secrecy::{ExposeSecret as _, SecretString, zeroize::Zeroizing};

use crate::domain::MailServer;

/// What a mailbox is opened with.
#[derive(Clone, Copy)]
pub enum Credential<'a> {
    /// A password.
    Password(&'a SecretString),
    /// A token that its owner granted.
    Token(&'a SecretString),
}

/// A way to show a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::mail) enum Mechanism {
    OAuthBearer,
    XOAuth2,
}

impl Mechanism {
    /// Picks the way that a server offers; the standard's where it offers both. The offers are
    /// words such as `PLAIN XOAUTH2`.
    pub(in crate::source::mail) fn of<'o>(
        offers: impl IntoIterator<Item = &'o str>,
    ) -> Option<Self> {
        let mut picked = None;
        for offer in offers {
            if offer.eq_ignore_ascii_case("OAUTHBEARER") {
                return Some(Self::OAuthBearer);
            }
            if offer.eq_ignore_ascii_case("XOAUTH2") {
                picked = Some(Self::XOAuth2);
            }
        }
        picked
    }

    /// Returns its name on the wire.
    pub(in crate::source::mail) const fn name(self) -> &'static str {
        match self {
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// Returns what is said first.
    pub(in crate::source::mail) fn first(
        self,
        (user, token): (&str, &SecretString),
        server: &MailServer,
    ) -> Zeroizing<String> {
        let token = token.expose_secret();
        Zeroizing::new(match self {
            Self::OAuthBearer => {
                // RFC 5801: `=` and `,` would end the name.
                let user = user.replace('=', "=3D").replace(',', "=2C");
                let (host, port) = (&server.host, server.port);
                format!(
                    "n,a={user},\u{1}host={host}\u{1}port={port}\u{1}auth=Bearer {token}\u{1}\u{1}"
                )
            }
            Self::XOAuth2 => format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"),
        })
    }

    /// Returns what ends it when the server has said what is wrong: only then it says no.
    pub(in crate::source::mail) const fn end(self) -> &'static str {
        match self {
            Self::OAuthBearer => "\u{1}",
            Self::XOAuth2 => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_as_the_standards_say() {
        let token = SecretString::from("vF9dft4q");
        let server = MailServer::imap("imaps://imap.acme.test").unwrap();
        let of = ("a=b,c@acme.test", &token);
        let first = |mechanism: Mechanism| mechanism.first(of, &server).to_string();

        assert_eq!(
            first(Mechanism::OAuthBearer),
            "n,a=a=3Db=2Cc@acme.test,\u{1}host=imap.acme.test\u{1}port=993\u{1}auth=Bearer vF9dft4q\u{1}\u{1}"
        );
        assert_eq!(
            first(Mechanism::XOAuth2),
            "user=a=b,c@acme.test\u{1}auth=Bearer vF9dft4q\u{1}\u{1}"
        );
    }

    #[test]
    fn what_the_server_offers_is_taken() {
        for (offers, picked) in [
            ("PLAIN LOGIN", None),
            ("PLAIN xoauth2", Some(Mechanism::XOAuth2)),
            ("XOAUTH2 OAUTHBEARER", Some(Mechanism::OAuthBearer)),
        ] {
            assert_eq!(Mechanism::of(offers.split(' ')), picked, "{offers}");
        }
    }
}
