//! Addresses at which nobody is, as reports of returned mail said, and how one is written to again.

use crate::desk::{Desk, DeskError, face::DeskEvent};

impl Desk {
    /// Returns the addresses at which nobody is, with the words of the report that said so.
    pub async fn nobody_at(&self) -> Result<Vec<(String, String)>, DeskError> {
        Ok(self.store.all_suppressed().await?)
    }

    /// Lets an address be written to again at which a report said that nobody is.
    pub async fn allow(&self, address: &str) -> Result<(), DeskError> {
        if !self.store.allow(address).await? {
            return Err(DeskError::Nothing(
                "No report said that nobody is at that address. `deskhand outbox allow` lists those \
                 of which one did.",
            ));
        }
        self.tell(DeskEvent::Changed);
        Ok(())
    }
}
