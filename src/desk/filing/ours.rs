//! Whose is a letter that bears an address of ours? Anybody can write one.

use super::{hints::words, importer::Importer, letters::Read};
use crate::{
    desk::{import::ImportError, stamp},
    source::mail::parse::{Parsed, parse},
};

/// How far mail that bears our address is believed to be ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::desk) enum Belief {
    /// It lies where only we put mail: the folder of sent mail, files that a person named, or what
    /// was there before the account.
    #[default]
    Trusted,
    /// It came in. This server's `Authentication-Results` tell, where the config names one.
    Judged(Option<String>),
}

/// Whose a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::desk) enum Owner {
    /// Somebody else's.
    Theirs,
    /// Ours.
    Ours,
    /// A reply of ours, come back: it stands in its ticket, and is not filed again.
    Copy,
    /// Says that it is ours; nothing speaks for that or against it. In a thread it is shown as ours,
    /// moves no status, and makes waiting replies stale as any mail does; else it is a new ticket.
    Unverified,
    /// Says that it is ours, and the server that would vouch for it does not.
    Posing,
}

impl Owner {
    /// Tells whether it is filed as written by us.
    pub(in crate::desk) const fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::Copy | Self::Unverified)
    }
}

impl Importer<'_> {
    /// Judges whose a letter is.
    pub(in crate::desk) async fn owner(&self, read: &Read) -> Result<Owner, ImportError> {
        let parsed = &read.parsed;
        if !self.is_ours(parsed) {
            return Ok(Owner::Theirs);
        }
        let server = match &self.belief {
            Belief::Judged(server) if !self.was_there(read) => server,
            Belief::Judged(_) | Belief::Trusted => return Ok(Owner::Ours),
        };
        let judged = match server {
            Some(server) if parsed.results.vouch_for(&parsed.from.address, server) => {
                return Ok(Owner::Ours);
            }
            Some(_) => Owner::Posing,
            None => Owner::Unverified,
        };
        Ok(self.owner_by_id(parsed).await?.unwrap_or(judged))
    }

    /// Judges a letter that bears the whole id of a reply of ours. Whoever got the reply knows the
    /// id, so only what says the same is that reply.
    async fn owner_by_id(&self, parsed: &Parsed) -> Result<Option<Owner>, ImportError> {
        let id = &parsed.rfc_message_id;
        let is_stamped = self
            .stamp
            .as_ref()
            .is_some_and(|stamp| matches!(stamp.read_id(id), stamp::Read::Ours(_)));
        if !is_stamped {
            return Ok(None);
        }
        let Some(reply) = self.store.reply_with_id(id).await? else {
            return Ok(None);
        };
        let (kept, owner) = match self.store.sent_mime(reply.id).await? {
            Some(kept) => (Some(kept), Owner::Copy),
            // It left, whatever the outbox knows of that by now.
            None => (self.store.outbox_mime(reply.id).await?, Owner::Ours),
        };
        let Some(kept) = kept else {
            return Ok(None);
        };
        let says_same = parse(&kept, self.at)
            .is_ok_and(|kept| words(&kept.body.text) == words(&parsed.body.text));
        Ok(Some(if says_same { owner } else { Owner::Posing }))
    }
}
