//! Where the person is in the side pane and in the feed of all receipts.

use crate::domain::Receipt;

/// The side pane: how far it is scrolled.
#[derive(Debug, Default)]
pub struct Panel {
    /// Lines scrolled away.
    pub top: usize,
}

/// The receipts of all tickets, newest first.
#[derive(Debug, Default)]
pub struct Feed {
    /// What came; none while it is read.
    pub receipts: Option<Vec<(i64, Receipt)>>,
    /// The row under the cursor.
    pub cursor: usize,
    /// Whether the one under the cursor is shown whole.
    pub is_open: bool,
    /// Lines of it scrolled away.
    pub top: usize,
}

impl Panel {
    /// Scrolls by so many lines, at most to the last.
    pub fn scroll(&mut self, lines: isize, last: usize) {
        self.top = self.top.saturating_add_signed(lines).min(last);
    }
}

impl Feed {
    /// Moves the cursor, or scrolls the one that is open.
    pub fn move_by(&mut self, rows: isize) {
        if self.is_open {
            self.top = self.top.saturating_add_signed(rows);
            return;
        }
        let last = self
            .receipts
            .as_ref()
            .map_or(0, |all| all.len().saturating_sub(1));
        self.cursor = self.cursor.saturating_add_signed(rows).min(last);
    }

    /// Returns the receipt under the cursor.
    pub fn here(&self) -> Option<&(i64, Receipt)> {
        self.receipts.as_ref()?.get(self.cursor)
    }
}
