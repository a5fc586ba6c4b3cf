//! What went wrong with a call: data that the engine decides on and the receipt keeps.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// One failure of one attempt, in the provider's words and in ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row of ENGINE section 2.
    pub class: FaultClass,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The provider's own words, cut to 500 characters and free of keys and control characters.
    pub said: Option<String>,
    /// The provider's own code or type, e.g. `insufficient_quota`.
    pub code: Option<String>,
    /// The provider's id for the request.
    pub request: Option<String>,
    /// How long the provider asks us to wait.
    pub wait: Option<Duration>,
    /// When a quota that was used up comes back, where the provider names it.
    pub until: Option<Timestamp>,
    /// Whether the quota that was used up is one model's, and not the key's.
    pub is_of_model: bool,
    /// A parameter that the provider refuses, where it names one: `max_tokens`, `temperature`.
    pub parameter: Option<String>,
    /// Which clock ran out, for `TimedOut`.
    pub clock: Option<ClockName>,
    /// Whether the provider may want money for it.
    pub billed: Billed,
    /// What the answer said is left of the rate limit.
    pub left: Option<super::RateLeft>,
}

impl Fault {
    /// Makes a fault of a class, with nothing else known and no bill.
    pub const fn new(class: FaultClass) -> Self {
        Self {
            class,
            status: None,
            said: None,
            code: None,
            request: None,
            wait: None,
            until: None,
            is_of_model: false,
            parameter: None,
            clock: None,
            billed: Billed::No,
            left: None,
        }
    }

    /// Adds words for people.
    #[must_use]
    pub fn saying(mut self, said: impl Into<String>) -> Self {
        self.said = Some(said.into());
        self
    }
}

/// The four clocks of ENGINE section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockName {
    /// Connecting, with TLS.
    Connect,
    /// Waiting for the first content.
    FirstText,
    /// Waiting between two useful events.
    Gap,
    /// The whole attempt or run.
    Total,
}

impl ClockName {
    /// Returns words for people: "no first words in time".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Connect => "did not connect in time",
            Self::FirstText => "no first words in time",
            Self::Gap => "stalled in mid-answer",
            Self::Total => "took too long altogether",
        }
    }
}

/// The rows of ENGINE section 2; `class` in receipts and in JSON is their `snake_case`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// Too many requests for now.
    RateLimited,
    /// No money or quota left there.
    OutOfCredit,
    /// Too busy (529, 503).
    Overloaded,
    /// Broke on their side (500, 502, 504, an edge's HTML, an error event inside a 200).
    ServerError,
    /// Refused, not found, reset before the first byte.
    Unreachable,
    /// One of the four clocks ran out.
    TimedOut,
    /// The model is retired, unknown or not for us.
    ModelGone,
    /// Ended well but without a word.
    Empty,
    /// Ended without the protocol's own end.
    Cut,
    /// Ended at the output limit; the text is kept.
    Truncated,
    /// The key is wrong, revoked or not allowed.
    KeyRefused,
    /// The request itself is wrong.
    BadInput,
    /// The prompt does not fit the model's window.
    TooLong,
    /// The model or its provider declined.
    Refused,
    /// A person stopped it.
    Cancelled,
    /// The ledger did not grant it.
    OverCap,
}

/// Every class, in the order of the table.
pub const FAULT_CLASSES: [FaultClass; 16] = [
    FaultClass::RateLimited,
    FaultClass::OutOfCredit,
    FaultClass::Overloaded,
    FaultClass::ServerError,
    FaultClass::Unreachable,
    FaultClass::TimedOut,
    FaultClass::ModelGone,
    FaultClass::Empty,
    FaultClass::Cut,
    FaultClass::Truncated,
    FaultClass::KeyRefused,
    FaultClass::BadInput,
    FaultClass::TooLong,
    FaultClass::Refused,
    FaultClass::Cancelled,
    FaultClass::OverCap,
];

impl FaultClass {
    /// Returns the name in receipts, JSON and SQL.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::OutOfCredit => "out_of_credit",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server_error",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed_out",
            Self::ModelGone => "model_gone",
            Self::Empty => "empty",
            Self::Cut => "cut",
            Self::Truncated => "truncated",
            Self::KeyRefused => "key_refused",
            Self::BadInput => "bad_input",
            Self::TooLong => "too_long",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::OverCap => "over_cap",
        }
    }

    /// Returns words for people, as on the receipt: "rate limited".
    pub const fn words(self) -> &'static str {
        match self {
            Self::RateLimited => "rate limited",
            Self::OutOfCredit => "out of credit",
            Self::Overloaded => "overloaded",
            Self::ServerError => "server error",
            Self::Unreachable => "not reachable",
            Self::TimedOut => "timed out",
            Self::ModelGone => "model not available",
            Self::Empty => "empty answer",
            Self::Cut => "cut off in mid-answer",
            Self::Truncated => "stopped at the limit",
            Self::KeyRefused => "key refused",
            Self::BadInput => "request not accepted",
            Self::TooLong => "too long for the model",
            Self::Refused => "declined to answer",
            Self::Cancelled => "cancelled",
            Self::OverCap => "over the cap",
        }
    }
}

/// Whether the provider may want money for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Billed {
    /// It failed before any provider would bill.
    No,
    /// Nobody can tell: counted at its ceiling, marked `~`.
    Maybe,
    /// Yes, as reported.
    Yes,
}
