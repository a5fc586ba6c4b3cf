//! Finding the mail servers of an address: DNS (RFC 6186), the autoconfig files that Thunderbird
//! reads, and its list of providers. All are asked side by side within one time limit.
//!
//! Nothing here carries a password, and nothing is decided by who answers first: `pick` looks at
//! all that was heard.

mod autoconfig;
mod choose;
mod dns;
mod xml;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use futures::future::join_all;
use tokio::time::timeout;

pub use self::choose::{Picked, is_foreign, pick};
use self::{autoconfig::Web, dns::Dns};
use crate::domain::MailServer;

/// How long is looked for servers altogether.
pub const LIMIT: Duration = Duration::from_secs(5);

/// Where the servers of an address are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The DNS server; without one, those of the system.
    pub dns: Option<SocketAddr>,
    /// The file that the domain's own server makes for an address.
    pub autoconfig: String,
    /// The file that lies on the domain's web server.
    pub well_known: String,
    /// The file of a list that others keep.
    pub list: String,
    /// A file of certificates that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// How long all of them together may take.
    pub limit: Duration,
}

impl Default for Places {
    /// The places that the world knows. `{domain}` and `{address}` are put in.
    fn default() -> Self {
        Self {
            dns: None,
            autoconfig: "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={address}"
                .to_owned(),
            well_known: "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml".to_owned(),
            list: "https://autoconfig.thunderbird.net/v1.1/{domain}".to_owned(),
            ca: None,
            limit: LIMIT,
        }
    }
}

/// Who named a server; the first is believed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The domain's DNS.
    Srv,
    /// The domain's autoconfig server.
    Autoconfig,
    /// The domain's web server.
    WellKnown,
    /// Thunderbird's list, under the domain.
    List,
    /// Thunderbird's list, under the domain that takes the mail.
    ListOfExchanger,
}

impl Origin {
    /// Returns the words for it, after "found by".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Srv => "SRV",
            Self::Autoconfig => "autoconfig",
            Self::WellKnown => "well-known",
            Self::List => "Thunderbird's list",
            Self::ListOfExchanger => "Thunderbird's list, by who takes its mail",
        }
    }
}

/// A server that somebody named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Where it is.
    pub server: MailServer,
    /// The name to sign in with, where it is not the address.
    pub user: Option<String>,
    /// Who named it.
    pub origin: Origin,
}

/// A place that was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which place.
    pub place: String,
    /// What came.
    pub came: Came,
}

/// What came of asking a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// So many servers that can be used.
    Servers(usize),
    /// It has nothing.
    Nothing,
    /// It could not be asked, or what it says cannot be used; and why.
    Failed(String),
}

/// All that was heard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The servers, in the order of the places.
    pub offers: Vec<Offer>,
    /// The places.
    pub asked: Vec<Asked>,
}

impl Heard {
    /// Takes in what one place said.
    fn take(&mut self, place: String, said: Result<Vec<Offer>, Came>) {
        let came = match said {
            Ok(offers) if offers.is_empty() => Came::Nothing,
            Ok(offers) => {
                let came = Came::Servers(offers.len());
                self.offers.extend(offers);
                came
            }
            Err(came) => came,
        };
        self.asked.push(Asked { place, came });
    }
}

/// Asks every place for the servers of an address.
pub async fn discover(address: &str, places: &Places) -> Heard {
    let mut heard = Heard::default();
    let Some(domain) = domain_of(address) else {
        let came = Came::Failed("it is no domain".to_owned());
        heard.take(address.to_owned(), Err(came));
        return heard;
    };
    // RFC 6761, 6.4: nobody is to be asked of these.
    if domain.ends_with(".invalid") || domain == "invalid" {
        heard.take(
            domain,
            Err(Came::Failed("no such domain exists".to_owned())),
        );
        return heard;
    }
    let dns = Dns::of(places.dns);
    let web = Web::new(places, address, &domain);
    let services = join_all(dns::SERVICES.iter().map(async |service| {
        let name = format!("{}.{domain}", service.name);
        let said = in_time(places, dns.servers(service, &name)).await;
        (format!("DNS for {name}"), said)
    }));
    let files = join_all(web.files().into_iter().map(async |file| {
        let said = in_time(places, web.ask(&file, &domain)).await;
        (file.url, said)
    }));
    let exchanger = in_time(places, async {
        let owner = dns.exchanger(&domain).await?;
        match owner.filter(|owner| *owner != domain) {
            Some(owner) => {
                let file = web.list_of_exchanger(&owner);
                let said = web.ask(&file, &domain).await;
                said.map(|offers| Some((file.url, offers)))
            }
            None => Ok(None),
        }
    });
    let (services, files, exchanger) = tokio::join!(services, files, exchanger);
    for (place, said) in services.into_iter().chain(files) {
        heard.take(place, said);
    }
    match exchanger {
        Ok(None) => {}
        Ok(Some((place, offers))) => heard.take(place, Ok(offers)),
        Err(came) => heard.take(format!("who takes the mail of {domain}"), Err(came)),
    }
    heard
}

/// Gives up when the time for all is over.
async fn in_time<T>(
    places: &Places,
    asking: impl Future<Output = Result<T, Came>>,
) -> Result<T, Came> {
    let silent = |_| Err(Came::Failed("no answer in time".to_owned()));
    timeout(places.limit, asking).await.unwrap_or_else(silent)
}

/// Returns the domain of an address as DNS writes it; none if it is no name.
fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    let url = reqwest::Url::parse(&format!("https://{domain}/")).ok()?;
    let is_name = url.domain().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.port().is_none()
        && url.username().is_empty();
    let name = url.host_str().filter(|_| is_name)?;
    Some(name.trim_end_matches('.').to_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_written_as_dns_does() {
        for (address, domain) in [
            ("support@Acme.test", Some("acme.test")),
            ("support@bücher.test", Some("xn--bcher-kva.test")),
            ("a@b@acme.test.", Some("acme.test")),
            ("support@acme.test/path", None),
            ("support@acme.test:80", None),
            ("support@127.0.0.1", None),
            ("support@", None),
            ("support", None),
        ] {
            assert_eq!(domain_of(address).as_deref(), domain, "{address}");
        }
    }

    #[tokio::test]
    async fn nobody_is_asked_of_a_domain_that_cannot_be() {
        let heard = discover("support@acme.invalid", &Places::default()).await;

        let came = Came::Failed("no such domain exists".to_owned());
        let place = "acme.invalid".to_owned();
        assert_eq!(heard.asked, [Asked { place, came }]);
    }
}
