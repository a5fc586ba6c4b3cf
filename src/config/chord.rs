//! One press of keys, in no terminal library's words.

use std::{fmt, str::FromStr};

use super::finding::nearest;

/// One press: a key with what is held down.
///
/// Shift is not kept for characters: `J` is the character `J`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// Whether Ctrl is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether Shift is held; never for characters.
    pub shift: bool,
}

/// A key of the keyboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A character, as typed.
    Char(char),
    /// F1 to F24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
}

/// Named keys: the word in the config, the word for people.
const NAMED: [(Key, &str, &str); 15] = [
    (Key::Char(' '), "space", "Space"),
    (Key::Enter, "enter", "Enter"),
    (Key::Esc, "esc", "Esc"),
    (Key::Tab, "tab", "Tab"),
    (Key::Backspace, "backspace", "Backspace"),
    (Key::Delete, "delete", "Del"),
    (Key::Insert, "insert", "Ins"),
    (Key::Home, "home", "Home"),
    (Key::End, "end", "End"),
    (Key::PageUp, "pageup", "PgUp"),
    (Key::PageDown, "pagedown", "PgDn"),
    (Key::Up, "up", "Up"),
    (Key::Down, "down", "Down"),
    (Key::Left, "left", "Left"),
    (Key::Right, "right", "Right"),
];

/// Says why a text names no key, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no key")]
pub struct NotAKey {
    /// What was written.
    pub text: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Chord {
    /// Makes a chord of a plain key.
    pub const fn plain(key: Key) -> Self {
        Self {
            key,
            ctrl: false,
            alt: false,
            shift: false,
        }
    }

    /// Brings a press into the one form that is compared: Shift is folded into characters, and
    /// Ctrl with a letter is lower case.
    #[must_use]
    pub fn normal(mut self) -> Self {
        if let Key::Char(c) = self.key {
            let c = if self.ctrl {
                c.to_ascii_lowercase()
            } else if self.shift {
                single(c.to_uppercase()).unwrap_or(c)
            } else {
                c
            };
            self.key = Key::Char(c);
            self.shift = false;
        }
        self
    }
}

impl FromStr for Chord {
    type Err = NotAKey;

    /// Reads `j`, `J`, `ctrl+k`, `shift+tab`, `alt+enter`, `f5`, `+`.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let wrong = |suggestion: Option<String>| NotAKey {
            text: text.chars().filter(|c| !c.is_control()).take(30).collect(),
            suggestion,
        };
        let mut chord = Self::plain(Key::Esc);
        let mut rest = text;
        while let Some((held, after)) = rest.split_once(['+', '-']) {
            if held.is_empty() || after.is_empty() {
                break;
            }
            match held.to_ascii_lowercase().as_str() {
                "ctrl" | "control" | "c" => chord.ctrl = true,
                "alt" | "meta" | "a" | "m" => chord.alt = true,
                "shift" | "s" => chord.shift = true,
                other => {
                    let near = nearest(other, ["ctrl", "alt", "shift"]);
                    return Err(wrong(near.map(|near| format!("{near}+{after}"))));
                }
            }
            rest = after;
        }
        chord.key = key(rest).ok_or_else(|| wrong(meant(rest)))?;
        Ok(chord.normal())
    }
}

impl fmt::Display for Chord {
    /// Writes it for people: `Ctrl+K`, `Shift+Tab`, `J`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, word) in [
            (self.ctrl, "Ctrl+"),
            (self.alt, "Alt+"),
            (self.shift, "Shift+"),
        ] {
            if held {
                f.write_str(word)?;
            }
        }
        if let Some((_, _, word)) = NAMED.iter().find(|(key, _, _)| *key == self.key) {
            return f.write_str(word);
        }
        match self.key {
            Key::Char(c) if self.ctrl => write!(f, "{}", c.to_ascii_uppercase()),
            Key::Char(c) => write!(f, "{c}"),
            Key::F(number) => write!(f, "F{number}"),
            Key::Enter
            | Key::Esc
            | Key::Tab
            | Key::Backspace
            | Key::Delete
            | Key::Insert
            | Key::Home
            | Key::End
            | Key::PageUp
            | Key::PageDown
            | Key::Up
            | Key::Down
            | Key::Left
            | Key::Right => Ok(()),
        }
    }
}

/// Chords to press one after the other: `g g`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub Vec<Chord>);

impl FromStr for Sequence {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let chords: Vec<Chord> = text
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if chords.is_empty() || chords.len() > 4 {
            return Err(NotAKey {
                text: text.chars().filter(|c| !c.is_control()).take(30).collect(),
                suggestion: None,
            });
        }
        Ok(Self(chords))
    }
}

impl fmt::Display for Sequence {
    /// Writes it for people: `gg` for two plain characters, else with spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_short = |chord: &Chord| {
            matches!(chord.key, Key::Char(c) if c != ' ') && !chord.ctrl && !chord.alt
        };
        let between = if self.0.iter().all(is_short) { "" } else { " " };
        for (place, chord) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(between)?;
            }
            chord.fmt(f)?;
        }
        Ok(())
    }
}

fn key(text: &str) -> Option<Key> {
    if let Some(c) = single(text.chars()) {
        return (!c.is_control()).then_some(Key::Char(c));
    }
    let lower = text.to_ascii_lowercase();
    if let Some(number) = lower.strip_prefix('f').and_then(|n| n.parse::<u8>().ok()) {
        return (1..=24).contains(&number).then_some(Key::F(number));
    }
    let name = match lower.as_str() {
        "escape" => "esc",
        "return" => "enter",
        "del" => "delete",
        "ins" => "insert",
        "pgup" | "page_up" => "pageup",
        "pgdn" | "pgdown" | "page_down" => "pagedown",
        other => other,
    };
    NAMED
        .iter()
        .find(|(_, word, _)| *word == name)
        .map(|(key, _, _)| *key)
}

/// What was probably meant: a named key, or a sequence written without a space.
fn meant(text: &str) -> Option<String> {
    nearest(text, NAMED.iter().map(|(_, word, _)| *word))
        .map(ToOwned::to_owned)
        .or_else(|| {
            let short = text.chars().count() <= 3 && text.chars().all(|c| !c.is_whitespace());
            let spaced: Vec<String> = text.chars().map(String::from).collect();
            short.then(|| spaced.join(" "))
        })
}

/// Returns the only item, if there is one and no other.
fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    chars.next().filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Chord {
        text.parse().unwrap()
    }

    #[test]
    fn chords_are_read_and_written() {
        for (text, shown) in [
            ("j", "j"),
            ("J", "J"),
            ("shift+j", "J"),
            ("ctrl+K", "Ctrl+K"),
            ("C-k", "Ctrl+K"),
            ("shift+tab", "Shift+Tab"),
            ("+", "+"),
            ("-", "-"),
            ("ctrl++", "Ctrl++"),
            ("PgDn", "PgDn"),
            ("f12", "F12"),
            ("space", "Space"),
        ] {
            assert_eq!(read(text).to_string(), shown, "{text}");
        }
        assert_eq!(read("ctrl+k"), read("Ctrl-K"));
    }

    #[test]
    fn a_wrong_key_says_what_was_meant() {
        let meant = |text: &str| text.parse::<Chord>().unwrap_err().suggestion;

        assert_eq!(meant("entr").as_deref(), Some("enter"));
        assert_eq!(meant("gg").as_deref(), Some("g g"));
        assert_eq!(meant("crtl+k").as_deref(), Some("ctrl+k"));
        assert_eq!(meant("f99").as_deref(), Some("f 9 9"));
        assert!("".parse::<Sequence>().is_err());
    }

    #[test]
    fn a_sequence_is_shown_short_when_it_can_be() {
        assert_eq!("g g".parse::<Sequence>().unwrap().to_string(), "gg");
        assert_eq!(
            "ctrl+w h".parse::<Sequence>().unwrap().to_string(),
            "Ctrl+W h"
        );
    }
}
