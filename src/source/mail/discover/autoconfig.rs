//! The autoconfig files: where they are, and reading them over HTTPS alone.

use reqwest::{Client, Url};

use super::{Came, Offer, Origin, Places, xml};
use crate::source::mail::web;

/// The way to the files, or why there is none.
pub(super) struct Web<'a> {
    client: Result<Client, String>,
    places: &'a Places,
    address: &'a str,
    domain: &'a str,
}

/// A file that may be there.
pub(super) struct File {
    /// Where.
    pub(super) url: String,
    origin: Origin,
}

impl<'a> Web<'a> {
    pub(super) fn new(places: &'a Places, address: &'a str, domain: &'a str) -> Self {
        Self {
            client: web::client(places.ca.as_deref()),
            places,
            address,
            domain,
        }
    }

    /// Returns the files that are asked for at once.
    pub(super) fn files(&self) -> [File; 3] {
        [
            (&self.places.autoconfig, Origin::Autoconfig),
            (&self.places.well_known, Origin::WellKnown),
            (&self.places.list, Origin::List),
        ]
        .map(|(place, origin)| self.file(place, self.domain, origin))
    }

    /// Returns the list's file about a domain that takes the mail of this one.
    pub(super) fn list_of_exchanger(&self, owner: &str) -> File {
        self.file(&self.places.list, owner, Origin::ListOfExchanger)
    }

    fn file(&self, place: &str, domain: &str, origin: Origin) -> File {
        let place = place.replace("{domain}", domain);
        let url = match place.split_once("{address}") {
            Some((before, after)) => format!("{before}{}{after}", encoded(self.address)),
            None => place,
        };
        File { url, origin }
    }

    /// Reads a file and returns the servers it names.
    pub(super) async fn ask(&self, file: &File, domain: &str) -> Result<Vec<Offer>, Came> {
        let client = self.client.as_ref();
        let client = client.map_err(|why| Came::Failed(why.clone()))?;
        let url: Url = file
            .url
            .parse()
            .map_err(|_| Came::Failed("it is no address".to_owned()))?;
        let response = client.get(url).send().await;
        let response = response.map_err(|error| Came::Failed(web::words(&error)))?;
        let answer = web::read(response).await.map_err(Came::Failed)?;
        match answer.status {
            200 => {
                xml::offers(&answer.text, (self.address, domain), file.origin).map_err(Came::Failed)
            }
            404 | 410 => Ok(Vec::new()),
            status => Err(Came::Failed(format!("it answered {status}"))),
        }
    }
}

/// Writes an address as the value of a query.
fn encoded(address: &str) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    address
        .bytes()
        .map(|byte| {
            if safe(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_value_of_a_query() {
        assert_eq!(encoded("a+b&c@acme.test"), "a%2Bb%26c@acme.test");
    }
}
