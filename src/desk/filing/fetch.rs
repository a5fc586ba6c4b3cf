//! Messages on their way from a mailbox: fetched in batches, read beside the connection. A very
//! large one stays on the server, and its headers come.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use sha2::{Digest as _, Sha256};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use super::letters::{Arrival, Letters};
use crate::{
    config::AccountConfig,
    domain::{FolderMark, FolderUid, Timestamp},
    source::{
        import::{Found, Marks},
        mail::imap::{Facts, ImapError, Mailbox},
    },
};

/// So many messages are asked for at once.
const BATCH: usize = 100;
/// And so many bytes at most, unless one message alone is larger.
const BATCH_BYTES: u64 = 2 << 20;
/// A message larger than this stays on the server; its headers are filed.
const GIANT: u32 = 25 << 20;

/// What is fetched and not yet filed.
struct Batch {
    letters: Vec<Found>,
    uids: Vec<FolderUid>,
}

/// What is being read, off the thread that waits for the server.
pub(in crate::desk) struct Reading {
    pub(in crate::desk) letters: JoinHandle<Letters>,
    pub(in crate::desk) uids: Vec<FolderUid>,
}

/// One folder being read.
#[derive(Clone, Copy)]
pub(in crate::desk) struct Folder<'a> {
    pub(in crate::desk) account: &'a AccountConfig,
    pub(in crate::desk) name: &'a str,
    pub(in crate::desk) mark: FolderMark,
    pub(in crate::desk) at: Timestamp,
}

/// Fetches messages in the order given and hands them on; waits while they are not filed. Returns
/// those that did not come: they have gone meanwhile, or the server keeps them back.
pub(in crate::desk) async fn fetch_all(
    mailbox: &mut Mailbox,
    folder: Folder<'_>,
    uids: &[u32],
    (facts, ready): (&BTreeMap<u32, Facts>, mpsc::Sender<Reading>),
) -> Result<Vec<u32>, ImapError> {
    let (known, mut missing): (Vec<u32>, Vec<u32>) =
        uids.iter().partition(|uid| facts.contains_key(uid));
    for uids in batches(&known, facts) {
        let asked: BTreeSet<u32> = uids.iter().copied().collect();
        let mut batch = Batch {
            letters: Vec::with_capacity(uids.len()),
            uids: Vec::with_capacity(uids.len()),
        };
        let (giants, whole): (Vec<u32>, Vec<u32>) =
            uids.into_iter().partition(|uid| size(facts, *uid) > GIANT);
        let mut bodies = mailbox.bodies(&whole).await?;
        for uid in whole {
            if let Some(bytes) = bodies.remove(&uid) {
                batch.take(folder, (uid, facts), bytes);
            }
        }
        for uid in giants {
            if let Some(header) = mailbox.header(uid).await? {
                let megabytes = size(facts, uid) >> 20;
                batch.take(folder, (uid, facts), header);
                if let Some(letter) = batch.letters.last_mut() {
                    letter.marks.left_there_mb = Some(megabytes);
                }
            }
        }
        let Batch { letters, uids } = batch;
        let came: BTreeSet<u32> = uids.iter().map(|uid| uid.uid).collect();
        missing.extend(asked.difference(&came));
        let at = folder.at;
        let reading = Reading {
            letters: spawn_blocking(move || Letters::of(letters, at, Arrival::Known)),
            uids,
        };
        if ready.send(reading).await.is_err() {
            // The filing failed and says why.
            break;
        }
    }
    Ok(missing)
}

impl Batch {
    fn take(
        &mut self,
        folder: Folder<'_>,
        (uid, facts): (u32, &BTreeMap<u32, Facts>),
        bytes: Vec<u8>,
    ) {
        let facts = facts.get(&uid);
        self.uids.push(FolderUid {
            uid,
            raw_sha256: format!("{:x}", Sha256::digest(&bytes)),
        });
        self.letters.push(Found {
            path: PathBuf::from(format!("{}/{}/{uid}", folder.account.address, folder.name)),
            part: None,
            bytes,
            marks: facts.map_or_else(Marks::default, |facts| facts.marks),
            modified: facts.and_then(|facts| facts.arrived),
        });
    }
}

/// Cuts the numbers into batches of so many messages and bytes.
fn batches(uids: &[u32], facts: &BTreeMap<u32, Facts>) -> Vec<Vec<u32>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut bytes = 0_u64;
    for uid in uids {
        let size = u64::from(size(facts, *uid).min(GIANT));
        if !batch.is_empty() && (batch.len() >= BATCH || bytes + size > BATCH_BYTES) {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += size;
        batch.push(*uid);
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

fn size(facts: &BTreeMap<u32, Facts>, uid: u32) -> u32 {
    facts.get(&uid).map_or(0, |facts| facts.size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(sizes: &[(u32, u32)]) -> BTreeMap<u32, Facts> {
        let fact = |(uid, size): &(u32, u32)| {
            let facts = Facts {
                size: *size,
                ..Facts::default()
            };
            (*uid, facts)
        };
        sizes.iter().map(fact).collect()
    }

    #[test]
    fn a_batch_ends_at_its_bytes_and_at_its_number() {
        let large = 3 << 19;
        let facts = facts(&[(3, large), (2, large), (1, 10)]);
        assert_eq!(batches(&[3, 2, 1], &facts), [vec![3], vec![2, 1]]);

        let many: Vec<u32> = (0..250).collect();
        let sizes: Vec<usize> = batches(&many, &BTreeMap::new())
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(sizes, [100, 100, 50]);
    }
}
