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
    domain::{AutoClass, Contact, Delivery, Direction, Envelope, TicketId, Timestamp},
    source::mail::{Recipient, parse::Parsed},
    store::Returned,
};

/// Statuses that say that nobody is at an address (RFC 3463).
const NOBODY: [&str; 3] = ["5.1.1", "5.1.10", "5.4.1"];
/// A sender of more mails within the time is stopped for a while (Zendesk: for an hour too).
const FLOOD_MAILS: u64 = 20;
const FLOOD_WITHIN: Duration = Duration::from_mins(10);
const FLOOD_REST: Duration = Duration::from_hours(1);

/// Tells whether a report is of that person.
fn is_of(recipient: &Recipient, person: &Contact) -> bool {
    let addresses = [&recipient.original, &recipient.address];
    let mut named = addresses.into_iter().flatten();
    // Some servers give an address back as it stood in the command (RFC 3461, section 4).
    let coded = person.address.replace('+', "+2B").replace('=', "+3D");
    named.any(|address| {
        let is = |other: &str| address.eq_ignore_ascii_case(other);
        is(&person.address) || is(&coded)
    })
}

/// Says what a report says: who did not get a reply, and why.
fn not_delivered(id: &str, failed: &[(&Contact, &Recipient)]) -> Returned {
    let status = |one: &Recipient| one.status.clone().unwrap_or_default();
    let whom: Vec<String> = failed
        .iter()
        .map(|(person, one)| {
            let words = one.words.as_deref().unwrap_or_default();
            format!("{}: {} {words}", person.address, status(one))
        })
        .collect();
    let is_policy = failed
        .iter()
        .any(|(_, one)| status(one).starts_with("5.7."));
    let advice = if is_policy {
        " (refused by policy: check SPF and DKIM of your domain)"
    } else {
        ""
    };
    let nobody_at = failed
        .iter()
        .filter(|(_, one)| NOBODY.contains(&status(one).as_str()))
        .map(|(person, _)| person.address.clone());
    Returned {
        message_id: id.to_owned(),
        words: format!("not delivered to {}{advice}", whom.join("; ")),
        failed: failed
            .iter()
            .map(|(person, _)| person.address.clone())
            .collect(),
        nobody_at: nobody_at.collect(),
    }
}

/// What a letter reports of a reply of ours.
pub(super) enum Reported {
    /// That those did not get it to whom it was written.
    Returned(Returned),
    /// That others did not get it: passed on, or made up.
    Others,
    /// Nothing.
    Nothing,
}

impl Reported {
    /// Returns the reply that came back.
    pub(super) fn into_returned(self) -> Option<Returned> {
        match self {
            Self::Returned(returned) => Some(returned),
            Self::Others | Self::Nothing => None,
        }
    }
}

fn ago(at: Timestamp, span: Duration) -> Timestamp {
    at.checked_sub(span).unwrap_or(Timestamp::MIN)
}

impl Importer<'_> {
    /// Returns what a letter reports of a reply of ours that was not delivered, for good. Anybody
    /// can write such a report: it counts only for a reply that has left, and for those it was
    /// written to.
    pub(super) async fn reported(&self, parsed: &Parsed) -> Result<Reported, ImportError> {
        if parsed.auto_class != AutoClass::BounceHard {
            return Ok(Reported::Nothing);
        }
        let Some(bounce) = &parsed.bounce else {
            return Ok(Reported::Nothing);
        };
        let id = bounce.original_message_id.as_ref().filter(|id| {
            let read = self.stamp.as_ref().map(|stamp| stamp.read_id(id));
            matches!(read, Some(stamp::Read::Ours(_)))
        });
        let Some(id) = id else {
            return Ok(Reported::Nothing);
        };
        let Some(reply) = self.store.reply_with_id(id).await? else {
            return Ok(Reported::Nothing);
        };
        let has_left = match reply.progress.delivery {
            Delivery::Sent | Delivery::Unsure => true,
            // After a report of somebody else, too.
            Delivery::Failed => self.store.sent_mime(reply.id).await?.is_some(),
            Delivery::Held | Delivery::Sending | Delivery::Withdrawn => false,
        };
        let envelope = reply.post.as_ref().map(|post| &post.letter.envelope);
        let everybody = envelope.map_or_else(Vec::new, Envelope::everybody);
        let failed: Vec<(&Contact, &Recipient)> = bounce
            .failed()
            .filter_map(|one| {
                let whom = everybody.iter().find(|person| is_of(one, person))?;
                Some((*whom, one))
            })
            .collect();
        Ok(if !has_left || bounce.failed().next().is_none() {
            Reported::Nothing
        } else if failed.is_empty() {
            Reported::Others
        } else {
            Reported::Returned(not_delivered(id, &failed))
        })
    }

    /// Tells whether a letter says with reason that a mail of ours was not delivered: one that left
    /// here, or one that stands in the ticket, to somebody whom it was written to.
    pub(super) async fn is_true_report(
        &self,
        parsed: &Parsed,
        (ticket, returned): (Option<TicketId>, Option<&Returned>),
    ) -> Result<bool, ImportError> {
        let (Some(bounce), Some(ticket)) = (&parsed.bounce, ticket) else {
            return Ok(!self.is_live());
        };
        if returned.is_some() || !self.is_live() {
            return Ok(true);
        }
        let messages = self.store.messages(ticket).await?;
        Ok(messages
            .iter()
            .filter(|message| message.direction == Direction::Out)
            .filter(|message| bounce.original_message_id.as_ref() == Some(&message.rfc_message_id))
            .flat_map(|message| message.to.iter().chain(&message.cc))
            .any(|person| bounce.failed().any(|one| is_of(one, person))))
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
        let minutes = |time: Duration| time.as_secs() / 60;
        if mails >= FLOOD_MAILS {
            read.quarantine = Some(format!(
                "flood: more than {FLOOD_MAILS} mails in {} minutes from {sender}",
                minutes(FLOOD_WITHIN)
            ));
        } else if is_flooding {
            read.quarantine = Some(format!(
                "flood: {sender} wrote too many mails, and has not kept silent for {} minutes since",
                minutes(FLOOD_REST)
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_of_whom_it_names_at_first_or_at_last_in_plain_words_or_in_signs() {
        let text = |text: &str| Some(text.to_owned());
        for (original, last, is) in [
            (None, text("Maya+tag@x.test"), true),
            (text("maya+tag@x.test"), text("maya@elsewhere.test"), true),
            (text("maya+2Btag@x.test"), text("maya@elsewhere.test"), true),
            (None, text("maya@elsewhere.test"), false),
        ] {
            let recipient = Recipient {
                original,
                address: last,
                ..Recipient::default()
            };
            let maya = Contact {
                name: None,
                address: "maya+tag@x.test".to_owned(),
            };
            assert_eq!(is_of(&recipient, &maya), is, "{recipient:?}");
        }
    }
}
