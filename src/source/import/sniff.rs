//! The first bytes of a file, judged: whose words are these?

use std::collections::BTreeSet;

use super::{csv, kind::Kind};

/// Names deeper than this say nothing about whose file it is.
const DEEPEST: usize = 5;

/// Judges a file by its beginning.
pub(super) fn kind(beginning: &[u8]) -> Kind {
    let start = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let mut letters = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    let is_json = match letters.next() {
        Some(b'{') => matches!(letters.next(), Some(b'"' | b'}')),
        Some(b'[') => matches!(letters.next(), Some(b'{')),
        Some(_) | None => false,
    };
    if is_json {
        return json_kind(&names(start));
    }
    if csv::is_table(beginning) {
        return Kind::Csv;
    }
    Kind::Mail
}

fn json_kind(names: &Names) -> Kind {
    let has = |name: &str| names.all.contains(name);
    let on_top = |name: &str| names.top.contains(name);
    if on_top("ticket") && (on_top("transactions") || on_top("attachments"))
        || on_top("Requestor")
        || on_top("Requestors") && on_top("Queue")
    {
        Kind::Rt
    } else if (on_top("data") || on_top("payload") || on_top("inbox_id")) && has("inbox_id") {
        Kind::Chatwoot
    } else if on_top("tickets") || on_top("requester_id") || on_top("raw_subject") {
        Kind::Zendesk
    } else {
        Kind::Jsonl
    }
}

/// The names of fields in the beginning of a JSON text.
struct Names {
    /// Of the outermost object, or of those in the outermost list.
    top: BTreeSet<String>,
    all: BTreeSet<String>,
}

/// Reads names without reading values: the text may end anywhere.
fn names(text: &[u8]) -> Names {
    let mut names = Names {
        top: BTreeSet::new(),
        all: BTreeSet::new(),
    };
    let is_list = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let top = if is_list { 2 } else { 1 };
    let mut depth = 0_usize;
    let mut rest = text.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let mut name = Vec::new();
                while let Some(byte) = rest.next() {
                    match byte {
                        b'\\' => {
                            rest.next();
                        }
                        b'"' => break,
                        byte => name.push(byte),
                    }
                }
                while rest.peek().is_some_and(u8::is_ascii_whitespace) {
                    rest.next();
                }
                if rest.peek() == Some(&b':') && depth <= DEEPEST {
                    let name = String::from_utf8_lossy(&name).into_owned();
                    if depth == top {
                        names.top.insert(name.clone());
                    }
                    names.all.insert(name);
                }
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_file_say_whose_it_is() {
        for (text, expected) in [
            (r#"{"id": 7, "messages": []}"#, Kind::Jsonl),
            (
                r#"{"tickets": [{"id": 7, "requester_id": 1}], "count": 1}"#,
                Kind::Zendesk,
            ),
            (
                r#"[{"id": 7, "raw_subject": "x", "comments": []}]"#,
                Kind::Zendesk,
            ),
            (
                r#"{"data": {"meta": {}, "payload": [{"id": 1, "inbox_id": 2}]}}"#,
                Kind::Chatwoot,
            ),
            (r#"{"payload": [{"inbox_id": 2, "id": 1}]}"#, Kind::Chatwoot),
            (
                r#"{"ticket": {"id": 1}, "transactions": [], "attachments": []}"#,
                Kind::Rt,
            ),
            (
                "ticket_id,subject,body\r\n1,Late,Where is it?\r\n",
                Kind::Csv,
            ),
            ("Subject: Where, please, is it\n\nHello", Kind::Mail),
            ("Hello, my subject, please answer\nsoon", Kind::Mail),
            (
                "From a@b.test Mon Sep  1 12:00:00 2025\nSubject: x\n\nhi",
                Kind::Mail,
            ),
        ] {
            assert_eq!(kind(text.as_bytes()), expected, "{text}");
        }
    }
}
