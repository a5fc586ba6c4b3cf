//! How the side pane and the feed of receipts look.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::receipt;
use crate::{
    config::theme::Theme,
    desk::face::TicketView,
    domain::{Cap, Usd},
    tui::{
        meter::view::drawn,
        model::{Model, Part},
        paint::{self, safe, style, wrap, write_line, write_lines},
        words,
    },
};

/// Paints the side pane.
pub fn draw(buffer: &mut Buffer, area: Rect, model: &Model, theme: &Theme) {
    let inner = Rect {
        x: area.x + 1,
        width: area.width.saturating_sub(1),
        ..area
    };
    let tabs = match shown(model) {
        Part::Customer => " 3 Rcpt [4]Cust",
        Part::Talk | Part::Draft | Part::Receipt => "[3]Rcpt  4 Cust",
    };
    write_line(buffer, inner, 0, &Line::styled(tabs, style(theme.title)));
    let lines = lines(model, theme, usize::from(inner.width));
    let text = Rect {
        y: inner.y + 2,
        height: inner.height.saturating_sub(2),
        ..inner
    };
    let room = usize::from(text.height);
    let top = model.panel.top.min(lines.len().saturating_sub(room));
    let seen: Vec<Line<'_>> = lines.iter().skip(top).take(room).cloned().collect();
    write_lines(buffer, text, &seen);
    let below = lines.len().saturating_sub(top + room);
    if below > 0 {
        let last = text.height.saturating_sub(1);
        let more = format!(" ↓{below} ");
        paint::more(buffer, text, last, (&more, style(theme.quiet)));
    }
}

/// Returns how far the side pane can be scrolled.
pub fn last_top(model: &Model) -> usize {
    let Some(area) = model.layout().side else {
        return 0;
    };
    let lines = lines(
        model,
        &Theme::default(),
        usize::from(area.width.saturating_sub(1)),
    );
    lines
        .len()
        .saturating_sub(usize::from(area.height.saturating_sub(2)))
}

const fn shown(model: &Model) -> Part {
    model.stage.part
}

fn lines(model: &Model, theme: &Theme, wide: usize) -> Vec<Line<'static>> {
    let Some(here) = model.here() else {
        return Vec::new();
    };
    let view = model.talk.view_of(here);
    if shown(model) == Part::Customer {
        return view.map_or_else(Vec::new, |view| customer(view, model, theme, wide));
    }
    let mut lines = Vec::new();
    let run = model.work.run(here).and_then(|run| run.state.as_ref());
    if let Some(state) = run {
        lines.extend(receipt::running(state, theme, wide));
    }
    let receipts = view.map_or(&[][..], |view| &view.receipts);
    if lines.is_empty() && receipts.is_empty() {
        let words = "No receipt yet: nobody was asked. Every draft leaves one here, with each \
                     attempt, its reason and its cost.";
        lines.extend(
            wrap(words, wide)
                .into_iter()
                .map(|line| Line::styled(line, style(theme.quiet))),
        );
    }
    if let Some(newest) = receipts.first().filter(|_| run.is_none()) {
        lines.extend(receipt::lines(newest, theme, wide, &model.stage.facts));
    }
    lines.push(Line::default());
    lines.extend(spend(model, view, theme));
    if receipts.len() > 1 {
        lines.push(Line::default());
        lines.push(Line::styled(
            format!("EARLIER ({})", receipts.len() - 1),
            style(theme.title),
        ));
        for earlier in receipts.iter().skip(1) {
            let when = words::moment(
                earlier.began,
                model.stage.now.civil,
                &model.stage.facts.zone,
            );
            let word = earlier.ending.word().replace('_', " ");
            let cost = earlier.cost().for_people();
            lines.push(Line::raw(paint::cut(
                &format!("{when} {word} {cost}"),
                wide,
            )));
        }
    }
    lines
}

fn spend(model: &Model, view: Option<&TicketView>, theme: &Theme) -> Vec<Line<'static>> {
    let Some(meter) = model.meter.meter() else {
        return Vec::new();
    };
    let pair = |name: &str, value: String| {
        Line::from(vec![
            Span::styled(format!("{name:<8} "), style(theme.quiet)),
            Span::raw(value),
        ])
    };
    let cap = match meter.cap {
        Cap::Month(cap) => cap.beside(cap),
        Cap::None => "no cap".to_owned(),
        Cap::NotChosen => "not chosen".to_owned(),
    };
    let mut lines = vec![pair(
        "spend",
        format!("{} / {cap}", meter.settled().in_cents()),
    )];
    if let Some(percent) = meter.percent() {
        lines.push(Line::raw(format!("{} {percent}%", drawn(meter, 18))));
    }
    if meter.settled_at_most > Usd::ZERO {
        lines.push(pair(
            "of it",
            format!("~{} at most", meter.settled_at_most.for_people()),
        ));
    }
    if meter.held > Usd::ZERO {
        lines.push(pair("held", meter.held.for_people()));
    }
    if let Some(view) = view.filter(|view| !view.receipts.is_empty()) {
        let cost = view
            .receipts
            .iter()
            .fold(crate::domain::Cost::FREE, |sum, receipt| {
                sum.plus(receipt.cost())
            });
        lines.push(pair("ticket", cost.for_people()));
    }
    lines
}

/// Says where a ticket came from, and how it stood there when it was last imported.
fn source(view: &TicketView) -> String {
    let Some(origin) = &view.origin else {
        return safe(&view.ticket.source);
    };
    let there = origin.source_status.as_deref();
    let there = there.map_or_else(String::new, |status| format!(", {} there", safe(status)));
    format!(
        "{} {}{there}",
        safe(&origin.source),
        safe(&origin.source_id)
    )
}

fn customer(view: &TicketView, model: &Model, theme: &Theme, wide: usize) -> Vec<Line<'static>> {
    let ticket = &view.ticket;
    let (now, zone) = (model.stage.now.civil, &model.stage.facts.zone);
    let mut lines = vec![Line::styled(
        safe(ticket.requester.shown()),
        style(theme.title),
    )];
    lines.push(Line::raw(paint::cut(
        &safe(&ticket.requester.address),
        wide,
    )));
    lines.push(Line::default());
    let facts = [
        ("ticket", format!("#{} {}", ticket.number, ticket.status)),
        ("source", source(view)),
        ("began", words::moment(ticket.created_at, now, zone)),
        ("changed", words::moment(ticket.updated_at, now, zone)),
        ("mails", ticket.messages.to_string()),
        ("tags", safe(&ticket.tags.join(" "))),
    ];
    for (name, value) in facts {
        let value = if value.is_empty() {
            "none".to_owned()
        } else {
            value
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{name:<8} "), style(theme.quiet)),
            Span::raw(paint::cut(&value, wide.saturating_sub(9))),
        ]));
    }
    if let Some(why) = &ticket.quarantined_because {
        lines.push(Line::default());
        lines.extend(
            wrap(&format!("Out of the queue: {}", safe(why)), wide)
                .into_iter()
                .map(Line::raw),
        );
    }
    let mut people: Vec<String> = Vec::new();
    for message in &view.messages {
        for contact in message.to.iter().chain(&message.cc).chain([&message.from]) {
            let shown = safe(contact.shown());
            if !people.contains(&shown) {
                people.push(shown);
            }
        }
    }
    lines.push(Line::default());
    lines.push(Line::styled("PEOPLE ON THIS TICKET", style(theme.title)));
    lines.extend(
        people
            .into_iter()
            .map(|name| Line::raw(paint::cut(&name, wide))),
    );
    lines
}
