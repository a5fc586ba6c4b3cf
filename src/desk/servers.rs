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

/// Says which places were asked and what came of it; places alike together.
fn told(asked: &[Asked]) -> String {
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for Asked { place, came } in asked {
        let came = match came {
            Came::Servers(_) => "nothing to read mail from",
            Came::Nothing => "nothing there",
            Came::Failed(why) => why.trim_end_matches('.'),
        };
        match told.iter_mut().find(|(known, _)| *known == came) {
            Some((_, places)) => places.push(place),
            None => told.push((came, vec![place])),
        }
    }
    let told = told
        .into_iter()
        .map(|(came, places)| format!("{} ({came})", places.join(", ")));
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_which_the_same_came_are_named_together() {
        let asked = |place: &str, came: Came| Asked {
            place: place.to_owned(),
            came,
        };
        let all = [
            asked("one", Came::Nothing),
            asked("two", Came::Failed("it answered 500.".to_owned())),
            asked("three", Came::Nothing),
        ];

        assert_eq!(
            told(&all),
            "one, three (nothing there); two (it answered 500)"
        );
    }
}
