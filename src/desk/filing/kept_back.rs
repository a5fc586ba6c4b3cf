//! Mail that a server has and does not give: asked for with every sync at first, then passed over
//! with a word, and asked for ever more seldom. A connection that breaks counts for nothing here:
//! whatever it was to bring is asked for with the next.

use std::collections::BTreeMap;

use super::fetch::Folder;
use crate::{
    desk::{Desk, DeskError},
    domain::KeptBack,
    source::import::Reject,
};

/// What did not come of a folder.
pub(in crate::desk) struct Missing {
    /// How many are asked for by the next sync.
    pub(in crate::desk) wanted: usize,
    /// Those that are passed over for now.
    pub(in crate::desk) passed_over: Vec<Reject>,
}

impl Desk {
    /// Returns which messages of a folder did not come before.
    pub(in crate::desk) async fn kept_back(
        &self,
        folder: Folder<'_>,
    ) -> Result<BTreeMap<u32, KeptBack>, DeskError> {
        let (account, validity) = (&folder.account.address, folder.mark.uid_validity);
        Ok(self.store.kept_back(account, folder.name, validity).await?)
    }

    /// Notes which messages the server was asked for in vain, beside those that stay noted.
    pub(in crate::desk) async fn note_kept_back(
        &self,
        folder: Folder<'_>,
        (before, mut stay): (&BTreeMap<u32, KeptBack>, BTreeMap<u32, KeptBack>),
        missing: &[u32],
    ) -> Result<Missing, DeskError> {
        let now = self.clock.now();
        let mut told = Missing {
            wanted: 0,
            passed_over: Vec::new(),
        };
        for uid in missing {
            let kept = KeptBack::once_more(before.get(uid).copied(), now);
            stay.insert(*uid, kept);
            if kept.is_passed_over() {
                told.passed_over.push(Reject {
                    path: format!("{}/{}/{uid}", folder.account.address, folder.name),
                    reason: String::from(
                        "its server has it and does not give it, however often it is asked. Look \
                         at it in another mail program, or move it out of the folder. It is asked \
                         for again by itself, ever more seldom, at least once a day",
                    ),
                });
            } else {
                told.wanted += 1;
            }
        }
        if stay != *before {
            let place = (folder.name, folder.mark.uid_validity);
            self.store
                .set_kept_back(&folder.account.address, place, &stay)
                .await?;
        }
        Ok(told)
    }
}
