//! A look at mail before it is imported: how much is new, how much is here, what is none.

use std::{collections::HashSet, path::PathBuf};

use uuid::Uuid;

use super::{
    Desk,
    filing::{
        importer::{BATCH, BATCH_BYTES},
        letters::{Arrival, Read, all_ids, ids, read},
        thread::Index,
    },
    import::{ImportError, Imported, SOURCE},
};
use crate::{
    domain::TicketId,
    source::import::{Item, walk},
};

/// What a look has seen so far.
#[derive(Default)]
struct Look {
    index: Index,
    made: HashSet<TicketId>,
    joined: HashSet<TicketId>,
    done: Imported,
}

impl Desk {
    /// Says what an import of mail would come to; nothing is filed. Threads are told by the ids
    /// in the letters alone.
    pub(super) async fn look_at_mail(&self, paths: &[PathBuf]) -> Result<Imported, ImportError> {
        let now = self.clock.now();
        let mut look = Look::default();
        let (mut batch, mut bytes) = (Vec::with_capacity(BATCH), 0_usize);
        for item in walk(paths) {
            match item {
                Item::Letter(found) => match read(&found, now, Arrival::Unknown) {
                    Ok(read) => {
                        bytes += read.size;
                        batch.push(read);
                    }
                    Err(reject) => look.done.rejected.push(reject),
                },
                Item::Reject(reject) => look.done.rejected.push(reject),
            }
            if batch.len() >= BATCH || bytes >= BATCH_BYTES {
                bytes = 0;
                self.look_through(std::mem::take(&mut batch), &mut look)
                    .await?;
            }
        }
        self.look_through(batch, &mut look).await?;
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let mut done = look.done;
        // Without the tickets themselves a few of thousands are threaded otherwise.
        done.is_about = true;
        done.tickets_new = count(look.made.len());
        done.tickets_joined = count(look.joined.len());
        done.seen = done.imported + done.duplicates + count(done.rejected.len());
        Ok(done)
    }

    async fn look_through(&self, mut batch: Vec<Read>, look: &mut Look) -> Result<(), ImportError> {
        let now = self.clock.now();
        batch.sort_by_key(|read| read.said_at(now));
        let known = self.store.known(SOURCE, &all_ids(&batch)).await?;
        look.index.add_known(&known);
        let letters = batch.iter().map(|read| ids(&read.parsed));
        look.index.foresee(letters);
        for read in &batch {
            let letter = ids(&read.parsed);
            let decision = look.index.decide(letter);
            if decision.is_duplicate {
                look.done.duplicates += 1;
                continue;
            }
            look.done.imported += 1;
            let known = decision.ticket;
            let ticket = known.unwrap_or_else(|| TicketId::new(Uuid::now_v7()));
            if known.is_none() {
                look.made.insert(ticket);
            } else if !look.made.contains(&ticket) {
                look.joined.insert(ticket);
            }
            look.index.add_letter(letter, ticket);
        }
        Ok(())
    }
}
