//! Writing by hand: saved often, brought back when thrown away.

use std::time::Duration;

use super::{Desk, DeskError, face::DeskEvent, send::letter::messages_of_people};
use crate::{
    domain::{
        CAME_BACK, Direction, Draft, DraftId, DraftOrigin, DraftState, Message, MessageId,
        MessageKind, TicketId,
    },
    store::{Conflict, SaveDraft, StoreError},
};

/// So often, and so far apart, a save is tried again that met a model's.
const REBASE_TRIES: u32 = 3;
const REBASE_PAUSE: Duration = Duration::from_millis(50);

impl Desk {
    /// Saves what a person typed. `expected` is the revision it builds on; a newer one is a
    /// conflict, and both texts are kept.
    pub async fn save_text(
        &self,
        ticket: TicketId,
        text: &str,
        expected: Option<i64>,
    ) -> Result<Draft, DeskError> {
        self.save_typed(ticket, (text, None), expected).await
    }

    /// Saves what a person typed who had so many messages of people before them when they began:
    /// a first save with more now is stale from the start.
    pub async fn save_typed(
        &self,
        ticket: TicketId,
        (text, seen): (&str, Option<u64>),
        expected: Option<i64>,
    ) -> Result<Draft, DeskError> {
        let before = self.store.draft(ticket, &self.agent()).await?;
        let (origin, receipts, answers, flags) = if let Some(draft) = &before {
            (
                edited(draft.origin, &draft.text, text),
                draft.receipts.clone(),
                draft.answers,
                draft.flags.clone(),
            )
        } else {
            let messages = self.store.messages(ticket).await?;
            let known = first_of_people(&messages, seen);
            let answers = newest_from_outside(known);
            (DraftOrigin::Human, Vec::new(), answers, Vec::new())
        };
        let save = SaveDraft {
            ticket,
            author: self.agent(),
            answers,
            text: text.to_owned(),
            origin,
            state: DraftState::Ready,
            receipts,
            flags,
            knew: seen.filter(|_| before.is_none()),
            expected,
            at: self.clock.now(),
        };
        let draft = match self.store.save_draft(&save).await {
            Err(StoreError::Conflict(conflict)) => self.rebase(save, conflict).await?,
            saved => saved?,
        };
        self.tell(DeskEvent::DraftSaved(draft.id));
        Ok(draft)
    }

    /// Saves what a person typed on top of whatever stands there; that is kept as a revision.
    pub async fn save_over(
        &self,
        ticket: TicketId,
        (text, seen): (&str, Option<u64>),
    ) -> Result<Draft, DeskError> {
        let before = self.store.draft(ticket, &self.agent()).await?;
        let expected = before.map(|draft| draft.revision);
        self.save_typed(ticket, (text, seen), expected).await
    }

    /// Saves once more where the draft stands with the very text this save builds on: a model's
    /// answer was kept as the revision between.
    async fn rebase(
        &self,
        mut save: SaveDraft,
        conflict: Box<Conflict>,
    ) -> Result<Draft, DeskError> {
        let mut conflict = conflict;
        for _ in 0..REBASE_TRIES {
            let Some(expected) = save.expected else { break };
            if let Some(current) = &conflict.current {
                let revisions = self.store.revisions(current.id).await?;
                let base = revisions.iter().find(|base| base.revision == expected);
                if base.is_some_and(|base| base.text == current.text) {
                    save.expected = Some(current.revision);
                    save.receipts.clone_from(&current.receipts);
                }
            }
            match self.store.save_draft(&save).await {
                Err(StoreError::Conflict(again)) => conflict = again,
                saved => return Ok(saved?),
            }
            tokio::time::sleep(REBASE_PAUSE).await;
        }
        Err(StoreError::Conflict(conflict).into())
    }

    /// Keeps a draft that a new message made stale: it answers that one too. `seen` is how many
    /// messages of people its reader has before them; with another number now, it stays stale.
    pub async fn keep_draft(&self, ticket: TicketId, seen: u64) -> Result<Draft, DeskError> {
        let draft = self.store.draft(ticket, &self.agent()).await?;
        let draft = draft.ok_or(DeskError::Nothing("There is no draft to keep."))?;
        if draft.state != DraftState::Stale {
            return Err(DeskError::Nothing(
                "The draft answers the newest message as it is: there is nothing to keep.",
            ));
        }
        if draft.text.contains(CAME_BACK) {
            return Err(DeskError::Nothing(
                "The draft holds two texts: edit it into one, then it is as good as any.",
            ));
        }
        let answers = self.answered_by_draft(ticket).await?;
        let kept = self
            .store
            .keep_draft(draft.id, (answers, seen), self.clock.now());
        let kept = kept.await?.ok_or(DeskError::Nothing(
            "Another message came meanwhile: read it, then keep the draft.",
        ))?;
        self.tell(DeskEvent::DraftSaved(kept.id));
        Ok(kept)
    }

    /// Throws a draft away; [`Desk::restore`] brings it back.
    pub async fn discard(&self, draft: DraftId) -> Result<(), DeskError> {
        self.store.discard_draft(draft, self.clock.now()).await?;
        self.tell(DeskEvent::DraftSaved(draft));
        Ok(())
    }

    /// Brings a discarded draft back.
    pub async fn restore(&self, draft: DraftId) -> Result<(), DeskError> {
        self.store.restore_draft(draft, self.clock.now()).await?;
        self.tell(DeskEvent::DraftSaved(draft));
        Ok(())
    }

    /// Returns the message that a reply written now would answer: the newest one from outside.
    pub(super) async fn answered_by_draft(
        &self,
        ticket: TicketId,
    ) -> Result<Option<MessageId>, DeskError> {
        Ok(newest_from_outside(&self.store.messages(ticket).await?))
    }
}

/// Returns the newest message from outside: what a reply written now would answer.
pub(super) fn newest_from_outside(messages: &[Message]) -> Option<MessageId> {
    let from_outside = messages
        .iter()
        .rev()
        .find(|message| message.direction == Direction::In && message.kind == MessageKind::Public);
    from_outside.map(|message| message.id)
}

/// Returns the messages up to the last of so many of people; all of them where nobody says how many.
fn first_of_people(messages: &[Message], seen: Option<u64>) -> &[Message] {
    let mut known = messages;
    while let Some((_, before)) = known.split_last()
        && seen.is_some_and(|seen| messages_of_people(known) > seen)
    {
        known = before;
    }
    known
}

/// Returns where a text's words come from after a person changed it.
fn edited(origin: DraftOrigin, before: &str, after: &str) -> DraftOrigin {
    match origin {
        DraftOrigin::Ai if before == after => DraftOrigin::Ai,
        DraftOrigin::Ai | DraftOrigin::Mixed => DraftOrigin::Mixed,
        DraftOrigin::Human => DraftOrigin::Human,
    }
}
