//! Takes out of foreign text what could move a cursor or pose as something else.
//!
//! Gone are C0 and C1 control characters and DEL, marks that turn the direction of text, the byte
//! order mark, and tag characters. Joiners stay: emoji and Persian need them.

use std::borrow::Cow;

/// Cleans a text of several lines; line breaks and tabs stay. Whatever its writer used as a line
/// break (`\r\n`, a lone `\r`, U+2028, U+2029, NEL) becomes `\n`.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\r' | '\u{2028}' | '\u{2029}' | '\u{85}' => cleaned.push('\n'),
            '\n' | '\t' => cleaned.push(c),
            c if is_unsafe(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// Cleans a text that must stay on one line, such as a subject or a name: a break or a tab in it
/// becomes a space.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let is_break = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{85}');
    if !text.chars().any(|c| is_break(c) || is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().filter(|&c| is_break(c) || !is_unsafe(c));
    Cow::Owned(kept.map(|c| if is_break(c) { ' ' } else { c }).collect())
}

/// Tells whether a character must not reach a terminal.
pub const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_is_left() {
        for c in '\0'..='\u{10ffff}' {
            let kept = clean(&c.to_string());
            assert!(
                kept.chars()
                    .all(|c| c == '\n' || c == '\t' || !is_unsafe(c)),
                "{:x}",
                c as u32
            );
            assert!(
                !clean_line(&c.to_string()).chars().any(is_unsafe),
                "{:x}",
                c as u32
            );
        }
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(clean("a\r\nb\rc\u{2028}d\te"), "a\nb\nc\nd\te");
        assert_eq!(clean_line("a\r\nb\u{1b}[31m\tc"), "a  b[31m c");
        assert_eq!(clean_line("日本 👨‍👩‍👧 می‌خواهم"), "日本 👨‍👩‍👧 می‌خواهم");
    }
}
