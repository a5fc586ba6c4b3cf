//! From the terminal library's events to ours.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;

use super::event::{Msg, Press};
use crate::config::chord::{Chord, Key};

/// Returns what an event of the terminal means, if it means anything here.
pub fn message(event: Event) -> Option<Msg> {
    match event {
        Event::Key(key) => press(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text)),
        Event::Resize(width, height) => Some(Msg::Resize(Size { width, height })),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign type")]
fn press(event: KeyEvent) -> Option<Press> {
    // Windows and terminals with the kitty protocol also report keys that go up.
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let key = match event.code {
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::F(number) => Key::F(number),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab | KeyCode::BackTab => Key::Tab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Insert => Key::Insert,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        _ => return None,
    };
    let has = |modifier| event.modifiers.contains(modifier);
    let chord = Chord {
        key,
        ctrl: has(KeyModifiers::CONTROL),
        alt: has(KeyModifiers::ALT),
        shift: has(KeyModifiers::SHIFT) || event.code == KeyCode::BackTab,
    };
    Some(Press {
        chord: chord.normal(),
        is_repeat: event.kind == KeyEventKind::Repeat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_terminal_become_chords() {
        for (code, modifiers, said) in [
            (KeyCode::Char('J'), KeyModifiers::SHIFT, "J"),
            (KeyCode::Char('k'), KeyModifiers::CONTROL, "ctrl+k"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift+tab"),
            (KeyCode::Char('+'), KeyModifiers::NONE, "+"),
        ] {
            let press = press(KeyEvent::new(code, modifiers)).unwrap();
            assert_eq!(press.chord, said.parse().unwrap());
        }
    }

    #[test]
    fn a_key_that_goes_up_is_no_press() {
        let up = KeyEvent::new_with_kind(KeyCode::Enter, KeyModifiers::NONE, KeyEventKind::Release);

        assert!(press(up).is_none());
    }
}
