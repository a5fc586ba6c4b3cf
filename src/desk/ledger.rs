//! What driving a run needs of the outside: money and a voice.
//!
//! Two traits, because tests bring scripted bodies; the program's are the store and the transport.

use std::future::Future;

use crate::{
    domain::{Cost, HoldId, LinkName, Timestamp, Usd},
    engine::run::Call,
    llm::heard::Heard,
};

/// Holds money before a call and settles it after. The body knows the cap, the period, the run and
/// the ticket.
pub trait Ledger: Send + Sync {
    /// Holds money, in one transaction that checks the cap.
    fn hold(&self, wish: &Wish) -> impl Future<Output = Result<Answer, LedgerError>> + Send;

    /// Settles a hold at what the attempt cost.
    fn settle(
        &self,
        hold: HoldId,
        cost: Cost,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Settles a hold and holds money for the next attempt, in one transaction: the cap is checked
    /// against what was just settled. A wish that is denied leaves the settlement in place.
    fn exchange(
        &self,
        hold: HoldId,
        cost: Cost,
        wish: &Wish,
    ) -> impl Future<Output = Result<Answer, LedgerError>> + Send;
}

/// A wish for money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The identity the hold will have.
    pub id: HoldId,
    /// Which attempt, as the receipt will number it.
    pub attempt: u32,
    /// Who is to be asked.
    pub link: LinkName,
    /// The worst case.
    pub ceiling: Usd,
    /// Less is no use.
    pub floor: Usd,
    /// When.
    pub at: Timestamp,
}

/// What the ledger says to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// So much is held: the ceiling, or what is free when that is no less than the floor.
    Granted(Usd),
    /// Less than the floor is free.
    Denied {
        /// What is free.
        free: Usd,
        /// What others hold at this moment; it may become free when they settle.
        held: Usd,
    },
}

/// Says that the ledger could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger could not {did}: {why}")]
pub struct LedgerError {
    /// What was tried: `hold money`, `settle a call`.
    pub did: &'static str,
    /// Why not.
    pub why: String,
}

/// Opens calls to models.
pub trait Speaker: Send + Sync {
    /// One call under way; dropping it closes its socket.
    type Talk: Talk + 'static;

    /// Opens a call. Does not wait: what goes wrong is heard.
    fn speak(&self, call: &Call) -> Self::Talk;

    /// Makes a connection to a link that may be asked soon, where that is possible. Does not wait.
    fn warm(&self, _: &LinkName) {}
}

/// One call under way.
pub trait Talk: Send {
    /// Returns the next thing heard; `Ended` or `Failed` exactly once, and then no more is asked.
    fn next(&mut self) -> impl Future<Output = Heard> + Send;
}
