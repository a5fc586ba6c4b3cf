//! How slow HTML would be to read: its tags are counted, nothing of it is understood.

use super::tags::{Tags, is_closed_by_itself};

/// 20,000 nested tags took the renderer 5.5 s, 256 take nothing.
const NESTING: usize = 256;
/// Tables in tables are measured again at each level.
const TABLE_NESTING: usize = 24;
/// Open `<font>`s are opened again in each paragraph: the product of both is what grows.
const REOPENED: usize = 200_000;

/// What makes HTML slow to read, counted without reading it.
#[derive(Default)]
pub(super) struct Shape {
    pub(super) tags: usize,
    deepest: usize,
    deepest_table: usize,
    reopened: usize,
    pub(super) style_bytes: usize,
}

impl Shape {
    pub(super) fn of(html: &str) -> Self {
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

    pub(super) const fn is_heavy(&self) -> bool {
        self.deepest > NESTING || self.deepest_table > TABLE_NESTING || self.reopened > REOPENED
    }
}
