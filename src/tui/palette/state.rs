//! What the palette offers and what the letters so far leave of it.

use nucleo_matcher::{
    Config, Matcher,
    pattern::{CaseMatching, Normalization, Pattern},
};

use crate::{
    config::{
        action::{ACTIONS, Action},
        chord::Chord,
        keymap::Keymap,
    },
    tui::line::InputLine,
};

/// The open palette.
#[derive(Debug)]
pub struct Palette {
    /// What is typed.
    pub line: InputLine,
    /// The row under the cursor.
    pub cursor: usize,
    rows: Vec<Row>,
    found: Vec<usize>,
}

/// One thing it offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it does.
    pub action: Action,
    /// Its key, if it has one.
    pub key: String,
}

impl Palette {
    /// Opens it: in the demo the way to a desk of one's own comes first.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all others keep their order"
    )]
    pub fn open(keymap: &Keymap, is_demo: bool) -> Self {
        let mut actions: Vec<Action> = ACTIONS.to_vec();
        actions.retain(|action| {
            !matches!(action, Action::Palette | Action::Save)
                && (is_demo || *action != Action::TryDemo)
        });
        actions.retain(|action| !(is_demo && *action == Action::TryDemo));
        actions.sort_by_key(|action| match action {
            Action::SetUp if is_demo => 0,
            Action::SetUp => 2,
            _ => 1,
        });
        let rows = actions
            .into_iter()
            .map(|action| Row {
                action,
                key: keymap.shown(action).unwrap_or_default(),
            })
            .collect();
        let mut palette = Self {
            line: InputLine::default(),
            cursor: 0,
            rows,
            found: Vec::new(),
        };
        palette.search();
        palette
    }

    /// Takes a key as text; tells whether it meant something.
    pub fn press(&mut self, chord: Chord) -> bool {
        let is_taken = self.line.press(chord);
        self.search();
        is_taken
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        self.line.insert(text);
        self.search();
    }

    /// Moves the cursor.
    pub fn move_by(&mut self, rows: isize) {
        let last = self.found.len().saturating_sub(1);
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns the rows that the letters so far leave.
    pub fn found(&self) -> impl Iterator<Item = &Row> {
        self.found.iter().filter_map(|&at| self.rows.get(at))
    }

    /// Returns the action under the cursor.
    pub fn chosen(&self) -> Option<Action> {
        self.found().nth(self.cursor).map(|row| row.action)
    }

    fn search(&mut self) {
        self.cursor = 0;
        let typed = self.line.text().trim();
        if typed.is_empty() {
            self.found = (0..self.rows.len()).collect();
            return;
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let mut letters = Vec::new();
        let mut scored: Vec<(u32, usize)> = Vec::new();
        for (at, row) in self.rows.iter().enumerate() {
            let mut score = |text: &str| {
                let text = nucleo_matcher::Utf32Str::new(text, &mut letters);
                pattern.score(text, &mut matcher)
            };
            // A word of the name counts more than a synonym.
            let name = score(row.action.help()).map(|score| score.saturating_mul(2));
            let also = score(row.action.synonyms());
            if let Some(best) = name.max(also) {
                scored.push((best, at));
            }
        }
        scored.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
        self.found = scored.into_iter().map(|(_, at)| at).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Palette {
        let mut palette = Palette::open(&Keymap::default(), true);
        palette.paste(text);
        palette
    }

    #[test]
    fn the_first_row_of_the_demo_leads_to_a_desk_of_ones_own() {
        assert_eq!(typed("").chosen(), Some(Action::SetUp));
        let real = Palette::open(&Keymap::default(), false);
        assert_ne!(real.chosen(), Some(Action::SetUp));
    }

    #[test]
    fn a_few_letters_or_a_synonym_find_an_action() {
        assert_eq!(typed("monthly cap").chosen(), Some(Action::RaiseCap));
        assert!(
            typed("budget")
                .found()
                .any(|row| row.action == Action::RaiseCap)
        );
        assert!(
            typed("withdraw")
                .found()
                .any(|row| row.action == Action::Undo)
        );
        assert_eq!(typed("zzzzqq").chosen(), None);
    }

    #[test]
    fn every_row_shows_its_key() {
        let palette = typed("draft a reply");

        let row = palette.found().next().unwrap();

        assert_eq!((row.action, row.key.as_str()), (Action::Draft, "d"));
    }
}
