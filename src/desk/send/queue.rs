//! From an approved text to a reply that waits: addressed, written as mail, its time to be taken
//! back running.

use std::time::Duration;

use uuid::Uuid;

use super::letter::{self, Below};
use crate::{
    config::AccountConfig,
    desk::{Desk, DeskError, face::DeskEvent, tickets::no_ticket},
    domain::{
        Contact, Delivery, Draft, DraftId, DraftOrigin, DraftState, Envelope, Message, OutboxId,
        OutboxKind, OutboxRow, Post, PostLetter, Progress, Purpose, Status, Ticket, TicketEvent,
        TicketId, Timestamp,
    },
    source::mail::compose::{Author, Outgoing, compose},
    store::{IfStale, QueueAnswer, QueuedFrom, Queueing, SaveDraft, StoreError},
};

/// What a person approved with one key.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The ticket.
    pub ticket: TicketId,
    /// What it is when the reply has left.
    pub then: Status,
    /// The text that was on the screen: no other is queued.
    pub seen: String,
    /// How many messages of people were on the screen; with more now the reply is stale. None: a
    /// person has said that it is to go out whatever came.
    pub seen_messages: Option<u64>,
    /// Whether the person was told that the draft is stale; one that became so since is refused.
    pub knows_stale: bool,
}

/// A reply that a command brings.
#[derive(Clone, Debug)]
pub struct ReplyAsk {
    /// The ticket.
    pub ticket: TicketId,
    /// The text.
    pub text: String,
    /// Who gets it beside, or instead: parts that are none are as usual.
    pub to: Option<Vec<Contact>>,
    /// More people who get a copy.
    pub cc: Vec<Contact>,
    /// People who get a copy that nobody is told of.
    pub bcc: Vec<Contact>,
    /// The files that go with it.
    pub files: Vec<crate::domain::Enclosed>,
    /// What the ticket is when the reply has left; none as usual.
    pub then: Option<Status>,
    /// How long it can be taken back; none as the config says.
    pub hold: Option<Duration>,
    /// The account it leaves by, by its name or address; none as usual.
    pub account: Option<String>,
}

/// A reply ready to be queued.
struct Ready {
    row: OutboxRow,
    mime: Option<Vec<u8>>,
}

impl Desk {
    /// Puts the ticket's draft into the outbox. The ticket takes the status `then` only when the
    /// reply has left. A text that changed meanwhile, or that somebody's new message made stale,
    /// must be looked at again and is not queued.
    pub async fn queue_reply(&self, approval: &Approval) -> Result<OutboxRow, DeskError> {
        let id = approval.ticket;
        let view = self.ticket(id).await?;
        let then = approval.then;
        view.ticket
            .status
            .after(&TicketEvent::AgentReply(Some(then)))?;
        let draft = view.draft.filter(|draft| !draft.text.trim().is_empty());
        let draft = draft.ok_or(DeskError::Nothing("There is no reply to send yet."))?;
        check_draft(&draft, &approval.seen)?;
        if draft.state == DraftState::Stale && !approval.knows_stale {
            return Err(DeskError::Stale);
        }
        let envelope = draft.envelope.clone();
        let envelope = envelope.unwrap_or_else(|| {
            letter::envelope(&view.ticket, &view.messages, &self.own_addresses())
        });
        let ready = self
            .ready(
                (&view.ticket, &view.messages),
                (draft.id, draft.text, envelope),
                then,
                None,
            )
            .await?;
        let queueing = Queueing {
            row: &ready.row,
            mime: ready.mime.as_deref(),
            from: QueuedFrom::Live(draft.revision),
            seen_messages: approval.seen_messages,
        };
        let answer = self.store.queue_reply(&queueing).await?;
        self.tell(DeskEvent::TicketChanged(id));
        match answer {
            QueueAnswer::Queued => Ok(ready.row),
            QueueAnswer::Stale => Err(DeskError::Stale),
        }
    }

    /// Puts a reply that a command brings into the outbox. A draft that is being written on the
    /// ticket is left alone.
    pub async fn reply(&self, ask: ReplyAsk) -> Result<OutboxRow, DeskError> {
        let view = self.ticket(ask.ticket).await?;
        let then = match ask.then {
            Some(then) => then,
            None => view.ticket.status.after(&TicketEvent::AgentReply(None))?,
        };
        view.ticket
            .status
            .after(&TicketEvent::AgentReply(Some(then)))?;
        if ask.text.trim().is_empty() {
            return Err(DeskError::Nothing("The reply has no words."));
        }
        let mut envelope = letter::envelope(&view.ticket, &view.messages, &self.own_addresses());
        if let Some(to) = ask.to {
            envelope.to = to;
        }
        envelope.cc.extend(ask.cc);
        envelope.bcc.extend(ask.bcc);
        envelope.files = ask.files;
        if let Some(named) = &ask.account {
            envelope.account = Some(self.account_chosen(named)?.address);
        }
        let draft = DraftId::new(Uuid::now_v7());
        let ready = self
            .ready(
                (&view.ticket, &view.messages),
                (draft, ask.text.clone(), envelope),
                then,
                ask.hold,
            )
            .await?;
        let save = SaveDraft {
            ticket: ask.ticket,
            author: self.agent(),
            answers: letter::answered(&view.messages).map(|message| message.id),
            text: ask.text,
            origin: DraftOrigin::Human,
            state: DraftState::Ready,
            receipts: Vec::new(),
            flags: Vec::new(),
            knew: None,
            expected: None,
            at: self.clock.now(),
        };
        let queueing = Queueing {
            row: &ready.row,
            mime: ready.mime.as_deref(),
            from: QueuedFrom::Nowhere(&save),
            seen_messages: Some(letter::messages_of_people(&view.messages)),
        };
        match self.store.queue_reply(&queueing).await? {
            QueueAnswer::Queued => {
                self.tell(DeskEvent::TicketChanged(ask.ticket));
                Ok(ready.row)
            }
            QueueAnswer::Stale => Err(DeskError::Stale),
        }
    }

    /// Says to whom the ticket's draft goes, what goes with it, and by which account it leaves.
    pub async fn set_envelope(
        &self,
        ticket: TicketId,
        envelope: &Envelope,
    ) -> Result<Draft, DeskError> {
        let mut envelope = envelope.clone();
        if let Some(named) = &envelope.account {
            envelope.account = Some(self.account_chosen(named)?.address);
        }
        let draft = match self.store.draft(ticket, &self.agent()).await? {
            Some(draft) => draft,
            None => self.save_text(ticket, "", None).await?,
        };
        let at = self.clock.now();
        let draft = self.store.set_envelope(draft.id, &envelope, at).await?;
        self.tell(DeskEvent::DraftSaved(draft.id));
        Ok(draft)
    }

    /// Writes the mail of a reply, or leaves it without where there is no way of sending yet.
    async fn ready(
        &self,
        (ticket, messages): (&Ticket, &[Message]),
        (draft, text, envelope): (DraftId, String, Envelope),
        then: Status,
        hold: Option<Duration>,
    ) -> Result<Ready, DeskError> {
        let now = self.clock.now();
        let id = OutboxId::new(Uuid::now_v7());
        let written = match self.account_for(ticket, envelope.account.as_deref()) {
            Some(account) => {
                let about = (ticket, messages);
                Some(self.write(&account, about, (id, &text, envelope)).await?)
            }
            None => None,
        };
        let hold = hold.unwrap_or(self.settings().config.outbox.undo);
        let held_until = written
            .as_ref()
            .map(|_| now.checked_add(hold).unwrap_or(now));
        let (post, mime) = written.unzip();
        let row = OutboxRow {
            id,
            kind: OutboxKind::Reply,
            ticket: ticket.id,
            draft,
            text,
            then,
            approved_by: self.agent(),
            queued_at: now,
            post,
            progress: Progress::held(held_until),
        };
        Ok(Ready { row, mime })
    }

    /// Writes a reply as mail.
    pub(super) async fn write(
        &self,
        account: &AccountConfig,
        (ticket, messages): (&Ticket, &[Message]),
        (id, text, envelope): (OutboxId, &str, Envelope),
    ) -> Result<(Post, Vec<u8>), DeskError> {
        if envelope.everybody().is_empty() {
            return Err(DeskError::Nothing(
                "The reply goes to nobody: the ticket names no address. Say to whom with `e`, or \
                 --to on the command line.",
            ));
        }
        let files = self.enclosed(&envelope).await?;
        let stamp = self.stamp().await?;
        // Who gets a message passed on never got the others: their mail program has nothing to put
        // it under, and it brings its own copy of what it speaks of.
        let answered = match envelope.purpose {
            Purpose::Answer => letter::answered(messages),
            Purpose::Forward => None,
        };
        let sending = &account.sending;
        let token = sending.subject_token.as_deref();
        let mark = stamp.mark(ticket.number);
        let settings = self.settings();
        let below = Below {
            sending,
            signature: settings.config.agent.signature.as_deref(),
            answered,
            mark: sending.has_body_mark.then_some(mark.as_str()),
        };
        let from = Contact {
            name: Some(sending.name.clone().unwrap_or_else(|| self.agent())),
            address: account.address.clone(),
        };
        let post = Post {
            account: account.address.clone(),
            rfc_message_id: stamp.message_id(ticket.number, id, &account.address),
            letter: PostLetter {
                subject: match envelope.purpose {
                    Purpose::Answer => letter::subject(ticket, messages, token),
                    Purpose::Forward => letter::forward_subject(ticket, messages, token),
                },
                answers: answered.map(answers).unwrap_or_default(),
                envelope,
                from,
            },
        };
        let letter = &post.letter;
        let html = sending.has_html.then(|| letter::html(text, &below));
        let mime = compose(&Outgoing {
            from: &letter.from,
            reply_to: plus_address(account, &mark).as_deref(),
            to: &letter.envelope.to,
            cc: &letter.envelope.cc,
            subject: &letter.subject,
            message_id: &post.rfc_message_id,
            answers: &letter.answers,
            date: self.clock.now(),
            text: &letter::text(text, &below),
            html: html.as_deref(),
            files: &files,
            loop_mark: &stamp.loop_mark(),
            author: Author::Person,
        });
        Ok((post, mime))
    }

    /// Reads the files that go with a reply.
    async fn enclosed(
        &self,
        envelope: &Envelope,
    ) -> Result<Vec<(String, String, Vec<u8>)>, DeskError> {
        let limit = self.settings().config.outbox.attachments_bytes;
        let sizes = envelope.files.iter().map(|file| file.size_bytes);
        let bytes = sizes.fold(0, u64::saturating_add);
        if bytes > limit {
            return Err(DeskError::TooMuch { bytes, limit });
        }
        let mut files = Vec::with_capacity(envelope.files.len());
        for file in &envelope.files {
            let content = self.store.original(&file.sha256).await?;
            let content = content.ok_or_else(|| DeskError::NoFile(file.name.clone()))?;
            files.push((file.name.clone(), file.media_type.clone(), content));
        }
        Ok(files)
    }

    /// Takes a reply out of the outbox and makes it the draft it was. One of which nobody knew and
    /// which was found among the sent mail is noted as sent instead.
    pub async fn withdraw(&self, id: OutboxId) -> Result<Draft, DeskError> {
        let row = self.store.outbox_row(id).await?;
        if row.progress.delivery == Delivery::Unsure && self.store.was_filed(&row).await? {
            self.it_was_sent(id).await?;
            return Err(DeskError::Nothing(
                "This reply has left: it was found among the sent mail and stands in its ticket. \
                 Nothing was taken back.",
            ));
        }
        let draft = match self.store.withdraw(id, self.clock.now()).await {
            Err(error @ StoreError::Conflict(_)) => {
                let delivery = self.store.outbox_row(id).await?.progress.delivery;
                let why = why_not_taken_back(delivery).map(DeskError::Nothing);
                return Err(why.unwrap_or_else(|| error.into()));
            }
            back => back?,
        };
        self.tell(DeskEvent::TicketChanged(draft.ticket));
        Ok(draft)
    }

    /// Returns the replies that have not come to an end with their tickets, newest first.
    pub async fn waiting_replies(&self) -> Result<Vec<(OutboxRow, Ticket)>, DeskError> {
        let mut open = self.store.open_outbox().await?;
        open.reverse();
        Ok(open)
    }

    /// Returns the tickets of the replies of people that wait to leave by an account, oldest first.
    pub async fn waiting_for(&self, account: &AccountConfig) -> Result<Vec<Ticket>, DeskError> {
        let leaves_by_it = |row: &OutboxRow| {
            let is_held_reply =
                row.kind == OutboxKind::Reply && row.progress.delivery == Delivery::Held;
            let post = row.post.as_ref().filter(|_| is_held_reply);
            post.is_some_and(|post| post.account.eq_ignore_ascii_case(&account.address))
        };
        let open = self.store.open_outbox().await?.into_iter();
        Ok(open
            .filter(|(row, _)| leaves_by_it(row))
            .map(|(_, ticket)| ticket)
            .collect())
    }

    /// Lets a reply that was refused, is unsure or was found waiting leave now: a person says so.
    /// Where its ticket was merged meanwhile, it is a reply of the one that went on.
    /// One that was written before there was a way of sending is written as mail first.
    /// One after which somebody wrote is refused, unless it is said what to do then.
    pub async fn release(&self, id: OutboxId, if_stale: IfStale) -> Result<(), DeskError> {
        let row = self.store.outbox_row(id).await?;
        let now = self.clock.now();
        let Some(mime) = self.store.outbox_mime(id).await? else {
            return Err(self.why_not_ready(&row).await?);
        };
        let held = self.store.hold_again(id, (&mime, if_stale), now);
        let held = held.await?.ok_or(DeskError::Nothing(
            "Somebody wrote after this reply was approved. Take it back and look at it first; \
             `deskhand outbox retry ID --anyway` sends it as it is.",
        ))?;
        self.tell(DeskEvent::TicketChanged(row.ticket));
        if held.ticket != row.ticket {
            self.tell(DeskEvent::TicketChanged(held.ticket));
        }
        Ok(())
    }

    async fn why_not_ready(&self, row: &OutboxRow) -> Result<DeskError, DeskError> {
        let ticket = self.store.ticket(row.ticket).await?;
        let ticket = ticket.ok_or_else(|| no_ticket(row.ticket))?;
        if !row.progress.delivery.is_open() {
            return Ok(DeskError::Nothing(
                "This reply does not wait any more: look at its ticket.",
            ));
        }
        Ok(match self.account_for(&ticket, None) {
            Some(_) => DeskError::Nothing(
                "This reply was written before its account could send. Take it back (u), look at \
                 it, and send it again.",
            ),
            None => DeskError::NoWayOut,
        })
    }
}

/// Tells why a reply cannot be taken back, where its own end is the reason.
const fn why_not_taken_back(delivery: Delivery) -> Option<&'static str> {
    match delivery {
        Delivery::Sending => {
            Some("This reply is being sent right now: it cannot be taken back any more.")
        }
        Delivery::Sent => Some("This reply has left: it cannot be taken back any more."),
        Delivery::Withdrawn => {
            Some("This reply was taken back already: look for its draft on its ticket.")
        }
        Delivery::Held | Delivery::Unsure | Delivery::Failed => None,
    }
}

/// Refuses a draft that is not what the person saw.
fn check_draft(draft: &Draft, seen: &str) -> Result<(), DeskError> {
    if draft.state == DraftState::Writing {
        return Err(DeskError::Nothing(
            "The reply is still being written. Wait for its end, or stop it with Esc.",
        ));
    }
    if draft.text != seen {
        return Err(DeskError::Nothing(
            "The reply is not the one on the screen: it is not saved yet, or was changed \
             meanwhile. Nothing was queued. Look at it again.",
        ));
    }
    Ok(())
}

/// Returns the ids a reply to a message answers, nearest parent first.
fn answers(message: &Message) -> Vec<String> {
    let mut ids = Vec::with_capacity(message.answers.len() + 1);
    // An id that we made for a mail without one stands nowhere but here.
    if !message.rfc_message_id.ends_with("@deskhand.invalid") {
        ids.push(message.rfc_message_id.clone());
    }
    for id in &message.answers {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// Returns the address that names the ticket, where the account has such.
fn plus_address(account: &AccountConfig, mark: &str) -> Option<String> {
    let (local, domain) = account.address.split_once('@')?;
    account
        .sending
        .has_plus_address
        .then(|| format!("{local}+{mark}@{domain}"))
}

/// Returns when something is tried again after so many tries: half a minute at first, an hour at
/// most.
pub(super) fn next_try(now: Timestamp, attempts: u32) -> Timestamp {
    let seconds = 30_u64.saturating_mul(1 << attempts.saturating_sub(1).min(7));
    now.checked_add(Duration::from_secs(seconds.min(3600)))
        .unwrap_or(Timestamp::MAX)
}
