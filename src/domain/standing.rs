//! How keys and links have behaved lately, as far as it outlives a run.

use super::{FaultClass, LinkName, ProviderName, Timestamp};

/// A link that must not be asked before a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Which link.
    pub link: LinkName,
    /// Until when.
    pub until: Timestamp,
    /// Why.
    pub because: FaultClass,
}

/// What is known of a provider's key, bound to a fingerprint of the key and the base URL, so that
/// a new key is tried at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStanding {
    /// Whose key.
    pub provider: ProviderName,
    /// SHA-256 over key and base URL, in hex, cut to 16 characters: cannot be turned back.
    pub fingerprint: String,
    /// What was seen.
    pub state: KeyState,
    /// When it was seen.
    pub since: Timestamp,
    /// The provider's words.
    pub said: Option<String>,
}

/// What was last seen of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The provider accepted it.
    Verified,
    /// The provider refused it.
    Invalid,
    /// The provider accepts it but its credit is spent.
    NoCredit,
}

impl KeyState {
    /// Returns the word in SQL and JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Invalid => "invalid",
            Self::NoCredit => "no_credit",
        }
    }
}
