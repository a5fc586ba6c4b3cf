//! HTML without its tags: for what would take the renderer too long.

use super::tags::Tags;

/// Returns the words between the tags: for HTML that is too much for the renderer.
pub(super) fn strip_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len() / 2);
    let mut tags = Tags(html);
    for tag in tags.by_ref() {
        text.push_str(&entities(tag.before));
        let name = tag.name.to_ascii_lowercase();
        if matches!(
            name.as_str(),
            "br" | "p"
                | "div"
                | "li"
                | "tr"
                | "table"
                | "blockquote"
                | "h1"
                | "h2"
                | "h3"
                | "h4"
                | "pre"
                | "ul"
        ) && !text.ends_with('\n')
        {
            text.push('\n');
        }
    }
    text.push_str(&entities(tags.0));
    text
}

fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let named = rest
            .bytes()
            .take(10)
            .position(|b| b == b';')
            .and_then(|end| Some((entity(rest.get(..end)?)?, rest.get(end + 1..)?)));
        match named {
            Some((c, tail)) => {
                out.push(c);
                rest = tail;
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    out
}

pub(super) fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            code.ok().and_then(char::from_u32)
        }
    }
}
