//! How the Overview screen looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    OverviewScreen,
    bars::{Bar, Row},
};
use crate::{
    config::{action::Action, theme::Theme},
    desk::face::OverviewView,
    domain::Cap,
    engine::figures::percent,
    tui::{
        model::Model,
        paint::{self, cut, pad, safe, style, width, wrap, write_line},
        words,
    },
};

/// Cells for the name of a bar, and for its figure.
const NAME_WIDE: usize = 30;
const NAME_NARROW: usize = 18;
const FIGURE: usize = 26;
/// From so many cells on names have their room.
const ROOMY: usize = 92;

/// Paints the screen.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &OverviewScreen,
    (model, theme): (&Model, &Theme),
) {
    let title = format!("OVERVIEW, {} days", screen.days());
    let inside = paint::boxed(buffer, area, &title, style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, text: &str, look| {
        let line = Line::styled(format!(" {}", cut(text, wide)), look);
        write_line(buffer, inside, row, &line);
    };
    let (plain, quiet) = (style(theme.text), style(theme.quiet));
    let foot = inside.height.saturating_sub(1);
    if let Some(trouble) = &screen.trouble {
        return say(buffer, 0, &safe(trouble), style(theme.bad));
    }
    let Some(view) = &screen.view else {
        return say(buffer, 0, "Reading the receipts …", quiet);
    };
    if view.figures.whole().asked == 0 && view.figures.models().is_empty() {
        let key = model.key(Action::Draft);
        let words = format!("No drafts yet. {key} on a ticket makes the first.");
        say(buffer, 0, &words, plain);
        return say(buffer, foot, "[ ] days  Esc close", quiet);
    }
    let mut row = 0;
    for (line, look) in head(view, wide, theme) {
        say(buffer, row, &line, look);
        row += 1;
    }
    let shelf = Rect {
        y: inside.y + row + 1,
        height: inside.height.saturating_sub(row + 2),
        ..inside
    };
    rows(buffer, shelf, screen, theme);
    let week = if screen.by_week { "w days" } else { "w weeks" };
    let state = if screen.is_reading() {
        "reading …"
    } else {
        "r read anew"
    };
    let keys = format!("Enter receipts  Tab next part  {week}  [ ] days  {state}  Esc close");
    say(buffer, foot, &keys, quiet);
}

/// The sums above the bars, and what is to be said of them.
fn head(view: &OverviewView, wide: usize, theme: &Theme) -> Vec<(String, ratatui::style::Style)> {
    let (plain, warning) = (style(theme.text), style(theme.warning));
    let whole = view.figures.whole();
    let rate = whole
        .rate()
        .map_or_else(String::new, |rate| format!(" ({})", percent(rate)));
    let mut lines = vec![(
        format!(
            "{} asked, {} answered, {} by a backup{rate}, {}",
            whole.asked,
            whole.answered,
            whole.fallback,
            whole.cost.for_people()
        ),
        plain,
    )];
    lines.push((month(view), plain));
    lines.push((difference(view), plain));
    let says = match view.week.advice(view.today) {
        Some(advice) => Some(format!("{} W swaps them.", advice.words())),
        None => view.week.sentence(view.today),
    };
    for line in says.iter().flat_map(|words| wrap(&safe(words), wide)) {
        lines.push((line, warning));
    }
    lines
}

/// What the month has cost and will.
fn month(view: &OverviewView) -> String {
    let meter = &view.spend.meter;
    let cap = match meter.cap {
        Cap::Month(cap) => format!(" of {}", cap.beside(cap)),
        Cap::None | Cap::NotChosen => String::new(),
    };
    let forecast = view.forecast.map_or_else(
        || "no forecast yet".to_owned(),
        |usd| format!("~{} at this pace", usd.for_people()),
    );
    let name = &meter.period.name;
    format!("{name}: {}{cap}, {forecast}", meter.cost().for_people())
}

/// What fallback added and saved: what the first choice would have cost is an estimate.
fn difference(view: &OverviewView) -> String {
    let of = view.figures.difference();
    let unknown = match of.unknown {
        0 => String::new(),
        count => {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            format!("; unknown of {}", words::count(count, "draft"))
        }
    };
    format!(
        "Backups added ~{} and saved ~{}{unknown}",
        of.added.for_people(),
        of.saved.for_people()
    )
}

fn rows(buffer: &mut Buffer, shelf: Rect, screen: &OverviewScreen, theme: &Theme) {
    let wide = usize::from(shelf.width);
    let room = usize::from(shelf.height).max(1);
    // The head of the first part stays in sight with its first bar.
    let top = (screen.cursor + 2).saturating_sub(room);
    let top = if screen.cursor < room { 0 } else { top };
    for ((place, row), at) in screen
        .rows
        .iter()
        .enumerate()
        .skip(top)
        .zip(0..shelf.height)
    {
        let is_here = place == screen.cursor;
        let line = match row {
            Row::Blank => continue,
            Row::Head(name, what) => Line::from(vec![
                Span::styled(format!(" {name}"), style(theme.title)),
                Span::styled(
                    format!("  {}", cut(what, wide.saturating_sub(name.len() + 4))),
                    style(theme.quiet),
                ),
            ]),
            Row::Note(words) => Line::styled(
                format!("   {}", cut(words, wide.saturating_sub(4))),
                style(theme.quiet),
            ),
            Row::Bar(bar) => {
                let mark = if is_here { ">" } else { " " };
                let text = pad(
                    &format!(" {mark} {}", one(bar, wide.saturating_sub(4))),
                    wide,
                );
                let look = if is_here { theme.selection } else { theme.text };
                Line::from(Span::styled(text, style(look)))
            }
        };
        write_line(buffer, shelf, at, &line);
    }
}

fn one(bar: &Bar, wide: usize) -> String {
    let name = if wide >= ROOMY {
        NAME_WIDE
    } else {
        NAME_NARROW
    };
    let figure = FIGURE.max(width(&bar.figure));
    let cells = wide.saturating_sub(name + figure + 4);
    format!(
        "{}  {}  {}",
        pad(&cut(&bar.name, name), name),
        bar.length.drawn(cells),
        bar.figure
    )
}
