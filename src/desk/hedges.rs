//! Second models for slow ones: how many drafts of this desk may have one.

use super::{Desk, drive::Outcome};
use crate::engine::{hedge::Bucket, plan::Plan, policy::Hedging};

/// Whether a draft may ask a second model, and what becomes of that right when it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    Allowed,
    No,
}

impl Desk {
    /// Returns the plan as it may be driven: without a second model where the config wants none, or
    /// where enough drafts had one lately.
    pub(super) fn with_company(&self, mut plan: Plan) -> (Plan, Company) {
        if plan.policy.hedge == Hedging::Off {
            return (plan, Company::No);
        }
        let may = self.background.hedges.send_if_modified(Bucket::begin);
        if may {
            return (plan, Company::Allowed);
        }
        plan.policy.hedge = Hedging::Off;
        (plan, Company::No)
    }

    /// Gives back a right that was not needed.
    pub(super) fn after_company(&self, company: Company, outcome: &Outcome) {
        if company == Company::Allowed && !outcome.hedged {
            self.background.hedges.send_modify(Bucket::give_back);
        }
    }
}
