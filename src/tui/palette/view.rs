//! How the palette looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::Palette;
use crate::{
    config::theme::Theme,
    tui::paint::{self, style, write_line},
};

/// Paints the palette; returns where the caret stands.
pub fn draw(buffer: &mut Buffer, area: Rect, palette: &Palette, theme: &Theme) -> (u16, u16) {
    let inside = paint::boxed(buffer, area, "ALL ACTIONS", style(theme.focus));
    let wide = usize::from(inside.width);
    let typed = format!(" > {}", palette.line.text());
    write_line(buffer, inside, 0, &Line::raw(paint::cut(&typed, wide)));
    paint::rule(buffer, inside, 1, "", (style(theme.border), "─"));
    let list = Rect {
        y: inside.y + 2,
        height: inside.height.saturating_sub(4),
        ..inside
    };
    let room = usize::from(list.height);
    let top = (palette.cursor + 1).saturating_sub(room);
    let rows = palette.found().enumerate().skip(top);
    let mut is_empty = true;
    for ((place, row), y) in rows.zip(0..list.height) {
        is_empty = false;
        let mark = if place == palette.cursor { ">" } else { " " };
        let left = Span::raw(format!(" {mark} {}", row.action.help()));
        let key = Span::styled(format!("  {} ", row.key), style(theme.key));
        let mut line = paint::row(vec![left], vec![key], wide);
        if place == palette.cursor {
            line = paint::row(
                vec![Span::raw(format!(" > {}", row.action.help()))],
                vec![Span::raw(format!("  {} ", row.key))],
                wide,
            )
            .style(style(theme.selection));
        }
        write_line(buffer, list, y, &line);
    }
    if is_empty {
        write_line(
            buffer,
            list,
            0,
            &Line::styled("   Nothing by that name.", style(theme.quiet)),
        );
    }
    let foot = inside.height.saturating_sub(2);
    paint::rule(buffer, inside, foot, "", (style(theme.border), "─"));
    let words = " Enter run   Up/Down move   Esc close";
    write_line(
        buffer,
        inside,
        foot + 1,
        &Line::styled(words, style(theme.quiet)),
    );
    let x = inside.x + paint::cells(3 + paint::width(palette.line.before_caret()));
    (x.min(inside.right().saturating_sub(1)), inside.y)
}
