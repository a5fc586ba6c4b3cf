//! What the codecs share in spelling a request and in ending an answer.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::wire::Quirks;
use crate::{
    domain::{Billed, Fault, FaultClass, Usage},
    engine::ask::{Ask, Role},
};

/// A JSON body that leaves out what the link does not accept.
pub(super) struct Builder<'a> {
    map: Map<String, Value>,
    quirks: &'a Quirks,
}

impl<'a> Builder<'a> {
    pub(super) fn new(quirks: &'a Quirks) -> Self {
        Self {
            map: Map::new(),
            quirks,
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
        Value::Object(self.map).to_string().into_bytes()
    }

    fn takes(&self, name: &str) -> bool {
        !self.quirks.without.iter().any(|without| without == name)
    }
}

/// Returns the turns that say something, with the usual words for their roles.
pub(super) fn told(ask: &Ask) -> impl Iterator<Item = (&'static str, &str)> {
    let turns = ask.turns.iter().filter(|turn| !turn.text.is_empty());
    turns.map(|turn| {
        let role = match turn.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        (role, turn.text.as_str())
    })
}

/// Makes the value of a header that holds a key.
pub(super) fn secret(before: &str, key: &SecretString) -> SecretString {
    format!("{before}{}", key.expose_secret()).into()
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
