//! Reading receipts; nobody changes one.

use super::{Desk, DeskError};
use crate::{
    domain::{Page, Receipt},
    store::{ReceiptFilter, Verdict},
};

impl Desk {
    /// Returns receipts with their entry numbers, newest first.
    pub async fn receipts(
        &self,
        filter: &ReceiptFilter,
        page: Page,
    ) -> Result<Vec<(i64, Receipt)>, DeskError> {
        Ok(self.store.receipts(filter, page).await?)
    }

    /// Returns the newest receipts of all tickets with their entry numbers.
    pub async fn newest_receipts(&self, page: Page) -> Result<Vec<(i64, Receipt)>, DeskError> {
        self.receipts(&ReceiptFilter::default(), page).await
    }

    /// Returns one receipt by its id or an unambiguous beginning of it.
    pub async fn receipt(&self, id: &str) -> Result<(i64, Receipt), DeskError> {
        let found = self.store.receipt(id).await?;
        found.ok_or_else(|| DeskError::NoReceipt(id.chars().take(60).collect()))
    }

    /// Checks the whole chain of receipts and names the first broken entry.
    pub async fn verify_receipts(&self) -> Result<Verdict, DeskError> {
        Ok(self.store.verify_receipts().await?)
    }
}
