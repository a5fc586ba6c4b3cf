//! From words and themes to cells: styles, cleaning, cutting and wrapping by display width.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::{
    config::theme::{Colour, Paint},
    text::clean::{clean, clean_line},
};

pub use crate::text::wrap::{cut, width_of as width, wrap};

/// Turns a theme's paint into a style of the screen library.
pub fn style(paint: Paint) -> Style {
    let mut style = Style::default();
    if let Some(colour) = colour(paint.colour) {
        style = style.fg(colour);
    }
    for (is_on, modifier) in [
        (paint.marks.is_bold, Modifier::BOLD),
        (paint.marks.is_reversed, Modifier::REVERSED),
        (paint.marks.is_dim, Modifier::DIM),
    ] {
        if is_on {
            style = style.add_modifier(modifier);
        }
    }
    style
}

const fn colour(colour: Colour) -> Option<Color> {
    Some(match colour {
        Colour::Default => return None,
        Colour::Black => Color::Black,
        Colour::Red => Color::Red,
        Colour::Green => Color::Green,
        Colour::Yellow => Color::Yellow,
        Colour::Blue => Color::Blue,
        Colour::Magenta => Color::Magenta,
        Colour::Cyan => Color::Cyan,
        Colour::White => Color::Gray,
        Colour::BrightBlack => Color::DarkGray,
        Colour::BrightRed => Color::LightRed,
        Colour::BrightGreen => Color::LightGreen,
        Colour::BrightYellow => Color::LightYellow,
        Colour::BrightBlue => Color::LightBlue,
        Colour::BrightMagenta => Color::LightMagenta,
        Colour::BrightCyan => Color::LightCyan,
        Colour::BrightWhite => Color::White,
    })
}

/// Makes foreign text fit for one line of the screen: nothing in it moves a cursor or turns the
/// reading direction. What was cleaned when it came in is cleaned again: belt and braces.
pub fn safe(text: &str) -> String {
    clean_line(text)
}

/// Makes foreign text of several lines fit for the screen; tabs become spaces.
pub fn safe_lines(text: &str) -> String {
    clean(text).replace('\t', "    ")
}

/// Tells whether a character neither controls a terminal nor turns text round.
pub fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(
            c,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns the beginning of a text that fits `cells`.
pub fn head(text: &str, cells: usize) -> &str {
    let (mut used, mut end) = (0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > cells {
            break;
        }
        end = at + grapheme.len();
    }
    text.get(..end).unwrap_or_default()
}

/// Cuts or fills a text to exactly `cells`.
pub fn pad(text: &str, cells: usize) -> String {
    let mut text = cut(text, cells);
    let missing = cells.saturating_sub(width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Writes a text so that it ends at the last of `cells`.
pub fn pad_left(text: &str, cells: usize) -> String {
    let text = cut(text, cells);
    let missing = cells.saturating_sub(width(&text));
    format!("{}{text}", " ".repeat(missing))
}

/// Returns a number of cells as the screen counts them.
pub fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Makes one line of what stands at the left and what stands at the right; the left gives way.
pub fn row(left: Vec<Span<'static>>, right: Vec<Span<'static>>, wide: usize) -> Line<'static> {
    let right_wide: usize = right.iter().map(|span| width(&span.content)).sum();
    let room = wide.saturating_sub(right_wide);
    let mut spans = Vec::new();
    let mut used = 0;
    for span in left {
        let content = cut(&span.content, room - used);
        used += width(&content);
        spans.push(Span::styled(content, span.style));
        if used >= room {
            break;
        }
    }
    spans.push(Span::raw(" ".repeat(room - used)));
    spans.extend(right);
    Line::from(spans)
}

/// Writes lines into an area, from its top; what does not fit is left out.
pub fn write_lines<'a>(
    buffer: &mut Buffer,
    area: Rect,
    lines: impl IntoIterator<Item = &'a Line<'a>>,
) {
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        buffer.set_line(area.x, y, line, area.width);
    }
}

/// Writes one line at a row of an area.
pub fn write_line(buffer: &mut Buffer, area: Rect, row: u16, line: &Line<'_>) {
    if row < area.height {
        buffer.set_line(area.x, area.y + row, line, area.width);
    }
}

/// Fills a row of an area with a rule that carries a title.
pub fn rule(buffer: &mut Buffer, area: Rect, row: u16, title: &str, look: (Style, &str)) {
    let (style, glyph) = look;
    let wide = usize::from(area.width);
    let title = if title.is_empty() {
        String::new()
    } else {
        format!("{glyph} {title} ")
    };
    let title = cut(&title, wide);
    let rest = glyph.repeat(wide.saturating_sub(width(&title)));
    write_line(
        buffer,
        area,
        row,
        &Line::styled(format!("{title}{rest}"), style),
    );
}

/// Empties an area and draws a frame with a title round it; returns what is inside.
pub fn boxed(buffer: &mut Buffer, area: Rect, title: &str, style: Style) -> Rect {
    let area = area.intersection(buffer.area);
    for y in area.top()..area.bottom() {
        if let Some(before) = area.left().checked_sub(1) {
            blank_wide(buffer, before, y);
        }
        for x in area.left()..area.right() {
            if let Some(cell) = buffer.cell_mut((x, y)) {
                cell.reset();
            }
        }
    }
    let wide = usize::from(area.width.saturating_sub(2));
    let title = if title.is_empty() {
        String::new()
    } else {
        cut(&format!("─ {title} "), wide)
    };
    let top = format!(
        "┌{title}{}┐",
        "─".repeat(wide.saturating_sub(width(&title)))
    );
    write_line(buffer, area, 0, &Line::styled(top, style));
    for row in 1..area.height.saturating_sub(1) {
        buffer.set_string(area.x, area.y + row, "│", style);
        buffer.set_string(area.right().saturating_sub(1), area.y + row, "│", style);
    }
    let bottom = format!("└{}┘", "─".repeat(wide));
    write_line(
        buffer,
        area,
        area.height.saturating_sub(1),
        &Line::styled(bottom, style),
    );
    inside(area)
}

/// Returns what is inside a frame.
pub const fn inside(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Says at the right end of a row how much more there is; a text that it covers ends in `…`.
pub fn more(buffer: &mut Buffer, area: Rect, row: u16, (text, look): (&str, Style)) {
    let y = area.y.saturating_add(row);
    let x = area.right().saturating_sub(cells(width(text)));
    let is_blank = |buffer: &Buffer, x: u16| {
        buffer
            .cell((x, y))
            .is_none_or(|cell| cell.symbol().trim().is_empty())
    };
    let covers = (x..area.right()).any(|x| !is_blank(buffer, x));
    let before = x.saturating_sub(1);
    buffer.set_string(x, y, text, look);
    if covers && before > area.x {
        // The left half of a wide letter must not reach under the sign.
        blank_wide(buffer, before.saturating_sub(1), y);
        buffer.set_string(before, y, "…", Style::default());
    }
}

/// Blanks a letter of two cells, so that its second cell can be painted.
fn blank_wide(buffer: &mut Buffer, x: u16, y: u16) {
    if let Some(cell) = buffer.cell_mut((x, y))
        && width(cell.symbol()) > 1
    {
        cell.set_symbol(" ");
    }
}

/// Returns the middle of an area, at most so wide and so high.
pub fn middle(area: Rect, wide: u16, high: u16) -> Rect {
    let width = wide.min(area.width);
    let height = high.min(area.height);
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

/// Replaces what a plain console cannot draw by letters and signs of ASCII.
pub fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let plain = match cell.symbol() {
            "─" | "░" | "▔" | "−" | "–" => "-",
            "│" | "║" | "▌" => "|",
            "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" | "╔" | "╗" | "╚" | "╝" => {
                "+"
            }
            "█" => "#",
            "═" | "▓" | "▒" => "=",
            "▕" => "[",
            "▏" => "]",
            "…" => "~",
            "↪" | "→" | "▸" | "›" => ">",
            "←" | "◂" => "<",
            "·" => ".",
            "•" => "*",
            "↑" => "^",
            "↓" => "v",
            _ => continue,
        };
        cell.set_symbol(plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_filled_at_the_border_of_wide_cells() {
        assert_eq!(pad("日本語テキスト", 6), "日本… ");
        assert_eq!(pad("日本", 5), "日本 ");
        assert_eq!(pad_left("ab", 4), "  ab");
        assert_eq!(head("日本語", 5), "日本");
    }

    #[test]
    fn hostile_characters_are_gone() {
        assert_eq!(safe("a\u{1b}[31mb\u{202e}c\nd"), "abc d");
        assert_eq!(safe_lines("a\r\nb\tc\u{200f}"), "a\nb    c");
    }

    #[test]
    fn the_right_side_keeps_its_place() {
        let line = row(vec![Span::raw("a long subject")], vec![Span::raw("2d")], 10);

        assert_eq!(line.to_string(), "a long …2d");
    }
}
