//! Where the person is in the side pane.

/// The side pane: how far it is scrolled.
#[derive(Debug, Default)]
pub struct Panel {
    /// Lines scrolled away.
    pub top: usize,
}

impl Panel {
    /// Scrolls by so many lines, at most to the last.
    pub fn scroll(&mut self, lines: isize, last: usize) {
        self.top = self.top.saturating_add_signed(lines).min(last);
    }
}
