//! HTML to readable text, within bounds.

use std::panic::catch_unwind;

use html2text::{config, render::RichAnnotation};

use super::clean::{clean, clean_line};

/// HTML beyond this is not read: 0.5 MB of mail text is a book.
const HTML_BYTES: usize = 512 * 1024;
/// Paragraphs are not broken here but on the screen; this only keeps tables from running away.
const WIDTH: usize = 400;
/// 20,000 nested tags took the renderer 5.5 s, 256 take nothing.
const NESTING: usize = 256;
/// Tables in tables are measured again at each level.
const TABLE_NESTING: usize = 24;
/// Open `<font>`s are opened again in each paragraph: the product of both is what grows.
const REOPENED: usize = 200_000;
/// Style rules times elements, in bytes times tags.
const STYLE_WORK: usize = 40_000_000;
/// A link's address is shown whole up to here, beyond it only its host.
const ADDRESS_CHARS: usize = 60;

const CUT: &str = "\n[The rest of this HTML message is too long to show.]";

/// Returns the readable text of an HTML mail: no hidden text, no scripts, lists and quotes kept,
/// the address beside each link. Whatever is too large or too deep loses its layout, not its
/// words; the result is cleaned.
pub fn to_text(html: &str) -> String {
    let (html, is_cut) = bounded(html);
    // The renderer drops an escape character that is written as a number, and would leave the
    // rest of its sequence as words.
    let html = &clean(&with_controls_spelled(html));
    let shape = Shape::of(html);
    let rendered = if shape.is_heavy() {
        None
    } else {
        render(html, &shape)
    };
    let mut text = rendered.unwrap_or_else(|| strip_tags(html));
    if is_cut {
        text.push_str(CUT);
    }
    tidy(&clean(&text))
}

/// Writes control characters that stand as numbers (`&#27;`) as what they are.
fn with_controls_spelled(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("&#") {
        let (before, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(before);
        let end = tail.bytes().take(12).position(|b| b == b';');
        let control = end
            .and_then(|end| entity(tail.get(1..end)?))
            .filter(|c| c.is_control());
        if let (Some(c), Some(end)) = (control, end) {
            out.push(c);
            rest = tail.get(end + 1..).unwrap_or_default();
        } else {
            out.push_str("&#");
            rest = tail.get(2..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn bounded(html: &str) -> (&str, bool) {
    if html.len() <= HTML_BYTES {
        return (html, false);
    }
    let mut end = HTML_BYTES;
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    (html.get(..end).unwrap_or_default(), true)
}

fn render(html: &str, shape: &Shape) -> Option<String> {
    let wants_style = shape.style_bytes.saturating_mul(shape.tags) <= STYLE_WORK;
    // The renderer is foreign and young: a panic in it costs the layout of one mail, no import.
    catch_unwind(|| {
        let mut config = config::rich().no_table_borders();
        if wants_style {
            config = config.use_doc_css();
        }
        let lines = config.lines_from_read(html.as_bytes(), WIDTH).ok()?;
        let mut text = String::with_capacity(html.len() / 2);
        let mut link = Link::default();
        for line in lines {
            for span in line.tagged_strings() {
                let address = span.tag.iter().find_map(|tag| {
                    if let RichAnnotation::Link(address) = tag {
                        Some(address.as_str())
                    } else {
                        None
                    }
                });
                link.pass(address, &mut text);
                text.push_str(&span.s);
                link.said(&span.s, text.len());
            }
            text.push('\n');
        }
        link.pass(None, &mut text);
        Some(text)
    })
    .ok()
    .flatten()
}

/// The link under way.
#[derive(Default)]
struct Link {
    address: Option<String>,
    words: String,
    end: usize,
}

impl Link {
    /// Ends the link when another address, or none, comes next.
    fn pass(&mut self, next: Option<&str>, text: &mut String) {
        if self.address.as_deref() == next {
            return;
        }
        if let Some(note) = self
            .address
            .take()
            .and_then(|address| note(&address, &self.words))
        {
            text.insert_str(self.end.min(text.len()), &note);
        }
        self.address = next.map(str::to_owned);
        self.words.clear();
        self.end = text.len();
    }

    fn said(&mut self, words: &str, end: usize) {
        if self.address.is_some() && !words.trim().is_empty() {
            self.words.push_str(words);
            self.end = end - (words.len() - words.trim_end().len());
        }
    }
}

/// Returns what to write behind a link's words: where it really goes. Nothing for addresses that
/// are no place to go to, and where the words are the address.
fn note(address: &str, words: &str) -> Option<String> {
    let address = clean_line(address);
    let (scheme, rest) = address.split_once(':')?;
    let place = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.trim_start_matches('/'),
        "mailto" | "tel" => rest.split('?').next().unwrap_or_default(),
        _ => return None,
    };
    let shown = words.trim();
    let place = place.trim_end_matches('/');
    if shown.is_empty() || place.is_empty() || shown.contains(place) {
        return None;
    }
    if address.chars().count() <= ADDRESS_CHARS {
        let whole = if scheme.to_ascii_lowercase().starts_with("http") {
            &address
        } else {
            place
        };
        return Some(format!(" ({whole})"));
    }
    let host = place.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    let host: String = host.chars().take(ADDRESS_CHARS).collect();
    Some(format!(" ({host})"))
}

/// What makes HTML slow to read, counted without reading it.
#[derive(Default)]
struct Shape {
    tags: usize,
    deepest: usize,
    deepest_table: usize,
    reopened: usize,
    style_bytes: usize,
}

impl Shape {
    fn of(html: &str) -> Self {
        let mut shape = Self::default();
        let (mut depth, mut tables, mut inline) = (0_usize, 0_usize, 0_usize);
        for tag in Tags(html) {
            let name = tag.name.to_ascii_lowercase();
            if matches!(name.as_str(), "style" | "script") {
                shape.style_bytes += tag.body_bytes;
                continue;
            }
            shape.tags += 1;
            let is_table = name == "table";
            let is_inline = matches!(
                name.as_str(),
                "a" | "b"
                    | "big"
                    | "code"
                    | "em"
                    | "font"
                    | "i"
                    | "nobr"
                    | "s"
                    | "small"
                    | "span"
                    | "strike"
                    | "strong"
                    | "tt"
                    | "u"
            );
            if tag.is_end {
                depth = depth.saturating_sub(1);
                tables = tables.saturating_sub(usize::from(is_table));
                inline = inline.saturating_sub(usize::from(is_inline));
            } else if !is_closed_by_itself(&name) {
                depth += 1;
                tables += usize::from(is_table);
                inline += usize::from(is_inline);
            }
            shape.deepest = shape.deepest.max(depth);
            shape.deepest_table = shape.deepest_table.max(tables);
            shape.reopened = shape.reopened.saturating_add(inline);
        }
        shape
    }

    const fn is_heavy(&self) -> bool {
        self.deepest > NESTING || self.deepest_table > TABLE_NESTING || self.reopened > REOPENED
    }
}

/// Elements without an end tag, and those whose end tag people leave out.
fn is_closed_by_itself(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
            | "p"
            | "li"
            | "td"
            | "th"
            | "tr"
            | "option"
            | "dt"
            | "dd"
            | "tbody"
            | "thead"
            | "html"
            | "head"
            | "body"
    )
}

/// One tag, and what it swallows: `<style>`, `<script>` and comments have no tags inside.
struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    body_bytes: usize,
    before: &'a str,
}

/// Walks over the tags of a text.
struct Tags<'a>(&'a str);

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        let mut searched = 0;
        loop {
            let at = searched + self.0.get(searched..)?.find('<')?;
            let (before, tail) = self.0.split_at_checked(at)?;
            let after = tail.get(1..).unwrap_or_default();
            if let Some(comment) = after.strip_prefix("!--") {
                self.0 = comment
                    .find("-->")
                    .and_then(|end| comment.get(end + 3..))
                    .unwrap_or_default();
                return Some(Tag {
                    name: "!",
                    is_end: true,
                    body_bytes: 0,
                    before,
                });
            }
            let (is_end, named) = after
                .strip_prefix('/')
                .map_or((false, after), |named| (true, named));
            let length = named
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-'))
                .count();
            let is_other = after.starts_with(['!', '?']);
            if length == 0 && !is_other {
                searched = at + 1;
                continue;
            }
            let name = if is_other {
                "!"
            } else {
                named.get(..length).unwrap_or_default()
            };
            let rest = named
                .find('>')
                .and_then(|end| named.get(end + 1..))
                .unwrap_or_default();
            let body = if is_end { 0 } else { swallowed(name, rest) };
            self.0 = rest.get(body..).unwrap_or_default();
            return Some(Tag {
                name,
                is_end: is_end || is_other,
                body_bytes: body,
                before,
            });
        }
    }
}

/// Returns how many bytes after a start tag are no HTML.
fn swallowed(name: &str, rest: &str) -> usize {
    let end = if name.eq_ignore_ascii_case("style") {
        "</style"
    } else if name.eq_ignore_ascii_case("script") {
        "</script"
    } else if name.eq_ignore_ascii_case("title") {
        "</title"
    } else {
        return 0;
    };
    rest.as_bytes()
        .windows(end.len())
        .position(|bytes| bytes.eq_ignore_ascii_case(end.as_bytes()))
        .unwrap_or(rest.len())
}

/// Returns the words between the tags: for HTML that is too much for the renderer.
fn strip_tags(html: &str) -> String {
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

fn entity(name: &str) -> Option<char> {
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

/// Cuts blanks at the ends of lines, runs of blank lines, and rules as wide as the page.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = 0;
    for line in text.lines() {
        let line = line.trim_end_matches([' ', '\t', '\u{a0}']);
        if line.is_empty() {
            blank += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if blank > 0 { "\n\n" } else { "\n" });
        }
        blank = 0;
        let is_rule = line.len() > 60 && line.chars().all(|c| matches!(c, '─' | '-' | '_' | '━'));
        out.push_str(if is_rule {
            "────────────────────"
        } else {
            line
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::clean::is_forbidden;

    #[test]
    fn words_stay_and_hidden_ones_go() {
        let text = to_text(
            "<html><head><style>.x{display:none}</style></head><body><div class=x>hidden</div>\
             <p>Hello <b>Maya</b>,</p><ul><li>one</li><li>two</li></ul>\
             <blockquote>earlier</blockquote><script>evil()</script>&#27;[31mred</body></html>",
        );

        assert_eq!(text, "Hello Maya,\n* one\n* two\n\n> earlier\n\nred");
    }

    #[test]
    fn a_link_says_where_it_goes() {
        assert_eq!(
            to_text(r#"<a href="https://evil.example/x">your bank</a>"#),
            "your bank (https://evil.example/x)"
        );
        assert_eq!(
            to_text(r#"<a href="https://a.example/">a.example</a>"#),
            "a.example"
        );
        assert_eq!(
            to_text(r#"<a href="javascript:alert(1)">click</a>"#),
            "click"
        );
        let long = format!(
            r#"<a href="https://t.example/{}">track</a>."#,
            "x".repeat(90)
        );
        assert_eq!(to_text(&long), "track (t.example).");
    }

    #[test]
    fn what_is_too_deep_or_too_large_keeps_its_words() {
        let deep = format!(
            "{}core &amp; more{}",
            "<div>".repeat(20_000),
            "</div>".repeat(20_000)
        );
        assert_eq!(to_text(&deep), "core & more");
        let fonts = (0..250)
            .map(|n| format!("<font size={n}>"))
            .collect::<Vec<_>>()
            .concat();
        let reopened = format!("{fonts}{}end", "<p>x".repeat(40_000));
        assert!(to_text(&reopened).ends_with("end"));
        let large = format!("<p>{}</p>", "word ".repeat(200_000));
        assert!(to_text(&large).ends_with("too long to show.]"));
    }

    proptest! {
        #[test]
        fn any_html_is_read_and_clean(
            parts in prop::collection::vec(prop_oneof![
                "\\PC{0,6}",
                prop::sample::select(vec![
                    "<div>", "</div>", "<table>", "<tr>", "<td colspan=9>", "</table>", "<p>", "<a href=x:y>",
                    "<a href='http://h/'>", "</a>", "<!--", "-->", "<style>", "</style>", "&#27;", "&#x202e;",
                    "<pre>", "<br", "<li>", "<ol start=9>", "<", ">", "<b style='display:none'>",
                ]).prop_map(str::to_owned),
            ], 0..40)
        ) {
            let text = to_text(&parts.concat());
            prop_assert!(!text.chars().any(is_forbidden));
        }
    }
}
