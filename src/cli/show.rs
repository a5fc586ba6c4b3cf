//! `deskhand show`: one ticket with its messages, its draft and its receipts.

use std::io::IsTerminal as _;

use serde_json::json;

use super::{
    Call,
    args::ShowArgs,
    json,
    out::Out,
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::face::TicketView,
    domain::{CAME_BACK, Delivery, DraftState, Message, MessageKind},
};

/// Prints the ticket of that number.
pub(super) async fn run(call: &Call, args: &ShowArgs) -> Result<Exit, Stop> {
    if args.raw {
        return raw(call, args.number).await;
    }
    let view = call.at_desk(async |desk| {
        let id = desk.by_number(args.number).await?;
        Ok(desk.ticket(id).await?)
    });
    let view = view.await?;
    if call.out.is_json() {
        call.out.json(&json!({
            "ticket": json::ticket_from(&view.ticket, view.origin.as_ref()),
            "messages": view.messages.iter().map(json::message).collect::<Vec<_>>(),
            "draft": view.draft.as_ref().map(json::draft),
            "receipts": view.receipts.iter().map(json::receipt).collect::<Vec<_>>(),
            "outbox": view.outbox.iter().map(json::outbox).collect::<Vec<_>>(),
        }));
    } else {
        print(call, &view);
    }
    Ok(Exit::OK)
}

/// Writes the messages as they came. A terminal would obey what stands in them.
async fn raw(call: &Call, number: i64) -> Result<Exit, Stop> {
    if std::io::stdout().is_terminal() {
        return Err(
            Stop::usage("Raw mail may hold anything, and a terminal would obey it.").advising(
                format!("Write it to a file: deskhand show {number} --raw > {number}.eml"),
            ),
        );
    }
    let originals = call.at_desk(async |desk| {
        let id = desk.by_number(number).await?;
        Ok(desk.originals(id).await?)
    });
    let originals = originals.await?;
    let mut missing = 0;
    for original in &originals {
        match original {
            Some(bytes) => call.out.bytes(bytes),
            None => missing += 1,
        }
    }
    if missing > 0 {
        return Err(Stop::failed(format!(
            "{missing} of {} messages were filed without their bytes.",
            originals.len()
        ))
        .advising("Import them again into a new data folder to have them as they came."));
    }
    Ok(Exit::OK)
}

fn print(call: &Call, view: &TicketView) {
    let out = &call.out;
    let ticket = &view.ticket;
    out.heading(&format!(
        "#{} {}",
        ticket.number,
        words::subject(&ticket.subject)
    ));
    out.line(&words::facts(ticket));
    if let Some(origin) = &view.origin {
        out.line(&words::origin(origin));
    }
    for message in &view.messages {
        print_message(out, message);
    }
    if let Some(draft) = &view.draft {
        out.line("");
        let stale = match draft.state {
            DraftState::Stale if draft.text.contains(CAME_BACK) => ", STALE: it holds two texts",
            DraftState::Stale => ", STALE: a new message came after it was begun",
            DraftState::Writing | DraftState::Ready | DraftState::Discarded => "",
        };
        out.heading(&format!(
            "Draft, revision {}, saved {}{stale}",
            draft.revision,
            words::day(draft.saved_at)
        ));
        out.text(&draft.text);
    }
    for row in view
        .outbox
        .iter()
        .filter(|row| row.progress.delivery.is_open())
    {
        out.line("");
        out.heading(&format!(
            "In the outbox since {}: {}",
            words::day(row.queued_at),
            match row.progress.delivery {
                Delivery::Unsure => "it may have left",
                Delivery::Sending => "it is leaving",
                Delivery::Held | Delivery::Sent | Delivery::Failed | Delivery::Withdrawn => {
                    "it has not left"
                }
            }
        ));
        out.text(&row.text);
    }
    for receipt in &view.receipts {
        out.line("");
        out.text(&words::receipt(receipt));
    }
}

fn print_message(out: &Out, message: &Message) {
    out.line("");
    let kind = match message.kind {
        MessageKind::Public => "",
        MessageKind::Internal => "NOTE (internal) ",
        MessageKind::System => "RECORD ",
    };
    out.heading(&format!(
        "{kind}{}  {}",
        words::person(&message.from),
        words::day(message.sent_at)
    ));
    for hint in &message.hints {
        out.line(&format!("! {}", hint.words()));
    }
    out.text(&message.body.text);
    for attachment in &message.attachments {
        let kind = &attachment.media_type;
        out.line(&format!(
            "[{}, {kind}, {} bytes]",
            attachment.name, attachment.size_bytes
        ));
    }
}
