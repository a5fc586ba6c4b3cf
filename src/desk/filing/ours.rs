//! Whose is a letter that bears an address of ours? Anybody can write one.

use super::importer::Importer;
use crate::{desk::stamp, source::mail::parse::Parsed};

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
    /// Says that it is ours; nothing speaks for that or against it. In a thread it is shown as ours,
    /// moves no status, and makes waiting replies stale as any mail does; else it is a new ticket.
    Unverified,
    /// Says that it is ours, and the server that would vouch for it does not.
    Posing,
}

impl Owner {
    /// Tells whether it is filed as written by us.
    pub(in crate::desk) const fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::Unverified)
    }
}

impl Importer<'_> {
    /// Judges whose a letter is.
    pub(in crate::desk) fn owner(&self, parsed: &Parsed) -> Owner {
        if !self.is_ours(parsed) {
            return Owner::Theirs;
        }
        let is_stamped = self.stamp.as_ref().is_some_and(|stamp| {
            matches!(stamp.read_id(&parsed.rfc_message_id), stamp::Read::Ours(_))
        });
        match &self.belief {
            Belief::Trusted => Owner::Ours,
            Belief::Judged(_) if is_stamped => Owner::Ours,
            Belief::Judged(None) => Owner::Unverified,
            Belief::Judged(Some(server)) => {
                if parsed.results.vouch_for(&parsed.from.address, server) {
                    Owner::Ours
                } else {
                    Owner::Posing
                }
            }
        }
    }
}
