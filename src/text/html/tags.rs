//! The tags of a text, one after the other, whatever else it is.

/// Elements without an end tag, and those whose end tag people leave out.
pub(super) fn is_closed_by_itself(name: &str) -> bool {
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
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    pub(super) is_end: bool,
    pub(super) body_bytes: usize,
    pub(super) before: &'a str,
}

/// Walks over the tags of a text.
pub(super) struct Tags<'a>(pub(super) &'a str);

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
