//! What must come of each fault: the table that the matrix is checked against.

use deskhand::domain::{Ending, FaultClass};

/// What follows a fault on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The next link is asked; on the last link nothing more.
    Next,
    /// The next link is asked; the last link once more.
    Again,
    /// The run ends.
    Stop(Ending),
    /// The answer is kept.
    Kept(Ending),
}

/// One fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name at the simulator; `refused` is a port where nobody listens.
    pub(crate) fault: &'static str,
    /// Its class in the receipt.
    pub(crate) class: FaultClass,
    /// What follows.
    pub(crate) then: Then,
    /// Whether a stream has shown words before it strikes.
    pub(crate) after_words: bool,
    /// Whether a clock of ours must run out to notice it.
    pub(crate) by_clock: bool,
}

const fn row(fault: &'static str, class: FaultClass, then: Then) -> Row {
    Row {
        fault,
        class,
        then,
        after_words: false,
        by_clock: false,
    }
}

const fn breaks_off(fault: &'static str, class: FaultClass) -> Row {
    Row {
        after_words: true,
        ..row(fault, class, Then::Again)
    }
}

/// Every fault the simulator knows, and a refused connection.
pub(crate) const ROWS: [Row; 22] = [
    row("429-30", FaultClass::RateLimited, Then::Next),
    row("429-bare", FaultClass::RateLimited, Then::Next),
    row("quota", FaultClass::OutOfCredit, Then::Next),
    row("500", FaultClass::ServerError, Then::Again),
    row("502", FaultClass::ServerError, Then::Again),
    row("503", FaultClass::Overloaded, Then::Again),
    row("529", FaultClass::Overloaded, Then::Again),
    row(
        "401",
        FaultClass::KeyRefused,
        Then::Stop(Ending::KeyRefused),
    ),
    // Unexplained, it speaks of this model for this key.
    row("403", FaultClass::ModelGone, Then::Next),
    row("404", FaultClass::ModelGone, Then::Next),
    row("400", FaultClass::BadInput, Then::Stop(Ending::BadInput)),
    // No link has a window that is known to be larger.
    row("too-long", FaultClass::TooLong, Then::Stop(Ending::TooLong)),
    row("refusal", FaultClass::Refused, Then::Stop(Ending::Refused)),
    row("empty", FaultClass::Empty, Then::Again),
    row("refused", FaultClass::Unreachable, Then::Next),
    Row {
        by_clock: true,
        ..row("hang", FaultClass::TimedOut, Then::Next)
    },
    Row {
        by_clock: true,
        then: Then::Next,
        ..breaks_off("stall-4", FaultClass::TimedOut)
    },
    breaks_off("cut-4", FaultClass::Cut),
    breaks_off("reset-4", FaultClass::Cut),
    breaks_off("error-event-4", FaultClass::Overloaded),
    breaks_off("malformed-4", FaultClass::ServerError),
    row(
        "truncated",
        FaultClass::Truncated,
        Then::Kept(Ending::Truncated),
    ),
];
