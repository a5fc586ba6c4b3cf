//! What the commands say in plain words. Foreign text in it is cleaned where it is printed.

use crate::domain::{
    Attempt, CapName, Contact, Ending, Origin, Priority, QueueRow, Receipt, SkipReason, Task,
    Ticket, Timestamp,
};

/// Writes a moment to the minute, in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Writes a subject, or that there is none.
pub(super) fn subject(subject: &str) -> &str {
    if subject.trim().is_empty() {
        "(no subject)"
    } else {
        subject
    }
}

/// Writes a person with the address, for both can lie.
pub(super) fn person(person: &Contact) -> String {
    match &person.name {
        Some(name) if !person.address.is_empty() => format!("{name} <{}>", person.address),
        Some(_) | None => person.shown().to_owned(),
    }
}

/// Writes a row of the list.
pub(super) fn row(row: &QueueRow) -> String {
    let draft = if row.draft.is_some() { " [draft]" } else { "" };
    let tags: Vec<_> = row.tags.iter().map(|tag| format!(" +{tag}")).collect();
    let tags = tags.concat();
    let urgent = match row.priority {
        Some(Priority::Urgent) => "!!",
        Some(Priority::High) => "!",
        Some(Priority::Normal | Priority::Low) | None => "",
    };
    let who = row.requester.shown();
    let subject = subject(&row.subject);
    format!(
        "#{:<6} {:<8}{urgent:<2} {who}: {subject}{tags}{draft}",
        row.number, row.status
    )
}

/// Writes what stands around a ticket's subject.
pub(super) fn facts(ticket: &Ticket) -> String {
    let mut facts = format!("{}, from {}", ticket.status, person(&ticket.requester));
    if let Some(priority) = ticket.priority {
        push(&mut facts, format_args!(", priority {}", priority.word()));
    }
    if let Some(assignee) = &ticket.assignee {
        push(&mut facts, format_args!(", assigned to {assignee}"));
    }
    for tag in &ticket.tags {
        push(&mut facts, format_args!(" +{tag}"));
    }
    if let Some(why) = &ticket.quarantined_because {
        push(&mut facts, format_args!(", out of the queue: {why}"));
    }
    facts
}

/// Says where an imported ticket came from, and how it stood there.
pub(super) fn origin(origin: &Origin) -> String {
    let mut text = format!("From {}: {}", origin.source, origin.source_id);
    if let Some(status) = &origin.source_status {
        push(&mut text, format_args!(", {status} there"));
    }
    text
}

/// Writes a receipt: every attempt in order, with its reason.
pub(super) fn receipt(receipt: &Receipt) -> String {
    let mut text = format!("Receipt {}: {}", receipt.id, receipt.action);
    if let Some(number) = receipt.ticket_number {
        push(&mut text, format_args!(", #{number}"));
    }
    if receipt.task == Task::Request {
        push(&mut text, format_args!(", for {}", receipt.agent));
    }
    push(
        &mut text,
        format_args!(", {}, {}", day(receipt.began), receipt.cost().for_people()),
    );
    let chain: Vec<_> = receipt.chain.iter().map(ToString::to_string).collect();
    push(
        &mut text,
        format_args!("\n  chain ({}): {}", receipt.chain_from, chain.join(" -> ")),
    );
    for attempt in &receipt.attempts {
        push(&mut text, format_args!("\n  {}", self::attempt(attempt)));
    }
    for skipped in &receipt.skipped {
        push(
            &mut text,
            format_args!("\n  -  {}  {}", skipped.link, skip(&skipped.because)),
        );
    }
    for redacted in &receipt.redacted {
        push(
            &mut text,
            format_args!("\n  masked before it left: {redacted}"),
        );
    }
    text
}

fn attempt(attempt: &Attempt) -> String {
    let mut text = format!("{}  {}  ", attempt.no, attempt.link);
    text.push_str(attempt.outcome());
    if let Some(status) = attempt.status {
        push(&mut text, format_args!(" {status}"));
    }
    if let (Some(tokens_in), Some(tokens_out)) = (attempt.usage.tokens_in, attempt.usage.tokens_out)
    {
        push(&mut text, format_args!("  {tokens_in}/{tokens_out} tokens"));
    }
    push(
        &mut text,
        format_args!(
            "  {} ms  {}",
            attempt.took.as_millis(),
            attempt.cost.for_people()
        ),
    );
    if let Some(id) = &attempt.request_id {
        push(&mut text, format_args!("  {id}"));
    }
    if let Some(said) = &attempt.said {
        push(&mut text, format_args!("\n     said: {said}"));
    }
    if let Some(because) = &attempt.moved_on_because {
        push(&mut text, format_args!("\n     moved on: {because}"));
    }
    text
}

/// Writes why a link was not asked, with the time it may be asked again.
fn skip(because: &SkipReason) -> String {
    let words = because.words();
    match because {
        SkipReason::Resting { until, .. }
        | SkipReason::Open { until }
        | SkipReason::RestedByHand { until } => {
            format!("{words}, until {}", day(*until))
        }
        SkipReason::NotNeeded
        | SkipReason::RunEnded
        | SkipReason::KeyInvalid
        | SkipReason::NoKey
        | SkipReason::KeyNotAvailable(_)
        | SkipReason::OverCap
        | SkipReason::NoPrice
        | SkipReason::TooSmall
        | SkipReason::NotUsable(_)
        | SkipReason::NoLedger(_) => words,
    }
}

/// Writes why there is no draft, naming what each provider did.
pub(super) fn no_draft(receipt: &Receipt) -> String {
    let tried: Vec<_> = receipt
        .attempts
        .iter()
        .map(|attempt| {
            let class = attempt.outcome();
            let status = attempt
                .status
                .map(|status| format!(" {status}"))
                .unwrap_or_default();
            let said = attempt
                .said
                .as_deref()
                .map(|said| format!(" ({said})"))
                .unwrap_or_default();
            format!("{}{status} {class}{said}", attempt.link)
        })
        .chain(
            receipt
                .skipped
                .iter()
                .map(|skipped| format!("{} {}", skipped.link, skip(&skipped.because))),
        )
        .collect();
    let tried = each_once(tried);
    let cost = receipt.cost();
    let mut text = format!("{}.", capital(&receipt.action));
    if !tried.is_empty() {
        push(&mut text, format_args!("\n{}.", tried.join("; ")));
    }
    if cost.amount().nanos() > 0 {
        push(&mut text, format_args!("\nIt cost {}.", cost.for_people()));
    }
    text.push_str("\nThe ticket is untouched.");
    text
}

/// Says once what was said more than once in a row.
fn each_once(said: Vec<String>) -> Vec<String> {
    let mut once: Vec<(String, u32)> = Vec::new();
    for words in said {
        match once.last_mut() {
            Some((last, times)) if *last == words => *times += 1,
            Some(_) | None => once.push((words, 1)),
        }
    }
    let write = |(words, times): (String, u32)| match times {
        1 => words,
        2 => format!("{words}, twice"),
        _ => format!("{words}, {times} times"),
    };
    once.into_iter().map(write).collect()
}

/// Returns what to do when a draft did not come.
pub(super) fn advice(receipt: &Receipt) -> Option<&'static str> {
    match receipt.ending {
        Ending::OverCap if receipt.action.ends_with(CapName::Ticket.words()) => Some(
            "Answer this ticket by hand, or raise its cap with `deskhand spend cap --ticket AMOUNT`.",
        ),
        Ending::OverCap if receipt.action.ends_with(CapName::Day.words()) => Some(
            "Raise the day's cap with `deskhand spend cap --day AMOUNT`, or wait for tomorrow.",
        ),
        Ending::OverCap => {
            Some("Raise the cap with `deskhand spend cap AMOUNT`, or wait for the next month.")
        }
        Ending::NoLink
            if receipt
                .skipped
                .iter()
                .any(|skipped| skipped.because == SkipReason::NoPrice) =>
        {
            Some(
                "Set the price in the config under [models.\"PROVIDER/MODEL\"], or \
                 allow_unknown_prices = true below [spend].",
            )
        }
        Ending::NoLink
            if receipt
                .skipped
                .iter()
                .any(|skipped| skipped.because == SkipReason::KeyInvalid) =>
        {
            Some(
                "Set the key anew with `deskhand keys set PROVIDER`, or ask about the one that is \
                 kept with `deskhand keys test PROVIDER`.",
            )
        }
        Ending::NoLink if !receipt.skipped.is_empty() => {
            Some("`deskhand doctor` says how each is mended.")
        }
        Ending::NoLink => Some(
            "Connect a provider with `deskhand keys set anthropic`; `deskhand doctor` says more.",
        ),
        Ending::KeyRefused => Some(
            "Set the key anew with `deskhand keys set PROVIDER`, or ask about the one that is kept \
             with `deskhand keys test PROVIDER`.",
        ),
        Ending::Offline => Some("Check the network, then draft again."),
        Ending::Failed => Some("Draft again in a while, or name other links with --chain."),
        Ending::TooLong => Some("Name a model with a larger window with --chain."),
        Ending::Refused | Ending::BadInput => {
            Some("Name another model with --chain, or write the reply by hand.")
        }
        Ending::Answered | Ending::Truncated | Ending::Cancelled | Ending::Lost => None,
    }
}

/// Writes the one line below a draft: who wrote it, for how much, and why not the first choice.
pub(super) fn drafted(receipt: &Receipt) -> String {
    let who = receipt
        .answer()
        .map_or_else(String::new, |attempt| attempt.link.to_string());
    let mut line = format!(
        "{who}, {}, receipt {}",
        receipt.cost().for_people(),
        receipt.id
    );
    if receipt.is_fallback() {
        let failed = receipt.attempts.iter().filter_map(|attempt| {
            attempt.class?;
            (!receipt.ending.has_text() || attempt.moved_on_because.is_some())
                .then(|| format!("{} {}", attempt.link, attempt.outcome()))
        });
        let failed: Vec<_> = failed.collect();
        if failed.is_empty() {
            line.push_str("; fallback: the first choice was not asked");
        } else {
            push(&mut line, format_args!("; fallback: {}", failed.join(", ")));
        }
    }
    if receipt.ending == Ending::Truncated {
        line.push_str("; stopped at the output limit");
    }
    line
}

/// Begins a sentence.
pub(super) fn capital(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars
        .next()
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default();
    first + chars.as_str()
}

/// Adds to a text.
pub(super) fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    text.push_str(&more.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_twice_is_said_once() {
        let said = ["a fails", "a fails", "b fails", "a fails"].map(str::to_owned);

        assert_eq!(
            each_once(said.to_vec()),
            ["a fails, twice", "b fails", "a fails"]
        );
    }
}
