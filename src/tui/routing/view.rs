//! How the Routing screen looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::state::{Picker, RoutingScreen};
use crate::{
    config::theme::Theme,
    desk::face::ChainCard,
    tui::paint::{self, cut, pad, safe, style, wrap, write_line},
};

/// The rows below the links: a rule, remarks, and the keys.
const FOOT: u16 = 9;

/// Paints the Routing screen.
pub fn draw(buffer: &mut Buffer, area: Rect, room: &RoutingScreen, theme: &Theme) {
    let title = if room.is_changed() {
        "ROUTING, not saved"
    } else {
        "ROUTING"
    };
    let inside = paint::boxed(buffer, area, title, style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, words: &str| {
        write_line(
            buffer,
            inside,
            row,
            &Line::raw(format!(" {}", cut(words, wide))),
        );
    };
    let Some(chains) = room.chains() else {
        return say(buffer, 0, "Reading the chains …");
    };
    let Some(card) = room.shown() else {
        return say(
            buffer,
            0,
            "There is no chain yet: set a key on the Keys screen, or `deskhand chain add`.",
        );
    };
    head(buffer, inside, (room, chains, card));
    let list = Rect {
        y: inside.y + 4,
        height: inside.height.saturating_sub(4 + FOOT),
        ..inside
    };
    match &room.picker {
        Some(picker) => pick(buffer, list, (room, picker), theme),
        None => links(buffer, list, room, theme),
    }
    let below = Rect {
        y: inside.bottom().saturating_sub(FOOT.min(inside.height)),
        height: FOOT.min(inside.height),
        ..inside
    };
    foot(buffer, below, room, theme);
}

fn head(
    buffer: &mut Buffer,
    area: Rect,
    (room, chains, card): (&RoutingScreen, &[ChainCard], &ChainCard),
) {
    let wide = usize::from(area.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, words: &str| {
        write_line(
            buffer,
            area,
            row,
            &Line::raw(format!(" {}", cut(words, wide))),
        );
    };
    let names: Vec<String> = chains
        .iter()
        .enumerate()
        .map(|(at, chain)| {
            let name = safe(&chain.name);
            if at == room.chain {
                format!("[{name}]")
            } else {
                format!(" {name} ")
            }
        })
        .collect();
    say(buffer, 0, &format!("chain   {}", names.join(" ")));
    let routing = card.routing;
    say(
        buffer,
        1,
        &format!("routing {}: {}", routing.word(), routing.words()),
    );
    let used = if card.rules.is_empty() {
        "for    ".to_owned()
            + if card.name == "default" {
                " every other ticket"
            } else {
                " --chain only"
            }
    } else {
        format!("for     {}", safe(&card.rules.join("; ")))
    };
    say(buffer, 2, &used);
}

fn links(buffer: &mut Buffer, area: Rect, room: &RoutingScreen, theme: &Theme) {
    let wide = usize::from(area.width);
    let links = room.shown().map_or(&[][..], |card| &card.links);
    let top = (room.cursor + 1).saturating_sub(usize::from(area.height));
    for ((at, link), row) in links.iter().enumerate().skip(top).zip(0..area.height) {
        let mark = if at == room.cursor { ">" } else { " " };
        let name = pad(&safe(&link.to_string()), 38);
        let text = format!(" {mark} {}  {name} {}", at + 1, room.facts(link));
        let look = if at == room.cursor {
            theme.selection
        } else {
            theme.text
        };
        let line = Line::styled(pad(&cut(&text, wide), wide), style(look));
        write_line(buffer, area, row, &line);
    }
}

fn pick(buffer: &mut Buffer, area: Rect, (room, picker): (&RoutingScreen, &Picker), theme: &Theme) {
    let wide = usize::from(area.width);
    let head = format!(" ADD a link: {}_", safe(picker.line.text()));
    write_line(
        buffer,
        area,
        0,
        &Line::styled(cut(&head, wide), style(theme.title)),
    );
    let offered = room.offered();
    if offered.is_empty() {
        write_line(
            buffer,
            area,
            1,
            &Line::raw("   No model known here matches."),
        );
    }
    let rows = usize::from(area.height.saturating_sub(1)).max(1);
    let top = (picker.cursor + 1).saturating_sub(rows);
    for ((at, link), row) in offered.iter().enumerate().skip(top).zip(1..area.height) {
        let mark = if at == picker.cursor { ">" } else { " " };
        let name = pad(&safe(&link.to_string()), 40);
        let text = format!(" {mark} {name} {}", room.facts(link));
        let look = if at == picker.cursor {
            theme.selection
        } else {
            theme.text
        };
        let line = Line::styled(pad(&cut(&text, wide), wide), style(look));
        write_line(buffer, area, row, &line);
    }
}

fn foot(buffer: &mut Buffer, area: Rect, room: &RoutingScreen, theme: &Theme) {
    paint::rule(buffer, area, 0, "", (style(theme.border), "─"));
    let wide = usize::from(area.width).saturating_sub(2);
    let mut lines: Vec<(String, bool)> = Vec::new();
    if room.asks {
        lines.push((
            "This chain has changes that are not saved.".to_owned(),
            true,
        ));
    }
    if let Some(said) = &room.said {
        let said = said.lines().flat_map(|line| wrap(&safe(line), wide));
        lines.extend(said.map(|line| (line, false)));
    }
    for remark in room.remarks() {
        let mark = if remark.is_error { "x " } else { "! " };
        let wrapped = wrap(&format!("{mark}{}", safe(&remark.words)), wide);
        lines.extend(wrapped.into_iter().map(|line| (line, remark.is_error)));
    }
    if lines.is_empty() {
        lines.push(("ok  Nothing is wrong with this chain.".to_owned(), false));
    }
    for ((line, is_bad), row) in lines.iter().zip(1..area.height.saturating_sub(1)) {
        let look = if *is_bad { theme.bad } else { theme.text };
        write_line(
            buffer,
            area,
            row,
            &Line::styled(format!(" {line}"), style(look)),
        );
    }
    let hints: &[(&str, &str)] = if room.asks {
        &[
            ("s", "save and close"),
            ("d", "drop them"),
            ("Esc", "go on changing"),
        ]
    } else if room.picker.is_some() {
        &[("letters", "narrow"), ("Enter", "add"), ("Esc", "back")]
    } else {
        &[
            ("h l", "chain"),
            ("J K", "move"),
            ("a", "add"),
            ("x", "remove"),
            ("r", "routing"),
            ("u", "undo"),
            ("s", "save"),
            ("Esc", "close"),
        ]
    };
    let mut spans = vec![Span::raw(" ")];
    for (key, words) in hints {
        spans.push(Span::styled(*key, style(theme.key)));
        spans.push(Span::raw(format!(" {words}  ")));
    }
    let last = area.height.saturating_sub(1);
    write_line(buffer, area, last, &Line::from(spans));
}
