//! The mail servers of an address, as far as the world knows them.

use super::DeskError;
use crate::source::mail::discover::{Asked, Came, discover, is_foreign, pick};
pub use crate::source::mail::discover::{Offer, Origin, Places};

/// The servers that were found for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Servers {
    /// The one mail is read from.
    pub imap: Offer,
    /// The one replies leave by; none was found without.
    pub smtp: Option<Offer>,
}

impl Servers {
    /// Returns the hosts outside the domain of the address: a person must agree before a password
    /// goes there.
    pub fn outside(&self, address: &str) -> Vec<&str> {
        let hosts = [Some(&self.imap), self.smtp.as_ref()];
        let mut outside: Vec<&str> = hosts
            .into_iter()
            .flatten()
            .map(|offer| offer.server.host.as_str())
            .filter(|host| is_foreign(host, address))
            .collect();
        outside.dedup();
        outside
    }
}

/// Looks for the servers of an address. Nothing is signed in to.
pub async fn find(address: &str, places: &Places) -> Result<Servers, DeskError> {
    let heard = discover(address, places).await;
    for asked in &heard.asked {
        tracing::debug!(place = %asked.place, came = ?asked.came, "asked for mail servers");
    }
    let picked = pick(&heard.offers);
    match picked.imap {
        Some(imap) => Ok(Servers {
            imap,
            smtp: picked.smtp,
        }),
        None => Err(DeskError::NoServers {
            address: address.to_owned(),
            asked: told(&heard.asked),
        }),
    }
}

/// Says which places were asked and what came of it.
fn told(asked: &[Asked]) -> String {
    let told = asked.iter().map(|Asked { place, came }| match came {
        Came::Servers(_) => format!("{place} (nothing to read mail from)"),
        Came::Nothing => format!("{place} (nothing there)"),
        Came::Failed(why) => format!("{place} ({})", why.trim_end_matches('.')),
    });
    told.collect::<Vec<_>>().join("; ")
}
