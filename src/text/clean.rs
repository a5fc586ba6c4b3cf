//! Foreign text made safe to show: no escape sequence, no control, no invisible trick is left.
//!
//! Whatever came from outside (mail, file names, models, providers) goes through here once,
//! when it enters. What comes out keeps its words, its lines and its emoji.

use std::{iter::Peekable, str::Chars};

use unicode_width::UnicodeWidthChar;

/// Marks that may follow one another: more is a tower that covers other lines.
const MARKS_AT_MOST: u8 = 8;
/// Emoji that may be joined to one.
const JOINED_AT_MOST: u8 = 8;

const ESC: char = '\u{1b}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Returns the text without terminal sequences, control, direction and invisible characters.
///
/// Newline and tab stay; every other kind of line end becomes a newline. Cleaning what is clean
/// changes nothing.
pub fn clean(text: &str) -> String {
    let mut out = Laid::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ESC => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\r' => {
                if chars.peek() == Some(&'\n') {
                    chars.next();
                }
                out.push('\n');
            }
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            c if is_forbidden(c) => {}
            c => out.push(c),
        }
    }
    out.text
}

/// Returns words without the full stop at their end: those that go into a sentence, which has its
/// own.
pub fn without_stop(words: &str) -> &str {
    words.trim_end().trim_end_matches('.')
}

/// Returns the text cleaned and on one line: for subjects, names and titles.
pub fn clean_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut gap = false;
    for c in clean(text).chars() {
        if matches!(c, ' ' | '\n' | '\t') {
            gap = true;
            continue;
        }
        if line.is_empty() {
            // A mark without a letter would fall on what stands before the line.
            if is_mark(c) {
                continue;
            }
        } else if gap {
            line.push(' ');
        }
        gap = false;
        line.push(c);
    }
    line
}

/// Tells whether a character must never reach the screen; newline and tab may.
pub const fn is_forbidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // C0, DEL and C1.
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        // Direction: marks, embeddings, overrides, isolates.
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}'
        // Line ends that are not newline.
        | '\u{2028}' | '\u{2029}'
        // Not seen: soft hyphen, joiners without a use, fillers, byte order mark.
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        // Tags and variation selectors that carry hidden words.
        | '\u{e0000}'..='\u{e0fff}'
        // No characters at all.
        | '\u{fdd0}'..='\u{fdef}' => true,
        other => (other as u32) & 0xfffe == 0xfffe,
    }
}

/// Tells whether a character takes no room of its own: marks, joiners, variation selectors.
fn is_mark(c: char) -> bool {
    !matches!(c, '\n' | '\t') && c.width().unwrap_or(0) == 0
}

/// The text so far, with what must be known of its end.
struct Laid {
    text: String,
    last: Option<char>,
    marks: u8,
    joined: u8,
}

impl Laid {
    fn with_capacity(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            last: None,
            marks: 0,
            joined: 0,
        }
    }

    fn push(&mut self, c: char) {
        if is_mark(c) {
            let has_base = !matches!(self.last, None | Some('\n' | '\t'));
            if !has_base || self.marks >= MARKS_AT_MOST || !self.may_join(c) {
                return;
            }
            self.marks += 1;
        } else {
            if self.last != Some(ZERO_WIDTH_JOINER) {
                self.joined = 0;
            }
            self.marks = 0;
        }
        self.text.push(c);
        self.last = Some(c);
    }

    /// Counts the joiners of one chain; a joiner never follows another, nor a space.
    fn may_join(&mut self, c: char) -> bool {
        if !matches!(c, ZERO_WIDTH_JOINER | '\u{200c}') {
            return true;
        }
        let follows = !matches!(self.last, Some(' ' | ZERO_WIDTH_JOINER | '\u{200c}'));
        if !follows || self.joined >= JOINED_AT_MOST {
            return false;
        }
        if c == ZERO_WIDTH_JOINER {
            self.joined += 1;
        }
        true
    }
}

/// Skips what follows an ESC, as far as it belongs to a sequence.
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        // Two characters, or some in between: `ESC ( B`, `ESC c`.
        Some(' '..='~') => {
            while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
            chars.next_if(|c| matches!(c, '0'..='~'));
        }
        Some(_) | None => {}
    }
}

/// Skips parameters, intermediates and the final character of a control sequence.
fn skip_control_sequence(chars: &mut Peekable<Chars<'_>>) {
    while chars.next_if(|c| matches!(c, '0'..='?')).is_some() {}
    while chars.next_if(|c| matches!(c, ' '..='/')).is_some() {}
    chars.next_if(|c| matches!(c, '@'..='~'));
}

/// Skips the body of an OSC, DCS, SOS, PM or APC when its end is there; else nothing, so that
/// an introducer alone does not swallow a mail.
fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    let mut ahead = chars.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{7}' | '\u{9c}' => {
                *chars = ahead;
                return;
            }
            ESC => {
                if ahead.next() == Some('\\') {
                    *chars = ahead;
                }
                return;
            }
            // Whatever else begins or cancels a sequence ends this one unfinished.
            '\u{18}' | '\u{1a}' | '\u{80}'..='\u{9f}' => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sequences_go_with_their_bodies() {
        assert_eq!(clean("a\u{1b}[31;1mred\u{1b}[0m b"), "ared b");
        assert_eq!(clean("x\u{1b}]0;title\u{7}y"), "xy");
        assert_eq!(
            clean("x\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\"),
            "xlink"
        );
        assert_eq!(clean("x\u{1b}P+q544e\u{1b}\\y"), "xy");
        assert_eq!(clean("x\u{9b}2Jy\u{9d}52;c;AA\u{9c}z"), "xyz");
        assert_eq!(clean("x\u{1b}(By\u{1b}cz"), "xyz");
    }

    #[test]
    fn an_unfinished_sequence_swallows_no_mail() {
        assert_eq!(clean("\u{1b}]0;Dear desk,\nmy box"), "0;Dear desk,\nmy box");
        assert_eq!(clean("\u{1b}["), "");
        assert_eq!(clean("\u{1b}"), "");
    }

    #[test]
    fn line_ends_become_newlines() {
        assert_eq!(clean("a\r\nb\rc\u{2028}d\u{85}e\tf"), "a\nb\nc\nd\ne\tf");
        assert_eq!(clean_line(" a\r\n b\t\tc \u{2029}"), "a b c");
    }

    #[test]
    fn words_and_emoji_stay() {
        let family = "👩\u{200d}👩\u{200d}👧 a\u{301} می\u{200c}خواهم ❤\u{fe0f} 안녕 日本";
        assert_eq!(clean(family), family);
        assert_eq!(clean("pay\u{202e}lap\u{ad}\u{e0041}\u{feff}"), "paylap");
    }

    #[test]
    fn towers_of_marks_are_cut() {
        let tower = format!("Z{}", "\u{301}".repeat(500));
        assert_eq!(clean(&tower).chars().count(), 9);
        assert_eq!(clean("\n\u{301}a"), "\na");
        assert_eq!(clean_line(" \u{301}a"), "a");
        let chain = "👩\u{200d}".repeat(1000);
        assert!(clean(&chain).matches(ZERO_WIDTH_JOINER).count() <= 1000);
    }

    #[test]
    fn many_beginnings_take_no_longer_than_their_length() {
        let hostile = "\u{1b}]".repeat(200_000) + &"\u{9d}a".repeat(200_000);
        assert!(clean(&hostile).len() <= 200_000);
    }

    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            "[ -~]{0,6}",
            prop::sample::select(vec![
                "\u{1b}[",
                "\u{1b}]",
                "\u{7}",
                "\u{1b}\\",
                "\u{9c}",
                "\u{9b}",
                "\u{90}",
                "\r\n",
                "\r",
                "\u{200d}",
                "\u{200c}",
                "\u{301}",
                "👩",
                "\u{fe0f}",
                "\t",
                " ",
                "\n",
                "\u{202e}",
                "\u{1161}",
                "\u{11a8}",
                "\u{600}",
                "क\u{94d}",
            ])
            .prop_map(String::from),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn nothing_forbidden_is_left_and_clean_stays_clean(text in nasty()) {
            let once = clean(&text);
            prop_assert!(!once.chars().any(is_forbidden));
            prop_assert_eq!(&clean(&once), &once);
            let line = clean_line(&text);
            prop_assert!(!line.contains(['\n', '\t']));
            prop_assert_eq!(&clean_line(&line), &line);
            prop_assert_eq!(&clean(&line), &line);
        }
    }
}
