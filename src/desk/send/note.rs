//! Internal notes: they become messages of the ticket and nothing else. No outbox, no address, no
//! socket is on their way.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    desk::{Desk, DeskError, face::DeskEvent, tickets::no_ticket},
    domain::{AutoClass, Body, Contact, Direction, Message, MessageId, MessageKind, TicketId},
    store::{Filing, Letter, NoteBegun, Place},
};

/// Where notes come from.
const SOURCE: &str = "desk";

impl Desk {
    /// Keeps the text of a note that is being written; an empty one is forgotten.
    pub async fn keep_note(&self, id: TicketId, text: &str) -> Result<(), DeskError> {
        let note = NoteBegun {
            id: MessageId::new(Uuid::now_v7()),
            text: text.to_owned(),
        };
        let agent = self.agent();
        Ok(self
            .store
            .keep_note((id, &agent), &note, self.clock.now())
            .await?)
    }

    /// Writes an internal note on a ticket, or on the one it went on in when it was merged
    /// meanwhile.
    pub async fn note(&self, id: TicketId, text: &str) -> Result<MessageId, DeskError> {
        if text.trim().is_empty() {
            return Err(DeskError::Nothing("The note has no words."));
        }
        let ticket = self.store.ticket(id).await?.ok_or_else(|| no_ticket(id))?;
        let now = self.clock.now();
        // One that was added before a crash, and not forgotten, is known by its id.
        let begun = self.store.note_begun(id, &self.agent()).await?;
        let note = begun.map_or_else(|| MessageId::new(Uuid::now_v7()), |begun| begun.id);
        let settings = self.settings();
        let email = settings.config.agent.email.clone().unwrap_or_default();
        let message = Message {
            id: note,
            ticket: id,
            kind: MessageKind::Internal,
            direction: Direction::Out,
            from: Contact {
                name: Some(self.agent()),
                address: email,
            },
            reply_to: None,
            to: Vec::new(),
            cc: Vec::new(),
            subject: ticket.subject,
            body: Body {
                text: text.to_owned(),
                clean: text.to_owned(),
                quoted: None,
                signature: None,
                from_html: false,
            },
            attachments: Vec::new(),
            rfc_message_id: format!("note.{note}@deskhand.invalid"),
            answers: Vec::new(),
            auto_class: AutoClass::Human,
            sent_at: now,
            raw_sha256: format!("{:x}", Sha256::digest(text.as_bytes())),
            thread_reason: "a note".to_owned(),
            hints: Vec::new(),
            was_seen: true,
        };
        let filing = Filing {
            source: SOURCE.to_owned(),
            letters: vec![in_ticket(message, id)],
            note_by: Some(self.agent()),
            ..Filing::default()
        };
        let filed = self.store.file(&filing, now).await?;
        self.tell(DeskEvent::TicketChanged(id));
        for joined in filed.joined.into_iter().filter(|joined| *joined != id) {
            self.tell(DeskEvent::TicketChanged(joined));
        }
        Ok(note)
    }
}

const fn in_ticket(message: Message, ticket: TicketId) -> Letter {
    Letter {
        message,
        place: Place::In(ticket),
        reopen: None,
        note_path: None,
        topic: None,
        original: None,
        is_own_copy: false,
        quarantine: None,
        is_history: false,
        returned: None,
    }
}
