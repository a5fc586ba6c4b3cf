//! The Keys screen: each provider's key, model and place in the chain.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    model::Model,
    paint::{self, cut, pad, safe, style, wrap, write_line},
    words,
};
use crate::{
    config::theme::{Paint, Theme},
    desk::face::{KeyCard, KeyOrigin},
    domain::KeyState,
};

/// The open Keys screen.
#[derive(Debug, Default)]
pub struct KeysScreen {
    /// The providers; none while they are read.
    pub cards: Option<Vec<KeyCard>>,
    /// The provider under the cursor.
    pub cursor: usize,
    /// What the screen waits for, in words.
    pub waits: Option<String>,
}

impl KeysScreen {
    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        let last = self
            .cards
            .as_ref()
            .map_or(0, |cards| cards.len().saturating_sub(1));
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns the provider under the cursor.
    pub fn here(&self) -> Option<&KeyCard> {
        self.cards.as_ref()?.get(self.cursor)
    }

    /// Takes the newest cards: those in the chain first, in its order.
    pub fn took(&mut self, mut cards: Vec<KeyCard>) {
        let before = self.here().map(|card| card.provider.clone());
        cards.sort_by_key(|card| (card.place.unwrap_or(usize::MAX), card.provider.clone()));
        let found = cards
            .iter()
            .position(|card| Some(&card.provider) == before.as_ref());
        self.cursor = found.unwrap_or(0);
        self.cards = Some(cards);
    }
}

/// Returns what is known of a key, in words that stand without colour.
fn state(card: &KeyCard, model: &Model) -> (String, bool) {
    let when = card.since.map_or_else(String::new, |since| {
        format!(
            " {}",
            words::moment(since, model.stage.now.civil, &model.stage.facts.zone)
        )
    });
    match (&card.origin, card.state) {
        (KeyOrigin::Missing, _) => ("no key".to_owned(), false),
        (_, Some(KeyState::Verified)) => (format!("ok verified{when}"), true),
        (_, Some(KeyState::Invalid)) => (format!("x INVALID{when}"), false),
        (_, Some(KeyState::NoCredit)) => (format!("! no credit{when}"), false),
        (KeyOrigin::NotNeeded, None) => ("no key needed".to_owned(), true),
        (_, None) => ("not tried yet".to_owned(), true),
    }
}

fn origin(card: &KeyCard) -> String {
    let masked = card
        .masked
        .as_deref()
        .map_or_else(String::new, |masked| format!(" {}", safe(masked)));
    match &card.origin {
        KeyOrigin::Keyring => format!("keyring{masked}"),
        KeyOrigin::Env(name) => format!("${}{masked}", safe(name)),
        KeyOrigin::Command => format!("command{masked}"),
        KeyOrigin::NotNeeded | KeyOrigin::Missing => "-".to_owned(),
    }
}

fn place(card: &KeyCard) -> String {
    match card.place {
        Some(1) => "primary".to_owned(),
        Some(2) => "backup".to_owned(),
        Some(place) => format!("backup {}", place - 1),
        None => "-".to_owned(),
    }
}

/// Paints the Keys screen.
pub fn draw(buffer: &mut Buffer, area: Rect, keys: &KeysScreen, (model, theme): (&Model, &Theme)) {
    let inside = paint::boxed(buffer, area, "KEYS", style(theme.focus));
    let wide = usize::from(inside.width);
    let columns = |provider: &str, place: &str, state: &str, rest: &str| {
        let left = format!(
            "{} {} {} ",
            pad(provider, 14),
            pad(place, 9),
            pad(state, 27)
        );
        cut(&format!("{left}{rest}"), wide.saturating_sub(3))
    };
    let head = columns("provider", "place", "state", "model");
    write_line(
        buffer,
        inside,
        0,
        &Line::styled(format!("   {head}"), style(theme.quiet)),
    );
    let Some(cards) = &keys.cards else {
        return write_line(buffer, inside, 1, &Line::raw("   Reading the providers …"));
    };
    let foot = 7;
    let list = Rect {
        y: inside.y + 1,
        height: inside.height.saturating_sub(1 + foot),
        ..inside
    };
    let room = usize::from(list.height);
    let top = (keys.cursor + 1).saturating_sub(room);
    for ((at, card), row) in cards.iter().enumerate().skip(top).zip(0..list.height) {
        let mark = if at == keys.cursor { ">" } else { " " };
        let (state, is_good) = state(card, model);
        let chosen = card
            .default_model
            .as_deref()
            .map_or_else(|| "-".to_owned(), safe);
        let text = columns(&safe(&card.provider.0), &place(card), &state, &chosen);
        let paint: Paint = match (at == keys.cursor, is_good, &card.origin) {
            (true, ..) => theme.selection,
            (false, _, KeyOrigin::Missing) => theme.quiet,
            (false, true, _) => theme.text,
            (false, false, _) => theme.bad,
        };
        let line = pad(&format!(" {mark} {text}"), wide);
        write_line(buffer, list, row, &Line::styled(line, style(paint)));
    }
    let below = Rect {
        y: list.bottom(),
        height: foot.min(inside.height),
        ..inside
    };
    details(buffer, below, keys, theme);
}

fn details(buffer: &mut Buffer, area: Rect, keys: &KeysScreen, theme: &Theme) {
    let wide = usize::from(area.width).saturating_sub(2);
    paint::rule(buffer, area, 0, "", (style(theme.border), "─"));
    let Some(card) = keys.here() else { return };
    let source = match card.origin {
        KeyOrigin::Missing => "no key yet, Enter asks for one".to_owned(),
        KeyOrigin::NotNeeded => "no key needed".to_owned(),
        KeyOrigin::Keyring | KeyOrigin::Env(_) | KeyOrigin::Command => {
            format!("key from {}", origin(card))
        }
    };
    let mut lines = vec![format!(
        "{}: speaks {}, {source}",
        safe(&card.provider.0),
        card.kind.word(),
    )];
    if let Some(said) = &card.said {
        lines.extend(
            wrap(&format!("it said: {}", safe(said)), wide)
                .into_iter()
                .take(2),
        );
    }
    if let Some(waits) = &keys.waits {
        lines.push(waits.clone());
    }
    for (line, row) in lines.iter().zip(1..area.height.saturating_sub(2)) {
        write_line(
            buffer,
            area,
            row,
            &Line::raw(format!(" {}", cut(line, wide))),
        );
    }
    let hints = [
        ("Enter", "key or model"),
        ("a", "change key"),
        ("m", "model"),
        ("t", "test"),
        ("x", "remove"),
        ("w", "swap first two"),
        ("Esc", "close"),
    ];
    let mut spans = vec![Span::raw(" ")];
    for (key, words) in hints {
        spans.push(Span::styled(key, style(theme.key)));
        spans.push(Span::raw(format!(" {words}  ")));
    }
    write_line(
        buffer,
        area,
        area.height.saturating_sub(1),
        &Line::from(spans),
    );
}
