//! What the codecs share in spelling a request and in ending an answer.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::wire::Endpoint;
use crate::{
    domain::{Billed, Fault, FaultClass, Usage, manner::Auth},
    engine::ask::json::Json,
};

/// A JSON body that leaves out what the link does not accept.
pub(super) struct Builder<'a> {
    /// By name: a body has one spelling.
    map: BTreeMap<String, Json>,
    to: &'a Endpoint,
}

impl<'a> Builder<'a> {
    pub(super) fn new(to: &'a Endpoint) -> Self {
        Self {
            map: BTreeMap::new(),
            to,
        }
    }

    /// Adds a member, unless the link refused it before.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Json>) {
        if self.takes(name) {
            self.map.insert(name.to_owned(), value.into());
        }
    }

    /// Adds a member, if there is something to say.
    pub(super) fn put_some(&mut self, name: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.put(name, value);
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

    pub(super) fn takes(&self, name: &str) -> bool {
        takes(self.to, name)
    }
}

/// Tells whether a link accepts a parameter of ours.
pub(super) fn takes(to: &Endpoint, name: &str) -> bool {
    let is_refused = to.quirks.without.iter().any(|refused| refused == name);
    !is_refused && !to.manner.habits.without.contains(&name)
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
