//! How the editor looks: a double frame, so that its kind is seen without colour.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, text::Line, widgets::Widget};

use super::Editor;
use crate::{
    config::theme::Theme,
    tui::{
        model::Model,
        paint::{cut, style, width, write_line},
    },
};

/// Paints the reply being written.
pub fn draw(buffer: &mut Buffer, area: Rect, editor: &Editor, (model, theme): (&Model, &Theme)) {
    let to = model
        .talk
        .view_of(editor.ticket())
        .map_or("", |view| &view.ticket.requester.address);
    let title = format!("EDIT · PUBLIC REPLY → {}", crate::tui::paint::safe(to));
    let inside = double(
        buffer,
        area,
        (&title, &editor.saved_words()),
        style(theme.focus),
    );
    editor.area().render(inside, buffer);
}

/// Draws a double frame; returns what is inside.
fn double(buffer: &mut Buffer, area: Rect, (left, right): (&str, &str), look: Style) -> Rect {
    let wide = usize::from(area.width.saturating_sub(2));
    let right = format!(" {right} ═");
    let left = cut(&format!("═ {left} "), wide.saturating_sub(width(&right)));
    let fill = "═".repeat(wide.saturating_sub(width(&left) + width(&right)));
    write_line(
        buffer,
        area,
        0,
        &Line::styled(format!("╔{left}{fill}{right}╗"), look),
    );
    for row in 1..area.height.saturating_sub(1) {
        buffer.set_string(area.x, area.y + row, "║", look);
        buffer.set_string(area.right().saturating_sub(1), area.y + row, "║", look);
    }
    let foot = format!("╚{}╝", "═".repeat(wide));
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
