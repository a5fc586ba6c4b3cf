//! The first choice answers again: said once, with how many drafts a backup wrote meanwhile.

use super::{Desk, DeskError, face::DeskEvent};
use crate::{
    domain::{LinkName, Page, ProviderName, Receipt, SkipReason, Task},
    store::ReceiptFilter,
};

/// So far back the drafts of a backup are looked for.
const LATELY: u64 = 200;
/// One draft of a backup is no outage, unless the first choice was left out already.
const ENOUGH: u64 = 2;

impl Desk {
    /// Says that the first choice is back, if this receipt shows it.
    pub(super) async fn say_if_back(&self, receipt: &Receipt) -> Result<(), DeskError> {
        let Some(first) = answered_first(receipt) else {
            return Ok(());
        };
        let page = Page {
            offset: 0,
            limit: LATELY,
        };
        let filter = ReceiptFilter::default();
        let newest = self.store.receipts(&filter, page).await?;
        let before = newest
            .iter()
            .map(|(_, it)| it)
            .filter(|it| it.id != receipt.id);
        if let Some((drafts, by)) = missed_by(first, before) {
            self.tell(DeskEvent::Back {
                provider: first.provider.clone(),
                drafts,
                by,
            });
        }
        Ok(())
    }
}

/// Returns the first choice of a draft where it gave the answer.
fn answered_first(receipt: &Receipt) -> Option<&LinkName> {
    let first = receipt.chain.first()?;
    let answer = receipt.answer()?;
    (receipt.task == Task::Reply && answer.link == *first).then_some(first)
}

/// Counts the drafts that others wrote since `first` last answered, newest receipt first; none
/// where that was no outage.
fn missed_by<'a>(
    first: &LinkName,
    newest: impl Iterator<Item = &'a Receipt>,
) -> Option<(u64, Vec<ProviderName>)> {
    let (mut drafts, mut by, mut was_left_out) = (0, Vec::new(), false);
    for receipt in newest.filter(|it| it.chain.first() == Some(first)) {
        if answered_first(receipt).is_some() {
            break;
        }
        let Some(answer) = receipt.answer().filter(|_| receipt.is_fallback()) else {
            continue;
        };
        drafts += 1;
        was_left_out |= receipt.skipped.iter().any(|skipped| {
            skipped.link == *first && !matches!(skipped.because, SkipReason::OverCap)
        });
        if !by.contains(&answer.link.provider) {
            by.push(answer.link.provider.clone());
        }
    }
    (drafts >= ENOUGH || (drafts > 0 && was_left_out)).then_some((drafts, by))
}
