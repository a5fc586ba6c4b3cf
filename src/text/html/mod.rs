//! HTML to readable text, within bounds.

mod shape;
mod strip;
mod tags;

use std::panic::catch_unwind;

use html2text::{config, render::RichAnnotation};

use self::{
    shape::Shape,
    strip::{entity, strip_tags},
};
use super::clean::{clean, clean_line};

/// HTML beyond this is not read: 0.5 MB of mail text is a book.
const HTML_BYTES: usize = 512 * 1024;
/// Paragraphs are not broken here but on the screen; this only keeps tables from running away.
const WIDTH: usize = 400;
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
