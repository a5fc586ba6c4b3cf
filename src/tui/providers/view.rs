//! How the Providers screen looks.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::ProvidersScreen;
use crate::{
    config::theme::{Paint, Theme},
    desk::{face::KeyOrigin, health::LinkHealth},
    domain::{KeyState, SkipReason},
    engine::plan::Usable,
    tui::{
        model::Model,
        paint::{self, cut, pad, pad_left, safe, style, width, wrap, write_line},
        words,
    },
};

/// Rows for what is known of the link under the cursor, and for the keys below it.
const DETAILS: u16 = 8;
/// From so many cells on there is room for times and failures beside the state.
const ROOMY: usize = 74;
/// Cells for a model's name, and for the name of a detail.
const MODEL_WIDE: usize = 26;
const NAME_WIDE: usize = 10;

/// Paints the screen.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    screen: &ProvidersScreen,
    (model, theme): (&Model, &Theme),
) {
    let inside = paint::boxed(buffer, area, "PROVIDERS", style(theme.focus));
    let wide = usize::from(inside.width).saturating_sub(2);
    let say = |buffer: &mut Buffer, row: u16, text: &str, paint: Paint| {
        let line = Line::styled(format!(" {}", cut(text, wide)), style(paint));
        write_line(buffer, inside, row, &line);
    };
    let foot = inside.height.saturating_sub(1);
    if let Some(trouble) = &screen.trouble {
        return say(buffer, 0, &safe(trouble), theme.bad);
    }
    let Some(links) = &screen.links else {
        return say(buffer, 0, "Asking how the providers are …", theme.quiet);
    };
    if links.is_empty() {
        let words = "No provider is connected. K opens the Keys screen.";
        say(buffer, 0, words, theme.text);
        return say(buffer, foot, "K keys  Esc close", theme.quiet);
    }
    let shelf = Rect {
        height: inside.height.saturating_sub(DETAILS + 2),
        ..inside
    };
    rows(buffer, shelf, (screen, links), (model, theme));
    let below = Rect {
        y: inside.y + shelf.height,
        height: DETAILS + 1,
        ..inside
    };
    if let Some(here) = screen.here() {
        details(buffer, below, (screen, here), (model, theme));
    }
    let keys = if wide >= ROOMY {
        "r rest  R rest provider  w wake  p probe  f draft ticket with it  K keys"
    } else {
        "r rest  w wake  p probe  f draft with it  K keys"
    };
    say(buffer, foot, keys, theme.quiet);
}

/// Paints the list: a head for each provider, its links below.
fn rows(
    buffer: &mut Buffer,
    shelf: Rect,
    (screen, links): (&ProvidersScreen, &[LinkHealth]),
    (model, theme): (&Model, &Theme),
) {
    let wide = usize::from(shelf.width).saturating_sub(2);
    let mut shown: Vec<(Option<usize>, Line<'_>)> = Vec::new();
    let mut provider = None;
    for (place, health) in links.iter().enumerate() {
        if provider != Some(&health.link.provider) {
            provider = Some(&health.link.provider);
            let name = safe(&health.link.provider.0);
            let key = key(health, model);
            shown.push((
                None,
                Line::from(vec![
                    Span::styled(format!(" {name}"), style(theme.title)),
                    Span::styled(
                        format!("  {}", cut(&key, wide.saturating_sub(width(&name) + 4))),
                        style(theme.quiet),
                    ),
                ]),
            ));
        }
        let is_here = place == screen.cursor;
        let mark = if is_here { ">" } else { " " };
        let text = pad(
            &format!(" {mark} {}", one(health, model, wide.saturating_sub(4))),
            usize::from(shelf.width),
        );
        let look = match (is_here, &health.usable) {
            (true, _) => theme.selection,
            (false, Usable::Yes) => theme.text,
            (false, _) => theme.warning,
        };
        shown.push((Some(place), Line::from(Span::styled(text, style(look)))));
    }
    let mut shelf = shelf;
    if wide >= ROOMY {
        let names = format!("{:>17}  {:>10}", "first words", "last hour");
        let names = format!(
            "{}{names}",
            " ".repeat((wide - 1).saturating_sub(width(&names)))
        );
        write_line(buffer, shelf, 0, &Line::styled(names, style(theme.quiet)));
        shelf.y += 1;
        shelf.height = shelf.height.saturating_sub(1);
    }
    let room = usize::from(shelf.height).max(1);
    let here = shown
        .iter()
        .position(|(place, _)| *place == Some(screen.cursor))
        .unwrap_or(0);
    let top = if here < room { 0 } else { here + 1 - room };
    for ((_, line), row) in shown.iter().skip(top).zip(0..shelf.height) {
        write_line(buffer, shelf, row, line);
    }
}

/// Returns the state of a provider's key, and since when.
fn key(health: &LinkHealth, model: &Model) -> String {
    let Some(card) = &health.card else {
        return "unknown".to_owned();
    };
    let since = card.since.map_or_else(String::new, |since| {
        let zone = &model.stage.facts.zone;
        format!(", {}", words::moment(since, model.stage.now.civil, zone))
    });
    let state = match (&card.origin, card.state) {
        (KeyOrigin::Missing, _) => return "no key: K sets one".to_owned(),
        (_, Some(KeyState::Invalid)) => "key refused",
        (_, Some(KeyState::NoCredit)) => "key has no credit",
        (KeyOrigin::NotNeeded, _) => return "needs no key".to_owned(),
        (_, Some(KeyState::Verified)) => "key accepted",
        (_, None) => return "key not tried yet".to_owned(),
    };
    let said = card
        .said
        .as_deref()
        .map_or_else(String::new, |said| format!(": {}", safe(said)));
    format!("{state}{since}{said}")
}

/// Returns the state in words, with its end.
fn state(health: &LinkHealth, model: &Model) -> String {
    format!("{}{}", safe(&health.state_words()), until(health, model))
}

fn until(health: &LinkHealth, model: &Model) -> String {
    let zone = &model.stage.facts.zone;
    health.state().1.map_or_else(String::new, |until| {
        let at = until.to_zoned(zone.clone());
        format!(" until {}", at.strftime("%H:%M:%S"))
    })
}

/// Returns the state in as few words as the list has room for.
fn short(health: &LinkHealth, model: &Model) -> String {
    let words = match &health.usable {
        Usable::Yes => "ready",
        Usable::HalfOpen => "tried again beside others",
        Usable::Resting { .. } => "resting",
        Usable::Open { .. } => "failing",
        Usable::No(SkipReason::RestedByHand { .. }) => "left alone by hand",
        Usable::No(SkipReason::KeyInvalid) => "key refused",
        Usable::No(SkipReason::NoKey) => "no key",
        Usable::No(SkipReason::NoPrice) => "no price",
        Usable::No(_) => "cannot be asked",
    };
    format!("{words}{}", until(health, model))
}

fn one(health: &LinkHealth, model: &Model, wide: usize) -> String {
    let place = health
        .place
        .map_or_else(|| "-".to_owned(), |place| place.to_string());
    let name = pad(&cut(&safe(&health.link.model.0), MODEL_WIDE), MODEL_WIDE);
    let left = format!("{place:>2} {name}  ");
    if wide < ROOMY {
        return format!(
            "{left}{}",
            cut(&short(health, model), wide.saturating_sub(width(&left)))
        );
    }
    let first = health.first_text.map_or_else(
        || "-".to_owned(),
        |first| {
            format!(
                "{} / {}",
                words::seconds(first.p50),
                words::seconds(first.p95)
            )
        },
    );
    let failed: u64 = health.failures_hour.values().sum();
    let failed = if failed == 0 {
        "-".to_owned()
    } else {
        format!("{failed} failed")
    };
    let right = format!("{}  {}", pad_left(&first, 17), pad_left(&failed, 10));
    let room = wide.saturating_sub(width(&left) + width(&right) + 2);
    format!(
        "{left}{}  {right}",
        pad(&cut(&short(health, model), room), room)
    )
}

/// Paints all that is known of the link under the cursor.
fn details(
    buffer: &mut Buffer,
    area: Rect,
    (screen, health): (&ProvidersScreen, &LinkHealth),
    (model, theme): (&Model, &Theme),
) {
    let link = safe(&health.link.to_string());
    paint::rule(buffer, area, 0, &link, (style(theme.title), "─"));
    let wide = usize::from(area.width).saturating_sub(2);
    let mut lines = Vec::new();
    if screen.tries.as_ref() == Some(&health.link) {
        lines.push("Being tried …".to_owned());
    } else {
        lines.push(format!("state     {}", state(health, model)));
    }
    lines.push(match health.first_text {
        Some(first) => format!(
            "speed     half of {} answers began within {}, 19 of 20 within {}",
            first.count,
            words::seconds(first.p50),
            words::seconds(first.p95)
        ),
        None => "speed     unknown: no answer in the last day".to_owned(),
    });
    lines.push(format!("failed    {}", failures(health)));
    lines.push(match &health.left {
        Some((left, at)) => format!(
            "limits    {} left, said {} ago",
            left.words(),
            words::age(*at, model.stage.now.civil)
        ),
        None => "limits    unknown: the provider did not say what is left".to_owned(),
    });
    lines.push(format!(
        "price     {}",
        safe(health.price.as_deref().unwrap_or("unknown"))
    ));
    lines.push(format!("chains    {}", safe(&health.chains.join(", "))));
    let lines = lines.iter().flat_map(|line| under_its_name(line, wide));
    for (line, row) in lines.zip(1..DETAILS) {
        write_line(buffer, area, row, &Line::raw(format!(" {line}")));
    }
}

/// Wraps a line so that what follows stands below its first words and not below its name.
fn under_its_name(line: &str, wide: usize) -> Vec<String> {
    let (name, rest) = line.split_at(line.len().min(NAME_WIDE));
    let lines = wrap(rest, wide.saturating_sub(NAME_WIDE));
    lines
        .into_iter()
        .enumerate()
        .map(|(at, part)| {
            let name = if at == 0 { name } else { "" };
            format!("{}{part}", pad(name, NAME_WIDE))
        })
        .collect()
}

fn failures(health: &LinkHealth) -> String {
    let list = |of: &std::collections::BTreeMap<crate::domain::FaultClass, u64>| {
        let parts: Vec<String> = of
            .iter()
            .map(|(class, count)| format!("{count} {}", class.words()))
            .collect();
        parts.join(", ")
    };
    if health.failures.is_empty() {
        return "nothing in the last day".to_owned();
    }
    if health.failures_hour.is_empty() {
        return format!(
            "nothing in the last hour; in the last day {}",
            list(&health.failures)
        );
    }
    format!(
        "in the last hour {}; in the last day {}",
        list(&health.failures_hour),
        list(&health.failures)
    )
}
