//! How the queue looks: two lines per ticket beside other panes, one line when it stands alone.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::View;
use crate::{
    config::{action::Action, theme::Theme},
    domain::{Priority, QueueRow, TicketId},
    tui::{
        layout::Layout,
        model::{Focus, Model},
        paint::{self, cut, pad, safe, style, write_line},
        talk::view::held_back,
        words,
    },
};

/// Returns how many tickets can be seen at once.
pub fn rows_high(layout: &Layout) -> u64 {
    let Some(area) = layout.queue else { return 0 };
    if layout.is_framed() {
        u64::from(area.height.saturating_sub(3) / 2)
    } else {
        u64::from(area.height.saturating_sub(1))
    }
}

/// Paints the queue.
pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    if model.layout().is_framed() {
        beside(buffer, area, model, theme);
    } else {
        alone(buffer, area, model, theme);
    }
}

/// Returns the name of the view with the filter, for the header.
pub fn title(model: &Model) -> String {
    let queue = &model.queue;
    let filter = queue.filter();
    if filter.is_empty() {
        format!("{} {}", queue.view().title(), queue.total())
    } else {
        format!(
            "{} / {} {}",
            queue.view().title(),
            safe(filter),
            queue.total()
        )
    }
}

fn beside(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let wide = usize::from(area.width);
    let queue = &model.queue;
    let name = Span::styled(format!(" {}", queue.view().title()), style(theme.title));
    let new = Span::styled(new_above(model), style(theme.quiet));
    let total = Span::styled(format!("{} ", queue.total()), style(theme.title));
    write_line(
        buffer,
        area,
        0,
        &paint::row(vec![name, new], vec![total], wide),
    );
    paint::rule(buffer, area, 1, "", (style(theme.border), "─"));
    let list = Rect {
        y: area.y + 2,
        height: area.height.saturating_sub(3),
        ..area
    };
    if queue.total() == 0 {
        return nothing(buffer, list, model, theme);
    }
    for (place, row) in queue.visible().zip((0_u16..).step_by(2)) {
        let is_here = place == queue.cursor();
        match queue.row(place) {
            Some(ticket) => {
                let (first, second) = two_lines(ticket, model, theme, wide);
                write_line(buffer, list, row, &first);
                write_line(buffer, list, row + 1, &second);
            }
            None => write_line(buffer, list, row, &Line::raw("     …")),
        }
        if is_here {
            mark_cursor(
                buffer,
                Rect {
                    y: list.y + row,
                    height: 2,
                    ..list
                },
                theme,
            );
        }
    }
    let foot = area.height.saturating_sub(1);
    write_line(
        buffer,
        area,
        foot,
        &Line::styled(footer(model, wide), style(theme.quiet)),
    );
}

fn alone(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let queue = &model.queue;
    let wide = usize::from(area.width);
    let columns = Columns::fitting(wide);
    let head = format!(
        "  St Pr #       {}  {}  {}  {} ",
        pad(&format!("Subject{}", new_above(model)), columns.subject),
        pad("From", columns.from),
        paint::pad_left("Age", 4),
        pad("Draft", 7)
    );
    write_line(buffer, area, 0, &Line::styled(head, style(theme.quiet)));
    let list = Rect {
        y: area.y + 1,
        height: area.height.saturating_sub(1),
        ..area
    };
    if queue.total() == 0 {
        return nothing(buffer, list, model, theme);
    }
    for (place, row) in queue.visible().zip(0_u16..) {
        if let Some(ticket) = queue.row(place) {
            write_line(buffer, list, row, &one_line(ticket, model, theme, &columns));
        } else {
            write_line(buffer, list, row, &Line::raw("     …"));
        }
        if place == queue.cursor() {
            mark_cursor(
                buffer,
                Rect {
                    y: list.y + row,
                    height: 1,
                    ..list
                },
                theme,
            );
        }
    }
}

/// Says how much new mail stands out of sight above the list; nothing where there is none.
fn new_above(model: &Model) -> String {
    match model.queue.new_above() {
        0 => String::new(),
        count => format!("  {count} new above"),
    }
}

/// Cells of the columns that stretch.
struct Columns {
    subject: usize,
    from: usize,
}

impl Columns {
    const fn fitting(wide: usize) -> Self {
        let room = wide.saturating_sub(16 + 2 + 2 + 4 + 2 + 7 + 1);
        let from = if room / 3 < 20 { room / 3 } else { 20 };
        Self {
            subject: room - from,
            from,
        }
    }
}

fn one_line(ticket: &QueueRow, model: &Model, theme: &Theme, columns: &Columns) -> Line<'static> {
    let now = model.stage.now.civil;
    Line::from(vec![
        Span::raw("  "),
        Span::raw(format!("{}  ", ticket.status.letter())),
        Span::styled(
            format!("{} ", words::priority_sign(ticket.priority)),
            urgency(ticket.priority, theme),
        ),
        Span::styled(pad(&ticket.number.to_string(), 6), style(theme.quiet)),
        Span::raw("  "),
        Span::raw(pad(&words::subject(&ticket.subject), columns.subject)),
        Span::raw("  "),
        Span::raw(pad(&safe(ticket.requester.shown()), columns.from)),
        Span::raw("  "),
        Span::raw(paint::pad_left(&words::age(ticket.asked_at, now), 4)),
        Span::raw("  "),
        mark(ticket, model, theme, 7),
    ])
}

fn two_lines(
    ticket: &QueueRow,
    model: &Model,
    theme: &Theme,
    wide: usize,
) -> (Line<'static>, Line<'static>) {
    let age = words::age(ticket.asked_at, model.stage.now.civil);
    let first = paint::row(
        vec![
            Span::raw(format!("  {} ", ticket.status.letter())),
            Span::styled(
                words::priority_sign(ticket.priority),
                urgency(ticket.priority, theme),
            ),
            Span::styled(format!(" {:<5}", ticket.number), style(theme.quiet)),
            Span::raw(words::subject(&ticket.subject)),
        ],
        vec![Span::raw(format!("  {age} "))],
        wide,
    );
    let mut below = vec![
        Span::raw("        "),
        Span::raw(safe(ticket.requester.shown())),
    ];
    if let Some(assignee) = &ticket.assignee {
        let me = *assignee == model.stage.facts.agent;
        let name = if me { "you".to_owned() } else { safe(assignee) };
        below.push(Span::styled(format!(" @{name}"), style(theme.quiet)));
    }
    if let Some(tag) = ticket.tags.first() {
        below.push(Span::styled(format!(" {}", safe(tag)), style(theme.tag)));
    }
    let mark = mark(ticket, model, theme, 0);
    let right = vec![Span::raw("  "), mark, Span::raw(" ")];
    (first, paint::row(below, right, wide))
}

/// What the queue says of a ticket's draft, or of why the ticket is where it is.
fn mark(ticket: &QueueRow, model: &Model, theme: &Theme, wide: usize) -> Span<'static> {
    let (word, paint) = mark_word(ticket, model, theme);
    let word = if wide == 0 { word } else { pad(&word, wide) };
    Span::styled(word, paint)
}

fn mark_word(ticket: &QueueRow, model: &Model, theme: &Theme) -> (String, Style) {
    if let Some(run) = model.work.run(ticket.id) {
        let word = if run
            .state
            .as_ref()
            .is_some_and(|state| !state.text.is_empty())
        {
            "writing"
        } else {
            "asking"
        };
        return (word.to_owned(), style(theme.warning));
    }
    if ticket.open_reply.is_some() {
        return ("outbox".to_owned(), style(theme.good));
    }
    match (&ticket.draft, &ticket.quarantined_because) {
        (Some(draft), _) => {
            let part = if draft.is_fallback {
                theme.fallback
            } else {
                theme.draft
            };
            (words::draft_word(draft), style(part))
        }
        (None, Some(_)) => ("system".to_owned(), style(theme.quiet)),
        (None, None) => ("-".to_owned(), style(theme.quiet)),
    }
}

fn urgency(priority: Option<Priority>, theme: &Theme) -> Style {
    match priority {
        Some(Priority::Urgent | Priority::High) => style(theme.urgent),
        Some(Priority::Normal | Priority::Low) | None => style(theme.text),
    }
}

/// The cursor is a sign and reverse video; colours of the row give way, for patches hurt the eye.
fn mark_cursor(buffer: &mut Buffer, area: Rect, theme: &Theme) {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.set_style(Style::reset());
                cell.set_style(style(theme.selection));
            }
        }
    }
    if let Some(cell) = buffer.cell_mut((area.x, area.y)) {
        cell.set_symbol(">");
    }
}

fn nothing(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let text = empty_words(model);
    let lines = paint::wrap(&text, usize::from(area.width.saturating_sub(4)));
    for (line, row) in lines.into_iter().zip(1_u16..) {
        write_line(
            buffer,
            area,
            row,
            &Line::styled(format!("  {line}"), style(theme.text)),
        );
    }
}

/// What an empty list says: why, what is safe, what to do.
fn empty_words(model: &Model) -> String {
    let queue = &model.queue;
    let tickets = words::count(usize::try_from(queue.hidden()).unwrap_or(0), "ticket");
    if !queue.is_loaded() {
        return "Reading the queue …".to_owned();
    }
    if !queue.filter().is_empty() {
        let (filter, filter_key) = (safe(queue.filter()), model.key(Action::Filter));
        return format!(
            "Nothing matches `{filter}`. {tickets} of the queue hidden by this filter. \
             Esc clears it, {filter_key} changes it."
        );
    }
    match queue.view() {
        View::Unsolved => format!(
            "All clear: no unsolved ticket. {} shows every ticket, {} bounces and automatic mail. \
             New mail comes in by `deskhand import PATH`.",
            model.key(Action::GoAll),
            model.key(Action::GoSystem)
        ),
        View::Mine => format!(
            "No ticket is assigned to you. {} takes one, {} goes back to the queue.",
            model.key(Action::AssignMe),
            model.key(Action::GoQueue)
        ),
        View::All => "There is no ticket yet. `deskhand import PATH` reads mail.".to_owned(),
        View::Fallback => format!(
            "No draft came from a backup. {} goes back to the queue.",
            model.key(Action::GoQueue)
        ),
        View::System => format!(
            "No bounce and no automatic mail. {} goes back to the queue.",
            model.key(Action::GoQueue)
        ),
    }
}

fn footer(model: &Model, wide: usize) -> String {
    let queue = &model.queue;
    let place = if queue.total() == 0 {
        0
    } else {
        queue.cursor() + 1
    };
    let hidden = if queue.filter().is_empty() {
        format!("{} filter", model.key(Action::Filter))
    } else {
        format!("/ {}", safe(queue.filter()))
    };
    cut(
        &format!(" {place} of {}  newest first  {hidden}", queue.total()),
        wide,
    )
}

/// Tells whether the queue has the focus.
pub const fn has_focus(model: &Model) -> bool {
    matches!(model.stage.focus, Focus::Queue)
}

/// Paints what the ticket under the cursor is about, below a lone queue: its newest words, its
/// draft as it grows, and where the draft came from.
pub fn peek(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let wide = usize::from(area.width);
    let title = model
        .queue
        .row_here()
        .map_or_else(|| "peek".to_owned(), |row| peek_title(row, model, wide));
    paint::rule(buffer, area, 0, &title, (style(theme.border), "─"));
    let Some(here) = model.here() else { return };
    let mut lines = vec![newest_words(model, here, wide)];
    lines.extend(crate::tui::talk::draft::peek(
        model,
        theme,
        wide,
        usize::from(area.height) - 2,
    ));
    for (line, row) in lines.iter().zip(1_u16..) {
        write_line(buffer, area, row, line);
    }
}

fn peek_title(row: &QueueRow, model: &Model, wide: usize) -> String {
    let number = format!("peek #{}", row.number);
    let because = row.quarantined_because.as_deref();
    let Some((why, way_out)) = held_back(row.status, because, model) else {
        return number;
    };
    let room = wide.saturating_sub(paint::width(&number) + paint::width(&way_out) + 8);
    format!("{number}  {} - {way_out}", cut(&why, room))
}

fn newest_words(model: &Model, here: TicketId, wide: usize) -> Line<'static> {
    let newest = model
        .talk
        .view_of(here)
        .and_then(|view| view.messages.last());
    let text = newest.map_or_else(String::new, |message| {
        let from = safe(message.from.shown());
        let words = message
            .body
            .clean
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        format!(" {from}: {}", safe(&words))
    });
    Line::raw(cut(&text, wide))
}
