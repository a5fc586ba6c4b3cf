//! Spending: the cap, the period it covers, and how the meter stands.

use serde::{Deserialize, Serialize};

use super::{Cost, Timestamp, Usd};

/// A calendar month, in the time zone of the config: `2026-11`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Period {
    /// `2026-11`; the key in the ledger.
    pub name: String,
    /// When it ends and the count starts anew.
    pub ends: Timestamp,
}

/// The limit on spending in one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// Nobody has chosen yet; the first draft asks.
    NotChosen,
    /// Declared absent in so many words.
    None,
    /// At most this much in a month.
    Month(Usd),
}

/// Limits beside the month's; the smallest wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SideCaps {
    /// At most this much in a day, and when the day began.
    pub day: Option<(Usd, Timestamp)>,
    /// At most this much for one ticket, for as long as it lives.
    pub ticket: Option<Usd>,
}

/// Which limit denied a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapName {
    /// The month's.
    Month,
    /// The day's.
    Day,
    /// The ticket's own.
    Ticket,
}

impl CapName {
    /// Returns the word in JSON: `month`, `day` or `ticket`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Day => "day",
            Self::Ticket => "ticket",
        }
    }

    /// Returns the command that changes it.
    pub const fn command(self) -> &'static str {
        match self {
            Self::Month => "deskhand spend cap AMOUNT",
            Self::Day => "deskhand spend cap --day AMOUNT",
            Self::Ticket => "deskhand spend cap --ticket AMOUNT",
        }
    }

    /// Returns what was reached, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Month => "the month's cap",
            Self::Day => "the day's cap",
            Self::Ticket => "the ticket's cap",
        }
    }
}

/// How the ledger stands in one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Which month.
    pub period: Period,
    /// The limit.
    pub cap: Cap,
    /// Settled at what providers reported.
    pub settled_known: Usd,
    /// Settled as upper bounds: the `~` part.
    pub settled_at_most: Usd,
    /// Held for calls under way.
    pub held: Usd,
    /// Whether AI work is paused: free money is below the cheapest useful draft.
    pub paused: bool,
}

impl Meter {
    /// Returns all that is settled, certain or not.
    pub const fn settled(&self) -> Usd {
        self.settled_known.plus(self.settled_at_most)
    }

    /// Returns the same as a cost: a bound where some of it is not certain.
    pub const fn cost(&self) -> Cost {
        Cost::of_parts(self.settled_known, self.settled_at_most)
    }

    /// Returns what may still be held; without a cap, everything.
    pub fn free(&self) -> Usd {
        match self.cap {
            Cap::Month(cap) => cap.minus(self.settled()).minus(self.held),
            Cap::None | Cap::NotChosen => Usd::MAX,
        }
    }

    /// Returns settled over cap in whole percent, rounded down; none without a cap.
    pub fn percent(&self) -> Option<u32> {
        match self.cap {
            Cap::Month(cap) => Some(self.settled().percent_of(cap)),
            Cap::None | Cap::NotChosen => None,
        }
    }
}
