//! How the Receipts screen looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::ReceiptsScreen;
use crate::{
    config::theme::Theme,
    domain::{Ending, Receipt, Task},
    tui::{
        model::Model,
        paint::{self, cut, pad, pad_left, safe, style, width, wrap, write_line, write_lines},
        panel::receipt,
        words,
    },
};

/// From so many cells on the receipt under the cursor stands beside the list.
const BESIDE_FROM: u16 = 104;
/// What the receipt beside the list gets.
const BESIDE_WIDE: u16 = 40;
/// From so many cells on there is room for the task, and for how many were asked and how long it
/// took.
const ROOMY: usize = 76;
const MIDDLING: usize = 66;
/// Rows that are not the list: headline, a blank one, the line, its help, the keys.
const FRAME: u16 = 5;

/// Paints the screen; returns where the caret stands while the query is edited.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &ReceiptsScreen,
    (model, theme): (&Model, &Theme),
) -> Option<(u16, u16)> {
    let inside = paint::boxed(buffer, area, "RECEIPTS", style(theme.focus));
    if screen.is_open && screen.line.is_none() {
        whole(buffer, inside, screen, (model, theme));
        return None;
    }
    let is_beside = inside.width >= BESIDE_FROM;
    let list = Rect {
        width: if is_beside {
            inside.width.saturating_sub(BESIDE_WIDE + 1)
        } else {
            inside.width
        },
        ..inside
    };
    if is_beside {
        beside(buffer, inside, list, screen, (model, theme));
    }
    let wide = usize::from(list.width).saturating_sub(2);
    let head = Line::raw(format!(" {}", cut(&headline(screen), wide)));
    write_line(buffer, list, 0, &head);
    if !screen.rows.is_empty() {
        let names = columns(usize::from(list.width).saturating_sub(3), &NAMES);
        let names = Line::styled(format!("  {names}"), style(theme.quiet));
        write_line(buffer, list, 1, &names);
    }
    rows(buffer, shelf(list), screen, (model, theme));
    foot(buffer, list, screen, (model, theme))
}

/// Returns how many rows of the list are in sight.
pub fn room(area: Rect) -> usize {
    usize::from(area.height.saturating_sub(FRAME + 2))
}

fn shelf(list: Rect) -> Rect {
    Rect {
        y: list.y + 2,
        height: list.height.saturating_sub(FRAME),
        ..list
    }
}

fn headline(screen: &ReceiptsScreen) -> String {
    let many = words::count(screen.rows.len(), "receipt");
    let query = safe(&screen.query);
    let cost = screen.cost().for_people();
    if screen.is_whole {
        let what = match (query.is_empty(), screen.rows.len()) {
            (true, _) => format!("All {many}"),
            (false, 1) => format!("{many} matches {query}"),
            (false, _) => format!("{many} match {query}"),
        };
        return format!("{what} · {cost}");
    }
    let what = if query.is_empty() {
        format!("The newest {many}")
    } else {
        format!("The newest {many} that match {query}")
    };
    format!("{what} · {cost} · older ones below")
}

fn rows(
    buffer: &mut Buffer,
    shelf: Rect,
    screen: &ReceiptsScreen,
    (model, theme): (&Model, &Theme),
) {
    let wide = usize::from(shelf.width);
    if screen.rows.is_empty() {
        for (line, row) in wrap(&nothing(screen, model), wide.saturating_sub(2))
            .into_iter()
            .zip(0_u16..)
        {
            write_line(buffer, shelf, row, &Line::raw(format!(" {line}")));
        }
        return;
    }
    let room = usize::from(shelf.height).max(1);
    let top = (screen.cursor + 1).saturating_sub(room);
    let seen = screen.rows.iter().enumerate().skip(top).take(room);
    for ((place, (_, receipt)), row) in seen.zip(0_u16..) {
        let is_here = place == screen.cursor;
        let mark = if is_here { ">" } else { " " };
        let text = pad(
            &format!("{mark} {}", one(receipt, model, wide.saturating_sub(3))),
            wide,
        );
        let look = if is_here { theme.selection } else { theme.text };
        write_line(
            buffer,
            shelf,
            row,
            &Line::from(Span::styled(text, style(look))),
        );
    }
}

/// Returns why there is no row.
fn nothing(screen: &ReceiptsScreen, model: &Model) -> String {
    if screen.trouble.is_some() {
        return String::new();
    }
    if !screen.is_whole {
        return match screen.searched_to {
            Some(to) => format!(
                "Nothing so far; searched back to {}.",
                words::moment(to, model.stage.now.civil, &model.stage.facts.zone)
            ),
            None => "Reading the receipts …".to_owned(),
        };
    }
    if screen.query.is_empty() {
        return "No receipt yet: nobody was asked. d on a ticket makes the first draft.".to_owned();
    }
    format!("No receipt matches {}. c shows all.", safe(&screen.query))
}

/// Returns one receipt in `wide` cells.
fn one(receipt: &Receipt, model: &Model, wide: usize) -> String {
    let when = words::moment(
        receipt.began,
        model.stage.now.civil,
        &model.stage.facts.zone,
    );
    let number = match receipt.ticket_number {
        Some(number) => format!("#{number}"),
        // Another program's: its name stands where a ticket would.
        None if receipt.task == Task::Request => cut(&safe(&receipt.agent), 6),
        None => "-".to_owned(),
    };
    let by = receipt.answer().map_or_else(
        || receipt.ending.word().replace('_', " "),
        |answer| safe(&answer.link.to_string()),
    );
    let took = receipt.ended.duration_since(receipt.began);
    columns(
        wide,
        &Cells {
            when: &when,
            ticket: &number,
            task: receipt.task.word(),
            by: &by,
            backup: if receipt.ending == Ending::Truncated {
                "limit"
            } else if receipt.is_fallback() {
                "backup"
            } else {
                ""
            },
            asked: &receipt.attempts.len().to_string(),
            took: &words::seconds(took.try_into().unwrap_or_default()),
            cost: &receipt.cost().for_people(),
        },
    )
}

/// One row of the list.
struct Cells<'a> {
    when: &'a str,
    ticket: &'a str,
    task: &'a str,
    by: &'a str,
    backup: &'a str,
    asked: &'a str,
    took: &'a str,
    cost: &'a str,
}

/// The names of the columns.
const NAMES: Cells<'static> = Cells {
    when: "when",
    ticket: "for",
    task: "task",
    by: "answered by",
    backup: "",
    asked: "asked",
    took: "took",
    cost: "cost",
};

/// Puts a row into its columns; what there is no room for is left out.
fn columns(wide: usize, of: &Cells<'_>) -> String {
    let mut right = pad(of.backup, 6);
    if wide >= MIDDLING {
        right = format!(
            "{right}  {}  {}",
            pad_left(of.asked, 5),
            pad_left(of.took, 8)
        );
    }
    let right = format!("{right}  {}", pad_left(of.cost, 9));
    let task = if wide >= ROOMY {
        format!("{}  ", pad(of.task, 6))
    } else {
        String::new()
    };
    let left = format!("{}  {}  {task}", pad(of.when, 12), pad(of.ticket, 6));
    let room = wide.saturating_sub(width(&left) + width(&right) + 1);
    format!("{left}{} {right}", pad(&cut(of.by, room), room))
}

/// Paints the one under the cursor alone.
fn whole(
    buffer: &mut Buffer,
    area: Rect,
    screen: &ReceiptsScreen,
    (model, theme): (&Model, &Theme),
) {
    let page = Rect {
        height: area.height.saturating_sub(1),
        ..area
    };
    lines(buffer, page, screen, (model, theme));
    let foot = " j k scroll  o the ticket  Esc back to the list";
    let line = Line::styled(cut(foot, usize::from(area.width)), style(theme.quiet));
    write_line(buffer, area, area.height.saturating_sub(1), &line);
}

fn beside(
    buffer: &mut Buffer,
    inside: Rect,
    list: Rect,
    screen: &ReceiptsScreen,
    (model, theme): (&Model, &Theme),
) {
    for row in 0..inside.height {
        let at = Rect {
            x: list.right(),
            width: 1,
            ..inside
        };
        write_line(buffer, at, row, &Line::styled("│", style(theme.border)));
    }
    let page = Rect {
        x: list.right() + 2,
        width: BESIDE_WIDE.saturating_sub(2),
        ..inside
    };
    lines(buffer, page, screen, (model, theme));
}

fn lines(
    buffer: &mut Buffer,
    area: Rect,
    screen: &ReceiptsScreen,
    (model, theme): (&Model, &Theme),
) {
    let Some((entry, receipt)) = screen.here() else {
        return;
    };
    let wide = usize::from(area.width);
    let mut lines = vec![Line::styled(format!("entry #{entry}"), style(theme.quiet))];
    lines.extend(receipt::lines(receipt, theme, wide, &model.stage.facts));
    let last_top = lines.len().saturating_sub(usize::from(area.height));
    let top = screen.top.get().min(last_top);
    screen.top.set(top);
    let seen: Vec<Line<'_>> = lines.into_iter().skip(top).collect();
    write_lines(buffer, area, &seen);
}

/// Paints the query line, what is wrong with it, and the keys.
fn foot(
    buffer: &mut Buffer,
    list: Rect,
    screen: &ReceiptsScreen,
    (_, theme): (&Model, &Theme),
) -> Option<(u16, u16)> {
    let wide = usize::from(list.width).saturating_sub(2);
    let lowest = list.height.saturating_sub(1);
    let say = |buffer: &mut Buffer, row: u16, text: &str, look| {
        let line = Line::styled(format!(" {}", cut(text, wide)), look);
        write_line(buffer, list, row, &line);
    };
    if let Some(trouble) = &screen.trouble {
        let lines = wrap(&safe(trouble), wide);
        let many = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        for (line, row) in lines.iter().zip(lowest.saturating_sub(many)..lowest) {
            say(buffer, row, &pad(line, wide), style(theme.bad));
        }
    }
    let Some(line) = &screen.line else {
        let keys = if wide >= ROOMY - 4 {
            "/ search  f backups  e unanswered  t ticket  c all  o open ticket  x export"
        } else {
            "/ search  f backups  e unanswered  o ticket  x export"
        };
        say(buffer, lowest, keys, style(theme.quiet));
        return None;
    };
    if screen.trouble.is_none() {
        let help = "provider: link: model: first: class: ending: action: task: agent: tag: ticket: \
                    since:7d is:fallback; - turns round";
        say(buffer, lowest.saturating_sub(1), help, style(theme.quiet));
    }
    let room = wide.saturating_sub(3);
    let before = line.before_caret();
    let hidden = width(before).saturating_sub(room);
    let text = line.text();
    let start = text.char_indices().nth(hidden).map_or(0, |(at, _)| at);
    let seen = paint::head(text.get(start..).unwrap_or_default(), room).to_owned();
    write_line(
        buffer,
        list,
        lowest,
        &Line::from(vec![Span::raw(" / "), Span::raw(pad(&seen, room))]),
    );
    let x = list.x + 3 + paint::cells(width(before).min(room));
    Some((x, list.y + lowest))
}
