//! Mail that somebody at the desk begins: to a customer who has not written, or passing a message
//! on.

use std::path::Path;

use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::letter;
use crate::{
    config::accounts::is_address,
    desk::{Desk, DeskError, face::DeskEvent, sync::source_of},
    domain::{
        Contact, Enclosed, Envelope, Message, MessageKind, Purpose, Status, Ticket, TicketId,
    },
    source::mail::files::{files_of, safe_name},
};

impl Desk {
    /// Makes a ticket for somebody who has not written, to write to them or to keep what they
    /// said elsewhere. What is written on it leaves by the account, where one is named.
    pub async fn new_ticket(
        &self,
        to: &str,
        subject: &str,
        account: Option<&str>,
    ) -> Result<Ticket, DeskError> {
        let (address, subject) = (to.trim(), subject.trim());
        if !is_address(address) {
            return Err(DeskError::Nothing(
                "That is no address. Write one such as maya@example.com.",
            ));
        }
        if subject.is_empty() || subject.contains(char::is_control) {
            return Err(DeskError::Nothing("A ticket needs a subject of one line."));
        }
        let source = match account {
            Some(named) => source_of(&self.account_chosen(named)?),
            None => "desk".to_owned(),
        };
        let now = self.clock.now();
        let ticket = Ticket {
            id: TicketId::new(Uuid::now_v7()),
            number: 0,
            source,
            subject: subject.to_owned(),
            requester: Contact {
                name: None,
                address: address.to_owned(),
            },
            status: Status::Open,
            priority: None,
            assignee: Some(self.agent()),
            tags: Vec::new(),
            quarantined_because: None,
            messages: 0,
            created_at: now,
            updated_at: now,
            last_customer_message_at: None,
            version: 1,
        };
        let made = self.store.new_ticket(&ticket, &self.agent(), now).await?;
        self.tell(DeskEvent::TicketChanged(made.id));
        Ok(made)
    }

    /// Lets a file go with the ticket's draft.
    pub async fn attach(&self, ticket: TicketId, file: &Path) -> Result<Enclosed, DeskError> {
        let enclosed = self.enclose(file).await?;
        let mut envelope = self.ticket(ticket).await?.route.envelope;
        envelope.files.push(enclosed.clone());
        let limit = self.settings().config.outbox.attachments_bytes;
        let sizes = envelope.files.iter().map(|file| file.size_bytes);
        let bytes = sizes.fold(0, u64::saturating_add);
        if bytes > limit {
            return Err(DeskError::TooMuch { bytes, limit });
        }
        self.set_envelope(ticket, &envelope).await?;
        Ok(enclosed)
    }

    /// Makes a draft that passes the newest message of a person on, with its files. It is sent
    /// like any other: a person looks first.
    pub async fn forward(&self, id: TicketId, to: &str) -> Result<(), DeskError> {
        let to = to.trim();
        if !is_address(to) {
            return Err(DeskError::Nothing(
                "That is no address. Write one such as sam@example.com.",
            ));
        }
        let view = self.ticket(id).await?;
        if view
            .draft
            .is_some_and(|draft| !draft.text.trim().is_empty())
        {
            return Err(DeskError::Nothing(
                "This ticket has a draft. Send or discard it first; then pass the message on.",
            ));
        }
        let message = letter::answered(&view.messages)
            .filter(|message| message.kind == MessageKind::Public)
            .ok_or(DeskError::Nothing("There is no message to pass on."))?;
        let mut files = Vec::new();
        if let Some(bytes) = self.store.original(&message.raw_sha256).await? {
            for file in files_of(&bytes) {
                let sha256 = format!("{:x}", Sha256::digest(&file.bytes));
                self.store.keep_original(&sha256, &file.bytes).await?;
                files.push(Enclosed {
                    size_bytes: u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
                    name: safe_name(&file.name),
                    media_type: file.kind.to_owned(),
                    sha256,
                });
            }
        }
        self.save_text(id, &forwarded(message), None).await?;
        let envelope = Envelope {
            to: vec![Contact {
                name: None,
                address: to.to_owned(),
            }],
            files,
            purpose: Purpose::Forward,
            ..Envelope::default()
        };
        self.set_envelope(id, &envelope).await?;
        Ok(())
    }
}

fn forwarded(message: &Message) -> String {
    let when = message
        .sent_at
        .to_zoned(TimeZone::UTC)
        .strftime("%a, %-d %b %Y at %H:%M UTC");
    let name = message.from.name.as_deref().unwrap_or_default();
    format!(
        "\n\n---------- Forwarded message ----------\nFrom: {name} <{}>\nDate: {when}\nSubject: \
         {}\n\n{}",
        message.from.address, message.subject, message.body.text
    )
}
