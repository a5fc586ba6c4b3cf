//! How the Mapping screen looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::MappingScreen;
use crate::{
    config::theme::Theme,
    desk::import::Imported,
    domain::{Because, Column, Field, TableWarning},
    tui::paint::{self, cut, pad, safe, style, write_line},
};

/// Cells for the name of a column, and for what it holds.
const NAME_WIDE: usize = 22;
const FIELD_WIDE: usize = 16;
/// Cells for who says so.
const WHY_WIDE: usize = 22;
/// Lines above the columns.
const HEAD: u16 = 3;
/// So many first rows are shown where there is room for them.
const PREVIEW: u16 = 5;
/// Without so many lines the first rows are left out.
const ROOMY: u16 = 17;

/// Below so many cells the keys are named in fewer words.
const WIDE: usize = 88;

/// Paints the screen.
pub fn draw(buffer: &mut Buffer, area: Rect, screen: &MappingScreen, theme: &Theme) {
    let inside = paint::boxed(buffer, area, "IMPORT A TABLE", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, words: &str, look| {
        let line = Line::styled(format!(" {}", cut(words, wide)), look);
        write_line(buffer, inside, row, &line);
    };
    let (plain, quiet) = (style(theme.text), style(theme.quiet));
    say(buffer, 0, &headline(screen), plain);
    say(buffer, 1, &sample(screen), quiet);
    let foot = inside.height.saturating_sub(1);
    let preview = if inside.height >= ROOMY {
        PREVIEW + 1
    } else {
        0
    };
    let shelf = Rect {
        y: inside.y + HEAD.min(inside.height),
        height: inside.height.saturating_sub(HEAD + preview + 3),
        ..inside
    };
    match screen.choosing {
        Some(place) => choices(buffer, shelf, (screen, place), theme),
        None => columns(buffer, shelf, screen, theme),
    }
    if preview > 0 {
        rows(
            buffer,
            inside,
            foot.saturating_sub(2 + preview),
            screen,
            theme,
        );
    }
    let (words, look) = outcome(screen);
    let look = if look { style(theme.warning) } else { plain };
    say(buffer, foot.saturating_sub(1), &words, look);
    let keys = if screen.choosing.is_some() {
        "Enter takes it  Esc back"
    } else if wide < WIDE {
        "Enter  x out  e enc  s sep  o day  d try  i import  Esc"
    } else {
        "Enter what it holds  x leave it out  e encoding  s separator  o days  d try  i import  Esc"
    };
    say(buffer, foot, keys, quiet);
}

fn headline(screen: &MappingScreen) -> String {
    let look = &screen.look;
    let name = screen.path.file_name().unwrap_or(screen.path.as_os_str());
    let who = if look.is_encoding_said {
        "as you say"
    } else {
        "guessed"
    };
    let between = match look.separator {
        '\t' => "a tab".to_owned(),
        sign => format!("`{sign}`"),
    };
    let days = match look.days.order {
        Some(order) => format!(", dates {}", order.word()),
        None => String::new(),
    };
    format!(
        "{}: {} ({who}), between fields {between}{days}",
        safe(&name.to_string_lossy()),
        look.encoding
    )
}

fn sample(screen: &MappingScreen) -> String {
    match &screen.look.sample {
        Some(sample) => format!("It reads: {}", safe(sample)),
        None => "Plain letters only: every encoding reads them alike.".to_owned(),
    }
}

fn columns(buffer: &mut Buffer, shelf: Rect, screen: &MappingScreen, theme: &Theme) {
    let first = screen.look.rows.first();
    let lines = screen
        .look
        .columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let value = first.and_then(|row| row.get(place)).map(|cell| safe(cell));
            one(column, value.as_deref().unwrap_or_default())
        });
    list(
        buffer,
        shelf,
        (&lines.collect::<Vec<_>>(), screen.cursor),
        theme,
    );
}

fn one(column: &Column, value: &str) -> String {
    let name = match safe(&column.name) {
        name if name.is_empty() => "(no name)".to_owned(),
        name => name,
    };
    let field = column.field.map_or("-", Field::word);
    let why = match column.because {
        Because::Name => "by its name",
        Because::Content => "by what stands in it",
        Because::Said => "as you say",
        Because::Unknown => "left out: unknown",
    };
    format!(
        "{} {} {} {value}",
        pad(&cut(&name, NAME_WIDE), NAME_WIDE),
        pad(field, FIELD_WIDE),
        pad(why, WHY_WIDE),
    )
}

fn choices(
    buffer: &mut Buffer,
    shelf: Rect,
    (screen, place): (&MappingScreen, usize),
    theme: &Theme,
) {
    let name = screen.here().map(|column| safe(&column.name));
    let taken = |field: Field| {
        let mut columns = screen.look.columns.iter();
        columns
            .find(|column| column.field == Some(field))
            .map(|column| safe(&column.name))
    };
    let lines: Vec<String> = MappingScreen::choices()
        .into_iter()
        .map(|choice| match choice {
            None => format!("leave {} out", name.as_deref().unwrap_or("it")),
            Some(field) => match taken(field) {
                Some(column) => format!("{}  now {column}", pad(field.word(), FIELD_WIDE)),
                None => field.word().to_owned(),
            },
        })
        .collect();
    list(buffer, shelf, (&lines, place), theme);
}

/// Paints lines of which one is under the cursor, so that it is seen.
fn list(buffer: &mut Buffer, shelf: Rect, (lines, cursor): (&[String], usize), theme: &Theme) {
    let wide = usize::from(shelf.width);
    let room = usize::from(shelf.height).max(1);
    let top = (cursor + 1).saturating_sub(room);
    let seen = lines.iter().enumerate().skip(top).take(room);
    for ((place, words), row) in seen.zip(0..shelf.height) {
        let is_here = place == cursor;
        let mark = if is_here { ">" } else { " " };
        let look = if is_here { theme.selection } else { theme.text };
        let text = pad(&cut(&format!(" {mark} {words}"), wide), wide);
        let line = Line::from(Span::styled(text, style(look)));
        write_line(buffer, shelf, row, &line);
    }
}

/// Paints the first rows, as they would be taken apart.
fn rows(buffer: &mut Buffer, inside: Rect, from: u16, screen: &MappingScreen, theme: &Theme) {
    let wide = usize::from(inside.width).saturating_sub(2);
    let title = Line::styled(" First rows:", style(theme.quiet));
    write_line(buffer, inside, from, &title);
    let count = screen.look.columns.len().max(1);
    let cell_wide = (wide / count).saturating_sub(3).clamp(4, 30);
    for (row, at) in screen.look.rows.iter().zip(from + 1..from + 1 + PREVIEW) {
        let cells: Vec<String> = row
            .iter()
            .map(|cell| pad(&cut(&safe(cell), cell_wide), cell_wide))
            .collect();
        let line = format!(" {}", cut(&cells.join(" | "), wide));
        write_line(buffer, inside, at, &Line::styled(line, style(theme.text)));
    }
}

/// Says what stands in the way or what would come of it; the second tells whether to warn.
fn outcome(screen: &MappingScreen) -> (String, bool) {
    if let Some(said) = screen.said {
        return (said.to_owned(), true);
    }
    match &screen.tried {
        Some(tried) => (tried_words(tried), !tried.rejected.is_empty()),
        None if screen.is_trying => ("Trying it, without filing anything …".to_owned(), false),
        None if let Some(warning) = screen.look.warnings.first() => (warned(warning), true),
        None => (
            "Nothing is filed before i; d says what would come of it.".to_owned(),
            false,
        ),
    }
}

/// Says in one short line what a person should know, and the key that settles it.
fn warned(warning: &TableWarning) -> String {
    match warning {
        TableWarning::TwoDays { column, sample } => format!(
            "{} in {} could be two days: o says which, else refused.",
            safe(sample),
            cut(&safe(column), NAME_WIDE)
        ),
        TableWarning::NoDate => {
            "No column holds a date: messages get today's. Enter says which one does.".to_owned()
        }
    }
}

fn tried_words(tried: &Imported) -> String {
    let Some(first) = tried.rejected.first() else {
        return format!(
            "It would be {} new messages and {} new tickets; {} are here already.",
            tried.imported, tried.tickets_new, tried.duplicates
        );
    };
    // What is wrong comes first: the end of a long line is cut.
    let place = first.path.rsplit('#').next().unwrap_or_default();
    format!(
        "{} rejected, {} new, {} here already; line {}: {}",
        tried.rejected.len(),
        tried.imported,
        tried.duplicates,
        safe(place),
        safe(&first.reason)
    )
}
