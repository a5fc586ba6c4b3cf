//! What a letter is before it is filed: whose, which ticket's, a flood's, or the report of a reply
//! that nobody got.

use std::time::Duration;

use super::{
    importer::Importer,
    known,
    letters::{Read, ids},
    ours::Owner,
    thread::{Decision, Index},
};
use crate::{
    desk::{import::ImportError, stamp},
    domain::{AutoClass, Timestamp},
    source::mail::parse::Parsed,
    store::Returned,
};

/// Statuses that say that nobody is at an address (RFC 3463).
const NOBODY: [&str; 3] = ["5.1.1", "5.1.10", "5.4.1"];
/// A sender of more mails within the time is stopped for a while (Zendesk: for an hour too).
const FLOOD_MAILS: u64 = 20;
const FLOOD_WITHIN: Duration = Duration::from_mins(10);
const FLOOD_REST: Duration = Duration::from_hours(1);

fn ago(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

impl Importer<'_> {
    /// Returns the reply of ours that a letter reports as not delivered, for good.
    pub(super) fn returned(&self, parsed: &Parsed) -> Option<Returned> {
        let bounce = parsed.bounce.as_ref()?;
        let id = bounce.original_message_id.as_ref()?;
        let is_ours = self
            .stamp
            .as_ref()
            .is_some_and(|stamp| matches!(stamp.read_id(id), stamp::Read::Ours(_)));
        if parsed.auto_class != AutoClass::BounceHard || !is_ours {
            return None;
        }
        let status = bounce.status.clone().unwrap_or_default();
        let words = bounce.words.clone().unwrap_or_default();
        let whom = bounce.recipient.clone();
        let advice = if status.starts_with("5.7.") {
            " (refused by policy: check SPF and DKIM of your domain)"
        } else {
            ""
        };
        Some(Returned {
            message_id: id.clone(),
            words: format!(
                "not delivered to {}: {status} {words}{advice}",
                whom.as_deref().unwrap_or("somebody")
            ),
            nobody_at: whom.filter(|_| NOBODY.contains(&status.as_str())),
        })
    }

    /// Takes mail of this desk that came back as somebody else's for what it is.
    pub(super) fn mark_own(&self, parsed: &mut Parsed, is_ours: bool) {
        let mark = parsed.own_marks.loop_mark.as_deref();
        let is_own = self
            .stamp
            .as_ref()
            .zip(mark)
            .is_some_and(|(stamp, mark)| stamp.is_loop_mark(mark));
        if is_own && !is_ours {
            parsed.auto_class = AutoClass::OwnLoop;
        }
    }

    /// Decides which ticket a letter belongs to; the first step that knows wins.
    pub(super) async fn decide(
        &self,
        parsed: &Parsed,
        index: &Index,
        owner: Owner,
    ) -> Result<Decision, ImportError> {
        let by_ids = index.decide(ids(parsed));
        let Some(stamp) = &self.stamp else {
            return Ok(by_ids);
        };
        let is_seen = by_ids.ticket.is_some() && index.has(&parsed.rfc_message_id);
        if is_seen {
            // A server that keeps a copy of what we sent may have changed its bytes.
            let is_our_copy = owner == Owner::Ours
                && stamp.read_id(&parsed.rfc_message_id) != stamp::Read::Foreign;
            return Ok(Decision {
                is_duplicate: by_ids.is_duplicate || is_our_copy,
                ..by_ids
            });
        }
        if let Some(decision) = known::by_stamp(self.store, stamp, parsed).await? {
            return Ok(decision);
        }
        if by_ids.ticket.is_some() {
            return Ok(by_ids);
        }
        // Our address is on every ticket: whoever claims it without proof joins by no such step.
        if matches!(owner, Owner::Unverified | Owner::Posing) {
            return Ok(by_ids);
        }
        let is_ours = owner == Owner::Ours;
        if let Some(decision) = known::by_subject(self.store, parsed, is_ours).await? {
            return Ok(decision);
        }
        if let Some(decision) = index.by_topic(parsed.topic.as_deref(), &parsed.from) {
            return Ok(decision);
        }
        let by_topic = known::by_topic(self.store, self.source, parsed, is_ours).await?;
        Ok(by_topic.unwrap_or(by_ids))
    }

    /// Keeps a letter out of the queue when its sender floods the desk, or when the mail server
    /// took it for spam.
    pub(super) async fn mark_flood(&mut self, read: &mut Read) -> Result<(), ImportError> {
        if read.parsed.own_marks.is_spam {
            read.quarantine = Some("the mail server took it for spam (X-Spam-Flag)".to_owned());
        }
        let is_new = read
            .arrived
            .is_some_and(|at| at >= ago(self.at, FLOOD_WITHIN));
        let sender = &read.parsed.from.address;
        if !self.is_live() || !is_new || self.is_ours(&read.parsed) || sender.is_empty() {
            return Ok(());
        }
        let (since, flood) = (ago(self.at, FLOOD_WITHIN), ago(self.at, FLOOD_REST));
        let (mails, is_flooding) = self.store.mails_from(sender, since, flood).await?;
        let beside = self.under_way.entry(sender.to_lowercase()).or_default();
        let mails = mails + *beside;
        *beside += 1;
        if mails >= FLOOD_MAILS || is_flooding {
            read.quarantine = Some(format!(
                "flood: more than {FLOOD_MAILS} mails in {} minutes from {sender}",
                FLOOD_WITHIN.as_secs() / 60
            ));
        }
        Ok(())
    }
}
