//! Subjects without what mail programs put before them.

/// Words before a colon that mean "an answer" or "passed on", in the languages of the big mail
/// programs.
const PREFIXES: [&str; 26] = [
    "re", "aw", "sv", "antw", "vs", "ref", "odp", "ynt", "rv", "rif", "r", "tr", "fw", "fwd", "wg",
    "vb", "i", "doorst", "enc", "res", "ang", "bls", "回复", "答复", "转发", "vá",
];

/// Takes prefixes such as `Re:`, `Fwd[2]:` and list tokens such as `[ilug]` off a subject.
pub(super) fn normal(subject: &str) -> String {
    let mut rest = subject.trim();
    loop {
        let before = rest;
        rest = without_prefix(rest).trim_start();
        rest = without_token(rest).trim_start();
        if rest == before {
            break;
        }
    }
    if rest.is_empty() {
        subject.trim().to_owned()
    } else {
        rest.to_owned()
    }
}

fn without_prefix(subject: &str) -> &str {
    let Some((word, rest)) = subject.split_once([':', '：']) else {
        return subject;
    };
    let bare = word
        .trim()
        .trim_end_matches(|c: char| "[]()^0123456789 ".contains(c));
    let is_prefix = PREFIXES.iter().any(|prefix| bare.to_lowercase() == *prefix);
    if is_prefix { rest } else { subject }
}

fn without_token(subject: &str) -> &str {
    let inside = subject
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'));
    match inside {
        Some((token, rest)) if !token.is_empty() && !rest.trim().is_empty() => rest,
        Some(_) | None => subject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_tokens_are_taken_off() {
        for (subject, bare) in [
            ("Re: Fwd: [ilug] RE: hello", "hello"),
            ("AW: Rechnung", "Rechnung"),
            ("Re[2]: x", "x"),
            ("Report: numbers", "Report: numbers"),
            ("[only]", "[only]"),
            ("Re:", "Re:"),
        ] {
            assert_eq!(normal(subject), bare);
        }
    }
}
