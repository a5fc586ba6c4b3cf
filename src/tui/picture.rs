//! A picture of the screen, drawn from the program's own cells: SVG, the same bytes every time.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

use super::{Options, Session};
use crate::desk::Desk;

/// Cells of the picture: the three-pane layout.
const SIZE: (u16, u16) = (120, 36);
/// Pixels of one cell.
const CELL: (usize, usize) = (9, 19);
/// How long the desk may take to show what it has.
const PATIENCE: Duration = Duration::from_secs(10);
/// Nothing has changed for so long: the picture is complete.
const QUIET: Duration = Duration::from_millis(400);

/// Shows a desk for a moment and returns what is seen as SVG.
pub async fn of_desk(desk: Arc<Desk>, options: &Options) -> String {
    let backend = TestBackend::new(SIZE.0, SIZE.1);
    let Ok(terminal) = Terminal::new(backend);
    let mut session = Session::open(desk, options, terminal);
    let calm = async {
        while let Ok(msg) = tokio::time::timeout(QUIET, session.wait()).await {
            session.take(msg);
        }
    };
    drop(tokio::time::timeout(PATIENCE, calm).await);
    let Ok(()) = session.paint_now();
    let picture = svg(session.terminal().backend().buffer());
    session.finish().await;
    picture
}

/// Draws cells as SVG.
pub fn svg(buffer: &Buffer) -> String {
    let (wide, high) = CELL;
    let columns = usize::from(buffer.area.width);
    let (width, height) = (columns * wide, usize::from(buffer.area.height) * high);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, \
         Consolas, monospace\" font-size=\"15\" xml:space=\"preserve\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#16181d\"/>\n"
    );
    for (row, cells) in buffer.content.chunks(columns.max(1)).enumerate() {
        let mut column = 0;
        while let Some(first) = cells.get(column) {
            let span = run_length(cells, column);
            draw(
                &mut out,
                first,
                cells.get(column..column + span).unwrap_or_default(),
                (column, row),
            );
            column += span;
        }
    }
    out.push_str("</svg>\n");
    out
}

/// Returns how many cells from here on look alike; a wide letter stands alone with its hidden cell.
fn run_length(cells: &[Cell], start: usize) -> usize {
    let Some(first) = cells.get(start) else {
        return 1;
    };
    if first.symbol().width() > 1 {
        return first.symbol().width().min(cells.len() - start);
    }
    cells
        .iter()
        .skip(start)
        .take_while(|cell| {
            let is_alike = cell.fg == first.fg && cell.modifier == first.modifier;
            is_alike && cell.symbol().width() <= 1
        })
        .count()
        .max(1)
}

fn draw(out: &mut String, look: &Cell, cells: &[Cell], (column, row): (usize, usize)) {
    let (wide, high) = CELL;
    let (x, y, width) = (column * wide, row * high, cells.len() * wide);
    let is_reversed = look.modifier.contains(Modifier::REVERSED);
    let colour = colour(look.fg);
    if is_reversed {
        write_to(
            out,
            format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{high}\" fill=\"{colour}\"/>\n"
            ),
        );
    }
    let text: String = if look.symbol().width() > 1 {
        look.symbol().to_owned()
    } else {
        cells.iter().map(Cell::symbol).collect()
    };
    if text.trim().is_empty() {
        return;
    }
    let fill = if is_reversed { "#16181d" } else { colour };
    let weight = if look.modifier.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let faint = if look.modifier.contains(Modifier::DIM) {
        " opacity=\"0.6\""
    } else {
        ""
    };
    let base = y + high - 5;
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    write_to(
        out,
        format_args!(
            "<text x=\"{x}\" y=\"{base}\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\" \
             fill=\"{fill}\"{weight}{faint}>{text}</text>\n"
        ),
    );
}

/// Writing to a text cannot fail.
fn write_to(out: &mut String, words: std::fmt::Arguments<'_>) {
    out.write_fmt(words).ok();
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign type")]
const fn colour(colour: Color) -> &'static str {
    match colour {
        Color::Black => "#16181d",
        Color::Red | Color::LightRed => "#f07178",
        Color::Green | Color::LightGreen => "#a5d06a",
        Color::Yellow | Color::LightYellow => "#f0c56b",
        Color::Blue | Color::LightBlue => "#74a9f5",
        Color::Magenta | Color::LightMagenta => "#c99af0",
        Color::Cyan | Color::LightCyan => "#6fd3d8",
        _ => "#d7dae0",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{layout::Rect, style::Style};

    use super::*;

    #[test]
    fn a_picture_has_every_word_escaped_and_in_its_place() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 2));
        buffer.set_string(0, 0, "a<b & 日本", Style::new());
        buffer.set_string(0, 1, "red", Style::new().fg(Color::Red));

        let svg = svg(&buffer);

        assert!(svg.contains("a&lt;b &amp; </text>"), "{svg}");
        assert!(
            svg.contains("<text x=\"54\" y=\"14\" textLength=\"18\""),
            "{svg}"
        );
        assert!(svg.contains("fill=\"#f07178\">red"), "{svg}");
    }
}
