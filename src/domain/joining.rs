//! What a merge makes of two tickets, and why two are not merged or a merge is not undone.

use super::{Status, TicketId};

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
    /// What it would go on in is out of the queue: nobody would see it there.
    #[error(
        "#{number} is in quarantine ({because}), where nobody would see what goes on in it. \
         Release it first; then merge."
    )]
    Quarantined {
        /// Which.
        number: i64,
        /// Why it is there.
        because: String,
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
    /// All that went over was split off since.
    #[error("Every message of #{0} was split off since the merge: nothing would come back.")]
    NothingLeft(i64),
}

/// Returns the status of a ticket that another goes on in: the more urgent of the two, so that no
/// merge takes a question out of the queue.
pub fn together(into: Status, from: Status) -> Status {
    let is_over = |one| matches!(one, Status::Spam | Status::Merged | Status::Deleted);
    let asks = |one| matches!(one, Status::New | Status::Open);
    if asks(into) || is_over(into) || is_over(from) {
        into
    } else if asks(from) {
        // Somebody has acted on it: it is not new.
        Status::Open
    } else {
        into.min(from)
    }
}

/// What one merge did to the status of the ticket that it went into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The ticket that went over.
    pub merged: TicketId,
    /// How that one stood; none where it was in quarantine and asked nothing of the desk.
    pub was: Option<Status>,
    /// How the ticket it went into stood before, and after.
    pub into: (Status, Status),
}

impl Layer {
    /// Lays one ticket into another.
    pub fn new(merged: TicketId, was: Option<Status>, into: Status) -> Self {
        let after = was.map_or(into, |was| together(into, was));
        Self {
            merged,
            was,
            into: (into, after),
        }
    }
}

/// Takes one merge out of those of a ticket, oldest first, and returns how the ticket stands
/// without it: where nobody has changed its status since, as if that merge had never been.
pub fn lift(layers: &mut Vec<Layer>, merged: TicketId, now: Status) -> Status {
    let Some(place) = layers.iter().rposition(|layer| layer.merged == merged) else {
        return now;
    };
    let (mut without, mut with) = layers.remove(place).into;
    for layer in layers.iter_mut().skip(place) {
        if layer.into.0 != with {
            // It was changed between the two: what follows stands on that.
            return now;
        }
        with = layer.into.1;
        *layer = Layer::new(layer.merged, layer.was, without);
        without = layer.into.1;
    }
    if now == with { without } else { now }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ticket(n: u128) -> TicketId {
        TicketId::new(Uuid::from_u128(n))
    }

    #[test]
    fn the_more_urgent_status_counts() {
        use Status::{Closed, Hold, New, Open, Pending, Solved};
        for (into, from, then) in [
            (New, Open, New),
            (Open, New, Open),
            (Solved, New, Open),
            (Closed, Open, Open),
            (Solved, Pending, Pending),
            (Pending, Solved, Pending),
            (Closed, Solved, Solved),
            (Solved, Hold, Hold),
        ] {
            assert_eq!(together(into, from), then, "{from} into {into}");
        }
    }

    #[test]
    fn merges_are_lifted_in_any_order() {
        let (open, pending) = (Some(Status::Open), Some(Status::Pending));
        for (first, second) in [(1, 2), (2, 1)] {
            let mut layers = vec![Layer::new(ticket(1), open, Status::Solved)];
            let whole = Layer::new(ticket(2), pending, layers[0].into.1);
            layers.push(whole);

            let between = lift(&mut layers, ticket(first), whole.into.1);
            let last = lift(&mut layers, ticket(second), between);

            let stays = if first == 1 { pending } else { open };
            assert_eq!((Some(between), last), (stays, Status::Solved));
        }
    }

    #[test]
    fn what_a_person_chose_since_is_kept() {
        let mut layers = vec![Layer::new(ticket(1), Some(Status::Open), Status::Solved)];
        assert_eq!(
            lift(&mut layers.clone(), ticket(1), Status::Pending),
            Status::Pending
        );
        // Pending by hand between two merges: only the second is lifted to that.
        layers.push(Layer::new(ticket(2), Some(Status::Open), Status::Pending));
        let now = lift(&mut layers, ticket(1), Status::Open);
        assert_eq!(now, Status::Open);
        assert_eq!(lift(&mut layers, ticket(2), now), Status::Pending);
        assert_eq!(lift(&mut layers, ticket(9), now), now, "not one of them");
    }
}
