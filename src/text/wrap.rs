//! Lines that fit: by the room that letters take on a screen, never inside one letter.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What stands where text was cut, and for a letter that has no room at all.
const CUT: &str = "…";
/// Blanks that a tab becomes.
const TAB: &str = "    ";

/// Returns the text as lines of at most `width` columns, broken between words where it can be.
///
/// Line ends of the text stay; there is at least one line. A width of nought counts as one.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Lines {
        width: width.max(1),
        done: Vec::new(),
        line: String::new(),
        used: 0,
    };
    for line in text.lines() {
        lines.add(&line.replace('\t', TAB));
        lines.end();
    }
    if lines.done.is_empty() {
        lines.end();
    }
    lines.done
}

/// Returns the text if it fits into `width` columns on one line, else its beginning and `…`.
pub fn cut(text: &str, width: usize) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    if width == 0 {
        return String::new();
    }
    let mut kept = String::new();
    let mut used = 0;
    for letter in text.graphemes(true) {
        let wide = letter.width();
        if used + wide > width - 1 {
            break;
        }
        used += wide;
        kept.push_str(letter);
    }
    kept.push_str(CUT);
    kept
}

/// Returns the columns that a line takes, letter by letter as a screen lays it out.
pub fn width_of(line: &str) -> usize {
    line.graphemes(true).map(UnicodeWidthStr::width).sum()
}

struct Lines {
    width: usize,
    done: Vec<String>,
    line: String,
    used: usize,
}

impl Lines {
    fn end(&mut self) {
        let kept = self.line.trim_end_matches(' ').len();
        self.line.truncate(kept);
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0;
    }

    fn add(&mut self, line: &str) {
        for (blanks, word) in Words(line) {
            let wide = width_of(word);
            let gap = blanks.len();
            if self.used + gap + wide <= self.width {
                self.line.push_str(blanks);
                self.line.push_str(word);
                self.used += gap + wide;
                continue;
            }
            // A word that would fill a line of its own begins where there is room.
            if self.used > 0 && (wide <= self.width || self.used + gap >= self.width) {
                self.end();
            } else if self.used + gap < self.width {
                self.line.push_str(blanks);
                self.used += gap;
            }
            self.break_word(word);
        }
    }

    fn break_word(&mut self, word: &str) {
        for letter in word.graphemes(true) {
            let wide = letter.width();
            if wide <= self.width {
                self.place(letter, wide);
                continue;
            }
            // A letter wider than the line falls apart, and at last stands as a dot.
            for c in letter.chars() {
                let mut bytes = [0; 4];
                let c: &str = c.encode_utf8(&mut bytes);
                let wide = c.width();
                if wide <= self.width {
                    self.place(c, wide);
                } else {
                    self.place(CUT, 1);
                }
            }
        }
    }

    fn place(&mut self, letter: &str, wide: usize) {
        if self.used + wide > self.width && self.used > 0 {
            self.end();
        }
        self.line.push_str(letter);
        self.used += wide;
    }
}

/// The blanks before each word and the word; a wide letter is a word of its own, as between
/// Chinese letters a line may break anywhere.
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.trim_start_matches(' ');
        let (blanks, rest) = self.0.split_at(self.0.len() - rest.len());
        let mut end = 0;
        for (at, letter) in rest.grapheme_indices(true) {
            let wide = letter.width() > 1;
            if letter.starts_with(' ') || (wide && at > 0) {
                break;
            }
            end = at + letter.len();
            if wide {
                break;
            }
        }
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        (!word.is_empty()).then_some((blanks, word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn breaks_between_words() {
        assert_eq!(wrap("the box is broken", 8), ["the box", "is", "broken"]);
        assert_eq!(wrap("a\n\nb\n", 10), ["a", "", "b"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(
            wrap("  indented line here", 12),
            ["  indented", "line here"]
        );
    }

    #[test]
    fn breaks_long_words_and_wide_letters() {
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語です", 5), ["日本", "語で", "す"]);
        assert_eq!(wrap("日本", 1), ["…", "…"]);
        assert_eq!(wrap("ab", 0), ["a", "b"]);
    }

    #[test]
    fn cuts_with_a_sign() {
        assert_eq!(cut("hello", 5), "hello");
        assert_eq!(cut("hello", 4), "hel…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("hello", 0), "");
        assert_eq!(cut("hello", 1), "…");
    }

    #[test]
    fn a_huge_word_takes_no_longer_than_its_length() {
        let text = "a".repeat(1_000_000);
        assert_eq!(wrap(&text, 100).len(), 10_000);
    }

    proptest! {
        #[test]
        fn every_line_fits_and_no_letter_is_lost(
            text in "([a-z]{1,9}|[ \n\t]|日|👩\u{200d}👩|e\u{301}|\\PC){0,60}",
            width in 0usize..30,
        ) {
            let lines = wrap(&text, width);
            prop_assert!(!lines.is_empty());
            for line in &lines {
                prop_assert!(width_of(line) <= width.max(1), "{:?}", line);
            }
            prop_assert!(width_of(&cut(&text, width)) <= width);
            if width >= 4 {
                let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                let joined = lines.concat();
                if !text.graphemes(true).any(|letter| letter.width() > 4) {
                    prop_assert_eq!(bare(&joined), bare(&text));
                }
            }
        }
    }
}
