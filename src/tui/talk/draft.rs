//! What stands below the conversation: the draft, as it grows, as it is, or why there is none.

use ratatui::text::{Line, Span};

use super::hops::{fallback_line, running_hops};
use crate::{
    config::{action::Action, theme::Theme},
    desk::{
        face::{Phase, Running, TicketView},
        send::guard::reasons,
    },
    domain::{
        Delivery, Draft, DraftOrigin, DraftState, Ending, Envelope, FaultClass, OutboxRow, Purpose,
        Receipt, TicketId,
    },
    text::clean::without_stop,
    tui::{
        model::Model,
        paint::{cut, safe, safe_lines, style, width, wrap},
        words,
        work::RunHere,
    },
};

/// What there is of a draft.
#[derive(Clone, Copy, Debug)]
pub enum Sight<'a> {
    /// One is being made.
    Running(&'a RunHere),
    /// A reply waits in the outbox.
    Held(&'a OutboxRow),
    /// One is there.
    Draft(&'a Draft),
    /// None.
    Nothing,
}

/// Returns what there is of a ticket's draft.
pub fn sight(model: &Model, ticket: TicketId) -> Sight<'_> {
    if let Some(run) = model.work.run(ticket) {
        return Sight::Running(run);
    }
    let Some(view) = model.talk.view_of(ticket) else {
        return Sight::Nothing;
    };
    if let Some(draft) = view
        .draft
        .as_ref()
        .filter(|draft| !draft.text.trim().is_empty())
    {
        return Sight::Draft(draft);
    }
    let held = view
        .outbox
        .iter()
        .find(|row| row.progress.delivery.is_open());
    held.map_or(Sight::Nothing, Sight::Held)
}

/// Returns the words on the draft's rule: what it is, and how it stands.
pub fn title(model: &Model, ticket: TicketId) -> (String, String) {
    let to = model.talk.view_of(ticket).map_or_else(String::new, |view| {
        let words = view.route.words();
        if words.is_empty() {
            String::new()
        } else {
            format!(" → {}", safe(&words))
        }
    });
    match sight(model, ticket) {
        Sight::Running(run) => (format!("DRAFT{to}"), running_title(run, model)),
        Sight::Held(_) => (format!("REPLY IN THE OUTBOX{to}"), "waits".to_owned()),
        Sight::Draft(draft) if is_forward(draft) => (format!("FORWARD{to}"), draft_title(draft)),
        Sight::Draft(draft) => (format!("DRAFT{to}"), draft_title(draft)),
        Sight::Nothing => ("DRAFT".to_owned(), "none".to_owned()),
    }
}

fn is_forward(draft: &Draft) -> bool {
    let envelope = draft.envelope.as_ref();
    envelope.is_some_and(|envelope| envelope.purpose == Purpose::Forward)
}

fn running_title(run: &RunHere, model: &Model) -> String {
    if run.is_stopping {
        return "stopping".to_owned();
    }
    let elapsed = run.elapsed(model.stage.now).as_millis() / 100;
    let turn = usize::try_from(elapsed / 2).unwrap_or(0) % SPINNER.len();
    let spinner = SPINNER.get(turn).copied().unwrap_or("|");
    format!("{spinner} {}.{} s", elapsed / 10, elapsed % 10)
}

const SPINNER: [&str; 4] = ["|", "/", "-", "\\"];

fn draft_title(draft: &Draft) -> String {
    // A stale one says so in little room: to whom it goes stands there too.
    let whose = match (draft.state == DraftState::Stale, draft.origin) {
        (true, DraftOrigin::Ai) => "STALE AI draft",
        (true, DraftOrigin::Mixed) => "STALE changed AI draft",
        (true, DraftOrigin::Human) => "STALE your text",
        (false, DraftOrigin::Ai) => "AI draft, not sent",
        (false, DraftOrigin::Mixed) => "AI draft, changed by you",
        (false, DraftOrigin::Human) => "your text, not sent",
    };
    format!("{whose} v{}", draft.revision)
}

/// Returns the draft's text in lines of at most `wide` cells.
pub fn body(model: &Model, theme: &Theme, ticket: TicketId, wide: usize) -> Vec<Line<'static>> {
    let plain = |text: &str| {
        let lines = wrap(safe_lines(text).trim_end(), wide);
        lines
            .into_iter()
            .map(|line| Line::styled(line, style(theme.text)))
            .collect()
    };
    match sight(model, ticket) {
        Sight::Running(run) => match &run.state {
            Some(state) if !state.text.is_empty() => plain(&state.text),
            Some(Running {
                void: Some(void), ..
            }) => {
                let lines = wrap(safe_lines(&void.text).trim_end(), wide);
                lines
                    .into_iter()
                    .map(|line| Line::styled(line, style(theme.void)))
                    .collect()
            }
            Some(_) | None => old_text(model, ticket).map_or_else(Vec::new, plain),
        },
        Sight::Held(row) => plain(&row.text),
        Sight::Draft(draft) => plain(&draft.text),
        Sight::Nothing => {
            let lines = wrap(&nothing_words(model, ticket), wide);
            lines
                .into_iter()
                .map(|line| Line::styled(line, style(theme.quiet)))
                .collect()
        }
    }
}

/// While a redraft has no words yet, the old text stays in sight.
fn old_text(model: &Model, ticket: TicketId) -> Option<&str> {
    model
        .talk
        .view_of(ticket)?
        .draft
        .as_ref()
        .map(|draft| draft.text.as_str())
}

fn nothing_words(model: &Model, ticket: TicketId) -> String {
    let Some(view) = model.talk.view_of(ticket) else {
        return String::new();
    };
    let keys = format!(
        "{} drafts a reply, {} writes one by hand.",
        model.key(Action::Draft),
        model.key(Action::Edit)
    );
    match view
        .receipts
        .first()
        .filter(|receipt| !receipt.ending.has_text())
    {
        Some(receipt) if receipt.ending == Ending::OverCap && model.meter.is_paused() => {
            let by_hand = model.key(Action::Edit);
            format!(
                "{} {by_hand} writes a reply by hand.",
                ending_words(receipt, model)
            )
        }
        Some(receipt) => format!("{} {keys}", ending_words(receipt, model)),
        None => format!("No draft yet. {keys}"),
    }
}

/// Returns the lines below the draft: what is happening, and where its words came from.
pub fn foot(model: &Model, theme: &Theme, ticket: TicketId, wide: usize) -> Vec<Line<'static>> {
    let line = |text: String, paint| Line::styled(cut(&text, wide), style(paint));
    // Where a draft came from is never cut off: it takes a second line instead.
    let whole = |text: String, paint| {
        let lines = wrap(&text, wide).into_iter().take(2);
        lines
            .map(|text| Line::styled(text, style(paint)))
            .collect::<Vec<_>>()
    };
    match sight(model, ticket) {
        Sight::Running(run) => run.state.as_ref().map_or_else(
            || vec![line(starting_words(run, model), theme.quiet)],
            |state| {
                let mut lines = Vec::new();
                if let Some(hops) = running_hops(state) {
                    lines.extend(whole(hops, theme.fallback));
                }
                lines.push(line(phase_words(state, model), theme.quiet));
                lines
            },
        ),
        Sight::Held(row) => whole(leaving_words(row, model), theme.warning),
        Sight::Draft(draft) => {
            let mut lines = Vec::new();
            let view = model.talk.view_of(ticket);
            // First: where there is little room, what stands below goes.
            if let Some(words) = view.and_then(|view| files(&view.route.envelope, wide)) {
                lines.push(line(words, theme.text));
            }
            if let Some(words) = view.and_then(|view| flags(view, draft)) {
                lines.extend(whole(format!("! {words}"), theme.warning));
            }
            if let Some(words) = written_by(model, draft, ticket).and_then(fallback_line) {
                lines.extend(whole(words, theme.fallback));
            }
            lines
        }
        Sight::Nothing => Vec::new(),
    }
}

/// Returns the receipt of the run that wrote the draft.
fn written_by<'a>(model: &'a Model, draft: &Draft, ticket: TicketId) -> Option<&'a Receipt> {
    let id = draft.receipts.last()?;
    let view = model.talk.view_of(ticket)?;
    view.receipts.iter().find(|receipt| receipt.id == *id)
}

/// Names the files that go with a reply on one line, as many as find room, and says how many more
/// there are; none where none goes.
fn files(envelope: &Envelope, wide: usize) -> Option<String> {
    let named = envelope.files.iter().map(|file| {
        let size = words::size(i64::try_from(file.size_bytes).unwrap_or(i64::MAX));
        format!("{} {size}", safe(&file.name))
    });
    let mut named: Vec<String> = named.collect();
    if named.is_empty() {
        return None;
    }
    let whole = format!("[att] {}", named.join(", "));
    if width(&whole) <= wide {
        return Some(whole);
    }
    let all = named.len();
    while named.len() > 1 {
        named.pop();
        let line = format!(
            "[att] {} and {} more",
            named.join(", "),
            all.saturating_sub(named.len())
        );
        if width(&line) <= wide {
            return Some(line);
        }
    }
    // The first is too long of itself.
    let more = match all.saturating_sub(1) {
        0 => String::new(),
        left => format!(" and {left} more"),
    };
    let first = cut(
        &format!("[att] {}", named.concat()),
        wide.saturating_sub(width(&more)),
    );
    Some(format!("{first}{more}"))
}

/// Returns what to know before sending, if there is anything.
pub fn flags(view: &TicketView, draft: &Draft) -> Option<String> {
    let reasons = reasons(draft, &view.route, &view.ticket);
    let words: Vec<String> = reasons.iter().map(|reason| safe(reason)).collect();
    (!words.is_empty()).then(|| words.join("; "))
}

/// Says how far a reply in the outbox has come.
fn leaving_words(row: &OutboxRow, model: &Model) -> String {
    let undo = model.key(Action::Undo);
    let outbox = model.key(Action::GoOutbox);
    let said = row.progress.said.as_deref().map(without_stop).map(safe);
    match (row.progress.delivery, row.progress.due_at()) {
        (Delivery::Unsure, _) => format!(
            "It may have left: {}. {outbox} opens the outbox, which asks you.",
            said.unwrap_or_default()
        ),
        (Delivery::Sending, _) => "It is leaving now.".to_owned(),
        (_, None) => format!("No account can send yet: it waits. {undo} brings it back."),
        (_, Some(until)) => {
            let left = until.duration_since(model.stage.now.civil).as_secs();
            match (left, said) {
                (1.., Some(said)) if row.progress.attempts > 0 => {
                    let now = model.stage.now.civil;
                    let again = words::moment(until, now, &model.stage.facts.zone);
                    format!("It is tried again {again}: {said}. {undo} brings it back.")
                }
                (1.., _) => format!("It leaves in {left} s. {undo} brings it back."),
                (_, Some(said)) => format!("Not sent yet: {said}. {undo} brings it back."),
                (_, None) => {
                    format!("It waits for a word from you: {outbox}, or {undo} brings it back.")
                }
            }
        }
    }
}

/// Before a run tells of itself it reads the ticket and the keys; only a keyring takes long.
fn starting_words(run: &RunHere, model: &Model) -> String {
    if run.elapsed(model.stage.now) < KEYRING_SLOW {
        return "starting …".to_owned();
    }
    format!(
        "waiting for your keyring  ·  {} gives up",
        model.key(Action::Cancel)
    )
}

/// A keyring that takes longer asks its owner for a password.
const KEYRING_SLOW: std::time::Duration = std::time::Duration::from_secs(3);

fn phase_words(state: &Running, model: &Model) -> String {
    let link = state
        .link
        .as_ref()
        .map_or_else(String::new, |link| safe(&link.to_string()));
    let what = match state.phase {
        Phase::Waiting => "waiting".to_owned(),
        Phase::Asking => format!("asking {link}"),
        Phase::Writing => format!("{link} writes"),
    };
    format!("{what}  ·  {} cancels", model.key(Action::Cancel))
}

/// Returns the strip's lines on the draft: its newest words as they come, and the fallback.
pub fn peek(model: &Model, theme: &Theme, wide: usize, high: usize) -> Vec<Line<'static>> {
    let Some(here) = model.here() else {
        return Vec::new();
    };
    let inner = wide.saturating_sub(9);
    let foot = foot(model, theme, here, wide.saturating_sub(1));
    let room = high.saturating_sub(foot.len()).max(1);
    let body = body(model, theme, here, inner);
    let is_running = matches!(sight(model, here), Sight::Running(_));
    let words: Vec<Line<'static>> = body
        .into_iter()
        .filter(|line| !line.to_string().trim().is_empty())
        .collect();
    let first = if is_running {
        words.len().saturating_sub(room)
    } else {
        0
    };
    let mut lines = Vec::new();
    for (place, line) in words.into_iter().skip(first).take(room).enumerate() {
        let label = if place == 0 { " Draft: " } else { "        " };
        let mut spans = vec![Span::styled(label, style(theme.quiet))];
        let look = line.style;
        spans.extend(
            line.spans
                .into_iter()
                .map(|span| Span::styled(span.content, look)),
        );
        lines.push(Line::from(spans));
    }
    lines.extend(foot.into_iter().map(|mut line| {
        line.spans.insert(0, Span::raw(" "));
        line
    }));
    lines
}

/// Returns what a run without an answer came to: what happened, what is safe.
pub fn ending_words(receipt: &Receipt, model: &Model) -> String {
    let failed: Vec<String> = receipt
        .attempts
        .iter()
        .filter(|attempt| attempt.class.is_some())
        .map(|attempt| {
            let class = attempt.class.map_or("", FaultClass::words);
            let status = attempt
                .status
                .map_or_else(String::new, |status| format!(" {status}"));
            format!("{}{status} {class}", safe(&attempt.link.provider.0))
        })
        .collect();
    let failed = failed.join(", ");
    match receipt.ending {
        Ending::Answered | Ending::Truncated => String::new(),
        Ending::OverCap => model.meter.paused_words(model),
        Ending::Failed => format!(
            "{} tried, none answered: {failed}. Your ticket is untouched.",
            receipt.attempts.len()
        ),
        Ending::Offline => {
            format!("No provider could be reached: {failed}. Your ticket is untouched.")
        }
        Ending::NoLink => {
            let why: Vec<String> = receipt
                .skipped
                .iter()
                .map(|skip| format!("{} {}", safe(&skip.link.provider.0), skip.because.words()))
                .collect();
            format!(
                "No provider could be asked: {}. Everything else works. {} opens the Keys screen.",
                why.join(", "),
                model.key(Action::Keys)
            )
        }
        Ending::KeyRefused => {
            format!(
                "{failed}. {} opens the Keys screen to set it anew.",
                model.key(Action::Keys)
            )
        }
        Ending::BadInput => format!("{failed}. The receipt has the provider's words."),
        Ending::TooLong => "The ticket is too long for every model of the chain.".to_owned(),
        Ending::Refused => format!("{failed}. The receipt has the model's words."),
        Ending::Cancelled if receipt.cost().is_at_most() => format!(
            "Cancelled. What was written may be billed: {} is counted at most.",
            receipt.cost().for_people()
        ),
        Ending::Cancelled => format!("Cancelled; it cost {}.", receipt.cost().for_people()),
        Ending::Lost => "The program ended while this draft was made.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Enclosed;

    #[test]
    fn files_that_find_no_room_on_their_line_are_counted() {
        let file = |name: &str| Enclosed {
            name: name.to_owned(),
            media_type: "text/plain".to_owned(),
            size_bytes: 2048,
            sha256: String::new(),
        };
        let envelope = Envelope {
            files: ["a.txt", "second.txt", "c.txt"].map(file).to_vec(),
            ..Envelope::default()
        };

        for (wide, line) in [
            (41, "[att] a.txt 2K, second.txt 2K, c.txt 2K"),
            (38, "[att] a.txt 2K and 2 more"),
            (25, "[att] a.txt 2K and 2 more"),
        ] {
            assert_eq!(files(&envelope, wide).as_deref(), Some(line));
        }
        let narrow = files(&envelope, 20).unwrap();
        assert!(
            narrow.ends_with(" and 2 more") && width(&narrow) <= 20,
            "{narrow}"
        );
        assert_eq!(files(&Envelope::default(), 80), None);
    }
}
