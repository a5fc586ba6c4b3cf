//! A draft beside the text that stood there before another hand wrote.

use super::{Desk, DeskError};
use crate::{
    domain::{Draft, DraftOrigin, TicketId, Timestamp},
    store::Revision,
    text::compare::{Part, compare},
};

/// A draft beside another text of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Who wrote the other text, and when it was saved.
    pub before: (DraftOrigin, Timestamp),
    /// Who wrote the draft as it stands, and when it was saved.
    pub now: (DraftOrigin, Timestamp),
    /// What stayed, what went, what came.
    pub parts: Vec<Part>,
}

impl Desk {
    /// Compares a ticket's draft with the text before it: what a person has changed in a model's
    /// words, or what a redraft has put in the place of others. An error when there is none.
    pub async fn compare(&self, ticket: TicketId) -> Result<Compared, DeskError> {
        let draft = self.store.draft(ticket, &self.agent()).await?;
        let draft = draft.ok_or(DeskError::Nothing("There is no draft to compare."))?;
        let revisions = self.store.revisions(draft.id).await?;
        let before = before(&revisions, &draft).ok_or(DeskError::Nothing(
            "There is no other text of this draft to compare it with.",
        ))?;
        Ok(Compared {
            before: (before.origin, before.saved_at),
            now: (draft.origin, draft.saved_at),
            parts: compare(&before.text, &draft.text),
        })
    }
}

/// Returns the text before a draft, oldest revision first. A model's words are saved as they come:
/// each save begins as the one before, and all of them are one text. What a person typed in one go
/// is one text too, whatever it was after which letter.
fn before<'a>(revisions: &'a [Revision], draft: &Draft) -> Option<&'a Revision> {
    let earlier = revisions
        .iter()
        .rev()
        .skip_while(|one| one.revision >= draft.revision);
    let mut later = draft.text.as_str();
    let found = earlier
        .filter(|one| !one.text.trim().is_empty())
        .find(|one| {
            let is_of_it = match draft.origin {
                DraftOrigin::Ai => later.starts_with(one.text.trim_end()),
                DraftOrigin::Human | DraftOrigin::Mixed => one.origin == draft.origin,
            };
            later = &one.text;
            !is_of_it
        });
    found.filter(|one| one.text.trim() != draft.text.trim())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{DraftId, DraftState};

    const fn at() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn draft(revision: i64, origin: DraftOrigin, text: &str) -> Draft {
        Draft {
            id: DraftId::new(Uuid::nil()),
            ticket: TicketId::new(Uuid::nil()),
            author: "noor".to_owned(),
            answers: None,
            text: text.to_owned(),
            revision,
            origin,
            state: DraftState::Ready,
            receipts: Vec::new(),
            flags: Vec::new(),
            envelope: None,
            saved_at: at(),
        }
    }

    /// Returns the revision that the last of these texts is compared with.
    fn compared(texts: &[(DraftOrigin, &str)]) -> Option<i64> {
        let revisions: Vec<Revision> = (1..)
            .zip(texts)
            .map(|(revision, (origin, text))| Revision {
                revision,
                text: (*text).to_owned(),
                origin: *origin,
                saved_at: at(),
            })
            .collect();
        let last = revisions.last()?;
        let draft = draft(last.revision, last.origin, &last.text);
        before(&revisions, &draft).map(|one| one.revision)
    }

    #[test]
    fn a_draft_is_compared_with_the_text_of_another_hand() {
        use DraftOrigin::{Ai, Human, Mixed};

        for (texts, revision) in [
            // A person changed what a model had written.
            (
                vec![
                    (Ai, "Hi"),
                    (Ai, "Hi there."),
                    (Mixed, "Hi there!"),
                    (Mixed, "Hi!"),
                ],
                Some(2),
            ),
            // A model wrote anew, and was saved as it wrote.
            (
                vec![(Human, "Mine."), (Ai, "The"), (Ai, "Theirs.")],
                Some(1),
            ),
            (vec![(Ai, "One."), (Ai, "Tw"), (Ai, "Two.")], Some(1)),
            // Nobody else has written.
            (vec![(Human, "M"), (Human, "Mine.")], None),
            (vec![(Ai, "Hi"), (Ai, "Hi there.")], None),
            (vec![(Human, " "), (Ai, "Hi.")], None),
            (
                vec![(Ai, "Same."), (Mixed, "Changed."), (Mixed, "Same.")],
                None,
            ),
        ] {
            assert_eq!(compared(&texts), revision, "{texts:?}");
        }
    }
}
