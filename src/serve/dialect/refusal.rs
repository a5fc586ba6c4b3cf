//! A request that is not answered, and why.

use std::time::Duration;

/// Says why a request is not answered; each dialect has its own words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status, before any byte of an answer has gone out.
    pub status: u16,
    /// What kind it is.
    pub kind: RefusalKind,
    /// What happened, why, and what to do.
    pub message: String,
    /// A word for programs, where there is one that is more particular than the kind's.
    pub code: Option<String>,
    /// The member of the request at fault.
    pub param: Option<String>,
    /// After how long it is worth asking again.
    pub retry_after: Option<Duration>,
    /// The methods that the path takes, where another one was used.
    pub allow: Option<&'static str>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request is wrong.
    BadInput,
    /// The prompt does not fit the model's window.
    TooLong,
    /// No token, or a wrong one; or no provider took its key.
    Auth,
    /// From an address or a page that may not ask.
    Forbidden,
    /// There is no such model.
    UnknownModel,
    /// There is no such path.
    UnknownPath,
    /// The path does not take this method.
    WrongMethod,
    /// The body is too large.
    TooLarge,
    /// Too much is asked at once.
    RateLimited,
    /// A provider has no credit left.
    NoCredit,
    /// The spend cap is reached.
    OverCap,
    /// The model, or its provider's filter, declined.
    Declined,
    /// No provider has room.
    Overloaded,
    /// The providers failed.
    Upstream,
    /// The providers did not answer in time.
    TimedOut,
    /// This server failed.
    Internal,
}

impl RefusalKind {
    /// Returns the status where nothing else is known.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadInput | Self::TooLong | Self::Declined => 400,
            Self::Auth => 401,
            Self::NoCredit | Self::OverCap => 402,
            Self::Forbidden => 403,
            Self::UnknownModel | Self::UnknownPath => 404,
            Self::WrongMethod => 405,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Upstream => 502,
            Self::Overloaded => 503,
            Self::TimedOut => 504,
        }
    }
}

impl Refusal {
    /// Makes a refusal with the kind's own status.
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self {
            status: kind.status(),
            kind,
            message: message.into(),
            code: None,
            param: None,
            retry_after: None,
            allow: None,
        }
    }

    /// Makes the refusal of a request that is wrong in one member.
    pub fn wrong(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: Some(param.into()),
            ..Self::new(RefusalKind::BadInput, message)
        }
    }
}
