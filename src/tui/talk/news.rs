//! What people wrote after the draft was begun: shown above it, with what can be done about it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::view::rule;
use crate::{
    config::{action::Action, theme::Theme},
    desk::face::TicketView,
    domain::{Direction, Draft, DraftOrigin, DraftState, Message, MessageKind, TicketId},
    tui::{
        model::{Focus, Model},
        paint::{cells, cut, row, safe, safe_lines, style, wrap, write_line},
        words,
    },
};

/// So many lines of the newest message are shown; all of it stands in the conversation.
const MOST_LINES: usize = 4;

/// What came after a draft was begun.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// The draft.
    pub draft: &'a Draft,
    /// The message that it answers, if there is one.
    answered: Option<&'a Message>,
    /// The newest message after that.
    pub newest: &'a Message,
    /// How many came.
    count: usize,
    /// Whether each of them is ours.
    is_ours: bool,
}

/// Returns what came after the draft of a ticket was begun; none while it answers the newest message,
/// or is being written anew.
pub fn news(model: &Model, ticket: TicketId) -> Option<News<'_>> {
    if model.work.run(ticket).is_some() {
        return None;
    }
    after(model.talk.view_of(ticket)?)
}

/// Returns the place of the message that a stale draft answers: the conversation is read from there,
/// for what came after it stands above the draft.
pub fn answered_place(view: &TicketView) -> Option<usize> {
    let draft = view.draft.as_ref();
    let draft = draft.filter(|draft| draft.state == DraftState::Stale)?;
    let answered = draft.answers?;
    view.messages.iter().position(|one| one.id == answered)
}

/// Tells whether people wrote after the draft of a ticket was begun.
pub fn is_outrun(view: &TicketView) -> bool {
    after(view).is_some()
}

fn after(view: &TicketView) -> Option<News<'_>> {
    let draft = view.draft.as_ref()?;
    let place = answered_place(view)?;
    let (before, newer) = view.messages.split_at_checked(place + 1)?;
    let of_people =
        |one: &&Message| one.kind == MessageKind::Public && !one.auto_class.is_automatic();
    let newer: Vec<&Message> = newer.iter().filter(of_people).collect();
    Some(News {
        draft,
        answered: before.last(),
        newest: newer.last()?,
        count: newer.len(),
        is_ours: newer.iter().all(|one| one.direction == Direction::Out),
    })
}

/// Returns how many lines there are to show of it.
pub fn needed(model: &Model, ticket: TicketId, wide: usize) -> usize {
    let Some(news) = news(model, ticket) else {
        return 0;
    };
    3 + body(&news, wide).len().min(MOST_LINES) + held(&news, model, wide).len()
}

/// Paints it: as much of the newest message as finds room; the keys always.
pub fn draw(buffer: &mut Buffer, area: Rect, news: &News<'_>, (model, theme): (&Model, &Theme)) {
    let wide = usize::from(area.width);
    let high = usize::from(area.height);
    rule(buffer, area, (&title(news), ""), style(theme.warning));
    let keys = Line::styled(cut(&format!(" {}", keys(model)), wide), style(theme.key));
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut room = high.saturating_sub(2);
    let held = held(news, model, wide);
    let body = body(news, wide);
    let says_held = room > held.len() + 1;
    if says_held {
        room -= held.len();
    }
    let paint = if news.newest.direction == Direction::Out {
        theme.agent
    } else {
        theme.customer
    };
    let bar = || [Span::raw(" "), Span::styled("▌", style(paint))];
    if room > 1 {
        let when = words::moment(
            news.newest.sent_at,
            model.stage.now.civil,
            &model.stage.facts.zone,
        );
        let name = Span::styled(safe(news.newest.from.shown()), style(theme.title));
        let left: Vec<Span<'static>> = bar().into_iter().chain([name]).collect();
        let right = vec![Span::styled(format!("  {when} "), style(theme.quiet))];
        lines.push(row(left, right, wide));
        room -= 1;
    }
    let is_cut = body.len() > room;
    for (place, mut text) in body.into_iter().take(room).enumerate() {
        if is_cut && place + 1 == room {
            text = cut(&format!("{text} …"), wide.saturating_sub(3));
        }
        let words = Span::styled(text, style(theme.text));
        lines.push(bar().into_iter().chain([words]).collect());
    }
    if says_held {
        let line = |text: String| Line::styled(format!(" {text}"), style(theme.warning));
        lines.extend(held.into_iter().map(line));
    }
    lines.push(keys);
    for (line, at) in lines.iter().zip(1..) {
        write_line(buffer, area, at, line);
    }
}

fn title(news: &News<'_>) -> String {
    let came = match (news.is_ours, news.count) {
        (true, _) => "ANSWERED ELSEWHERE".to_owned(),
        (false, 1) => "NEW MESSAGE".to_owned(),
        (false, many) => format!("{many} NEW MESSAGES"),
    };
    let when = match news.draft.origin {
        DraftOrigin::Ai => "AFTER THE DRAFT",
        DraftOrigin::Human | DraftOrigin::Mixed => "WHILE YOU WERE WRITING",
    };
    format!("{came} {when}")
}

fn body(news: &News<'_>, wide: usize) -> Vec<String> {
    let body = &news.newest.body;
    let text = if body.clean.trim().is_empty() {
        &body.text
    } else {
        &body.clean
    };
    let lines = wrap(safe_lines(text).trim(), wide.saturating_sub(3));
    lines
        .into_iter()
        .filter(|line| !line.trim().is_empty())
        .collect()
}

/// Says what the draft answers, and that it does not leave by itself.
fn held(news: &News<'_>, model: &Model, wide: usize) -> Vec<String> {
    let whose = match news.draft.origin {
        DraftOrigin::Ai => "The",
        DraftOrigin::Human | DraftOrigin::Mixed => "Your",
    };
    let answers = news.answered.map_or_else(
        || "an older message".to_owned(),
        |answered| {
            let facts = &model.stage.facts;
            let when = words::moment(answered.sent_at, model.stage.now.civil, &facts.zone);
            match when.strip_prefix("today ") {
                Some(time) => format!("the {time} message"),
                None => format!("the message of {when}"),
            }
        },
    );
    let words = format!("{whose} draft answers {answers}. It is held.");
    wrap(&words, wide.saturating_sub(1))
        .into_iter()
        .take(2)
        .collect()
}

/// Names the keys that say what becomes of the draft, from where the person is.
fn keys(model: &Model) -> String {
    let open = model.key(Action::Open);
    let redraft = model.key(Action::Redraft);
    let discard = model.key(Action::Discard);
    if model.editor.is_some() {
        let leave = model.key(Action::Cancel);
        return format!("{leave}, then {open} keep · {redraft} redraft · {discard} discard");
    }
    // From the queue the same key goes to the ticket first.
    let opens = if model.stage.focus == Focus::Talk {
        "keep"
    } else {
        "look"
    };
    let compare = model.key(Action::Compare);
    format!("{open} {opens} · {redraft} redraft · {compare} compare · {discard} discard")
}

/// Returns the height of its place where a ticket has so many rows for it and the conversation: the
/// newest message stands in both.
pub fn height(needed: usize, rows: u16) -> u16 {
    cells(needed).min(rows.saturating_sub(rows / 4)).min(rows)
}
