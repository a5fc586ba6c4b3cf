//! What a person should know of a letter before answering it; what filing cannot decide alone.

use std::{collections::BTreeSet, time::Duration};

use super::{importer::Importer, known, letters::Read, ours::Owner, standing::Standing};
use crate::{
    config::OnSubjectChange,
    desk::import::ImportError,
    domain::{AutoClass, Hint, TicketId, Timestamp},
};

/// Subjects that share less of their words are of different matters (chatwoot#15869).
const SHARED_PERCENT: usize = 30;
/// The same words of one sender within this time are one matter said twice.
const TWICE_WITHIN: Duration = Duration::from_hours(24);
/// Shorter texts are the same too often: "Thanks!".
const SHORTEST: usize = 20;

/// Where a letter goes, as far as hints look at it.
#[derive(Clone, Copy)]
pub(super) enum Going<'a> {
    /// Into this ticket.
    Into(TicketId, Option<&'a Standing>),
    /// Into a new one.
    Anew,
}

impl Importer<'_> {
    /// Returns what a person should know of a letter. Joined loosely: neither it nor the ticket
    /// has what the other answers, so that strangers may have met.
    pub(super) async fn hints(
        &self,
        read: &Read,
        owner: Owner,
        (going, is_loose): (Going<'_>, bool),
    ) -> Result<Vec<Hint>, ImportError> {
        let mut hints = Vec::new();
        if matches!(owner, Owner::Unverified | Owner::Posing) {
            hints.push(Hint::Unverified);
        }
        if let Some(megabytes) = read.marks.left_there_mb {
            hints.push(Hint::LeftThere { megabytes });
        }
        let is_person = owner == Owner::Theirs && !read.parsed.auto_class.is_automatic();
        if !is_person {
            return Ok(hints);
        }
        match going {
            Going::Into(ticket, standing) => {
                let asks = self.on_subject_change == OnSubjectChange::Ask;
                if asks && standing.is_some_and(|standing| is_new_topic(read, standing)) {
                    hints.push(Hint::NewTopic);
                }
                if (self.is_live() || is_loose) && self.is_newcomer(read, ticket, standing).await? {
                    hints.push(Hint::NewParticipant);
                }
            }
            Going::Anew if self.is_live() => {
                if let Some(number) = self.twin(read).await? {
                    hints.push(Hint::MaybeDuplicate { number });
                }
            }
            Going::Anew => {}
        }
        Ok(hints)
    }

    async fn is_newcomer(
        &self,
        read: &Read,
        ticket: TicketId,
        standing: Option<&Standing>,
    ) -> Result<bool, ImportError> {
        // A list speaks for many.
        let is_list = read.parsed.auto_class == AutoClass::List;
        if is_list || standing.is_some_and(|standing| standing.has(&read.parsed.from)) {
            return Ok(false);
        }
        let Some(found) = self.store.ticket(ticket).await? else {
            return Ok(true);
        };
        let messages = self.store.messages(ticket).await?;
        Ok(!known::is_on_ticket(&found, &messages, &read.parsed))
    }

    /// Returns the number of another ticket in which the same person said the same.
    async fn twin(&self, read: &Read) -> Result<Option<i64>, ImportError> {
        let text = words(&read.parsed.body.clean);
        if text.len() < SHORTEST || read.parsed.from.address.is_empty() {
            return Ok(None);
        }
        let since = self.at.checked_sub(TWICE_WITHIN).unwrap_or(Timestamp::MIN);
        let said = self.store.said_by(&read.parsed.from.address, since).await?;
        let twin = said.iter().find(|said| words(&said.text) == text);
        Ok(twin.map(|said| said.number))
    }
}

/// Tells whether a letter's subject has little to do with its ticket's.
pub(super) fn is_new_topic(read: &Read, standing: &Standing) -> bool {
    differ(&standing.subject, &read.parsed.normal_subject)
}

fn differ(before: &str, after: &str) -> bool {
    let set = |text: &str| -> BTreeSet<String> {
        words(text)
            .split(' ')
            .map(str::to_owned)
            .filter(|word| !word.is_empty())
            .collect()
    };
    let (before, after) = (set(before), set(after));
    let fewer = before.len().min(after.len());
    let shared = before.intersection(&after).count();
    fewer > 0 && shared * 100 < SHARED_PERCENT * fewer
}

/// Returns the words of a text in lower case with one blank between.
pub(super) fn words(text: &str) -> String {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_of_other_words_is_another_matter() {
        for (before, after, is_other) in [
            ("Where is my order?", "where is my ORDER", false),
            (
                "Where is my order?",
                "Where is my order? Urgent, please answer",
                false,
            ),
            ("Where is my order?", "Invoice 4812 is wrong", true),
            ("Where is my order?", "", false),
            ("", "Invoice 4812 is wrong", false),
            ("注文について", "請求書", true),
        ] {
            assert_eq!(differ(before, after), is_other, "{before} / {after}");
        }
    }
}
