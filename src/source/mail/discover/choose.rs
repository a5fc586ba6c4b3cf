//! Which of the servers that were named is taken, and whether a password may go there unasked.

use super::Offer;
use crate::domain::{MailProtocol, Security};

/// The servers that are taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picked {
    /// The one mail is read from.
    pub imap: Option<Offer>,
    /// The one replies leave by.
    pub smtp: Option<Offer>,
}

/// Picks a server for reading and one for sending: of the place that is believed first, private
/// from the first byte before STARTTLS, and in the order in which it names them.
pub fn pick(offers: &[Offer]) -> Picked {
    let of = |protocol: MailProtocol| {
        offers
            .iter()
            .filter(|offer| offer.server.protocol == protocol)
            .min_by_key(|offer| {
                let later = match offer.server.security {
                    Security::Tls => 0,
                    Security::StartTls => 1,
                    Security::Plain => 2,
                };
                (offer.origin, later)
            })
            .cloned()
    };
    Picked {
        imap: of(MailProtocol::Imap),
        smtp: of(MailProtocol::Smtp),
    }
}

/// Tells whether a host is outside the domain of an address: run by others, as far as names say.
pub fn is_foreign(host: &str, address: &str) -> bool {
    let domain = super::domain_of(address).unwrap_or_default();
    let owner = registered(&domain);
    owner.is_none() || owner != registered(host)
}

/// Returns the part of a name that was registered: `acme.co.uk` of `imap.acme.co.uk`. None for an
/// address of numbers and for a name that is a public suffix itself.
pub(super) fn registered(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    if name.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    psl::domain_str(&name).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::MailServer, source::mail::discover::Origin};

    fn offer(url: &str, origin: Origin) -> Offer {
        let server = MailServer::imap(url).or_else(|_| MailServer::smtp(url));
        Offer {
            server: server.unwrap(),
            user: None,
            origin,
        }
    }

    #[test]
    fn the_domains_own_word_comes_first_and_tls_before_starttls() {
        let offers = [
            offer("imaps://list.acme.test", Origin::List),
            offer("imap://srv.acme.test", Origin::Srv),
            offer("imaps://srv2.acme.test", Origin::Srv),
            offer("imaps://srv3.acme.test", Origin::Srv),
            offer("smtp://well.acme.test", Origin::WellKnown),
            offer("smtps://list.acme.test", Origin::List),
        ];

        let picked = pick(&offers);

        let shown = |offer: Option<Offer>| offer.map(|offer| offer.server.to_string());
        assert_eq!(
            shown(picked.imap).as_deref(),
            Some("imaps://srv2.acme.test:993")
        );
        assert_eq!(
            shown(picked.smtp).as_deref(),
            Some("smtp://well.acme.test:587")
        );
        assert_eq!(pick(&[]), Picked::default());
    }

    #[test]
    fn a_host_outside_the_domain_is_foreign() {
        for (host, address, is) in [
            ("imap.acme.io", "support@acme.io", false),
            ("acme.io", "support@help.acme.io", false),
            ("mail.acme.co.uk", "support@acme.co.uk", false),
            ("mail.other.co.uk", "support@acme.co.uk", true),
            ("imap.hoster.net", "support@acme.io", true),
            ("acme.io.evil.net", "support@acme.io", true),
            ("evilacme.io", "support@acme.io", true),
            // Two people of one host are strangers: the list of public suffixes knows.
            ("mail.eve.github.io", "support@acme.github.io", true),
            ("192.0.2.7", "support@acme.io", true),
            ("localhost", "support@acme.io", true),
            ("co.uk", "support@co.uk", true),
        ] {
            assert_eq!(is_foreign(host, address), is, "{host} for {address}");
        }
    }
}
