//! What the codecs share in spelling a request and in ending an answer.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::wire::Endpoint;
use crate::{
    domain::{Billed, Fault, FaultClass, Usage, manner::Auth},
    engine::ask::{Ask, Role},
};

/// A JSON body that leaves out what the link does not accept.
pub(super) struct Builder<'a> {
    map: Map<String, Value>,
    to: &'a Endpoint,
}

impl<'a> Builder<'a> {
    pub(super) fn new(to: &'a Endpoint) -> Self {
        Self {
            map: Map::new(),
            to,
        }
    }

    /// Adds a member, unless the link refused it before.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        if self.takes(name) {
            self.map.insert(name.to_owned(), value.into());
        }
    }

    /// Adds the output limit under the first of its names that the link takes.
    pub(super) fn put_limit(&mut self, names: [&str; 2], limit: u32) {
        if let Some(name) = names.into_iter().find(|name| self.takes(name)) {
            self.put(name, limit);
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        // A map of values with text for keys is always JSON.
        serde_json::to_vec(&self.map).unwrap_or_default()
    }

    fn takes(&self, name: &str) -> bool {
        let habits = self.to.manner.habits;
        let is_refused = self.to.quirks.without.iter().any(|refused| refused == name);
        !is_refused && !habits.without.contains(&name)
    }
}

/// Returns the turns that say something, with the usual words for their roles.
pub(super) fn told(ask: &Ask) -> impl Iterator<Item = (&'static str, &str)> {
    let turns = ask.turns.iter().filter(|turn| !turn.is_empty());
    turns.flat_map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        turn.texts().map(move |text| (role, text))
    })
}

/// Returns the header that shows the key, if there is one: the server's own, else the `usual`.
pub(super) fn key_header(
    to: &Endpoint,
    usual: (&'static str, &str),
) -> Option<(&'static str, SecretString)> {
    let (name, before) = match to.manner.habits.auth {
        Auth::Usual => usual,
        Auth::Bearer => ("authorization", "Bearer "),
        Auth::ApiKey => ("api-key", ""),
    };
    let key = to.key.as_ref()?.expose_secret();
    Some((name, format!("{before}{key}").into()))
}

/// Makes the fault of an answer that ended, but not as an answer.
pub(super) fn ended(class: FaultClass, usage: &Usage, said: &str, code: &str) -> Fault {
    let mut fault = Fault::new(class).saying(said);
    fault.code = (!code.is_empty()).then(|| super::words::clean(code));
    fault.billed = if usage.is_whole() {
        Billed::Yes
    } else {
        Billed::Maybe
    };
    fault
}

/// Makes the fault of an answer without the protocol's own end.
pub(super) fn cut() -> Fault {
    let mut fault = Fault::new(FaultClass::Cut).saying("the answer broke off before its end");
    fault.billed = Billed::Maybe;
    fault
}
