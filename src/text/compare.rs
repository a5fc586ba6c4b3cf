//! Two texts beside one another: what stayed, what went, what came.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};
use unicode_segmentation::UnicodeSegmentation;

/// Texts that have little in common are not searched for longer: what is found then is whole, but may
/// name more than was changed.
const LIMIT: Duration = Duration::from_millis(200);

/// Whose a part of two texts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It stands in both.
    Both,
    /// It stands in the first alone.
    Old,
    /// It stands in the second alone.
    New,
}

/// A piece of two texts: sentences of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Whose it is.
    pub side: Side,
    /// The words, without an end of line.
    pub text: String,
}

/// Compares two texts sentence by sentence: letters are prose, and a paragraph is one long line.
pub fn compare(old: &str, new: &str) -> Vec<Part> {
    let (old, new) = (sentences(old), sentences(new));
    let [old, new] = [&old, &new].map(|text| text.iter().map(String::as_str).collect::<Vec<_>>());
    let mut parts: Vec<Part> = Vec::new();
    let mut is_open = false;
    let mut differing = TextDiff::configure();
    differing.timeout(LIMIT);
    for change in differing.diff_slices(&old, &new).iter_all_changes() {
        let side = match change.tag() {
            ChangeTag::Equal => Side::Both,
            ChangeTag::Delete => Side::Old,
            ChangeTag::Insert => Side::New,
        };
        let text = change.value();
        let words = text.trim_end_matches(['\n', '\r']);
        match parts.last_mut() {
            Some(last) if is_open && last.side == side => last.text.push_str(words),
            Some(_) | None => parts.push(Part {
                side,
                text: words.to_owned(),
            }),
        }
        is_open = !text.ends_with('\n');
    }
    for part in &mut parts {
        part.text.truncate(part.text.trim_end().len());
    }
    parts
}

/// Parts a text into sentences, each with the space behind it; a line's last one ends the line. The
/// last line ends as the others do, so that it is the same wherever it stands.
fn sentences(text: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for line in text.trim_end().lines() {
        let mut of_line: Vec<String> = line.split_sentence_bounds().map(str::to_owned).collect();
        match of_line.last_mut() {
            Some(last) => last.push('\n'),
            None => of_line.push("\n".to_owned()),
        }
        parts.extend(of_line);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> Vec<String> {
        let mark = |part: &Part| match part.side {
            Side::Both => format!("  {}", part.text),
            Side::Old => format!("- {}", part.text),
            Side::New => format!("+ {}", part.text),
        };
        compare(old, new).iter().map(mark).collect()
    }

    #[test]
    fn a_changed_sentence_stands_beside_what_it_was() {
        let old = "Hi Maya,\n\nThe refund comes today. It takes 5 days. Sorry!\n\nNoor";
        let new = "Hi Maya,\n\nThe refund comes today. It takes 7 days. Sorry!\n\nNoor\n";

        assert_eq!(
            shown(old, new),
            [
                "  Hi Maya,",
                "  ",
                "  The refund comes today.",
                "- It takes 5 days.",
                "+ It takes 7 days.",
                "  Sorry!",
                "  ",
                "  Noor",
            ]
        );
        assert_eq!(shown("", "New."), ["+ New."]);
        assert_eq!(shown("a b", "a b"), ["  a b"]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_out_of_the_parts(old in "[ab. \\n]{0,60}", new in "[ab. \\n]{0,60}") {
            let words = |text: &str| text.split_whitespace().collect::<String>();
            let of = |side: Side| {
                let parts = compare(&old, &new).into_iter();
                let parts = parts.filter(|part| part.side == Side::Both || part.side == side);
                parts.map(|part| part.text).collect::<String>()
            };

            prop_assert_eq!(words(&of(Side::Old)), words(&old));
            prop_assert_eq!(words(&of(Side::New)), words(&new));
        }
    }
}
