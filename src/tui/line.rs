//! A line of text a person types into: prompts, the palette, the search in help.

use unicode_segmentation::UnicodeSegmentation;

use super::paint;
use crate::config::chord::{Chord, Key};

/// The longest line that is taken; more is left out.
const LONGEST: usize = 4_000;

/// One line with its caret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InputLine {
    text: String,
    /// In bytes, at a border of graphemes.
    caret: usize,
    /// Whether the text is only suggested: what is typed first takes its place.
    is_suggested: bool,
}

impl std::fmt::Debug for InputLine {
    /// Writes its length only: it may hold a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InputLine of {} bytes", self.text.len())
    }
}

impl InputLine {
    /// Starts with a text, the caret behind it.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            caret: text.len(),
            is_suggested: false,
        }
    }

    /// Starts with a text that stays if nothing is typed, and goes when something is.
    pub fn suggesting(text: &str) -> Self {
        Self {
            is_suggested: true,
            ..Self::new(text)
        }
    }

    /// Returns what is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what stands before the caret.
    pub fn before_caret(&self) -> &str {
        self.text.get(..self.caret).unwrap_or_default()
    }

    /// Returns as much of the text as fits, with the caret in it, and the columns before the caret;
    /// stars in the place of what must not be seen.
    pub fn seen(&self, is_hidden: bool, room: usize) -> (String, u16) {
        let shown = |text: &str| {
            if is_hidden {
                "*".repeat(text.chars().count())
            } else {
                text.to_owned()
            }
        };
        let (whole, before) = (shown(&self.text), shown(self.before_caret()));
        let cut = paint::width(&before).saturating_sub(room);
        let start = whole.char_indices().nth(cut).map_or(0, |(at, _)| at);
        let seen = paint::head(whole.get(start..).unwrap_or_default(), room).to_owned();
        (seen, paint::cells(paint::width(&before).min(room)))
    }

    /// Takes the text out and leaves nothing.
    pub fn take(&mut self) -> String {
        self.caret = 0;
        std::mem::take(&mut self.text)
    }

    /// Inserts a text on one line, without control characters.
    pub fn insert(&mut self, text: &str) {
        let text = text
            .trim_end_matches(['\r', '\n'])
            .replace(['\r', '\n', '\t'], " ");
        let text: String = text.chars().filter(|&c| paint::is_harmless(c)).collect();
        if std::mem::take(&mut self.is_suggested) {
            self.take();
        }
        if self.text.len() + text.len() <= LONGEST {
            self.text.insert_str(self.caret, &text);
            self.caret += text.len();
        }
    }

    /// Puts a text in the place of the last so many bytes before the caret.
    pub fn replace_word(&mut self, bytes: usize, text: &str) {
        let start = self.caret.saturating_sub(bytes);
        if self.text.is_char_boundary(start) {
            self.text.replace_range(start..self.caret, "");
            self.caret = start;
            self.insert(text);
        }
    }

    /// Takes a key; tells whether it meant something here.
    pub fn press(&mut self, chord: Chord) -> bool {
        let is_letter = matches!(
            (chord.key, chord.ctrl, chord.alt),
            (Key::Char(_), false, false)
        );
        self.is_suggested &= is_letter;
        match (chord.key, chord.ctrl, chord.alt) {
            (Key::Char(c), false, false) => self.insert(c.encode_utf8(&mut [0; 4])),
            (Key::Backspace, false, false) | (Key::Char('h'), true, false) => {
                let start = self.caret - last_len(self.before_caret());
                self.text.replace_range(start..self.caret, "");
                self.caret = start;
            }
            (Key::Delete, false, false) => {
                let end = self.caret + self.next_len();
                self.text.replace_range(self.caret..end, "");
            }
            (Key::Left, false, false) => self.caret -= last_len(self.before_caret()),
            (Key::Right, false, false) => self.caret += self.next_len(),
            (Key::Home, ..) | (Key::Char('a'), true, false) => self.caret = 0,
            (Key::End, ..) | (Key::Char('e'), true, false) => self.caret = self.text.len(),
            (Key::Char('u'), true, false) => {
                self.text.replace_range(..self.caret, "");
                self.caret = 0;
            }
            (Key::Char('w'), true, false) => {
                let kept = self.before_caret().trim_end();
                let start = kept.rfind(' ').map_or(0, |at| at + 1);
                self.text.replace_range(start..self.caret, "");
                self.caret = start;
            }
            _ => return false,
        }
        true
    }

    fn next_len(&self) -> usize {
        let after = self.text.get(self.caret..).unwrap_or_default();
        after.graphemes(true).next().map_or(0, str::len)
    }
}

fn last_len(text: &str) -> usize {
    text.graphemes(true).next_back().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut InputLine, keys: &str) {
        for key in keys.split_whitespace() {
            line.press(key.parse().unwrap());
        }
    }

    #[test]
    fn backspace_takes_a_whole_grapheme() {
        let mut line = InputLine::new("a👩‍💻");

        press(&mut line, "backspace");

        assert_eq!(line.text(), "a");
    }

    #[test]
    fn the_line_is_edited_where_the_caret_is() {
        let mut line = InputLine::new("status:opn");

        press(&mut line, "left e end space x ctrl+w home delete");

        assert_eq!(line.text(), "tatus:open ");
    }

    #[test]
    fn a_paste_loses_its_line_ends_and_escapes() {
        let mut line = InputLine::default();

        line.insert("sk-abc\u{1b}[0m\r\n");

        assert_eq!(line.text(), "sk-abc[0m");
    }
}
