//! People outside the desk.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A person by address, with the name they give themselves. Both are foreign text.
#[derive(Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Contact {
    /// The name in the header, if there was one.
    pub name: Option<String>,
    /// The address, lower-cased in its domain; empty when the mail named nobody.
    pub address: String,
}

impl Contact {
    /// Returns the name to show: the given one, else the address, else "unknown sender".
    pub fn shown(&self) -> &str {
        match &self.name {
            Some(name) if !name.trim().is_empty() => name,
            Some(_) | None if !self.address.is_empty() => &self.address,
            Some(_) | None => "unknown sender",
        }
    }

    /// Returns an address in lower case and without what stands behind a `+`: `maya+shop@x` is
    /// read by whom `maya@x` is.
    pub fn untagged(address: &str) -> String {
        let address = address.to_lowercase();
        match address.rsplit_once('@') {
            Some((local, domain)) => {
                let name = local.split_once('+').map_or(local, |(name, _)| name);
                format!("{name}@{domain}")
            }
            None => address,
        }
    }

    /// Tells whether both are the same mailbox; letter case does not count.
    pub fn is_same_mailbox(&self, other: &Self) -> bool {
        !self.address.is_empty() && self.address.eq_ignore_ascii_case(&other.address)
    }
}

impl fmt::Debug for Contact {
    /// Writes no name and no address: they are people's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Contact […]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_no_part_of_a_mailbox() {
        for (address, untagged) in [
            ("Maya+dh-7-a@Acme.test", "maya@acme.test"),
            ("maya@acme.test", "maya@acme.test"),
            ("a+b+c@x", "a@x"),
            ("nobody", "nobody"),
        ] {
            assert_eq!(Contact::untagged(address), untagged);
        }
    }
}
