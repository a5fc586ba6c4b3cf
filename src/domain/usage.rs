//! Tokens, as the provider counted them.

use serde::{Deserialize, Serialize};

use super::Usd;

/// Whether one count is a part of another or stands beside it; providers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// Part of the larger count: OpenAI's cached and reasoning tokens.
    #[default]
    Inside,
    /// Beside it: Anthropic's cache counts, Gemini's thinking tokens.
    Outside,
}

/// What the provider reported; a count it did not give is `None`, never 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens, as reported.
    pub tokens_in: Option<u64>,
    /// Output tokens, as reported.
    pub tokens_out: Option<u64>,
    /// Input tokens read from a cache.
    pub tokens_cached: Option<u64>,
    /// Input tokens written to a short-lived cache.
    pub tokens_cache_write: Option<u64>,
    /// Input tokens written to a long-lived cache (Anthropic: one hour).
    pub tokens_cache_write_long: Option<u64>,
    /// Tokens spent on thinking.
    pub tokens_thinking: Option<u64>,
    /// Whether cache counts are inside `tokens_in`.
    pub cached: Counting,
    /// Whether thinking is inside `tokens_out`.
    pub thinking: Counting,
    /// The provider's own price for the call (`OpenRouter`'s `usage.cost`); it wins over ours.
    pub cost: Option<Usd>,
}

impl Usage {
    /// Tells whether both sides of the call were counted by the provider.
    pub const fn is_whole(&self) -> bool {
        self.tokens_in.is_some() && self.tokens_out.is_some()
    }
}
