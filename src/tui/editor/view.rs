//! How the editor looks: a double frame for a reply, a dotted one for a note, so that its kind is
//! seen without colour.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line, widgets::Widget};

use super::Editor;
use crate::{
    config::theme::Theme,
    domain::DraftState,
    tui::{
        model::Model,
        paint::{cut, style, width, write_line},
        strays::Writing,
    },
};

/// Paints the text being written.
pub fn draw(buffer: &mut Buffer, area: Rect, editor: &Editor, (model, theme): (&Model, &Theme)) {
    let view = model.talk.view_of(editor.ticket());
    let to = view.map_or_else(String::new, |view| view.route.words());
    let draft = view.and_then(|view| view.draft.as_ref());
    let is_stale = draft.is_some_and(|draft| draft.state == DraftState::Stale);
    let (title, lines) = match editor.writing() {
        Writing::Reply => {
            let to = crate::tui::paint::safe(&to);
            (format!("EDIT · PUBLIC REPLY → {to}"), &DOUBLE)
        }
        Writing::Note => (
            "EDIT · NOTE (internal, never leaves the desk)".to_owned(),
            &DOTTED,
        ),
    };
    let saved = match editor.writing() {
        Writing::Reply if is_stale => format!("STALE · {}", editor.saved_words()),
        Writing::Reply | Writing::Note => editor.saved_words(),
    };
    let titles = (title.as_str(), saved);
    let inside = frame(
        buffer,
        area,
        (titles.0, &titles.1, lines),
        style(theme.focus),
    );
    editor.area().render(inside, buffer);
}

/// The lines of a frame: across, down, and its corners.
struct Lines {
    across: &'static str,
    down: &'static str,
    corners: [&'static str; 4],
}

const DOUBLE: Lines = Lines {
    across: "═",
    down: "║",
    corners: ["╔", "╗", "╚", "╝"],
};
const DOTTED: Lines = Lines {
    across: "┄",
    down: "┆",
    corners: ["┌", "┐", "└", "┘"],
};

/// Draws a frame; returns what is inside.
fn frame(
    buffer: &mut Buffer,
    area: Rect,
    (left, right, lines): (&str, &str, &Lines),
    look: Style,
) -> Rect {
    let Lines {
        across,
        down,
        corners: [top_left, top_right, foot_left, foot_right],
    } = lines;
    let wide = usize::from(area.width.saturating_sub(2));
    let right = format!(" {right} {across}");
    let left = cut(
        &format!("{across} {left} "),
        wide.saturating_sub(width(&right)),
    );
    let fill = across.repeat(wide.saturating_sub(width(&left) + width(&right)));
    write_line(
        buffer,
        area,
        0,
        &Line::styled(format!("{top_left}{left}{fill}{right}{top_right}"), look),
    );
    for row in 1..area.height.saturating_sub(1) {
        buffer.set_string(area.x, area.y + row, down, look);
        buffer.set_string(area.right().saturating_sub(1), area.y + row, down, look);
    }
    let foot = format!("{foot_left}{}{foot_right}", across.repeat(wide));
    write_line(
        buffer,
        area,
        area.height.saturating_sub(1),
        &Line::styled(foot, look),
    );
    Rect {
        x: area.x + 2.min(area.width),
        y: area.y + 1,
        width: area.width.saturating_sub(4),
        height: area.height.saturating_sub(2),
    }
}
