//! Faults by name: what goes wrong with one request.

use std::{fmt, str::FromStr};

/// One way in which a provider fails. Numbers are words sent before, milliseconds or seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After` in seconds.
    RateLimit(u32),
    /// 429 without a time.
    RateLimitBare,
    /// No credit or quota left, in the provider's own way.
    Quota,
    /// 500.
    ServerError,
    /// 502 with an edge's HTML.
    BadGateway,
    /// 503.
    Unavailable,
    /// 529 (503 where the provider has no 529).
    Overloaded,
    /// 401.
    WrongKey,
    /// 403.
    Forbidden,
    /// 404 for the model.
    NoModel,
    /// 400.
    BadRequest,
    /// The prompt does not fit.
    TooLong,
    /// The model declines.
    Refusal,
    /// A good end without a word.
    Empty,
    /// Takes the request and never answers.
    Hang,
    /// Waits so many milliseconds before the first word.
    Slow(u32),
    /// Stops sending after so many words, the connection open.
    Stall(u32),
    /// Closes after so many words, without the protocol's end.
    Cut(u32),
    /// Resets the connection after so many words.
    Reset(u32),
    /// An error event after so many words, inside a 200.
    ErrorEvent(u32),
    /// A frame that is not JSON after so many words.
    Malformed(u32),
    /// Ends at the output limit.
    Truncated,
}

/// Every fault with its name and the number it takes when none is given.
const NAMES: [(&str, Fault); 24] = [
    ("429", Fault::RateLimit(30)),
    ("429-bare", Fault::RateLimitBare),
    ("quota", Fault::Quota),
    ("500", Fault::ServerError),
    ("502", Fault::BadGateway),
    ("503", Fault::Unavailable),
    ("529", Fault::Overloaded),
    ("401", Fault::WrongKey),
    ("403", Fault::Forbidden),
    ("404", Fault::NoModel),
    ("400", Fault::BadRequest),
    ("too-long", Fault::TooLong),
    ("refusal", Fault::Refusal),
    ("empty", Fault::Empty),
    ("hang", Fault::Hang),
    ("slow", Fault::Slow(1_000)),
    ("stall", Fault::Stall(5)),
    ("cut", Fault::Cut(5)),
    ("reset", Fault::Reset(5)),
    ("error-event", Fault::ErrorEvent(5)),
    ("malformed", Fault::Malformed(5)),
    ("truncated", Fault::Truncated),
    ("overloaded", Fault::Overloaded),
    ("rate-limit", Fault::RateLimit(30)),
];

/// Returns the names of all faults, for help and errors.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

/// Says that a word names no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault(pub String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no fault `{}`; there are: ", self.0)?;
        for (at, name) in names().enumerate() {
            write!(f, "{}{name}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFault {}

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads `cut`, `cut=12` or, as in a model's name, `cut-12`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let exact = |name: &str| {
            NAMES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, f)| *f)
        };
        if let Some(fault) = exact(text) {
            return Ok(fault);
        }
        let split = text.split_once('=').or_else(|| text.rsplit_once('-'));
        let numbered =
            split.and_then(|(name, number)| Some(exact(name)?.with(number.parse().ok()?)));
        numbered.ok_or_else(|| UnknownFault(text.chars().take(40).collect()))
    }
}

impl Fault {
    /// Reads a fault out of a model's name: `sim-429`, `anything-sim-cut-12`.
    pub fn in_model(model: &str) -> Option<Self> {
        let (_, name) = model.split_once("sim-")?;
        name.parse().ok()
    }

    /// Returns the same fault with another number, where it has one.
    fn with(mut self, number: u32) -> Self {
        if let Some(own) = self.number_mut() {
            *own = number;
        }
        self
    }

    /// Returns its number: words before it strikes, milliseconds or seconds.
    const fn number_mut(&mut self) -> Option<&mut u32> {
        match self {
            Self::RateLimit(n)
            | Self::Slow(n)
            | Self::Stall(n)
            | Self::Cut(n)
            | Self::Reset(n)
            | Self::ErrorEvent(n)
            | Self::Malformed(n) => Some(n),
            Self::RateLimitBare
            | Self::Quota
            | Self::ServerError
            | Self::BadGateway
            | Self::Unavailable
            | Self::Overloaded
            | Self::WrongKey
            | Self::Forbidden
            | Self::NoModel
            | Self::BadRequest
            | Self::TooLong
            | Self::Refusal
            | Self::Empty
            | Self::Hang
            | Self::Truncated => None,
        }
    }

    /// Returns after how many words an answer breaks off, if it does.
    pub(super) fn breaks_after(mut self) -> Option<usize> {
        let is_a_break = matches!(
            self,
            Self::Stall(_)
                | Self::Cut(_)
                | Self::Reset(_)
                | Self::ErrorEvent(_)
                | Self::Malformed(_)
        );
        let words = self.number_mut().filter(|_| is_a_break)?;
        usize::try_from(*words).ok()
    }

    /// Returns the name it is set by.
    pub fn name(mut self) -> String {
        let kind = std::mem::discriminant(&self);
        let is_same = |known: &Self| std::mem::discriminant(known) == kind;
        let name = NAMES
            .iter()
            .find(|(_, known)| is_same(known))
            .map_or("fault", |(name, _)| *name);
        self.number_mut()
            .map_or_else(|| name.to_owned(), |number| format!("{name}={number}"))
    }
}

/// The faults that are not an answer with a bad status of the provider's own: a pattern.
macro_rules! not_refused {
    () => {
        Fault::BadGateway
            | Fault::Refusal
            | Fault::Empty
            | Fault::Hang
            | Fault::Slow(_)
            | Fault::Stall(_)
            | Fault::Cut(_)
            | Fault::Reset(_)
            | Fault::ErrorEvent(_)
            | Fault::Malformed(_)
            | Fault::Truncated
    };
}
pub(super) use not_refused;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_with_and_without_its_number() {
        assert_eq!("cut".parse(), Ok(Fault::Cut(5)));
        assert_eq!("cut=12".parse(), Ok(Fault::Cut(12)));
        assert_eq!(Fault::in_model("sim-429-41"), Some(Fault::RateLimit(41)));
        assert_eq!(Fault::in_model("sim-429-bare"), Some(Fault::RateLimitBare));
        assert_eq!(Fault::in_model("gpt-4o-mini"), None);
        assert!(
            "nonsense"
                .parse::<Fault>()
                .unwrap_err()
                .to_string()
                .contains("429-bare")
        );
    }

    #[test]
    fn every_name_is_read_back() {
        for (name, fault) in NAMES {
            assert_eq!(name.parse(), Ok(fault));
            assert_eq!(fault.name().parse(), Ok(fault));
        }
    }
}
