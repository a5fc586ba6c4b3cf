//! How a ticket looks: head, conversation, draft.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    draft::{self, Sight},
    news,
    state::{TalkLine, Voice},
};
use crate::{
    config::{action::Action, theme::Theme},
    domain::{Status, Ticket},
    tui::{
        editor,
        model::{Focus, Model, Part},
        paint::{self, cells, cut, safe, style, width, write_line},
    },
};

/// Where the parts of a ticket stand in its pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Areas {
    /// Subject, status, people.
    pub head: Rect,
    /// The conversation.
    pub talk: Rect,
    /// What came after the draft was begun; of no height while nothing did.
    pub news: Rect,
    /// The draft with its rule.
    pub draft: Rect,
}

/// Divides a ticket's pane: the draft takes what it needs up to a share that depends on what the
/// person is at.
pub fn areas(area: Rect, model: &Model) -> Areas {
    let head = Rect {
        height: 3.min(area.height),
        ..area
    };
    let rest = area.height.saturating_sub(head.height);
    let wide = usize::from(area.width.saturating_sub(2));
    let share = if model.editor.is_some() {
        rest * 2 / 3
    } else if model.stage.part == Part::Draft {
        rest * 3 / 5
    } else {
        rest / 2
    };
    let needed = if model.editor.is_some() {
        share
    } else {
        model
            .here()
            .map_or(2, |here| cells(needed_lines(model, here, wide)))
    };
    let high = needed.min(share).max(3).min(rest);
    let above = rest - high;
    let wanted = model
        .here()
        .map_or(0, |here| news::needed(model, here, usize::from(area.width)));
    let of_news = news::height(wanted, above);
    let below = |upper: Rect, height| Rect {
        y: upper.y + upper.height,
        height,
        ..area
    };
    let talk = below(head, above - of_news);
    let news = below(talk, of_news);
    Areas {
        head,
        talk,
        news,
        draft: below(news, high),
    }
}

fn needed_lines(model: &Model, here: crate::domain::TicketId, wide: usize) -> usize {
    let theme = Theme::default();
    let body = draft::body(model, &theme, here, wide).len();
    let foot = draft::foot(model, &theme, here, wide).len();
    1 + body + foot + usize::from(foot > 0)
}

/// Returns how many lines of the draft are out of sight at most; for scrolling.
pub fn draft_overhang(model: &Model) -> usize {
    let (Some(here), Some(area)) = (model.here(), model.layout().talk) else {
        return 0;
    };
    let draft = areas(area, model).draft;
    let wide = usize::from(area.width.saturating_sub(2));
    let lines = draft::body(model, &Theme::default(), here, wide).len();
    let foot = draft::foot(model, &Theme::default(), here, wide).len();
    let foot = foot.min(foot_room(draft.height));
    lines.saturating_sub(usize::from(draft.height).saturating_sub(1 + foot))
}

/// Returns how many lines find room below a draft so high, beside its rule and one row of its text.
fn foot_room(high: u16) -> usize {
    usize::from(high.saturating_sub(2))
}

/// Paints the ticket under the cursor.
pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let Some(here) = model.here() else { return };
    let Some(view) = model.talk.view_of(here) else {
        return write_line(
            buffer,
            area,
            1,
            &Line::styled(" Reading the ticket …", style(theme.quiet)),
        );
    };
    let areas = areas(area, model);
    head(buffer, areas.head, &view.ticket, model, theme);
    talk(buffer, areas.talk, model, theme);
    if let Some(news) = news::news(model, here) {
        news::draw(buffer, areas.news, &news, (model, theme));
    }
    if let Some(open) = model.editor.as_ref().filter(|open| open.ticket() == here) {
        editor::view::draw(buffer, areas.draft, open, (model, theme));
    } else {
        draw_draft(buffer, areas.draft, model, theme);
    }
}

fn head(buffer: &mut Buffer, area: Rect, ticket: &Ticket, model: &Model, theme: &Theme) {
    let wide = usize::from(area.width);
    let priority = ticket.priority.map_or_else(String::new, |priority| {
        format!(" {}", priority.word().to_uppercase())
    });
    let status = format!(" {}{priority} ", ticket.status.word().to_uppercase());
    let subject = format!(
        " #{} {}",
        ticket.number,
        crate::tui::words::subject(&ticket.subject)
    );
    let bold = style(theme.title);
    let first = paint::row(
        vec![Span::styled(subject, bold)],
        vec![Span::styled(status, bold)],
        wide,
    );
    write_line(buffer, area, 0, &first);
    let assignee = match &ticket.assignee {
        Some(name) if *name == model.stage.facts.agent => "you".to_owned(),
        Some(name) => safe(name),
        None => "nobody has it".to_owned(),
    };
    let mut tags = ticket
        .tags
        .iter()
        .map(|tag| safe(tag))
        .collect::<Vec<_>>()
        .join(" ");
    if !tags.is_empty() {
        tags.push_str("  ");
    }
    let from = format!(" {}", safe(&ticket.requester.address));
    let right = if model.layout().is_framed() {
        vec![
            Span::raw("  "),
            Span::styled(tags, style(theme.tag)),
            Span::raw(format!("{assignee} ")),
        ]
    } else {
        vec![Span::raw(format!("  {assignee}  ")), Span::raw(tabs(model))]
    };
    let left = vec![Span::styled(from, style(theme.quiet))];
    write_line(buffer, area, 1, &paint::row(left, right, wide));
    if let Some((why, way_out)) =
        held_back(ticket.status, ticket.quarantined_because.as_deref(), model)
    {
        let look = style(theme.warning);
        let left = vec![Span::styled(format!(" ! {why}"), look)];
        let right = vec![Span::styled(format!(" - {way_out} "), look)];
        write_line(buffer, area, 2, &paint::row(left, right, wide));
    }
}

/// Says why a ticket is out of the queue, and with which key it comes back; none where it is in it.
pub fn held_back(status: Status, because: Option<&str>, model: &Model) -> Option<(String, String)> {
    if status == Status::Spam {
        let way_out = format!("{} takes it out of there", model.key(Action::Status));
        return Some(("it is spam".to_owned(), way_out));
    }
    let why = format!("held back: {}", safe(because?));
    Some((why, format!("{} releases", model.key(Action::Release))))
}

/// Returns the parts of a ticket with their digits; the open one in brackets.
pub fn tabs(model: &Model) -> String {
    let parts = [
        (Part::Talk, "1", "Talk"),
        (Part::Draft, "2", "Draft"),
        (Part::Receipt, "3", "Rcpt"),
        (Part::Customer, "4", "Cust"),
    ];
    let mut text = String::new();
    for (part, digit, name) in parts {
        let is_open = part == model.stage.part;
        let (open, close) = if is_open { ("[", "]") } else { (" ", " ") };
        text.extend([open, digit, close, name]);
    }
    text.push(' ');
    text
}

fn talk(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let wide = usize::from(area.width);
    for (line, row) in model.talk.visible().iter().zip(0_u16..) {
        write_line(buffer, area, row, &talk_line(line, theme, wide));
    }
    let (above, below) = model.talk.unseen();
    let mark = |buffer: &mut Buffer, row: u16, text: String| {
        paint::more(buffer, area, row, (&text, style(theme.quiet)));
    };
    if above > 0 && area.height > 1 {
        mark(buffer, 0, format!(" ↑{above} "));
    }
    if below > 0 && area.height > 1 {
        mark(buffer, area.height - 1, format!(" ↓{below} "));
    }
}

fn talk_line(line: &TalkLine, theme: &Theme, wide: usize) -> Line<'static> {
    if line.voice == Voice::Quiet && line.text.is_empty() {
        return Line::default();
    }
    let (bar, paint) = match line.voice {
        Voice::Customer => ("▌", theme.customer),
        Voice::Agent => ("│", theme.agent),
        Voice::Note => ("░", theme.note),
        Voice::Quiet => ("▌", theme.quiet),
    };
    let look = if line.is_head {
        style(theme.title)
    } else if line.voice == Voice::Quiet {
        style(theme.quiet)
    } else {
        style(theme.text)
    };
    let left = vec![
        Span::raw(" "),
        Span::styled(bar, style(paint)),
        Span::styled(line.text.clone(), look),
    ];
    if line.right.is_empty() {
        return Line::from(left);
    }
    let right = vec![Span::styled(
        format!("  {} ", line.right),
        style(theme.quiet),
    )];
    paint::row(left, right, wide)
}

fn draw_draft(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let Some(here) = model.here() else { return };
    let wide = usize::from(area.width);
    let inner = wide.saturating_sub(2);
    let (left, right) = draft::title(model, here);
    let is_open = model.stage.focus == Focus::Talk && model.stage.part == Part::Draft;
    let look = if is_open {
        style(theme.focus)
    } else {
        style(theme.draft)
    };
    rule(buffer, area, (&left, &right), look);
    let mut foot = draft::foot(model, theme, here, inner);
    // One row is the text's, whatever there is to say of it.
    foot.truncate(foot_room(area.height));
    let room = usize::from(area.height).saturating_sub(1 + foot.len());
    let body = draft::body(model, theme, here, inner);
    let overhang = body.len().saturating_sub(room);
    let is_running = matches!(draft::sight(model, here), Sight::Running(_));
    let top = match model.talk.draft_top {
        Some(top) => top.min(overhang),
        None if is_running => overhang,
        None => 0,
    };
    let text = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: cells(room),
    };
    let shown: Vec<Line<'_>> = body.into_iter().skip(top).take(room).collect();
    paint::write_lines(buffer, text, &shown);
    if overhang > top {
        let more = format!(" ↓{} ", overhang - top);
        let last = text.bottom().saturating_sub(area.y + 1);
        paint::more(buffer, area, last, (&more, style(theme.quiet)));
    }
    let foot_area = Rect {
        y: area.bottom().saturating_sub(cells(foot.len())),
        height: cells(foot.len()),
        ..text
    };
    paint::write_lines(buffer, foot_area, &foot);
}

/// Draws the draft's rule: what it is at the left, how it stands at the right.
pub fn rule(buffer: &mut Buffer, area: Rect, (left, right): (&str, &str), look: Style) {
    let wide = usize::from(area.width);
    let right = if right.is_empty() {
        String::new()
    } else {
        format!(" {right} ─")
    };
    let left = cut(&format!("─ {left} "), wide.saturating_sub(width(&right)));
    let fill = "─".repeat(wide.saturating_sub(width(&left) + width(&right)));
    write_line(
        buffer,
        area,
        0,
        &Line::styled(format!("{left}{fill}{right}"), look),
    );
}

/// What keys do with a ticket whose draft a new message made stale, for the hint line.
pub const STALE_HINTS: [(Action, &str); 6] = [
    (Action::Open, "keep"),
    (Action::Redraft, "redraft"),
    (Action::Edit, "edit"),
    (Action::SendSolve, "send"),
    (Action::Discard, "discard"),
    (Action::Palette, "all"),
];

/// What keys do with a ticket, for the hint line.
pub const HINTS: [(Action, &str); 7] = [
    (Action::Edit, "edit"),
    (Action::Redraft, "redraft"),
    (Action::SendSolve, "send"),
    (Action::Status, "status"),
    (Action::Tags, "tag"),
    (Action::Undo, "undo"),
    (Action::Palette, "all"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_text_is_left_whatever_is_said_below_it() {
        assert_eq!([0, 1, 2, 3, 7].map(foot_room), [0, 0, 0, 1, 5]);
    }
}
