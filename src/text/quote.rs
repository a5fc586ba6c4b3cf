//! Takes a mail apart: what is new, what is quoted history, what is signature.

use super::marks::{FROM, HEADERS, ORIGINAL, SENT_FROM, WROTE};

/// A mail's text in its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What is new in it; the whole text where nothing else would be left.
    pub clean: String,
    /// The history it carries along.
    pub quoted: Option<String>,
    /// How its writer signs.
    pub signature: Option<String>,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    New,
    Quoted,
    Signature,
}

/// An announcement such as "On ... wrote:" is broken over this many lines at most.
const ATTRIBUTION_LINES: usize = 4;
/// Longer lines are no announcements.
const ATTRIBUTION_CHARS: usize = 400;
/// A signature has this many lines at most; what is longer is text after a line of dashes.
const SIGNATURE_LINES: usize = 20;

/// Returns the parts of a mail's text.
pub fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let mut parts = vec![Part::New; lines.len()];
    mark_history(&lines, &mut parts);
    mark_signature(&lines, &mut parts);
    let take = |wanted: Part| {
        let kept = lines
            .iter()
            .zip(&parts)
            .filter(|(_, part)| **part == wanted);
        let kept: Vec<&str> = kept.map(|(line, _)| *line).collect();
        trimmed(&kept)
    };
    let clean = take(Part::New);
    if clean.is_empty() {
        return Split {
            clean: trimmed(&lines),
            quoted: None,
            signature: None,
        };
    }
    let some = |text: String| if text.is_empty() { None } else { Some(text) };
    Split {
        clean,
        quoted: some(take(Part::Quoted)),
        signature: some(take(Part::Signature)),
    }
}

/// Joins lines without blank ones at the ends and without runs of them.
fn trimmed(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut blank = 0;
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(match blank {
                0 => "\n",
                1 => "\n\n",
                _ => "\n\n\n",
            });
        }
        blank = 0;
        text.push_str(line);
    }
    text
}

fn mark_history(lines: &[&str], parts: &mut [Part]) {
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        if is_quoted(line) {
            set(parts, at, 1, Part::Quoted);
            at += 1;
            continue;
        }
        let rest = lines.get(at..).unwrap_or_default();
        if begins_history(rest) {
            set(parts, at, rest.len(), Part::Quoted);
            return;
        }
        let Some(length) = attribution(rest) else {
            at += 1;
            continue;
        };
        let after = rest.get(length..).unwrap_or_default();
        let next = after.iter().find(|line| !line.trim().is_empty());
        if next.is_some_and(|next| is_quoted(next)) {
            set(parts, at, length, Part::Quoted);
            at += length;
        } else {
            // No marks: everything below is history.
            set(parts, at, rest.len(), Part::Quoted);
            return;
        }
    }
}

fn set(parts: &mut [Part], from: usize, length: usize, part: Part) {
    for slot in parts.iter_mut().skip(from).take(length) {
        *slot = part;
    }
}

fn is_quoted(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('>') || line.starts_with("| ") || line.trim_end() == "|"
}

/// Tells whether everything from here on is history: a line of dashes with "original message", or
/// a block of headers.
fn begins_history(rest: &[&str]) -> bool {
    let Some(first) = rest.first() else {
        return false;
    };
    let bare = first.trim().trim_matches(['*', ' ']);
    let words = bare
        .trim_matches(['-', '_', '=', ' ', '\u{2014}'])
        .trim_end_matches(':');
    if words.len() < bare.len() && words.chars().count() < 60 {
        let words = words.trim().to_lowercase().replace('\u{2019}', "'");
        if ORIGINAL.iter().any(|original| words == *original) {
            return true;
        }
    }
    is_header_block(rest)
}

/// "From: ... Sent: ... To: ...": the first line names the writer, two more headers follow.
fn is_header_block(rest: &[&str]) -> bool {
    let Some((name, value)) = rest.first().and_then(|line| header(line)) else {
        return false;
    };
    let filled = rest.iter().skip(1).filter(|line| !line.trim().is_empty());
    if value.is_empty() || !FROM.contains(&name.as_str()) {
        return false;
    }
    let follow = filled
        .take(5)
        .filter_map(|line| header(line))
        .filter(|(name, _)| HEADERS.contains(&name.as_str()))
        .count();
    follow >= 2
}

fn header(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.trim().split_once([':', '：'])?;
    if name.chars().count() > 20 {
        return None;
    }
    let name = name.trim_matches(['*', ' ', '\u{a0}']).to_lowercase();
    Some((name, value.trim_matches(['*', ' '])))
}

/// Returns how many lines announce a quotation: "On ..., Maya wrote:".
fn attribution(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?.trim();
    if first.is_empty() || first.chars().count() > ATTRIBUTION_CHARS {
        return None;
    }
    let mut joined = String::new();
    for (count, line) in rest.iter().take(ATTRIBUTION_LINES).enumerate() {
        let line = line.trim();
        if line.is_empty() || (is_quoted(line) && line != ">:") || joined.len() > ATTRIBUTION_CHARS
        {
            return None;
        }
        if !joined.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
        if says_wrote(&joined) {
            return Some(count + 1);
        }
        // Only a line that begins like an announcement may go on in the next.
        if count == 0 && !begins_like_attribution(line) {
            return None;
        }
    }
    None
}

fn begins_like_attribution(line: &str) -> bool {
    const BEGINS: [&str; 15] = [
        "on ", "am ", "le ", "el ", "il ", "op ", "den ", "em ", "w dniu", "dnia", "în ", "pe ",
        "vào", "в ", "ma ",
    ];
    let lower = line.to_lowercase();
    BEGINS.iter().any(|begin| lower.starts_with(begin))
        || line.contains('@')
        || line.starts_with(|c: char| c.is_ascii_digit())
}

fn says_wrote(text: &str) -> bool {
    let end = text.trim_end_matches(['*', ' ']);
    if is_dated_address(end) || (end.starts_with("----") && end.ends_with("wrote ----")) {
        return true;
    }
    let Some(said) = end.strip_suffix([':', '：']) else {
        return false;
    };
    let said = said
        .trim_end_matches([' ', '\u{a0}', '\u{202f}', '*'])
        .to_lowercase();
    let names_somebody = said.contains('@')
        || said.chars().any(|c| c.is_ascii_digit())
        || said.contains('"')
        || said.contains("via ");
    let near_the_end = |verb: &&str| {
        said.rfind(*verb).is_some_and(|at| {
            let tail = said.get(at + verb.len()..).unwrap_or_default();
            // "schrieb Maya <maya@...>:" puts the name behind the verb.
            tail.is_empty()
                || (tail.starts_with(' ') && names_somebody && begins_like_attribution(&said))
        })
    };
    WROTE.iter().any(near_the_end) && (names_somebody || said.chars().count() < 60)
}

/// "2016-10-24 15:36 GMT+02:00 Maya <maya@x.example>:", as older Gmail writes it.
fn is_dated_address(text: &str) -> bool {
    let date: String = text.chars().take(5).collect();
    let is_dated = date.len() == 5
        && date.ends_with(['-', '/'])
        && date.chars().take(4).all(|c| c.is_ascii_digit());
    is_dated
        && text.contains('@')
        && text.contains('<')
        && text.trim_end_matches(':').ends_with('>')
}

fn mark_signature(lines: &[&str], parts: &mut [Part]) {
    for (line, part) in lines.iter().zip(parts.iter_mut()) {
        if *part == Part::New && is_sent_from(line) {
            *part = Part::Signature;
        }
    }
    let fresh: Vec<usize> = (0..lines.len())
        .filter(|&at| parts.get(at) == Some(&Part::New))
        .collect();
    let line = |at: usize| lines.get(at).copied().unwrap_or_default();
    let begins = fresh.iter().enumerate().find_map(|(place, &at)| {
        let is_exact = line(at) == "-- ";
        let is_dashes = matches!(line(at).trim_end(), "--" | "\u{2014}" | "-- *" | "__");
        if is_exact {
            return Some(place);
        }
        if !is_dashes && !is_rule(line(at)) {
            return None;
        }
        let after = fresh.iter().skip(place + 1).map(|&at| line(at));
        let filled: Vec<&str> = after
            .filter(|line| !line.trim().is_empty())
            .take(SIGNATURE_LINES + 1)
            .collect();
        let is_list_foot = filled.iter().take(2).any(|line| is_list_word(line));
        ((is_dashes || is_list_foot) && filled.len() <= SIGNATURE_LINES).then_some(place)
    });
    let Some(place) = begins else {
        return;
    };
    for at in fresh.into_iter().skip(place) {
        set(parts, at, 1, Part::Signature);
    }
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 20 && line.bytes().all(|b| matches!(b, b'_' | b'-' | b'='))
}

fn is_list_word(line: &str) -> bool {
    let line = line.to_lowercase();
    line.contains("mailing list") || line.contains("unsubscribe") || line.contains("subscription")
}

fn is_sent_from(line: &str) -> bool {
    let line = line.trim().trim_start_matches(['*', '[', '(', '_']);
    if line.is_empty() || line.chars().count() > 120 {
        return false;
    }
    let lower = line.to_lowercase();
    SENT_FROM.iter().any(|begin| lower.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _, path::Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_common_shapes_come_apart() {
        for (text, clean) in [
            (
                "Thanks!\n\nOn Fri, 20 Nov 2026, Maya <m@x.example> wrote:\n> hello\n> there",
                "Thanks!",
            ),
            (
                "Danke.\n\nAm 20.11.2026 um 10:00 schrieb Maya <m@x.example>:\n> hallo",
                "Danke.",
            ),
            ("Ok\n\n-----Original Message-----\nFrom: a\nbody", "Ok"),
            (
                "Ok\n\nFrom: Maya\nSent: Friday\nTo: Support\nSubject: x\n\nbody",
                "Ok",
            ),
            ("Hi\n-- \nMaya\nACME", "Hi"),
            ("Hi\n\nSent from my iPhone", "Hi"),
            ("> one\nyes\n> two\nno", "yes\nno"),
            (
                "We wrote: nothing happened\nreally",
                "We wrote: nothing happened\nreally",
            ),
            ("> only quoted", "> only quoted"),
        ] {
            assert_eq!(split(text).clean, clean, "{text}");
        }
    }

    /// Measured on the pairs of the corpus; the floor is what it reaches today.
    #[test]
    fn most_real_replies_come_apart_as_people_would_do_it() {
        const FLOOR_PERCENT: usize = 79;
        let root = std::env::var_os("DESKHAND_CORPUS").map_or_else(
            || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")).to_owned(),
            Into::into,
        );
        let folder = root.join("replies/shared/email-reply-trimmer");
        let Ok(files) = fs::read_dir(&folder) else {
            drop(writeln!(
                std::io::stderr(),
                "corpus absent: 1 tests not run"
            ));
            return;
        };
        let mut wrong = Vec::new();
        let mut pairs = 0;
        for file in files {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(case) = name.strip_prefix("trimmed__") else {
                continue;
            };
            let Ok(whole) = fs::read_to_string(folder.join(format!("emails__{case}"))) else {
                continue;
            };
            let want = fs::read_to_string(&path).unwrap();
            let got = split(&crate::text::clean::clean(&whole)).clean;
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            pairs += 1;
            if words(&got) != words(&want) {
                wrong.push(case.to_owned());
            }
        }
        let agree = (pairs - wrong.len()) * 100 / pairs;
        assert!(
            agree >= FLOOR_PERCENT,
            "{agree} % of {pairs} agree; not {wrong:?}"
        );
    }

    proptest! {
        #[test]
        fn no_line_is_lost(text in "(\\PC{0,20}\n|> x\n|-- \n|On 1 a@b wrote:\n|From: x\n|\n){0,20}") {
            let parts = split(&text);
            let count = |text: &str| text.split_whitespace().count();
            let all = count(&parts.clean)
                + parts.quoted.as_deref().map_or(0, count)
                + parts.signature.as_deref().map_or(0, count);
            prop_assert_eq!(all, count(&text));
        }
    }
}
