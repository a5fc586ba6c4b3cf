//! Drafts that could not be made and are still wanted.

use super::{Ending, Ticket, Timestamp};

/// A draft that was asked for and could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// For which ticket.
    pub ticket: Ticket,
    /// How its run ended.
    pub because: Ending,
    /// When it was first asked for.
    pub at: Timestamp,
}

impl Ending {
    /// Tells whether a run that ended so may come out better later, with nothing changed about the
    /// ticket: the cap, the providers or the line were in the way.
    pub const fn is_worth_another_try(self) -> bool {
        match self {
            Self::OverCap | Self::Failed | Self::Offline | Self::NoLink | Self::KeyRefused => true,
            Self::Answered
            | Self::Truncated
            | Self::BadInput
            | Self::TooLong
            | Self::Refused
            | Self::Cancelled
            | Self::Lost => false,
        }
    }
}
