//! `deskhand catch-up`: the drafts that could not be made, and making them.

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Call,
    ai_args::CatchUpCommand,
    draft::{draft_json, told_to_stop},
    json,
    out::note,
    stop::{Exit, Stop},
    words,
};
use crate::{
    desk::face::{CatchUp, CatchUpRow, DraftAsk, Drafted},
    domain::TicketId,
};

/// Lists the drafts that wait, makes them, or takes one off the list.
pub(super) async fn run(call: &Call, command: Option<CatchUpCommand>) -> Result<Exit, Stop> {
    match command {
        None => list(call).await,
        Some(CatchUpCommand::Run { numbers }) => make(call, &numbers).await,
        Some(CatchUpCommand::Drop { number }) => take_off(call, number).await,
    }
}

async fn list(call: &Call) -> Result<Exit, Stop> {
    let list = call
        .at_desk(async |desk| Ok(desk.catch_up().await?))
        .await?;
    for row in &list.rows {
        call.out.answer(|| to_json(row), || in_words(row));
    }
    if !call.out.is_json() {
        call.out.line(&summary(&list));
    }
    Ok(Exit::OK)
}

/// Makes drafts one after the other. The first that cannot be made stops the rest: what was in its
/// way is in theirs.
async fn make(call: &Call, numbers: &[i64]) -> Result<Exit, Stop> {
    let exit = call
        .at_desk(async |desk| {
            let list = desk.catch_up().await?;
            let wanted = wanted(&list, numbers)?;
            if wanted.is_empty() && !call.out.is_json() {
                call.out.line(&summary(&list));
            }
            let cancel = CancellationToken::new();
            for ticket in wanted {
                let ask = DraftAsk {
                    ticket,
                    chain: None,
                    hint: None,
                    force: None,
                };
                let drafting = desk.draft(&ask, &cancel);
                tokio::pin!(drafting);
                let drafted = tokio::select! {
                    drafted = &mut drafting => drafted?,
                    () = told_to_stop() => {
                        cancel.cancel();
                        drafting.await?
                    }
                };
                say(call, &drafted);
                if !drafted.receipt.ending.has_text() {
                    return Ok(Exit::after(drafted.receipt.ending));
                }
            }
            Ok(Exit::OK)
        })
        .await?;
    Ok(exit)
}

fn say(call: &Call, drafted: &Drafted) {
    let receipt = &drafted.receipt;
    if call.out.is_json() {
        let draft = draft_json(drafted);
        let line = json!({ "draft": draft, "receipt": json::receipt(receipt) });
        return call.out.json(&line);
    }
    let number = receipt.ticket_number.unwrap_or_default();
    if receipt.ending.has_text() {
        call.out
            .line(&format!("#{number}: {}", words::drafted(receipt)));
    } else {
        note(&format!("#{number}: {}", words::no_draft(receipt)));
    }
}

/// Returns the tickets that are meant: all, or those that are named and wait.
fn wanted(list: &CatchUp, numbers: &[i64]) -> Result<Vec<TicketId>, Stop> {
    if numbers.is_empty() {
        return Ok(list.rows.iter().map(|row| row.missed.ticket.id).collect());
    }
    let find = |number: &i64| {
        let mut rows = list.rows.iter();
        let row = rows.find(|row| row.missed.ticket.number == *number);
        row.map(|row| row.missed.ticket.id)
            .ok_or_else(|| not_waiting(*number))
    };
    numbers.iter().map(find).collect()
}

async fn take_off(call: &Call, number: i64) -> Result<Exit, Stop> {
    let was_there = call
        .at_desk(async |desk| {
            let ticket = desk.by_number(number).await?;
            Ok(desk.drop_missed(ticket).await?)
        })
        .await?;
    if !was_there {
        return Err(not_waiting(number));
    }
    call.out.answer(
        || json!({ "ticket": number, "dropped": true }),
        || format!("#{number} no longer waits for a draft."),
    );
    Ok(Exit::OK)
}

fn not_waiting(number: i64) -> Stop {
    Stop::usage(format!("No draft waits for #{number}."))
        .advising("`deskhand catch-up` lists those that do.")
}

fn to_json(row: &CatchUpRow) -> Value {
    let ticket = &row.missed.ticket;
    json!({
        "ticket": ticket.number,
        "subject": ticket.subject,
        "because": row.missed.because,
        "since": row.missed.at,
        "likely_usd": row.likely.map(|usd| usd.to_string()),
        "likely_because": row.likely.is_none().then_some("no draft was made lately"),
        "at_most_usd": row.at_most.map(|usd| usd.to_string()),
        "at_most_because": row.at_most.is_none().then_some("no price is known"),
    })
}

fn in_words(row: &CatchUpRow) -> String {
    let ticket = &row.missed.ticket;
    format!(
        "#{:<7} {:<18} {:<20} {}",
        ticket.number,
        row.missed.because.word(),
        words::day(row.missed.at),
        crate::text::clean::clean_line(&ticket.subject)
    )
}

fn summary(list: &CatchUp) -> String {
    if list.rows.is_empty() {
        return "No draft waits.".to_owned();
    }
    let many = match list.rows.len() {
        1 => "1 draft waits".to_owned(),
        many => format!("{many} drafts wait"),
    };
    let cost = match (list.likely(), list.at_most()) {
        (Some(likely), Some(most)) => format!(
            "; ~{} for all, at most {}",
            likely.for_people(),
            most.for_people()
        ),
        (None, Some(most)) => format!("; at most {} for all", most.for_people()),
        (_, None) => String::new(),
    };
    match &list.in_the_way {
        Some(why) => format!("{many}{cost}. Still in the way: {why}."),
        None => format!("{many}{cost}. `deskhand catch-up run` makes them."),
    }
}
