//! Why two tickets are not merged, or a merge is not undone.

use super::Status;

/// Says why two tickets are not merged, or a merge is not undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotJoined {
    /// It was to go on in itself.
    #[error("#{0} cannot be merged into itself. Name the ticket that it is to go on in.")]
    Itself(i64),
    /// In this status a ticket is not merged, nor merged into.
    #[error("#{number} is {status}, and such a ticket is not merged. Bring it back first.")]
    Over {
        /// Which.
        number: i64,
        /// How it stands.
        status: Status,
    },
    /// A reply of it is on its way out.
    #[error("A reply of #{0} is on its way out. Take it back or let it leave; then merge.")]
    OnItsWay(i64),
    /// It is not merged, or was merged before merges could be undone.
    #[error("There is no merge of #{0} to undo. To take single messages out, split them off.")]
    NotMerged(i64),
    /// The ticket it went on in was merged as well.
    #[error(
        "#{number} went on in #{into}, which was merged since. Undo the merge of #{into} first."
    )]
    WentOn {
        /// Which.
        number: i64,
        /// Where it went on.
        into: i64,
    },
}
