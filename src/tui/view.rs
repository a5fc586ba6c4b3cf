//! Paints the whole screen from the model, in order; reads only.

use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
    text::{Line, Span},
};

use super::{
    catch_up, compare, drill, files, help, keys,
    layout::{self, Layout, SMALLEST, Shape},
    mailbox, mapping, menu, meter,
    model::{Focus, Model, Overlay, Part},
    notes::Tone,
    outbox, over, overview,
    paint::{self, cut, style, width, write_line},
    palette, panel, prompt, providers, queue, receipts, routing, setup, talk,
};
use crate::{
    config::{
        Glyphs,
        action::{Action, Scope},
        theme::Theme,
    },
    domain::DraftState,
};

/// Paints the screen.
pub fn view(model: &Model, theme: &Theme, frame: &mut Frame<'_>) {
    let caret = draw(model, theme, frame.buffer_mut());
    if let Some(caret) = caret {
        frame.set_cursor_position(caret);
    }
}

/// Paints the screen into cells; returns where the caret stands, if one is shown.
pub fn draw(model: &Model, theme: &Theme, buffer: &mut Buffer) -> Option<Position> {
    let layout = layout::layout(model);
    let mut caret = None;
    if layout.shape == Shape::TooSmall {
        too_small(model, buffer);
    } else {
        header(buffer, &layout, model, theme);
        banners(buffer, &layout, model, theme);
        frame_of_panes(buffer, &layout, model, theme);
        panes(buffer, &layout, model, theme);
        hints(buffer, &layout, model, theme);
        status(buffer, &layout, model, theme);
        if let Some(open) = &model.overlay {
            caret = overlay(buffer, open, model, theme);
        }
    }
    if model.stage.facts.glyphs == Glyphs::Ascii {
        paint::to_ascii(buffer);
    }
    caret
}

fn too_small(model: &Model, buffer: &mut Buffer) {
    let size = model.stage.size;
    let (wide, high) = SMALLEST;
    let text = format!(
        "deskhand needs {wide}x{high}, this is {}x{}",
        size.width, size.height
    );
    write_line(
        buffer,
        buffer.area,
        0,
        &Line::raw(cut(&text, usize::from(size.width))),
    );
}

fn header(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    let wide = usize::from(layout.header.width);
    let bar = match wide {
        120.. => 18,
        90.. => 10,
        _ => 6,
    };
    let mut left = vec![Span::styled(" deskhand ", style(theme.title))];
    if model.stage.facts.is_demo {
        left.push(Span::styled(" DEMO ", style(theme.demo)));
    }
    left.push(Span::styled(
        format!(" ▸ {}", queue::view::title(model)),
        style(theme.text),
    ));
    let mut right = vec![Span::raw("  ")];
    right.extend(meter::view::spans(model, theme, bar));
    right.push(Span::raw(" "));
    write_line(buffer, layout.header, 0, &paint::row(left, right, wide));
}

fn banners(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    let wide = usize::from(layout.banners.width);
    for (words, row) in model.notes.banners().iter().zip(0..layout.banners.height) {
        let line = paint::pad(&format!(" ! {}", paint::safe(words)), wide);
        write_line(
            buffer,
            layout.banners,
            row,
            &Line::styled(line, style(theme.bad)),
        );
    }
}

/// The pane in focus has its name in brackets, so that focus is seen without colour.
fn name(title: &str, has_focus: bool) -> String {
    if has_focus {
        format!("[{title}]")
    } else {
        format!(" {title} ")
    }
}

fn frame_of_panes(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    let look = style(theme.border);
    let wide = usize::from(layout.body.width);
    let focus = model.stage.focus;
    if !layout.is_framed() {
        if layout.body.height >= 15 {
            let title = match focus {
                Focus::Queue => "QUEUE",
                Focus::Talk => "TICKET",
                Focus::Side => "SIDE",
            };
            paint::rule(buffer, layout.body, 0, title, (look, "─"));
            paint::rule(buffer, layout.body, layout.body.height - 1, "", (look, "─"));
        }
        return;
    }
    let mut panes = vec![
        ("QUEUE", Focus::Queue, layout.queue),
        ("TICKET", Focus::Talk, layout.talk),
    ];
    if layout.shape == Shape::Three {
        panes.push(("SIDE", Focus::Side, layout.side));
    }
    let mut top = vec![Span::styled("┌", look)];
    let mut bottom = String::from("└");
    let last = panes.len() - 1;
    for (place, (title, of, area)) in panes.into_iter().enumerate() {
        let inner = usize::from(area.map_or(0, |area| area.width));
        let has_focus = of == focus;
        let title = format!("─{}", name(title, has_focus));
        let fill = "─".repeat(inner.saturating_sub(width(&title)));
        let look = if has_focus { style(theme.focus) } else { look };
        top.push(Span::styled(format!("{title}{fill}"), look));
        bottom.push_str(&"─".repeat(inner));
        let (up, down) = if place == last {
            ("┐", "┘")
        } else {
            ("┬", "┴")
        };
        top.push(Span::styled(up, style(theme.border)));
        bottom.push_str(down);
        let right = area.map_or(0, Rect::right);
        for y in layout.body.top() + 1..layout.body.bottom().saturating_sub(1) {
            if place == 0 {
                buffer.set_string(layout.body.x, y, "│", style(theme.border));
            }
            buffer.set_string(right, y, "│", style(theme.border));
        }
    }
    write_line(buffer, layout.body, 0, &Line::from(top));
    let bottom = cut(&bottom, wide);
    write_line(
        buffer,
        layout.body,
        layout.body.height - 1,
        &Line::styled(bottom, look),
    );
}

fn panes(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    if let Some(area) = layout.queue {
        queue::view::draw(buffer, area, model, theme);
    }
    if let Some(area) = layout.peek {
        queue::view::peek(buffer, area, model, theme);
    }
    if let Some(area) = layout.talk {
        talk::view::draw(buffer, area, model, theme);
    }
    if let Some(area) = layout.side {
        if layout.shape == Shape::Two {
            let outer = Rect {
                x: area.x.saturating_sub(1),
                y: area.y.saturating_sub(1),
                width: area.width + 2,
                height: area.height + 2,
            };
            paint::boxed(buffer, outer, "[SIDE]", style(theme.focus));
        }
        panel::view::draw(buffer, area, model, theme);
    }
}

fn overlay(buffer: &mut Buffer, open: &Overlay, model: &Model, theme: &Theme) -> Option<Position> {
    let area = layout::overlay(model, open);
    match open {
        Overlay::Palette(room) => {
            return Some(palette::view::draw(buffer, area, room, theme).into());
        }
        Overlay::Help(room) => {
            let keymap = &model.stage.facts.keymap;
            return Some(help::draw(buffer, area, room, (keymap, theme)).into());
        }
        Overlay::Prompt(room) => {
            return Some(prompt::draw(buffer, area, room, theme).into());
        }
        Overlay::Menu(room) => menu::draw(buffer, area, room, theme),
        Overlay::Keys(room) => keys::draw(buffer, area, room, (model, theme)),
        Overlay::Routing(room) => routing::view::draw(buffer, area, room, theme),
        Overlay::Receipts(room) => {
            return receipts::view::draw(buffer, area, room, (model, theme)).map(Position::from);
        }
        Overlay::Providers(room) => providers::view::draw(buffer, area, room, (model, theme)),
        Overlay::Drill(room) => drill::draw(buffer, area, room, (model, theme)),
        Overlay::Compare(room) => compare::draw(buffer, area, room, (model, theme)),
        Overlay::Overview(room) => overview::view::draw(buffer, area, room, (model, theme)),
        Overlay::CatchUp(room) => catch_up::view::draw(buffer, area, room, (model, theme)),
        Overlay::Outbox(room) => outbox::draw(buffer, area, room, (model, theme)),
        Overlay::Files(room) => files::draw(buffer, area, room, theme),
        Overlay::Mailbox(room) => {
            return mailbox::view::draw(buffer, area, room, theme).map(Position::from);
        }
        Overlay::Mapping(room) => mapping::view::draw(buffer, area, room, theme),
        Overlay::SetUp(room) => setup::draw(buffer, area, room, (model, theme)),
    }
    None
}

const QUEUE_HINTS: [(Action, &str); 8] = [
    (Action::Open, "open"),
    (Action::Draft, "draft"),
    (Action::Edit, "reply"),
    (Action::SendSolve, "send"),
    (Action::Status, "status"),
    (Action::Filter, "filter"),
    (Action::Palette, "all"),
    (Action::Help, "help"),
];

const EDIT_HINTS: [(Action, &str); 3] = [
    (Action::Cancel, "save and leave"),
    (Action::ExternalEditor, "$EDITOR"),
    (Action::Palette, "all"),
];

const NOTE_HINTS: [(Action, &str); 4] = [
    (Action::Save, "add the note"),
    (Action::Cancel, "keep it for later"),
    (Action::ExternalEditor, "$EDITOR"),
    (Action::Palette, "all"),
];

fn writes_note(model: &Model) -> bool {
    let open = model.editor.as_ref();
    open.is_some_and(|editor| editor.writing() == super::strays::Writing::Note)
}

const SIDE_HINTS: [(Action, &str); 6] = [
    (Action::Down, "scroll"),
    (Action::PartReceipt, "receipt"),
    (Action::PartCustomer, "customer"),
    (Action::GoReceipts, "all receipts"),
    (Action::Back, "back"),
    (Action::Palette, "all"),
];

const PICKER_HINTS: [(Action, &str); 2] = [(Action::Open, "choose"), (Action::Cancel, "close")];

const fn overlay_name(model: &Model) -> &'static str {
    match &model.overlay {
        Some(Overlay::Palette(_)) | None => "PALETTE",
        Some(Overlay::Help(_)) => "HELP",
        Some(Overlay::Prompt(_)) => "TYPE",
        Some(Overlay::Menu(_)) => "CHOOSE",
        Some(Overlay::Keys(_)) => "KEYS",
        Some(Overlay::Routing(_)) => "ROUTING",
        Some(Overlay::Receipts(_)) => "RECEIPTS",
        Some(Overlay::Providers(_)) => "PROVIDERS",
        Some(Overlay::Drill(_)) => "DRILL",
        Some(Overlay::Compare(_)) => "COMPARE",
        Some(Overlay::Overview(_)) => "OVERVIEW",
        Some(Overlay::CatchUp(_)) => "WAITING",
        Some(Overlay::Outbox(_)) => "OUTBOX",
        Some(Overlay::Files(_)) => "FILES",
        Some(Overlay::Mapping(_)) => "TABLE",
        Some(Overlay::SetUp(_) | Overlay::Mailbox(_)) => "SET UP",
    }
}

/// Tells whether the draft under the cursor is stale: `Y` asks first, wherever the focus is.
fn is_stale(model: &Model) -> bool {
    let view = model.here().and_then(|here| model.talk.view_of(here));
    let draft = view.and_then(|view| view.draft.as_ref());
    draft.is_some_and(|draft| draft.state == DraftState::Stale)
}

/// Tells whether something came after the draft under the cursor was begun.
fn has_news(model: &Model) -> bool {
    let here = model.here();
    here.is_some_and(|here| talk::news::news(model, here).is_some())
}

fn hints(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    let Some(area) = layout.hint else { return };
    let keymap = &model.stage.facts.keymap;
    let (mode, hints): (&str, &[(Action, &str)]) = match (model.scope(), model.stage.focus) {
        (Scope::Picker, _) => {
            // The others name their keys inside.
            let names_none = matches!(model.overlay, Some(Overlay::Prompt(_) | Overlay::Help(_)));
            let hints: &[(Action, &str)] = if names_none { &PICKER_HINTS } else { &[] };
            (overlay_name(model), hints)
        }
        (Scope::Editor, _) if writes_note(model) => ("EDIT", &NOTE_HINTS),
        (Scope::Editor, _) => ("EDIT", &EDIT_HINTS),
        (Scope::Desk, Focus::Queue) => ("QUEUE", &QUEUE_HINTS),
        (Scope::Desk, Focus::Talk) if has_news(model) => ("TICKET", &talk::view::STALE_HINTS),
        (Scope::Desk, Focus::Talk) => ("TICKET", &talk::view::HINTS),
        (Scope::Desk, Focus::Side) => ("TICKET", &SIDE_HINTS),
    };
    let mut spans = vec![Span::styled(format!(" {mode} "), style(theme.title))];
    let mut room = usize::from(area.width).saturating_sub(mode.len() + 2);
    let mut push = |key: String, words: &str, room: &mut usize| {
        let wide = width(&key) + width(words) + 3;
        if wide <= *room {
            *room -= wide;
            spans.push(Span::styled(format!(" {key}"), style(theme.key)));
            spans.push(Span::raw(format!(" {words} ")));
        }
    };
    let pressed = &model.stage.pressed;
    if pressed.is_empty() {
        for (action, words) in hints {
            let is_held = *action == Action::SendSolve && is_stale(model);
            let words = if is_held { "held (stale)" } else { words };
            let key = keymap
                .keys(model.scope(), *action)
                .first()
                .map(ToString::to_string);
            if let Some(key) = key.or_else(|| keymap.shown(*action)) {
                push(key, words, &mut room);
            }
        }
    } else {
        let scope = model.scope();
        let is_over = scope == Scope::Picker && over::leads_on(model);
        let place = if is_over { Scope::Desk } else { scope };
        let after = keymap.after(place, pressed).into_iter();
        for (rest, action) in after.filter(|(_, action)| !is_over || over::is_way(*action)) {
            push(
                rest.to_string(),
                &action.name().replace('_', " "),
                &mut room,
            );
        }
    }
    write_line(buffer, area, 0, &Line::from(spans));
}

fn status(buffer: &mut Buffer, layout: &Layout, model: &Model, theme: &Theme) {
    let wide = usize::from(layout.status.width);
    let (words, end, paint) = match model.notes.current() {
        Some(note) => {
            let (mark, paint) = match note.tone {
                Tone::Plain => ("", theme.text),
                Tone::Warning => ("! ", theme.warning),
                Tone::Trouble => ("x ", theme.bad),
            };
            let end = note.end.as_deref().map(paint::safe);
            let words = format!(" {mark}{}", paint::safe(&note.words));
            (words, end, paint)
        }
        None => (resting_words(model), None, theme.quiet),
    };
    if width(&words) <= wide {
        return write_line(buffer, layout.status, 0, &Line::styled(words, style(paint)));
    }
    // A long note takes the hint line and what it needs of the panes, but not their heads.
    let room = layout.status.bottom().saturating_sub(layout.body.y + 3);
    let lines = note_lines(&words, end.as_deref(), (wide, usize::from(room.max(2))));
    let high = paint::cells(lines.len());
    let area = Rect {
        y: layout.status.bottom().saturating_sub(high),
        height: high,
        ..layout.status
    };
    for (line, row) in lines.iter().zip(0..high) {
        let line = if row == 0 {
            line.clone()
        } else {
            format!(" {}", line.trim_start())
        };
        write_line(
            buffer,
            area,
            row,
            &Line::styled(paint::pad(&line, wide), style(paint)),
        );
    }
}

/// Wraps a note into so many lines at most. What does not fit is left out of its middle, never of
/// its end, which is not torn apart either.
fn note_lines(words: &str, end: Option<&str>, (wide, most): (usize, usize)) -> Vec<String> {
    // All lines but the first begin with a blank.
    let inner = wide.saturating_sub(1);
    let end = end.unwrap_or_default();
    let lines = paint::wrap(words, inner);
    if lines.len() <= most && lines.last().is_some_and(|last| last.ends_with(end)) {
        return lines;
    }
    let mut lines = paint::wrap(words.trim_end_matches(end).trim_end(), inner);
    let last = if end.is_empty() {
        Vec::new()
    } else {
        paint::wrap(end, inner)
    };
    let room = most.saturating_sub(last.len());
    if lines.len() > room {
        lines.truncate(room);
        if let Some(line) = lines.last_mut() {
            *line = format!("{}…", cut(line, inner.saturating_sub(1)));
        }
    }
    lines.extend(last);
    lines
}

/// What the last line says when nothing has happened: what runs, or where the person is.
fn resting_words(model: &Model) -> String {
    if model.work.is_leaving {
        return " Leaving: what runs is stopped and settled …".to_owned();
    }
    let runs: Vec<String> = model
        .work
        .runs
        .iter()
        .map(|run| format!("#{}", run.number))
        .collect();
    if !runs.is_empty() {
        return format!(
            " Drafting {}  ·  {} stops the one shown",
            runs.join(", "),
            model.key(Action::Cancel)
        );
    }
    if let Some(hint) = model.notes.hint().filter(|_| model.editor.is_none()) {
        return format!(" {hint}");
    }
    let quiet = match (model.stage.focus, model.stage.part) {
        (Focus::Talk, Part::Draft) => {
            "An AI draft is never sent by itself: nothing leaves until you press a key."
        }
        _ => "",
    };
    format!(" {quiet}")
}
