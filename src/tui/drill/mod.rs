//! What a drill showed: its answer and its receipt, and that it was a drill.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Text},
};

use super::{
    model::Model,
    paint::{self, cut, safe_lines, style, wrap, write_line, write_lines},
    panel::receipt,
};
use crate::{config::theme::Theme, desk::drill::Drilled};

/// The open page.
#[derive(Debug)]
pub struct DrillPage {
    /// What was drilled, as typed.
    pub plan: String,
    /// What came of it; none while it runs.
    pub drilled: Option<Box<Drilled>>,
    /// Lines scrolled away.
    pub top: usize,
}

impl DrillPage {
    /// Opens the page of a drill that has begun.
    pub const fn begun(plan: String) -> Self {
        Self {
            plan,
            drilled: None,
            top: 0,
        }
    }

    /// Scrolls.
    pub fn move_by(&mut self, rows: isize) {
        self.top = self.top.saturating_add_signed(rows);
    }
}

/// Paints the page.
pub fn draw(buffer: &mut Buffer, area: Rect, page: &DrillPage, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "DRILL", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, text: &str, look| {
        let line = Line::styled(format!(" {}", cut(text, wide)), look);
        write_line(buffer, inside, row, &line);
    };
    let what = format!("If {}:", paint::safe(&page.plan));
    say(buffer, 0, &what, style(theme.title));
    let kind = "A drill: simulated providers, no key read, no money spent, nothing kept.";
    say(buffer, 1, kind, style(theme.quiet));
    let foot = inside.height.saturating_sub(1);
    let Some(drilled) = &page.drilled else {
        return say(buffer, 3, "Playing it through …", style(theme.text));
    };
    let mut lines = Vec::new();
    if let Some(text) = &drilled.text {
        lines.push(Line::styled("WHAT WOULD BE SHOWN", style(theme.title)));
        let text = safe_lines(text);
        let wrapped = text.lines().flat_map(|line| wrap(line, wide));
        lines.extend(wrapped.map(Line::from));
        lines.push(Line::default());
    }
    lines.extend(receipt::lines(
        &drilled.receipt,
        theme,
        wide,
        &model.stage.facts,
    ));
    let shelf = Rect {
        x: inside.x + 1,
        y: inside.y + 3,
        width: inside.width.saturating_sub(2),
        height: inside.height.saturating_sub(5),
    };
    let top = page
        .top
        .min(lines.len().saturating_sub(usize::from(shelf.height)));
    let seen = Text::from(lines.into_iter().skip(top).collect::<Vec<_>>());
    write_lines(buffer, shelf, &seen.lines);
    say(buffer, foot, "j k scroll  Esc close", style(theme.quiet));
}
