//! `deskhand outbox`: the replies that have not left, and what is done about them.

use serde_json::{Value, json};

use super::{
    Call, json,
    mail_args::{OutboxArgs, OutboxCommand},
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::{Desk, IfStale},
    domain::{Delivery, OutboxRow, Ticket},
    text::clean::clean_line,
};

/// Does what is asked of the outbox.
pub(super) async fn run(call: &Call, args: OutboxArgs) -> Result<Exit, Stop> {
    match args.command.unwrap_or(OutboxCommand::List) {
        OutboxCommand::List => list(call).await,
        OutboxCommand::Send => send(call).await,
        OutboxCommand::Undo { id } => undo(call, &id).await,
        OutboxCommand::Retry { id, anyway } => {
            let if_stale = if anyway {
                IfStale::Send
            } else {
                IfStale::Refuse
            };
            retry(call, &id, if_stale).await
        }
        OutboxCommand::Sent { id } => sent(call, &id).await,
        OutboxCommand::Allow { address: None } => nobody_at(call).await,
        OutboxCommand::Allow {
            address: Some(address),
        } => allow(call, &address).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let rows = call.at_desk(async |desk| Ok(desk.waiting_replies().await?));
    let rows = rows.await?;
    if rows.is_empty() && !call.out.is_json() {
        call.out.line("No reply waits.");
    }
    for (row, ticket) in rows.iter().rev() {
        if call.out.is_json() {
            let mut value = json::outbox(row);
            if let Value::Object(fields) = &mut value {
                fields.insert("number".to_owned(), json!(ticket.number));
            }
            call.out.json(&value);
        } else {
            call.out.line(&line(row, ticket));
        }
    }
    Ok(Exit::OK)
}

fn line(row: &OutboxRow, ticket: &Ticket) -> String {
    let to = row.post.as_ref().map_or_else(
        || ticket.requester.address.clone(),
        |post| {
            let everybody = post.letter.envelope.everybody().into_iter();
            let addresses: Vec<&str> = everybody.map(|person| person.address.as_str()).collect();
            addresses.join(", ")
        },
    );
    let state = match (row.progress.delivery, row.progress.due_at()) {
        (Delivery::Held, Some(due)) if row.progress.attempts > 0 => {
            format!("will be tried again at {}", words::day(due))
        }
        (Delivery::Held, Some(due)) => format!("held until {}", words::day(due)),
        (Delivery::Held, None) => "held: no account can send it".to_owned(),
        (delivery, _) => delivery.word().to_owned(),
    };
    let said = row.progress.said.as_deref();
    let said = said.map_or_else(String::new, |said| format!(": {}", clean_line(said)));
    format!(
        "{}  #{:<6} to {}  {state}{said}",
        row.id,
        ticket.number,
        clean_line(&to)
    )
}

async fn send(call: &Call) -> Result<Exit, Stop> {
    let told = call.at_desk(async |desk| Ok(desk.send_now().await?));
    let told = told.await?;
    let failed: Vec<Value> = told
        .failed
        .iter()
        .map(|(id, said)| json!({ "outbox": id, "said": said }))
        .collect();
    call.out.answer(
        || {
            json!({
                "sent": told.sent,
                "held": told.held,
                "failed": failed,
                "unsure": told.unsure,
            })
        },
        || {
            let mut text = format!("{} sent, {} held.", told.sent.len(), told.held.len());
            let found = told.found.iter().map(|id| {
                format!("\n{id} had left before: it was found in the folder of sent mail.")
            });
            let failed = told.failed.iter().map(|(id, said)| {
                let again = told.again.iter().find(|(later, _)| later == id);
                let what = match again {
                    Some((_, then)) => {
                        let then = words::day(*then);
                        format!("has not left, and will be tried again at {then}")
                    }
                    None if told.stopped.contains(id) => {
                        "was stopped on its way (`deskhand outbox` tells how it stands)".to_owned()
                    }
                    None => "was not sent, and is a draft again".to_owned(),
                };
                format!("\n{id} {what}: {}", clean_line(said))
            });
            let unsure = told.unsure.iter().map(|id| {
                format!(
                    "\n{id} may have left. Look into the folder of sent mail, then say `deskhand \
                     outbox sent {id}`, or send it again with `deskhand outbox retry {id}`."
                )
            });
            text.extend(found.chain(failed).chain(unsure));
            text
        },
    );
    Ok(if told.failed.is_empty() && told.unsure.is_empty() {
        Exit::OK
    } else {
        Exit::FAILED
    })
}

async fn undo(call: &Call, id: &str) -> Result<Exit, Stop> {
    let back = call.at_desk(async |desk| {
        let row = desk.outbox_by_id(id).await?;
        let draft = desk.withdraw(row.id).await?;
        Ok((row, draft))
    });
    let (row, draft) = back.await?;
    call.out.answer(
        || {
            json!({
                "outbox": row.id,
                "delivery": Delivery::Withdrawn,
                "draft": draft.id,
                "flags": draft.flags,
            })
        },
        || {
            let words = if draft.may_have_left() {
                "Taken back; it may have left already: look before you send it again."
            } else {
                "Taken back: it is the draft it was."
            };
            words.to_owned()
        },
    );
    Ok(Exit::OK)
}

async fn retry(call: &Call, id: &str, if_stale: IfStale) -> Result<Exit, Stop> {
    let released = call.at_desk(async |desk: &std::sync::Arc<Desk>| {
        let row = desk.outbox_by_id(id).await?;
        desk.release(row.id, if_stale).await?;
        Ok(row)
    });
    let row = released.await?;
    call.out.answer(
        || json!({ "outbox": row.id, "delivery": Delivery::Held }),
        || {
            "It leaves with the next `deskhand outbox send`, or at once from an open desk."
                .to_owned()
        },
    );
    Ok(Exit::OK)
}

async fn sent(call: &Call, id: &str) -> Result<Exit, Stop> {
    let noted = call.at_desk(async |desk| {
        let row = desk.outbox_by_id(id).await?;
        desk.it_was_sent(row.id).await?;
        Ok(row)
    });
    let row = noted.await?;
    call.out.answer(
        || json!({ "outbox": row.id, "delivery": Delivery::Sent }),
        || "Noted: it stands in the ticket as sent.".to_owned(),
    );
    Ok(Exit::OK)
}

async fn nobody_at(call: &Call) -> Result<Exit, Stop> {
    let all = call.at_desk(async |desk| Ok(desk.nobody_at().await?));
    let all = all.await?;
    if all.is_empty() && !call.out.is_json() {
        call.out
            .line("No report said that nobody is at an address.");
    }
    for (address, because) in all {
        if call.out.is_json() {
            call.out
                .json(&json!({ "address": address, "because": because }));
        } else {
            let line = format!("{}  {}", clean_line(&address), clean_line(&because));
            call.out.line(&line);
        }
    }
    Ok(Exit::OK)
}

async fn allow(call: &Call, address: &str) -> Result<Exit, Stop> {
    let allowed = call.at_desk(async |desk| Ok(desk.allow(address).await?));
    allowed.await?;
    call.out.answer(
        || json!({ "allowed": address }),
        || format!("Mail may go to {} again.", clean_line(address)),
    );
    Ok(Exit::OK)
}
