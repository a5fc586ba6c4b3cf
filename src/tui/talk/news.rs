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
    domain::{
        CAME_BACK, Direction, Draft, DraftOrigin, DraftState, Message, MessageKind, TicketId,
    },
    tui::{
        model::{Focus, Model},
        paint::{cells, cut, row, safe, safe_lines, style, wrap, write_line},
        words,
    },
};

/// So many lines of the newest message are shown; all of it stands in the conversation.
const MOST_LINES: usize = 4;
/// So much of a message is looked at for them: one may be megabytes long.
const MOST_CHARS: usize = 2_000;

/// What came after a draft was begun.
#[derive(Clone, Copy, Debug)]
pub struct News<'a> {
    /// The draft.
    pub draft: &'a Draft,
    /// The message that it answers, if there is one.
    answered: Option<&'a Message>,
    /// The newest message after that; none where it stands elsewhere, or left the ticket again.
    pub newest: Option<&'a Message>,
    /// How many came.
    count: usize,
}

/// Returns what came after the draft of a ticket was begun; none while it answers the newest message,
/// or is being written anew.
pub fn news(model: &Model, ticket: TicketId) -> Option<News<'_>> {
    if model.work.run(ticket).is_some() {
        return None;
    }
    after(model.talk.view_of(ticket)?)
}

/// Tells whether somebody wrote after the draft of a ticket was begun.
pub fn is_outrun(view: &TicketView) -> bool {
    after(view).is_some()
}

/// Returns the place of the message that a stale draft answers: the conversation is read from there,
/// for what came after it stands above the draft.
pub fn answered_place(view: &TicketView) -> Option<usize> {
    let draft = stale(view)?;
    let answered = draft.answers?;
    view.messages.iter().position(|one| one.id == answered)
}

fn stale(view: &TicketView) -> Option<&Draft> {
    let draft = view.draft.as_ref();
    draft.filter(|draft| draft.state == DraftState::Stale)
}

fn after(view: &TicketView) -> Option<News<'_>> {
    let draft = stale(view)?;
    let (before, newer) = match (answered_place(view), draft.answers) {
        (Some(place), _) => view.messages.split_at_checked(place + 1)?,
        // It answers nothing: all that is there came later, or was there.
        (None, None) => (&[][..], view.messages.as_slice()),
        (None, Some(_)) => (&[][..], &[][..]),
    };
    let came = |direction: Direction| {
        let newer = newer.iter().rev();
        newer.filter(move |one| {
            let is_public = one.kind == MessageKind::Public && !one.auto_class.is_automatic();
            is_public && one.direction == direction
        })
    };
    let from_outside = came(Direction::In).count();
    // Late mail stands above what was read before it.
    let late = || {
        let mut all = view.messages.iter().rev();
        all.find(|one| {
            let is_theirs = one.direction == Direction::In && one.kind == MessageKind::Public;
            is_theirs && Some(one.id) != draft.answers
        })
    };
    // Two texts in one draft are told of below it; what we had sent before is no news.
    let is_joined = draft.text.contains(CAME_BACK);
    if from_outside == 0 && is_joined {
        return None;
    }
    Some(News {
        draft,
        answered: before.last(),
        newest: came(Direction::In)
            .next()
            .or_else(|| came(Direction::Out).next())
            .or_else(late),
        count: from_outside,
    })
}

/// Returns how many lines there are to show of it.
pub fn needed(model: &Model, ticket: TicketId, wide: usize) -> usize {
    let Some(news) = news(model, ticket) else {
        return 0;
    };
    let newest = usize::from(news.newest.is_some()) + body(&news, wide).len().min(MOST_LINES);
    2 + newest + held(&news, model, wide).len()
}

/// Paints it: as much of the newest message as finds room; the keys always.
pub fn draw(buffer: &mut Buffer, area: Rect, news: &News<'_>, (model, theme): (&Model, &Theme)) {
    let wide = usize::from(area.width);
    let high = usize::from(area.height);
    rule(buffer, area, (&title(news), ""), style(theme.warning));
    let keys = Line::styled(
        cut(&format!(" {}", keys(news, model)), wide),
        style(theme.key),
    );
    let mut lines: Vec<Line<'static>> = Vec::new();
    let held = held(news, model, wide);
    let body = body(news, wide);
    let Room {
        says_held,
        names_writer,
        lines: room,
    } = room(news, held.len(), high);
    let is_ours = |newest: &Message| newest.direction == Direction::Out;
    let paint = if news.newest.is_some_and(is_ours) {
        theme.agent
    } else {
        theme.customer
    };
    let bar = || [Span::raw(" "), Span::styled("▌", style(paint))];
    if let Some(newest) = news.newest.filter(|_| names_writer) {
        let facts = &model.stage.facts;
        let when = words::moment(newest.sent_at, model.stage.now.civil, &facts.zone);
        let name = Span::styled(safe(newest.from.shown()), style(theme.title));
        let left: Vec<Span<'static>> = bar().into_iter().chain([name]).collect();
        let right = vec![Span::styled(format!("  {when} "), style(theme.quiet))];
        lines.push(row(left, right, wide));
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

/// What finds room beside the rule and the keys.
struct Room {
    says_held: bool,
    names_writer: bool,
    /// How many lines of the message.
    lines: usize,
}

fn room(news: &News<'_>, held: usize, high: usize) -> Room {
    let room = high.saturating_sub(2);
    let message = if news.newest.is_some() { 2 } else { 0 };
    let says_held = room >= held + message;
    let room = room - if says_held { held } else { 0 };
    let names_writer = news.newest.is_some() && room > 1;
    Room {
        says_held,
        names_writer,
        lines: room - usize::from(names_writer),
    }
}

/// Tells whether all that came stands in a place so large: one message, and its last line.
pub fn is_whole(news: &News<'_>, model: &Model, area: Rect) -> bool {
    let (wide, high) = (usize::from(area.width), usize::from(area.height));
    let held = held(news, model, wide).len();
    news.count <= 1 && body(news, wide).len() <= room(news, held, high).lines
}

fn title(news: &News<'_>) -> String {
    let came = match (news.count, news.newest) {
        (0, Some(newest)) if newest.direction == Direction::Out => "ANSWERED BY ANOTHER".to_owned(),
        (0 | 1, _) => "NEW MESSAGE".to_owned(),
        (many, _) => format!("{many} NEW MESSAGES"),
    };
    let when = match news.draft.origin {
        DraftOrigin::Ai => "AFTER THE DRAFT",
        DraftOrigin::Human | DraftOrigin::Mixed => "WHILE YOU WERE WRITING",
    };
    format!("{came} {when}")
}

fn body(news: &News<'_>, wide: usize) -> Vec<String> {
    let Some(newest) = news.newest else {
        return Vec::new();
    };
    let body = &newest.body;
    let text = if body.clean.trim().is_empty() {
        &body.text
    } else {
        &body.clean
    };
    let end = text
        .char_indices()
        .nth(MOST_CHARS)
        .map_or(text.len(), |(at, _)| at);
    let text = safe_lines(text.get(..end).unwrap_or_default());
    let lines = wrap(text.trim(), wide.saturating_sub(3)).into_iter();
    lines.filter(|line| !line.trim().is_empty()).collect()
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
    let rest = match news.count {
        0 | 1 => "It is held.",
        _ => "It is held; read on in the conversation.",
    };
    let words = format!("{whose} draft answers {answers}. {rest}");
    wrap(&words, wide.saturating_sub(1))
        .into_iter()
        .take(2)
        .collect()
}

/// Names the keys that say what becomes of the draft, from where the person is.
fn keys(news: &News<'_>, model: &Model) -> String {
    let open = model.key(Action::Open);
    let redraft = model.key(Action::Redraft);
    let discard = model.key(Action::Discard);
    if model.editor.is_some() {
        let leave = model.key(Action::Cancel);
        return format!("{leave}, then: {open} keep · {redraft} redraft · {discard} discard");
    }
    // From the queue the same key goes to the ticket first.
    let opens = if model.stage.focus == Focus::Talk {
        "keep"
    } else {
        "open"
    };
    // Of a text that one hand wrote there is no other.
    let compare = match news.draft.origin {
        DraftOrigin::Human => String::new(),
        DraftOrigin::Ai | DraftOrigin::Mixed => {
            format!(" · {} compare", model.key(Action::Compare))
        }
    };
    format!("{open} {opens} · {redraft} redraft{compare} · {discard} discard")
}

/// Returns the height of its place where a ticket has so many rows for it and the conversation: the
/// newest message stands in both.
pub fn height(needed: usize, rows: u16) -> u16 {
    cells(needed).min(rows.saturating_sub(rows / 4)).min(rows)
}
