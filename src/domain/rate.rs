//! What is left of a rate limit, as a provider last said it.

use serde::{Deserialize, Serialize};

/// What is left of the limits of one link, out of the headers of its newest answer. What a provider
/// does not say is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLeft {
    /// Requests that may still be made until the limit is set back.
    pub requests: Option<u64>,
    /// How many that are when none was made.
    pub requests_limit: Option<u64>,
    /// Tokens that may still be used.
    pub tokens: Option<u64>,
    /// How many that are when none was used.
    pub tokens_limit: Option<u64>,
}

impl RateLeft {
    /// Tells whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Returns it in words: `49 of 50 requests, 3200 tokens`.
    pub fn words(&self) -> String {
        let part = |left: Option<u64>, limit: Option<u64>, what: &str| {
            let left = left?;
            Some(limit.map_or_else(
                || format!("{left} {what}"),
                |limit| format!("{left} of {limit} {what}"),
            ))
        };
        let parts = [
            part(self.requests, self.requests_limit, "requests"),
            part(self.tokens, self.tokens_limit, "tokens"),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return "unknown".to_owned();
        }
        parts.join(", ")
    }
}
