//! What the machine is told and what it says.

use std::time::Duration;

use crate::{
    domain::{
        Cost, Ending, Fault, FaultClass, HoldId, LinkName, Mono, RateLeft, SkipReason, Usage, Usd,
    },
    engine::policy::Limits,
};

/// What happened. Attempts are named by the number of their [`Wanted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Begin.
    Start,
    /// The ledger holds this much for the attempt.
    Granted {
        /// Which attempt.
        attempt: u32,
        /// The hold, to be settled exactly once.
        hold: HoldId,
        /// How much; may be less than the ceiling.
        held: Usd,
    },
    /// The ledger holds nothing.
    Denied {
        /// Which attempt.
        attempt: u32,
    },
    /// The ledger could not be written: no call may be made.
    NoLedger {
        /// Which attempt.
        attempt: u32,
        /// Why, for the receipt.
        why: String,
    },
    /// Something was learnt about the call.
    Fact {
        /// Which attempt.
        attempt: u32,
        /// What.
        fact: Fact,
    },
    /// The next piece of the answer.
    Text {
        /// Which attempt.
        attempt: u32,
        /// The words.
        piece: String,
    },
    /// The answer brought something of its own that is no text: a piece of a tool call.
    Said {
        /// Which attempt.
        attempt: u32,
    },
    /// What was shown has left this program: nothing may take its place any more.
    Released,
    /// The answer is whole.
    Ended {
        /// Which attempt.
        attempt: u32,
        /// Whether the model was done.
        whole: Whole,
        /// What the provider counted.
        usage: Usage,
    },
    /// The call failed.
    Failed {
        /// Which attempt.
        attempt: u32,
        /// How.
        fault: Box<Fault>,
        /// What the provider had counted until then.
        usage: Usage,
    },
    /// A time that was asked for has come.
    Tick,
    /// A person stopped it.
    Cancel,
}

/// Something learnt about a call that decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A good status came.
    Opened {
        /// The HTTP status.
        status: u16,
        /// The provider's id for the request.
        request: Option<String>,
        /// Time to a new connection.
        connect: Option<Duration>,
    },
    /// The provider said what is left of its rate limit.
    Left(RateLeft),
    /// The model thinks.
    Thinking,
    /// The model that answers named itself.
    Model(String),
    /// The provider named the request in the body.
    Request(String),
}

/// Whether a model was done when its answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It was.
    Done,
    /// It reached the output limit.
    AtLimit,
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Ask the ledger for money.
    Hold(Wanted),
    /// Tell the ledger what an attempt cost and ask it for the next one's money, in one go.
    Exchange {
        /// The hold of the attempt that is over.
        hold: HoldId,
        /// What it came to.
        cost: Cost,
        /// What is wanted for the next.
        next: Wanted,
    },
    /// Make a connection to a link that may be asked soon.
    Warm {
        /// Which.
        link: LinkName,
    },
    /// Open a call.
    Call(Box<Call>),
    /// For the receipt: a link is not asked.
    Skip {
        /// Which.
        link: LinkName,
        /// Why.
        because: SkipReason,
    },
    /// Drop the call, or the wish for money.
    Abort {
        /// Which attempt.
        attempt: u32,
    },
    /// Tell the ledger what an attempt cost.
    Settle {
        /// The hold.
        hold: HoldId,
        /// What it came to.
        cost: Cost,
    },
    /// Give a [`Input::Tick`] at this time.
    Wake {
        /// When.
        at: Mono,
    },
    /// The next piece of the answer being shown.
    Show {
        /// Who speaks.
        attempt: u32,
        /// The words.
        piece: String,
    },
    /// What was shown is void; this attempt begins anew.
    Replace {
        /// Who speaks from now on.
        attempt: u32,
        /// What ended the one before.
        because: FaultClass,
    },
    /// It is over.
    Done(Ending),
}

/// Money wanted for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Which attempt.
    pub attempt: u32,
    /// The number it is likely to have on the receipt.
    pub no: u32,
    /// For which link.
    pub link: LinkName,
    /// The worst case.
    pub ceiling: Usd,
    /// Less than this is no use.
    pub floor: Usd,
    /// Whether it may be waited for.
    pub patience: Patience,
}

/// Whether money is waited for that other drafts hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It is.
    Waits,
    /// It is not: another attempt is in flight already.
    Never,
}

/// One call to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which attempt.
    pub attempt: u32,
    /// Whom to ask.
    pub link: LinkName,
    /// The most tokens it may write.
    pub output_limit: u32,
    /// The four clocks.
    pub limits: Limits,
    /// Parameters to leave out.
    pub without: Vec<String>,
}
