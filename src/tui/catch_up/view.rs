//! How the catch-up list looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::CatchUpScreen;
use crate::{
    config::theme::Theme,
    desk::face::{CatchUp, CatchUpRow},
    domain::{Ending, Usd},
    tui::{
        model::Model,
        paint::{self, cut, pad, style, width, write_line},
        words,
    },
};

/// Cells for why a draft could not be made.
const WHY_WIDE: usize = 18;
/// From so many cells on there is room for when it was asked for.
const ROOMY: usize = 70;

/// Paints the list.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &CatchUpScreen,
    (model, theme): (&Model, &Theme),
) {
    let inside = paint::boxed(buffer, area, "DRAFTS THAT WAIT", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, words: &str, look| {
        let line = Line::styled(format!(" {}", cut(words, wide)), look);
        write_line(buffer, inside, row, &line);
    };
    let (plain, quiet) = (style(theme.text), style(theme.quiet));
    let foot_row = inside.height.saturating_sub(1);
    let Some(list) = &screen.list else {
        return say(buffer, 0, "Reading which drafts wait …", quiet);
    };
    if list.rows.is_empty() {
        let words = "No draft waits: every one that was asked for could be made.";
        say(buffer, 0, words, plain);
        return say(buffer, foot_row, "Esc close", quiet);
    }
    say(buffer, 0, &headline(list), plain);
    match &list.in_the_way {
        Some(why) => {
            let words = format!("Still in the way: {why}.");
            say(buffer, 1, &words, style(theme.warning));
        }
        None => say(buffer, 1, "The way is free.", plain),
    }
    let shelf = Rect {
        y: inside.y + 3,
        height: inside.height.saturating_sub(5),
        ..inside
    };
    let room = usize::from(shelf.height).max(1);
    let top = (screen.cursor + 1).saturating_sub(room);
    let seen = list.rows.iter().enumerate().skip(top).take(room);
    for ((place, row), at) in seen.zip(0_u16..) {
        let is_here = place == screen.cursor;
        let mark = if is_here { ">" } else { " " };
        let text = pad(&format!(" {mark} {}", one(row, model, wide - 3)), wide + 1);
        let look = if is_here { theme.selection } else { theme.text };
        let line = Line::from(Span::styled(text, style(look)));
        write_line(buffer, shelf, at, &line);
    }
    let foot = if screen.asks_for_all {
        let many = words::count(list.rows.len(), "draft");
        format!("Make {many} for {}? a again does.", cost(list))
    } else if list.in_the_way.is_some() {
        "Enter tries it all the same  x take off the list  Esc close".to_owned()
    } else {
        "Enter draft it  a draft all  x take off the list  Esc close".to_owned()
    };
    say(buffer, foot_row, &foot, quiet);
}

fn headline(list: &CatchUp) -> String {
    let many = words::count(list.rows.len(), "draft");
    format!("{many} could not be made: {}.", cost(list))
}

/// Returns what all of them would cost.
fn cost(list: &CatchUp) -> String {
    amounts(list.likely(), list.at_most())
}

fn amounts(likely: Option<Usd>, at_most: Option<Usd>) -> String {
    match (likely, at_most) {
        (Some(likely), Some(most)) => {
            format!("~{}, at most {}", likely.for_people(), most.for_people())
        }
        (Some(likely), None) => format!("~{}", likely.for_people()),
        (None, Some(most)) => format!("at most {}", most.for_people()),
        (None, None) => "an unknown cost".to_owned(),
    }
}

fn one(row: &CatchUpRow, model: &Model, wide: usize) -> String {
    let ticket = &row.missed.ticket;
    let is_running = model.work.run(ticket.id).is_some();
    let why = if is_running {
        "being written"
    } else {
        why(row.missed.because)
    };
    let when = words::moment(
        row.missed.at,
        model.stage.now.civil,
        &model.stage.facts.zone,
    );
    let cost = match (row.likely, row.at_most) {
        (Some(likely), _) => format!("~{}", likely.for_people()),
        (None, Some(most)) => format!("≤{}", most.for_people()),
        (None, None) => "unknown".to_owned(),
    };
    let right = if wide >= ROOMY {
        format!("{}  {when:>12}  {cost:>8}", pad(why, WHY_WIDE))
    } else {
        format!("{}  {cost:>8}", pad(why, WHY_WIDE))
    };
    let left = format!("#{:<6} {}", ticket.number, words::subject(&ticket.subject));
    let room = wide.saturating_sub(width(&right) + 2);
    format!("{}  {right}", pad(&cut(&left, room), room))
}

/// Returns in a few words why a draft could not be made.
const fn why(because: Ending) -> &'static str {
    match because {
        Ending::OverCap => "over the cap",
        Ending::Offline => "offline",
        Ending::KeyRefused => "a key was refused",
        Ending::NoLink => "nobody to ask",
        Ending::Failed
        | Ending::Answered
        | Ending::Truncated
        | Ending::BadInput
        | Ending::TooLong
        | Ending::Refused
        | Ending::Cancelled
        | Ending::Lost => "every link failed",
    }
}
