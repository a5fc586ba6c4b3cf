//! The JSON that others script against; `docs/cli.md` lists every field.
//!
//! What is not known is null, and a field of the same name with `_because` says why.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::domain::{
    Attempt, Contact, Cost, Draft, DraftMark, KeyState, Message, Origin, OutboxRow, QueueRow,
    Receipt, SkipReason, Skipped, Ticket, Usd,
};

/// Adds a value, or null and the reason.
fn put(fields: &mut Map<String, Value>, name: &str, value: Option<Value>, because: &str) {
    if value.is_none() {
        fields.insert(format!("{name}_because"), because.into());
    }
    fields.insert(name.to_owned(), value.unwrap_or(Value::Null));
}

fn put_cost(fields: &mut Map<String, Value>, cost: Cost) {
    fields.insert("cost_usd".to_owned(), cost.amount().to_string().into());
    fields.insert("cost_at_most".to_owned(), cost.is_at_most().into());
}

fn millis(time: Duration) -> Value {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).into()
}

/// Returns whole seconds as a whole number, others with their fraction.
fn seconds(time: Duration) -> Value {
    if time.subsec_nanos() == 0 {
        time.as_secs().into()
    } else {
        time.as_secs_f64().into()
    }
}

/// A person outside the desk.
pub(super) fn contact(person: &Contact) -> Value {
    json!({ "name": person.name, "address": person.address })
}

/// A row of `tickets`.
pub(super) fn row(row: &QueueRow) -> Value {
    json!({
        "number": row.number,
        "subject": row.subject,
        "status": row.status,
        "priority": row.priority,
        "requester": contact(&row.requester),
        "assignee": row.assignee,
        "tags": row.tags,
        "messages": row.messages,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "draft": row.draft.as_ref().map(mark),
        "system_because": row.quarantined_because,
    })
}

fn mark(draft: &DraftMark) -> Value {
    json!({
        "state": draft.state,
        "origin": draft.origin,
        "fallback": draft.is_fallback,
        "saved_at": draft.saved_at,
    })
}

/// A ticket, as `show` and `set` print it.
pub(super) fn ticket(ticket: &Ticket) -> Value {
    json!({
        "number": ticket.number,
        "id": ticket.id,
        "source": ticket.source,
        "subject": ticket.subject,
        "status": ticket.status,
        "priority": ticket.priority,
        "requester": contact(&ticket.requester),
        "assignee": ticket.assignee,
        "tags": ticket.tags,
        "messages": ticket.messages,
        "created_at": ticket.created_at,
        "updated_at": ticket.updated_at,
        "last_customer_message_at": ticket.last_customer_message_at,
        "system_because": ticket.quarantined_because,
        "version": ticket.version,
    })
}

/// A ticket, and what it is called where it came from.
pub(super) fn ticket_from(ticket: &Ticket, origin: Option<&Origin>) -> Value {
    let mut value = self::ticket(ticket);
    if let Value::Object(fields) = &mut value {
        let id = origin.map(|origin| origin.source_id.clone());
        fields.insert("source_id".to_owned(), id.into());
        let status = origin.and_then(|origin| origin.source_status.clone());
        fields.insert("source_status".to_owned(), status.into());
    }
    value
}

/// A message of a ticket.
pub(super) fn message(message: &Message) -> Value {
    let people = |all: &[Contact]| all.iter().map(contact).collect::<Vec<_>>();
    let attachments: Vec<_> = message
        .attachments
        .iter()
        .map(|attachment| {
            json!({
                "name": attachment.name,
                "media_type": attachment.media_type,
                "size_bytes": attachment.size_bytes,
            })
        })
        .collect();
    json!({
        "id": message.id,
        "thread_reason": message.thread_reason,
        "message_id": message.rfc_message_id,
        "kind": message.kind,
        "direction": message.direction,
        "from": contact(&message.from),
        "to": people(&message.to),
        "cc": people(&message.cc),
        "subject": message.subject,
        "sent_at": message.sent_at,
        "automatic": message.auto_class.word(),
        "text": message.body.text,
        "new_text": message.body.clean,
        "quoted": message.body.quoted,
        "signature": message.body.signature,
        "from_html": message.body.from_html,
        "attachments": attachments,
        "in_this_ticket_because": message.thread_reason,
        "hints": message.hints,
        "seen": message.was_seen,
    })
}

/// A draft as it is kept.
pub(super) fn draft(draft: &Draft) -> Value {
    json!({
        "id": draft.id,
        "text": draft.text,
        "author": draft.author,
        "revision": draft.revision,
        "origin": draft.origin,
        "state": draft.state,
        "flags": draft.flags,
        "receipts": draft.receipts,
        "attachments": draft.envelope.as_ref().map(|envelope| &envelope.files),
        "saved_at": draft.saved_at,
    })
}

/// A reply in the outbox.
pub(super) fn outbox(row: &OutboxRow) -> Value {
    json!({
        "id": row.id,
        "text": row.text,
        "then": row.then,
        "approved_by": row.approved_by,
        "queued_at": row.queued_at,
        "delivery": row.progress.delivery,
        "message_id": row.post.as_ref().map(|post| &post.rfc_message_id),
        "account": row.post.as_ref().map(|post| &post.account),
        "subject": row.post.as_ref().map(|post| &post.letter.subject),
        "to": row.post.as_ref().map(|post| &post.letter.envelope.to),
        "cc": row.post.as_ref().map(|post| &post.letter.envelope.cc),
        "bcc": row.post.as_ref().map(|post| &post.letter.envelope.bcc),
        "attachments": row.post.as_ref().map(|post| &post.letter.envelope.files),
        "held_until": row.progress.held_until,
        "next_attempt_at": row.progress.next_attempt_at,
        "attempts": row.progress.attempts,
        "said": row.progress.said,
    })
}

/// A receipt.
pub(super) fn receipt(receipt: &Receipt) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("id", json!(receipt.id));
    set("run", json!(receipt.run));
    set("task", json!(receipt.task));
    set("agent", json!(receipt.agent));
    set("began", json!(receipt.began));
    set("ended", json!(receipt.ended));
    set("chain", json!(receipt.chain));
    set("chain_from", json!(receipt.chain_from));
    set("ending", json!(receipt.ending));
    set("action", json!(receipt.action));
    set("fallback_used", json!(receipt.is_fallback()));
    set("attempts", receipt.attempts.iter().map(attempt).collect());
    set("skipped", receipt.skipped.iter().map(skipped).collect());
    set("asked_sha256", json!(receipt.asked_sha256));
    set("words_sent", json!(receipt.words_sent));
    set("words_whole", json!(receipt.words_whole));
    set("redacted", json!(receipt.redacted));
    set("sources", json!(receipt.sources));
    put(
        &mut fields,
        "ticket",
        receipt.ticket_number.map(Value::from),
        "it served no ticket",
    );
    put_cost(&mut fields, receipt.cost());
    put(&mut fields, "confidence", None, "nothing judges drafts yet");
    put(&mut fields, "labels", None, "nothing labels tickets yet");
    let first = receipt.first_choice_cost.map(|usd| usd.to_string().into());
    put(
        &mut fields,
        "first_choice_cost_usd",
        first,
        "the first link answered, or has no price",
    );
    Value::Object(fields)
}

/// A receipt, with what an invoice said of it later.
pub(super) fn shown_receipt(receipt: &Receipt, invoice: Option<Usd>) -> Value {
    let mut shown = self::receipt(receipt);
    if let (Value::Object(fields), Some(usd)) = (&mut shown, invoice) {
        fields.insert("reconciled_usd".to_owned(), usd.to_string().into());
    }
    shown
}

/// Why a value that only the provider knows is null.
const NOT_SAID: &str = "the provider did not say";

fn attempt(attempt: &Attempt) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("no", attempt.no.into());
    set("provider", json!(attempt.link.provider));
    set("model", json!(attempt.link.model));
    set("began", json!(attempt.began));
    set("took_ms", millis(attempt.took));
    set("billed", json!(attempt.billed));
    put_cost(&mut fields, attempt.cost);
    put_answer(&mut fields, attempt);
    put_usage(&mut fields, attempt);
    Value::Object(fields)
}

fn put_answer(fields: &mut Map<String, Value>, attempt: &Attempt) {
    let words = |text: &Option<String>| text.clone().map(Value::from);
    let mut add =
        |name: &str, value: Option<Value>, because: &str| put(fields, name, value, because);
    add("answered_by", words(&attempt.answered_by), NOT_SAID);
    add("status", attempt.status.map(Value::from), "no answer came");
    add(
        "class",
        attempt.class.map(|class| json!(class)),
        "nothing went wrong",
    );
    add(
        "said",
        words(&attempt.said),
        "nothing went wrong, or the provider gave no words",
    );
    add("request_id", words(&attempt.request_id), NOT_SAID);
    add(
        "retry_after_s",
        attempt.retry_after.map(seconds),
        "the provider asked for no wait",
    );
    add(
        "connect_ms",
        attempt.connect.map(millis),
        if attempt.status.is_some() && attempt.class.is_some() {
            "it is not measured for an answer that is an error"
        } else {
            "no new connection was made"
        },
    );
    add(
        "first_text_ms",
        attempt.first_text.map(millis),
        "no text came",
    );
    add(
        "moved_on_because",
        words(&attempt.moved_on_because),
        "it was the last attempt",
    );
    add(
        "shown_and_replaced",
        words(&attempt.shown),
        "no text of it was shown and replaced",
    );
}

fn put_usage(fields: &mut Map<String, Value>, attempt: &Attempt) {
    let usage = &attempt.usage;
    for (name, count) in [
        ("tokens_in", usage.tokens_in),
        ("tokens_out", usage.tokens_out),
        ("tokens_cached", usage.tokens_cached),
        ("tokens_thinking", usage.tokens_thinking),
    ] {
        put(fields, name, count.map(Value::from), NOT_SAID);
    }
    let price = attempt.price.clone().map(Value::from);
    put(fields, "price", price, "no price is known for this model");
}

fn skipped(skipped: &Skipped) -> Value {
    let until = match &skipped.because {
        SkipReason::Resting { until, .. }
        | SkipReason::Open { until }
        | SkipReason::RestedByHand { until } => Some(until),
        SkipReason::NotNeeded
        | SkipReason::RunEnded
        | SkipReason::KeyInvalid
        | SkipReason::NoKey
        | SkipReason::KeyNotAvailable(_)
        | SkipReason::OverCap
        | SkipReason::NoPrice
        | SkipReason::TooSmall
        | SkipReason::NotUsable(_)
        | SkipReason::NoLedger(_) => None,
    };
    json!({
        "provider": skipped.link.provider,
        "model": skipped.link.model,
        "because": skipped.because.words(),
        "until": until,
        "until_because": until.is_none().then_some("it is not tied to a time"),
    })
}

/// The word for what was last seen of a key.
pub(super) fn key_state(state: Option<KeyState>) -> &'static str {
    state.map_or("not_checked", KeyState::word)
}
