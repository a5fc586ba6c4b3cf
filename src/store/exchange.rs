//! One attempt's end and the next one's beginning, in one transaction: a switch costs one commit.

use super::{HoldAnswer, HoldAsk, Store, StoreError, ledger::spent};
use crate::domain::{Cost, HoldId};

impl Store {
    /// Settles a hold and holds money for the next call. The cap is checked against what was just
    /// settled. A hold that is denied leaves the settlement in place; one that was settled before
    /// is not settled again.
    pub async fn exchange(
        &self,
        hold: HoldId,
        cost: Cost,
        next: &HoldAsk,
    ) -> Result<HoldAnswer, StoreError> {
        self.told("settle a call and hold money", async {
            let mut tx = self.begin().await?;
            self.settle_in(&mut tx, hold, cost, next.at).await?;
            let answer = self.hold_in(&mut tx, next).await?;
            self.commit(tx, &spent(&next.period, next.at)).await?;
            Ok(answer)
        })
        .await
    }
}
