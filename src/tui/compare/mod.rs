//! A draft beside the text before it: signs say what went and what came, so it is read without colour.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    layout,
    model::{Model, Overlay},
    paint::{self, cut, safe_lines, style, wrap, write_line, write_lines},
    words,
};
use crate::{
    config::theme::Theme,
    desk::comparing::Compared,
    domain::{DraftOrigin, Timestamp},
    text::compare::Side,
};

/// The open page.
#[derive(Debug)]
pub struct ComparePage {
    compared: Box<Compared>,
    /// Lines scrolled away.
    top: usize,
}

impl ComparePage {
    /// Opens the page.
    pub const fn of(compared: Box<Compared>) -> Self {
        Self { compared, top: 0 }
    }

    /// Scrolls, as far as [`last_top`].
    pub fn move_by(&mut self, rows: isize, last: usize) {
        self.top = self.top.saturating_add_signed(rows).min(last);
    }
}

/// Returns how many lines of the open page can be scrolled away.
pub fn last_top(model: &Model) -> usize {
    let Some(overlay @ Overlay::Compare(page)) = &model.overlay else {
        return 0;
    };
    let inside = paint::inside(layout::overlay(model, overlay));
    let shelf = shelf(inside);
    lines(&page.compared, &Theme::default(), usize::from(shelf.width))
        .len()
        .saturating_sub(usize::from(shelf.height))
}

/// Returns the place of the texts, below the two lines that say whose they are and above the keys.
const fn shelf(inside: Rect) -> Rect {
    Rect {
        x: inside.x + 1,
        y: inside.y + 3,
        width: inside.width.saturating_sub(2),
        height: inside.height.saturating_sub(5),
    }
}

/// Paints the page.
pub fn draw(buffer: &mut Buffer, area: Rect, page: &ComparePage, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "COMPARE", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, text: &str, look| {
        let line = Line::styled(format!(" {}", cut(text, wide)), look);
        write_line(buffer, inside, row, &line);
    };
    let Compared { before, now, .. } = &*page.compared;
    let quiet = style(theme.quiet);
    say(buffer, 0, &format!("- {}", whose(*before, model)), quiet);
    say(
        buffer,
        1,
        &format!("+ {}, the draft now", whose(*now, model)),
        quiet,
    );
    let lines = lines(&page.compared, theme, wide);
    let shelf = shelf(inside);
    let room = usize::from(shelf.height);
    let top = page.top.min(lines.len().saturating_sub(room));
    let below = lines.len().saturating_sub(top + room);
    let seen: Vec<Line<'_>> = lines.into_iter().skip(top).take(room).collect();
    write_lines(buffer, shelf, &seen);
    let more = if below > 0 {
        format!("j k scroll ({below} more below)  Esc close")
    } else {
        "j k scroll  Esc close".to_owned()
    };
    say(buffer, inside.height.saturating_sub(1), &more, quiet);
}

fn lines(compared: &Compared, theme: &Theme, wide: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for part in &compared.parts {
        let (sign, paint) = match part.side {
            Side::Both => ("  ", theme.text),
            Side::Old => ("- ", theme.bad),
            Side::New => ("+ ", theme.good),
        };
        for text in wrap(&safe_lines(&part.text), wide.saturating_sub(2)) {
            lines.push(Line::from(vec![
                Span::styled(sign, style(paint)),
                Span::styled(text, style(paint)),
            ]));
        }
    }
    lines
}

fn whose((origin, at): (DraftOrigin, Timestamp), model: &Model) -> String {
    let whose = match origin {
        DraftOrigin::Ai => "written by AI",
        DraftOrigin::Mixed => "AI's words, changed by you",
        DraftOrigin::Human => "written by you",
    };
    let when = words::moment(at, model.stage.now.civil, &model.stage.facts.zone);
    format!("{whose}, {when}")
}
