//! The text being written, and how far it is saved.

use std::time::Duration;

use ratatui::style::Style;
use ratatui_textarea::{CursorMove, DataCursor, Input, TextArea, WrapMode};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    config::chord::{Chord, Key},
    domain::{Draft, Mono, TicketId},
    tui::{
        effect::Effect,
        paint::safe_lines,
        strays::{Typed, Writing},
    },
};

/// Typing is on disk this long after the first letter that is not: a crash loses no more.
const SAVE_AFTER: Duration = Duration::from_millis(450);

/// The longest text that is edited here; every key costs time with the length, so a longer one
/// goes to an outside editor.
const LONGEST_BYTES: usize = 256 * 1024;

/// What an editor starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What the text is to become.
    pub writing: Writing,
    /// The ticket it answers.
    pub ticket: TicketId,
    /// Its number.
    pub number: i64,
    /// The text so far.
    pub text: String,
    /// The revision it builds on.
    pub revision: Option<i64>,
    /// How many messages of people stood on the screen, where that is known.
    pub seen: Option<u64>,
}

/// A reply being written.
#[derive(Debug)]
pub struct Editor {
    area: TextArea<'static>,
    start: Start,
    /// Since when something is typed that no save has.
    unsaved_since: Option<Mono>,
    is_saving: bool,
    has_collided: bool,
    /// Whether what stands here is a note that is kept.
    is_kept_note: bool,
    failed: Option<String>,
}

impl Editor {
    /// Opens a text, the caret at its end.
    pub fn open(start: Start) -> Self {
        // A model's text is kept as it came; what must not reach a terminal is left out here.
        let text = crate::text::clean::clean(&start.text);
        let is_kept_note = start.writing == Writing::Note && !text.is_empty();
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_cursor_line_style(Style::default());
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        Self {
            area,
            start,
            unsaved_since: None,
            is_saving: false,
            has_collided: false,
            is_kept_note,
            failed: None,
        }
    }

    /// Returns the ticket it answers.
    pub const fn ticket(&self) -> TicketId {
        self.start.ticket
    }

    /// Returns what the text is to become.
    pub const fn writing(&self) -> Writing {
        self.start.writing
    }

    /// Tells whether it holds this text of a ticket.
    pub fn holds(&self, ticket: TicketId, writing: Writing) -> bool {
        (self.start.ticket, self.start.writing) == (ticket, writing)
    }

    /// Returns the number of the ticket it answers.
    pub const fn number(&self) -> i64 {
        self.start.number
    }

    /// Returns the widget that paints it.
    pub const fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// Returns the whole text.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Tells whether something is typed that no save has.
    pub const fn is_dirty(&self) -> bool {
        self.unsaved_since.is_some() || self.is_saving || self.has_collided || self.failed.is_some()
    }

    /// Returns how the text stands on disk, in words.
    pub fn saved_words(&self) -> String {
        match (&self.failed, self.is_dirty(), self.start.revision) {
            (Some(why), ..) => format!("NOT SAVED: {why}"),
            (None, true, _) => "saving".to_owned(),
            (None, false, _) if self.is_kept_note => "kept, not added yet".to_owned(),
            (None, false, Some(revision)) => format!("saved v{revision}"),
            (None, false, None) => "nothing typed yet".to_owned(),
        }
    }

    /// Takes a key as text.
    pub fn press(&mut self, chord: Chord, now: Mono) {
        let is_changed = match (chord.key, chord.ctrl, chord.alt) {
            (Key::Backspace, false, false) => self.delete_before(),
            (Key::Delete, false, false) => self.delete_after(),
            (Key::Left, false, false) if !chord.shift => {
                self.move_by_grapheme(Side::Before);
                false
            }
            (Key::Right, false, false) if !chord.shift => {
                self.move_by_grapheme(Side::After);
                false
            }
            // The widget's own keys would undo on Ctrl+U and cut on Ctrl+X, which no hand expects.
            (Key::Char('z' | '_'), true, false) => self.area.undo(),
            (Key::Char('y'), true, false) => self.area.redo(),
            (Key::Char('u'), true, false) => self.area.delete_line_by_head(),
            (Key::Char('w'), true, false) | (Key::Backspace, _, _) => self.area.delete_word(),
            (Key::Char(c), true, _) if !matches!(c, 'a' | 'b' | 'd' | 'f' | 'n' | 'p' | 'k') => {
                false
            }
            _ => input(chord).is_some_and(|input| self.area.input(input)),
        };
        if is_changed {
            self.touch(now);
        }
    }

    /// Takes pasted text: one kind of line end, no control characters.
    pub fn paste(&mut self, text: &str, now: Mono) -> bool {
        let text = safe_lines(&text.replace("\r\n", "\n").replace('\r', "\n"));
        if self.text().len() + text.len() > LONGEST_BYTES {
            return false;
        }
        if self.area.insert_str(text) {
            self.touch(now);
        }
        true
    }

    /// Replaces the whole text, as an outside editor left it.
    pub fn replace(&mut self, text: &str, now: Mono) {
        self.area.select_all();
        let text = safe_lines(text.trim_end_matches('\n'));
        if text.is_empty() {
            self.area.cut();
        } else {
            self.area.insert_str(text);
        }
        self.touch(now);
    }

    /// Returns when the text must be saved.
    pub fn due(&self) -> Option<Mono> {
        if self.is_saving {
            None
        } else {
            self.unsaved_since.map(|since| since.after(SAVE_AFTER))
        }
    }

    /// Returns the save that is due, if one is.
    pub fn save_when_due(&mut self, now: Mono) -> Option<Effect> {
        if self.due().is_some_and(|due| due <= now) {
            self.save()
        } else {
            None
        }
    }

    /// Returns the save of what is typed and not saved, if anything is.
    pub fn save(&mut self) -> Option<Effect> {
        if self.unsaved_since.is_none() && self.failed.is_none() {
            return None;
        }
        self.unsaved_since = None;
        self.is_saving = true;
        self.failed = None;
        Some(Effect::Save {
            typed: self.typed(),
            expected: self.start.revision,
        })
    }

    /// Returns what is typed, and for which ticket.
    pub fn typed(&self) -> Typed {
        Typed {
            writing: self.start.writing,
            ticket: self.start.ticket,
            number: self.start.number,
            text: self.text(),
            seen: self.start.seen,
        }
    }

    /// Notes that a save is on disk.
    pub fn saved(&mut self, draft: &Draft) {
        self.is_saving = false;
        self.start.revision = Some(draft.revision);
    }

    /// Notes that the text of a note is on disk.
    pub fn note_kept(&mut self) {
        self.is_saving = false;
        self.is_kept_note = true;
    }

    /// Notes that a save failed: it is tried again with the next change.
    pub fn not_saved(&mut self, why: &str) {
        self.is_saving = false;
        self.failed = Some(why.to_owned());
    }

    /// Tells whether the last save failed: the text is here and nowhere else.
    pub const fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Tells whether another text was saved meanwhile and is not read yet.
    pub const fn has_collided(&self) -> bool {
        self.has_collided
    }

    /// Notes that another text was saved meanwhile: what it is must be read first.
    pub fn collided(&mut self) {
        self.is_saving = false;
        self.has_collided = true;
    }

    /// Says that the text is not on disk: it came back from a save that failed.
    pub fn not_on_disk(&mut self, now: Mono) {
        self.touch(now);
    }

    /// Builds on the revision that was in the way: the other text is kept as a revision of its
    /// own, and this one is saved after it.
    pub fn rebase(&mut self, revision: Option<i64>, now: Mono) {
        if self.has_collided {
            self.has_collided = false;
            self.start.revision = revision;
            self.touch(now);
        }
    }

    fn touch(&mut self, now: Mono) {
        self.unsaved_since.get_or_insert(now);
    }

    fn delete_before(&mut self) -> bool {
        let chars = self.grapheme(Side::Before);
        if self.area.is_selecting() || chars == 0 {
            return self.area.delete_char();
        }
        for _ in 0..chars {
            self.area.move_cursor(CursorMove::Back);
        }
        self.area.delete_str(chars)
    }

    fn delete_after(&mut self) -> bool {
        match self.grapheme(Side::After) {
            0 => self.area.delete_next_char(),
            chars => self.area.delete_str(chars),
        }
    }

    fn move_by_grapheme(&mut self, side: Side) {
        self.area.cancel_selection();
        let step = match side {
            Side::Before => CursorMove::Back,
            Side::After => CursorMove::Forward,
        };
        for _ in 0..self.grapheme(side).max(1) {
            self.area.move_cursor(step);
        }
    }

    /// Returns how many characters the grapheme beside the caret has; 0 at the end of the line.
    fn grapheme(&self, side: Side) -> usize {
        let DataCursor(row, column) = self.area.cursor();
        let Some(line) = self.area.lines().get(row) else {
            return 0;
        };
        let at = line
            .char_indices()
            .nth(column)
            .map_or(line.len(), |(at, _)| at);
        let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
        let grapheme = match side {
            Side::Before => before.graphemes(true).next_back(),
            Side::After => after.graphemes(true).next(),
        };
        grapheme.map_or(0, |grapheme| grapheme.chars().count())
    }
}

#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

/// Spells a chord as the widget reads it.
fn input(chord: Chord) -> Option<Input> {
    use ratatui_textarea::Key as Their;
    let key = match chord.key {
        Key::Char(c) => Their::Char(c),
        Key::Enter => Their::Enter,
        Key::Tab => Their::Tab,
        Key::Backspace => Their::Backspace,
        Key::Delete => Their::Delete,
        Key::Home => Their::Home,
        Key::End => Their::End,
        Key::PageUp => Their::PageUp,
        Key::PageDown => Their::PageDown,
        Key::Up => Their::Up,
        Key::Down => Their::Down,
        Key::Left => Their::Left,
        Key::Right => Their::Right,
        Key::F(_) | Key::Esc | Key::Insert => return None,
    };
    Some(Input {
        key,
        ctrl: chord.ctrl,
        alt: chord.alt,
        shift: chord.shift,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    fn editor(text: &str) -> Editor {
        let ticket = fixture::row(1).id;
        Editor::open(Start {
            writing: Writing::Reply,
            ticket,
            number: 1,
            text: text.to_owned(),
            revision: None,
            seen: None,
        })
    }

    fn press(editor: &mut Editor, keys: &str) {
        for key in keys.split_whitespace() {
            editor.press(key.parse().unwrap(), Mono(1_000));
        }
    }

    #[test]
    fn backspace_and_delete_take_whole_graphemes() {
        for (text, keys, left) in [
            ("a👩‍💻", "backspace", "a"),
            ("ae\u{301}", "backspace", "a"),
            ("👩‍💻b", "home delete", "b"),
            ("a\nb", "home backspace", "ab"),
            ("x👩‍💻y", "left left Q", "xQ👩‍💻y"),
        ] {
            let mut editor = editor(text);
            press(&mut editor, keys);
            assert_eq!(editor.text(), left, "{text} {keys}");
        }
    }

    #[test]
    fn a_paste_has_one_kind_of_line_end_and_no_escapes() {
        let mut editor = editor("");

        assert!(editor.paste("a\r\nb\rc\u{1b}[31m\u{202e}", Mono(1)));

        assert_eq!(editor.text(), "a\nb\nc");
        assert!(!editor.paste(&"x".repeat(LONGEST_BYTES), Mono(1)));
    }

    #[test]
    fn typing_is_saved_soon_after_its_first_letter_even_without_a_pause() {
        let mut editor = editor("");
        editor.press("a".parse().unwrap(), Mono(0));
        editor.press("b".parse().unwrap(), Mono(400_000));

        assert!(editor.save_when_due(Mono(449_000)).is_none());
        let Some(Effect::Save { typed, expected }) = editor.save_when_due(Mono(450_000)) else {
            panic!("not saved in time")
        };

        assert_eq!((typed.text.as_str(), expected), ("ab", None));
        assert!(editor.save().is_none(), "saved twice");
    }

    #[test]
    fn what_is_typed_while_a_save_runs_is_saved_on_its_revision() {
        let mut editor = editor("");
        press(&mut editor, "a");
        let _first = editor.save();
        press(&mut editor, "b");
        assert!(editor.due().is_none(), "one save at a time");

        let mut draft = fixture::draft(1);
        draft.revision = 7;
        editor.saved(&draft);

        assert!(editor.is_dirty());
        assert!(matches!(
            editor.save(),
            Some(Effect::Save {
                expected: Some(7),
                ..
            })
        ));
    }

    #[test]
    fn what_could_not_be_saved_is_saved_when_the_editor_is_left() {
        let mut editor = editor("");
        press(&mut editor, "a");
        let _failing = editor.save();
        editor.not_saved("the disk is full");

        assert!(editor.is_dirty(), "leaving asks once more");
        assert!(editor.has_failed());
        assert!(editor.save().is_some(), "it is tried again");
    }

    #[test]
    fn moving_about_saves_nothing() {
        let mut editor = editor("one two");

        press(&mut editor, "left home end up down ctrl+x");

        assert!(!editor.is_dirty());
    }
}
